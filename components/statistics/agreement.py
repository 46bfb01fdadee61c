"""How far raters agree: judges with themselves, with each other, with people.

Read: ratings as a float array (raters, units), NaN where a rater did not rate the unit. Every statistic is None where
it is not defined: too few ratings, or none that differ. For an interval give the function itself to `over_units`.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from components.statistics.agreement_forms import Form, Level, Weighting, alpha, concordance, icc, kappa, within
from components.statistics.resampling import Floats, value_of


def table_of(ratings: ArrayLike) -> Floats:
    """(raters, units) as floats; ValueError for another shape, or for infinities."""
    table = np.asarray(ratings, dtype=np.float64)
    if table.ndim != 2:
        raise ValueError(f"ratings have the shape (raters, units), not {table.shape}")
    if np.isinf(table).any():
        raise ValueError("a rating is a finite number, or NaN where there is none")
    return table


def krippendorff_alpha(ratings: ArrayLike, level: Level = "interval") -> float | None:
    """Krippendorff's alpha (2011): 1 is agreement, 0 what chance gives, below 0 is worse; units with one rating do not
    count. `level`: nominal (the same or not), ordinal (by rank), interval (by squared distance)."""
    return _value(alpha(table_of(ratings), level))


def icc2(ratings: ArrayLike) -> float | None:
    """ICC(2,1) of Shrout and Fleiss (1979): how far one rater's score is the unit's; units that all rated."""
    return _value(icc(table_of(ratings), average=False))


def icc2k(ratings: ArrayLike) -> float | None:
    """ICC(2,k) of Shrout and Fleiss (1979): how far the mean of these k raters is the unit's; units that all rated."""
    return _value(icc(table_of(ratings), average=True))


def weighted_kappa(one: ArrayLike, other: ArrayLike, weights: Weighting = "quadratic") -> float | None:
    """Cohen's kappa (1968) of two raters (units,); disagreements weigh as the distance of the values, so that a value
    nobody used does not move the others together. For an interval: `over_units(weighted_kappa, [one, other])`."""
    pair = np.stack([np.asarray(side, dtype=np.float64) for side in (one, other)])
    return _value(kappa(table_of(pair), weights))


def kendall_w(ratings: ArrayLike) -> float | None:
    """Kendall's W with the correction for ties: 1 where all raters rank alike, 0 where rank sums are all the same."""
    return _value(concordance(table_of(ratings)))


def within_one(ratings: ArrayLike) -> float | None:
    """The share of pairs of ratings of one unit that are at most one point apart. High on a scale of which all use the
    same three points, so it says little without alpha."""
    return _value(within(table_of(ratings)))


FORMS: dict[Callable[..., float | None], Callable[..., Form]] = {
    krippendorff_alpha: alpha,
    icc2: icc,
    icc2k: partial(icc, average=True),
    weighted_kappa: kappa,
    kendall_w: concordance,
    within_one: within,
}
"""The vectorised form of each, for the bootstrap."""


def _value(form: Form) -> float | None:
    value = value_of(form.statistic, int(form.units.sum()))
    return None if np.isnan(value) else value
