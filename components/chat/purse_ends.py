"""What is done to a purse from outside: the rows of ledgers that are gone, and the end of what stands for a batch."""

import os
from pathlib import Path

from components.chat.purse_rows import HEAD, LINE, ROW, TOKEN, locked, names_in, read, sound, standing


def end_standing_at(path: Path, name: str, spent: float, held: float) -> None:
    """Ends what stands under `name` in a purse that this process need not have open, and counts what became of it in
    the first row, for those who have; nothing where it has ended already."""
    with locked(path, create=False) as file:
        data = bytearray(read(file)) if file >= 0 else bytearray()
        rows = names_in(data) if sound(data) else []
        if standing(name) not in rows:
            return
        at = ROW * (1 + rows.index(standing(name)))
        data[at : at + ROW] = bytes(ROW)
        if not any(token.strip(b"\0") for token in names_in(data)):
            path.unlink(missing_ok=True)
            return
        magic, before, held_before = HEAD.unpack_from(data)[:3]
        HEAD.pack_into(data, 0, magic, before + spent, held_before + held, 0.0, 0.0, 0.0, 0.0, 0.0)
        os.pwrite(file, data, 0)


def row_of(path: Path, token: bytes) -> tuple[float, int]:
    """(USD, reservations) that the row of a ledger which is gone leaves open; zeros where it has none."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return 0.0, 0
    if sound(data):
        for at in range(ROW, len(data), ROW):
            if data[at : at + TOKEN] == token:
                _, reserved, _, _, kept, open, _ = LINE.unpack_from(data, at)
                return reserved + kept, int(open)
    return 0.0, 0


def settle_row(path: Path, token: bytes) -> None:
    """Adds the row of a ledger that is gone to the first row, what it had reserved as held, in one write; removes the
    file when no row is left."""
    if not path.exists():
        return
    with locked(path, create=False) as file:
        data = bytearray(read(file)) if file >= 0 else bytearray()
        if not sound(data):
            return
        magic, spent, held = HEAD.unpack_from(data)[:3]
        for at in range(ROW, len(data), ROW):
            if data[at : at + TOKEN] == token:
                _, reserved, its_spent, its_held, kept, _, _ = LINE.unpack_from(data, at)
                spent, held = spent + its_spent, held + its_held + reserved + kept
                data[at : at + ROW] = bytes(ROW)
        if not any(token.strip(b"\0") for token in names_in(data)):
            path.unlink(missing_ok=True)
            return
        HEAD.pack_into(data, 0, magic, spent, held, 0.0, 0.0, 0.0, 0.0, 0.0)
        os.pwrite(file, data, 0)
