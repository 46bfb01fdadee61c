"""Intervals and comparisons by a bootstrap over clusters: what was kept together in the splits is drawn together.

Read: statistics and the rows' clusters. Needed: numpy. Rows of one cluster (near-duplicates, one author) are alike, so
n of them say less than n strangers; drawing whole clusters keeps that in the interval's width.

A statistic takes weights (r, n), how often each of r samples holds each of n rows, and gives (r,): a thousand samples
are a few matrix products. All weights one give the score of the rows as they are. NaN stands for "not defined in this
sample" and never leaves the modules that ask.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import erfc, sqrt

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Statistic = Callable[[Floats], Floats]

LEVEL = 0.95
_AT_ONCE = 2_000_000
"""Weights held in memory at a time (16 MB), whatever the number of rows."""


def value_of(statistic: Statistic, rows: int) -> float:
    """The score of n rows as they are; NaN where it is not defined."""
    return float(statistic(np.ones((1, rows)))[0]) if rows else float("nan")


def weights(clusters: Sequence[str], resamples: int, seed: int) -> Iterator[Floats]:
    """Parts of (resamples, n): how often each sample of as many clusters, drawn with replacement, holds each row."""
    _, place = np.unique(np.asarray(clusters, dtype=object).astype(str), return_inverse=True)
    count = int(place.max()) + 1 if len(place) else 0
    rng = np.random.default_rng(seed)
    part = max(1, _AT_ONCE // max(1, len(place)))
    for start in range(0, resamples, part):
        rows = min(part, resamples - start)
        drawn = rng.integers(0, max(1, count), size=(rows, count)) + np.arange(rows)[:, None] * count
        held = np.bincount(drawn.ravel(), minlength=rows * count).reshape(rows, count)
        yield held[:, place].astype(np.float64)


def bootstrap(
    statistics: Mapping[str, Statistic], clusters: Sequence[str], resamples: int, seed: int
) -> dict[str, Floats]:
    """Per statistic its value in each resample, (resamples,); all statistics meet the same resamples."""
    found: dict[str, list[Floats]] = {name: [] for name in statistics}
    for part in weights(clusters, resamples, seed) if len(clusters) else ():
        for name, statistic in statistics.items():
            found[name].append(statistic(part))
    return {name: np.concatenate(parts) if parts else np.full(resamples, np.nan) for name, parts in found.items()}


def interval(samples: Floats, clusters: Sequence[str]) -> tuple[float | None, float | None]:
    """The 95 % percentile interval (Efron and Tibshirani 1993, chapter 13).

    None where there is one cluster only, or where the score is defined in fewer than half of the resamples.
    """
    defined = samples[~np.isnan(samples)]
    if len(set(clusters)) < 2 or 2 * len(defined) < len(samples):
        return None, None
    low, high = np.quantile(defined, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def never_certain(value: float, low: float | None, high: float | None, n: int) -> tuple[float | None, float | None]:
    """Where a share is 1 (or 0), it is so in every resample, and the bootstrap would claim certainty: there the bound
    of Clopper and Pearson (1934) for n stands in its place."""
    if low is None or high is None:
        return low, high
    bound = 0.025 ** (1 / max(1, n))
    if value == 1:
        return min(low, bound), high
    return low, max(high, 1 - bound) if value == 0 else high


def two_sided_p(differences: Floats) -> float | None:
    """How often resamples fall on the other side of no difference, doubled: below 0.05 exactly when the 95 % interval
    leaves 0 out (up to one resample).

    Where none of r resamples does, all that is known is p < 2/(r+1), which Holm's correction over thirty rows would
    call nothing; there the tail of a normal distribution of the resamples' mean and deviation goes on, if it is lower.
    """
    defined = differences[~np.isnan(differences)]
    if 2 * len(defined) < len(differences) or not len(defined):
        return None
    tail = min(int((defined <= 0).sum()), int((defined >= 0).sum()))
    p = min(1.0, 2 * (tail + 1) / (len(defined) + 1))
    deviation = float(defined.std())
    if tail == 0 and deviation > 0:
        p = min(p, erfc(abs(float(defined.mean())) / deviation / sqrt(2)))
    return p


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm's step-down correction (1979) over one table; those without a p-value do not count."""
    known: NDArray[np.int64] = np.array([i for i, p in enumerate(p_values) if p is not None], dtype=np.int64)
    raw = np.array([p_values[i] for i in known], dtype=np.float64)
    order = np.argsort(raw, kind="stable")
    adjusted: list[float | None] = [None] * len(p_values)
    highest = 0.0
    for step, at in enumerate(order):
        highest = max(highest, min(1.0, float(raw[at]) * (len(raw) - step)))
        adjusted[int(known[at])] = highest
    return adjusted
