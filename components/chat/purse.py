"""The money of one scope (a run with its resumptions, or a calendar month), shared by all processes of a home.

A small file of 64-byte rows under `<home>/calls/shared/`. The first row holds what was spent and held by ledgers that
are gone; every further row is one open ledger's: what it has reserved, and what it has spent and held since it opened.
A row has one writer, and one `pwrite` replaces it, so a kill leaves no half-written sum. The file's lock (flock) is
held from looking to writing: two processes must not both see the same room.

The file exists while somebody has it open; else the journal alone knows, and the next opening asks it.
"""

import fcntl
import hashlib
import os
import struct
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from components.chat.segments import cannot_write
from components.errors import UserError

MAGIC = 1_347_769_173.0
ROW = 64
TOKEN = 16
"""Bytes of the random name of an open ledger; zeros mark a free row."""
STANDING = b"\xffstands\0"
"""So begins the name of money that stays reserved whoever lives: a batch is under way for up to a day."""
SLACK = 1e-8
"""A millionth of a cent: sums of floats must not refuse a budget that fits exactly."""

_HEAD = struct.Struct("=dddddddd")  # magic, spent, held, then nothing
_LINE = struct.Struct("=16sdddddd")  # token, reserved, spent, held, kept, open reservations, nothing
_TWO = struct.Struct("=16d")
_PAGE = 4096

FITS, WAIT, REFUSED = 0, 1, 2
"""What a purse says to an amount: taken; not now, but calls in flight may leave room; never under this cap."""


class Damaged(Exception):
    """This ledger's row is gone: somebody has removed or overwritten the file."""


Sums = Callable[[], tuple[float, float]]
"""What the journal says was spent and held under a scope, in USD."""


class Pocket:
    """The same sums for one ledger alone, in memory; not thread-safe, its ledger has the lock.

    `reserved` may be freed; `kept` is what ended attempts of unrecorded calls cost, or may have cost: nobody need wait
    for it."""

    def __init__(self, spent: float = 0.0) -> None:
        self.before = spent
        self.reserved = self.kept = self.spent = self.held = 0.0
        self.open = 0

    def totals(self) -> tuple[float, float, float]:
        """(spent, held, reserved) in USD, of everybody; what is kept counts as held."""
        return self.before + self.spent, self.held + self.kept, self.reserved

    def take(self, usd: float, cap: float) -> int:
        """Reserves `usd` where that leaves spent + held + reserved <= `cap`; FITS, WAIT or REFUSED."""
        spent, held, reserved = self.totals()
        if spent + held + reserved + usd <= cap + SLACK:
            self.reserved += usd
            self.open += 1
            return FITS
        return REFUSED if reserved <= 1e-12 or spent + held + usd > cap + SLACK else WAIT

    def put(self, freed: float, spent: float = 0.0, held: float = 0.0, kept: float = 0.0, ended: int = 1) -> None:
        """Releases `freed` of what was reserved, and counts what became of it; `kept` may be negative."""
        self.open -= ended
        if self.open:
            self.reserved, self.kept = max(0.0, self.reserved - freed), max(0.0, self.kept + kept)
        else:
            self.reserved = self.kept = 0.0  # no rounding stays behind
        self.spent += spent
        self.held += held

    def carry(self, other: "Pocket") -> None:
        """Takes over all that `other` has reserved and kept, whatever the cap."""
        self.reserved, self.kept, self.open = self.reserved + other.reserved, self.kept + other.kept, other.open
        other.put(other.reserved, ended=other.open)


