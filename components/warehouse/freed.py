"""Memory that is free goes back to the system: allocators keep it, each for its threads, and what they keep adds up.

A query about 100,000 prompts holds 150 MiB for a second, and the next one, on other threads, takes other memory.
"""

import ctypes
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache

import duckdb
import pyarrow as pa

EVERY_S, SHARE = 0.5, 0.02
"""No more often than this, and no larger a share of the time: it takes a millisecond where there is nothing to give
back, 10 to 20 where a query has left a lot, and 75 in a process with a heap of 700 MB that is half full of holes."""
LIMIT = "memory_given"
"""A variable of connections to an instance whose limit was set: what it was set to. Asked for, DuckDB rounds it."""

_lock = threading.Lock()
_not_before = 0.0


def give_back(db: duckdb.DuckDBPyConnection) -> None:
    """What DuckDB, Arrow and the C library have freed, if the last time is a while ago. Between queries, if others use
    the instance too."""
    global _not_before
    with _lock:
        begun = time.monotonic()
        if begun < _not_before:
            return
        _not_before = begun + EVERY_S
    with suppress(duckdb.Error):  # such as where queries of others hold more than the limit just now
        (given,) = db.execute(f"SELECT getvariable('{LIMIT}')").fetchall()[0]
        # DuckDB flushes its allocator when the limit is set, and has no other statement for it.
        db.execute(f"SET memory_limit = '{given}'" if given else "RESET memory_limit")
    pa.default_memory_pool().release_unused()
    _trim()(0)
    took = time.monotonic() - begun
    with _lock:
        _not_before = begun + max(EVERY_S, took / SHARE)


@cache
def _trim() -> Callable[[int], int]:
    """`malloc_trim` of glibc; elsewhere nothing."""
    try:
        trim: Callable[[int], int] = ctypes.CDLL(None).malloc_trim if sys.platform == "linux" else int
    except (OSError, AttributeError):  # another C library, musl for one
        return int
    return trim
