"""Reads everything a report says about one run: with posts.py and readings.py, which it asks, all that knows tables.

The posts are those of the run's specs and items (dataset, window, limit), whichever run wrote them: a second run with
nothing to do has the same report to show as the first. Rows come in an order that the data alone decide: the page is
the same twice.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from duckdb import DuckDBPyConnection

from components.errors import UserError
from components.records import Item
from components.report.measured import OF_POSTS, Measured, measured
from components.report.posts import Posts, posts_of, these
from components.report.readings import Readings, read, reasons
from components.report.texts import lengths_of, texts_of
from components.report.trend import Past, past
from components.specs import Selection
from components.warehouse.questions import asked_for, make, passing, rows_of
from components.warehouse.selected import selected
from components.warehouse.store import Store

Row = dict[str, Any]
HISTORY, REFUSED = 10, 100
"""Rows shown of earlier runs and of the quarantine."""

_SHOWN = """
    SELECT po.post_id, po.text, po.rules, s.aspects, s.readings, i.image_path, i.dataset, i.sha256,
           i.text AS item_text, i.author, i.published_at, pr.template, po.alt_text,
           po.cost_usd AS writing_cost_usd, c.judge_cost_usd, writer.params->>'$.model' AS writer,
           judge.params->>'$.model' AS judge, looker.params->>'$.models' AS models,
           po.error_detail, po.created_at, po.temperature, po.seed,
           i.language, i.likes, i.replies, i.reposts, i.views, i.width, i.height, i.source_uri
    FROM (SELECT * FROM posts WHERE post_id IN (SELECT unnest($posts::VARCHAR[]))) po
    JOIN prompts pr ON pr.prompt_id = po.prompt_id JOIN items i USING (item_id)
    LEFT JOIN (
        SELECT post_id, CASE WHEN count(*) = count(cost) THEN round(sum(cost), 9) END AS judge_cost_usd FROM (
            SELECT post_id, repeat, CASE WHEN count(*) = count(cost_usd) THEN sum(cost_usd) END AS cost
            FROM judgments WHERE spec_id = $judge_posts AND post_id IN (SELECT unnest($posts::VARCHAR[]))
            GROUP BY ALL
        ) GROUP BY post_id
    ) c ON c.post_id = po.post_id
    LEFT JOIN (
        SELECT post_id, aspects, readings FROM post_scores
        WHERE judge_spec_id = $judge_posts AND post_id IN (SELECT unnest($posts::VARCHAR[]))
    ) s ON s.post_id = po.post_id
    LEFT JOIN specs writer ON writer.spec_id = po.spec_id
    LEFT JOIN specs judge ON judge.spec_id = $judge_posts
    LEFT JOIN specs looker ON looker.spec_id = pr.feature_spec_id"""
"""The rest of the posts that are shown. For all posts of a long run it would take longer, and more memory, than all
else."""
_ITEMS = "SELECT item_id, image_path IS NOT NULL AS has_picture FROM selected"
_STEPS = """
    SELECT (SELECT count(*) FROM run_items) AS read_items, (SELECT count_if(has_picture) FROM run_items) AS pictures,
           (SELECT count(DISTINCT item_id) FROM features f SEMI JOIN run_items USING (item_id)
            WHERE f.spec_id = $extract_features) AS described,
           (SELECT count(*) FROM prompts p SEMI JOIN run_items USING (item_id)
            WHERE p.spec_id = $build_prompts AND p.feature_spec_id = $extract_features) AS prompts"""
_WHY = """
    SELECT post_id, reasons FROM post_scores
    WHERE judge_spec_id = $judge_posts AND post_id IN (SELECT unnest($posts::VARCHAR[]))"""
_FAILED_READINGS = """
    SELECT post_id, error, max(error_detail) AS detail, count(*) AS n FROM (
        SELECT post_id, repeat, aspect, last(error ORDER BY created_at, judgment_id) AS error,
               last(error_detail ORDER BY created_at, judgment_id) AS error_detail
        FROM judgments SEMI JOIN these USING (post_id) SEMI JOIN (
            SELECT post_id FROM judgments WHERE spec_id = $judge_posts AND score IS NULL
        ) USING (post_id) WHERE spec_id = $judge_posts
        GROUP BY ALL HAVING count(score) = 0
    ) WHERE error IS NOT NULL GROUP BY post_id, error ORDER BY post_id, error"""
_CHECKS = """
    SELECT table_name, expectation, severity, count(*) AS chunks, count(*) FILTER (success) AS passed,
           first(observed ORDER BY success, chunk_id, run_id, observed) AS observed
    FROM checks WHERE run_id IN (SELECT unnest($runs::VARCHAR[])) GROUP BY ALL
    ORDER BY passed = chunks, table_name, severity, expectation"""
_CALLS = """
    SELECT stage, model, count(*) FILTER (run_id = $run_id) AS calls_here, count(*) AS calls,
           count(*) FILTER (status <> 'ok') AS failed, sum(attempts) AS attempts, sum(input_tokens) AS input_tokens,
           sum(output_tokens) AS output_tokens,
           CASE WHEN count(*) = count(cost_usd) THEN round(sum(cost_usd), 9) END AS cost_usd,
           median(latency_ms) AS latency_ms, quantile_disc(latency_ms, 0.95) AS latency_p95_ms
    FROM calls WHERE run_id IN (SELECT unnest($runs::VARCHAR[])) GROUP BY stage, model ORDER BY stage, model"""
_MODELS = """
    SELECT model, list(DISTINCT name ORDER BY name) AS names, count(*) AS n FROM features f
    SEMI JOIN run_items USING (item_id) WHERE f.spec_id = $extract_features GROUP BY model ORDER BY model"""
_FEATURES = """
    SELECT feature_id, item_id, name, rank, text, score, threshold, box, model FROM features
    WHERE spec_id = $extract_features AND text IS NOT NULL AND item_id IN (SELECT unnest($items::VARCHAR[]))
    ORDER BY item_id, name, rank, feature_id"""


@dataclass(frozen=True, slots=True)
class Findings:
    """One run's rows. `posts` are those that stand for their prompts, `candidates` all, each with its `state` (see
    STATES of cards.py) and the `length` of its text as its platform counts it; `checked` are the runs whose checks are
    shown, `same` those with the very same specs; `specs` has the judges of a panel by their names."""

    run: Row
    specs: dict[str, Row]
    steps: Row
    posts: Posts
    candidates: Posts
    failed_readings: dict[str, list[Row]]
    checks: list[Row]
    checked: list[str]
    calls: list[Row]
    models: list[Row]
    reasons: list[Row]
    refused: list[Row]
    history: list[Row]
    same: list[str]
    schema: int
    readings: Readings
    measured: Measured
    past: Past


@dataclass(frozen=True, slots=True)
class Details:
    """What only the posts that are shown in full need, by item and by prompt; `reasons` by post, of those that judges
    differ about."""

    items: dict[str, Item]
    features: dict[str, list[Row]]
    prompts: dict[str, Row]
    reasons: dict[str, list[Row]]
    measures: dict[str, list[Row]]


def find(store: Store, run_id: str, posts: Posts | None = None) -> Findings:
    """Everything about a run; UserError for a run that is not in the warehouse. `posts`: those of `posts_of`, where
    somebody has just asked for them."""
    with store.connect() as db:  # one opening for all questions: opening costs more than most answers
        return _find(db, run_id, store.path, posts)


def _find(db: DuckDBPyConnection, run_id: str, path: Path, known_posts: Posts | None) -> Findings:
    rows = rows_of(db, "SELECT * FROM runs WHERE run_id = $run_id", {"run_id": run_id})
    if not rows:
        raise UserError(f"no run {run_id!r} in {path}")
    run = rows[0] | {"spec_ids": json.loads(rows[0]["spec_ids"]), "rows": json.loads(rows[0]["rows"])}
    selection = Selection.of_run(run)
    known = selection.model_dump() | {"run_id": run_id}
    for step in ("ingest_items", "extract_features", "build_prompts", "generate_posts", "judge_posts", "measure_posts"):
        known[step] = run["spec_ids"].get(step, "")

    def ask(sql: str, **more: Any) -> list[Row]:
        given = known | more
        return rows_of(db, sql, asked_for(sql, given))

    posts = posts_of(db, rows[0]) if known_posts is None else known_posts
    with passing(db):
        make(db, "run_items", f"{selected(selection)} {_ITEMS}", known)
        steps, models = ask(_STEPS)[0], ask(_MODELS)
    failed: dict[str, list[Row]] = {}
    with these(db, posts):
        for row in ask(_FAILED_READINGS):
            failed.setdefault(row["post_id"], []).append(row)
        lengths = lengths_of(db, posts)
    posts = Posts(posts.table.assign(state=_states(posts, failed), length=lengths))
    standing = posts.standing
    with these(db, standing):
        measures = measured(db, known["measure_posts"], (text for _, text in texts_of(db)))
    same = _same_specs(ask, run)
    checked = _checked_runs(ask, run_id, same)
    found = ask(
        "SELECT * FROM specs WHERE spec_id IN (SELECT unnest($ids::VARCHAR[]))", ids=sorted(run["spec_ids"].values())
    )
    by_id = {row["spec_id"]: row | {"params": json.loads(row["params"])} for row in found}
    specs = {name: by_id[spec_id] for name, spec_id in run["spec_ids"].items() if spec_id in by_id}
    return Findings(
        run=run,
        specs=specs,
        steps=steps,
        posts=standing,
        candidates=posts,
        failed_readings=failed,
        checks=ask(_CHECKS, runs=checked),
        checked=checked,
        calls=ask(_CALLS, runs=same),
        models=models,
        reasons=ask(
            """SELECT step, reason, count(*) AS n FROM quarantine WHERE dataset = $dataset GROUP BY ALL
            ORDER BY n DESC, step, reason"""
        ),
        refused=ask(
            f"""SELECT step, source_uri, reason, detail, "at" FROM quarantine WHERE dataset = $dataset
            ORDER BY reason = 'duplicate', "at" DESC, source_uri, quarantine_id LIMIT {REFUSED}"""
        ),
        history=_history(ask, run),
        same=same,
        schema=ask("SELECT coalesce(max(version), 0) AS version FROM migrations")[0]["version"],
        readings=read(db, posts.written.table, known["judge_posts"]),
        measured=measures,
        past=past(ask, run),
    )


def complete(store: Store, findings: Findings, posts: Sequence[Row]) -> None:
    """Give `posts`, rows of `findings`, what only those need that are shown (_SHOWN)."""
    asked = {"judge_posts": findings.run["spec_ids"].get("judge_posts", "")}
    rows = store.query(_SHOWN, asked | {"posts": sorted({post["post_id"] for post in posts})})
    found = {row["post_id"]: row for row in rows}
    for post in posts:
        row = found[post["post_id"]]
        post.update(row if post["judged_here"] else row | {"judge": None})


def details(store: Store, findings: Findings, posts: list[Row], differing: Sequence[str] = ()) -> Details:
    """What stands behind the posts that are shown in full, and behind those that judges differ about. Gives each of
    `posts` its `reasons`, aspect -> why: as texts for all posts of a run they would take longer than all else."""
    item_ids = sorted({post["item_id"] for post in posts})
    spec_id = findings.run["spec_ids"].get("extract_features", "")
    features: dict[str, list[Row]] = {}
    for row in store.query(_FEATURES, {"extract_features": spec_id, "items": item_ids}):
        features.setdefault(row["item_id"], []).append(row)
    measures: dict[str, list[Row]] = {}
    spec_id = findings.run["spec_ids"].get("measure_posts", "")
    for row in store.query(OF_POSTS, {"measure_posts": spec_id, "posts": [post["post_id"] for post in posts]}):
        measures.setdefault(row["post_id"], []).append(row)
    judge = findings.run["spec_ids"].get("judge_posts", "")
    asked = {"judge_posts": judge, "posts": [post["post_id"] for post in posts]}
    why = {row["post_id"]: row["reasons"] for row in store.query(_WHY, asked)}
    for post in posts:
        post["reasons"] = why.get(post["post_id"])
    prompts = store.query(
        'SELECT prompt_id, system, "user", words FROM prompts WHERE prompt_id IN (SELECT unnest($ids::VARCHAR[]))',
        {"ids": sorted({post["prompt_id"] for post in posts})},
    )
    return Details(
        items=store.by_ids(Item, "items", "item_id", item_ids),
        features=features,
        prompts={row["prompt_id"]: row for row in prompts},
        reasons=reasons(lambda sql, **params: store.query(sql, params), differing),
        measures=measures,
    )


def rubric_of(judge: Row | None) -> Row:
    """The rubric as the spec has it, since the file may have changed."""
    return (yaml.safe_load(judge["params"].get("rubric_text") or "{}") if judge else {}) or {}


def _states(posts: Posts, failed: Mapping[str, Sequence[Row]]) -> pd.Categorical:
    """One word for the filter: what a person has to know first about a post."""
    is_unread = posts["overall"].isna()
    has_failed = posts["error"].notna() | (is_unread & posts["post_id"].isin(list(failed)))
    found = np.select([has_failed, posts["breaks_rules"], ~is_unread], ["error", "rules", "ok"], "waiting")
    return pd.Categorical(found, ["ok", "rules", "error", "waiting"])


def _same_specs(ask: Any, run: Row) -> list[str]:
    """The runs with the very same specs on the same dataset, this one included."""
    rows = ask("SELECT run_id, spec_ids FROM runs WHERE dataset = $dataset ORDER BY started_at DESC, run_id")
    return [row["run_id"] for row in rows if json.loads(row["spec_ids"]) == run["spec_ids"]]


def _checked_runs(ask: Any, run_id: str, same: list[str]) -> list[str]:
    """This run and, where it published nothing itself, the newest run of the same specs that did."""
    sql = """SELECT DISTINCT run_id FROM checks WHERE run_id IN (SELECT unnest($runs::VARCHAR[]))
        AND chunk_id NOT IN ('table', 'window', 'written')"""
    chunked = {row["run_id"] for row in ask(sql, runs=same)}
    if run_id in chunked:
        return [run_id]
    return [run_id, *[other for other in same if other in chunked][:1]]


def _history(ask: Any, run: Row) -> list[Row]:
    rows = ask(
        f"""SELECT * FROM runs WHERE campaign = $campaign AND state <> 'empty'
            ORDER BY started_at DESC, run_id LIMIT {HISTORY}""",
        campaign=run["campaign"],
    )
    return [row | {"rows": json.loads(row["rows"]), "here": row["run_id"] == run["run_id"]} for row in rows]
