"""Shares with intervals where what is counted comes in clusters: several verdicts on one item are not independent."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

Z = 1.959963984540054  # the normal distribution's 97.5 %


@dataclass(frozen=True, slots=True)
class Rate:
    """A share with its 95 % interval; `n` trials in `clusters` items. No interval where there are not two items."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    clusters: int


def clustered_rate(counts: Iterable[tuple[float, float]]) -> Rate:
    """`counts`: successes and trials of each item; a half may be a success (a tie).

    Wilson's interval at the effective sample size: the trials divided by the design effect (the variance of the ratio
    between items over that of as many independent trials), which is taken as 1 at least. Dean and Pagano (2015, J.
    Survey Stat. Methodol. 3) found it the best of its kind for few clusters and shares near 0 or 1, where a bootstrap
    has no width: there, nothing being known of the variance, each item counts as one trial.
    """
    pairs = np.array([(won, n) for won, n in counts if n > 0], dtype=float).reshape(-1, 2)
    if len(pairs) == 0:
        return Rate(None, None, None, 0, 0)
    clusters, n = len(pairs), float(pairs[:, 1].sum())
    p = float(pairs[:, 0].sum() / n)
    if clusters < 2:
        return Rate(p, None, None, round(n), clusters)
    variance = clusters / (clusters - 1) * float(((pairs[:, 0] - p * pairs[:, 1]) ** 2).sum()) / n**2
    simple = p * (1 - p) / n
    effective = float(clusters) if simple == 0 else n / max(1.0, variance / simple)
    low, high = wilson(p, effective)
    return Rate(p, low, high, round(n), clusters)


def wilson(p: float, n: float) -> tuple[float, float]:
    """Wilson's score interval (1927) of a share `p` of `n` trials."""
    middle = (p + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * math.sqrt(p * (1 - p) / n + Z**2 / (4 * n**2))
    return max(0.0, middle - half), min(1.0, middle + half)
