"""When another picture fits *clearly* better: a margin from the data at hand, with the rates it has there.

Known are pairs that were swapped on purpose, and pairs as they are, most of which are right. The margin is the one
that tells the two apart best (Youden 1950, "Index for rating diagnostic tests": hits minus false alarms) among those
that raise an alarm in at most a given share of pairs as they are. Of these some may be contradictions indeed, so the
share is a bound on false alarms, not an estimate; where more than that share is wrong, only the worst are shown.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ENOUGH = 20
"""Posts from which a share of one in twenty can be seen at all."""


@dataclass(frozen=True)
class Alarm:
    """`margin` is None where there were too few posts. `false_alarms`: the share of `n` posts that an alarm is raised
    for under their own pictures, `high` its upper 95 % bound; `hits`: under swapped ones."""

    margin: float | None
    n: int
    false_alarms: float | None = None
    high: float | None = None
    hits: float | None = None

    def told(self) -> dict[str, object]:
        return {
            "margin": self.margin, "n": self.n, "false_alarms": self.false_alarms, "false_alarms_high": self.high,
            "hits": self.hits,
        }  # fmt: skip


def calibrate(
    right: NDArray[np.float64], swapped: NDArray[np.float64], most: float, margin: float | None = None
) -> Alarm:
    """The alarm over `right` and `swapped` excesses (by how much another picture fits better), with a given margin or
    the best one of at least 0 that raises at most `most` false alarms."""
    n = len(right)
    if n < ENOUGH or len(swapped) < ENOUGH:
        return Alarm(margin, n)
    chosen = best_margin(right, swapped, most) if margin is None else margin
    raised = int((right > chosen).sum())
    return Alarm(chosen, n, round(raised / n, 4), upper_bound(raised, n), round(float((swapped > chosen).mean()), 4))


def best_margin(right: NDArray[np.float64], swapped: NDArray[np.float64], most: float) -> float:
    """Half way between two excesses, where Youden's index is highest; of equally good places the widest gap."""
    edges = np.unique(np.concatenate([[0.0], np.maximum(np.concatenate([right, swapped]), 0.0)]))
    places = np.concatenate([(edges[1:] + edges[:-1]) / 2, edges[-1:]])
    gaps = np.concatenate([np.diff(edges), [0.0]])
    false = (right[None, :] > places[:, None]).mean(1)
    hits = (swapped[None, :] > places[:, None]).mean(1)
    able = np.flatnonzero(false <= most)
    best = max(able, key=lambda at: (round(float(hits[at] - false[at]), 9), float(gaps[at])))
    return round(float(places[best]), 5)


def upper_bound(raised: int, n: int) -> float:
    """Of a share, one-sided 95 % (Clopper and Pearson 1934)."""
    from scipy.stats import beta

    return 1.0 if raised == n else round(float(beta.ppf(0.95, raised + 1, n - raised)), 4)
