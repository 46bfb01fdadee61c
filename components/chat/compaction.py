"""Packs finished segments into parquet: reads `<calls>/*.jsonl`, writes `<calls>/packed/`, deletes what it packed.

May die at any moment, and may run beside writers and readers. Per file: write under another name, sync, rename, check,
delete the segments. Once the packed file has its name, it speaks for the segments that its footer names, there or not;
before, it is nothing. Whoever comes next deletes what is left over. One compaction at a time per folder, by a lock.
Damaged lines go to `<name>.damaged` beside the packed file, byte for byte (base64), and are counted.
"""

import base64
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from components.chat.packed import ROW_GROUP, SCHEMA, SEGMENTS, Packed, list_packed, list_pruned, row_of_record
from components.chat.segments import QUIET_S, cannot_write, hold, lines_of, list_segments, parse
from components.errors import UserError

FILE_BYTES = 2**30
"""Segments of so many bytes together go into one packed file: what a killed compaction has to do again."""

FILE_SEGMENTS = 256
"""Each is held open; processes may often open no more than 1,024 files."""

GROUP_BYTES = 64 * 2**20
"""A row group ends early when its lines have so many bytes."""

LEFT_S = 3600.0
"""A picture that is being written for so long is no longer being written."""

PLAIN = ("call_key", "created_at", "detail", "value", "text", "request", "response", "rest")
"""Columns whose values hardly repeat as a whole: no dictionary, and no bounds in the footer."""


@dataclass(slots=True, kw_only=True)
class Compacted:
    """What was packed, or (`dry_run`) would be. `in_use` segments belong to living writers; `damaged` lines are kept in
    the files named `damaged_files`. `bytes_after` is unknown in a dry run."""

    segments: int = 0
    calls: int = 0
    damaged: int = 0
    bytes_before: int = 0
    bytes_after: int | None = 0
    in_use: int = 0
    files: tuple[str, ...] = ()
    damaged_files: tuple[str, ...] = ()
    dry_run: bool = False


def compact(
    folder: Path,
    dry_run: bool = False,
    advance: Callable[[int], None] = lambda n: None,
    quiet_s: float = QUIET_S,
) -> Compacted:
    """`advance` is told the bytes read. UserError names the path where the disk refuses, or says that another
    compaction is at work; what was packed until then stays packed."""
    return Compaction(folder, advance, quiet_s).run(dry_run)


@contextmanager
def at_work(folder: Path, wait_s: float = 0.0) -> Iterator[None]:
    """Nobody else packs, prunes or backs up the journal in `folder` meanwhile; UserError where somebody still does
    after `wait_s` seconds, OSError where there can be no lock."""
    packed = folder / "packed"
    packed.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + wait_s
    with (packed / ".lock").open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() >= deadline:
                    raise UserError(
                        f"another compaction (or backup, or pruning) of {folder} is at work; wait for its end"
                    ) from error
                time.sleep(0.1)
        yield


