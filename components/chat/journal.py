"""The journal of calls: append-only segments under `<home>/calls/`, packed by and by into `<home>/calls/packed/`; old
ones may be pruned to their money in `<home>/calls/pruned/`, where sums find them and look-ups do not.

A record is written with one `write` the moment its call is answered, so a killed process loses only what was in flight
(no fsync: the kernel keeps written pages when a process dies; a power cut may cost the last seconds). Nobody rewrites a
line. Any number of processes may share the folder: each appends to its own segment and reads the others' as they grow.
"""

import os
import threading
import weakref
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from components.chat.calls_view import calls_view_sql
from components.chat.kept import Keep, only_values, outcome_of
from components.chat.lookups import Lookups
from components.chat.outcome import ChatOutcome
from components.chat.packed import Packed, list_packed, list_pruned
from components.chat.picture_store import PictureStore
from components.chat.request import ChatRequest
from components.chat.segments import (
    cannot_write,
    encode,
    is_held,
    lines_backwards,
    lines_of,
    list_segments,
    open_segment,
    opening,
    parse,
)
from components.errors import HomeUnusable

__all__ = ["Journal", "calls_view_sql", "outcome_of"]

NEIGHBOUR_S = 60.0
MONEY = ("run_id", "cost_usd", "held_usd")


class Journal:
    """Thread-safe, and usable after a fork. Opening reads nothing; the folder is made by the first append.
    What a record keeps under keep="values" is documented in kept.py. `watch` is told of each record that this process
    has written, the only place that all calls pass: it must be quick, and never raise."""

    def __init__(
        self, folder: Path, keep: Keep = "everything", watch: Callable[[Mapping[str, Any]], None] | None = None
    ) -> None:
        self.folder, self.keep, self.watch = folder, keep, watch
        self.pictures = PictureStore(folder / "pictures")
        self._lock = threading.RLock()
        self._lookups = Lookups(folder)
        self._own: Path | None = None
        self._elders: list[Path] = []
        self._file = -1
        self._end = 0
        self._torn = False
        _journals.add(self)

    def append(self, record: Mapping[str, Any], redact: str | None = None) -> None:
        """Writes one record; `redact` (the account's key, should a server have echoed it) is blotted out of the line.
        HomeUnusable names the path when it cannot be written."""
        line = encode(record if self.keep == "everything" else only_values(record), redact)
        with self._lock:
            path = self.ready()
            # After a write that the disk cut short, a line break closes the torn line.
            data = b"\n" + line if self._torn else line
            try:
                written = os.write(self._file, data)
            except OSError as error:
                raise cannot_write(path, error) from error
            start, self._end = self._end + len(data) - len(line), self._end + written
            self._torn = written < len(data)
            if self._torn:
                raise HomeUnusable(
                    f"cannot write {path}: the disk is full; free some space and run the same command again"
                )
            self._lookups.note(path, start, line, self._end)
        if self.watch is not None:
            self.watch(record)

    def keep_pictures(self, request: ChatRequest) -> None:
        """Before the request is sent: stores those of its pictures that are not stored yet."""
        if self.keep == "everything" and request.pictures:
            self.pictures.keep(request)

    def ready(self) -> Path:
        """Opens this process's segment; called before money is spent, so a read-only home stops a run in time."""
        with self._lock:
            if self._own is None or self._file < 0:
                with opening(self.folder):  # one process after the other, so that of two at one moment one is first
                    self._elders = [path for path, _ in list_segments(self.folder)]
                    self._own, self._file = open_segment(self.folder)
                self._end, self._torn = 0, False
            return self._own

    def close(self) -> None:
        """Ends this process's segment, so that it may be packed; a later append begins another."""
        with self._lock:
            if self._file >= 0:
                os.close(self._file)
            self._file = -1

    def __del__(self) -> None:
        self.close()

    def lookup(self, key: str) -> ChatOutcome | None:
        """The latest final outcome under this key, whoever bought it; failures that may pass are no answer."""
        with self._lock:
            record = self._lookups.find(key)
        return None if record is None else outcome_of(record)

    def lookup_many(self, keys: Iterable[str]) -> dict[str, ChatOutcome]:
        """Those of the keys that have a final outcome. Files are read once, in their own order: 10,000 calls cost some
        tenths of a second."""
        with self._lock:
            return {record["call_key"]: outcome_of(record) for record in self._lookups.find_many(keys)}

    def refresh(self) -> None:
        """Reads what other processes have appended and packed since."""
        with self._lock:
            self._lookups.refresh()

    def elders(self) -> int:
        """How many other processes are writing here right now and began before this one."""
        self.ready()
        return sum(is_held(path, NEIGHBOUR_S) for path in self._elders)

    def records(self, newest_first: bool = False) -> Iterator[dict[str, Any]]:
        """Every readable record, file by file, with bounded memory; for plans and sums, not for look-ups."""
        return self.fields(None, newest_first)

    def fields(self, columns: Sequence[str] | None, newest_first: bool = False) -> Iterator[dict[str, Any]]:
        """As `records`; only these fields are needed, and of packed files only they are read."""
        segments = [path for path, _ in list_segments(self.folder)]
        pruned = list_pruned(self.folder)
        there = [path for path in list_packed(self.folder) if path.name not in {old.name for old in pruned}]
        packed = {path: Packed(path) for path in (*pruned, *there)}
        named = {name for file in packed.values() for name in file.segments}
        parts: list[Path] = [*packed, *(path for path in segments if path.name not in named)]
        for path in reversed(parts) if newest_first else parts:
            if path in packed:
                yield from packed[path].records(newest_first, columns=columns)
            else:
                yield from self._segment_records(path, newest_first)

    def spent_usd(self, runs: str | Collection[str] | None = None) -> float:
        """USD known to be billed, plus what may have been billed for lost answers; of one run, of some, or of all."""
        asked = {runs} if isinstance(runs, str) else runs
        mine = (record for record in self.fields(MONEY) if asked is None or record.get("run_id") in asked)
        return sum((record.get("cost_usd") or 0.0) + (record.get("held_usd") or 0.0) for record in mine)

    def _segment_records(self, path: Path, newest_first: bool) -> Iterator[dict[str, Any]]:
        try:
            lines = lines_backwards(path) if newest_first else (line for _, line in lines_of(path))
            for line in lines:
                if (record := parse(line)) is not None:
                    yield record
        except FileNotFoundError:  # raised only as it is opened: packed since it was listed
            for file in map(Packed, list_packed(self.folder)):
                if path.name in file.segments:
                    yield from file.records(newest_first, path.name)

    def _after_fork(self) -> None:
        """In the child: a lock of its own, and its own segment at the first append."""
        self._lock = threading.RLock()
        if self._file >= 0:
            os.close(self._file)  # the parent's lock lives on in the parent
        self._file = -1


_journals: "weakref.WeakSet[Journal]" = weakref.WeakSet()


def _after_fork() -> None:
    for journal in list(_journals):
        journal._after_fork()


os.register_at_fork(after_in_child=_after_fork)
