"""Things that two processes must not do at once: who begins second is told who is at it, and since when.

The lock is the kernel's (flock), so it ends with the process that holds it, however that ends.
"""

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from components.errors import UserError


@contextmanager
def alone(file: Path, what: str) -> Iterator[None]:
    """Holds `file` for the time of the block; UserError where somebody else does."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a+", encoding="utf-8") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held.seek(0)
            who = held.read().strip() or "another process"
            raise UserError(f"{what} is running already ({who}); wait for it, or stop it and start again") from None
        held.truncate(0)
        held.write(f"process {os.getpid()} on {socket.gethostname()}, since {datetime.now(UTC):%Y-%m-%d %H:%M} UTC\n")
        held.flush()
        try:
            yield
        finally:
            held.truncate(0)
