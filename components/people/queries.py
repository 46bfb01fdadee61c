"""What the page knows of the posts of a home, read from the warehouse in one opening; the only place here that knows
its tables."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from duckdb import DuckDBPyConnection

from components.errors import UserError
from components.judgments.rubric import rubric_id
from components.people.teaching import Signals
from components.records import Item
from components.specs import Selection
from components.warehouse.selected import parameters, selected
from components.warehouse.store import Store

Row = dict[str, Any]
NEAR_THRESHOLD = 0.1
"""Of a label's probability: so far above or below the threshold it is called uncertain."""

_POSTS = """
    SELECT c.post_id, c.prompt_id, c.platform, c.text, c.alt_text, c.rules, c.created_at, c.spec_id,
           p.item_id, p.spec_id AS prompt_spec_id, p.feature_spec_id, i.dataset, i.text AS item_text, i.author,
           i.published_at, i.language
    FROM candidates c JOIN prompts p USING (prompt_id) JOIN {items} i USING (item_id)
    WHERE c.is_distinct {which} ORDER BY c.post_id"""
_OF_RUN = """AND p.feature_spec_id = $extract_features AND p.spec_id = $build_prompts AND c.spec_id = $generate_posts"""
_READINGS = """
    WITH readings AS (
        SELECT post_id, spec_id, repeat, aspect, max(score) AS score,
               max(reasoning) FILTER (score IS NOT NULL) AS reasoning
        FROM judgments WHERE post_id IN (SELECT unnest($posts::VARCHAR[])) GROUP BY ALL
    )
    SELECT post_id, spec_id, aspect, round(avg(score), 6) AS mean, round(stddev_pop(score), 6) AS spread,
           count(score) AS scored, count(*) AS readings, arg_min(reasoning, repeat) AS reasoning
    FROM readings GROUP BY ALL ORDER BY post_id, spec_id, aspect"""
_JUDGES = """SELECT spec_id, params FROM specs WHERE step = 'judge_posts' ORDER BY spec_id"""
_UNCERTAIN = """
    SELECT prompt_id, list(DISTINCT f.text ORDER BY f.text) AS words
    FROM (SELECT prompt_id, unnest(words) AS feature_id FROM prompts
          WHERE prompt_id IN (SELECT unnest($prompts::VARCHAR[])))
    JOIN features f USING (feature_id)
    WHERE f.text IS NOT NULL AND f.threshold IS NOT NULL AND abs(f.score - f.threshold) <= $near GROUP BY prompt_id"""
_SAID = """
    SELECT DISTINCT post_id, rater, slice, seconds FROM (
        SELECT post_id, rater, slice, seconds, created_at FROM latest_ratings
        UNION ALL SELECT post_id, rater, slice, seconds, created_at FROM latest_reviews)
    QUALIFY rank() OVER (PARTITION BY post_id, rater ORDER BY created_at DESC, slice, seconds) = 1"""
_SEEN = """
    SELECT DISTINCT post_id, rater FROM ratings WHERE slice <> 'import'
    UNION SELECT DISTINCT post_id, rater FROM reviews WHERE slice <> 'import'"""
_ALARMS = """
    SELECT post_id, list(DISTINCT name ORDER BY name) AS names FROM measures
    WHERE name = 'contradiction' AND value > 0
      AND post_id IN (SELECT unnest($posts::VARCHAR[])) GROUP BY post_id"""


@dataclass(frozen=True, slots=True)
class Judge:
    """One judge spec: its model and its rubric as it then was, with the `id` of that text."""

    spec_id: str
    model: str
    rubric: Mapping[str, Any]

    @property
    def aspects(self) -> list[str]:
        return [aspect["name"] for aspect in self.rubric.get("aspects", [])]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All posts worth a look, and what is known of them. `readings`: post -> judge spec -> aspect -> row; `said`: what
    people have answered so far and not taken back; `seen`: who has been shown the judge's view of what."""

    posts: dict[str, Row]
    items: dict[str, Item]
    judges: dict[str, Judge]
    readings: dict[str, dict[str, dict[str, Row]]]
    uncertain: dict[str, list[str]]
    alarms: dict[str, list[str]]
    said: list[Row]
    seen: list[Row]

    def overall(self, post_id: str, judge: str) -> float | None:
        """The mean over aspects; None where one of them has no score."""
        means = [row["mean"] for row in self.readings.get(post_id, {}).get(judge, {}).values()]
        return None if not means or None in means else sum(means) / len(means)

    def signals(self, post_id: str, rivals: Mapping[str, Sequence[str]]) -> Signals:
        """`rivals`: prompt -> its posts. Judges of other rubrics than most are another question, not a disagreement."""
        readings = self.readings.get(post_id, {})
        rubrics = [self.judges[judge].rubric.get("id") for judge in readings if judge in self.judges]
        main = max(rubrics, key=rubrics.count, default=None)
        same = [judge for judge in readings if judge in self.judges and self.judges[judge].rubric.get("id") == main]
        overalls = [overall for judge in same if (overall := self.overall(post_id, judge)) is not None]
        spreads = [row["spread"] for judge in same for row in readings[judge].values() if row["scored"] > 1]
        post = self.posts[post_id]
        others = [
            overall
            for rival in rivals.get(post["prompt_id"], ())
            for judge in same[:1]
            if rival != post_id and (overall := self.overall(rival, judge)) is not None
        ]
        own = self.overall(post_id, same[0]) if same else None
        return Signals(
            overalls=overalls,
            spread=sum(spreads) / len(spreads) if spreads else None,
            margin=min((own - other for other in others), key=abs) if others and own is not None else None,
            uncertain=self.uncertain.get(post["prompt_id"], ()),
            alarms=self.alarms.get(post_id, ()),
            unread=sum(row["readings"] - row["scored"] for judge in same for row in readings[judge].values()),
        )


