"""The table-wide report at the end: every suite once more over all rows of a selection, and what no chunk can see.

Across tables: every word of a prompt is a feature, every post has its prompt, every judgment its post. Rows are
published by now, so a failure here warns and is shown; it takes nothing back.
"""

from datetime import UTC, datetime

import pandas as pd
from prefect import task
from prefect.cache_policies import NO_CACHE

from components.records import CheckResult
from components.spec import Campaign, Selection
from flows.publish import check_results
from flows.settings import Settings

ORPHANS = {
    "features have their item": ("features", "SELECT count(*) AS n FROM features ANTI JOIN items USING (item_id)"),
    "prompts have their item": ("prompts", "SELECT count(*) AS n FROM prompts ANTI JOIN items USING (item_id)"),
    "words of prompts are features": (
        "prompts",
        """SELECT count(*) AS n FROM (SELECT unnest(words) AS feature_id FROM prompts)
           ANTI JOIN features USING (feature_id)""",
    ),
    "posts have their prompt": ("posts", "SELECT count(*) AS n FROM posts ANTI JOIN prompts USING (prompt_id)"),
    "judgments have their post": ("judgments", "SELECT count(*) AS n FROM judgments ANTI JOIN posts USING (post_id)"),
}
FRAMES = {
    "items": "SELECT * FROM items WHERE dataset = $dataset",
    "features": """SELECT f.* FROM features f JOIN items i USING (item_id)
        WHERE i.dataset = $dataset AND f.spec_id = $features""",
    "prompts": """SELECT p.* FROM prompts p JOIN items i USING (item_id) WHERE i.dataset = $dataset
        AND p.spec_id = $prompts AND p.feature_spec_id = $features""",
    "posts": """SELECT po.* FROM posts po JOIN prompts p USING (prompt_id) JOIN items i USING (item_id)
        WHERE i.dataset = $dataset AND p.spec_id = $prompts AND p.feature_spec_id = $features
        AND po.spec_id = $generation""",
    "judgments": """SELECT j.* FROM judgments j JOIN posts po USING (post_id) JOIN prompts p USING (prompt_id)
        JOIN items i USING (item_id) WHERE i.dataset = $dataset AND p.spec_id = $prompts
        AND p.feature_spec_id = $features AND po.spec_id = $generation AND j.spec_id = $judge""",
}


@task(name="check_warehouse", cache_policy=NO_CACHE)
def check_warehouse(campaign: Campaign, selection: Selection, run_id: str) -> list[CheckResult]:
    """Validate whole tables and the joins between them; keeps and returns the results."""
    from data_checks.validate import validate

    store, now = Settings.from_environment().store(), datetime.now(UTC)
    params = {
        "dataset": selection.dataset,
        "features": campaign.features.id,
        "prompts": campaign.prompt.id,
        "generation": campaign.generation.id,
        "judge": campaign.judge.id,
    }
    results: list[CheckResult] = []
    for table, sql in FRAMES.items():
        used = {name: value for name, value in params.items() if f"${name}" in sql}
        frame = pd.DataFrame(store.query(sql, used))
        if not frame.empty:
            results += check_results(validate(table, frame, chunk_id="table", run_id=run_id, now=now))
    for expectation, (table, sql) in ORPHANS.items():
        n = store.query(sql)[0]["n"]
        results.append(
            CheckResult(
                run_id=run_id,
                table_name=table,
                chunk_id="table",
                expectation=expectation,
                severity="warn",
                success=n == 0,
                observed=f"{n} without",
                at=now,
            )
        )
    store.append({"checks": results})
    return results