class Compaction:
    """Its steps, in the order in which `run` takes them."""

    def __init__(self, folder: Path, advance: Callable[[int], None], quiet_s: float) -> None:
        self.folder, self.advance, self.quiet_s = folder, advance, quiet_s
        self.packed = folder / "packed"
        self.done = Compacted()

    def run(self, dry_run: bool) -> Compacted:
        self.done.dry_run = dry_run
        if not self.folder.is_dir():
            return self.done
        try:
            if dry_run:
                return self._look()
            with at_work(self.folder):
                self.sweep()
                for batch in self.batches():
                    self.pack(batch)
        except OSError as error:
            raise cannot_write(Path(error.filename or self.packed), error) from error
        return self.done

    def sweep(self) -> None:
        """Ends what a killed compaction began: segments that are packed, and files without their last name."""
        for left in (*self.packed.glob("*.tmp"), *self.packed.glob("*.damaged")):
            if left.suffix == ".tmp" or not left.with_suffix(".parquet").exists():
                left.unlink()
        for left in (self.folder / "pictures").glob("*.tmp"):
            if time.time() - left.stat().st_mtime > LEFT_S:
                left.unlink()
        named = self.named()
        for path, size in list_segments(self.folder):
            if named.get(path.name, size) != size:
                raise UserError(f"{path} has the name of a segment that was packed, and other contents: rename it")
            if path.name in named:
                path.unlink()

    def named(self) -> dict[str, int]:
        """Segments that are packed, pruned since or not, and their bytes."""
        files = (*list_packed(self.folder), *list_pruned(self.folder))
        return {name: size for path in files for name, size in Packed(path).segments.items()}

    def batches(self) -> Iterator[dict[Path, int]]:
        """Finished segments and their locked file descriptors, as many as one packed file takes."""
        batch: dict[Path, int] = {}
        size = 0
        for path, _ in list_segments(self.folder):
            held = hold(path, self.quiet_s)
            if held is None:
                self.done.in_use += path.exists()
                continue
            grows = os.fstat(held).st_size
            if batch and (size + grows > FILE_BYTES or len(batch) == FILE_SEGMENTS):
                yield batch
                batch, size = {}, 0
            batch[path], size = held, size + grows
        if batch:
            yield batch

    def pack(self, batch: dict[Path, int]) -> None:
        sizes = {path.name: os.fstat(held).st_size for path, held in batch.items()}
        name = self.packed / f"{max(batch).stem}.parquet"
        written, damaged_file = name.with_name(f"{name.name}.tmp"), name.with_name(f"{name.stem}.damaged.tmp")
        try:
            calls, damaged = self.write(list(batch), sizes, written, damaged_file)
            self.check(written, calls)
            if damaged:
                self.rename(damaged_file)
            if calls or damaged:
                self.rename(written)
            else:
                written.unlink()
            for path in batch:
                self.delete(path)
        except OSError:
            for file in (written, damaged_file):
                file.unlink(missing_ok=True)
            raise
        finally:
            for held in batch.values():
                os.close(held)
        done = self.done
        done.segments, done.calls = done.segments + len(batch), done.calls + calls
        done.damaged, done.bytes_before = done.damaged + damaged, done.bytes_before + sum(sizes.values())
        if calls or damaged:
            done.bytes_after = (done.bytes_after or 0) + name.stat().st_size
            done.files = (*done.files, name.name)
        if damaged:
            done.damaged_files = (*done.damaged_files, name.with_suffix(".damaged").name)

    def write(self, paths: list[Path], sizes: dict[str, int], written: Path, damaged_file: Path) -> tuple[int, int]:
        """Both files, synced; returns the numbers of calls and of damaged lines."""
        from pyarrow import parquet

        plain = [name for name in SCHEMA.names if name not in PLAIN]
        schema = SCHEMA.with_metadata({SEGMENTS: orjson.dumps(sizes)})
        calls = damaged = 0
        with written.open("wb") as out, damaged_file.open("wb") as aside:
            options: dict[str, Any] = {"use_dictionary": plain, "write_statistics": [*plain, "created_at"]}
            with parquet.ParquetWriter(out, schema, compression="zstd", compression_level=3, **options) as writer:
                for rows, broken in self._groups(paths):
                    if rows:
                        writer.write_table(pa.Table.from_pylist(rows, schema), row_group_size=len(rows))
                    aside.writelines(broken)
                    calls, damaged = calls + len(rows), damaged + len(broken)
            for file in (out, aside):
                file.flush()
                os.fsync(file.fileno())
        if not damaged:
            damaged_file.unlink()
        return calls, damaged

    def check(self, written: Path, calls: int) -> None:
        """Reads every page once more before what it was made of goes."""
        packed = Packed(written)
        found = sum(len(packed.group(number)) for number in range(packed.groups))
        if found != calls:
            raise RuntimeError(f"{written} has {found} of {calls} calls; no segment was deleted")

    def rename(self, written: Path) -> None:
        written.rename(written.with_suffix(""))
        folder = os.open(self.packed, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def delete(self, path: Path) -> None:
        path.unlink()

    def _groups(self, paths: list[Path]) -> Iterator[tuple[list[dict[str, Any]], list[bytes]]]:
        rows: list[dict[str, Any]] = []
        broken: list[bytes] = []
        size = 0
        for path in paths:
            for offset, line in lines_of(path):
                self.advance(len(line))
                if (record := parse(line)) is not None:
                    rows.append(row_of_record(record, path.name))
                    size += len(line)
                elif line.strip():
                    aside = {"segment": path.name, "offset": offset, "base64": base64.b64encode(line).decode()}
                    broken.append(orjson.dumps(aside, option=orjson.OPT_APPEND_NEWLINE))
                if len(rows) == ROW_GROUP or size > GROUP_BYTES:
                    yield rows, broken
                    rows, broken, size = [], [], 0
        yield rows, broken

    def _look(self) -> Compacted:
        """Counts, and changes nothing."""
        done = self.done
        named = self.named()
        for path, size in list_segments(self.folder):
            if path.name in named:
                continue
            held = hold(path, self.quiet_s)
            if held is None:
                done.in_use += 1
                continue
            os.close(held)
            whole = [parse(line) is not None for _, line in lines_of(path) if line.strip()]
            done.segments, done.bytes_before = done.segments + 1, done.bytes_before + size
            done.calls, done.damaged = done.calls + sum(whole), done.damaged + len(whole) - sum(whole)
            self.advance(size)
        done.bytes_after = None
        return done
