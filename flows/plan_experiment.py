"""`postwright experiment --plan`: what the arms would do before they do it, shared calls counted once.

Reads the warehouse and the journal, buys nothing. A call that two arms ask is counted with the first of them: which
calls those are is known from the calls' keys, so arms that give the same prompt share its post, and what is written
alike is judged once. The judge of pairs is a stage of its own, after the arms. Before any features are there, prompts
are built from placeholders, as for `postwright plan`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from components.chat.batch import Register
from components.chat.batch.register import Entry as OpenBatch
from components.errors import UserError
from components.experiments import ExperimentSpec, arms_of, notes_of, pairwise_of
from flows.contests import entrants_of
from flows.expect_pairs import expected_pairs
from flows.expect_run import Expected, expected_run
from flows.plan_run import StagePlan, stage_plan
from flows.settings import Settings


@dataclass
class ArmPlan:
    """`calls` are to be bought for this arm first, `shared` are asked by an earlier arm too, `cached` are in the
    journal. Money is None where a price is unknown."""

    name: str
    calls: int = 0
    shared: int = 0
    cached: int = 0
    usd_low: float | None = 0.0
    usd_high: float | None = 0.0
    stages: list[StagePlan] = field(default_factory=list)


@dataclass
class ExperimentPlan:
    """`alone`: the calls of all arms if each were a run of its own in an empty home; `pairs`: those of the judge of
    pairs, who compares what the arms have written."""

    name: str
    budget_usd: float
    items: int
    arms: list[ArmPlan]
    notes: list[str]
    features_found: str
    pairs: StagePlan | None = None
    alone: int = 0
    calls: int = 0
    shared: int = 0
    cached: int = 0
    usd_low: float | None = 0.0
    usd_high: float | None = 0.0


def plan_experiment(spec: ExperimentSpec, settings: Settings) -> ExperimentPlan:
    """Calls, tokens and dollars per arm and in all. UserError where there are no items."""
    arms, entries = arms_of(spec), Register(settings.batches).open_entries()
    expected = {arm.name: expected_run(arm.campaign, settings, spec.selection) for arm in arms}
    items = max(one.items for one in expected.values())
    if not items:
        raise UserError(f"{spec.name} has no items: dataset {spec.campaign.dataset.name!r} has none for this selection")
    looks = {arm.campaign.features.id: expected[arm.name].unseen for arm in arms}
    plan = ExperimentPlan(
        spec.name,
        spec.campaign.budget.usd,
        items,
        [],
        list(dict.fromkeys([*notes_of(spec, arms), *(note for one in expected.values() for note in one.notes)])),
        f"once for every {len(looks)} of {len(arms)} arms: {sum(looks.values())} pictures and texts to look at",
    )
    asked: set[str] = set()
    for arm in arms:
        found, alone = arm_plan(arm.name, expected[arm.name], asked, entries, settings)
        plan.arms.append(found)
        plan.alone += alone
    for name in ("calls", "shared", "cached"):
        setattr(plan, name, sum(getattr(arm, name) for arm in plan.arms))
    low, high = [arm.usd_low for arm in plan.arms], [arm.usd_high for arm in plan.arms]
    if (pairwise := pairwise_of(spec, arms)) is not None:
        requests = expected_pairs(pairwise, entrants_of(arms), expected, spec.selection, settings)
        plan.pairs = stage_plan("compare", pairwise, requests, entries, settings)
        plan.calls += plan.pairs.calls
        plan.cached += plan.pairs.cached + plan.pairs.under_way
        low.append(plan.pairs.usd_low if plan.pairs.calls else 0.0)
        high.append(plan.pairs.usd_high if plan.pairs.calls else 0.0)
    plan.usd_low, plan.usd_high = _sum(low), _sum(high)
    return plan


def arm_plan(
    name: str, expected: Expected, asked: set[str], entries: Sequence[OpenBatch], settings: Settings
) -> tuple[ArmPlan, int]:
    """One arm's plan, and how many calls it would be alone; adds its calls to those that are `asked`."""
    found, alone = ArmPlan(name), 0
    for stage, chat, requests in expected.stages:
        own = {request.key: request for request in requests}
        alone += len(own)
        fresh = [request for key, request in own.items() if key not in asked]
        found.shared += len(own) - len(fresh)
        planned = stage_plan(stage, chat, fresh, entries, settings)
        found.stages.append(planned)
        found.calls += planned.calls
        found.cached += planned.cached + planned.under_way
        asked.update(own)
    found.usd_low = _sum([stage.usd_low if stage.calls else 0.0 for stage in found.stages])
    found.usd_high = _sum([stage.usd_high if stage.calls else 0.0 for stage in found.stages])
    return found, alone


def _sum(money: Sequence[float | None]) -> float | None:
    known = [usd for usd in money if usd is not None]
    return sum(known) if len(known) == len(money) else None
