"""Who uses the models of this machine: one chunk at a time, whichever windows, runs and processes want to.

Two at once would share the GPU's memory, or the cores, and both take as long as one after the other. While one computes
another buys, checks and writes.
"""

import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flows.stopping import raise_if_stopped

LOOK_S = 0.02


@contextmanager
def models_to_itself() -> Iterator[None]:
    """Waits for its turn; a stop of the run ends the waiting. The lock is the user's, and goes with the process."""
    path = Path(tempfile.gettempdir()) / f"postwright-{os.getuid()}.models"
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        while not _taken(file):
            raise_if_stopped()
            time.sleep(LOOK_S)
        yield
    finally:
        os.close(file)  # and with it the lock


def _taken(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
