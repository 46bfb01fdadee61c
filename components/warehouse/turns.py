"""Whose turn it is to open a file that one process at a time can have, and who has it now.

Whoever comes waits in a queue for `<file>.turn`, and only its head tries to open: a process that closes the file and
wants it again at once stands behind those who wait, so a writer among many readers waits for a few of them, not for a
gap between all.
"""

import fcntl
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

LOOK_S = 0.002

TOLD_AFTER_S = 2.0
"""Who waits longer is told for whom."""

HELD = re.compile(r"Could not set lock on file|Conflicting lock is held")
"""DuckDB's own words, not a path's: a folder may be called `blocks`."""

_HOLDER = re.compile(r"Conflicting lock is held in (?P<program>.+?) \(PID (?P<pid>\d+)\)")


@contextmanager
def turn(path: Path, deadline: float, tell: Callable[[str], None]) -> Iterator[None]:
    """At the head of the queue for `path`, or at `deadline` (of the monotonic clock), when one last try does no harm.
    Where the folder cannot be written, or has no locks, there is no queue. `tell` hears of a long one, once."""
    tell_at = time.monotonic() + TOLD_AFTER_S
    try:
        file = os.open(f"{path}.turn", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError:
        yield
        return
    try:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                now = time.monotonic()
                if now > deadline:
                    break
                if now > tell_at:
                    tell("others wait for it, too")
                    tell_at = deadline
                time.sleep(LOOK_S)
            except OSError:
                break
        yield
    finally:
        os.close(file)


def holder(message: str) -> str:
    """Who holds the file, by DuckDB's message: `process 71 (jupyter-lab)`. Of its words only the program's name is
    told: others may be secrets."""
    found = _HOLDER.search(message)
    if found is None:
        return "another process"
    words = []
    try:
        words = Path(f"/proc/{found['pid']}/cmdline").read_bytes().decode("utf-8", "replace").split("\0")
    except OSError:
        words = [found["program"]]  # gone meanwhile, or a machine without /proc
    return f"process {found['pid']} ({_name(words)})"


def _name(words: list[str]) -> str:
    program, *more = words
    name = Path(program).name
    if name.startswith("python") and more:
        if more[0] == "-m" and len(more) > 1:
            return f"{name} -m {more[1]}"
        if not more[0].startswith("-"):
            return Path(more[0]).name or name
    return name
