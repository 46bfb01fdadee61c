"""Sources csv, jsonl and parquet: one entry per row, with or without a picture. Other sources read tables through here.

A row that breaks its table (too many fields, invalid JSON) becomes a problem of that row; only a file that cannot be
read as a whole is the user's error.
"""

import csv
import io
import json
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath

from components.errors import UserError
from components.items.entries import FIELDS, Entry, make_entry, zone_of
from components.items.files import FileState, file_state, printable, walk
from components.items.values import clean_text, shown
from components.spec import DatasetSpec

log = logging.getLogger(__name__)

SUFFIXES = {"csv": (".csv", ".tsv"), "jsonl": (".jsonl", ".ndjson"), "parquet": (".parquet", ".pq")}
SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "image": ("image", "image_path", "picture", "photo", "image_file", "file_name", "filename", "file", "path", "img"),
    "text": ("text", "caption", "full_text", "body", "content", "message", "description", "tweet"),
    "source_id": ("source_id", "id", "tweet_id", "post_id", "media_id", "status_id"),
    "author": ("author", "screen_name", "username", "user_name", "user", "account", "handle", "owner", "speaker"),
    "language": ("language", "lang"),
    "published_at": ("published_at", "created_at", "posted_at", "published", "timestamp", "datetime", "date", "time"),
    "likes": ("likes", "like_count", "favorite_count", "favourite_count", "favorites"),
    "replies": ("replies", "reply_count", "comments", "comment_count"),
    "reposts": ("reposts", "repost_count", "retweet_count", "retweets", "shares", "share_count"),
    "views": ("views", "view_count", "impressions", "plays"),
}
"""Column names that need no `columns` in the campaign file; compared in lower case, _ for spaces; the first wins."""


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


@dataclass(slots=True)
class Uris:
    """Names rows: by their id where they have one, so that a row keeps its name when others are put above it."""

    path: Path
    seen: Counter[str] = field(default_factory=Counter)

    def name(self, row: Row, source_id: str) -> str:
        if not source_id:
            return f"{printable(self.path)}#{row.number}"
        self.seen[source_id] += 1
        again = f"({self.seen[source_id]})" if self.seen[source_id] > 1 else ""
        return f"{printable(self.path)}#id={source_id}{again}"


def list_table(spec: DatasetSpec) -> list[Entry]:
    """The entries of a table file, or of all tables of that kind in a folder."""
    zone = zone_of(spec)
    entries: list[Entry] = []
    for path in table_files(spec):
        table = read_table(path)
        names = field_columns(table, spec)
        if "text" not in names and "image" not in names:
            raise UserError(
                f"{path}: no text and no picture column among {', '.join(table.columns)}; "
                "say which with dataset.columns, e.g. {text: body}"
            )
        uris = Uris(path)
        for row in table.rows:
            values = pick(row, names)
            picture = find_beside(path.parent, values.get("image"))
            uri, where = uris.name(row, clean_text(values.get("source_id"))), f"row {row.number}"
            entries.append(
                make_entry(
                    values, spec=spec, zone=zone, source_uri=uri, where=where, picture=picture, problem=row.problem
                )
            )
    return entries


def table_files(spec: DatasetSpec) -> list[Path]:
    """The file that is named, or all files of the source's kind below the folder that is named."""
    path = spec.path.resolve()
    kind = "csv" if spec.source not in SUFFIXES else spec.source
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise UserError(f"dataset.path: {path} does not exist; name a {kind} file or a folder of them")
    found = list(walk(path))
    for file in found:
        if file.problem is not None:
            raise UserError(f"dataset.path: {file.problem[1]}")
    files = [file.path for file in found if file.path.name.lower().endswith(SUFFIXES[kind])]
    if not files:
        raise UserError(f"dataset.path: {path} has no {' or '.join(SUFFIXES[kind])} file")
    return files


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


def field_columns(table: Table, spec: DatasetSpec, synonyms: Mapping[str, Sequence[str]] = SYNONYMS) -> dict[str, str]:
    """field -> column: what `columns` of the campaign says ("": take none), else the first synonym the table has."""
    check_columns(spec)
    for name, column in spec.columns.items():
        if column and column not in table.columns:
            raise UserError(
                f"dataset.columns: {name} is to come from {column!r}, but {table.path} has {', '.join(table.columns)}"
            )
    return match_columns(table.columns, spec, synonyms)


def match_columns(
    columns: Iterable[str], spec: DatasetSpec, synonyms: Mapping[str, Sequence[str]] = SYNONYMS
) -> dict[str, str]:
    there = {column.strip().lower().replace(" ", "_"): column for column in reversed(list(columns))}
    found = {name: next((there[word] for word in synonyms[name] if word in there), "") for name in synonyms}
    return {name: column for name, column in (found | dict(spec.columns)).items() if column}


def check_columns(spec: DatasetSpec) -> None:
    unknown = sorted(set(spec.columns) - set(FIELDS))
    if unknown:
        raise UserError(f"dataset.columns: {unknown[0]!r} is no field of an item; the fields are {', '.join(FIELDS)}")


def pick(row: Row, names: Mapping[str, str]) -> dict[str, object]:
    """The row's values by field. A row with a problem keeps all it has: its stamp must change when it is mended."""
    if row.problem is not None and "" in row.values:
        return {"": row.values[""]}
    return {name: row.values.get(column) for name, column in names.items()}


def find_beside(folder: Path, named: object) -> tuple[str, FileState] | None:
    """The picture a row names: as a path from the table's folder (/ or \\), else by its last part in that folder."""
    text = clean_text(named)
    if not text or "://" in text:
        return None
    for candidate in _candidates(folder, text):
        try:
            return str(candidate), file_state(candidate, candidate.stat())
        except (OSError, ValueError):  # ValueError: a name no file can have
            continue
    return None


def _candidates(folder: Path, text: str) -> Iterator[Path]:
    yield folder / text
    parts = PureWindowsPath(text)
    if "\\" in text:
        yield folder / parts.as_posix()
    if parts.name and parts.name != text:
        yield folder / parts.name
