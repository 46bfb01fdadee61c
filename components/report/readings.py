"""Every reading of a run's posts as arrays: by its judge, by the other judges of the warehouse, by people.

Read: judgments, specs, and the view blind_ratings where people have rated. A reading that failed is NaN, never a score.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import yaml
from duckdb import DuckDBPyConnection
from numpy.typing import NDArray

from components.judgments.rubric import rubric_id
from components.people.order import Rated, representative
from components.warehouse.questions import columns_of, placed, rows_of
from components.warehouse.store import Store

Row = dict[str, Any]
Floats = NDArray[np.float64]
OVERALL = "overall"

_POSTS = """
    SELECT post_id, item_id FROM posts JOIN prompts USING (prompt_id)
    WHERE error IS NULL AND post_id IN (SELECT unnest($posts::VARCHAR[])) ORDER BY item_id, post_id"""
_ASPECTS = """
    SELECT spec_id, aspect, max(repeat) + 1 AS repeats FROM judgments SEMI JOIN written USING (post_id)
    WHERE score IS NOT NULL GROUP BY ALL ORDER BY ALL"""
_SCORES = """
    SELECT place, repeat, max(score) AS score FROM judgments JOIN written USING (post_id)
    WHERE score IS NOT NULL AND spec_id = $spec_id AND aspect = $aspect GROUP BY ALL"""
_JUDGES = """
    SELECT spec_id, params->>'$.model' AS model, (params->>'$.repeats')::INTEGER AS repeats,
           parse_filename(params->>'$.rubric', true) AS rubric, params->>'$.rubric_text' AS rubric_text
    FROM specs WHERE spec_id IN (SELECT unnest($ids::VARCHAR[])) ORDER BY model, spec_id"""
_HAS_RATINGS = "SELECT count(*) AS n FROM information_schema.tables WHERE table_name = 'blind_ratings'"
_RATINGS = """
    SELECT post_id, place, rater, aspect, score, slice, created_at, rubric_id FROM blind_ratings
    JOIN written USING (post_id) WHERE rubric = $rubric"""
_REASONS = """
    SELECT post_id, spec_id, repeat, aspect, max(score) AS score, max(reasoning) FILTER (score IS NOT NULL) AS reasoning
    FROM judgments WHERE score IS NOT NULL AND post_id IN (SELECT unnest($posts::VARCHAR[])) GROUP BY ALL
    ORDER BY post_id, spec_id, repeat, aspect"""


@dataclass(frozen=True, slots=True)
class Judge:
    """`label` is the model, with what tells it from the others where there are several of that name; `repeats`: how
    often it is asked; `rubric_id`: the text of its rubric, as other texts are other questions."""

    spec_id: str
    label: str
    repeats: int = 1
    rubric_id: str | None = None


@dataclass(frozen=True, slots=True)
class Readings:
    """`scores[judge][aspect]`: (repeats, posts); `people[aspect]`: (raters, posts). `judges`: this run's first;
    `clusters`: per post its item, as posts about one item are alike. Of people only what they said before they saw the
    judge's view, by the very text of its rubric, and of posts that were drawn at random counts; `left_out`: such
    posts that the queue chose; `other_text`: posts rated by another text of that rubric, or by one not known."""

    posts: Sequence[str] = ()
    clusters: Sequence[str] = ()
    judges: Sequence[Judge] = ()
    scores: Mapping[str, Mapping[str, Floats]] = field(default_factory=dict)
    people: Mapping[str, Floats] = field(default_factory=dict)
    left_out: int = 0
    other_text: int = 0

    @property
    def same_question(self) -> list[Judge]:
        """The judges that went by the same text of the rubric as the first."""
        return [judge for judge in self.judges if judge.rubric_id == self.judges[0].rubric_id]

    def means(self, judge: Judge, aspect: str) -> Floats:
        """(posts,) a judge's mean over its readings of each post; NaN where it has none."""
        return means(self.scores[judge.spec_id][aspect])


