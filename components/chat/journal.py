"""The journal of calls: append-only JSON lines under `<home>/calls/`, one segment per writing process.

A record is written with one `write` the moment its call is answered, so a killed process loses only what was in flight
(no fsync: the kernel keeps written pages when a process dies; a power cut may cost the last seconds). Nobody rewrites a
line. Any number of processes may share the folder: each appends to its own segment and reads the others' as they grow.

Each line begins with `{"call_key":"...","status":"..."`, so that opening a journal reads two fields per line and parses
nothing; a line is parsed, and thereby verified, when it is looked up.
"""

import json
import os
import re
import secrets
import threading
import time
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from components.chat.outcome import FINAL, ChatOutcome, Status
from components.errors import UserError

REFRESH_SHARE = 0.05
"""At most so much of the time goes into looking for what other processes have appended."""

NEIGHBOUR_S = 60.0
SHORTEST_SECRET = 8
"""Shorter keys ("EMPTY", "ollama") are dummies for servers that want none; blotting them out would maim texts."""

_HEAD = re.compile(rb'\{"call_key":"([0-9a-f]+)","status":"([a-z_]+)"')
_FINAL = frozenset(status.value.encode() for status in FINAL)


class Journal:
    """Thread-safe. Opening reads nothing; the folder is made by the first append."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.RLock()
        self._own: Path | None = None
        self._file = -1
        self._owner = -1
        self._end = 0
        self._torn = False
        self._segments: list[Path] = []
        self._numbers: dict[Path, int] = {}
        self._read_to: dict[Path, int] = {}
        self._where: dict[str, tuple[int, int, int]] = {}  # key -> (segment, offset, length) of its latest final record
        self._next_refresh = float("-inf")

    def append(self, record: Mapping[str, Any], redact: str | None = None) -> None:
        """Writes one record; `redact` (the account's key, should a server have echoed it) is blotted out of the line.
        UserError names the path when it cannot be written."""
        line = encode(record, redact)
        with self._lock:
            path = self.ready()
            # After a write that the disk cut short, a line break closes the torn line.
            data = b"\n" + line if self._torn else line
            try:
                written = os.write(self._file, data)
            except OSError as error:
                raise _cannot_write(path, error) from error
            start, self._end = self._end + len(data) - len(line), self._end + written
            self._torn = written < len(data)
            if self._torn:
                raise UserError(
                    f"cannot write {path}: the disk is full; free some space and run the same command again"
                )
            self._index(self._number(path), start, line)
            self._read_to[path] = self._end

    def ready(self) -> Path:
        """Opens this process's segment; called before money is spent, so a read-only home stops a run in time."""
        with self._lock:
            if self._own is not None and self._file >= 0 and self._owner == os.getpid():
                return self._own
            name = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{os.getpid()}-{secrets.token_hex(4)}.jsonl"
            path = self.folder / name
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o666)
            except OSError as error:
                raise _cannot_write(path, error) from error
            self._own, self._owner, self._end, self._torn = path, os.getpid(), 0, False
            return path

    def close(self) -> None:
        with self._lock:
            if self._file >= 0 and self._owner == os.getpid():
                os.close(self._file)
            self._file = -1

    def lookup(self, key: str) -> ChatOutcome | None:
        """The latest final outcome under this key, whoever bought it; failures that may pass are no answer."""
        with self._lock:
            if key not in self._where and time.monotonic() >= self._next_refresh:
                self.refresh()
            place = self._where.get(key)
            if place is None:
                return None
            record = self._read(*place)
            if record is None or record.get("call_key") != key:
                del self._where[key]  # a damaged line; its call is bought again
                return None
        return outcome_of(record)

    def refresh(self) -> None:
        """Reads what other processes have appended since."""
        with self._lock:
            began = time.thread_time()
            for path, size in sorted(_segments(self.folder)):
                if size > self._read_to.get(path, 0):
                    self._scan(path)
            self._next_refresh = time.monotonic() + (time.thread_time() - began) / REFRESH_SHARE

    def elders(self) -> int:
        """How many other processes may be writing here right now and began before this one."""
        own, recent = self.ready(), time.time() - NEIGHBOUR_S
        older = (path for path, _ in _segments(self.folder) if path.name < own.name)
        return sum(path.stat().st_mtime > recent for path in older)

    def records(self, newest_first: bool = False) -> Iterator[dict[str, Any]]:
        """Every readable record, segment by segment; for plans and sums, not for look-ups."""
        for path, _ in sorted(_segments(self.folder), reverse=newest_first):
            lines = path.read_bytes().split(b"\n")
            for line in reversed(lines) if newest_first else lines:
                record = _parse(line)
                if record is not None:
                    yield record

    def spent_usd(self, runs: str | Collection[str] | None = None) -> float:
        """USD known to be billed, plus what may have been billed for lost answers; of one run, of some, or of all."""
        asked = {runs} if isinstance(runs, str) else runs
        mine = (record for record in self.records() if asked is None or record.get("run_id") in asked)
        return sum((record.get("cost_usd") or 0.0) + (record.get("held_usd") or 0.0) for record in mine)

    def _scan(self, path: Path) -> None:
        start = self._read_to.get(path, 0)
        number = self._number(path)
        with path.open("rb") as file:
            file.seek(start)
            for line in file:
                if not line.endswith(b"\n") and _parse(line) is None:
                    break  # still being written, or torn for good
                self._index(number, start, line)
                if line.endswith(b"\n"):
                    start += len(line)
        self._read_to[path] = start

    def _index(self, number: int, offset: int, line: bytes) -> None:
        head = _HEAD.match(line)
        if head and head[2] in _FINAL:
            self._where[head[1].decode()] = (number, offset, len(line))

    def _number(self, path: Path) -> int:
        if path not in self._numbers:
            self._numbers[path] = len(self._segments)
            self._segments.append(path)
        return self._numbers[path]

    def _read(self, number: int, offset: int, length: int) -> dict[str, Any] | None:
        with self._segments[number].open("rb") as file:
            file.seek(offset)
            return _parse(file.read(length))


