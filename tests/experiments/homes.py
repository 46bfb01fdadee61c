"""Experiments run for real, by the steps without Prefect: texts, the offline writer and judge, a warehouse."""

from pathlib import Path
from typing import Any

from components.experiments import ExperimentSpec, arms_of, experiment_id, notes_of, purse_of
from components.experiments.read import run_name
from flows.pipeline import begin
from flows.run_experiment import row_of
from flows.settings import Settings
from tests.steps import ROWS, Steps, campaign_of

ARMS: dict[str, Any] = {
    "full": {},
    "minus-topic": {"without": ["topic"]},
    "plain": {"prompt": {"template": "plain"}},
    "human": {"generation": {"model": "human/source"}},
}


def spec_of(folder: Path, rows: Any = ROWS, arms: dict[str, Any] | None = None, **more: Any) -> ExperimentSpec:
    arms = arms or ARMS
    given = {"name": "texts", "campaign": campaign_of(folder, rows), "arms": arms, "baseline": next(iter(arms))}
    return ExperimentSpec.model_validate(given | more)


def run(settings: Settings, spec: ExperimentSpec, *names: str) -> str:
    """Run these arms (by default all); returns the experiment's id. The others are begun and not run."""
    store, arms = settings.store(), arms_of(spec)
    first = Steps(settings, arms[0].campaign)
    first.ingest()
    items = [item.item_id for item in store.items(spec.selection)]
    made = experiment_id(spec, {arm.name: arm.spec_ids for arm in arms}, items)
    for arm in arms:
        store.register(arm.campaign.features, arm.campaign.prompt, arm.campaign.generation, *arm.judges)
    store.register_as(made, spec, {"notes": notes_of(spec, arms)})
    purse = purse_of(spec, arms)
    store.append({"arms": [row_of(arm, spec, made, items, purse) for arm in arms]})
    for arm in arms:
        if not names or arm.name in names:
            Steps(settings, arm.campaign).all()
            campaign = arm.campaign.model_copy(update={"name": run_name(spec.name, arm.name)})
            ended = begin(campaign, spec.selection, store, purse)
            store.record_run(type(ended)(**ended.row() | {"state": "done"}))
    store.prepare()
    return made
