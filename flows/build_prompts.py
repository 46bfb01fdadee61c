"""features -> prompts: the prompt words of each item in the template of a campaign."""

from collections.abc import Mapping, Sequence

from prefect import flow, task

from components.prompts import build
from components.records import Feature, Item, Prompt, Quarantine
from components.specs import FeatureSpec, PromptSpec, Selection
from flows.caching import KEPT, frozen, whole
from flows.publish import StepResult, chunk_id, chunks, publish
from flows.settings import Settings
from flows.stages import Stage

CHUNK = 512


@task(task_run_name="build {chunk}", **KEPT | {"retries": 1})
def build_chunk(
    spec: PromptSpec, spec_id: str, chunk: str, items: Sequence[Item], features: Mapping[str, Sequence[Feature]]
) -> tuple[list[Prompt], list[Quarantine]]:
    with frozen(spec, spec_id):
        return build(items, features, spec)


@flow(name="build_prompts", flow_run_name="prompt {spec.template} {spec.platform} {selection.dataset}")
def build_prompts(spec: PromptSpec, features: FeatureSpec, selection: Selection, run_id: str = "") -> StepResult:
    """Write the prompt of every selected item that has features and no prompt from them under this spec.

    Args:
        spec: The template, the platform, the language, and which prompt words are told.
        features: Which features: those found under this spec.
        selection: Which items of the dataset: those published in a window, at most so many, or a random sample.
        run_id: Leave empty: the pipeline sets it, to book what is done here under its own run.
    """
    settings = Settings.from_environment().prepare()
    store, spec_id, feature_spec_id, result = settings.store(), spec.id, features.id, StepResult("build_prompts")
    store.register(spec)
    stage = Stage(selection, "build prompts")
    for some in stage.slices(CHUNK):
        todo = store.items_without_prompts(some, spec_id, feature_spec_id)
        stage.found(len(todo))
        for part in chunks(todo, max(CHUNK, stage.size)):
            ids = [item.item_id for item in part]
            chunk = chunk_id(spec_id, [feature_spec_id, *ids])
            found = store.features(ids, feature_spec_id)
            prompts, refused = build_chunk(spec, spec_id, chunk, whole(part), whole(found))
            rows, quarantined = publish(
                store, "prompts", prompts, refused, chunk=chunk, run_id=run_id, dataset=selection.dataset
            )
            result.rows += rows
            result.quarantined += quarantined
            stage.advance(len(part))
    result.seconds = stage.seconds
    return result
