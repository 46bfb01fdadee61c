"""The posts of a run and how they compare, by columns: asked for once, for the run's means and for its report.

As columns a post takes some 200 bytes, as a row with its text two to three thousand. Rows are made of the few that are
shown (queries.complete).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from duckdb import DuckDBPyConnection
from numpy.typing import NDArray

from components.judgments.panel import by_judge
from components.posts.choosing import choice_of
from components.specs import Selection
from components.statistics.means import mean_with_interval
from components.warehouse.freed import give_back
from components.warehouse.questions import (
    IN_PART,
    STANDING_IN_PART,
    asked_for,
    beside,
    make,
    parts_of,
    passing,
    rows_of,
)
from components.warehouse.selected import parameters, selected
from components.warehouse.store import Store

Row = dict[str, Any]
Floats = NDArray[np.float64]
STEPS = ("extract_features", "build_prompts", "generate_posts", "judge_posts")
LABELS = ("scene", "topic", "sentiment")
ASPECT = "aspect "
"""Before the name of an aspect it is that aspect's column."""

_ASPECTS = "SELECT DISTINCT aspect FROM judgments WHERE spec_id = $judge_posts ORDER BY aspect"
_PROMPTS = """
    SELECT pr.prompt_id, i.item_id, i.image_path IS NOT NULL AS has_picture, i.published_at
    FROM prompts pr JOIN selected i USING (item_id)
    WHERE pr.feature_spec_id = $extract_features AND pr.spec_id = $build_prompts"""
_POSTS = f"""
    WITH labels AS (
        SELECT item_id, any_value(text) FILTER (name = 'scene') AS scene,
               any_value(text) FILTER (name = 'topic') AS topic,
               any_value(text) FILTER (name = 'sentiment') AS sentiment
        FROM features f SEMI JOIN (SELECT item_id FROM run_prompts po WHERE {IN_PART}) USING (item_id)
        WHERE f.spec_id = $extract_features AND rank = 0 AND name IN ('scene', 'topic', 'sentiment') GROUP BY item_id
    ), means AS (  -- as the view post_scores has them
        SELECT post_id{{means}} FROM (
            SELECT post_id, aspect, round(avg(score), 6) AS mean FROM (
                SELECT post_id, aspect, repeat, max(score) AS score FROM judgments
                SEMI JOIN (SELECT post_id FROM posts po WHERE {IN_PART}) USING (post_id)
                WHERE spec_id = $judge_posts GROUP BY ALL
            ) GROUP BY ALL
        ) GROUP BY post_id
    )
    SELECT st.post_id, pr.item_id, pr.prompt_id, pr.published_at, pr.has_picture, po.platform, po.candidate, po.error,
           coalesce(len(po.rules), 0) > 0 AS breaks_rules, st.overall, st.is_read AS judged_here,
           po.duplicate_of, po.clip_score, st.choose, st.place, st.is_distinct, st.stands, st.chosen_by, st.margin,
           st.candidates, scene, topic, sentiment{{columns}}
    FROM ({STANDING_IN_PART}) st JOIN run_prompts pr USING (prompt_id) JOIN posts po ON po.post_id = st.post_id
    LEFT JOIN labels USING (item_id) LEFT JOIN means ON means.post_id = st.post_id
    WHERE st.generation_spec_id = $generate_posts"""
_ORDER = [(name, "ascending") for name in ("published_at", "item_id", "candidate", "post_id")]
_FEW = ("platform", "error", "choose", "chosen_by", *LABELS)
"""Columns of few different words."""
_NUMBERS = ("overall", "clip_score")
"""Columns where what is missing is NaN, also if all is."""


@dataclass(frozen=True, slots=True)
class Posts:
    """`table`: a row per post in the order of the feed, with the columns of _POSTS: its place among the candidates of
    its prompt, its scores, and its item's best labels, used in its prompt or not. What is missing is NaN."""

    table: pd.DataFrame

    def __len__(self) -> int:
        return len(self.table)

    def __getitem__(self, column: str) -> "pd.Series[Any]":
        return self.table[column]

    def where(self, mask: "pd.Series[bool]") -> "Posts":
        return self if bool(mask.all()) else Posts(self.table[mask].reset_index(drop=True))

    @property
    def standing(self) -> "Posts":
        """Those that stand for their prompts."""
        return self.where(self["stands"])

    @property
    def written(self) -> "Posts":
        """Those with a text."""
        return self.where(self["error"].isna())

    @property
    def aspects(self) -> dict[str, Floats]:
        """Aspect -> (posts,) its mean over the judge's readings."""
        names = [str(name) for name in self.table.columns if str(name).startswith(ASPECT)]
        return {name.removeprefix(ASPECT): self[name].to_numpy(dtype=np.float64) for name in names}

    @property
    def overall(self) -> Floats:
        return self["overall"].to_numpy(dtype=np.float64)

    def best_first(self) -> NDArray[np.int64]:
        """Places of the posts by their overall score; those without one last, equal ones by their ids."""
        by_id = np.empty(len(self), dtype=np.int64)
        by_id[self["post_id"].argsort().to_numpy()] = np.arange(len(self))
        return np.lexsort((by_id, -self.overall))  # NaN is sorted last

    def rows(self, places: Sequence[int] | NDArray[np.int64]) -> list[Row]:
        """What the columns say of a few posts, in the order of `places`, without the aspects."""
        shown = self.table.drop(columns=[name for name in self.table.columns if str(name).startswith(ASPECT)])
        some = shown.iloc[list(places)].astype(object)
        return [{str(k): v for k, v in row.items()} for row in some.where(some.notna(), None).to_dict("records")]


