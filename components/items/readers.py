"""Reads a table file of any kind into rows of raw values; what they mean is not its business.

A row that breaks its table (too many fields, invalid JSON) becomes a problem of that row; only a file that cannot be
read as a whole is the user's error.
"""

import csv
import io
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from components.errors import UserError
from components.items.values import shown

log = logging.getLogger(__name__)

SUFFIXES = {"csv": (".csv", ".tsv"), "jsonl": (".jsonl", ".ndjson"), "parquet": (".parquet", ".pq")}


@dataclass(frozen=True, slots=True)
class Row:
    """A row as the file has it; `number` counts from 1 without the header, `problem` says why it is no row."""

    number: int
    values: Mapping[str, object]
    problem: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A table file in memory; `note` says what reading it had to assume."""

    path: Path
    columns: tuple[str, ...]
    rows: list[Row]
    note: str = ""


def read_table(path: Path) -> Table:
    """Any of the three kinds, by the file's suffix; UserError when the file is no table or has no rows."""
    suffix = path.suffix.lower()
    try:
        if suffix in SUFFIXES["parquet"]:
            table = _read_parquet(path)
        else:
            text, note = decode(path.read_bytes(), path)
            table = _read_jsonl(path, text, note) if suffix in SUFFIXES["jsonl"] else _read_csv(path, text, note)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from error
    if not table.rows:
        raise UserError(f"{path}: has no rows")
    if table.note:
        log.warning("%s: %s", path, table.note)
    return table


def decode(data: bytes, path: Path) -> tuple[str, str]:
    """The text of a file, and a note on what was assumed: UTF-8 with or without BOM, UTF-16 with one, else cp1252."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace"), "read as UTF-16"
    try:
        return data.decode("utf-8-sig"), ""
    except UnicodeDecodeError as error:
        reason = f"not UTF-8 (byte 0x{data[error.start]:02x} at {error.start})"
    try:
        return data.decode("cp1252"), f"{reason}, so read as Windows-1252"
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: {reason} and not Windows-1252 either; save it as UTF-8") from error


def _read_csv(path: Path, text: str, note: str) -> Table:
    csv.field_size_limit(2**31 - 1)  # the default of 128 KiB would refuse long texts
    header = text.lstrip("\r\n").split("\n", 1)[0]
    delimiter = max(",;\t|", key=header.count)  # a comma where there is none of them: max keeps the first
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        # strict: a quote that never closes is an error, where the lenient reader would swallow the rest of the file
        lines = [line for line in reader if line]
    except csv.Error as error:
        raise UserError(f"{path}: line {reader.line_num} breaks the CSV rules ({error}); mend its quotes") from error
    if not lines:
        raise UserError(f"{path}: is empty")
    columns = tuple(name.strip() for name in lines[0])
    rows = []
    for number, line in enumerate(lines[1:], 1):
        problem = None
        if len(line) < len(columns) or any(line[len(columns) :]):
            problem = ("bad_row", f"has {len(line)} fields where the header has {len(columns)}")
        # from the right, so that of two columns with one name the first is kept
        rows.append(Row(number, dict(reversed(list(zip(columns, line, strict=False)))), problem))
    return Table(path, columns, rows, note)


def _read_jsonl(path: Path, text: str, note: str) -> Table:
    rows: list[Row] = []
    columns: dict[str, None] = {}
    for line in text.split("\n"):
        if not line.strip():
            continue
        number = len(rows) + 1
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            rows.append(Row(number, {"": line}, ("bad_row", f"is not JSON ({error})")))
            continue
        if isinstance(value, dict):
            rows.append(Row(number, value))
            columns.update(dict.fromkeys(value))
        else:
            rows.append(Row(number, {"": line}, ("bad_row", f"is not a JSON object but {shown(value)}")))
    if rows and not columns:
        raise UserError(f"{path}: no line of it is a JSON object; a jsonl file has one per line")
    return Table(path, tuple(columns), rows, note)


def _read_parquet(path: Path) -> Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except pa.ArrowException as error:
        raise UserError(f"{path}: cannot be read as parquet ({' '.join(str(error).split())})") from error
    return Table(path, tuple(table.column_names), [Row(n, values) for n, values in enumerate(table.to_pylist(), 1)])
