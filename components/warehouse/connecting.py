"""Who has the file open: late, for as short as possible, each in turn.

While one process has a DuckDB file open for writing no other can open it, even to read, so who opens it waits its turn
(turns.py); within a process DuckDB shares one instance. Who wants to read for longer than a moment reads a copy
(read_copy.py).
"""

import logging
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import duckdb

from components.errors import HomeUnusable, UserError
from components.warehouse import turns
from components.warehouse.freed import give_back
from components.warehouse.opening import is_attached, opened

SETTINGS = "SET TimeZone = 'UTC'; SET disabled_optimizers = 'common_subplan'"
"""Merging equal parts of a query, which views that are joined have, gives wrong rows with DuckDB 1.5 to 2.0 (duckdb
issue 25819)."""

DISK = (duckdb.IOException, duckdb.FatalException)
INTERRUPTED = "Query interrupted"
"""What DuckDB's client raises, as a RuntimeError, in place of what a signal's handler raised within a query."""
DISK_WHEN_COMMITTING = re.compile("Failed to commit: (IO Error|Could not|Cannot)")
LONGEST_PAUSE_S = 0.05

log = logging.getLogger("postwright")


class Connecting:
    """A file that one process at a time can have open; `wait_s`: how long another one is waited for; `tell`: takes a
    line for people who wait; `memory`: the most that queries of this process may hold, such as 2GB."""

    def __init__(
        self,
        path: Path,
        wait_s: float = 60,
        tell: Callable[[str], None] = log.warning,
        memory: str = "",
    ) -> None:
        self.path, self.wait_s, self.tell, self.memory = path, wait_s, tell, memory

    @contextmanager
    def connect(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """The open file, for as short as possible; raises UserError when it cannot be had within `wait_s` seconds, and
        HomeUnusable when the disk fails."""
        with ExitStack() as closing:
            connection = self._open(closing)
            try:
                connection.execute(SETTINGS)
                yield connection
                give_back(connection)
            except duckdb.OutOfMemoryException as error:
                raise HomeUnusable(
                    f"the warehouse {self.path} needs more memory than its queries may hold ({reason(error)}): what "
                    "was written before is kept; allow more by POSTWRIGHT_WAREHOUSE_MEMORY, or take smaller windows, "
                    "and run the same command again to resume"
                ) from error
            except duckdb.Error as error:
                if isinstance(error, DISK) or DISK_WHEN_COMMITTING.search(str(error)):
                    raise HomeUnusable(
                        f"the warehouse {self.path} cannot be read or written ({reason(error)}): what was written "
                        "before is kept; free some space or unlock it, and run the same command again to resume"
                    ) from error
                raise
            except RuntimeError as error:
                if str(error) == INTERRUPTED:
                    raise KeyboardInterrupt from error
                raise

    def _open(self, closing: ExitStack) -> duckdb.DuckDBPyConnection:
        begun = time.monotonic()
        deadline, pause, is_told = begun + self.wait_s, 0.002, False
        with ExitStack() as queue:
            if not is_attached(self.path):  # else other processes wait for this one anyway
                queue.enter_context(turns.turn(self.path, deadline, self._waiting))
            while True:
                try:
                    return closing.enter_context(opened(self.path, self.memory))
                except duckdb.IOException as error:
                    if not turns.HELD.search(str(error)):
                        raise UserError(f"cannot open the warehouse {self.path}: {reason(error)}") from error
                    who, now = turns.holder(str(error)), time.monotonic()
                    if now > deadline:
                        raise UserError(
                            f"cannot open the warehouse {self.path}: held by another process for {self.wait_s:.0f} s, "
                            f"{who}; close it there and run the same command again (postwright snapshot makes a copy "
                            "to read beside runs)"
                        ) from error
                    if not is_told and now - begun > turns.TOLD_AFTER_S:
                        self._waiting(f"{who} has it open")
                        is_told = True
                time.sleep(pause)
                pause = min(pause * 1.5, LONGEST_PAUSE_S)

    def _waiting(self, why: str) -> None:
        self.tell(f"waiting for the warehouse, up to {self.wait_s:.0f} s: {why}")


def reason(error: duckdb.Error) -> str:
    """DuckDB's message without its kind and its further lines."""
    return str(error).splitlines()[0].removeprefix("IO Error: ")
