"""The judges of a campaign: `judge`, whose scores choose and stand in tables, and the panel that reads the same posts.

One name per judge, in the books of a run as in plans, reports and on the terminal: `judge_posts`, then `panel 1`,
`panel 2`, ...
"""

from collections.abc import Mapping
from typing import Any, TypedDict

import numpy as np
import pandas as pd

from components.judgments.families import kinship
from components.specs import Campaign, JudgeSpec
from components.statistics.means import mean_with_interval
from components.warehouse.questions import columns_of, placed
from components.warehouse.store import Store

JUDGE = JudgeSpec.step
PANEL = "panel "
_SPECS = """SELECT spec_id, params->>'$.model' AS model, params->>'$.rubric' AS rubric FROM specs
    WHERE spec_id IN (SELECT unnest($judges::VARCHAR[]))"""
_OVERALL = """SELECT s.overall FROM post_scores s JOIN chosen USING (post_id) WHERE s.judge_spec_id = $judge
    ORDER BY place"""


class JudgeMean(TypedDict):
    """One judge's mean overall over the posts that stand for their prompts; `failed`: those it could not read."""

    name: str
    model: str
    rubric: str
    failed: int
    n: int
    mean: float | None
    low: float | None
    high: float | None


def judges_of(campaign: Campaign) -> dict[str, JudgeSpec]:
    """Name -> judge, `judge` first."""
    return {JUDGE: campaign.judge} | {f"{PANEL}{n}": judge for n, judge in enumerate(campaign.panel, start=1)}


def kinships(campaign: Campaign) -> list[str]:
    """What to tell people of judges that are kin of the writer; most campaigns give nothing to tell."""
    found = (kinship(judge.model, campaign.generation.model) for judge in judges_of(campaign).values())
    return list(dict.fromkeys(told for told in found if told))


def names_of(spec_ids: Mapping[str, str]) -> list[str]:
    """The names of a run's judges, in their order; `spec_ids`: name -> id, as the run has them."""
    found = [name for name in spec_ids if name == JUDGE or name.startswith(PANEL)]
    return sorted(found, key=lambda name: (name != JUDGE, len(name), name))


def by_judge(store: Store, spec_ids: Mapping[str, str], chosen: "pd.Series[str]") -> list[JudgeMean]:
    """Of a run with a panel, what each judge found on the posts that `judge` chose, the same for all; without a panel
    nothing. A judge that was not asked yet is left out."""
    names = names_of(spec_ids)
    if len(names) < 2:
        return []
    specs = store.query(_SPECS, {"judges": [spec_ids[name] for name in names]})
    by_id = {row["spec_id"]: row for row in specs}
    # As everywhere in the order of the feed: an interval depends on it a little.
    with store.connect() as db, placed(db, "chosen", chosen):
        found = {spec_id: columns_of(db, _OVERALL, {"judge": spec_id})["overall"] for spec_id in by_id}
    return [_mean(name, by_id[one], found[one]) for name in names if (one := spec_ids[name]) in by_id]


def _mean(name: str, spec: Mapping[str, Any], overall: "pd.Series[float]") -> JudgeMean:
    failed, rubric = int(overall.isna().sum()), spec["rubric"].rpartition("/")[2]
    mean = mean_with_interval(overall.dropna().to_numpy(dtype=np.float64))
    return JudgeMean(name=name, model=spec["model"], rubric=rubric, failed=failed, **mean)
