"""posts -> measures: what can be measured of every post without a judge, chunk by chunk. Buys nothing.

Measured is what is worth judging, against all such posts of the dataset that are there: earlier windows are the feed
that a post appears in.
"""

import time
from collections.abc import Sequence
from datetime import UTC, datetime

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run

from components.features import counting_passes
from components.measures import Measuring, read_batch
from components.records import Measure, Post
from components.specs import FeatureSpec, GenerationSpec, MeasureSpec, PromptSpec, Selection
from flows.caching import frozen, whole
from flows.progress import progress
from flows.publish import StepResult, chunk_id, chunks, publish
from flows.settings import Settings
from flows.turns import models_to_itself

CHUNK = 256


@task(task_run_name="measure {chunk}", cache_policy=NO_CACHE)
def measure_chunk(
    spec: MeasureSpec, spec_id: str, chunk: str, posts: Sequence[Post], measuring: Measuring
) -> list[Measure]:
    """Measure one chunk. Not cached: the values depend on the whole batch, and what is done is in the warehouse."""
    with frozen(spec, spec_id), models_to_itself():
        return measuring(posts, datetime.now(UTC))


@flow(name="measure_posts", flow_run_name="measure {selection.dataset}")
def measure_posts(
    spec: MeasureSpec,
    generation: GenerationSpec,
    prompts: PromptSpec,
    features: FeatureSpec,
    selection: Selection,
    run_id: str = "",
) -> StepResult:
    """Measure every selected post (written by `generation` from `prompts` and `features`) that is worth judging and has
    no measures under this spec. Models are loaded only where there is something to do.

    Args:
        spec: Which measures are taken.
        generation: Which posts: those written under this spec.
        prompts: Which prompts: those built under this spec.
        features: Which features: those found under this spec.
        selection: Which items of the dataset: those published in a window, at most so many, or a random sample.
        run_id: Leave empty: the pipeline sets it, to book what is done here under its own run.
    """
    begun, settings = time.monotonic(), Settings.from_environment().prepare()
    run_id = run_id or str(flow_run.id)
    store, spec_id, result = settings.store(), spec.id, StepResult("measure_posts")
    store.register(spec)
    specs = (prompts.id, features.id, generation.id)
    todo = store.posts_without_measures(selection, *specs, spec_id)
    if todo:
        until = selection.model_copy(
            update={"published_from": None, "ingested_from": None, "limit": None, "sample": None}
        )
        feed = store.posts_to_judge(until, *specs)
        advance = progress("measure posts", len(todo))
        batch = read_batch(store, with_all(feed, todo), features.id, prompts.language)
        with frozen(features, specs[1]):
            measuring = Measuring(batch, spec, features, settings.models)
        with counting_passes() as passes:
            for part in chunks(todo, CHUNK):
                chunk = chunk_id(spec_id, [post.post_id for post in part])
                measures = measure_chunk(spec, spec_id, chunk, whole(part), whole(measuring))
                rows, quarantined = publish(
                    store, "measures", measures, [], chunk=chunk, run_id=run_id, dataset=selection.dataset
                )
                result.rows += rows
                result.quarantined += quarantined
                advance(len(part))
        result.passes = passes.total()
    result.seconds = time.monotonic() - begun
    return result


def with_all(feed: Sequence[Post], todo: Sequence[Post]) -> list[Post]:
    """`feed`, which is in the order of time, and what of `todo` is not in it: posts without a time, in a window."""
    there = {post.post_id for post in feed}
    return [*feed, *(post for post in todo if post.post_id not in there)]
