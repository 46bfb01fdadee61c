"""Opens DuckDB files: late, for as short as possible, and often.

An instance of DuckDB takes 25 ms to make, a file 2 ms to attach to one. So each file's instance stays in the process,
and the file is attached to it while somebody here uses it: in between, other processes can open it.
"""

import atexit
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from components.warehouse.freed import limits

KEPT = 4
"""Instances that stay without their files, for as many homes."""

NAME = "warehouse"


class _Instance:
    """Of one file; `users` connections hold it attached. Needs the lock."""

    def __init__(self, path: Path) -> None:
        self.path, self.users, self.memory = path, 0, ""
        limits.pop(str(path), None)
        self.base = duckdb.connect()
        self.base.execute(f"SET temp_directory = {quoted(f'{path}.tmp')}")

    def allow(self, memory: str) -> None:
        """The most that queries may hold, such as 2GB; what does not fit goes to files beside the warehouse."""
        if memory and memory != self.memory:
            self.base.execute(f"SET memory_limit = {quoted(memory)}")
            self.memory = limits[str(self.path)] = memory

    def enter(self) -> duckdb.DuckDBPyConnection:
        if self.users == 0:
            self.base.execute(f"ATTACH {quoted(str(self.path))} AS {NAME}")
        self.users += 1
        connection = self.base.cursor()
        try:
            connection.execute(f"USE {NAME}")
        except duckdb.Error:
            self.leave(connection)
            raise
        return connection

    def leave(self, connection: duckdb.DuckDBPyConnection) -> bool:
        """False where the file cannot be let go but with the whole instance: the disk has failed."""
        connection.close()
        self.users -= 1
        if self.users == 0:
            try:
                self.base.execute(f"DETACH {NAME}")
            except duckdb.Error:
                self.base.close()
                return False
        return True


_instances: OrderedDict[tuple[int, Path], _Instance] = OrderedDict()
"""By process, as a fork's child must not use its parent's, and path; the latest used last."""
_lock = threading.Lock()
"""One thread at a time opens or closes."""


@contextmanager
def opened(path: Path, memory: str = "") -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection whose tables are the file's; raises duckdb.IOException where it cannot be opened. `memory`: see
    _Instance.allow; where it is empty the limit stays, at first DuckDB's own."""
    key = (os.getpid(), path.absolute())
    with _lock:
        instance = _instances.get(key) or _Instance(key[1])
        instance.allow(memory)
        connection = instance.enter()
        _instances[key] = instance
        _instances.move_to_end(key)
    try:
        yield connection
    finally:
        with _lock:
            if not instance.leave(connection) and _instances.get(key) is instance:
                del _instances[key]
            for other in [key for key, one in _instances.items() if one.users == 0][:-KEPT]:
                _instances.pop(other).base.close()


def is_attached(path: Path) -> bool:
    """Whether somebody in this process has the file open just now."""
    with _lock:
        instance = _instances.get((os.getpid(), path.absolute()))
        return instance is not None and instance.users > 0


@atexit.register
def close() -> None:
    """The interpreter frees what is left in any order, which DuckDB's bindings complain about."""
    with _lock:
        while _instances:
            _instances.popitem()[1].base.close()


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
