"""prompts -> posts: the writer answers every prompt, each call bought once; candidates that say the same are marked.

Nothing is bought in place of a duplicate: asked again, the same prompt would soon give another one.
"""

from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run

from components.chat import check
from components.features import counting_passes, load_models
from components.posts import ask, human_posts, mark_duplicates, read_posts, unsent_posts, with_clip_scores
from components.records import Item, Post, Prompt
from components.specs import Budget, FeatureSpec, GenerationSpec, PromptSpec, Selection
from components.warehouse.store import Store
from flows.batching import in_parts, suspended_while_pending
from flows.buying import TRIED_AGAIN, Buyer, register_of
from flows.buying_elsewhere import Bought, Elsewhere
from flows.caching import frozen, whole
from flows.chunks_elsewhere import can_go_elsewhere, slice_size, written_elsewhere
from flows.progress import say
from flows.publish import StepResult, chunk_id, publish
from flows.settings import Settings, api_key
from flows.stages import Stage
from flows.stopping import run_async
from flows.telling import tell_alt_texts
from flows.turns import models_to_itself
from flows.workers import crew_of


@task(task_run_name="write {chunk}", cache_policy=NO_CACHE)
def write_chunk(
    spec: GenerationSpec,
    spec_id: str,
    chunk: str,
    prompts: Sequence[Prompt],
    features: FeatureSpec,
    budget: Budget,
    run_id: str,
    purse: str,
) -> tuple[list[Post], Buyer]:
    """Buy the posts of one chunk. No retries here: the engine of calls has the only retry layer."""
    settings = Settings.from_environment()
    buyer = Buyer(settings, spec, budget, run_id, purse, spec_id)
    items, captions, details = materials(settings.store(), prompts)
    if spec.is_human:
        return human_posts(prompts, items, captions, spec, datetime.now(UTC)), buyer
    asked, now = ask(prompts, items, spec), datetime.now(UTC)
    with frozen(spec, spec_id):
        outcomes = run_async(lambda: buyer(asked.requests))
        told = tell_alt_texts(spec, prompts, items, captions, buyer) if spec.alt_text == "model" else {}
    posts = read_posts(asked.prompts, outcomes, captions, spec, now, details, told) + unsent_posts(asked, spec, now)
    return compared(posts, prompts, spec, features, settings), buyer


@flow(name="generate_posts", flow_run_name="write {spec.model} {selection.dataset}")
def generate_posts(
    spec: GenerationSpec,
    prompts: PromptSpec,
    features: FeatureSpec,
    selection: Selection,
    budget: Budget | None = None,
    run_id: str = "",
    purse: str = "",
) -> StepResult:
    """Write a post for every selected prompt (made by `prompts` from `features`) that has none under this spec.

    Args:
        spec: Who writes, how many candidates, how fast.
        prompts: Which prompts: those built under this spec.
        features: Which features: those found under this spec.
        selection: Which items of the dataset: those published in a window, at most so many, or a random sample.
        budget: The most that this run may spend; empty: 1 USD.
        run_id: Leave empty: the pipeline sets it, to book what is done here under its own run.
        purse: Leave empty: runs with the same purse share one budget, and pipelines and backfills set it.
    """
    settings, budget = Settings.from_environment().prepare(), budget or Budget()
    run_id = run_id or str(flow_run.id)  # deployed alone: each run has a budget of its own
    check(spec, api_key(spec.api_key_env), budget.allow_unpriced, settings.prices)
    store, spec_id, result = settings.store(), spec.id, StepResult("generate_posts")
    store.register(spec)
    stage, asked = Stage(selection, "write posts"), 0

    def write(how: GenerationSpec, part: Sequence[Prompt]) -> None:
        chunk = chunk_id(spec_id, [prompt.prompt_id for prompt in part])
        keep(part, chunk, *write_chunk(how, spec_id, chunk, whole(part), features, budget, run_id, purse or run_id))

    def keep(part: Sequence[Prompt], chunk: str, posts: Sequence[Post], bought: Buyer | Bought) -> None:
        rows, quarantined = publish(store, "posts", posts, [], chunk=chunk, run_id=run_id, dataset=selection.dataset)
        result.rows += rows
        result.quarantined += quarantined
        result.bought += bought.bought
        result.reused += bought.reused
        for post in posts:
            if post.error:
                result.failed[post.error] = result.failed.get(post.error, 0) + 1
        result.duplicates += sum(post.duplicate_of is not None for post in posts)
        stage.advance(len(part))

    def by_workers(todo: Sequence[Prompt]) -> Sequence[Prompt]:
        """What is left of `todo` when workers have written what they could. Only this home knows what an open batch
        holds, which is not to be bought again."""
        held = any(entry.model == spec.model for entry in register_of(settings).open_entries())
        if not todo or held or not can_go_elsewhere(spec) or (crew := crew_of(settings)) is None:
            return todo
        there = Elsewhere(crew, settings, budget, run_id, purse or run_id)
        with closing(written_elsewhere(there, spec, todo, lambda part: materials(store, part))) as parts:
            for part, chunk, posts, bought in parts:
                keep(part, chunk, compared(posts, part, spec, features, settings), bought)
        return [prompt for part in there.left for prompt in part]

    with suspended_while_pending(), counting_passes() as passes:
        for some in stage.slices(slice_size(spec, settings)):
            todo = store.prompts_without_posts(some, prompts.id, features.id, spec_id, spec.candidates, TRIED_AGAIN)
            stage.found(len(todo))
            asked += len(todo) * spec.candidates
            in_parts(spec, by_workers(todo), write, stage.size)
    if result.duplicates:
        distinct = asked - sum(result.failed.values()) - result.duplicates
        say(
            f"{distinct} distinct of {asked} candidates: {result.duplicates} say the same as "
            "an earlier one and are not judged; nothing was bought in their place"
        )
    result.passes, result.seconds = passes.total(), stage.seconds
    return result


