"""An open ledger's place among the others of a home: its purses (the run's, the month's), and the burial of the dead.

An open ledger holds a lock on a file of its own under `<home>/calls/shared/open/`, which the kernel releases when its
process dies, however it dies (a pid alone could be another process by now). Whoever opens a ledger, or waits for money,
tries those locks: money that a dead ledger had reserved may have been billed, so it becomes held, and is written into
the journal once, as one record, from which sums and views see it.

That record has the status `connection` (the answer never came), which no reader takes for an answer and no resume
treats as final, and a key of its own, made from the ledger's random name, so it can be found and is written once.
"""

import fcntl
import hashlib
import json
import os
import secrets
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from components.chat.journal import Journal
from components.chat.outcome import Status
from components.chat.purse import Purse, row_of, settle_row
from components.chat.segments import cannot_write
from components.errors import UserError

LOST = "lost"
"""The stage of records that stand for calls in flight when their process died."""

MONTH = "purse-month-"
"""So begin the names of months' purses; 2026-11 follows."""

LOOK_S = 1.0
"""So often at most a ledger looks after the dead and after its own files."""


class Till:
    """The purses of one open ledger, `run` and `month`; not thread-safe, its ledger has the lock. `runs` are all runs
    whose records the purse `name` paid for."""

    def __init__(
        self,
        folder: Path,
        journal: Journal,
        name: str,
        runs: Collection[str] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.folder, self.journal, self.name, self.clock = folder, journal, name, clock
        self.runs = {name, *runs}
        self.pid = -1
        self.open()

    def open(self) -> None:
        """Takes a place; also in the child of a fork, which must not write its parent's rows."""
        self.pid, self.token = os.getpid(), secrets.token_bytes(16)
        self._next_look = time.monotonic() + LOOK_S
        self._sums: tuple[str, Recorded] | None = None
        try:
            (self.folder / "open").mkdir(parents=True, exist_ok=True)
            with _alone(self.folder):
                bury(self.folder, self.journal)
                self._mark = _mark_of(self.folder, self.token)
                self._file = self._mark.open("w", encoding="utf-8")
                fcntl.flock(self._file, fcntl.LOCK_EX)
                self._set_month(Month.of(self.clock()))
                self._note(self.run_path(self.name), self._month_path(self.month_name))
                self.run = Purse(self.run_path(self.name), self.token, lambda: self._recorded(self.month_name).run)
                self.month = self._month_purse(self.month_name)
                self._sums = None  # later openings of these files must ask again
        except OSError as error:
            raise UserError(
                f"cannot keep the money of this home in {self.folder}: {error.strerror}; unlock it or choose --home"
            ) from error

    def _recorded(self, month: str) -> "Recorded":
        """One look into the journal for both purses, while nobody else can open them."""
        if self._sums is None or self._sums[0] != month:
            self._sums = month, recorded(self.journal, self.runs, month)
        return self._sums[1]

    def run_path(self, name: str) -> Path:
        """The purse of the runs that `name` pays for."""
        return self.folder / f"purse-run-{quote(name, safe='')[:150]}"

    def _set_month(self, month: "Month") -> None:
        self.month_name, self.next_month = month.name, month.next
        self.month_begins, self.month_ends = month.first.timestamp(), month.next.timestamp()

    def _month_path(self, name: str) -> Path:
        return self.folder / f"{MONTH}{name}"

    def _month_purse(self, name: str) -> Purse:
        path = self._month_path(name)
        purse = Purse(path, self.token, lambda: self._recorded(name).month)
        for older in self.folder.glob(f"{MONTH}*"):
            if older.name < path.name:
                purse.take_over(older)
        return purse

    def turn(self, now: float) -> None:
        """The month is over, or the clock was set: what is in flight will be recorded in the other month, and counts
        there whatever its cap."""
        old, self._sums, month = self.month, None, Month.of(now)
        try:
            self._note(self.run_path(self.name), old.path, self._month_path(month.name))
            new = self._month_purse(month.name)  # before anything says that it is that month
        except OSError as error:
            raise cannot_write(self._month_path(month.name), error) from error
        self._set_month(month)
        self.month = new
        self.month.carry(old)
        old.close()
        self._note(self.run_path(self.name), self.month.path)

    def look(self) -> None:
        """Buries the dead and mends what somebody has removed; cheap, and seldom."""
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + LOOK_S
        with _alone(self.folder, wait=False) as alone:
            if not alone:
                return  # somebody else is looking
            self.mend()
            bury(self.folder, self.journal)

    def mend(self) -> None:
        """Makes anew what somebody has removed or damaged."""
        self._sums = None
        for purse in (self.run, self.month):
            if purse.lost():
                purse.join_again()

    def close(self) -> None:
        """What is still reserved was never settled, and is left for the next ledger to bury."""
        if self._file.closed or self.pid != os.getpid():
            return
        if self.run.open or self.month.open:
            self.run.close_file()
            self.month.close_file()
        else:
            self.run.close()
            self.month.close()
            self._mark.unlink(missing_ok=True)
        self._file.close()

    def _note(self, *purses: Path) -> None:
        """What a burial must know, in one write."""
        noted = {"pid": self.pid, "name": self.name, "purses": [path.name for path in purses]}
        os.pwrite(self._file.fileno(), json.dumps(noted).encode().ljust(2048), 0)


def bury(folder: Path, journal: Journal) -> None:
    """Ends every ledger whose process is gone. Killed in the middle, it is repeated by the next one: the journal is
    looked through before the record is written again, and a row that is gone is skipped. Call it `_alone`."""
    for mark in sorted((folder / "open").glob("*.ledger")):
        try:
            opened = mark.open("r+b")
        except FileNotFoundError:
            continue  # its ledger was closed since
        with opened as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            token = bytes.fromhex(mark.stem)
            noted = _noted(file.read(), folder)
            paths = [folder / name for name in noted["purses"]]
            usd, calls = max((row_of(path, token) for path in paths), default=(0.0, 0))
            if usd > 1e-12:
                begun = noted.get("burying", False)
                file.seek(0)
                file.write(json.dumps(noted | {"burying": True}).encode().ljust(2048))
                file.flush()
                record = _lost(token, str(noted["name"]), usd, calls, _died(paths))
                if not begun or all(known["call_key"] != record["call_key"] for known in journal.records()):
                    journal.append(record)
            for path in paths:
                settle_row(path, token)
            mark.unlink(missing_ok=True)


class Month(NamedTuple):
    """A calendar month in UTC: 2026-11, its first moment and that of the next."""

    name: str
    first: datetime
    next: datetime

    @classmethod
    def of(cls, now: float) -> "Month":
        first = datetime.fromtimestamp(now, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        return cls(
            f"{first:%Y-%m}", first, datetime(first.year + first.month // 12, first.month % 12 + 1, 1, tzinfo=UTC)
        )


class Recorded(NamedTuple):
    """(spent, held) in USD."""

    run: tuple[float, float]
    month: tuple[float, float]


def recorded(journal: Journal, runs: Collection[str], month: str) -> Recorded:
    """What the journal has of some runs, and of a calendar month (2026-11) in UTC."""
    sums = [[0.0, 0.0], [0.0, 0.0]]
    for record in journal.fields(("run_id", "created_at", "cost_usd", "held_usd")):
        cost, held = record.get("cost_usd") or 0.0, record.get("held_usd") or 0.0
        if cost or held:
            for into, mine in zip(sums, (record.get("run_id") in runs, month_of(record) == month), strict=True):
                if mine:
                    into[0] += cost
                    into[1] += held
    return Recorded((sums[0][0], sums[0][1]), (sums[1][0], sums[1][1]))


def month_of(record: Mapping[str, Any]) -> str:
    """Of its `created_at`, which is written in UTC; packed calls may have it as a time."""
    at = record.get("created_at")
    return f"{at.astimezone(UTC):%Y-%m}" if isinstance(at, datetime) else str(at)[:7]


def _lost(token: bytes, name: str, usd: float, calls: int, at: float) -> dict[str, Any]:
    return {
        "call_key": hashlib.sha256(b"lost " + token).hexdigest()[:32],
        "status": Status.connection.value,
        "model": None,
        "endpoint": None,
        "stage": LOST,
        "run_id": name,
        "text": None,
        "detail": f"in flight when their process died: {calls} attempts, which may have been billed",
        "attempts": calls,
        "input_tokens": None,
        "output_tokens": None,
        "cost_usd": 0.0,
        "held_usd": usd,
        "price_date": None,
        "latency_ms": 0,
        "created_at": datetime.fromtimestamp(at, UTC).isoformat(),
    }


def _noted(data: bytes, folder: Path) -> dict[str, Any]:
    """A process that died before it could note anything had no money yet; its row is looked for everywhere."""
    try:
        noted = json.loads(data)
        return {"name": str(noted["name"]), "purses": [str(name) for name in noted["purses"]]} | dict(noted)
    except (ValueError, KeyError, TypeError):
        return {"name": LOST, "purses": [path.name for path in folder.glob("purse-*")]}


def _died(paths: Sequence[Path]) -> float:
    """When money last moved in these purses, about when the process died; within the month whose purse it was in."""
    at = max((path.stat().st_mtime for path in paths if path.exists()), default=time.time())
    for path in paths:
        if path.name.startswith(MONTH):
            begin = datetime.strptime(path.name, f"{MONTH}%Y-%m").replace(tzinfo=UTC)
            end = (begin + timedelta(days=32)).replace(day=1).timestamp() - 1
            at = min(max(at, begin.timestamp()), end)
    return at


def _mark_of(folder: Path, token: bytes) -> Path:
    return folder / "open" / f"{token.hex()}.ledger"


@contextmanager
def _alone(folder: Path, wait: bool = True) -> Iterator[bool]:
    """One burial, or opening, at a time: a mark must not be tried between its making and its locking. False where
    another has the turn and `wait` is false."""
    with (folder / "open.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
