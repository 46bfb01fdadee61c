"""Lineage as Prefect's assets: items -> features -> prompts -> posts -> judgments of a dataset, each a table's part.

Only where a server stands that somebody can look at: a command's own server ends with it. A table that got no new row
in a run was not made in it, so a run with nothing to do leaves nothing here.
"""

import json
import re
from typing import Any

from prefect.assets import Asset, AssetProperties, materialize
from prefect.cache_policies import NO_CACHE
from prefect.settings import PREFECT_API_URL

from components.judgments.panel import PANEL
from components.records import Run
from flows.own_server import is_own

CHAIN = {
    "items": "ingest_items",
    "features": "extract_features",
    "prompts": "build_prompts",
    "posts": "generate_posts",
    "judgments": "judge_posts",
}


def leave_lineage(run: Run) -> list[str]:
    """Tell Prefect what a run that has ended made of what; called inside a flow run. Returns the assets' keys."""
    if is_own(PREFECT_API_URL.value()):
        return []
    steps, ids, made = json.loads(run.rows), json.loads(run.spec_ids), []
    above: list[Asset] = []
    for table, step in CHAIN.items():
        asset = asset_of(run.dataset, table)
        rows = sum(found["rows"] for name, found in steps.items() if name == step or (name.startswith(PANEL)
                   and table == "judgments"))  # fmt: skip
        if rows:
            told = {"rows": rows, "run_id": run.run_id, "spec_id": ids.get(step), "campaign": run.campaign}
            note = materialize(
                asset, asset_deps=[*above], by="postwright", name=f"note {table}", cache_policy=NO_CACHE,
                persist_result=False,
            )(_note)  # fmt: skip
            note(asset, told)
            made.append(asset.key)
        above = [asset]
    return made


def asset_of(dataset: str, table: str) -> Asset:
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", dataset).strip("-.") or "dataset"
    described = f"Rows of `{table}` of dataset {dataset} in the warehouse"
    return Asset(
        key=f"postwright://{name}/{table}", properties=AssetProperties(name=f"{dataset} {table}", description=described)
    )


def _note(asset: Asset, told: dict[str, Any]) -> None:
    asset.add_metadata(told)
