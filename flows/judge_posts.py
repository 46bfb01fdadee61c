"""posts -> judgments: the judge reads every post by a rubric, as often as asked, each call bought once.

Of several candidates it reads those that the view `candidates` finds worth it: no duplicate and, where CLIP chooses,
the chosen one alone.
"""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run

from components.chat import check
from components.chat.batch import Register
from components.judgments import Beside, Shown, Waiting, check_judge, judge
from components.judgments.origins import Written, begins, first_place
from components.prompts import is_uncertain
from components.records import Feature, Item, Judgment, Post, Prompt
from components.specs import Budget, FeatureSpec, GenerationSpec, JudgeSpec, PromptSpec, Selection, Slice
from components.warehouse.store import Store
from flows.batching import in_parts, suspended_while_pending
from flows.buying import TRIED_AGAIN, Buyer, journal_of
from flows.buying_elsewhere import Bought, Elsewhere
from flows.caching import frozen, whole
from flows.chunks_elsewhere import can_go_elsewhere, judged_elsewhere, slice_size
from flows.publish import StepResult, chunk_id, publish
from flows.settings import Settings, api_key
from flows.stages import Stage
from flows.stopping import run_async
from flows.workers import crew_of


@task(task_run_name="judge {chunk}", cache_policy=NO_CACHE)
def judge_chunk(
    spec: JudgeSpec,
    spec_id: str,
    chunk: str,
    posts: Sequence[Post],
    beside: Mapping[str, Shown],
    budget: Budget,
    run_id: str,
    purse: str,
) -> tuple[list[Judgment], Buyer]:
    """Buy the judgments of one chunk. No retries here: the engine of calls has the only retry layer.

    `beside`: prompt_id -> what is shown beside its posts, for variety. It is part of a call's key, so it depends on all
    posts of the selection, and neither on where the chunks were cut nor on which candidates are judged.
    """
    settings = Settings.from_environment()
    buyer = Buyer(settings, spec, budget, run_id, purse, spec_id)
    prompts, items, words = material(settings.store(), posts, spec)
    now = datetime.now(UTC)
    waiting = waiting_calls(settings)
    with frozen(spec, spec_id):
        rows = run_async(lambda: judge(posts, prompts, items, words, spec, buyer, now, beside=beside, waiting=waiting))
    return rows, buyer


