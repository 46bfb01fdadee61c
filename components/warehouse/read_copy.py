"""Copies of the warehouse's file: whole, as of one moment, and free for whoever wants to read.

The copy for readers lies beside the warehouse. Where it is there, who writes renews it (see Store); it is replaced by
renaming, so who has it open goes on reading what it was, and nobody waits for anybody.
"""

import secrets
import subprocess
import time
from pathlib import Path

import duckdb

EVERY_S = 60.0
"""While a run writes, the copy is that old at most, ..."""

SHARE = 0.05
"""... or older, where copying would take more than this share of the time."""

TRANSACTIONS_S = 5.0
"""How long transactions of this process are waited for."""

_made: dict[Path, tuple[float, float]] = {}
"""Copy -> when this process last made it, by the monotonic clock, and how many seconds that took."""


def copy_for_readers(warehouse: Path) -> Path:
    return warehouse.with_name(f"{warehouse.stem}-read{warehouse.suffix}")


def is_due(copy: Path, at_end: bool = False) -> bool:
    """Whether it is kept at all, and old enough; `at_end`: of a run, when all that was written should soon be in it."""
    try:
        age = abs(time.time() - copy.stat().st_mtime)  # in the future, where the clock was set back
    except FileNotFoundError:
        return False
    made, took = _made.get(copy, (float("-inf"), 0.0))
    rested = time.monotonic() - made >= took / SHARE
    return rested and (at_end or age >= EVERY_S)


def _checkpoint(db: duckdb.DuckDBPyConnection) -> None:
    """Waits a moment for transactions of other threads, which may only read: what was replaced, as rows of `runs` are,
    cannot be written to the file while one of before is under way. Raises OSError where it does not end."""
    deadline = time.monotonic() + TRANSACTIONS_S
    while True:
        try:
            db.execute("CHECKPOINT")
            return
        except duckdb.TransactionException as error:
            if time.monotonic() > deadline:
                raise OSError("a transaction of this process is under way") from error
        time.sleep(0.02)


def make_copy(db: duckdb.DuckDBPyConnection, warehouse: Path, to: Path) -> None:
    """Of the file that `db` has open, which keeps other processes out; no thread of this one may write meanwhile.
    Raises OSError where it cannot be made.

    The bytes are copied by a process of its own: locks of the kind that DuckDB holds are a process's, and would be lost
    as soon as this one closed the file, however it came to be open."""
    _checkpoint(db)
    log = Path(f"{warehouse}.wal")
    if log.exists() and log.stat().st_size:
        raise OSError(f"{log} is not empty: a transaction is under way")
    began = time.monotonic()
    for left in to.parent.glob(f"{to.name}.*.tmp"):  # of a killed process: nobody else copies now
        left.unlink()
    made = to.with_name(f"{to.name}.{secrets.token_hex(4)}.tmp")
    try:
        done = subprocess.run(["cp", "--", str(warehouse), str(made)], capture_output=True, text=True)
        if done.returncode != 0:
            raise OSError(done.stderr.strip() or f"cp ended with {done.returncode}")
        if to == copy_for_readers(warehouse):
            made.chmod(0o444)  # what is written into it would be gone with the next one
        Path(f"{to}.wal").unlink(missing_ok=True)
        made.replace(to)
    finally:
        made.unlink(missing_ok=True)
    _made[to] = time.monotonic(), time.monotonic() - began
