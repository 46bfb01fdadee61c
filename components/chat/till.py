"""An open ledger's place among the others of a home: its purses (the run's, the month's), and the burial of the dead.

An open ledger holds a lock on a file of its own under `<home>/calls/shared/open/`, which the kernel releases when its
process dies, however it dies (a pid alone could be another process by now). Whoever opens a ledger, or waits for money,
tries those locks, and buries what is dead (burial.py).
"""

import fcntl
import json
import os
import secrets
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from components.chat.burial import MONTH, bury, living
from components.chat.journal import Journal
from components.chat.pocket import FITS
from components.chat.purse import Damaged, Purse
from components.chat.purse_ends import end_standing_at
from components.chat.purse_rows import standing
from components.chat.recorded import Month, Recorded, recorded
from components.chat.segments import cannot_write
from components.errors import UserError

LOOK_S = 1.0
"""So often at most a ledger looks after the dead and after its own files."""


class Till:
    """The purses of one open ledger, `run` and `month`; not thread-safe, its ledger has the lock. `runs` are all runs
    whose records the purse `name` paid for; `batches` tells of open batches under which name their money stands, and
    their ids at the endpoint."""

    def __init__(
        self,
        folder: Path,
        journal: Journal,
        name: str,
        runs: Collection[str] = (),
        clock: Callable[[], float] = time.time,
        batches: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        self.folder, self.journal, self.name, self.clock, self.batches = folder, journal, name, clock, batches
        self.runs = {name, *runs}
        self.pid = -1
        self.open()

    def open(self) -> None:
        """Takes a place; also in the child of a fork, which must not write its parent's rows."""
        self.pid, self.token = os.getpid(), secrets.token_bytes(16)
        self._next_look = time.monotonic() + LOOK_S
        self._sums: tuple[str, Recorded, dict[bytes, str]] | None = None
        try:
            (self.folder / "open").mkdir(parents=True, exist_ok=True)
            with _alone(self.folder):
                bury(self.folder, self.journal)
                self._mark = _mark_of(self.folder, self.token)
                self._file = self._mark.open("w", encoding="utf-8")
                fcntl.flock(self._file, fcntl.LOCK_EX)
                self._set_month(Month.of(self.clock()))
                self._note(self.run_path(self.name), self._month_path(self.month_name))
                self.run = Purse(
                    self.run_path(self.name), self.token, lambda stands: self._recorded(self.month_name, stands)[0]
                )
                self.month = self._month_purse(self.month_name)
                self._sums = None  # later openings of these files must ask again
        except OSError as error:
            raise UserError(
                f"cannot keep the money of this home in {self.folder}: {error.strerror}; unlock it or choose --home"
            ) from error

    def _recorded(self, month: str, stands: Collection[bytes]) -> tuple[tuple[float, float], tuple[float, float]]:
        """See Sums in purse.py, of the run and of the month. One look into the journal for both purses, while nobody
        else can open them."""
        if self._sums is None or self._sums[0] != month:
            batches = {standing(name): batch for name, batch in self.batches().items()}
            self._sums = month, recorded(self.journal, self.runs, month, set(batches.values())), batches
        _, found, batches = self._sums
        left_out = {batches[name] for name in stands if name in batches}
        return found.run.but(left_out), found.month.but(left_out)

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
        purse = Purse(path, self.token, lambda stands: self._recorded(name, stands)[1])
        for older in self.folder.glob(f"{MONTH}*"):
            if older.name < path.name:
                purse.take_over(older)
        return purse

    def take(self, usd: float, cap: float, month_cap: float | None) -> int:
        """Reserves `usd` in both purses, or in none where one has no room: FITS, WAIT or REFUSED."""
        try:
            return self._take(usd, cap, month_cap)
        except Damaged:
            self.mend()
            return self._take(usd, cap, month_cap)

    def _take(self, usd: float, cap: float, month_cap: float | None) -> int:
        if self.pid != os.getpid():
            self.open()
        self.turn_in_time()
        said = self.run.take(usd, cap)
        if said == FITS:
            try:
                said = self.month.take(usd, float("inf") if month_cap is None else month_cap)
            except Damaged:
                self.run.put(usd)
                raise
            if said != FITS:
                self.run.put(usd)
        if said != FITS:
            self.look()
        return said

    def put(self, freed: float, spent: float = 0.0, held: float = 0.0, kept: float = 0.0, ended: int = 1) -> None:
        """See Pocket.put."""
        self.turn_in_time()
        self.month.put(freed, spent, held, kept, ended)
        self.run.put(freed, spent, held, kept, ended)

    def stand(self, name: str, usd: float) -> None:
        """See Purse.stand."""
        self.run.stand(name, usd)
        self.month.stand(name, usd)

    def stands(self, name: str, usd: float) -> None:
        """See Purse.stands."""
        self.run.stands(name, usd)
        self.month.stands(name, usd)

    def end_standing(self, name: str, spent: float, held: float) -> None:
        """What stood under `name` is over; who ends it counts its cost, in the own row, once."""
        self.turn_in_time()
        self.run.end_standing(name, spent, held)
        self.month.end_standing(name, spent, held)

    def end_standing_of(self, purse: str, name: str, spent: float, held: float) -> None:
        """The same for another purse of this home: the cost is that purse's, and the month's."""
        self.turn_in_time()
        end_standing_at(self.run_path(purse), name, spent, held)
        self.month.end_standing(name, spent, held)

    def end_standing_but(self, names: Collection[str]) -> None:
        """See Purse.end_standing_but."""
        self.turn_in_time()
        self.run.end_standing_but(names)
        self.month.end_standing_but(names)

    def turn_in_time(self) -> None:
        now = self.clock()
        if not self.month_begins <= now < self.month_ends:
            self.turn(now)

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

    def living(self) -> set[str]:
        """The names of the purses that a living process has open."""
        with _alone(self.folder):
            return living(self.folder)

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
