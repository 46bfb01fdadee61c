"""The judges of a campaign: `judge`, whose scores choose and stand in tables, and the panel that reads the same posts.

One name per judge, in the books of a run as in plans, reports and on the terminal: `judge_posts`, then `panel 1`,
`panel 2`, ...
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from components.judgments.families import kinship
from components.specs import Campaign, JudgeSpec
from components.statistics.means import mean_with_interval
from components.warehouse.store import Store

JUDGE = JudgeSpec.step
PANEL = "panel "


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


def by_judge(store: Store, spec_ids: Mapping[str, str], chosen: Sequence[str]) -> list[JudgeMean]:
    """Of a run with a panel, what each judge found on the posts that `judge` chose, the same for all; without a panel
    nothing. A judge that was not asked yet is left out."""
    names = names_of(spec_ids)
    if len(names) < 2:
        return []
    sql = """SELECT spec_id, params->>'$.model' AS model, params->>'$.rubric' AS rubric, s.post_id, s.overall
        FROM specs LEFT JOIN post_scores s ON s.judge_spec_id = specs.spec_id
            AND s.post_id IN (SELECT unnest($chosen::VARCHAR[]))
        WHERE spec_id IN (SELECT unnest($judges::VARCHAR[]))"""
    rows = store.query(sql, {"chosen": list(chosen), "judges": [spec_ids[name] for name in names]})
    place = {post: at for at, post in enumerate(chosen)}  # as everywhere: an interval depends on the order a little
    rows.sort(key=lambda row: place.get(row["post_id"], -1))
    return [_mean(name, mine) for name in names if (mine := [row for row in rows if row["spec_id"] == spec_ids[name]])]


def _mean(name: str, rows: Sequence[Mapping[str, Any]]) -> JudgeMean:
    overall = [row["overall"] for row in rows if row["overall"] is not None]
    failed = sum(row["post_id"] is not None and row["overall"] is None for row in rows)
    rubric = rows[0]["rubric"].rpartition("/")[2]
    return JudgeMean(name=name, model=rows[0]["model"], rubric=rubric, failed=failed, **mean_with_interval(overall))