class Purse(Pocket):
    """One ledger's door to the shared file at `path`; `token` is its row's name. `sums` asks the journal."""

    def __init__(self, path: Path, token: bytes, sums: Sums) -> None:
        super().__init__()
        self.path, self.token, self.sums = path, token, sums
        self._file = -1
        self._at = 0
        self._join()

    def totals(self) -> tuple[float, float, float]:
        return _totals(_read(self._file))

    def take(self, usd: float, cap: float) -> int:
        file = self._file
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            data = _read(file)
            if data[self._at : self._at + TOKEN] != self.token:
                raise Damaged
            spent, held, reserved = _totals(data)
            if spent + held + reserved + usd <= cap + SLACK:
                self.reserved += usd
                self.open += 1
                try:
                    self._write()
                except UserError:
                    self.reserved -= usd
                    self.open -= 1
                    raise
                return FITS
            return REFUSED if reserved <= 1e-12 or spent + held + usd > cap + SLACK else WAIT
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)

    def put(self, freed: float, spent: float = 0.0, held: float = 0.0, kept: float = 0.0, ended: int = 1) -> None:
        super().put(freed, spent, held, kept, ended)
        self._write_locked()

    def carry(self, other: Pocket) -> None:
        super().carry(other)
        self._write_locked()

    def stand(self, name: str, usd: float) -> None:
        """Makes `usd` of what this ledger has reserved stand under `name`, in one write."""
        with self._alone() as data:
            self.reserved, self.open = max(0.0, self.reserved - usd), self.open - 1
            data[self._at : self._at + ROW] = self._row()
            if standing(name) not in _rows(data):
                put_standing(data, standing(name), usd)

    def stands(self, name: str, usd: float) -> None:
        """Reserves `usd` under `name` unless something is: what an earlier process left is lost with a lost file."""
        with self._alone() as data:
            if standing(name) not in _rows(data):
                put_standing(data, standing(name), usd)

    def end_standing(self, name: str) -> bool:
        """False when it has ended already, by another process."""
        with self._alone() as data:
            rows = _rows(data)
            if standing(name) not in rows:
                return False
            at = ROW * (1 + rows.index(standing(name)))
            data[at : at + ROW] = bytes(ROW)
            return True

    def end_standing_but(self, names: Collection[str]) -> None:
        """Ends what stands under any other name, at no cost."""
        if not self.standing_usd():
            return
        tokens = {standing(name) for name in names}
        with self._alone() as data:
            for number, token in enumerate(_rows(data)):
                if token.startswith(STANDING) and token not in tokens:
                    data[ROW * (1 + number) : ROW * (2 + number)] = bytes(ROW)

    def standing_usd(self) -> float:
        return float(sum(_LINE.unpack(row)[1] for row in _split(_read(self._file)) if row.startswith(STANDING)))

    def take_over(self, older: Path) -> None:
        """What stands in the purse of a month that is over will be billed in this one."""
        with _locked(older, create=False) as file:
            data = bytearray(_read(file)) if file >= 0 else bytearray()
            found = [row for row in _split(data) if row.startswith(STANDING)] if _sound(data) else []
            with self._alone() as mine:
                for row in found:
                    if row[:TOKEN] not in _rows(mine):
                        put_standing(mine, row[:TOKEN], _LINE.unpack(row)[1])
            if file >= 0 and all(row.startswith(STANDING) or not row[:TOKEN].strip(b"\0") for row in _split(data)):
                older.unlink(missing_ok=True)

    @contextmanager
    def _alone(self) -> Iterator[bytearray]:
        """All rows, to be changed and written back in one write."""
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            data = bytearray(_read(self._file))
            yield data
            os.pwrite(self._file, data, 0)
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def lost(self) -> bool:
        """Somebody removed or damaged the file meanwhile; `join_again` makes it anew."""
        try:
            data = _read(self._file)
            mine = data[self._at : self._at + TOKEN] == self.token
            return os.fstat(self._file).st_nlink == 0 or not mine or not _sound(data)
        except OSError:
            return True

    def join_again(self) -> None:
        """What this ledger has spent is in the journal, and so in the new file's first row."""
        self.close_file()
        self.spent = self.held = 0.0
        self._join(again=True)

    def close(self) -> None:
        """Adds this ledger's row to the first one; the last to leave removes the file."""
        if self._file >= 0:
            settle_row(self.path, self.token)
            self.close_file()

    def close_file(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _write(self) -> None:
        try:
            os.pwrite(self._file, self._row(), self._at)
        except OSError as error:
            raise cannot_write(self.path, error) from error

    def _row(self) -> bytes:
        return _LINE.pack(self.token, self.reserved, self.spent, self.held, self.kept, self.open, 0.0)

    def _write_locked(self) -> None:
        file = self._file
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            self._write()
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)

    def _join(self, again: bool = False) -> None:
        """Takes a row. Where no other ledger is there the first row is what the journal says; where others are, theirs
        are truer: what they recorded a moment ago may not have been read. `again`: this ledger may have recorded
        something after another one made the file anew, so the journal is asked, and the larger figure taken."""
        with _locked(self.path, create=True) as file:
            data = _read(file)
            rows = _rows(data) if _sound(data) else []
            standing_rows = [row for row in _split(data) if row.startswith(STANDING)] if rows else []
            if any(token.strip(b"\0") and not token.startswith(STANDING) and token != self.token for token in rows):
                spent, held = _HEAD.unpack_from(data)[1:3]
                if again:
                    theirs, told = _totals(data), self.sums()
                    spent, held = (
                        mine + max(0.0, j - t) for mine, j, t in zip((spent, held), told, theirs[:2], strict=True)
                    )
                free = next((n for n, token in enumerate(rows) if not token.strip(b"\0") or token == self.token), None)
                self._at = ROW * (1 + (len(rows) if free is None else free))
            else:
                spent, held = self.sums()
                self._at = ROW * (1 + len(standing_rows))
                data = bytes(ROW) + b"".join(standing_rows) + bytes(ROW)
            head = _HEAD.pack(MAGIC, spent, held, 0.0, 0.0, 0.0, 0.0, 0.0)
            data = (head + data[ROW:]).ljust(self._at + ROW, b"\0")
            os.pwrite(file, data[: self._at] + self._row() + data[self._at + ROW :], 0)
            os.ftruncate(file, len(data))
            self._file = os.dup(file)


