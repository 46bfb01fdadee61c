"""Reads an experiment from the warehouse alone: its arms, their posts, readings, costs and how their runs ended.

The items are those that the experiment met when it was begun, whatever was ingested since. What an arm has not written
or had judged yet is `not run`, unless its run is done: then it is a failure of its own kind. How long calls took, and
what all of them cost, the journal tells; where it is not whole any more, the arms' rows do, as it was when they ended.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import yaml
from duckdb import DuckDBPyConnection

from components.errors import UserError
from components.experiments.scores import NOT_RUN, ArmScores, Findings, ItemScore, mean_of
from components.experiments.spec import OVERALL
from components.pairwise import Figures, figures, same_posts
from components.records import Comparison
from components.warehouse.questions import STANDING
from components.warehouse.store import Store

Row = dict[str, Any]

_ARMS = "SELECT * FROM arms WHERE spec_id = $id ORDER BY place, arm"
_SPECS = "SELECT * FROM specs WHERE spec_id IN (SELECT unnest($ids::VARCHAR[]))"
_POSTS = f"""SELECT p.item_id, p.prompt_id, st.post_id, st.stands, st.is_distinct, st.is_read, st.overall, st.aspects,
        po.text, po.error, po.platform, po.cost_usd, po.call_key, len(po.rules) AS broken_rules
    FROM ({STANDING}) st JOIN prompts p USING (prompt_id) JOIN posts po USING (post_id)
    WHERE p.spec_id = $prompt AND p.feature_spec_id = $features AND st.generation_spec_id = $generation
      AND p.item_id IN (SELECT unnest($items::VARCHAR[]))
    ORDER BY p.item_id, p.prompt_id, po.candidate, st.post_id"""
_PROMPTED = """SELECT DISTINCT item_id FROM prompts WHERE spec_id = $prompt AND feature_spec_id = $features
    AND item_id IN (SELECT unnest($items::VARCHAR[]))"""
_READINGS = """SELECT post_id, repeat, aspect, max(score) AS score,
        last(error ORDER BY created_at, judgment_id) AS error,
        CASE WHEN count(*) = count(cost_usd) THEN round(sum(cost_usd), 12) END AS cost_usd,
        list(DISTINCT call_key) AS call_keys
    FROM judgments WHERE spec_id = $judge_posts AND post_id IN (SELECT unnest($posts::VARCHAR[]))
    GROUP BY ALL ORDER BY post_id, repeat, aspect"""
_LATENCIES = """SELECT call_key, max(latency_ms) AS latency_ms FROM calls WHERE status = 'ok'
    AND call_key IN (SELECT unnest($keys::VARCHAR[])) GROUP BY call_key"""
_COMPARED = """SELECT * FROM comparisons WHERE spec_id = $spec_id AND post_a IN (SELECT unnest($posts::VARCHAR[]))
    AND post_b IN (SELECT unnest($posts::VARCHAR[])) ORDER BY created_at, comparison_id"""
_RUNS = """SELECT campaign, state, message FROM runs WHERE purse = $purse
    QUALIFY row_number() OVER (PARTITION BY campaign ORDER BY started_at DESC, run_id DESC) = 1"""
_SPENT = """SELECT count(*) AS calls, count(cost_usd) AS priced, round(coalesce(sum(cost_usd), 0), 9) AS usd FROM calls
    WHERE run_id IN (SELECT run_id FROM runs WHERE purse = $purse)"""

_NOT_KEPT = """SELECT count(*) AS n FROM (
        SELECT po.call_key FROM posts po JOIN prompts p USING (prompt_id) WHERE po.text IS NOT NULL
        AND po.spec_id IN (SELECT unnest($generation::VARCHAR[])) AND p.item_id IN (SELECT unnest($items::VARCHAR[]))
        UNION
        SELECT j.call_key FROM judgments j JOIN posts po USING (post_id) JOIN prompts p USING (prompt_id)
        WHERE j.score IS NOT NULL AND j.spec_id IN (SELECT unnest($judges::VARCHAR[]))
        AND p.item_id IN (SELECT unnest($items::VARCHAR[]))
    ) used ANTI JOIN calls USING (call_key) WHERE used.call_key IS NOT NULL"""
"""Calls that stand behind posts and scores and that the journal does not have: then it cannot say what was bought."""


def run_name(experiment: str, arm: str) -> str:
    """What an arm's runs are called in `runs`."""
    return f"{experiment}.{arm}"


