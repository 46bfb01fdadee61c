"""items -> features: captions, labels, keywords and vectors, by the models of one model set."""

from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import Path

from prefect import flow, task
from prefect.runtime import flow_run

from components.chat import check
from components.features import counting_passes, extract
from components.records import Example, Feature, Item, Quarantine
from components.specs import Budget, FeatureSpec, Selection
from flows.caching import KEPT, frozen, whole
from flows.extracting import Chunk, Extracted, extracted
from flows.publish import StepResult, chunk_id, chunks, publish
from flows.settings import Settings, api_key
from flows.stages import Stage
from flows.telling import tell_chunk
from flows.turns import models_to_itself
from flows.workers import at_once, crew_of

CHUNK = 128
"""Several batches of the models, so that pictures are decoded while the batch before is computed."""


@task(
    task_run_name="extract {chunk}",
    retry_delay_seconds=[1, 10],
    **KEPT,
)
def extract_chunk(
    spec: FeatureSpec, spec_id: str, chunk: str, items: Sequence[Item]
) -> tuple[list[Feature], list[Quarantine]]:
    """Run the models over one chunk. Pictures are read and models loaded in here: neither crosses a task's border."""
    with frozen(spec, spec_id), models_to_itself():
        return extract(items, spec, Settings.from_environment().models)


@flow(name="extract_features", flow_run_name="extract {spec.models} {selection.dataset}")
def extract_features(
    spec: FeatureSpec, selection: Selection, budget: Budget | None = None, run_id: str = "", purse: str = ""
) -> StepResult:
    """Find the features of every selected item that has none under this spec. Buys calls only where the spec lets a
    language model caption pictures.

    Args:
        spec: Which models look at pictures and texts, and what is kept of what they find.
        selection: Which items of the dataset: those published in a window, at most so many, or a random sample.
        budget: The most that captions by a language model may cost; without one nothing is bought. Empty: 1 USD.
        run_id: Leave empty: the pipeline sets it, to book what is done here under its own run.
        purse: Leave empty: runs with the same purse share one budget, and pipelines and backfills set it.
    """
    settings, budget = Settings.from_environment().prepare(), budget or Budget()
    run_id = run_id or str(flow_run.id)  # deployed alone: each run has a budget of its own
    purse = purse or run_id
    if spec.told:
        check(spec.told, api_key(spec.told.api_key_env), budget.allow_unpriced, settings.prices)
    store, spec_id, result = settings.store(), spec.id, StepResult("extract_features")
    store.register(spec)
    stage = Stage(selection, "extract features")
    with counting_passes() as passes:
        for some in stage.slices(CHUNK * at_once(settings)):
            todo = store.items_without_features(some, spec_id)
            stage.found(len(todo))
            with closing(find_features(spec, spec_id, todo, settings)) as parts:
                for found in parts:
                    part, chunk, features, refused = found.items, found.chunk, found.features, found.refused
                    if spec.told:
                        told = tell_chunk(spec, spec_id, chunk, whole(part), whole(features), budget, run_id, purse)
                        features, refused = told.features, [*refused, *told.quarantine]
                        result.bought += told.bought
                        result.reused += told.reused
                        result.failed = dict(Counter(result.failed) + told.failed)
                    rows, quarantined = publish(
                        store, "features", features, refused, chunk=chunk, run_id=run_id, dataset=selection.dataset
                    )
                    result.rows += rows
                    result.quarantined += quarantined
                    result.passes += found.passes
                    stage.advance(len(part))
    result.passes, result.seconds = result.passes + passes.total(), stage.seconds
    return result


def find_features(
    spec: FeatureSpec, spec_id: str, todo: Sequence[Item], settings: Settings
) -> Generator[Extracted, None, None]:
    """Chunk by chunk and in order, by this process or by the workers that the settings name."""
    parts = (
        Chunk(chunk_id(spec_id, [f"{item.item_id} {picture_state(item)}" for item in part]), part)
        for part in chunks(todo, CHUNK)
    )
    crew = crew_of(settings) if todo else None
    if crew is not None:
        with closing(extracted(spec, spec_id, parts, crew, settings.exchange)) as found:
            yield from found
        return
    for part in parts:
        features, refused = extract_chunk(spec, spec_id, part.chunk_id, whole(part.items))
        yield Extracted(part, features, refused)


def picture_state(item: Item | Example) -> str:
    """Part of the cache key, so that a picture that was out of reach is looked at again once it is back."""
    try:
        stat = Path(item.image_path).stat() if item.image_path else None
    except OSError:
        return "missing"
    return f"{stat.st_size} {stat.st_mtime_ns}" if stat else ""
