"""Memory that is free goes back to the system: allocators keep it, each for its threads, and what they keep adds up.

A query about 100,000 prompts holds 150 MiB for a second, and the next one, on other threads, takes other memory.
"""

import threading
import time
from contextlib import suppress

import duckdb
import pyarrow as pa

EVERY_S = 0.5
"""It takes a millisecond where there is nothing to give back, 10 to 20 where a query has left a lot."""
limits: dict[str, str] = {}
"""Path of a warehouse -> the limit that its instance was given, such as 2GB. Asked for, DuckDB rounds it."""

_lock = threading.Lock()
_last = 0.0


def give_back(db: duckdb.DuckDBPyConnection) -> None:
    """What DuckDB and Arrow have freed, if the last time is a while ago. Whatever `db` has begun goes on."""
    global _last
    with _lock:
        now = time.monotonic()
        if now - _last < EVERY_S:
            return
        _last = now
    with suppress(duckdb.Error), db.cursor() as apart:  # not within a transaction, which an error would end
        paths = apart.execute("SELECT path FROM duckdb_databases() WHERE path IS NOT NULL").fetchall()
        given = next((limits[path] for (path,) in paths if path in limits), None)
        # DuckDB flushes its allocator when the limit is set, and has no other statement for it.
        apart.execute(f"SET memory_limit = '{given}'" if given else "RESET memory_limit")
    pa.default_memory_pool().release_unused()