def posts_of(db: DuckDBPyConnection, run: Mapping[str, Any]) -> Posts:
    """All posts of the specs and items of a run, a row of `runs`: whichever run wrote them, and also those that do not
    stand for their prompts. In the order of the feed, on which a bootstrap's interval depends a little."""
    ids, selection = json.loads(run["spec_ids"]), Selection.of_run(run)
    given = parameters(selection) | {step: ids.get(step, "") for step in STEPS}
    with passing(db):
        make(db, "run_prompts", f"{selected(selection)} {_PROMPTS}", given)
        aspects = [row["aspect"] for row in rows_of(db, _ASPECTS, asked_for(_ASPECTS, given))]
        parts = [_part(db, {**given, **part}, aspects) for part in parts_of(db, "run_prompts", {})]
    found = _in_order(pa.concat_tables(parts).unify_dictionaries()).drop_columns("published_at")
    del parts
    return Posts(found.to_pandas(split_blocks=True, self_destruct=True))


def _part(db: DuckDBPyConnection, given: Mapping[str, Any], aspects: Sequence[str]) -> pa.Table:
    """The posts of a part of the prompts with their means."""
    names = {f"aspect_{at}": aspect for at, aspect in enumerate(aspects)}
    means = "".join(f", max(mean) FILTER (aspect = ${name}) AS {name}" for name in names)
    sql = _POSTS.format(means=means, columns="".join(f", {name}" for name in names))
    found: pa.Table = db.sql(sql, params=asked_for(sql, given) | names).to_arrow_table()
    for name in _FEW:
        found = found.set_column(found.column_names.index(name), name, found[name].dictionary_encode())
    for name in (*_NUMBERS, *names):
        found = found.set_column(found.column_names.index(name), name, found[name].cast(pa.float64()))
    found = found.rename_columns({name: ASPECT + aspect for name, aspect in names.items()})
    found = _in_order(found)  # a copy of its own size: DuckDB's have room for twice as many rows
    give_back(db)
    return found


def _in_order(posts: pa.Table) -> pa.Table:
    return posts.take(pc.sort_indices(posts, sort_keys=_ORDER))


@contextmanager
def these(db: DuckDBPyConnection, posts: Posts) -> Iterator[None]:
    """`these` (post_id, overall, place) beside the tables of a connection, for queries about posts that are known."""
    with beside(db, "these", posts.table[["post_id", "overall"]].assign(place=range(len(posts)))):
        yield


def scores_of(store: Store, run: Mapping[str, Any], posts: Posts) -> dict[str, Any]:
    """n, failures and the mean of each aspect over `posts` of a run, each with its 95 % interval. A post that only
    another judge has read counts as not judged; of several candidates the chosen one counts, of those that say the same
    the first."""
    ids, standing = json.loads(run["spec_ids"]), posts.standing
    overall = known(standing.overall)
    aspects = {aspect: known(scores) for aspect, scores in standing.aspects.items()}
    return {
        "offline": _is_offline(store, ids, standing),
        "posts": len(standing),
        "judged": len(overall),
        "without_text": int(standing["error"].notna().sum()),
        "overall": mean_with_interval(overall),
        "aspects": {aspect: mean_with_interval(found) for aspect, found in sorted(aspects.items()) if len(found)},
        "choice": choice_of(posts.table),
        "judges": by_judge(store, ids, standing.written["post_id"]),
    }


def known(scores: Floats) -> Floats:
    """Without those that are missing."""
    return scores[~np.isnan(scores)]


def _is_offline(store: Store, ids: Mapping[str, str], posts: Posts) -> bool:
    """Whether any of these was written, or judged, by one of the built-in ones."""
    steps = ["generate_posts"] if len(posts) else []
    steps += ["judge_posts"] if posts["judged_here"].any() else []
    sql = """SELECT count(*) AS n FROM specs
        WHERE spec_id IN (SELECT unnest($ids::VARCHAR[])) AND starts_with(params->>'$.model', 'offline/')"""
    return bool(store.query(sql, {"ids": [ids[step] for step in steps]})[0]["n"])
