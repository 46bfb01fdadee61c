"""What people said, read from the warehouse: ratings given before the judge was seen, and the judges' scores of the
same posts."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

import yaml

from components.judgments.rubric import rubric_id
from components.people.order import Rated, representative
from components.warehouse.store import Store

_BLIND = """
    SELECT r.post_id, r.rater, r.rubric, r.aspect, r.score, r.slice, r.created_at AS at, p.item_id, r.rubric_id
    FROM blind_ratings r LEFT JOIN posts po USING (post_id) LEFT JOIN prompts p USING (prompt_id)
    ORDER BY r.rubric, r.rubric_id, r.aspect, r.post_id, r.rater"""
_JUDGED = """
    SELECT s.post_id, s.judge_spec_id, s.aspects, sp.params
    FROM post_scores s JOIN specs sp ON sp.spec_id = s.judge_spec_id
    WHERE s.post_id IN (SELECT DISTINCT post_id FROM blind_ratings) ORDER BY s.judge_spec_id, s.post_id"""
_RATERS = """
    WITH said AS (
        SELECT rater, post_id, max(seconds) AS seconds FROM (
            SELECT rater, post_id, seconds FROM latest_ratings UNION ALL
            SELECT rater, post_id, seconds FROM latest_reviews) GROUP BY ALL
    ),
    decided AS (
        SELECT rater, count(*) FILTER (decision = 'approve') AS approved, count(*) FILTER (decision = 'edit') AS edited,
               count(*) FILTER (decision = 'reject') AS rejected FROM latest_reviews GROUP BY rater
    )
    SELECT rater, count(*) AS posts, list(seconds ORDER BY seconds) FILTER (seconds IS NOT NULL) AS seconds,
           coalesce(any_value(approved), 0) AS approved, coalesce(any_value(edited), 0) AS edited,
           coalesce(any_value(rejected), 0) AS rejected
    FROM said LEFT JOIN decided USING (rater) GROUP BY rater ORDER BY posts DESC, rater"""


@dataclass(frozen=True, slots=True)
class Said:
    """One blind rating. `item_id`: the item of the post, None for a post that is not here. `rubric_id`: the text of the
    rubric, None where it is not known."""

    post_id: str
    rater: str
    rubric: str
    aspect: str
    score: float
    slice: str
    at: datetime
    item_id: str | None = None
    rubric_id: str | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """One judge's scores of one post, by aspect; None where its readings failed."""

    post_id: str
    judge_spec_id: str
    model: str
    rubric: str
    aspects: Mapping[str, float | None]
    rubric_id: str | None = None


@dataclass(frozen=True, slots=True)
class Rater:
    """How much one person did. `seconds`: the median per post."""

    name: str
    posts: int
    approved: int
    edited: int
    rejected: int
    seconds: float | None


def read_opinions(store: Store) -> tuple[list[Said], list[Judged], list[Rater]]:
    """Ratings, scores and raters of a home; empty lists where there are none."""
    said = [Said(**row) for row in store.query(_BLIND)]
    judged = []
    for row in store.query(_JUDGED):
        params = json.loads(row["params"])
        text = params.get("rubric_text") or "{}"
        rubric = (yaml.safe_load(text) or {}).get("name", str(params.get("rubric")))
        model = str(params.get("model", "unknown"))
        judged.append(Judged(row["post_id"], row["judge_spec_id"], model, rubric, row["aspects"], rubric_id(text)))
    raters = []
    for row in store.query(_RATERS):
        times: Sequence[float] = row.pop("seconds") or ()
        raters.append(Rater(name=row.pop("rater"), seconds=median(times) if times else None, **row))
    return said, judged, raters


def standing_for_all(said: Sequence[Said]) -> list[Said]:
    """The ratings of posts that were drawn at random (see `order.representative`)."""
    chosen = representative(Rated(one.post_id, one.rater, one.slice, one.at) for one in said)
    return [one for one in said if one.post_id in chosen]


Question = tuple[str, str | None, str]


def by_text(rubric: str, rubric_id: str | None) -> str:
    """A rubric and which text of it, for people."""
    return f"{rubric}, text {rubric_id[:8] if rubric_id else 'unknown'}"


def by_question(said: Sequence[Said]) -> dict[Question, list[Said]]:
    """(rubric, its text, aspect) -> its ratings, in that order; what is not known stands before all texts."""
    found: dict[Question, list[Said]] = {}
    for one in said:
        found.setdefault((one.rubric, one.rubric_id, one.aspect), []).append(one)
    return dict(sorted(found.items(), key=lambda pair: (pair[0][0], pair[0][1] or "", pair[0][2])))
