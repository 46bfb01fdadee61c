"""Agreement statistics as functions of weights on the units, so that a bootstrap is a few matrix products.

Read: ratings (raters, units), NaN where a rater did not rate. Needed: numpy. A `Form` is a statistic (see
`resampling.py`) and which units it counts; weights are over those units, in their order. NaN: not defined there.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from components.statistics.resampling import Floats, Statistic

Level = Literal["nominal", "ordinal", "interval"]
Weighting = Literal["quadratic", "linear", "none"]
DENSE = 64
"""Different values up to which the table of units and values is a dense one: faster for scales, not for measures."""


@dataclass(frozen=True, slots=True)
class Form:
    """`statistic`: weights (r, n) -> (r,); `units`: (all units,) which n of them it is about; `is_share`: a share is
    not certain even where all units agree."""

    statistic: Statistic
    units: NDArray[np.bool_]
    is_share: bool = False


def alpha(ratings: Floats, level: Level = "interval") -> Form:
    """Krippendorff's alpha: 1 - observed / expected disagreement, over the units with two ratings or more.

    The observed one is the sum over units of the squared differences of all ordered pairs of ratings, divided by (the
    unit's ratings - 1); the expected one is the same of all those ratings as one unit (Krippendorff 2011, section F).
    Nominal differences are 0 or 1, interval ones those of the values, ordinal ones those of the values' mid-ranks among
    all ratings of the sample: n_g summed from c to k less half of both ends is the difference of two mid-ranks.
    """
    from scipy.sparse import csr_array

    units = (~np.isnan(ratings)).sum(0) >= 2
    table = ratings[:, units].T
    known = ~np.isnan(table)
    m = known.sum(1).astype(np.float64)
    values, place = np.unique(table[known], return_inverse=True)
    counts = csr_array((np.ones(len(place)), (np.nonzero(known)[0], place)), shape=(len(table), len(values)))
    counts = counts.toarray() if len(values) <= DENSE else counts
    centred = np.where(known, table - (values.mean() if len(values) else 0.0), 0.0)
    numbers = centred.sum(1)[None], (centred**2).sum(1)[None]

    def score(weights: Floats) -> Floats:
        n = weights @ m
        held = weights @ counts
        if level == "nominal":
            observed = weights @ ((m**2 - (counts * counts).sum(1)) / (m - 1))
            expected = n**2 - (held**2).sum(1)
        else:
            if level == "interval":
                sums, squares = numbers
            else:
                ranks = np.cumsum(held, axis=1) - held / 2 - n[:, None] / 2
                sums, squares = ranks @ counts.T, ranks**2 @ counts.T
            observed = (weights * (2 * (m * squares - sums**2) / (m - 1))).sum(1)
            expected = 2 * (n * (weights * squares).sum(1) - (weights * sums).sum(1) ** 2)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(expected > 1e-9 * n, 1 - observed * (n - 1) / expected, np.nan)

    return Form(score, units)


def _complete(ratings: Floats) -> NDArray[np.bool_]:
    """(units,) those that every rater rated."""
    complete: NDArray[np.bool_] = (~np.isnan(ratings)).sum(0) == max(1, len(ratings))
    return complete


def icc(ratings: Floats, average: bool = False) -> Form:
    """ICC(2,1), or ICC(2,k) for the mean of the raters (Shrout and Fleiss 1979): two-way random effects, absolute
    agreement. Over the units that every rater rated."""
    units = _complete(ratings)
    table = ratings[:, units].T
    k = table.shape[1]
    table = table - (table.mean() if table.size else 0.0)
    of_unit, squares = table.sum(1) / max(1, k), (table**2).sum(1)

    def score(weights: Floats) -> Floats:
        n = weights.sum(1)
        with np.errstate(divide="ignore", invalid="ignore"):
            of_rater = weights @ table / n[:, None]
            grand = of_rater.mean(1)
            units_sum = k * (weights @ of_unit**2 - n * grand**2)
            raters_sum = n * ((of_rater - grand[:, None]) ** 2).sum(1)
            rest = weights @ squares - n * k * grand**2 - units_sum - raters_sum
            of_units, of_raters = units_sum / (n - 1), raters_sum / (k - 1)
            error = np.maximum(rest, 0.0) / ((n - 1) * (k - 1))
            shift = (of_raters - error) / n
            below = of_units + shift if average else of_units + (k - 1) * error + k * shift
            return np.where(units_sum > 1e-12 * np.maximum(n, 1.0), (of_units - error) / below, np.nan)

    return Form(score, units)


def kappa(ratings: Floats, weights: Weighting = "quadratic") -> Form:
    """Cohen's kappa of two raters (1960; weighted 1968), over the units that both rated: 1 - observed / expected
    disagreement. A disagreement weighs as the values' distance, squared or not, or 1 whatever the distance."""
    if len(ratings) != 2:
        raise ValueError(f"kappa is between two raters, not {len(ratings)}")
    units = _complete(ratings)
    table = ratings[:, units]
    values, place = np.unique(table, return_inverse=True)
    place = place.reshape(table.shape)
    gaps = np.abs(values[:, None] - values)
    distance = gaps**2 if weights == "quadratic" else gaps if weights == "linear" else (gaps > 0).astype(np.float64)
    one, other = (np.eye(len(values))[row] for row in place)
    apart = distance[place[0], place[1]]

    def score(drawn: Floats) -> Floats:
        n = drawn.sum(1)
        with np.errstate(divide="ignore", invalid="ignore"):
            expected = (((drawn @ one) @ distance) * (drawn @ other)).sum(1) / n
            return np.where(expected > 0, 1 - drawn @ apart / expected, np.nan)

    return Form(score, units)


def concordance(ratings: Floats) -> Form:
    """Kendall's W (1939; with the correction for ties of Kendall 1948), over the units that every rater rated:
    12 S / (m² (n³ - n) - m T), S: the squared deviations of the rank sums, T: the sum of t³ - t over all ties."""
    units = _complete(ratings)
    table = ratings[:, units]
    m = len(table)
    ranked = [np.unique(row, return_inverse=True) for row in table]

    def score(weights: Floats) -> Floats:
        n = weights.sum(1)
        sums, ties = np.zeros_like(weights), np.zeros(len(weights))
        for values, place in ranked:
            held = weights @ np.eye(len(values))[place]
            sums += (np.cumsum(held, axis=1) - (held - 1) / 2)[:, place]
            ties += (held**3 - held).sum(1)
        with np.errstate(divide="ignore", invalid="ignore"):
            centre = (weights * sums).sum(1) / n
            spread = (weights * (sums - centre[:, None]) ** 2).sum(1)
            most = m**2 * (n**3 - n) - m * ties
            return np.where(most > 1e-9 * n**3, 12 * spread / most, np.nan)

    return Form(score, units)


def within(ratings: Floats, distance: float = 1.0) -> Form:
    """The share of pairs of ratings of one unit that lie at most `distance` apart; each pair counts the same."""
    units = (~np.isnan(ratings)).sum(0) >= 2
    table = ratings[:, units]
    first, second = np.triu_indices(len(table), 1)
    gaps = np.abs(table[first] - table[second])
    known = ~np.isnan(gaps)
    near = (np.where(known, gaps, np.inf) <= distance + 1e-9).sum(0).astype(np.float64)
    pairs = known.sum(0).astype(np.float64)

    def score(weights: Floats) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore"):
            share: Floats = (weights @ near) / (weights @ pairs)
        return share

    return Form(score, units, is_share=True)
