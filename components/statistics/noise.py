"""The noise of a judge: how far its own readings of one and the same post lie apart, and what differences that hides.

Read: readings of one aspect, (repeats, posts), NaN where one failed. Needed: numpy and scipy.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike

from components.statistics.agreement import table_of
from components.statistics.agreement_forms import Form
from components.statistics.estimate import Estimate, over_forms
from components.statistics.means import RESAMPLES, SEED
from components.statistics.resampling import LEVEL, Floats


@dataclass(frozen=True, slots=True)
class NoiseFloor:
    """`sd`: the standard deviation of readings within a post, with its interval over the `sd.n` posts that were read
    twice or more; `spare`: readings beyond the first, of which it is made (its degrees of freedom); `t`: how many
    standard errors of a difference noise alone reaches in 95 % of cases.

    Only the judge's own noise is in it: a difference above the floor is more than re-reading the same posts would give,
    not yet more than other posts would give. That is what the interval of a paired difference says.
    """

    sd: Estimate
    spare: int
    t: float | None

    def of_posts(self, readings: int = 1, other_readings: int | None = None) -> float | None:
        """The smallest difference of two posts, each the mean of so many readings, that exceeds the noise: for single
        ones the repeatability coefficient of Bland and Altman (1986), 2.77 sd, with Student's t for a measured sd."""
        return self.of_means(1, 1, readings, other_readings)

    def of_means(
        self, posts: int, other_posts: int, readings: float = 1, other_readings: float | None = None
    ) -> float | None:
        """The smallest difference of two means over so many posts each that exceeds the noise of reading them."""
        if self.sd.value is None or self.t is None or min(posts, other_posts) < 1:
            return None
        other = readings if other_readings is None else other_readings
        return self.t * self.sd.value * sqrt(1 / (posts * readings) + 1 / (other_posts * other))


def noise_floor(readings: ArrayLike, resamples: int = RESAMPLES, seed: int = SEED) -> NoiseFloor:
    """The pooled standard deviation within posts, and the floors that follow; None where no post was read twice."""
    table = table_of(readings)
    return floor_of(table, over_forms({"sd": spread(table)}, resamples, seed)["sd"])


def floor_of(readings: Floats, sd: Estimate) -> NoiseFloor:
    """The same, where `sd` (of `spread`) is estimated already."""
    known = (~np.isnan(readings)).sum(0)
    spare = int(np.maximum(known - 1, 0).sum())
    if not spare:
        return NoiseFloor(sd, 0, None)
    from scipy.special import stdtrit

    return NoiseFloor(sd, spare, float(stdtrit(spare, (1 + LEVEL) / 2)))


def differs(difference: float | None, floor: float | None) -> bool | None:
    """Whether a difference is more than the judge's noise; None where either is unknown."""
    return None if difference is None or floor is None else abs(difference) > floor


def spread(table: Floats) -> Form:
    """The standard deviation within posts: the root of the sum of squared deviations from each post's mean over the sum
    of its readings less one, of the posts with two readings or more."""
    known = ~np.isnan(table)
    m = known.sum(0)
    units = m >= 2
    sums = np.where(known, table, 0.0)[:, units].sum(0)
    centred = np.where(known[:, units], table[:, units] - sums / m[units], 0.0)
    squares, free = (centred**2).sum(0), (m[units] - 1).astype(np.float64)

    def score(weights: Floats) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore"):
            sd: Floats = np.sqrt((weights @ squares) / (weights @ free))
        return sd

    return Form(score, units)