def find_experiment(store: Store, name: str) -> str:
    """The id of the newest experiment of this name (or with this id); UserError where there is none."""
    sql = "SELECT spec_id, experiment, max(created_at) AS made FROM arms GROUP BY ALL ORDER BY made DESC, spec_id"
    rows = store.query(sql)
    found = next((row["spec_id"] for row in rows if name in (row["experiment"], row["spec_id"])), None)
    if found is None:
        known = ", ".join(dict.fromkeys(row["experiment"] for row in rows)) or "none yet"
        raise UserError(f"no experiment {name!r} in {store.path.parent}; there are: {known}")
    return str(found)


def begun_by(store: Store, purse: str) -> str | None:
    """The id of the newest experiment that this purse pays for."""
    sql = "SELECT spec_id FROM arms WHERE purse = $purse ORDER BY created_at DESC, spec_id LIMIT 1"
    rows = store.query(sql, {"purse": purse})
    return str(rows[0]["spec_id"]) if rows else None


def read_experiment(store: Store, experiment_id: str) -> Findings:
    """Everything about one experiment."""
    with store.connect() as db:
        return _read(db, experiment_id)


def _read(db: DuckDBPyConnection, experiment_id: str) -> Findings:
    rows = _ask(db, _ARMS, {"id": experiment_id})
    if not rows:
        raise UserError(f"no experiment {experiment_id!r} in this home")
    judges = list(dict.fromkeys(judge for row in rows for judge in row["judge_spec_ids"]))
    ids = {experiment_id, *judges, *(row[f"{part}_spec_id"] for row in rows for part in ("feature", "generation"))}
    params = {row["spec_id"]: json.loads(row["params"]) for row in _ask(db, _SPECS, {"ids": sorted(ids)})}
    first = rows[0]
    runs = {row["campaign"]: row for row in _ask(db, _RUNS, {"purse": first["purse"]})}
    spent = _spent(db, rows, judges)
    aspects, scale = _rubric_of(params.get(first["judge_spec_ids"][0], {}))
    compared_by = params.get(experiment_id, {}).get("compared_by")
    readers = max(len(row["judge_spec_ids"]) for row in rows)
    by_judge = [
        [_arm(db, row, place, params, runs) for row in rows if place < len(row["judge_spec_ids"])]
        for place in range(readers)
    ]
    if not spent["is_journaled"] and first["calls"] is not None:
        by_judge[0] = [replace(arm, kept=_kept(row)) for arm, row in zip(by_judge[0], rows, strict=True)]
    return Findings(
        experiment_id=experiment_id,
        name=first["experiment"],
        baseline=first["baseline"],
        dataset=first["dataset"],
        params=params.get(experiment_id, {"claims": []}),
        created_at=first["created_at"],
        arms=_said_same(by_judge[0]),
        aspects=aspects,
        scale=scale,
        calls=spent["calls"],
        spent_usd=spent["usd"],
        is_journaled=spent["is_journaled"],
        pairs_state=runs.get(first["experiment"], {"state": NOT_RUN})["state"] if compared_by else "done",
        left_out=left_out_of_pairs(by_judge[0]) if compared_by else {},
        pairs=_pairs(db, compared_by, by_judge[0]),
        further={
            f"{place + 1}: {arms[0].judge}": arms
            for place, arms in enumerate(by_judge[1:], start=1)
            if arms[0].name == first["baseline"]  # else there is nothing to subtract
        },
    )


