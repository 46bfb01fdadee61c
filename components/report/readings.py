"""Every reading of a run's posts as arrays: by its judge, by the other judges of the warehouse, by people.

Read: judgments, specs, and the view blind_ratings where people have rated. A reading that failed is NaN, never a score.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.people.order import Rated, representative

Row = dict[str, Any]
Floats = NDArray[np.float64]
OVERALL = "overall"

_READINGS = """
    SELECT post_id, spec_id, repeat, aspect, max(score) AS score FROM judgments
    WHERE score IS NOT NULL AND post_id IN (SELECT unnest($posts::VARCHAR[])) GROUP BY ALL"""
_JUDGES = """
    SELECT spec_id, params->>'$.model' AS model, (params->>'$.repeats')::INTEGER AS repeats,
           parse_filename(params->>'$.rubric', true) AS rubric
    FROM specs WHERE spec_id IN (SELECT unnest($ids::VARCHAR[])) ORDER BY model, spec_id"""
_HAS_RATINGS = "SELECT count(*) AS n FROM information_schema.tables WHERE table_name = 'blind_ratings'"
_RATINGS = """
    SELECT post_id, rater, aspect, score, slice, created_at FROM blind_ratings
    WHERE rubric = $rubric AND post_id IN (SELECT unnest($posts::VARCHAR[]))"""
_REASONS = """
    SELECT post_id, spec_id, repeat, aspect, max(score) AS score, max(reasoning) FILTER (score IS NOT NULL) AS reasoning
    FROM judgments WHERE score IS NOT NULL AND post_id IN (SELECT unnest($posts::VARCHAR[])) GROUP BY ALL
    ORDER BY post_id, spec_id, repeat, aspect"""


@dataclass(frozen=True, slots=True)
class Judge:
    """`label` is the model, with what tells it from the others where there are several of that name."""

    spec_id: str
    label: str


@dataclass(frozen=True, slots=True)
class Readings:
    """`scores[judge][aspect]`: (repeats, posts); `people[aspect]`: (raters, posts). `judges`: this run's first;
    `clusters`: per post its item, as posts about one item are alike. Of people only what they said before they saw the
    judge's view and of posts that were drawn at random counts; `left_out`: rated posts that the queue chose."""

    posts: Sequence[str] = ()
    clusters: Sequence[str] = ()
    judges: Sequence[Judge] = ()
    scores: Mapping[str, Mapping[str, Floats]] = field(default_factory=dict)
    people: Mapping[str, Floats] = field(default_factory=dict)
    left_out: int = 0

    def means(self, judge: Judge, aspect: str) -> Floats:
        """(posts,) a judge's mean over its readings of each post; NaN where it has none."""
        return means(self.scores[judge.spec_id][aspect])


def means(table: Floats) -> Floats:
    """(posts,) of (readings, posts), over those that are there; NaN where none is."""
    known = ~np.isnan(table)
    n = known.sum(0)
    return np.where(n > 0, np.where(known, table, 0.0).sum(0) / np.maximum(n, 1), np.nan)


def read(ask: Any, posts: Sequence[Row], judge: str, rubric: str | None) -> Readings:
    """The readings of posts with a text; `judge`: the spec of this run's, `rubric`: the name of its rubric."""
    written = [post for post in posts if post["error"] is None]
    place = {post["post_id"]: at for at, post in enumerate(written)}
    rows = ask(_READINGS, posts=sorted(place))
    found = ask(_JUDGES, ids=sorted({row["spec_id"] for row in rows} | {judge}))
    scores = {row["spec_id"]: _tables([r for r in rows if r["spec_id"] == row["spec_id"]], place) for row in found}
    ratings = ask(_RATINGS, rubric=rubric, posts=sorted(place)) if rubric and ask(_HAS_RATINGS)[0]["n"] else []
    drawn = representative(Rated(row["post_id"], row["rater"], row["slice"], row["created_at"]) for row in ratings)
    random = [row for row in ratings if row["post_id"] in drawn]
    raters = {name: at for at, name in enumerate(sorted({row["rater"] for row in random}))}
    return Readings(
        posts=list(place),
        clusters=[post["item_id"] for post in written],
        judges=_judges(found, judge),
        scores=scores,
        people=_tables([row | {"repeat": raters[row["rater"]]} for row in random], place),
        left_out=len({row["post_id"] for row in ratings} - {row["post_id"] for row in random}),
    )


def reasons(ask: Any, posts: Sequence[str]) -> dict[str, list[Row]]:
    """post_id -> every reading of it with its reasoning, for the few that are shown."""
    told: dict[str, list[Row]] = {}
    for row in ask(_REASONS, posts=sorted(posts)) if posts else ():
        told.setdefault(row["post_id"], []).append(row)
    return told


def _judges(found: Sequence[Row], own: str) -> list[Judge]:
    """A judge is called by its model; two of one model by their rubrics too, and if need be by their specs."""
    names = [[row["model"] or "?", f"by {row['rubric']}", row["spec_id"][:6]] for row in found]
    labels = []
    for name in names:
        told = [name[0]]
        for n, part in enumerate(name[1:], start=1):
            if sum(other[:n] == name[:n] for other in names) > 1:
                told.append(part)
        labels.append(" ".join(told))
    judges = [Judge(row["spec_id"], label) for row, label in zip(found, labels, strict=True)]
    return sorted(judges, key=lambda judge: judge.spec_id != own)


def _tables(rows: Sequence[Row], place: Mapping[str, int]) -> dict[str, Floats]:
    """Per aspect (repeats, posts), and overall: the mean of the aspects of a reading that has them all."""
    repeats = max((row["repeat"] for row in rows), default=-1) + 1
    tables: dict[str, Floats] = {}
    for row in rows:
        if row["aspect"] not in tables:
            tables[row["aspect"]] = np.full((repeats, len(place)), np.nan)
        tables[row["aspect"]][row["repeat"], place[row["post_id"]]] = row["score"]
    tables = dict(sorted(tables.items()))
    if tables and OVERALL not in tables:
        tables[OVERALL] = np.stack(list(tables.values())).mean(0)
    return tables
