"""The file of a purse: rows of 64 bytes, read and written as a whole, under its lock (flock).

The first row holds what was spent and held by ledgers that are gone; every further row is one open ledger's, or money
that stands for a batch.
"""

import fcntl
import hashlib
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MAGIC = 1_347_769_173.0
ROW = 64
TOKEN = 16
"""Bytes of the random name of an open ledger; zeros mark a free row."""
STANDING = b"\xffstands\0"
"""So begins the name of money that stays reserved whoever lives: a batch is under way for up to a day."""

HEAD = struct.Struct("=dddddddd")  # magic, spent, held, then nothing
LINE = struct.Struct("=16sdddddd")  # token, reserved, spent, held, kept, open reservations, nothing
_TWO = struct.Struct("=16d")
_PAGE = 4096


@contextmanager
def locked(path: Path, create: bool) -> Iterator[int]:
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


def read(file: int) -> bytes:
    """All of a purse; a larger buffer at once would cost more than the reading."""
    data = os.pread(file, _PAGE, 0)
    while len(data) and len(data) % _PAGE == 0:
        more = os.pread(file, _PAGE, len(data))
        if not more:
            break
        data += more
    return data


def sound(data: bytes | bytearray) -> bool:
    if len(data) < ROW or len(data) % ROW or HEAD.unpack_from(data)[0] != MAGIC:
        return False
    return all(0.0 <= usd < 1e12 for usd in totals_of(data))


def split(data: bytes | bytearray) -> list[bytes]:
    """The rows below the first."""
    return [bytes(data[at : at + ROW]) for at in range(ROW, len(data), ROW)]


def names_in(data: bytes | bytearray) -> list[bytes]:
    """Their names."""
    return [row[:TOKEN] for row in split(data)]


def totals_of(data: bytes | bytearray) -> tuple[float, float, float]:
    """(spent, held, reserved) over all rows."""
    if len(data) == 2 * ROW:  # the usual case: one ledger
        _, spent, held, _, _, _, _, _, _, _, reserved, its_spent, its_held, kept, _, _ = _TWO.unpack(data)
        return spent + its_spent, held + its_held + kept, reserved
    view = memoryview(data).cast("d")
    return view[1] + sum(view[11::8]), view[2] + sum(view[12::8]) + sum(view[13::8]), sum(view[10::8])


def standing(name: str) -> bytes:
    return STANDING + hashlib.sha256(name.encode()).digest()[: TOKEN - len(STANDING)]


def put_standing(data: bytearray, token: bytes, usd: float) -> None:
    row = LINE.pack(token, usd, 0.0, 0.0, 0.0, 1.0, 0.0)
    free = next((n for n, name in enumerate(names_in(data)) if not name.strip(b"\0")), None)
    at = len(data) if free is None else ROW * (1 + free)
    data[at : at + ROW] = row
