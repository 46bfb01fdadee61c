"""Sources csv, jsonl and parquet: one entry per row, with or without a picture. Other sources read tables through here.

What a column means is told by its name or by `columns` of the campaign file.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath
from zoneinfo import ZoneInfo

from components.errors import UserError
from components.items.entries import FIELDS, Entry, Met, make_entry, zone_of
from components.items.files import FileState, file_state, printable, walk
from components.items.names import Names, digest
from components.items.readers import SUFFIXES, Row, Table, read_table
from components.items.values import clean_text
from components.specs import DatasetSpec

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


@dataclass(slots=True)
class Uris:
    """Names rows: by their id where they have one, so that a row keeps its name when others are put above it."""

    path: Path
    seen: Names = field(default_factory=Names)
    again: Counter[str] = field(default_factory=Counter)
    """How often an id that was seen was seen again: few are."""

    def name(self, row: Row, source_id: str) -> str:
        if not source_id:
            return f"{printable(self.path)}#{row.number}"
        if self.seen.add(digest(source_id)):
            return f"{printable(self.path)}#id={source_id}"
        self.again[source_id] += 1
        return f"{printable(self.path)}#id={source_id}({self.again[source_id] + 1})"


def list_table(spec: DatasetSpec, met: Met) -> Iterator[Entry]:
    """The entries of a table file, or of all tables of that kind in a folder; what is wrong with any of them as a whole
    is raised before the first entry (but of parquet its pages are first read then)."""
    zone = zone_of(spec)
    tables = [read_table(path) for path in table_files(spec)]
    names = [_names(table, spec) for table in tables]
    return (
        _entry(row, table.path, named, uris, spec, zone, met)
        for table, named in zip(tables, names, strict=True)
        for uris in [Uris(table.path)]
        for row in table.rows
    )


def _names(table: Table, spec: DatasetSpec) -> dict[str, str]:
    names = field_columns(table, spec)
    if "text" not in names and "image" not in names:
        raise UserError(
            f"{table.path}: no text and no picture column among {', '.join(table.columns)}; "
            "say which with dataset.columns, e.g. {text: body}"
        )
    return names


def _entry(
    row: Row, path: Path, names: Mapping[str, str], uris: Uris, spec: DatasetSpec, zone: ZoneInfo, met: Met
) -> Entry:
    values = pick(row, names)
    picture = find_beside(path.parent, values.get("image"))
    uri, where = uris.name(row, clean_text(values.get("source_id"))), f"row {row.number}"
    return make_entry(
        values, spec=spec, zone=zone, source_uri=uri, where=where, picture=picture, problem=row.problem, met=met
    )


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
