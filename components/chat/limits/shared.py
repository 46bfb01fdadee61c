"""What processes of one host, or of one shared file system, must agree on: slots of a known limit, and silence.

Reads and writes small files under `<home>/calls/shared/`: `limit-<hash>.bin` per endpoint and model (the Book of
pacing.py), `silence-<hash>.bin` per endpoint. They are read, changed and written under flock, which the kernel opens
again when a process dies, and never held across anything that waits; nothing is reserved ahead, so a killed process
leaves no gap. Times are the wall clock's; what lies too far in the future was written by a wrong one and is ignored.
Where files cannot be locked (some network file systems, a read-only home) each process keeps the limit for itself, and
a warning says so.
"""

import fcntl
import hashlib
import logging
import os
import struct
import time
from array import array
from collections.abc import Callable
from pathlib import Path

from components.chat.limits.pacing import STEPS, Book

log = logging.getLogger(__name__)

MAGIC = b"limits01"
_HEAD = struct.Struct("<8sdqqqd")  # magic, next_at, step of the log's head, told rpm, told tpm (0: none), told at
_SILENCE = struct.Struct("<8sd")
SIZE = _HEAD.size + 16 * STEPS
BUSY_S = 0.001
STUCK_S = 5.0
TOLD_FOR_S = 86400.0
LONGEST_SILENCE_S = 70.0
LOOK_AGAIN_S = 0.1


class LockedFile:
    """A small file that is changed under flock, a few microseconds at a time."""

    def __init__(self, path: Path, size: int) -> None:
        self.path, self.size, self.broken = path, size, False
        self._file, self._owner = -1, -1
        self._busy_since: float | None = None

    def change(self, work: Callable[[bytes], bytes | None]) -> bool:
        """Calls `work` with the content (b"" when there is none) and writes what it returns; False when another
        process is at it: ask again in BUSY_S, or never where `broken`."""
        if self.broken:
            return False
        try:
            file = self._open()
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return self._wait_is_over("another process has kept it locked")
        except OSError as error:
            return self._give_up(str(error.strerror))
        try:
            self._busy_since = None
            new = work(os.pread(file, self.size, 0))
            if new is not None:
                os.pwrite(file, new, 0)
        except OSError as error:
            return self._give_up(str(error.strerror))
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)
        return True

    def read(self) -> bytes:
        """Without the lock and without making the file."""
        try:
            return os.pread(self._open(make=False), self.size, 0)
        except OSError:
            return b""

    def close(self) -> None:
        if self._file >= 0 and self._owner == os.getpid():
            os.close(self._file)
        self._file = -1

    def _open(self, make: bool = True) -> int:
        if self._file < 0 or self._owner != os.getpid():  # a lock taken over from a parent would be the parent's
            if make:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT if make else 0)
            self._file, self._owner = os.open(self.path, flags, 0o666), os.getpid()
        return self._file

    def _wait_is_over(self, why: str) -> bool:
        now = time.monotonic()
        self._busy_since = self._busy_since or now
        return self._give_up(why) if now - self._busy_since > STUCK_S else False

    def _give_up(self, why: str) -> bool:
        self.broken = True
        log.warning("%s cannot be shared between processes (%s): each keeps the limits for itself", self.path, why)
        return False


class SharedBook(Book):
    """A Book in a file; `now` is taken from the wall clock, whatever clock the caller keeps to."""

    def __init__(self, folder: Path, name: str, clock: Callable[[], float] = time.time) -> None:
        super().__init__()
        self.file = LockedFile(folder / f"limit-{digest(name)}.bin", SIZE)
        self.clock = clock
        self.told: tuple[int, int] = (0, 0)
        self._told_at = 0.0
        self._unsettled: list[tuple[int, int]] = []

    def claim(self, now: float, gap: float, tokens: int = 0, tpm: int | None = None, credit: float = 0.0) -> float:
        wait = BUSY_S

        def work(content: bytes) -> bytes | None:
            nonlocal wait
            self._load(content)
            wall = self.clock()
            for step, more in self._unsettled:
                super(SharedBook, self).settle(wall, step, more)
            self._unsettled.clear()
            wait = super(SharedBook, self).claim(wall, gap, tokens, tpm, credit)
            return None if wait else self._dump()

        if not self.file.change(work) and self.file.broken:
            return super().claim(self.clock(), gap, tokens, tpm, credit)
        return wait

    def settle(self, now: float, step: int, more: int) -> None:
        if self.file.broken:
            super().settle(self.clock(), step, more)
        else:
            self._unsettled.append((step, more))  # with the next claim: one lock less

    def remember(self, told: tuple[int, int]) -> None:
        """Keeps what the endpoint told (requests and tokens per minute, 0: nothing) for processes to come."""

        def work(content: bytes) -> bytes:
            self._load(content)
            self.told, self._told_at = told, self.clock()
            return self._dump()

        self.file.change(work)

    def remembered(self) -> tuple[int, int]:
        """What another process was told in the last day."""
        self._load(self.file.read())
        return self.told if 0 <= self.clock() - self._told_at < TOLD_FOR_S else (0, 0)

    def _load(self, content: bytes) -> None:
        if len(content) != SIZE or not content.startswith(MAGIC):
            return  # new, or maimed: what this process knows stands
        _, self.next_at, self.log.head, rpm, tpm, self._told_at = _HEAD.unpack_from(content)
        if not -1e12 < self.next_at < 1e12:  # nan, too
            self.next_at = 0.0
        self.told = (rpm, tpm)
        half = _HEAD.size + 8 * STEPS
        self.log.requests = array("q", content[_HEAD.size : half])
        self.log.tokens = array("q", content[half:])

    def _dump(self) -> bytes:
        head = _HEAD.pack(MAGIC, self.next_at, self.log.head, *self.told, self._told_at)
        return head + self.log.requests.tobytes() + self.log.tokens.tobytes()


class SharedSilence:
    """Until when an endpoint asked not to be asked, for all processes."""

    def __init__(self, folder: Path, endpoint: str, clock: Callable[[], float] = time.time) -> None:
        self.file = LockedFile(folder / f"silence-{digest(endpoint)}.bin", _SILENCE.size)
        self.clock = clock
        self._looked_at = float("-inf")

    def left(self, now: float) -> float:
        """Seconds still to be silent, looked up at most every LOOK_AGAIN_S, else 0.0; `now` is any steady clock's."""
        if now - self._looked_at < LOOK_AGAIN_S:
            return 0.0
        self._looked_at = now
        return self._read(self.file.read())

    def hush(self, seconds: float) -> None:
        until = self.clock() + seconds

        def work(content: bytes) -> bytes | None:
            return _SILENCE.pack(MAGIC, until) if self._read(content) < seconds else None

        self.file.change(work)

    def _read(self, content: bytes) -> float:
        if len(content) != _SILENCE.size or not content.startswith(MAGIC):
            return 0.0
        left = float(_SILENCE.unpack(content)[1]) - self.clock()
        return left if 0 < left < LONGEST_SILENCE_S else 0.0


def digest(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:16]
