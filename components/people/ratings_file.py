"""Ratings as CSV, in and out: one line per post, rater and aspect.

Needed columns: post_id, rater, aspect, score. Known besides: rubric (default mpwl), rubric_id (which text of it; by
default the one that a judge went by last), slice (default import), seconds, saw_judge (default no), created_at (with
its offset). A line with a time and no score takes back what was said before. What is exported is read back as it was.
"""

import csv
import io
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from components.errors import UserError
from components.people.answers import RATER
from components.records import Quarantine, Rating, content_id
from components.spreadsheets import guarded, unguarded

NEEDED = ("post_id", "rater", "aspect", "score")
KNOWN = (*NEEDED, "rubric", "rubric_id", "slice", "seconds", "saw_judge", "created_at")
COLUMNS = ("post_id", "rater", "rubric", "rubric_id", "aspect", "score", "slice", "seconds", "saw_judge", "created_at")
STEP = "import_ratings"
WORDS = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False, "": False}
UNKNOWN = "unknown"
"""In the column rubric_id: the text is not known, as it was not before there was this column."""
Key = tuple[str, str, str, str | None, str]
"""post_id, rater, rubric, its text, aspect."""


@dataclass(frozen=True, slots=True)
class Refusal:
    line: int
    reason: str
    detail: str
    content: str


@dataclass(frozen=True, slots=True)
class Read:
    """`same`: lines that say what is known already. `assumed`: rubric -> its text that good lines were taken to be by,
    since they do not say."""

    ratings: list[Rating]
    refused: list[Refusal]
    same: int
    assumed: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Known:
    """What lines are checked against: posts, rubric -> its texts, the one that is assumed first -> aspect -> (lowest,
    highest), and what each rater says now."""

    posts: Collection[str]
    rubrics: Mapping[str, Mapping[str | None, Mapping[str, tuple[float, float]]]]
    latest: Mapping[Key, float]


class _Bad(Exception):
    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def read_ratings(path: Path, known: Known, now: datetime) -> Read:
    """The file's good lines as ratings, and the others with their reasons; UserError where it is no such file.

    A line without created_at says what holds now: it adds nothing where the rater says so already. Two such lines on
    the same question are both refused, since nothing says which of them came later.
    """
    rows = _rows(path)
    ratings: list[Rating] = []
    refused: list[Refusal] = []
    first: dict[Key, int] = {}
    assumed: dict[str, str | None] = {}
    same = 0
    for line, row in rows:
        try:
            rating, has_time = _rating(row, known, now)
            key = (rating.post_id, rating.rater, rating.rubric, rating.rubric_id, rating.aspect)
            if not has_time and first.setdefault(key, line) != line:
                raise _Bad("ambiguous", f"rates the same as line {first[key]}; give created_at to say which is later")
        except _Bad as error:
            refused.append(Refusal(line, error.reason, str(error), ",".join(str(v) for v in row.values())))
            continue
        if not row.get("rubric_id"):
            assumed[rating.rubric] = rating.rubric_id
        if not has_time and known.latest.get(key) == rating.score:
            same += 1
            continue
        ratings.append(rating)
    unique = {rating.rating_id: rating for rating in ratings}
    return Read(list(unique.values()), refused, same + len(ratings) - len(unique), assumed)


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else f"not UTF-8 text (byte {error.start})"
        raise UserError(f"ratings file {path}: {reason}; give a CSV with the columns {', '.join(NEEDED)}") from None
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        if missing := [name for name in NEEDED if name not in header]:
            raise UserError(
                f"ratings file {path}: the first line lacks {', '.join(missing)}; needed are {', '.join(NEEDED)}"
            )
        if unknown := [name for name in header if name not in (*KNOWN, "rating_id")]:
            raise UserError(f"ratings file {path}: unknown column {unknown[0]!r}; known are {', '.join(KNOWN)}")
        if len(set(header)) < len(header):
            raise UserError(f"ratings file {path}: a column stands twice in the first line")
        found = []
        for cells in reader:
            if any(cell.strip() for cell in cells):
                padded = cells + [""] * (len(header) - len(cells))
                row = dict(zip(header, (cell.strip() for cell in padded), strict=False))
                found.append((reader.line_num, row | ({"more": "x"} if len(cells) > len(header) else {})))
    except csv.Error as error:
        raise UserError(f"ratings file {path}, line {reader.line_num}: {error}") from None
    if not found:
        raise UserError(f"ratings file {path}: no line below the first")
    return found


