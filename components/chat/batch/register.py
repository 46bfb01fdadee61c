"""The register of batches: one file per batch under `<home>/calls/batches/`, written before anything is sent.

    <local id>.json    what was handed in, with the keys it holds and how far it came
    <local id>.lock    held by the process that hands it in or collects it
    register.lock      held, for moments, by whoever claims keys or closes a batch with its money

A file is replaced as a whole and is on the disk before the next step begins, so a kill at any point leaves a state
that tells what may have happened at the endpoint. Locks are flocks: the kernel drops them when their process dies.
"""

import asyncio
import fcntl
import json
import os
import secrets
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from components.errors import UserError

RETRY_LOCK_S = 0.02

State = Literal["intent", "uploaded", "open", "collecting", "settling", "collected", "failed", "void"]
CLOSED = frozenset({"collected", "failed", "void"})


@dataclass(frozen=True, slots=True)
class Line:
    """What a record needs to know of a call whose request may not be at hand when its answer comes. Tokens: expected
    prompt, most prompt, most reply."""

    stage: str
    expected: int
    most_input: int
    most_output: int


@dataclass(slots=True, kw_only=True)
class Entry:
    """One batch.

    | state      | the endpoint                                        | who finds it so, nobody being at work on it |
    |------------|-----------------------------------------------------|---------------------------------------------|
    | intent     | has nothing                                         | forgets it                                  |
    | uploaded   | has the file, and perhaps the batch                 | looks for it by its metadata, adopts it     |
    | open       | has the batch                                       | waits for it                                |
    | collecting | has ended the batch; some answers are journaled     | journals the others                         |
    | settling   | -; all answers are journaled, its cost is not yet,  | settles where its money still stands        |
    |            | or not in both purses, counted                      |                                             |
    | collected  | -                                                   | finds all answers journaled                 |
    | failed     | refused the whole batch, billed nothing             | reads in `why` and `codes` what it said     |

    One that was surely never made is forgotten; in memory it is `void` then.
    `asked`: the parameters that the calls were sent with, without their messages. `price`: the fields of the batch
    price of that day, by which money was reserved; `spec_id`: of the step that asked; `effort`: of reasoning. `fenced`:
    its file was deleted, so that it cannot run. `ended_at`: when it was first seen ended with fewer answers than it
    should have; `unwhole`: how often since. A closed entry keeps no lines: the journal has them.
    """

    local_id: str
    endpoint: str
    model: str
    url: str
    run_id: str
    purse: str
    state: State = "intent"
    file_id: str | None = None
    batch_id: str | None = None
    seen: str = ""
    lines: dict[str, Line] = field(default_factory=dict)
    count: int = 0
    asked: Mapping[str, Any] = field(default_factory=dict)
    sent_without: list[str] = field(default_factory=list)
    price_date: str | None = None
    price: dict[str, Any] | None = None
    spec_id: str = ""
    effort: str | None = None
    reserved_usd: float = 0.0
    cost_usd: float = 0.0
    held_usd: float = 0.0
    fenced: bool = False
    ended_at: str | None = None
    unwhole: int = 0
    why: str | None = None
    codes: list[str] = field(default_factory=list)
    created_at: str = field(default_factory=lambda: datetime.now(UTC).isoformat())

    @property
    def closed(self) -> bool:
        return self.state in CLOSED

    @property
    def begun(self) -> datetime:
        return datetime.fromisoformat(self.created_at)


def names_of(entries: Sequence[Entry]) -> str:
    """For people: as the endpoint calls them, where it has them."""
    names = [entry.batch_id or entry.local_id for entry in entries]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{'batch' if len(names) == 1 else 'batches'} {', '.join(names[:3])}{more}"


def new_id() -> str:
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(6)}"


class Lock:
    """A lock that is held; the kernel frees it when the process dies."""

    def __init__(self, file: int) -> None:
        self._file = file

    def release(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


class Register:
    """The batches of a home; any number of processes and threads may use it. The folder is made by the first write."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._closed: set[str] = set()

    def open_entries(self) -> list[Entry]:
        """Oldest first."""
        if not self.folder.is_dir():
            return []
        names = sorted(path.stem for path in self.folder.glob("*.json"))
        found = [self.load(name) for name in names if name not in self._closed]
        return [entry for entry in found if entry is not None and not entry.closed]

    def at_endpoint(self) -> dict[str, str]:
        """Open batches: local id -> id at the endpoint."""
        return {entry.local_id: entry.batch_id for entry in self.open_entries() if entry.batch_id is not None}

    def load(self, local_id: str) -> Entry | None:
        """None where it was forgotten."""
        path = self._path(local_id)
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            lines = {key: Line(*fields) for key, fields in content.pop("lines").items()}
            entry = Entry(lines=lines, **content)
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            # Going on without it could buy its calls a second time.
            raise UserError(
                f"{path} is damaged ({error}): look the batch up at the endpoint, then delete it"
            ) from error
        if entry.closed:
            self._closed.add(local_id)
        return entry

    def save(self, entry: Entry) -> None:
        """On the disk when it returns."""
        if entry.closed:
            entry.lines = {}
        content = asdict(entry) | {"lines": {key: list(asdict(line).values()) for key, line in entry.lines.items()}}
        path = self._path(entry.local_id)
        part = path.with_name(f".{entry.local_id}.{secrets.token_hex(4)}.tmp")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with part.open("w", encoding="utf-8") as file:
                json.dump(content, file, ensure_ascii=False, separators=(",", ":"))
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
            sync(self.folder)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise UserError(
                f"cannot write {path}: {error.strerror}; free or unlock it and run the same command again"
            ) from error
        if entry.closed:
            self._lock_path(entry.local_id).unlink(missing_ok=True)  # who still waits for it finds the entry closed

    def forget(self, entry: Entry) -> None:
        """Of a batch that surely does not exist at the endpoint."""
        self._path(entry.local_id).unlink(missing_ok=True)
        self._lock_path(entry.local_id).unlink(missing_ok=True)

    def try_lock(self, name: str) -> Lock | None:
        """None while another process, or another purchase of this one, is at work on it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        file = os.open(self._lock_path(name), os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return None
        except BaseException:  # an open file would keep the lock
            os.close(file)
            raise
        return Lock(file)

    @contextmanager
    def holding(self, local_id: str) -> Iterator[Entry | None]:
        """The entry as it is now, and nobody else at work on it; None while somebody is, or where it is closed."""
        lock = self.try_lock(local_id)
        if lock is None:
            yield None
            return
        try:
            entry = self.load(local_id)
            if entry is None or entry.closed:
                self._lock_path(local_id).unlink(missing_ok=True)
                entry = None
            yield entry
        finally:
            lock.release()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Like `claiming`, for those who cannot await."""
        while (lock := self.try_lock("register")) is None:
            time.sleep(RETRY_LOCK_S)
        try:
            yield
        finally:
            lock.release()

    @asynccontextmanager
    async def claiming(self) -> AsyncIterator[None]:
        """Nobody else claims keys, or closes a batch, in the block; nothing slow, and no await, belongs into it."""
        while (lock := self.try_lock("register")) is None:
            await asyncio.sleep(RETRY_LOCK_S)
        try:
            yield
        finally:
            lock.release()

    def _path(self, local_id: str) -> Path:
        return self.folder / f"{local_id}.json"

    def _lock_path(self, name: str) -> Path:
        return self.folder / f"{name}.lock"


def sync(path: Path) -> None:
    """What was written into the file, or the names in the folder, survive a power cut from here on."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
