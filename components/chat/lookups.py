"""Finds calls by key in the segments and packed files of a folder; reads what it was not told of when it refreshes.

Not thread-safe: the journal holds its lock. A segment that a compaction took away is found again in its packed file,
because a packed file has its name before its segments go.
"""

import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from components.chat.call_index import NOWHERE, CallIndex, head_of, heads_of
from components.chat.packed import SERVED, Packed, list_packed
from components.chat.segments import FINAL_NAMES, HEAD, lines_of, list_segments, parse

REFRESH_SHARE = 0.05
"""At most so much of the time goes into looking for what other processes have appended."""

REFRESH_S = 0.02
"""And no oftener: a call takes ten times as long, and each look costs as much as all else that a call needs here."""

OFFSET_BITS = 40
"""A place is the file's number and, in its lower bits, a line's offset (up to a terabyte) or a packed row."""

_OFFSET = (1 << OFFSET_BITS) - 1


class Lookups:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._segments: list[Path] = []
        self._numbers: dict[Path, int] = {}
        self._read_to: dict[Path, int] = {}
        self._appended = CallIndex()
        self._packed: dict[Path, Packed] = {}
        self._packed_calls = CallIndex()
        self._next_refresh = float("-inf")

    def find(self, key: str) -> dict[str, Any] | None:
        """The latest final record under this key."""
        head = head_of(key)
        found = self._find(key, head)
        if found is None and (time.monotonic() >= self._next_refresh or self._lost(head)):
            self.refresh()
            found = self._find(key, head)
        return found

    def find_many(self, keys: Iterable[str]) -> Iterator[dict[str, Any]]:
        """The records of those that have one. Each file is opened once and read in its own order."""
        self.refresh()
        wanted = dict.fromkeys(keys)
        for record in self._in_segments(list(wanted)):
            del wanted[record["call_key"]]
            yield record
        places = self._packed_calls.find_many(heads_of(list(wanted)))
        places = places[places != NOWHERE]
        for number, packed in enumerate(self._packed.values()):
            rows = places[places >> np.uint64(OFFSET_BITS) == number] & np.uint64(_OFFSET)
            yield from (record for record in packed.read(rows, SERVED) if record["call_key"] in wanted)

    def refresh(self) -> None:
        """Reads what was appended and packed since."""
        began = time.thread_time()
        for path, size in list_segments(self.folder):
            if size > self._read_to.get(path, 0):
                self._scan(path)
        # After the segments: what vanished between the two listings is found here.
        for path in list_packed(self.folder):
            if path not in self._packed:
                packed = Packed(path)
                heads, rows = packed.index()
                self._packed_calls.put_sorted(heads, rows + np.uint64(len(self._packed) << OFFSET_BITS))
                self._packed[path] = packed
        self._next_refresh = time.monotonic() + max(REFRESH_S, (time.thread_time() - began) / REFRESH_SHARE)

    def note(self, path: Path, offset: int, line: bytes, end: int) -> None:
        """This line stands in this segment, which is read up to `end`."""
        self._put(self._number(path), offset, line)
        self._read_to[path] = end

    def _find(self, key: str, head: int) -> dict[str, Any] | None:
        place = self._appended.find(head)
        record = None if place is None else self._read(place)
        if record is not None and record["call_key"] == key:
            return record
        place = self._packed_calls.find(head)
        if place is not None:
            packed = list(self._packed.values())[place >> OFFSET_BITS]
            for record in packed.read([place & _OFFSET], SERVED):
                if record["call_key"] == key:
                    return record
        return None

    def _lost(self, head: int) -> bool:
        """Its segment is gone: it must have been packed."""
        place = self._appended.find(head)
        return place is not None and not self._segments[place >> OFFSET_BITS].exists()

    def _read(self, place: int) -> dict[str, Any] | None:
        """None where the line is damaged, or its segment gone."""
        try:
            with self._segments[place >> OFFSET_BITS].open("rb") as file:
                file.seek(place & _OFFSET)
                return parse(file.readline())
        except FileNotFoundError:
            return None

    def _in_segments(self, keys: list[str]) -> Iterator[dict[str, Any]]:
        places = self._appended.find_many(heads_of(keys))
        numbers = places >> np.uint64(OFFSET_BITS)
        for number in np.unique(numbers[places != NOWHERE]).tolist():
            here = np.flatnonzero(numbers == number)
            try:
                file = self._segments[number].open("rb")
            except FileNotFoundError:
                continue  # packed
            with file:
                for at in here[np.argsort(places[here])].tolist():
                    file.seek(int(places[at]) & _OFFSET)
                    record = parse(file.readline())
                    if record is not None and record["call_key"] == keys[at]:
                        yield record

    def _scan(self, path: Path) -> None:
        start = self._read_to.get(path, 0)
        number = self._number(path)
        try:
            for offset, line in lines_of(path, start):
                if not line.endswith(b"\n") and parse(line) is None:
                    break  # still being written, or torn for good
                self._put(number, offset, line)
                if line.endswith(b"\n"):
                    start = offset + len(line)
        except FileNotFoundError:
            return  # packed since it was listed
        self._read_to[path] = start

    def _put(self, number: int, offset: int, line: bytes) -> None:
        head = HEAD.match(line)
        if head and head[2] in FINAL_NAMES:
            self._appended.put(head_of(head[1].decode()), number << OFFSET_BITS | offset)

    def _number(self, path: Path) -> int:
        if path not in self._numbers:
            self._numbers[path] = len(self._segments)
            self._segments.append(path)
        return self._numbers[path]