def _rating(row: Mapping[str, str], known: Known, now: datetime) -> tuple[Rating, bool]:
    if "more" in row:
        raise _Bad("malformed", "has more cells than the first line")
    post_id, rater, aspect = row["post_id"], unguarded(row["rater"]), row["aspect"]
    rubric = unguarded(row.get("rubric") or "mpwl")
    if post_id not in known.posts:
        raise _Bad("unknown_post", f"there is no post {post_id!r} in this home")
    if not re.match(RATER, rater) or not rater.isprintable():
        raise _Bad("rater", f"rater {rater!r}: a name of 1 to 64 characters")
    if rubric not in known.rubrics:
        raise _Bad("rubric", f"unknown rubric {rubric!r}; known are {', '.join(sorted(known.rubrics))}")
    rubric_id, aspects = _text_of(row.get("rubric_id", ""), rubric, known.rubrics[rubric])
    if aspect not in aspects:
        raise _Bad("aspect", f"{rubric} has no aspect {aspect!r}; it has {', '.join(aspects)}")
    low, high = aspects[aspect]
    score = _number("score", row["score"])
    at = _time(row.get("created_at", ""))
    takes_back = score is None and at is not None
    if not takes_back and (score is None or not low <= score <= high):
        raise _Bad("score", f"score {row['score']!r} is no number from {low:g} to {high:g}")
    slice_ = row.get("slice") or "import"
    if slice_ not in ("queue", "audit", "import"):
        raise _Bad("slice", f"slice {slice_!r} is not queue, audit or import")
    seconds = _number("seconds", row.get("seconds", ""))
    if seconds is not None and seconds < 0:
        raise _Bad("seconds", f"seconds {row['seconds']!r} is below 0")
    saw = row.get("saw_judge", "").lower()
    if saw not in WORDS:
        raise _Bad("saw_judge", f"saw_judge {saw!r} is not yes or no")
    made = at or now
    rating_id = Rating.make_id(post_id, rater, rubric, aspect, score, WORDS[saw], made, rubric_id)
    return (
        Rating(
            rating_id=rating_id, post_id=post_id, rater=rater, rubric=rubric, aspect=aspect, score=score,
            slice=slice_, seconds=seconds, saw_judge=WORDS[saw], created_at=made,
            rubric_id=rubric_id,
        ),
        at is not None,
    )  # fmt: skip


def _text_of(
    said: str, rubric: str, texts: Mapping[str | None, Mapping[str, tuple[float, float]]]
) -> tuple[str | None, Mapping[str, tuple[float, float]]]:
    """The text that a line is about, and its aspects; of an unknown one those of all texts of that name."""
    if not said:
        return next(iter(texts.items()))
    if said == UNKNOWN:
        return None, {name: span for aspects in texts.values() for name, span in aspects.items()}
    if said not in texts:
        names = ", ".join(filter(None, texts))
        raise _Bad("rubric_id", f"no judge went by a text {said!r} of {rubric} here; known are {names}, {UNKNOWN}")
    return said, texts[said]


def _number(name: str, value: str) -> float | None:
    if not value:
        return None
    try:
        number = float(value)
    except ValueError:
        raise _Bad(name, f"{name} {value!r} is no number") from None
    if number != number or number in (float("inf"), float("-inf")):
        raise _Bad(name, f"{name} {value!r} is no number")
    return number


def _time(value: str) -> datetime | None:
    if not value:
        return None
    try:
        time = datetime.fromisoformat(value)
    except ValueError:
        raise _Bad("created_at", f"created_at {value!r} is no time; write 2026-03-02T18:00:00+01:00") from None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def quarantined(path: Path, refused: Iterable[Refusal], now: datetime) -> list[Quarantine]:
    """Refused lines as rows; the same line of the same file is there once."""
    rows = []
    for one in refused:
        uri, stamp = f"{path.resolve()}:{one.line}", content_id("line", one.content)
        rows.append(
            Quarantine(
                quarantine_id=Quarantine.make_id(STEP, "", uri, stamp, one.reason),
                step=STEP,
                dataset="",
                source_uri=uri,
                stamp=stamp,
                reason=one.reason,
                detail=one.detail,
                at=now,
            )
        )
    return rows


def written(rows: Sequence[Mapping[str, object]]) -> str:
    """Ratings (their columns, by name) as a file that `read_ratings` reads back."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([_cell(row[name] or UNKNOWN if name == "rubric_id" else row[name]) for name in COLUMNS])
    return out.getvalue()


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.10g}"
    return "" if value is None else guarded(str(value))
