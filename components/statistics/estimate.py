"""A statistic of ratings with its interval, by a bootstrap over the units: other posts, the same raters."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from components.statistics.agreement import FORMS, table_of
from components.statistics.agreement_forms import Form
from components.statistics.means import RESAMPLES, SEED
from components.statistics.resampling import LEVEL, Floats, Statistic, bootstrap, interval, never_certain, value_of

Key = TypeVar("Key")
Method = Literal["percentile", "bca"]
MANY = 2000


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its 95 % interval over `n` units; None where it is not defined, or where n leaves nothing to say."""

    value: float | None
    low: float | None
    high: float | None
    n: int


def over_units(
    statistic: Callable[..., float | None],
    ratings: ArrayLike,
    resamples: int = RESAMPLES,
    seed: int = SEED,
    *,
    clusters: Sequence[str] | None = None,
    method: Method = "bca",
    **options: Any,
) -> Estimate:
    """`statistic(ratings, **options)` with its interval; ratings are (raters, units), NaN where missing.

    Those of `agreement.py` are computed for all resamples at once; any other function of ratings is called for each.
    `clusters`, one name per unit: what is drawn together, such as the candidates of one item. `method`: percentile, or
    bias-corrected and accelerated (Efron 1987).
    """
    table = table_of(ratings)
    form = FORMS[statistic](table, **options) if statistic in FORMS else _form(statistic, table, options)
    return over_forms({"": form}, resamples, seed, clusters=clusters, method=method)[""]


def over_forms(
    forms: Mapping[Key, Form],
    resamples: int = RESAMPLES,
    seed: int = SEED,
    *,
    clusters: Sequence[str] | None = None,
    method: Method = "bca",
) -> dict[Key, Estimate]:
    """Each form's value with its interval, see `over_units`; those about the same units meet the same resamples, which
    are drawn once for all of them."""
    found: dict[Key, Estimate] = {}
    for units in {form.units.tobytes(): form.units for form in forms.values()}.values():
        same = {key: form.statistic for key, form in forms.items() if np.array_equal(form.units, units)}
        names = [str(at) if clusters is None else clusters[at] for at in np.flatnonzero(units).tolist()]
        values = {key: value_of(statistic, len(names)) for key, statistic in same.items()}
        defined = {str(at): (key, same[key]) for at, key in enumerate(same) if not np.isnan(values[key])}
        drawn = bootstrap({at: statistic for at, (_, statistic) in defined.items()}, names, resamples, seed)
        found |= {key: Estimate(None, None, None, len(names)) for key in same}
        for at, (key, statistic) in defined.items():
            plain = method == "percentile"
            low, high = interval(drawn[at], names) if plain else bca(drawn[at], values[key], statistic, names)
            if forms[key].is_share:
                low, high = never_certain(values[key], low, high, len(set(names)))
            found[key] = Estimate(values[key], low, high, len(names))
    return {key: found[key] for key in forms}


def bca(
    drawn: Floats, value: float, statistic: Statistic, clusters: Sequence[str]
) -> tuple[float | None, float | None]:
    """The 95 % BCa interval (Efron 1987; Efron and Tibshirani 1993, chapter 14), the acceleration from leaving out one
    cluster at a time, the tails expanded; where that is not defined the percentile interval."""
    plain = interval(drawn, clusters)
    defined = drawn[~np.isnan(drawn)]
    if plain[0] is None or not defined.std() > 1e-12:
        return plain
    from scipy.special import ndtr, ndtri

    below = (defined < value - 1e-12).mean() + (np.abs(defined - value) <= 1e-12).mean() / 2
    _, place = np.unique(np.asarray(clusters, dtype=object).astype(str), return_inverse=True)
    left_out = _without_each(statistic, place)
    if not 0 < below < 1 or np.isnan(left_out).any():
        return plain
    away = left_out.mean() - left_out
    spread = float((away**2).sum())
    acceleration = float((away**3).sum()) / (6 * spread**1.5) if spread > 0 else 0.0
    bias = float(ndtri(below))
    tail = expanded_tail(len(left_out))
    ends = bias + ndtri(tail) * np.array([1, -1])  # of two units 1 - tail would be 1, which is endlessly far
    low, high = np.quantile(defined, ndtr(bias + ends / (1 - acceleration * ends)))
    return float(low), float(high)


def expanded_tail(n: int) -> float:
    """The share to cut off at each end of the resamples of n units: what Student's t and n / (n - 1) ask for instead of
    2.5 %. Without it intervals of 30 units are too narrow by about a twentieth (Hesterberg 2015, section 5.2)."""
    from scipy.special import ndtr, stdtrit

    return float(ndtr(-stdtrit(n - 1, (1 + LEVEL) / 2) * np.sqrt(n / (n - 1))))


def _without_each(statistic: Statistic, place: NDArray[np.int64], at_once: int = 2_000_000) -> Floats:
    """(clusters,) the statistic without each cluster in turn; `place`: the cluster of each row. With more than MANY all
    the same: the acceleration shrinks with the root of their number, and finding it takes its square."""
    count, rows = int(place.max()) + 1, len(place)
    if count > MANY:
        return np.zeros(count)
    part = max(1, at_once // rows)
    found = []
    for start in range(0, count, part):
        out = np.arange(start, min(start + part, count))
        found.append(statistic((place[None] != out[:, None]).astype(np.float64)))
    return np.concatenate(found)


def _form(statistic: Callable[..., float | None], table: Floats, options: Mapping[str, Any]) -> Form:
    """Any function of ratings, called once per resample."""
    units = (~np.isnan(table)).sum(0) >= min(2, len(table))
    kept = table[:, units]

    def score(weights: Floats) -> Floats:
        found = (statistic(np.repeat(kept, row.astype(np.int64), axis=1), **options) for row in weights)
        return np.array([np.nan if value is None else value for value in found], dtype=np.float64)

    return Form(score, units)
