"""One campaign in several arms over the same items, and the tables of how they differ.

The arms share every call they can: items are read once, features are found once per spec (the baseline, whose words are
the judge's yardstick, goes first), and a question that two arms ask is bought once. All arms spend from one purse. An
arm that stops is a state of its own and does not stop the others, unless the budget is spent; the same command does
what is missing. The tables are made from the warehouse alone, also when arms are not done: then they say so.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated

from prefect import flow
from pydantic import Field

from components.errors import BudgetExceeded, PostwrightError, UserError
from components.experiments import Arm, ExperimentSpec, arms_of, experiment_id, notes_of, pairwise_of, purse_of
from components.experiments.read import begun_by, run_name
from components.records import Arm as ArmRow
from components.specs import Campaign, Selection
from components.warehouse.store import Store
from flows.artifacts import leave_experiment
from flows.batching import suspended_while_pending
from flows.compare_posts import compare_posts
from flows.contests import entrants_of
from flows.experiment_results import ExperimentResult, finish_experiment
from flows.ingest_items import ingest_items
from flows.observing import observed, only_shown
from flows.pipeline import Summary, begin, cost_of_run, go_through, how_it_ended
from flows.preflight import preflight_arms
from flows.progress import say
from flows.publish import StepResult, publish
from flows.settings import Settings
from flows.side_by_side import raise_first_stop, run_parts, unwaiting, wait_for_parts
from flows.stopping import stoppable

Parallel = Annotated[int, Field(ge=1, title="Arms at a time")]


@dataclass
class ArmRun:
    """An arm and how its run ended; neither a summary nor an error: it was not started."""

    arm: Arm
    summary: Summary | None = None
    error: PostwrightError | None = None


@flow(name="run_arm", flow_run_name="{campaign.name}")
def run_arm(campaign: Campaign, selection: Selection, purse: str, made: list[StepResult]) -> Summary:
    """Write and judge the posts of one arm."""
    settings = Settings.from_environment()
    run = begin(campaign, selection, settings.store(), purse)
    with observed(run, campaign, settings):
        return go_through(campaign, selection, run, settings, made, is_shown=False)


@flow(name="run_experiment", flow_run_name="{spec.name}")
def run_experiment(spec: ExperimentSpec, parallel: Parallel = 1) -> ExperimentResult:
    """Run every arm over the same items, and compare them; only what is not there yet is done.

    Args:
        spec: The campaign, its arms with what is different in each, the items, and the claims to be tested.
        parallel: So many arms at a time, out of one purse.
    """
    begun, settings = time.monotonic(), Settings.from_environment().prepare()
    store, arms = settings.store(), arms_of(spec)
    preflight_arms(arms, pairwise_of(spec, arms), store)
    purse, selection = purse_of(spec, arms), spec.selection
    for note in notes_of(spec, arms):
        say(note)
    read = ingest_items(spec.campaign.dataset, run_id=purse)
    made = begin_experiment(spec, arms, store, purse)
    parts = [ArmRun(arm) for arm in arms]

    def go(part: ArmRun, wait: bool) -> Summary:
        campaign = part.arm.campaign.model_copy(update={"name": run_name(spec.name, part.arm.name)})
        say(f"arm {part.arm.name}")
        steps = [read if part is parts[0] else StepResult("ingest_items")]
        if any(other.summary and other.arm.campaign.features == campaign.features for other in parts):
            steps.append(StepResult("extract_features"))  # by that other arm
        return run_arm(campaign if wait else unwaiting(campaign), selection, purse, steps)

    waits = any(unwaiting(arm.campaign) != arm.campaign for arm in arms)
    with stoppable():
        for wave in waves(parts):
            if not any(isinstance(part.error, BudgetExceeded) for part in parts):
                run_parts(wave, go, parallel, (BudgetExceeded,))
        if waits:
            wait_for_parts(parts, go, parallel, (BudgetExceeded,))
    compared, stop = None, None
    try:
        compared = compared_in_pairs(spec, arms, purse, settings) if all(part.summary for part in parts) else None
    except PostwrightError as error:
        stop = error  # raised at the end: the arms are done, and their tables are made
    result = finish_experiment(made, settings)
    result.bought = sum(step.bought for part in parts if part.summary for step in part.summary.steps)
    result.bought += compared.bought if compared else 0
    result.seconds = time.monotonic() - begun
    only_shown("the experiment's tables", lambda: leave_experiment(result))
    with suspended_while_pending():
        raise_first_stop(parts, "arms", lambda part: part.arm.name)
        if stop is not None:
            raise stop
    return result


def compared_in_pairs(spec: ExperimentSpec, arms: Sequence[Arm], purse: str, settings: Settings) -> StepResult | None:
    """Have the arms' posts compared in pairs, where the experiment asks for it, out of the same purse."""
    pairwise, store = pairwise_of(spec, list(arms)), settings.store()
    if pairwise is None:
        return None
    run = begin(spec.campaign.model_copy(update={"name": spec.name}), spec.selection, store, purse)
    run = replace(run, spec_ids=json.dumps({pairwise.step: pairwise.id}))
    store.record_run(run)
    state, message = "done", None
    try:
        with stoppable():
            return compare_posts(
                pairwise, entrants_of(arms), spec.selection, budget=spec.campaign.budget, run_id=run.run_id, purse=purse
            )
    except BaseException as error:  # whatever ends it, its row says how
        state, message = how_it_ended(error)
        raise
    finally:
        cost = cost_of_run(store, run.run_id)
        store.record_run(replace(run, state=state, message=message, ended_at=datetime.now(UTC), cost_usd=cost))


