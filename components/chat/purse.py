"""The money of one scope (a run with its resumptions, or a calendar month), shared by all processes of a home.

A small file under `<home>/calls/shared/` (see purse_rows.py), in which every open ledger has a row: what it has
reserved, and what it has spent and held since it opened. A row has one writer, and one `pwrite` replaces it, so a kill
leaves no half-written sum. The file's lock is held from looking to writing: two processes must not both see the same
room.

The file exists while somebody has it open; else the journal alone knows, and the next opening asks it.
"""

import fcntl
import os
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from components.chat.pocket import FITS, REFUSED, SLACK, WAIT, Pocket
from components.chat.purse_ends import settle_row
from components.chat.purse_rows import (
    HEAD,
    LINE,
    MAGIC,
    ROW,
    STANDING,
    TOKEN,
    locked,
    names_in,
    put_standing,
    read,
    sound,
    split,
    standing,
    totals_of,
)
from components.chat.segments import cannot_write
from components.errors import UserError


class Damaged(Exception):
    """This ledger's row is gone: somebody has removed or overwritten the file."""


Sums = Callable[[Collection[bytes]], tuple[float, float]]
"""What the journal says was spent and held under a scope, in USD, but for batches whose money stands under these names:
their cost is counted when that ends."""


class Purse(Pocket):
    """One ledger's door to the shared file at `path`; `token` is its row's name. `sums` asks the journal."""

    def __init__(self, path: Path, token: bytes, sums: Sums) -> None:
        super().__init__()
        self.path, self.token, self.sums = path, token, sums
        self._file = -1
        self._at = 0
        self._join()

    def totals(self) -> tuple[float, float, float]:
        return totals_of(read(self._file))

    def take(self, usd: float, cap: float) -> int:
        file = self._file
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            data = read(file)
            if data[self._at : self._at + TOKEN] != self.token:
                raise Damaged
            spent, held, reserved = totals_of(data)
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
            if standing(name) not in names_in(data):
                put_standing(data, standing(name), usd)

    def stands(self, name: str, usd: float) -> None:
        """Reserves `usd` under `name` unless something is: what an earlier process left is lost with a lost file."""
        with self._alone() as data:
            if standing(name) not in names_in(data):
                put_standing(data, standing(name), usd)

    def end_standing(self, name: str, spent: float, held: float) -> None:
        """Counts what became of it in this ledger's row, in the same write; nothing where it has ended already."""
        with self._alone() as data:
            rows = names_in(data)
            if standing(name) in rows:
                at = ROW * (1 + rows.index(standing(name)))
                data[at : at + ROW] = bytes(ROW)
                self.spent, self.held = self.spent + spent, self.held + held
                data[self._at : self._at + ROW] = self._row()

    def end_standing_but(self, names: Collection[str]) -> None:
        """Ends what stands under any other name, at no cost."""
        if not self.standing_usd():
            return
        tokens = {standing(name) for name in names}
        with self._alone() as data:
            for number, token in enumerate(names_in(data)):
                if token.startswith(STANDING) and token not in tokens:
                    data[ROW * (1 + number) : ROW * (2 + number)] = bytes(ROW)

    def standing_usd(self) -> float:
        return float(sum(LINE.unpack(row)[1] for row in split(read(self._file)) if row.startswith(STANDING)))

    def take_over(self, older: Path) -> None:
        """What stands in the purse of a month that is over will be billed in this one."""
        with locked(older, create=False) as file:
            data = bytearray(read(file)) if file >= 0 else bytearray()
            found = [row for row in split(data) if row.startswith(STANDING)] if sound(data) else []
            with self._alone() as mine:
                for row in found:
                    if row[:TOKEN] not in names_in(mine):
                        put_standing(mine, row[:TOKEN], LINE.unpack(row)[1])
            if file >= 0 and all(row.startswith(STANDING) or not row[:TOKEN].strip(b"\0") for row in split(data)):
                older.unlink(missing_ok=True)

    @contextmanager
    def _alone(self) -> Iterator[bytearray]:
        """All rows, to be changed and written back in one write."""
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            data = bytearray(read(self._file))
            yield data
            os.pwrite(self._file, data, 0)
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def lost(self) -> bool:
        """Somebody removed or damaged the file meanwhile; `join_again` makes it anew."""
        try:
            data = read(self._file)
            mine = data[self._at : self._at + TOKEN] == self.token
            return os.fstat(self._file).st_nlink == 0 or not mine or not sound(data)
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
        return LINE.pack(self.token, self.reserved, self.spent, self.held, self.kept, self.open, 0.0)

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
        with locked(self.path, create=True) as file:
            data = read(file)
            rows = names_in(data) if sound(data) else []
            standing_rows = [row for row in split(data) if row.startswith(STANDING)] if rows else []
            standing_names = [row[:TOKEN] for row in standing_rows]
            if any(token.strip(b"\0") and not token.startswith(STANDING) and token != self.token for token in rows):
                spent, held = HEAD.unpack_from(data)[1:3]
                if again:
                    theirs, told = totals_of(data), self.sums(standing_names)
                    spent, held = (
                        mine + max(0.0, j - t) for mine, j, t in zip((spent, held), told, theirs[:2], strict=True)
                    )
                free = next((n for n, token in enumerate(rows) if not token.strip(b"\0") or token == self.token), None)
                self._at = ROW * (1 + (len(rows) if free is None else free))
            else:
                spent, held = self.sums(standing_names)
                self._at = ROW * (1 + len(standing_rows))
                data = bytes(ROW) + b"".join(standing_rows) + bytes(ROW)
            head = HEAD.pack(MAGIC, spent, held, 0.0, 0.0, 0.0, 0.0, 0.0)
            data = (head + data[ROW:]).ljust(self._at + ROW, b"\0")
            os.pwrite(file, data[: self._at] + self._row() + data[self._at + ROW :], 0)
            os.ftruncate(file, len(data))
            self._file = os.dup(file)
