"""The posts of a run and how they compare: asked for once, for the run's means and for its report."""

import json
from collections.abc import Mapping
from typing import Any

from duckdb import DuckDBPyConnection

from components.judgments.panel import by_judge
from components.posts.choosing import choice_of
from components.specs import Selection
from components.statistics.means import mean_with_interval
from components.warehouse.questions import STANDING, rows_of
from components.warehouse.selected import parameters, selected
from components.warehouse.store import Store

Row = dict[str, Any]
STEPS = ("extract_features", "build_prompts", "generate_posts", "judge_posts")
# Of a hundred thousand posts DuckDB's maps would take longer on their way to Python than the question itself.
_POSTS = f"""
    SELECT st.post_id, i.item_id, i.image_path, pr.prompt_id, po.platform, po.candidate, po.text, po.rules, po.error,
           to_json(st.aspects)::VARCHAR AS aspects, st.overall, st.readings, st.failed_readings,
           st.is_read AS judged_here, po.duplicate_of, po.clip_score, st.choose, st.place, st.is_distinct, st.stands,
           st.chosen_by, st.margin, st.candidates
    FROM ({STANDING}) st JOIN posts po ON po.post_id = st.post_id JOIN prompts pr ON pr.prompt_id = po.prompt_id
    JOIN selected i USING (item_id)
    WHERE pr.feature_spec_id = $extract_features AND pr.spec_id = $build_prompts AND po.spec_id = $generate_posts
    ORDER BY i.published_at NULLS LAST, i.item_id, po.candidate, st.post_id"""


def posts_of(db: DuckDBPyConnection, run: Mapping[str, Any]) -> list[Row]:
    """All posts of the specs and items of a run, a row of `runs`: whichever run wrote them, and also those that do not
    stand for their prompts. In the order of the feed, on which a bootstrap's interval depends a little."""
    ids, selection = json.loads(run["spec_ids"]), Selection.of_run(run)
    given = parameters(selection) | {step: ids.get(step, "") for step in STEPS}
    posts = rows_of(db, selected(selection) + _POSTS, given)
    for post in posts:
        post["aspects"] = json.loads(post["aspects"]) if post["aspects"] else None
    return posts


def scores_of(store: Store, run: Mapping[str, Any], posts: list[Row]) -> dict[str, Any]:
    """n, failures and the mean of each aspect over `posts` of a run, each with its 95 % interval. A post that only
    another judge has read counts as not judged; of several candidates the chosen one counts, of those that say the same
    the first."""
    ids = json.loads(run["spec_ids"])
    rows = [post for post in posts if post["stands"]]
    aspects: dict[str, list[float]] = {}
    for row in rows:
        for aspect, score in (row["aspects"] or {}).items():
            if score is not None:
                aspects.setdefault(aspect, []).append(score)
    overall = [row["overall"] for row in rows if row["overall"] is not None]
    return {
        "offline": _is_offline(store, ids, rows),
        "posts": len(rows),
        "judged": len(overall),
        "without_text": sum(row["error"] is not None for row in rows),
        "overall": mean_with_interval(overall),
        "aspects": {aspect: mean_with_interval(found) for aspect, found in sorted(aspects.items())},
        "choice": choice_of(posts),
        "judges": by_judge(store, ids, [row["post_id"] for row in rows if row["error"] is None]),
    }


def _is_offline(store: Store, ids: Mapping[str, str], rows: list[Row]) -> bool:
    """Whether any of these was written, or judged, by one of the built-in ones."""
    steps = ["generate_posts"] if rows else []
    steps += ["judge_posts"] if any(row["judged_here"] for row in rows) else []
    sql = """SELECT count(*) AS n FROM specs
        WHERE spec_id IN (SELECT unnest($ids::VARCHAR[])) AND starts_with(params->>'$.model', 'offline/')"""
    return bool(store.query(sql, {"ids": [ids[step] for step in steps]})[0]["n"])
