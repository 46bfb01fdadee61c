"""Source x_export: tweets as TwExportly writes them (TwExportly_<account>_tweets_<date>.csv), a file or a folder.

Their oddities: HTML entities in the text; ids in single quotes (2025) or bare; `created_at` in the wall time of whoever
exported, without offset; no account but in the file's name; retweets with the ORIGINAL's text and counts; deleted
tweets as empty ids; a t.co link at the end of the text for pictures that nobody stored.
"""

import html
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from components.errors import UserError
from components.items.entries import Entry, Met, make_entry, zone_of
from components.items.readers import Row, Table, read_table
from components.items.tables import Uris, field_columns, pick, table_files
from components.items.values import BadValue, clean_text, is_nothing, parse_time, shown
from components.specs import DatasetSpec

EPOCH_MS = 1_288_834_974_657
FIRST_SNOWFLAKE = 30_000_000_000
"""Ids were consecutive numbers until 2010-11-04, when they had come to 29.7 billion."""

NO_LANGUAGE = frozenset({"und", "zxx", "art", "qam", "qct", "qht", "qme", "qst"})
"""X's codes: undetermined, no language, artificial; only mentions, cashtags, hashtags, media, a very short text."""
_RENAMED = {"in": "id", "iw": "he", "ji": "yi"}

_COLUMNS = {
    "text": ("text",), "source_id": ("tweet_id",), "author": ("screen_name",), "language": ("language",),
    "published_at": ("created_at",), "likes": ("favorite_count",), "replies": ("reply_count",),
    "reposts": ("retweet_count",), "views": ("view_count",),
}  # fmt: skip
_ACCOUNT = re.compile(r"TwExportly_(\w+?)_tweets_\d{4}_\d{2}_\d{2}")
_SHORT_LINK = re.compile(r"https?://t\.co/\w+")
_LAST_LINK = re.compile(r"\s*https?://t\.co/\w+\s*$")
_LONGEST = 280 + len(" https://t.co/0123456789")
"""Longer texts are long-form tweets, to which X adds no link for their media."""


def list_x_export(spec: DatasetSpec, met: Met) -> Iterator[Entry]:
    """One entry per row of every file; what is wrong with any of them as a whole is raised before the first entry."""
    configured = zone_of(spec)
    exports = [_export(path, spec, configured) for path in table_files(spec)]
    return (
        _entry(row, names, spec, zone, uris, met)
        for table, names, zone in exports
        for uris in [Uris(table.path)]
        for row in table.rows
    )


def _export(path: Path, spec: DatasetSpec, configured: ZoneInfo) -> tuple[Table, dict[str, str], ZoneInfo]:
    table = read_table(path)
    names = field_columns(table, spec, _COLUMNS)
    missing = [column for column in ("tweet_id", "text", "type", "created_at") if column not in table.columns]
    if missing and not spec.columns:
        raise UserError(f"{path}: not a tweet export, it has no column {', '.join(missing)}; its source may be csv")
    return table, names, _zone_of_file(table, names, configured)


def posted_at(tweet_id: str) -> datetime | None:
    """The true time of a tweet, to the millisecond; None for ids from before snowflakes."""
    number = int(tweet_id)
    if number < FIRST_SNOWFLAKE:
        return None
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=(number >> 22) + EPOCH_MS)


def _zone_of_file(table: Table, names: dict[str, str], configured: ZoneInfo) -> ZoneInfo:
    """The zone in which the file's ids and wall times agree most often; it dates the tweets without snowflake ids."""
    votes: Counter[str] = Counter()
    candidates = {zone.key: zone for zone in (ZoneInfo("America/New_York"), configured)}
    asked = 0
    for row in table.rows:
        values = pick(row, names)
        tweet_id = _tweet_id(values.get("source_id"))
        true = posted_at(tweet_id) if _is_number(tweet_id) else None
        if true is None:
            continue
        for key, zone in candidates.items():
            try:
                time = parse_time(values.get("published_at"), "created_at", zone)
            except BadValue:
                continue  # it will be this row's problem
            votes[key] += time is not None and abs(time - true) < timedelta(seconds=2)
        asked += 1
        if asked == 200:  # a file has one zone; more rows say the same
            break
    return candidates[max(candidates, key=lambda key: votes[key])]


def _entry(row: Row, names: dict[str, str], spec: DatasetSpec, zone: ZoneInfo, uris: Uris, met: Met) -> Entry:
    values = pick(row, names)
    tweet_id = _tweet_id(values.get("source_id"))
    text = html.unescape(clean_text(values.get("text")))
    kind = clean_text(row.values.get("type"))
    media = clean_text(row.values.get("media_urls")) or clean_text(row.values.get("media_type"))
    problem = row.problem or _refusal(tweet_id, text, kind)
    if problem is None:
        try:
            values["published_at"] = _time(tweet_id, values.get("published_at"), zone)
        except BadValue as error:
            problem = error.reason, error.detail
    account = _ACCOUNT.match(uris.path.name)
    values |= {
        "source_id": tweet_id,
        "text": _without_media_link(text, clean_text(row.values.get("urls"))) if media else text,
        "author": clean_text(values.get("author")) or (account[1] if account else None),
        "language": _language(clean_text(values.get("language"))),
        "image": media.split(",")[0] if media else None,
    }
    uri, where = uris.name(row, tweet_id), f"row {row.number}"
    return make_entry(values, spec=spec, source_uri=uri, zone=zone, where=where, problem=problem, met=met)


def _tweet_id(value: object) -> str:
    return clean_text(value).strip("'").strip()


def _is_number(tweet_id: str) -> bool:
    return tweet_id.isascii() and tweet_id.isdigit() and len(tweet_id) <= 19


def _refusal(tweet_id: str, text: str, kind: str) -> tuple[str, str] | None:
    if (not tweet_id and not text) or text.startswith("RT @undefined:"):
        return "deleted", "the tweet, or the one it repeats, no longer existed when it was exported"
    if kind.lower() == "retweet" or (not kind and text.startswith("RT @")):
        return "retweet", "another account's text, with that tweet's counts"
    if not _is_number(tweet_id):
        return "bad_id", f"tweet_id is {shown(tweet_id)}; a spreadsheet may have rounded it"
    return None


def _time(tweet_id: str, wall: object, zone: tzinfo) -> datetime | None:
    """From the id where it holds the time; a wall time that no zone on earth can explain betrays a damaged row."""
    written = parse_time(wall, "created_at", zone)
    true = posted_at(tweet_id)
    if written is not None and true is not None and abs(written - true) > timedelta(hours=27):
        raise BadValue("bad_time", f"created_at is {shown(wall)}, the id {tweet_id} is of {true:%Y-%m-%d %H:%M} UTC")
    return true if true is not None else written


def _without_media_link(text: str, urls: str) -> str:
    """The text as X shows it: the last t.co link is the media's if there is one more than the row has addresses."""
    addresses = len(re.findall(r"(?:^|,)https?://", urls))
    if len(_SHORT_LINK.findall(text)) == addresses + 1 and len(text) <= _LONGEST:
        return _LAST_LINK.sub("", text)
    return text


def _language(code: str) -> str | None:
    return None if is_nothing(code) or code in NO_LANGUAGE else _RENAMED.get(code, code)
