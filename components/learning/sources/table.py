"""Source table: csv, tsv, parquet or jsonl files whose columns hold texts, pictures and labels.

`columns` says which: `{text: body, image: photo, author: user, published_at: sent, label.sentiment: score}`; fields
with a usual name are found without it ("": take none). Labels come from `label.<task>` there or from columns that are
called so, or, with `task` alone, from the column of that name or `label`. Tables of tweets (a `tweet_id` column) hold
HTML entities, ids in quotes, and their account in the file's name (`TwExportly_<account>_tweets_<date>.csv`).
"""

import html
import re
from collections.abc import Iterable
from pathlib import Path

from components.errors import UserError
from components.items.files import printable, walk
from components.items.readers import SUFFIXES, Row, Table, read_table
from components.items.tables import SYNONYMS, Uris, field_columns, find_beside
from components.items.values import clean_text
from components.items.x_export import NO_LANGUAGE
from components.learning.sources.entry import LabelledEntry, Maker, Problem
from components.learning.spec import LabelledSource

FIELDS = ("image", "text", "id", "author", "language", "published_at")
_PREFIX = "label."
_TABLES = tuple(suffix for suffixes in SUFFIXES.values() for suffix in suffixes)
_COUNTS = frozenset({"bookmark_count", "favorite_count", "reply_count", "retweet_count", "view_count"})
_ACCOUNT = re.compile(r"TwExportly_(\w+?)_tweets_\d{4}_\d\d_\d\d")


def list_table(source: LabelledSource) -> list[LabelledEntry]:
    """One entry per row of the file, or of all tables in the folder."""
    unknown = [key for key in source.columns if key not in FIELDS and not key.startswith(_PREFIX)]
    if unknown:
        raise UserError(f"datasets.columns: {unknown[0]!r} is none of {', '.join(FIELDS)} and {_PREFIX}<task>")
    columns = {"source_id" if k == "id" else k: v for k, v in source.columns.items() if not k.startswith(_PREFIX)}
    maker = Maker.of(source, columns)
    return [entry for path in _files(source.path.expanduser().resolve()) for entry in _entries(path, source, maker)]


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    files = [found.path for found in walk(path) if found.path.suffix.lower() in _TABLES] if path.is_dir() else []
    if not files:
        raise UserError(f"datasets.path: {path} is no table and no folder of {', '.join(_TABLES)} files")
    return files


def _entries(path: Path, source: LabelledSource, maker: Maker) -> Iterable[LabelledEntry]:
    table = read_table(path)
    synonyms = {name: SYNONYMS[name] for name in ("image", "text", "source_id", "author", "language", "published_at")}
    names = field_columns(table, maker.spec, synonyms)
    if "text" not in names and "image" not in names:
        raise UserError(
            f"{path}: no text and no picture column among {', '.join(table.columns)}; set columns: {{text: ...}}"
        )
    labels = _label_columns(table, source)
    tweets = "tweet_id" in table.columns
    account = _ACCOUNT.match(path.name)
    uris = Uris(path)
    for row in table.rows:
        values = {name: row.values.get(column) for name, column in names.items()}
        row_id = clean_text(values.get("source_id"))
        if tweets:
            row_id = row_id.strip("'").strip()
            values["text"] = html.unescape(clean_text(values.get("text")))
            if clean_text(values.get("language")) in NO_LANGUAGE:
                values["language"] = None
            values["author"] = clean_text(values.get("author")) or (account[1] if account else None)
        where = f"row {row.number}"
        yield maker.entry(
            uris.name(row, row_id) if row_id else f"{printable(path)}#{row.number}",
            {task: row.values.get(column) for task, column in labels.items()},
            values,
            picture=find_beside(path.parent, values.get("image")),
            withheld=_not_its_own(row, labels, where) if tweets else None,
            problem=row.problem or (_deleted(values, where) if tweets else None),
            where=where,
        )


def _deleted(values: dict[str, object], where: str) -> Problem | None:
    gone = str(values.get("text")).startswith("RT @undefined:")
    return ("deleted", f"{where}: the tweet it repeats no longer existed when it was exported") if gone else None


def _not_its_own(row: Row, labels: dict[str, str], where: str) -> dict[str, Problem]:
    """Exports give a retweet the counts of the tweet it repeats, under an account that did not earn them."""
    if clean_text(row.values.get("type")).lower() != "retweet":
        return {}
    detail = f"{where}: a retweet, with the counts of another account's tweet"
    return {task: ("retweet", detail) for task, column in labels.items() if column in _COUNTS}


def _label_columns(table: Table, source: LabelledSource) -> dict[str, str]:
    """Task -> column."""
    asked = {key.removeprefix(_PREFIX): column for key, column in source.columns.items() if key.startswith(_PREFIX)}
    missing = [column for column in asked.values() if column not in table.columns]
    if missing:
        raise UserError(
            f"datasets.columns: a label is to come from {missing[0]!r}, but {table.path} has {', '.join(table.columns)}"
        )
    if asked:
        return asked
    named = {column.removeprefix(_PREFIX): column for column in table.columns if column.startswith(_PREFIX)}
    if source.task and not named:
        column = next((name for name in (source.task, "label") if name in table.columns), None)
        named = {source.task: column} if column else {}
    if not named:
        raise UserError(
            f"{table.path}: which column holds labels? Say so with columns, e.g. {{label.sentiment: score}}; "
            f"it has {', '.join(table.columns)}"
        )
    return named
