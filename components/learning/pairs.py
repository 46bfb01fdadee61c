"""Finds all pairs that are alike, exactly, in memory that does not grow with the square of the rows.

Needed: numpy and scipy. Everything here is exact, not approximate: a pair that is missed is a test example that the
network has been trained on. Bits are compared where a band of them is equal (of 64 bits that differ in d places, one of
d + 1 bands is the same), texts where one of their rarest shingles is (the prefix filter of Chaudhuri, Ganti and
Kaushik 2006), vectors in tiles. Pairs come in batches; what they join is for `Merger`.
"""

import zlib
from collections.abc import Hashable, Iterator, Sequence
from itertools import pairwise
from math import ceil

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
BATCH = 2_000_000
"""Pairs held at once: 16 bytes each."""
TILE = 2048
SHINGLE = 5
ROUNDING = 1e-6
"""Cosines of equal vectors in float32 come out a little below 1."""


class Merger:
    """n things, at first each by itself; `join` merges what pairs connect. The outcome does not depend on the order."""

    def __init__(self, n: int) -> None:
        self.groups: Ints = np.arange(n, dtype=np.int64)

    def join(self, left: Ints, right: Ints) -> None:
        """Places of pairs, (m,) each."""
        from scipy.sparse import coo_matrix
        from scipy.sparse.csgraph import connected_components

        if not len(left):
            return
        n = len(self.groups)
        ones = np.ones(len(left), dtype=np.int8)
        links = coo_matrix((ones, (self.groups[left], self.groups[right])), shape=(n, n))
        self.groups = connected_components(links, directed=False)[1].astype(np.int64)[self.groups]

    def join_equal(self, keys: Sequence[Hashable | None]) -> None:
        """Merges things with the same key; None is no key."""
        first: dict[Hashable, int] = {}
        pairs = [(first.setdefault(key, i), i) for i, key in enumerate(keys) if key is not None]
        both = np.array([pair for pair in pairs if pair[0] != pair[1]], dtype=np.int64).reshape(-1, 2)
        self.join(both[:, 0], both[:, 1])


def within_hamming(left: NDArray[np.uint64], right: NDArray[np.uint64], distance: int) -> Iterator[tuple[Ints, Ints]]:
    """All (i, j) where left[i] and right[j] differ in at most `distance` of their 64 bits."""
    if not len(left) or not len(right):
        return
    bands = distance + 1
    pairs = _everything(len(left), len(right)) if 2 ** (64 // bands) <= bands else _same_band(left, right, bands)
    for i, j in pairs:
        near = np.bitwise_count(left[i] ^ right[j]) <= distance
        yield i[near], j[near]


def _same_band(left: NDArray[np.uint64], right: NDArray[np.uint64], bands: int) -> Iterator[tuple[Ints, Ints]]:
    edges = np.linspace(0, 64, bands + 1).astype(int)
    for start, end in pairwise(edges):
        mask = np.uint64((1 << int(end - start)) - 1)
        ours, theirs = (left >> np.uint64(start)) & mask, (right >> np.uint64(start)) & mask
        order = np.argsort(ours, kind="stable")
        first = np.searchsorted(ours[order], theirs, "left")
        past = np.searchsorted(ours[order], theirs, "right")
        for j, place in _ranges(first, past):
            yield order[place], j


def _ranges(first: Ints, past: Ints) -> Iterator[tuple[Ints, Ints]]:
    """For each row its places first[row] to past[row] - 1, as (rows, places) in batches."""
    counts = past - first
    ends = np.cumsum(counts)
    start = 0
    while start < len(counts):
        done = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, done + BATCH, "right")))
        n = counts[start:stop]
        rows = np.repeat(np.arange(start, stop), n)
        within = np.arange(len(rows)) - np.repeat(np.cumsum(n) - n, n)
        if len(rows):
            yield rows, first[rows] + within
        start = stop


def _everything(n: int, m: int) -> Iterator[tuple[Ints, Ints]]:
    """Every pair, where a distance is so large that bands would sort nothing out."""
    return ((place, j) for j, place in _ranges(np.zeros(m, dtype=np.int64), np.full(m, n, dtype=np.int64)))


def within_cosine(vectors: NDArray[np.float32], cosine: float) -> Iterator[tuple[Ints, Ints]]:
    """All (i, j), i < j, with at least that cosine. `vectors` (n, dim); a row of zeros is alike to nothing."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    there = np.flatnonzero(lengths[:, 0] > 0)
    unit = (vectors[there] / lengths[there]).astype(np.float32)
    for start in range(0, len(unit), TILE):
        for other in range(start, len(unit), TILE):
            near = unit[start : start + TILE] @ unit[other : other + TILE].T >= cosine - ROUNDING
            i, j = np.nonzero(np.triu(near, 1) if start == other else near)
            yield there[i + start], there[j + other]


def within_jaccard(texts: Sequence[str], least: float) -> Iterator[tuple[Ints, Ints]]:
    """All (i, j), i < j, whose sets of 5-character shingles overlap by at least that share of their union."""
    from scipy.sparse import csr_matrix

    sets = [_shingles(text) for text in texts]
    sizes = np.array([len(one) for one in sets], dtype=np.int64)
    if not sizes.any():
        return
    docs = np.repeat(np.arange(len(sets)), sizes)
    _, words, counts = np.unique(np.concatenate(sets), return_inverse=True, return_counts=True)
    rarity = np.empty(len(counts), dtype=np.int64)
    rarity[np.argsort(counts, kind="stable")] = np.arange(len(counts))
    order = np.lexsort((rarity[words], docs))
    words = rarity[words[order]]
    rank = np.arange(len(docs)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    prefix = rank < np.repeat(sizes - np.array([ceil(least * n - 1e-9) for n in sizes]) + 1, sizes)
    held = csr_matrix((np.ones(len(docs), dtype=np.int32), (docs, words)), shape=(len(sets), len(counts)))

    # One bit of 256 per shingle: bits that differ are at least so many shingles that differ (Sandes et al. 2020).
    marks = np.zeros((len(sets), 4), dtype=np.uint64)
    np.bitwise_or.at(marks, (docs, words % 256 // 64), np.uint64(1) << (words % 64).astype(np.uint64))

    by_word = np.lexsort((docs[prefix], words[prefix]))
    key, doc = words[prefix][by_word], docs[prefix][by_word]
    past = np.searchsorted(key, key, "right")
    for left, right in _ranges(np.arange(1, len(key) + 1), past):
        i, j = doc[left], doc[right]
        apart = (1 - least) / (1 + least) * (sizes[i] + sizes[j]) + 1e-9
        fits = np.bitwise_count(marks[i] ^ marks[j]).sum(axis=1, dtype=np.int64) <= apart
        pairs = np.unique(i[fits] * len(sets) + j[fits])
        for start in range(0, len(pairs), 20_000):
            i, j = np.divmod(pairs[start : start + 20_000], len(sets))
            both = np.asarray(held[i].multiply(held[j]).sum(axis=1)).ravel()
            near = both >= least * (sizes[i] + sizes[j] - both) - 1e-9
            yield i[near], j[near]


def _shingles(text: str) -> NDArray[np.int64]:
    """Numbers of the text's shingles, each once, the same on every machine."""
    data = {zlib.crc32(text[at : at + SHINGLE].encode("utf-8", "replace")) for at in range(len(text) - SHINGLE + 1)}
    return np.array(sorted(data), dtype=np.int64)