def compared(
    posts: Sequence[Post], prompts: Sequence[Prompt], spec: GenerationSpec, features: FeatureSpec, settings: Settings
) -> list[Post]:
    """`posts`, beside those of them that are in the warehouse: duplicates are marked and, where CLIP chooses, the texts
    are compared with their pictures by the models that found the features."""
    if spec.candidates == 1 or not posts:
        return list(posts)
    store, feature_spec_id = settings.store(), prompts[0].feature_spec_id
    found = mark_duplicates(posts, store.by_ids(Post, "posts", "post_id", [post.post_id for post in posts]))
    if spec.choose != "clip":
        return found
    sql = """SELECT item_id, vector FROM features
        WHERE spec_id = $spec_id AND name = 'clip_image' AND list_contains($ids, item_id)"""
    ids = [prompt.item_id for prompt in prompts]
    vectors = {row["item_id"]: row["vector"] for row in store.query(sql, {"spec_id": feature_spec_id, "ids": ids})}
    pictures = {prompt.prompt_id: vectors[prompt.item_id] for prompt in prompts if prompt.item_id in vectors}
    if not pictures:  # no models are loaded for texts alone
        return found
    with frozen(features, feature_spec_id), models_to_itself():
        return with_clip_scores(found, pictures, load_models(features, settings.models))


def materials(store: Store, prompts: Sequence[Prompt]) -> tuple[dict[str, Item], dict[str, str], dict[str, list[str]]]:
    """The items of these prompts (with their pictures' present places), the kept caption of each, and what is certain
    enough of what is said of parts of its picture."""
    ids = [prompt.item_id for prompt in prompts]
    items = store.by_ids(Item, "items", "item_id", ids)
    sql = """SELECT item_id, name, text FROM features WHERE spec_id = $spec_id AND list_contains($ids, item_id)
        AND (name = 'caption' AND rank = 0 OR name = 'crop_caption' AND (threshold IS NULL OR score >= threshold))
        ORDER BY item_id, name, rank"""
    captions: dict[str, str] = {}
    details: dict[str, list[str]] = {}
    for row in store.query(sql, {"spec_id": prompts[0].feature_spec_id, "ids": ids}):
        if row["name"] == "caption":
            captions[row["item_id"]] = row["text"]
        else:
            details.setdefault(row["item_id"], []).append(row["text"])
    return items, captions, details
