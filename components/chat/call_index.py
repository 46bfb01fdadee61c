"""Where calls lie: 16 bytes per call in sorted arrays, so that an index of millions of calls fits into memory.

A key's head is 64 of its bits and finds a place; whoever reads the place compares the whole key. Two of ten million
calls share a head with a chance of 3e-6: then the newer one is found, and the older one would be bought again, never
mistaken. New calls go into a small dict that is sorted into an array when it is full; arrays of like size are merged,
so that there are never more than a few of them (a log-structured merge tree without its disk).
"""

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.uint64]
NOWHERE = 2**64 - 1
RECENT = 2**14
"""Calls in the dict, at some 130 bytes each."""

_HALF = 2**64 - 1
_ODD = 0x9E3779B97F4A7C15


def head_of(key: str) -> int:
    """Both halves of the key's 128 bits, folded into one number, so that neither alone decides."""
    number = int(key, 16)
    return ((number >> 64) * _ODD + number) & _HALF


def heads_of(keys: Sequence[str]) -> Numbers:
    """`head_of` each, twenty times as fast where all keys have 32 digits."""
    if any(len(key) != 32 for key in keys):
        return np.array([head_of(key) for key in keys], np.uint64)
    halves = np.frombuffer(bytes.fromhex("".join(keys)), ">u8").astype(np.uint64).reshape(-1, 2)
    folded: Numbers = halves[:, 0] * np.uint64(_ODD) + halves[:, 1]
    return folded


class CallIndex:
    """Maps heads to places (numbers below 2**64 - 1); the latest one put counts."""

    def __init__(self) -> None:
        self._recent: dict[int, int] = {}
        self._runs: list[tuple[Numbers, Numbers]] = []

    def put(self, head: int, place: int) -> None:
        self._recent[head] = place
        if len(self._recent) >= RECENT:
            self._sort_in()

    def put_sorted(self, heads: Numbers, places: Numbers) -> None:
        """Many at once, sorted by head, each head once."""
        if len(heads):
            self._add(heads, places)

    def find(self, head: int) -> int | None:
        place = self._recent.get(head)
        if place is not None:
            return place
        for heads, places in reversed(self._runs):
            at = bisect_left(heads.data, head)
            if at < len(heads) and heads[at] == head:
                return int(places[at])
        return None

    def find_many(self, heads: Numbers) -> Numbers:
        """A place for each, or NOWHERE."""
        found = np.full(len(heads), NOWHERE, np.uint64)
        for known, places in self._runs:
            at = np.minimum(np.searchsorted(known, heads), len(known) - 1)
            found = np.where(known[at] == heads, places[at], found)
        for number, head in enumerate(heads.tolist()):
            place = self._recent.get(head)
            if place is not None:
                found[number] = place
        return found

    def _sort_in(self) -> None:
        heads = np.fromiter(self._recent.keys(), np.uint64, len(self._recent))
        places = np.fromiter(self._recent.values(), np.uint64, len(self._recent))
        order = np.argsort(heads)
        self._recent = {}
        self._add(heads[order], places[order])

    def _add(self, heads: Numbers, places: Numbers) -> None:
        self._runs.append((heads, places))
        while len(self._runs) > 1 and len(self._runs[-2][0]) < 2 * len(self._runs[-1][0]):
            self._runs[-2:] = [_merged(self._runs[-2], self._runs[-1])]


def _merged(older: tuple[Numbers, Numbers], newer: tuple[Numbers, Numbers]) -> tuple[Numbers, Numbers]:
    heads, places = (np.concatenate(pair) for pair in zip(older, newer, strict=True))
    order = np.argsort(heads, kind="stable")
    heads, places = heads[order], places[order]
    last = np.append(heads[1:] != heads[:-1], True)  # of equal heads the newer one, which stands behind
    return heads[last], places[last]
