"""An entry is one input of a dataset before any picture is opened; reading it gives an Item or says why not.

Listing is cheap and goes through the whole source, one entry after the other, as a table may be larger than memory;
reading is done chunk by chunk. What is already known to be wrong when
an entry is listed (a time nobody can read, a retweet) travels in `problem` and becomes its quarantine row.
"""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from components.errors import UserError
from components.items.files import FileState
from components.items.pictures import PictureError, inspect_picture
from components.items.values import BadValue, clean_text, has_words, parse_count, parse_time, shown
from components.records import Item, Quarantine, content_id
from components.specs import DatasetSpec

COUNTS = ("likes", "replies", "reposts", "views")
FIELDS = ("image", "text", "source_id", "author", "language", "published_at", *COUNTS)
"""What a row can say about an item; also the keys of `columns` in a campaign file."""

LONGEST_TEXT = 100_000
"""Characters; the longest post that a large platform takes has 63,206 (Facebook). A text of some hundred thousand takes
a tagger minutes and gigabytes, and what comes as one post then is a book, or a file that lost its line breaks."""

Met = Container[tuple[str, str]]
"""(source_uri, stamp) of inputs that were read before. They are listed with nothing but these two: making out what a
row says takes half of the listing."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One input. `source_uri` names it, `stamp` changes whenever reading it could give something else.

    `image_named` is the picture as the row calls it, `image_path` the file found by that name.
    """

    source_uri: str
    stamp: str
    source_id: str | None = None
    image_path: str | None = None
    text: str = ""
    author: str | None = None
    language: str | None = None
    published_at: datetime | None = None
    likes: int | None = None
    replies: int | None = None
    reposts: int | None = None
    views: int | None = None
    problem: tuple[str, str] | None = None
    image_named: str | None = None


def zone_of(spec: DatasetSpec) -> ZoneInfo:
    try:
        return ZoneInfo(spec.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UserError(
            f"dataset.timezone: there is no time zone {spec.timezone!r}; write one such as Europe/Berlin"
        ) from error


def make_stamp(spec: DatasetSpec, row: object, picture: FileState | None) -> str:
    """Over the raw row, the state of the picture's file and whatever in the spec changes how they are read."""
    reading = (spec.version, spec.source, sorted(spec.columns.items()), spec.timezone, spec.max_pixels)
    return content_id("stamp", *reading, row, picture)


def make_entry(
    values: Mapping[str, object],
    *,
    spec: DatasetSpec,
    source_uri: str,
    zone: ZoneInfo,
    where: str = "",
    picture: tuple[str, FileState] | None = None,
    problem: tuple[str, str] | None = None,
    met: Met = frozenset(),
) -> Entry:
    """The entry of a row (field -> raw value). `picture` is the path and state of the file the row names;
    `where` is put before a problem's detail."""
    stamp = make_stamp(spec, [dict(values), problem], picture[1] if picture else None)
    if (source_uri, stamp) in met:
        return Entry(source_uri, stamp)
    text = clean_text(values.get("text"))
    named = clean_text(values.get("image")) or None
    numbers: dict[str, int | None] = {}
    published_at = None
    try:
        for field, value in values.items():
            if isinstance(value, (dict, list, bytes)):
                raise BadValue("bad_row", f"{field} is nested or binary; name another column in dataset.columns")
        for field in COUNTS:
            numbers[field] = parse_count(values.get(field), field)
        published_at = parse_time(values.get("published_at"), "published_at", zone)
    except BadValue as error:
        problem = problem or (error.reason, error.detail)
    if problem is None and picture is None and not has_words(text):
        saying = "its text says nothing without links and mentions" if text else "it has no text"
        problem = (
            ("picture_missing", f"names {shown(named)}, which is not there, and {saying}")
            if named
            else ("empty", f"names no picture, and {saying}")
        )
    if problem is None and len(text) > LONGEST_TEXT:
        problem = ("too_large", f"its text has {len(text):,} characters; at most {LONGEST_TEXT:,} are read")
    if problem is not None and where:
        problem = (problem[0], f"{where}: {problem[1]}")
    return Entry(
        source_uri=source_uri,
        stamp=stamp,
        source_id=clean_text(values.get("source_id")) or None,
        image_path=picture[0] if picture else None,
        text=text,
        author=clean_text(values.get("author")) or None,
        language=clean_text(values.get("language")) or None,
        published_at=published_at,
        problem=problem,
        image_named=named,
        **numbers,
    )


def read_entries(entries: Sequence[Entry], spec: DatasetSpec) -> tuple[list[Item], list[Quarantine]]:
    """Exactly one Item or Quarantine per entry, each list in the order of the entries; each picture is decoded once."""
    at, spec_id = datetime.now(UTC), spec.id
    items: list[Item] = []
    refused: list[Quarantine] = []
    for entry in entries:
        if entry.problem is not None:
            refused.append(_refuse(entry, spec, *entry.problem, at))
            continue
        try:
            items.append(_read(entry, spec, spec_id, at))
        except PictureError as error:
            refused.append(_refuse(entry, spec, error.reason, error.detail, at))
    return items, refused


def _read(entry: Entry, spec: DatasetSpec, spec_id: str, at: datetime) -> Item:
    facts = inspect_picture(entry.image_path, max_pixels=spec.max_pixels) if entry.image_path else None
    sha256 = facts.sha256 if facts else None
    return Item(
        item_id=Item.make_id(spec.name, sha256, entry.text),
        dataset=spec.name,
        spec_id=spec_id,
        source_uri=entry.source_uri,
        source_id=entry.source_id,
        stamp=entry.stamp,
        image_path=entry.image_path,
        sha256=sha256,
        width=facts.width if facts else None,
        height=facts.height if facts else None,
        text=entry.text,
        author=entry.author,
        language=entry.language,
        published_at=entry.published_at,
        likes=entry.likes,
        replies=entry.replies,
        reposts=entry.reposts,
        views=entry.views,
        ingested_at=at,
    )


def _refuse(entry: Entry, spec: DatasetSpec, reason: str, detail: str, at: datetime) -> Quarantine:
    return Quarantine(
        quarantine_id=Quarantine.make_id(spec.step, spec.name, entry.source_uri, entry.stamp, reason),
        step=spec.step,
        dataset=spec.name,
        source_uri=entry.source_uri,
        stamp=entry.stamp,
        image_path=entry.image_path,
        reason=reason,
        detail=detail,
        at=at,
    )