@flow(name="judge_posts", flow_run_name="judge {spec.model} {selection.dataset}")
def judge_posts(
    spec: JudgeSpec,
    generation: GenerationSpec,
    prompts: PromptSpec,
    features: FeatureSpec,
    selection: Selection,
    budget: Budget | None = None,
    run_id: str = "",
    purse: str = "",
) -> StepResult:
    """Judge every selected post (written by `generation` from `prompts` and `features`) that is worth a reading and
    lacks one.

    Args:
        spec: Who judges, by which rubric, how often.
        generation: Which posts: those written under this spec.
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
    check_judge(spec, [generation.model], "spec")
    written = Written(prompts.id, features.id, generation.id)
    with suspended_while_pending():
        return judge_written(spec, written, selection, budget, run_id, purse or run_id)


def judge_written(
    spec: JudgeSpec,
    written: Written,
    selection: Selection,
    budget: Budget,
    run_id: str,
    purse: str,
    label: str = "judge posts",
) -> StepResult:
    """The work itself: what is worth a reading and lacks one, part by part. A post is read once those that stand beside
    it are written, or will not be."""
    settings = Settings.from_environment()
    store, spec_id, result = settings.store(), spec.id, StepResult("judge_posts")
    store.register(spec)
    stage, waiting = Stage(selection, label), waiting_calls(settings)
    beside, held = Beside(spec.batch_context, (), waiting.since if waiting else ()), list[Post]()

    def read(how: JudgeSpec, part: Sequence[Post]) -> None:
        chunk = chunk_id(spec_id, [post.post_id for post in part])
        shown = beside.of(prompts_of(part))
        keep(part, chunk, *judge_chunk(how, spec_id, chunk, whole(part), whole(shown), budget, run_id, purse))

    def keep(part: Sequence[Post], chunk: str, judgments: Sequence[Judgment], bought: Buyer | Bought) -> None:
        rows, quarantined = publish(
            store, "judgments", judgments, [], chunk=chunk, run_id=run_id, dataset=selection.dataset
        )
        result.rows += rows
        result.quarantined += quarantined
        result.bought += bought.bought
        result.reused += bought.reused
        for judgment in judgments:
            if judgment.error:
                result.failed[judgment.error] = result.failed.get(judgment.error, 0) + 1
        stage.advance(len(part))

    def by_workers(ready: Sequence[Post]) -> Sequence[Post]:
        """What is left of `ready` when workers have read what they could. What waits in an open batch is asked as it
        was handed in, and only this home knows how."""
        if not ready or waiting or not can_go_elsewhere(spec) or (crew := crew_of(settings)) is None:
            return ready
        there = Elsewhere(crew, settings, budget, run_id, purse)
        with closing(judged_elsewhere(there, spec, ready, beside, lambda part: material(store, part, spec))) as parts:
            for part, chunk, judgments, bought in parts:
                keep(part, chunk, judgments, bought)
        return [post for part in there.left for post in part]

    for n, some in enumerate(stage.slices(slice_size(spec, settings))):
        todo = store.posts_without_judgments(some, *written.ids, spec_id, spec.repeats, TRIED_AGAIN)
        stage.found(len(todo))
        if n == 0 and (todo or stage.is_in_line):  # what was written before, from the first that is asked about
            start = some.positions[0] if isinstance(some, Slice) else first_place(store, some, prompts_of(todo))
            if waiting:  # what the feed began with when a batch was handed in may have been others
                start = 0
            beside.add(begins(store, selection, written, start, beside.now.head))
        elif todo or stage.is_in_line:
            beside.add(begins(store, some, written))
        held += todo
        ready = [post for post in held if beside.now.is_known(post.prompt_id, stage.coming)]
        held = [post for post in held if not beside.now.is_known(post.prompt_id, stage.coming)]
        in_parts(spec, by_workers(ready), read, stage.size)
        if len(stage.coming):
            places = (beside.now.place_of(post.prompt_id) for post in held)
            beside.forget(min([int(stage.coming[0]), *(place for place in places if place is not None)]))
    return replace(result, seconds=stage.seconds)


def prompts_of(posts: Sequence[Post]) -> set[str]:
    return {post.prompt_id for post in posts}


def material(
    store: Store, posts: Sequence[Post], spec: JudgeSpec
) -> tuple[dict[str, Prompt], dict[str, Item], dict[str, "Found | None"]]:
    """What posts are judged with: their prompts, items (with their pictures' present places) and words by prompt."""
    prompts = store.by_ids(Prompt, "prompts", "prompt_id", [post.prompt_id for post in posts])
    items = store.by_ids(Item, "items", "item_id", [prompt.item_id for prompt in prompts.values()])
    return prompts, items, words_of(store, prompts, spec.words_from)


def waiting_calls(settings: Settings) -> Waiting | None:
    """The calls in open batches of the home; None where there are none."""
    entries = Register(settings.batches).open_entries()
    keys, journal = {key for entry in entries for key in entry.lines}, journal_of(settings)
    since = sorted(entry.begun for entry in entries)
    return Waiting(lambda key: key in keys or journal.lookup(key) is not None, since) if entries else None


Found = dict[str, list[str]]


class HasFeatures(Protocol):
    """The warehouse, or what was read from it before."""

    def features(self, item_ids: Sequence[str], spec_id: str) -> dict[str, list[Feature]]: ...


def words_of(store: HasFeatures, prompts: Mapping[str, Prompt], words_from: str = "") -> dict[str, Found | None]:
    """prompt_id -> feature name -> the texts that were found in the item, best first: what the post is judged against.

    Not only the words the prompt used: an ablated prompt is judged by the same yardstick as the full one, and one of
    other features by those of the spec `words_from`, where that is given. None where that spec has not looked at the
    item: no yardstick is another thing than one that found nothing.
    """
    read_from = {key: words_from or prompt.feature_spec_id for key, prompt in prompts.items()}
    spec_ids = set(read_from.values())
    by_item: dict[str, Found | None] = {}
    for spec_id in spec_ids:
        ids = [prompt.item_id for key, prompt in prompts.items() if read_from[key] == spec_id]
        for item_id, features in store.features(ids, spec_id).items():
            names: Found = {}
            for feature in features:
                if is_uncertain(feature):  # likelier wrong than right: no yardstick
                    continue
                if feature.text and (feature.rank == 0 or feature.name == "keyword"):
                    names.setdefault(feature.name, []).append(feature.text)
            by_item[f"{spec_id} {item_id}"] = names if features or not words_from else None
    return {key: by_item.get(f"{read_from[key]} {prompt.item_id}", {}) for key, prompt in prompts.items()}
