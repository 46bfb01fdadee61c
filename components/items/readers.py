"""Reads a table file of any kind into rows of raw values; what they mean is not its business.

A table may be larger than memory: it is gone through once for what is wrong with it as a whole, its columns and how
many rows it has, and then row by row, as often as somebody asks for them. A row that breaks its table (too many fields,
invalid JSON) becomes a problem of that row; only a file that cannot be read as a whole is the user's error.
"""

import csv
import io
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from components.errors import UserError
from components.items.values import shown

log = logging.getLogger(__name__)

SUFFIXES = {"csv": (".csv", ".tsv"), "jsonl": (".jsonl", ".ndjson"), "parquet": (".parquet", ".pq")}
AT_ONCE = 10_000
"""Rows of a parquet file that are in memory together."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row as the file has it; `number` counts from 1 without the header, `problem` says why it is no row."""

    number: int
    values: Mapping[str, object]
    problem: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a file, read anew each time somebody goes through them; UserError where it broke in between."""

    n: int
    read: Callable[[], Iterator[Row]]

    def __len__(self) -> int:
        return self.n

    def __iter__(self) -> Iterator[Row]:
        return self.read()


@dataclass(frozen=True, slots=True)
class Table:
    """A table file; `note` says what reading it has to assume."""

    path: Path
    columns: tuple[str, ...]
    rows: Rows
    note: str = ""


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a file's bytes are text, and what that assumes."""

    name: str
    errors: str = "strict"
    note: str = ""


def read_table(path: Path) -> Table:
    """Any of the three kinds, by the file's suffix; UserError when the file is no table or has no rows."""
    suffix = path.suffix.lower()
    try:
        if suffix in SUFFIXES["parquet"]:
            table = _read_parquet(path)
        else:
            with path.open("rb") as file:
                encoding = encoding_of(file, path)
            table = (_read_jsonl if suffix in SUFFIXES["jsonl"] else _read_csv)(path, encoding)
    except OSError as error:
        raise _unreadable(path, error) from error
    if not table.rows:
        raise UserError(f"{path}: has no rows")
    if table.note:
        log.warning("%s: %s", path, table.note)
    return table


def decode(data: bytes, path: Path) -> str:
    """The text of a file that is in memory."""
    encoding = encoding_of(io.BytesIO(data), path)
    return data.decode(encoding.name, encoding.errors)


def encoding_of(file: IO[bytes], path: Path) -> Encoding:
    """UTF-8 with or without BOM, UTF-16 with one, else cp1252; UserError where it is none of them."""
    if file.read(2) in (b"\xff\xfe", b"\xfe\xff"):
        return Encoding("utf-16", "replace", "read as UTF-16")
    broken = _first_broken(file, "utf-8")
    if broken is None:
        return Encoding("utf-8-sig")
    reason = f"not UTF-8 (byte 0x{broken[1]:02x} at {broken[0]})"
    if _first_broken(file, "cp1252") is not None:
        raise UserError(f"{path}: {reason} and not Windows-1252 either; save it as UTF-8")
    return Encoding("cp1252", note=f"{reason}, so read as Windows-1252")


def _first_broken(file: IO[bytes], encoding: str) -> tuple[int, int] | None:
    """Where the first byte is that `encoding` cannot have, and which; a line's end must be one byte in it."""
    at = file.seek(0)
    for line in file:
        try:
            line.decode(encoding)
        except UnicodeDecodeError as error:
            return at + error.start, line[error.start]
        at += len(line)
    return None


def _unreadable(path: Path, error: OSError) -> UserError:
    return UserError(f"{path}: cannot be read ({error.strerror or ' '.join(str(error).split())})")


def _read_csv(path: Path, encoding: Encoding) -> Table:
    lines = _csv_lines(path, encoding)
    header = next(lines, None)
    if header is None:
        raise UserError(f"{path}: is empty")
    columns = tuple(name.strip() for name in header)

    def rows() -> Iterator[Row]:
        found = _csv_lines(path, encoding)
        next(found, None)
        for number, line in enumerate(found, 1):
            problem = None
            if len(line) < len(columns) or any(line[len(columns) :]):
                problem = ("bad_row", f"has {len(line)} fields where the header has {len(columns)}")
            # from the right, so that of two columns with one name the first is kept
            yield Row(number, dict(reversed(list(zip(columns, line, strict=False)))), problem)

    return Table(path, columns, Rows(sum(1 for _ in lines), rows), encoding.note)


def _csv_lines(path: Path, encoding: Encoding) -> Iterator[list[str]]:
    """The fields of each line that is not empty, the header's first."""
    csv.field_size_limit(2**31 - 1)  # the default of 128 KiB would refuse long texts
    with _text(path, encoding) as file:
        header = next((line for line in file if line.strip("\r\n")), "")
        delimiter = max(",;\t|", key=header.count)  # a comma where there is none of them: max keeps the first
        file.seek(0)
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        try:
            # strict: a quote that never closes is an error, where the lenient reader would swallow the rest of the file
            yield from (line for line in reader if line)
        except csv.Error as error:
            raise UserError(
                f"{path}: line {reader.line_num} breaks the CSV rules ({error}); mend its quotes"
            ) from error


def _read_jsonl(path: Path, encoding: Encoding) -> Table:
    n, columns = 0, dict[str, None]()
    for row in _jsonl_rows(path, encoding):
        n += 1
        if row.problem is None:
            columns.update(dict.fromkeys(row.values))
    if n and not columns:
        raise UserError(f"{path}: no line of it is a JSON object; a jsonl file has one per line")
    return Table(path, tuple(columns), Rows(n, lambda: _jsonl_rows(path, encoding)), encoding.note)


def _jsonl_rows(path: Path, encoding: Encoding) -> Iterator[Row]:
    number = 0
    with _text(path, encoding, newline="\n") as file:
        for line in file:
            if not line.strip():
                continue
            number += 1
            line = line.removesuffix("\n")
            try:
                value = json.loads(line)
            except (ValueError, RecursionError) as error:
                yield Row(number, {"": line}, ("bad_row", f"is not JSON ({error})"))
                continue
            if isinstance(value, dict):
                yield Row(number, value)
            else:
                yield Row(number, {"": line}, ("bad_row", f"is not a JSON object but {shown(value)}"))


@contextmanager
def _text(path: Path, encoding: Encoding, newline: str = "") -> Iterator[IO[str]]:
    """The file as text; who goes through it gets the errors of the disk, and of bytes that are no text any more, as
    what they are: the user's."""
    try:
        with path.open(encoding=encoding.name, errors=encoding.errors, newline=newline) as file:
            yield file
    except OSError as error:
        raise _unreadable(path, error) from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: was changed while it was read ({error})") from error


def _read_parquet(path: Path) -> Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    def broken(error: Exception) -> UserError:
        return UserError(f"{path}: cannot be read as parquet ({' '.join(str(error).split())})")

    def rows() -> Iterator[Row]:
        number = 0
        try:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(AT_ONCE):
                    for values in batch.to_pylist():
                        number += 1
                        yield Row(number, values)
        except pa.ArrowException as error:
            raise broken(error) from error
        except OSError as error:
            raise _unreadable(path, error) from error

    try:
        with pq.ParquetFile(path) as file:
            columns, n = tuple(file.schema_arrow.names), file.metadata.num_rows
    except pa.ArrowException as error:
        raise broken(error) from error
    if twice := sorted({name for name in columns if columns.count(name) > 1}):
        raise UserError(f"{path}: has two columns named {twice[0]!r}; rename one")
    return Table(path, columns, Rows(n, rows))
