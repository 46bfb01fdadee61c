"""How far two rankings of keywords agree, item by item, with intervals.

Read: two ranked lists of words per item. Needed: numpy. There is no truth in it: two methods that agree may both be
wrong, but where they do not, a prompt's words are the method's as much as the text's.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from components.statistics.resampling import Floats, bootstrap, interval

PERSISTENCE = 0.8
"""Of rank-biased overlap: the first 6 ranks, as many as are kept, have 93 % of the weight (Webber et al., eq. 21)."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """A mean over `n` items with its 95 % interval; `skipped` items have no word in either list."""

    measure: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    skipped: int


def agreement(
    pairs: Sequence[tuple[Sequence[str], Sequence[str]]],
    k: int,
    clusters: Sequence[str] | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> list[Agreement]:
    """Overlap at 1 and at k (Jaccard) and rank-biased overlap of the first k words, means over items.

    `clusters` names what is resampled together, such as authors; by default each item is its own.
    """
    kept = [i for i, (one, other) in enumerate(pairs) if one or other]
    names = [(clusters or [str(i) for i in range(len(pairs))])[i] for i in kept]
    measures = {
        "overlap@1": [jaccard(*pairs[i], 1) for i in kept],
        f"overlap@{k}": [jaccard(*pairs[i], k) for i in kept],
        f"rbo@{k}": [rank_biased_overlap(pairs[i][0][:k], pairs[i][1][:k]) for i in kept],
    }
    values = {name: np.asarray(found, dtype=np.float64) for name, found in measures.items()}
    samples = bootstrap({name: _mean(found) for name, found in values.items()}, names, resamples, seed)
    return [
        Agreement(
            name,
            float(found.mean()) if kept else None,
            *interval(samples[name], names),
            len(kept),
            len(pairs) - len(kept),
        )
        for name, found in values.items()
    ]


class _mean:
    """The mean of `values` (n,) under weights (r, n)."""

    def __init__(self, values: Floats) -> None:
        self.values = values

    def __call__(self, weights: Floats) -> Floats:
        return np.asarray(weights @ self.values / weights.sum(axis=1), dtype=np.float64)


def jaccard(one: Sequence[str], other: Sequence[str], k: int) -> float:
    """Shared words of the first k over all words of both; case does not count."""
    a, b = ({word.lower() for word in words[:k]} for words in (one, other))
    return len(a & b) / len(a | b) if a | b else 1.0


def rank_biased_overlap(one: Sequence[str], other: Sequence[str], p: float = PERSISTENCE) -> float:
    """RBO_ext of two rankings that may differ in length: 1 for equal ones, 0 for disjoint ones, early ranks count most.

    Webber, Moffat and Zobel 2010, "A similarity measure for indefinite rankings", doi 10.1145/1852102.1852106, eq. 32.
    """
    short, long = sorted(([word.lower() for word in words] for words in (one, other)), key=len)
    s, n = len(short), len(long)
    if s == 0:
        return 1.0 if n == 0 else 0.0
    overlap = [len(set(short[:d]) & set(long[:d])) for d in range(n + 1)]
    agreed = sum(overlap[d] / d * p**d for d in range(1, n + 1))
    assumed = sum(overlap[s] * (d - s) / (s * d) * p**d for d in range(s + 1, n + 1))
    beyond = (overlap[n] - overlap[s]) / n + overlap[s] / s
    return (1 - p) / p * (agreed + assumed) + beyond * p**n
