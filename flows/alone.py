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
from typing import TextIO

from components.errors import UserError


@contextmanager
def alone(file: Path, what: str) -> Iterator[None]:
    """Holds `file` for the time of the block, and removes it at its end; UserError where somebody else does."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with _held(file, what) as held:
        held.truncate(0)
        held.write(f"process {os.getpid()} on {socket.gethostname()}, since {datetime.now(UTC):%Y-%m-%d %H:%M} UTC\n")
        held.flush()
        try:
            yield
        finally:
            file.unlink(missing_ok=True)


def _held(file: Path, what: str) -> TextIO:
    while True:
        held = file.open("a+", encoding="utf-8")
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(held.fileno()), file.stat()):
                return held
        except BlockingIOError:
            held.seek(0)
            who = held.read().strip() or "another process"
            held.close()
            raise UserError(f"{what} is running already ({who}); wait for it, or stop it and start again") from None
        except FileNotFoundError:
            pass
        held.close()  # who held it has removed it since it was opened