def means(table: Floats) -> Floats:
    """(posts,) of (readings, posts), over those that are there; NaN where none is."""
    known = ~np.isnan(table)
    n = known.sum(0)
    return np.where(n > 0, np.where(known, table, 0.0).sum(0) / np.maximum(n, 1), np.nan)


def read_posts(store: Store, posts: Collection[str], judge: str) -> Readings:
    """The readings of any posts, by their ids; `judge`: the spec of the judge that is asked about."""
    with store.connect() as db:
        return read(db, columns_of(db, _POSTS, {"posts": sorted(posts)}), judge)


def read(db: DuckDBPyConnection, written: pd.DataFrame, judge: str) -> Readings:
    """The readings of the posts that have a text, by columns post_id and item_id; `judge`: the spec of this run's."""
    ids, n = written["post_id"], len(written)
    with placed(db, "written", ids):
        aspects = rows_of(db, _ASPECTS, {})
        tables: dict[str, dict[str, Floats]] = {}
        for row in aspects:
            repeats = max(other["repeats"] for other in aspects if other["spec_id"] == row["spec_id"])
            asked = {"spec_id": row["spec_id"], "aspect": row["aspect"]}
            tables.setdefault(row["spec_id"], {})[row["aspect"]] = _table(columns_of(db, _SCORES, asked), repeats, n)
        found = rows_of(db, _JUDGES, {"ids": sorted(tables.keys() | {judge})})
        text = next((row["rubric_text"] for row in found if row["spec_id"] == judge), None) or "{}"
        name = (yaml.safe_load(text) or {}).get("name")
        is_rated = bool(name) and rows_of(db, _HAS_RATINGS, {})[0]["n"]
        said = rows_of(db, _RATINGS, {"rubric": name}) if is_rated else []
    ratings = [row for row in said if row["rubric_id"] == rubric_id(text)]
    drawn = representative(Rated(row["post_id"], row["rater"], row["slice"], row["created_at"]) for row in ratings)
    random = [row for row in ratings if row["post_id"] in drawn]
    return Readings(
        posts=ids.array,
        clusters=written["item_id"].array,
        judges=_judges(found, judge),
        scores={row["spec_id"]: _with_overall(tables.get(row["spec_id"], {})) for row in found},
        people=_of_people(random, n),
        left_out=len({row["post_id"] for row in ratings} - {row["post_id"] for row in random}),
        other_text=len({row["post_id"] for row in said} - {row["post_id"] for row in ratings}),
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
    judges = [
        Judge(row["spec_id"], label, row["repeats"] or 1, rubric_id(row["rubric_text"] or ""))
        for row, label in zip(found, labels, strict=True)
    ]
    return sorted(judges, key=lambda judge: judge.spec_id != own)


def _of_people(ratings: Sequence[Row], posts: int) -> dict[str, Floats]:
    """Aspect -> (raters, posts), each rater in the same row of all of them."""
    raters = {name: at for at, name in enumerate(sorted({row["rater"] for row in ratings}))}
    columns = pd.DataFrame(
        [(row["place"], raters[row["rater"]], row["aspect"], row["score"]) for row in ratings],
        columns=["place", "repeat", "aspect", "score"],
    )
    by_aspect = columns.groupby("aspect")
    return _with_overall({str(aspect): _table(its, len(raters), posts) for aspect, its in by_aspect})


def _table(rows: pd.DataFrame, repeats: int, posts: int) -> Floats:
    """(repeats, posts) of rows (place of the post, repeat, score)."""
    table = np.full((repeats, posts), np.nan)
    table[rows["repeat"], rows["place"]] = rows["score"]
    return table


def _with_overall(tables: dict[str, Floats]) -> dict[str, Floats]:
    """Overall is the mean of the aspects of a reading that has them all."""
    return tables | {OVERALL: np.stack(list(tables.values())).mean(0)} if tables and OVERALL not in tables else tables
