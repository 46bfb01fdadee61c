"""What people said -> ratings and reviews: from the files in `people/`, or from a CSV.

Folding may be repeated and may be done by several processes at once: ids are by content. Whoever reads ratings folds
first, so that nothing which was acknowledged is left out because a page was killed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import yaml

from components.errors import UserError
from components.judgments.rubric import RUBRICS, rubric_id
from components.people.answers import Answer, read_answers
from components.people.ratings_file import Known, Refusal, quarantined, read_ratings, written
from components.records import Rating, Record, Review
from components.warehouse.store import Store
from data_checks.ratings import HIGHEST, LOWEST
from flows.publish import chunk_id, chunks, publish
from flows.settings import Settings

CHUNK = 2_000
_TEXTS = """
    SELECT params->>'$.rubric_text' AS text, max(created_at) AS last FROM specs s LEFT JOIN judgments j USING (spec_id)
    WHERE s.step = 'judge_posts' GROUP BY text ORDER BY last DESC NULLS LAST, text"""
_RATED = """
    SELECT DISTINCT rubric, rubric_id, aspect FROM ratings WHERE rubric_id IS NOT NULL ORDER BY ALL"""
_STANDING = """
    WITH told AS MATERIALIZED (
        SELECT rating_id, rank() OVER (
            PARTITION BY post_id, rater, rubric, rubric_id, aspect ORDER BY created_at DESC, rating_id) AS place
        FROM ratings
    )
    SELECT * FROM ratings WHERE rating_id IN (SELECT rating_id FROM told WHERE place = 1)
        OR rating_id IN (SELECT rating_id FROM blind_ratings)
    ORDER BY created_at, rater, post_id, rubric, rubric_id, aspect"""
"""What each rater says now, or took back, and what they said before they saw the judge: where only the former went, the
home that reads it would lose just the blind ratings that were changed afterwards."""
R = TypeVar("R", Rating, Review)


@dataclass
class Folded:
    """New rows. `unreadable`: lines of the files that are no answers."""

    ratings: int = 0
    reviews: int = 0
    quarantined: int = 0
    unreadable: int = 0


def fold(settings: Settings, store: Store | None = None) -> Folded:
    """Write every answer of the home's files that is not in the warehouse yet."""
    answers, wrong = read_answers(settings.people)
    result = fold_answers(store or settings.store(), answers) if answers else Folded()
    result.unreadable = len(wrong)
    return result


def fold_answers(store: Store, answers: Sequence[Answer]) -> Folded:
    ratings = [rating for answer in answers for rating in answer.ratings()]
    reviews = [review for answer in answers if (review := answer.review()) is not None]
    result = Folded()
    result.ratings, refused = _publish(store, "ratings", _missing(store, "ratings", "rating_id", ratings))
    result.reviews, more = _publish(store, "reviews", _missing(store, "reviews", "review_id", reviews))
    result.quarantined = refused + more
    return result


def _missing(store: Store, table: str, key: str, rows: Sequence[R]) -> list[R]:
    """Those that the warehouse has neither as rows nor in quarantine."""
    ids = [getattr(row, key) for row in rows]
    sql = f"""SELECT {key} AS id FROM {table} WHERE {key} IN (SELECT unnest($ids::VARCHAR[])) UNION
              SELECT replace(source_uri, '{table}/', '') FROM quarantine WHERE step = '{table}'"""
    there = {row["id"] for row in store.query(sql, {"ids": ids})} if ids else set()
    return list({getattr(row, key): row for row in rows if getattr(row, key) not in there}.values())


def _publish(store: Store, table: str, rows: Sequence[Record]) -> tuple[int, int]:
    key = {"ratings": "rating_id", "reviews": "review_id"}[table]
    new = refused = 0
    for part in chunks(rows, CHUNK):
        chunk = chunk_id(table, [getattr(row, key) for row in part])
        written_rows, quarantined_rows = publish(store, table, part, [], chunk=chunk, run_id="people", dataset="people")
        new, refused = new + written_rows, refused + quarantined_rows
    return new, refused


@dataclass
class Imported:
    """What became of the lines of a file. `assumed`: see `ratings_file.Read`."""

    lines: int
    new: int
    known: int
    refused: list[Refusal]
    assumed: dict[str, str | None] = field(default_factory=dict)


def import_ratings(settings: Settings, path: Path) -> Imported:
    """Read a CSV of ratings; bad lines go to quarantine. UserError where no line is good."""
    store, now = settings.store(), datetime.now(UTC)
    fold(settings, store)
    found = read_ratings(path, known_to(store), now)
    store.append({"quarantine": quarantined(path, found.refused, now)})
    if found.refused and not found.ratings and not found.same:
        first = found.refused[0]
        raise UserError(
            f"ratings file {path}: none of its {len(found.refused)} lines can be used; line {first.line}: "
            f"{first.detail} (all of them: `SELECT * FROM quarantine WHERE step = 'import_ratings'`)"
        )
    missing = _missing(store, "ratings", "rating_id", found.ratings)
    new, refused = _publish(store, "ratings", missing)
    lines = len(found.ratings) + found.same + len(found.refused)
    return Imported(lines, new, lines - new - refused - len(found.refused), found.refused, dict(found.assumed))


def export_ratings(settings: Settings, path: Path) -> int:
    """Write all ratings that stand, blind ones also where they were changed or taken back; returns how many lines."""
    store = settings.store()
    fold(settings, store)
    rows = store.query(_STANDING)
    write(path, written(rows))
    return len(rows)


def write(path: Path, text: str) -> None:
    """Whole or not at all."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.part")
        part.write_text(text, encoding="utf-8", newline="")
        part.replace(path)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}; choose another: --out FILE") from None


def known_to(store: Store) -> Known:
    """The posts of a home, the rubrics that were judged or rated by or shipped, and what each rater says now."""
    rubrics: dict[str, dict[str | None, dict[str, tuple[float, float]]]] = {}
    texts = [row["text"] for row in store.query(_TEXTS)]
    texts += [path.read_text(encoding="utf-8") for path in sorted(RUBRICS.glob("*.yaml"))]
    for text in texts:
        rubric = yaml.safe_load(text or "{}") or {}
        if "name" in rubric:
            span = (float(rubric["scale"]["min"]), float(rubric["scale"]["max"]))
            aspects = {aspect["name"]: span for aspect in rubric["aspects"]}
            rubrics.setdefault(rubric["name"], {}).setdefault(rubric_id(text), aspects)
    for row in store.query(_RATED):  # by a rubric of a session, which no judge went by
        met = rubrics.setdefault(row["rubric"], {}).setdefault(row["rubric_id"], {})
        met.setdefault(row["aspect"], (float(LOWEST), float(HIGHEST)))
    posts = {row["post_id"] for row in store.query("SELECT post_id FROM posts WHERE error IS NULL")}
    latest = {
        (row["post_id"], row["rater"], row["rubric"], row["rubric_id"], row["aspect"]): row["score"]
        for row in store.query("SELECT post_id, rater, rubric, rubric_id, aspect, score FROM latest_ratings")
    }
    return Known(posts, rubrics, latest)
