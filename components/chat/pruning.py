"""Packed calls that are old lose their texts: `<calls>/packed/<name>.parquet` -> `<calls>/pruned/<name>.parquet`.

What remains of a call is what sums and views need: when, what for, by which model, how it ended, tokens, money. So caps
of runs and months, and `postwright spend`, stay what they were. It is no answer any more: who asks the same question
buys it again. May die at any moment: once the pruned file has its name it stands for the packed one, there or not, and
whoever comes next deletes what is left over.
"""

import os
import re
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from components.chat.packed import SCHEMA, Packed, list_packed, list_pruned
from components.chat.segments import lines_of, list_segments

TEXTS = ("detail", "value", "text", "request", "response", "rest")
"""Columns that go."""

_PICTURE = re.compile(rb";sha256:([0-9a-f]{64})")


def prunable(folder: Path, before: datetime) -> list[Path]:
    """Packed files whose newest call is older than `before`, oldest first."""
    return [path for path in list_packed(folder) if newest_call(path) < before]


def sweep(folder: Path) -> None:
    """Ends what a killed pruning began: packed files that are pruned, and files without their last name."""
    for left in (folder / "pruned").glob("*.tmp"):
        left.unlink()
    pruned = {path.name for path in list_pruned(folder)}
    for path in list_packed(folder):
        if path.name in pruned:
            _delete(path)


def prune_file(path: Path) -> int:
    """Returns the bytes that are free now. Damaged lines that were kept beside it go too."""
    from pyarrow import parquet

    packed, to = Packed(path), path.parent.with_name("pruned") / path.name
    to.parent.mkdir(exist_ok=True)
    made = to.with_name(f"{to.name}.tmp")
    kept = [name for name in SCHEMA.names if name not in TEXTS]
    try:
        with made.open("wb") as out:
            schema = SCHEMA.with_metadata(packed.metadata)
            with parquet.ParquetWriter(out, schema, compression="zstd") as writer:
                for number in range(packed.groups):
                    rows = packed.group(number, kept)
                    columns = [
                        rows[field.name] if field.name in kept else pa.nulls(len(rows), field.type) for field in SCHEMA
                    ]
                    writer.write_table(pa.Table.from_arrays(columns, schema=schema), row_group_size=max(len(rows), 1))
            out.flush()
            os.fsync(out.fileno())
        if Packed(made).calls != packed.calls or _money(made) != _money(path):
            raise RuntimeError(f"{made} has not the calls of {path}; nothing was deleted")
        made.rename(to)
    except OSError:
        made.unlink(missing_ok=True)
        raise
    _sync(to.parent)
    return _delete(path) - to.stat().st_size


def _delete(path: Path) -> int:
    """A packed file that is pruned, and the damaged lines beside it; returns their bytes."""
    freed = 0
    for file in (path.with_suffix(".damaged"), path):
        if file.exists():
            freed += file.stat().st_size
            file.unlink()
    return freed


def pictures_named(folder: Path, but: Collection[Path] = ()) -> set[str]:
    """SHA-256 of every picture that a kept call was asked with; packed files of `but` are taken for pruned."""
    found: set[bytes] = set()
    for line in _questions(folder, but):
        found.update(_PICTURE.findall(line))
    return {sha256.decode() for sha256 in found}


def _questions(folder: Path, but: Collection[Path]) -> Iterator[bytes]:
    for path, _ in list_segments(folder):
        yield from (line for _, line in lines_of(path))
    for path in list_packed(folder):
        if path not in but:
            packed = Packed(path)
            for number in range(packed.groups):
                for text in packed.group(number, ["request"])["request"]:
                    if text.is_valid:
                        yield text.as_py().encode()


def newest_call(path: Path) -> datetime:
    """A file without calls, or whose calls have no time, has only its own."""
    import pyarrow.compute as pc

    packed = Packed(path)
    newest = [
        at
        for number in range(packed.groups)
        if (at := pc.max(packed.group(number, ["created_at"])["created_at"]).as_py()) is not None
    ]
    return max(newest, default=datetime.fromtimestamp(path.stat().st_mtime, UTC))


def _money(path: Path) -> list[tuple[object, object]]:
    packed = Packed(path)
    rows = (packed.group(number, ["cost_usd", "held_usd"]).to_pylist() for number in range(packed.groups))
    return [(row["cost_usd"], row["held_usd"]) for group in rows for row in group]


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
