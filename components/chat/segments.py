"""Segments: the files `<calls>/<time>-<host>-<pid>-<token>.jsonl`, one per writing process, one record per line.

A writer holds a lock (flock) on its segment for as long as it lives, whatever ends it; that, and no time stamp, says
that a segment is finished and may be packed. Each line begins with `{"call_key":"...","status":"..."`, so that opening
a journal reads two fields per line and parses nothing; a line is parsed, and thereby verified, when it is looked up.
"""

import fcntl
import json
import math
import mmap
import os
import re
import secrets
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from components.chat.blotting import blotted_json
from components.chat.outcome import FINAL
from components.errors import HomeUnusable

HEAD = re.compile(rb'\{"call_key":"([0-9a-f]+)","status":"([a-z_]+)"')
FINAL_NAMES = frozenset(status.value.encode() for status in FINAL)

QUIET_S = 600.0
"""Locks of another machine may not reach this one (a shared file system can be mounted so), and writers before this
format held none: such a segment is finished when it is unlocked and nothing was added for so many seconds."""

HOST = re.sub(r"[^A-Za-z0-9]", "", socket.gethostname())[:32] or "host"
_NAME = re.compile(r"\d{8}T\d{12}-([A-Za-z0-9]+)-(\d+)-[0-9a-f]{8}\.jsonl")


def encode(record: Mapping[str, Any], redact: str | None = None) -> bytes:
    """One line, `call_key` and `status` first, without the secret `redact`."""
    if tuple(islice(record, 2)) != ("call_key", "status"):
        record = {"call_key": record["call_key"], "status": record["status"]} | dict(record)
    return blotted_json(dump(record, orjson.OPT_APPEND_NEWLINE), redact)


def dump(value: Any, option: int = 0) -> bytes:
    """Compact JSON in UTF-8, also of what servers may send and orjson refuses: half of a surrogate pair becomes "?",
    numbers beyond 64 bits stay; of what is nested too deep only plain fields stay, a reply's text among them."""
    try:
        return orjson.dumps(value, option=option)
    except TypeError:
        try:
            text = json.dumps(_finite(value), ensure_ascii=False, separators=(",", ":"))
        except RecursionError:
            plain = value.items() if isinstance(value, Mapping) else ()
            value = {name: None if isinstance(part, dict | list) else _finite(part) for name, part in plain}
            text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-8", "replace") + (b"\n" if option & orjson.OPT_APPEND_NEWLINE else b"")


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(part) for key, part in value.items()}
    return [_finite(part) for part in value] if isinstance(value, list | tuple) else value


def parse(line: bytes) -> dict[str, Any] | None:
    """The record in a line; None for a torn or damaged one."""
    try:
        record = orjson.loads(line)
    except ValueError:
        try:  # numbers that are none, halves of surrogate pairs: older lines may hold them
            record = json.loads(json.dumps(_finite(json.loads(line)), ensure_ascii=False).encode("utf-8", "replace"))
        except (ValueError, RecursionError):
            return None
    whole = isinstance(record, dict) and isinstance(record.get("call_key"), str)
    return record if whole and isinstance(record.get("status"), str) else None


def list_segments(folder: Path) -> list[tuple[Path, int]]:
    """Segments and their sizes, oldest first."""
    found = []
    if folder.is_dir():
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith(".jsonl"):
                    try:
                        found.append((folder / entry.name, entry.stat().st_size))
                    except FileNotFoundError:
                        continue  # packed a moment ago
    return sorted(found)


@contextmanager
def opening(folder: Path) -> Iterator[None]:
    """Nobody else opens a segment of this folder meanwhile, where its file system has locks on folders."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:  # opening the segment fails next, and says so
        yield
        return
    try:
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


def open_segment(folder: Path) -> tuple[Path, int]:
    """A new segment, locked, and its file descriptor; HomeUnusable names the path where there can be none."""
    while True:
        path = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{HOST}-{os.getpid()}-{secrets.token_hex(4)}.jsonl"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise cannot_write(path, error) from error
        if _lock(file) is not False and path.exists():
            return path, file
        os.close(file)  # a compaction took the empty file for a dead one's, between its making and its locking


def hold(path: Path, quiet_s: float = QUIET_S) -> int | None:
    """A locked file descriptor of a finished segment, to be closed by the caller; None while its writer may live."""
    try:
        file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise cannot_write(path, error) from error
    locked = _lock(file)
    name = _NAME.fullmatch(path.name)
    sure = locked and name is not None and name[1] == HOST
    if locked is not False and (sure or time.time() - os.fstat(file).st_mtime > quiet_s):
        return file
    os.close(file)
    return None


def is_held(path: Path, within_s: float = math.inf) -> bool:
    """Whether a living process, as far as locks tell, has written here in the last `within_s` seconds."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        recent = time.time() - os.fstat(file).st_mtime < within_s
        return recent and _lock(file, fcntl.LOCK_SH) is False
    finally:
        os.close(file)


def _lock(file: int, kind: int = fcntl.LOCK_EX) -> bool | None:
    """False where another holds it; None where the file system has no locks."""
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def lines_of(path: Path, start: int = 0) -> Iterator[tuple[int, bytes]]:
    """Offset and line, line break and all, from the offset `start` on; the last one may be torn."""
    with path.open("rb", buffering=1 << 18) as file:
        file.seek(start)
        for line in file:
            yield start, line
            start += len(line)


def lines_backwards(path: Path) -> Iterator[bytes]:
    """From the end, however large the file is."""
    with path.open("rb") as file:
        if not os.fstat(file.fileno()).st_size:
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            end = len(data)
            while end > 0:
                start = data.rfind(b"\n", 0, end - 1) + 1
                yield data[start:end]
                end = start


def cannot_write(path: Path, error: OSError) -> HomeUnusable:
    return HomeUnusable(f"cannot write {path}: {error.strerror}; free or unlock it and run the same command again")