def begin_experiment(spec: ExperimentSpec, arms: Sequence[Arm], store: Store, purse: str) -> str:
    """Write down what is compared, over which items; returns the experiment's id."""
    items = [item.item_id for item in store.items(spec.selection)]
    if not items:
        raise UserError(
            f"{spec.name} has no items: dataset {spec.campaign.dataset.name!r} ({spec.campaign.dataset.path}) has none "
            "for this selection; widen `items`, or see `SELECT reason, detail FROM quarantine` in the warehouse"
        )
    pairwise = pairwise_of(spec, list(arms))
    made = experiment_id(spec, {arm.name: arm.spec_ids for arm in arms}, items, pairwise)
    for arm in arms:
        c = arm.campaign
        store.register(c.features, c.prompt, c.generation, *arm.judges)
    met = {"notes": notes_of(spec, list(arms))} | ({"compared_by": pairwise.id} if pairwise else {})
    store.register_as(made, spec, met)
    if begun_by(store, purse) == made:
        return made
    rows = [row_of(arm, spec, made, items, purse) for arm in arms]
    publish(store, "arms", rows, [], chunk=made, run_id=purse, dataset=spec.campaign.dataset.name)
    return made


def row_of(arm: Arm, spec: ExperimentSpec, made: str, items: Sequence[str], purse: str) -> ArmRow:
    return ArmRow(
        arm_id=ArmRow.make_id(made, arm.name),
        spec_id=made,
        experiment=spec.name,
        arm=arm.name,
        place=arm.place,
        baseline=spec.baseline,
        dataset=spec.campaign.dataset.name,
        overrides=json.dumps(arm.overrides, ensure_ascii=False, default=str),
        feature_spec_id=arm.spec_ids["features"],
        prompt_spec_id=arm.spec_ids["prompt"],
        generation_spec_id=arm.spec_ids["generation"],
        judge_spec_ids=arm.spec_ids["judges"],
        items=items,
        purse=purse,
        created_at=datetime.now(UTC),
    )


def waves(parts: Sequence[ArmRun]) -> list[list[ArmRun]]:
    """The baseline; then those that need no features which another of them makes; then the others. So no two arms look
    at the same pictures at once, and the yardstick is there before anything is judged by it."""
    first, later = parts[:1], list[ArmRun]()
    met = {parts[0].arm.campaign.features.id}
    second = []
    for part in parts[1:]:
        features = part.arm.campaign.features.id
        if features in met and features != parts[0].arm.campaign.features.id:
            later.append(part)
        else:
            second.append(part)
        met.add(features)
    return [wave for wave in (list(first), second, later) if wave]
