"""What a backup holds, in the order in which it is copied: the warehouse first, then what its rows were made from.

Calls are journaled, and answers of people kept, before rows are written from them, and pictures before calls name them.
So whatever goes on meanwhile, nothing in a backup names what is not in it.

Left out is what can be had again: reports, Prefect's results and database, weights from the hub, and the purses and
found limits of processes that are alive (the journal knows what was spent).
"""

import mmap
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

WAREHOUSE = "warehouse.duckdb"
LEFT_OUT = ("reports/", "results/", "prefect/", "calls/shared/", "models/ that the hub has")


class Part(NamedTuple):
    """A file of the home, of which the first `size` bytes are meant; the others are still being written."""

    name: str
    path: Path
    size: int


def parts(home: Path, warehouse: Path) -> Iterator[Part]:
    """`warehouse`: a copy of the home's. What vanishes meanwhile is left out; nobody deletes while calls are packed
    only by who holds the lock of the compaction."""
    yield Part(WAREHOUSE, warehouse, warehouse.stat().st_size)
    calls = home / "calls"
    places = (
        (calls, "*.jsonl"),
        (calls / "packed", "*.parquet"),
        (calls / "packed", "*.damaged"),
        (calls / "pruned", "*.parquet"),
        (calls / "batches", "*.json"),
        (calls / "pictures", "*"),
        (home / "people", "*.jsonl"),
        (home, "prices.yaml"),
        (home / "models", "*.yaml"),
        (home / "models" / "trained", "**/*"),
    )
    for folder, pattern in places:
        for path in sorted(folder.glob(pattern)):
            if path.is_file() and path.suffix != ".tmp":
                try:
                    size = whole_lines(path) if path.suffix == ".jsonl" else path.stat().st_size
                except FileNotFoundError:
                    continue
                yield Part(path.relative_to(home).as_posix(), path, size)


def whole_lines(path: Path) -> int:
    """Bytes up to the end of the last whole line."""
    with path.open("rb") as file:
        if not os.fstat(file.fileno()).st_size:
            return 0
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return data.rfind(b"\n") + 1
