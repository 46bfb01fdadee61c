"""Statistics that say how sure they are: agreement, noise, paired comparisons, rankings, drift, calibration.

Pure functions of numbers; they know no table and no report. The same numbers give the same result, to the last bit.
"""

from components.statistics.agreement import icc2, icc2k, kendall_w, krippendorff_alpha, weighted_kappa, within_one
from components.statistics.bradley_terry import Duel, Strength, bradley_terry, cycles, rank
from components.statistics.calibration import Isotonic, isotonic
from components.statistics.drift import Cusum, cusum
from components.statistics.estimate import Estimate, over_units
from components.statistics.means import Mean, bounds, mean_with_interval
from components.statistics.noise import NoiseFloor, differs, noise_floor
from components.statistics.paired import Paired, paired, win_rate
from components.statistics.resampling import bootstrap, holm, interval, two_sided_p

__all__ = [
    "Cusum",
    "Duel",
    "Estimate",
    "Isotonic",
    "Mean",
    "NoiseFloor",
    "Paired",
    "Strength",
    "bootstrap",
    "bounds",
    "bradley_terry",
    "cusum",
    "cycles",
    "differs",
    "holm",
    "icc2",
    "icc2k",
    "interval",
    "isotonic",
    "kendall_w",
    "krippendorff_alpha",
    "mean_with_interval",
    "noise_floor",
    "over_units",
    "paired",
    "rank",
    "two_sided_p",
    "weighted_kappa",
    "win_rate",
    "within_one",
]