def encode(record: Mapping[str, Any], redact: str | None = None) -> bytes:
    """One line, `call_key` and `status` first; half of a surrogate pair would make the view `calls` skip the line."""
    ordered = {"call_key": record["call_key"], "status": str(record["status"])} | dict(record)
    text = json.dumps(ordered, ensure_ascii=False, separators=(",", ":"))
    return redacted(text, redact and json.dumps(redact)[1:-1]).encode("utf-8", "replace") + b"\n"


def redacted(text: str, secret: str | None) -> str:
    return text.replace(secret, "[key]") if secret and len(secret) >= SHORTEST_SECRET else text


def outcome_of(record: Mapping[str, Any]) -> ChatOutcome:
    return ChatOutcome(
        key=record["call_key"],
        status=Status(record["status"]),
        text=record.get("text"),
        detail=record.get("detail"),
        input_tokens=record.get("input_tokens"),
        output_tokens=record.get("output_tokens"),
        cost_usd=record.get("cost_usd"),
        latency_ms=record.get("latency_ms") or 0,
        attempts=record.get("attempts") or 0,
        bought=False,
    )


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) and "call_key" in record and "status" in record else None


def _segments(folder: Path) -> Iterator[tuple[Path, int]]:
    if folder.is_dir():
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith(".jsonl"):
                    yield folder / entry.name, entry.stat().st_size


def _cannot_write(path: Path, error: OSError) -> UserError:
    return UserError(f"cannot write {path}: {error.strerror}; free or unlock it and run the same command again")


_VIEW = {
    "call_key": "VARCHAR",
    "model": "VARCHAR",
    "endpoint": "VARCHAR",
    "stage": "VARCHAR",
    "run_id": "VARCHAR",
    "spec_id": "VARCHAR",
    "mode": "VARCHAR",
    "status": "VARCHAR",
    "attempts": "BIGINT",
    "input_tokens": "BIGINT",
    "output_tokens": "BIGINT",
    "cached_tokens": "BIGINT",
    "reasoning_tokens": "BIGINT",
    "cost_usd": "DOUBLE",
    "held_usd": "DOUBLE",
    "price_date": "VARCHAR",
    "latency_ms": "BIGINT",
    "created_at": "TIMESTAMPTZ",
    "detail": "VARCHAR",
}


def calls_view_sql(folder: Path) -> str:
    """SQL that makes the view `calls` over the segments in `folder`: one row per record, failed calls too. Make it anew
    at each opening: DuckDB binds no pattern that matches no file, so without a segment the view is an empty one."""
    names = ", ".join(_VIEW)
    if not any(_segments(folder)):
        return (
            "CREATE OR REPLACE VIEW calls AS SELECT "
            + ", ".join(f"NULL::{kind} AS {name}" for name, kind in _VIEW.items())
            + " WHERE false"
        )
    # DuckDB has no escape in patterns but a class of one character.
    pattern = re.sub(r"([*?\[])", r"[\1]", str(folder.resolve())).replace("'", "''") + "/*.jsonl"
    columns = ", ".join(f"{name}: '{kind}'" for name, kind in _VIEW.items())
    return (
        f"CREATE OR REPLACE VIEW calls AS SELECT {names} FROM read_json('{pattern}', format = 'newline_delimited', "
        f"ignore_errors = true, maximum_object_size = 67108864, columns = {{{columns}}}) WHERE call_key IS NOT NULL"
    )
