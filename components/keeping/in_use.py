"""Who works in a home: every process that has prepared it holds a lock that any number may share (flock on
`<home>/in-use.lock`), until it ends, however it ends. Who deletes wants the home alone."""

import fcntl
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from components.errors import UserError

LOCK = "in-use.lock"
KEPT = 32
"""Homes that one process holds at a time; the one it used least lately is let go."""

_held: OrderedDict[tuple[int, Path], int] = OrderedDict()
_lock = threading.Lock()


def use(home: Path, tell: Callable[[str], None] = lambda line: None) -> None:
    """Holds the home until this process ends; waits, and says so, while somebody deletes in it. Raises OSError where
    the lock cannot be made."""
    key = (os.getpid(), home)
    with _lock:
        if key in _held and os.fstat(_held[key]).st_nlink:
            _held.move_to_end(key)
            return
        file = _opened(home)
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            tell(f"waiting for another process that prunes {home}")
            fcntl.flock(file, fcntl.LOCK_SH)
        except OSError:  # a file system without locks: nothing that deletes will get one there either
            os.close(file)
            return
        _held[key] = file
        while len(_held) > KEPT:
            os.close(_held.popitem(last=False)[1])


def leave(home: Path) -> None:
    """This process, which goes on, works in the home no longer; no error where it did not."""
    with _lock:
        mine = _held.pop((os.getpid(), home), None)
        if mine is not None:
            os.close(mine)


@contextmanager
def alone(home: Path) -> Iterator[None]:
    """No other process works in the home within the block; UserError where one does."""
    leave(home)
    file = _opened(home)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        raise UserError(
            f"a process is at work in {home}, or its file system has no locks: nothing was deleted; try again when "
            "runs have ended"
        ) from None
    try:
        yield
    finally:
        os.close(file)


def _opened(home: Path) -> int:
    return os.open(home / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
