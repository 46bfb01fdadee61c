"""A mean never stands alone: n and a bootstrap interval stand beside it."""

from collections.abc import Sequence
from typing import TypedDict

import numpy as np
from numpy.typing import ArrayLike, NDArray

RESAMPLES = 2000
MANY = 2000
"""Up to here the values themselves are drawn."""
SEED = 20240710
"""Fixed, so that the same rows give the same table."""


class Mean(TypedDict):
    """`low` and `high` bound the mean with 95 % confidence; None where n < 2 leaves nothing to resample."""

    n: int
    mean: float | None
    low: float | None
    high: float | None


def mean_with_interval(values: ArrayLike) -> Mean:
    """The mean of `values` with its 95 % percentile-bootstrap interval (Efron and Tibshirani 1993, chapter 13)."""
    sample = np.asarray(values, dtype=np.float64)
    n = len(sample)
    if n == 0:
        return Mean(n=0, mean=None, low=None, high=None)
    if n == 1:
        return Mean(n=1, mean=float(sample[0]), low=None, high=None)
    means = _means_of_resamples(sample)
    low, high = np.quantile(means, [0.025, 0.975])
    return Mean(n=n, mean=float(sample.mean()), low=float(low), high=float(high))


def _means_of_resamples(sample: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of RESAMPLES draws of n values with replacement. How often each different value is drawn is multinomial, so of
    many values that are mostly the same, as scores are, only those counts are drawn: 100,000 in 0.03 s."""
    rng, n = np.random.default_rng(SEED), len(sample)
    values, counts = np.unique(sample, return_counts=True)
    if n > MANY and len(values) <= n // 10:
        drawn: NDArray[np.float64] = rng.multinomial(n, counts / n, size=RESAMPLES) @ values / n
        return drawn
    means = np.empty(RESAMPLES)
    for start in range(0, RESAMPLES, 100):  # in parts: 2,000 x n indices at once would be large for a large n
        means[start : start + 100] = sample[rng.integers(0, n, size=(100, n))].mean(axis=1)
    return means


def bounds(values: Sequence[float], missing: int, scale: tuple[float, float]) -> tuple[float, float] | None:
    """What the mean would be if every missing value were the lowest, or the highest, of the scale (Manski 1990); None
    where there is neither a value nor a missing one."""
    n = len(values) + missing
    return ((sum(values) + missing * scale[0]) / n, (sum(values) + missing * scale[1]) / n) if n else None