def read_snapshot(store: Store, campaign: str | None = None, run_id: str | None = None) -> Snapshot:
    """Everything of a home, of a campaign, or of one run; UserError for one that is not there."""
    with store.connect() as db:
        posts = {row["post_id"]: row for row in _posts(db, campaign, run_id)}
        ids = {"posts": list(posts), "prompts": sorted({post["prompt_id"] for post in posts.values()})}
        readings: dict[str, dict[str, dict[str, Row]]] = {}
        for row in _rows(db, _READINGS, {"posts": ids["posts"]}):
            readings.setdefault(row["post_id"], {}).setdefault(row["spec_id"], {})[row["aspect"]] = row
        judges = {row["spec_id"]: _judge(row) for row in _rows(db, _JUDGES)}
        uncertain = _rows(db, _UNCERTAIN, {"prompts": ids["prompts"], "near": NEAR_THRESHOLD})
        has_measures = _rows(db, "SELECT 1 FROM duckdb_tables() WHERE table_name = 'measures'")
        alarms = _rows(db, _ALARMS, {"posts": ids["posts"]}) if has_measures else []
        said, seen = _rows(db, _SAID), _rows(db, _SEEN)
    items = store.by_ids(Item, "items", "item_id", [post["item_id"] for post in posts.values()])
    return Snapshot(
        posts=posts,
        items=items,
        judges=judges,
        readings=readings,
        uncertain={row["prompt_id"]: row["words"] for row in uncertain},
        alarms={row["post_id"]: row["names"] for row in alarms},
        said=said,
        seen=seen,
    )


def posts_of(store: Store, campaign: str | None, run_id: str | None) -> set[str]:
    """The posts of a campaign or a run; UserError for one that is not there."""
    with store.connect() as db:
        return {row["post_id"] for row in _posts(db, campaign, run_id)}


def _posts(db: DuckDBPyConnection, campaign: str | None, run_id: str | None) -> list[Row]:
    if campaign is None and run_id is None:
        return _rows(db, _POSTS.format(items="current_items", which=""))
    found: dict[str, Row] = {}
    for run in _runs(db, campaign, run_id):
        steps = json.loads(run["spec_ids"])
        known = {name: steps.get(name, "") for name in ("extract_features", "build_prompts", "generate_posts")}
        selection = Selection.of_run(run)
        sql = selected(selection) + _POSTS.format(items="selected", which=_OF_RUN)
        found |= {row["post_id"]: row for row in _rows(db, sql, known | parameters(selection))}
    return list(found.values())


def _runs(db: DuckDBPyConnection, campaign: str | None, run_id: str | None) -> list[Row]:
    """The runs that are meant, each set of specs and items once."""
    runs = _rows(
        db,
        """SELECT run_id, campaign, dataset, window_from, window_to, window_on, item_limit, item_sample,
                  item_seed, spec_ids
           FROM runs WHERE ($campaign IS NULL OR campaign = $campaign) AND ($run_id IS NULL OR run_id = $run_id)
             AND state <> 'empty'
           ORDER BY started_at""",
        {"campaign": campaign, "run_id": run_id},
    )
    if not runs:
        known = [row["campaign"] for row in _rows(db, "SELECT DISTINCT campaign FROM runs ORDER BY campaign LIMIT 8")]
        asked = f"run {run_id!r}" if run_id else f"campaign {campaign!r}"
        raise UserError(f"no {asked} in this home; campaigns that ran here: {', '.join(known) or 'none yet'}")
    different = {json.dumps([str(run[name]) for name in list(run)[2:]]): run for run in runs}
    return list(different.values())


def _judge(row: Row) -> Judge:
    params = json.loads(row["params"])
    text = params.get("rubric_text") or "{}"
    rubric = (yaml.safe_load(text) or {}) | {"id": rubric_id(text)}
    return Judge(row["spec_id"], str(params.get("model", "unknown")), rubric)


def _rows(db: DuckDBPyConnection, sql: str, params: Mapping[str, Any] | None = None) -> list[Row]:
    cursor = db.execute(sql, dict(params or {}))
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
