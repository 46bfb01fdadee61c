"""The table-wide report at the end: every suite once more over all rows of a selection, and what no chunk can see.

A run over a window looks at the rows of its own items, so that a day's run takes as long in a warehouse of years as in
a new one; where nobody has looked at all of a dataset for a week, it does. Joins are always looked at as a whole.

Across tables: every word of a prompt is a feature, every post has its prompt, every judgment its post. Rows are
published by now, so a failure here warns and is shown; it takes nothing back.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pandas as pd
from prefect import task
from prefect.cache_policies import NO_CACHE

from components.records import CheckResult
from components.specs import Campaign, Selection
from components.warehouse.questions import asked_for, beside, columns_of
from components.warehouse.store import Store
from flows.publish import check_results
from flows.settings import Settings

ORPHANS = {
    "features have their item": ("features", "SELECT count(*) AS n FROM features ANTI JOIN items USING (item_id)"),
    "vectors of one model have one length": (
        "features",
        """SELECT count(*) AS n FROM (SELECT 1 FROM features WHERE vector IS NOT NULL GROUP BY name, model
           HAVING count(DISTINCT len(vector)) > 1)""",
    ),
    "prompts have their item": ("prompts", "SELECT count(*) AS n FROM prompts ANTI JOIN items USING (item_id)"),
    "words of prompts are features": (
        "prompts",
        """SELECT count(*) AS n FROM (SELECT unnest(words) AS feature_id FROM prompts)
           ANTI JOIN features USING (feature_id)""",
    ),
    "posts have their prompt": ("posts", "SELECT count(*) AS n FROM posts ANTI JOIN prompts USING (prompt_id)"),
    "duplicates have their original": (
        "posts",
        """SELECT count(*) AS n FROM (SELECT duplicate_of AS post_id FROM posts WHERE duplicate_of IS NOT NULL)
           ANTI JOIN posts USING (post_id)""",
    ),
    "judgments have their post": ("judgments", "SELECT count(*) AS n FROM judgments ANTI JOIN posts USING (post_id)"),
    "measures have their post": ("measures", "SELECT count(*) AS n FROM measures ANTI JOIN posts USING (post_id)"),
}
SLICE = 10_000
"""Items at a time, with all their rows, so that memory is bounded: some 100 MB. Fewer would take longer in all: each
slice looks through whole tables."""
FRAMES = {
    "items": "SELECT i.* FROM items i JOIN sliced USING (item_id)",
    # Vectors stay in DuckDB, which looks at them itself: as Python lists they would take gigabytes.
    "features": """SELECT f.* REPLACE (NULL AS vector), len(f.vector) AS vector_size,
            isfinite(list_sum(f.vector)) AND (list_max(f.vector) > 0 OR list_min(f.vector) < 0) AS vector_sound
        FROM features f JOIN sliced USING (item_id) WHERE f.spec_id = $features""",
    "prompts": """SELECT p.* FROM prompts p JOIN sliced USING (item_id)
        WHERE p.spec_id = $prompts AND p.feature_spec_id = $features""",
    "posts": """SELECT po.* FROM posts po JOIN prompts p USING (prompt_id) JOIN sliced USING (item_id)
        WHERE p.spec_id = $prompts AND p.feature_spec_id = $features AND po.spec_id = $generation""",
    "judgments": """SELECT j.* FROM judgments j JOIN posts po USING (post_id) JOIN prompts p USING (prompt_id)
        JOIN sliced USING (item_id) WHERE p.spec_id = $prompts AND p.feature_spec_id = $features
        AND po.spec_id = $generation AND j.spec_id IN (SELECT unnest($judges::VARCHAR[]))""",
    "measures": """SELECT m.* FROM measures m JOIN posts po USING (post_id) JOIN prompts p USING (prompt_id)
        JOIN sliced USING (item_id) WHERE p.spec_id = $prompts AND p.feature_spec_id = $features
        AND po.spec_id = $generation AND m.spec_id = $measures""",
}
"""What a table has of the items `sliced`, some of the current ones: which those are is asked once, as it takes longer
than the rest."""
ALL, SOME, PART = "table", "window", "written"
"""`chunk_id` of what a look found: one at all items of a dataset, one at those of a selection, one at some tables."""
ALL_EVERY = timedelta(days=7)
_LOOKS = f"('{ALL}', '{SOME}', '{PART}')"
# `checked`: the newest look by the specs of run $run_id that covers its items found nothing to stop for, and nobody
# wrote anything since. A look covers them that was at all, or over the same window, or by a run of the same purse (a
# backfill has one for all its windows). `all_at`: when all was found good, and nothing bad anywhere since.
CHECKED = f"""WITH known AS (
        SELECT *, (item_limit, item_sample, CASE WHEN item_sample IS NOT NULL THEN item_seed END) AS some FROM runs
    ),
    mine AS (SELECT * FROM known WHERE run_id = $run_id),
    looks AS (
        SELECT c."at", c.chunk_id = '{ALL}' AS of_all, bool_and(c.success OR c.severity = 'warn') AS good,
               bool_or(c.chunk_id = '{ALL}' OR c.chunk_id = '{SOME}' AND r.some IS NOT DISTINCT FROM m.some
                   AND (r.purse = m.purse OR (r.window_from, r.window_to, r.window_on)
                        IS NOT DISTINCT FROM (m.window_from, m.window_to, m.window_on))) AS covers
        FROM checks c JOIN known r USING (run_id) JOIN mine m ON m.dataset = r.dataset AND m.spec_ids = r.spec_ids
        WHERE c.chunk_id IN {_LOOKS} GROUP BY c.run_id, c.chunk_id, c."at"
    ),
    newest AS (SELECT * FROM looks WHERE covers ORDER BY "at" DESC LIMIT 1)
    SELECT coalesce((SELECT good AND NOT EXISTS (
               SELECT 1 FROM checks WHERE chunk_id NOT IN {_LOOKS} AND checks."at" >= newest."at"
           ) FROM newest), false) AS checked,
           (SELECT max("at") FROM looks WHERE of_all AND good AND "at" > ALL (
               SELECT "at" FROM looks WHERE NOT good
           )) AS all_at"""


@task(name="check_warehouse", cache_policy=NO_CACHE)
def check_warehouse(
    campaign: Campaign, selection: Selection, run_id: str, tables: Sequence[str] = ()
) -> list[CheckResult]:
    """Validate tables (by default all) and the joins between them; keeps and returns the results, none where nothing is
    new."""
    return check_tables(Settings.from_environment().store(), campaign, selection, run_id, tables)


def items_of(store: Store, selection: Selection) -> pd.DataFrame:
    """The ids of the items that a selection takes, by chance in any order: they are hashes."""
    with store.selecting(selection) as db:
        return columns_of(db, "SELECT item_id FROM selected ORDER BY item_id", {})


def frame_of(store: Store, table: str, items: pd.DataFrame, params: Mapping[str, Any]) -> pd.DataFrame:
    """The rows of `table` about `items`; `params`: what FRAMES asks for."""
    sql = FRAMES[table]
    with store.connect() as db, beside(db, "sliced", items):
        return db.execute(sql, asked_for(sql, params)).df()


def check_tables(
    store: Store, campaign: Campaign, selection: Selection, run_id: str, tables: Sequence[str] = ()
) -> list[CheckResult]:
    now, every = datetime.now(UTC), Selection(dataset=selection.dataset)
    selection = selection if selection.sample is not None else selection.model_copy(update={"seed": every.seed})
    (known,) = store.query(CHECKED, {"run_id": run_id})
    if known["checked"]:
        return []
    if not tables and (known["all_at"] is None or not timedelta() <= now - known["all_at"] < ALL_EVERY):
        selection = every
    from data_checks.validate import validate

    chunk_id = PART if tables else ALL if selection == every else SOME
    params: dict[str, Any] = {
        "features": campaign.features.id,
        "prompts": campaign.prompt.id,
        "generation": campaign.generation.id,
        "judges": [judge.id for judge in (campaign.judge, *campaign.panel)],
        "measures": campaign.measures.id if campaign.measures else "",
    }
    results: list[CheckResult] = []
    items = items_of(store, selection)
    looked_at = [table for table in FRAMES if not tables or table in tables]
    frame = pd.DataFrame()
    for table, start in product(looked_at, range(0, len(items), SLICE)):
        del frame  # before the next one is made
        frame = frame_of(store, table, items[start : start + SLICE], params)
        if not frame.empty:
            results += check_results(validate(table, frame, chunk_id=chunk_id, run_id=run_id, now=now))
    for expectation, (table, sql) in ORPHANS.items():
        n = store.query(sql)[0]["n"]
        results.append(
            CheckResult(
                run_id=run_id,
                table_name=table,
                chunk_id=chunk_id,
                expectation=expectation,
                severity="warn",
                success=n == 0,
                observed=f"{n} without",
                at=now,
            )
        )
    store.append({"checks": results})
    return results