def _spent(db: DuckDBPyConnection, rows: Sequence[Row], judges: Sequence[str]) -> Row:
    """The `calls` of the experiment's purse, and their `usd`; None where that is not known. A journal that has fewer
    calls than it had is not whole: what it loses may be calls that failed, which no row names."""
    (spent,) = _ask(db, _SPENT, {"purse": rows[0]["purse"]})
    writers = sorted({row["generation_spec_id"] for row in rows})
    given = {"generation": writers, "judges": judges, "items": list(rows[0]["items"])}
    if _ask(db, _NOT_KEPT, given)[0]["n"] or spent["calls"] < (rows[0]["calls"] or 0):
        return {"calls": rows[0]["calls"], "usd": rows[0]["spent_usd"], "is_journaled": False}
    usd = spent["usd"] if spent["calls"] == spent["priced"] else None
    return {"calls": spent["calls"], "usd": usd, "is_journaled": True}


def _kept(row: Row) -> dict[str, float | None]:
    return {name: row[name] for name in ("latency_ms", "judge_latency_ms")}


def _arm(db: DuckDBPyConnection, row: Row, judge: int, params: Mapping[str, Row], runs: Mapping[str, Row]) -> ArmScores:
    judge_id = row["judge_spec_ids"][judge]
    given = {
        "judge_posts": judge_id, "prompt": row["prompt_spec_id"], "features": row["feature_spec_id"],
        "generation": row["generation_spec_id"], "items": list(row["items"]),
    }  # fmt: skip
    posts: dict[str, list[Row]] = {}
    for post in _ask(db, _POSTS, given):
        posts.setdefault(post["item_id"], []).append(post)
    prompted = {one["item_id"] for one in _ask(db, _PROMPTED, {k: given[k] for k in ("prompt", "features", "items")})}
    ids = sorted(post["post_id"] for found in posts.values() for post in found)
    readings: dict[str, list[Row]] = {}
    for reading in _ask(db, _READINGS, {"judge_posts": judge_id, "posts": ids}):
        readings.setdefault(reading["post_id"], []).append(reading)
    keys = {post["call_key"] for found in posts.values() for post in found if post["call_key"]}
    keys |= {key for found in readings.values() for one in found for key in one["call_keys"] if key}
    latencies = {one["call_key"]: one["latency_ms"] for one in _ask(db, _LATENCIES, {"keys": sorted(keys)})}
    run = runs.get(run_name(row["experiment"], row["arm"]), {"state": NOT_RUN, "message": None})
    done = run["state"] == "done"
    return ArmScores(
        name=row["arm"],
        place=row["place"],
        overrides=json.loads(row["overrides"]),
        spec_ids={
            "features": row["feature_spec_id"], "prompt": row["prompt_spec_id"],
            "generation": row["generation_spec_id"], "judge": judge_id,
        },
        writer=str(params.get(row["generation_spec_id"], {}).get("model", "unknown")),
        judge=str(params.get(judge_id, {}).get("model", "unknown")),
        models=str(params.get(row["feature_spec_id"], {}).get("models", "unknown")),
        items=[
            _item(item, posts.get(item, []), item in prompted, readings, latencies, done)
            for item in sorted(row["items"])
        ],
        state=run["state"],
        message=run["message"],
    )  # fmt: skip


