"""Sets of names that a source of millions leaves in memory: 16 bytes of each, where a set takes 100 to 200."""

import hashlib
from bisect import bisect_left
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Halves = NDArray[np.uint64]

FEW = 1 << 17
"""So many new ones, or an eighth of those that are there, stay as they come, 90 bytes each, before they are sorted in:
a set is searched in half the time, and what sorting costs does not grow with the square."""


def digest(*parts: str) -> bytes:
    """16 bytes; DuckDB's `unhex(md5(parts, joined by blanks))`."""
    return hashlib.md5(" ".join(parts).encode(), usedforsecurity=False).digest()


class Names:
    """A set of digests that only grows. `high`, `low`: (names,) the halves of those that are known from the beginning,
    in any order."""

    def __init__(self, high: Halves | None = None, low: Halves | None = None) -> None:
        self._new: set[bytes] = set()
        self._high = self._low = np.empty(0, dtype=np.uint64).data
        if high is not None and low is not None:
            self._sort_in(high, low)

    def __len__(self) -> int:
        return len(self._high) + len(self._new)

    def __contains__(self, name: bytes) -> bool:
        if name in self._new:
            return True
        if not len(self._high):
            return False
        high = int.from_bytes(name[:8], "big")
        start, end = self._starts[high >> 48], self._starts[(high >> 48) + 1]
        at = bisect_left(self._high, high, start, end)
        while at < end and self._high[at] == high:
            if self._low[at] == int.from_bytes(name[8:], "big"):
                return True
            at += 1
        return False

    def add(self, name: bytes) -> bool:
        """Whether it is a new one."""
        if name in self:
            return False
        self._new.add(name)
        if len(self._new) > max(FEW, len(self._high) // 8):
            high, low = halves(self._new)
            self._new = set()
            self._sort_in(np.concatenate([self._high, high]), np.concatenate([self._low, low]))
        return True

    def _sort_in(self, high: Halves, low: Halves) -> None:
        order = np.lexsort((low, high))
        high = high[order]
        # The names are hashes: by their first 16 bits what is left to search is short. As views and a list, of which a
        # number is read three times as fast as of an array.
        beginnings = np.arange(1 << 16, dtype=np.uint64) << np.uint64(48)
        self._starts = [*np.searchsorted(high, beginnings).tolist(), len(high)]
        self._high, self._low = high.data, low[order].data


def halves(names: Iterable[bytes]) -> tuple[Halves, Halves]:
    """The halves of digests, (names,) each."""
    both = np.frombuffer(b"".join(names), dtype=">u8").astype(np.uint64).reshape(-1, 2)
    return np.ascontiguousarray(both[:, 0]), np.ascontiguousarray(both[:, 1])