def standing(name: str) -> bytes:
    return STANDING + hashlib.sha256(name.encode()).digest()[: TOKEN - len(STANDING)]


def put_standing(data: bytearray, token: bytes, usd: float) -> None:
    row = _LINE.pack(token, usd, 0.0, 0.0, 0.0, 1.0, 0.0)
    free = next((n for n, name in enumerate(_rows(data)) if not name.strip(b"\0")), None)
    at = len(data) if free is None else ROW * (1 + free)
    data[at : at + ROW] = row


def end_standing_at(path: Path, name: str, spent: float, held: float) -> None:
    """Ends what stands under `name` in a purse that this process need not have open, and counts what became of it in
    the first row, for those who have; nothing where it has ended already."""
    with _locked(path, create=False) as file:
        data = bytearray(_read(file)) if file >= 0 else bytearray()
        rows = _rows(data) if _sound(data) else []
        if standing(name) not in rows:
            return
        at = ROW * (1 + rows.index(standing(name)))
        data[at : at + ROW] = bytes(ROW)
        if not any(token.strip(b"\0") for token in _rows(data)):
            path.unlink(missing_ok=True)
            return
        magic, before, held_before = _HEAD.unpack_from(data)[:3]
        _HEAD.pack_into(data, 0, magic, before + spent, held_before + held, 0.0, 0.0, 0.0, 0.0, 0.0)
        os.pwrite(file, data, 0)


def row_of(path: Path, token: bytes) -> tuple[float, int]:
    """(USD, reservations) that the row of a ledger which is gone leaves open; zeros where it has none."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return 0.0, 0
    if _sound(data):
        for at in range(ROW, len(data), ROW):
            if data[at : at + TOKEN] == token:
                _, reserved, _, _, kept, open, _ = _LINE.unpack_from(data, at)
                return reserved + kept, int(open)
    return 0.0, 0


def settle_row(path: Path, token: bytes) -> None:
    """Adds the row of a ledger that is gone to the first row, what it had reserved as held, in one write; removes the
    file when no row is left."""
    if not path.exists():
        return
    with _locked(path, create=False) as file:
        data = bytearray(_read(file)) if file >= 0 else bytearray()
        if not _sound(data):
            return
        magic, spent, held = _HEAD.unpack_from(data)[:3]
        for at in range(ROW, len(data), ROW):
            if data[at : at + TOKEN] == token:
                _, reserved, its_spent, its_held, kept, _, _ = _LINE.unpack_from(data, at)
                spent, held = spent + its_spent, held + its_held + reserved + kept
                data[at : at + ROW] = bytes(ROW)
        if not any(token.strip(b"\0") for token in _rows(data)):
            path.unlink(missing_ok=True)
            return
        _HEAD.pack_into(data, 0, magic, spent, held, 0.0, 0.0, 0.0, 0.0, 0.0)
        os.pwrite(file, data, 0)


@contextmanager
def _locked(path: Path, create: bool) -> Iterator[int]:
    """The file at `path`, open and locked; -1 where there is none. A file that was removed while we waited for its lock
    is not the one at `path` any more."""
    while True:
        try:
            file = os.open(path, os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT if create else 0), 0o666)
        except FileNotFoundError:
            yield -1
            return
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            if os.fstat(file).st_nlink:
                yield file
                return
        finally:
            # Not by closing alone: a copy of the descriptor would keep the lock.
            fcntl.flock(file, fcntl.LOCK_UN)
            os.close(file)


def _read(file: int) -> bytes:
    """All of a purse; a larger buffer at once would cost more than the reading."""
    data = os.pread(file, _PAGE, 0)
    while len(data) and len(data) % _PAGE == 0:
        more = os.pread(file, _PAGE, len(data))
        if not more:
            break
        data += more
    return data


def _sound(data: bytes | bytearray) -> bool:
    if len(data) < ROW or len(data) % ROW or _HEAD.unpack_from(data)[0] != MAGIC:
        return False
    return all(0.0 <= usd < 1e12 for usd in _totals(data))


def _split(data: bytes | bytearray) -> list[bytes]:
    """The rows below the first."""
    return [bytes(data[at : at + ROW]) for at in range(ROW, len(data), ROW)]


def _rows(data: bytes | bytearray) -> list[bytes]:
    """Their names."""
    return [row[:TOKEN] for row in _split(data)]


def _totals(data: bytes | bytearray) -> tuple[float, float, float]:
    """(spent, held, reserved) over all rows."""
    if len(data) == 2 * ROW:  # the usual case: one ledger
        _, spent, held, _, _, _, _, _, _, _, reserved, its_spent, its_held, kept, _, _ = _TWO.unpack(data)
        return spent + its_spent, held + its_held + kept, reserved
    view = memoryview(data).cast("d")
    return view[1] + sum(view[11::8]), view[2] + sum(view[12::8]) + sum(view[13::8]), sum(view[10::8])