def _item(
    item_id: str,
    posts: Sequence[Row],
    prompted: bool,
    readings: Mapping[str, Sequence[Row]],
    latencies: Mapping[str, float],
    done: bool,
) -> ItemScore:
    """`done`: the arm's run has ended well, so what is missing now will stay so."""
    standing = [post for post in posts if post["stands"]]
    scored = [post for post in standing if post["is_read"] and post["overall"] is not None]
    shown = next(iter(scored or standing or posts), None)
    read = [reading for post in posts for reading in readings.get(post["post_id"], ())]
    failure = None if scored else _failure(standing, prompted, readings, done)
    own = readings.get(shown["post_id"], ()) if shown else ()
    by_repeat: dict[int, dict[str, float]] = {}
    for reading in own:
        if reading["score"] is not None:
            by_repeat.setdefault(reading["repeat"], {})[reading["aspect"]] = reading["score"]
    judge_keys = {key for reading in own for key in reading["call_keys"] if key}
    judged_in = [latencies[key] for key in judge_keys if latencies.get(key) is not None]
    return ItemScore(
        item_id=item_id,
        scores=mean_of([{**post["aspects"], OVERALL: post["overall"]} for post in scored]),
        failure=failure,
        readings=by_repeat,
        post_id=shown["post_id"] if shown else None,
        entrant_id=next((post["post_id"] for post in standing if post["is_distinct"]), None),
        post_ids=[post["post_id"] for post in standing if post["error"] is None],
        text=shown["text"] if shown else None,
        platform=shown["platform"] if shown else "",
        broken_rules=shown["broken_rules"] if shown else 0,
        writing_usd=_sum([post["cost_usd"] for post in posts]),
        judging_usd=_sum([reading["cost_usd"] for reading in read]),
        latency_ms=latencies.get(shown["call_key"]) if shown else None,
        judge_latency_ms=sum(judged_in) if judged_in else None,
    )


def _failure(standing: Sequence[Row], prompted: bool, readings: Mapping[str, Sequence[Row]], done: bool) -> str:
    """Why an item has no score, in the words of the step that failed."""
    if not prompted:
        return "no prompt" if done else NOT_RUN
    if not standing:
        return "not written" if done else NOT_RUN
    if (error := standing[0]["error"]) is not None:
        return f"writing: {error}"
    errors = [reading["error"] for reading in readings.get(standing[0]["post_id"], ()) if reading["score"] is None]
    if errors:
        return f"judging: {errors[0]}"
    return "not judged" if done else NOT_RUN


def _pairs(db: DuckDBPyConnection, spec_id: str | None, arms: Sequence[ArmScores]) -> Figures | None:
    """What the judge of pairs has said of the arms' posts; None where nobody was asked."""
    left_out = left_out_of_pairs(arms)
    arms = [arm for arm in arms if arm.name not in left_out]
    entrants = {one.entrant_id: (arm.name, one.item_id) for arm in arms for one in arm.items if one.entrant_id}
    rows = _ask(db, _COMPARED, {"spec_id": spec_id, "posts": sorted(entrants)}) if spec_id else []
    return figures([Comparison(**row) for row in rows], entrants, [arm.name for arm in arms]) if rows else None


def left_out_of_pairs(arms: Sequence[ArmScores]) -> dict[str, str]:
    """Arm -> the earlier one that has the same posts, and competes for both."""
    parts = ("features", "prompt", "generation")
    return same_posts((arm.name, (*(arm.spec_ids[part] for part in parts),)) for arm in arms)  # type: ignore[misc]


def _said_same(arms: Sequence[ArmScores]) -> list[ArmScores]:
    """The arms, each with the earlier one that has the very same specs."""
    seen: dict[str, str] = {}
    found = []
    for arm in arms:
        same_as = seen.setdefault(str(sorted(arm.spec_ids.items())), arm.name)
        found.append(arm if same_as == arm.name else replace(arm, same_as=same_as))
    return found


def _rubric_of(judge: Row) -> tuple[dict[str, str], tuple[float, float]]:
    """The aspects' titles in the rubric's order, and its scale: from the spec, since the file may have changed."""
    rubric = yaml.safe_load(judge.get("rubric_text") or "{}")
    scale = rubric.get("scale", {})
    titles = {aspect["name"]: str(aspect.get("title", aspect["name"])) for aspect in rubric.get("aspects", [])}
    return titles, (float(scale.get("min", 1)), float(scale.get("max", 10)))


def _sum(costs: Sequence[float | None]) -> float | None:
    known = sorted(cost for cost in costs if cost is not None)
    return round(sum(known), 9) if len(known) == len(costs) else None


def _ask(db: DuckDBPyConnection, sql: str, params: Row) -> list[Row]:
    cursor = db.execute(sql, params)
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
