"""How a measure goes with the judge's overall score: Spearman's rank correlation with a bootstrap interval."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from components.statistics.means import SEED

RESAMPLES = 1000
MOST = 1000
"""Posts; of more a sample is taken, so that a report does not wait."""
ENOUGH = 10
_AT_ONCE = 500_000


class Correlation(NamedTuple):
    """`rho` is None below ten pairs, or where one side never varies; `low` and `high` also where too few resamples
    vary."""

    n: int
    rho: float | None = None
    low: float | None = None
    high: float | None = None


def spearman(one: ArrayLike, other: ArrayLike) -> Correlation:
    """Of pairs; ties share their mean rank (Spearman 1904). 95 % percentile interval over resampled pairs."""
    x, y = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    if x.shape != y.shape:
        raise ValueError(f"{len(x)} and {len(y)} values are no pairs")
    rng = np.random.default_rng(SEED)
    if len(x) > MOST:
        drawn = np.sort(rng.choice(len(x), MOST, replace=False))
        x, y = x[drawn], y[drawn]
    n = len(x)
    if n < ENOUGH or len(np.unique(x)) < 2 or len(np.unique(y)) < 2:
        return Correlation(n)
    (rho,) = _of_rows(x[None], y[None])
    parts = []
    for start in range(0, RESAMPLES, part := max(1, _AT_ONCE // n)):
        places = rng.integers(0, n, size=(min(part, RESAMPLES - start), n))
        parts.append(_of_rows(x[places], y[places]))
    found = np.concatenate(parts)
    found = found[np.isfinite(found)]
    if 2 * len(found) < RESAMPLES:
        return Correlation(n, float(rho))
    low, high = np.quantile(found, [0.025, 0.975])
    return Correlation(n, float(rho), float(low), float(high))


def _of_rows(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """(r, n) twice -> (r,): the correlation of the ranks of each row; NaN where one side is constant."""
    from scipy.stats import rankdata

    a, b = rankdata(x, axis=1), rankdata(y, axis=1)
    a, b = a - a.mean(1, keepdims=True), b - b.mean(1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        found: NDArray[np.float64] = (a * b).sum(1) / np.sqrt((a * a).sum(1) * (b * b).sum(1))
    return found
