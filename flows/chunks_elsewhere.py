"""Chunks of posts and judgments that workers buy: what each needs from the warehouse travels with it as parquet.

The publisher looks it up, a worker buys and reads the replies, and the publisher checks and writes: see
buying_elsewhere.py. Batches, people's texts and alternative texts by a model stay with the publisher.
"""

import json
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.futures import PrefectFuture

from components.exchange import Parcels
from components.judgments import Beside, judge
from components.judgments.asking import REPAIRS
from components.judgments.rubric import load_rubric
from components.posts import ask, read_posts, unsent_posts
from components.records import Item, Judgment, Post, Prompt
from components.records.travelling import Said, Yardstick
from components.specs import ChatSpec, GenerationSpec, JudgeSpec
from flows.batching import part_size
from flows.buying_elsewhere import Bought, Elsewhere, Errand, purchase
from flows.caching import ROWS
from flows.publish import chunk_id, chunks
from flows.settings import Settings
from flows.stopping import run_async
from flows.workers import at_once

Materials = tuple[Mapping[str, Item], Mapping[str, str], Mapping[str, Sequence[str]]]
"""Of prompts: items, kept captions, what is said of parts of pictures; by item."""

Material = tuple[Mapping[str, Prompt], Mapping[str, Item], Mapping[str, Mapping[str, Sequence[str]] | None]]
"""Of posts: prompts, items, words by prompt."""


def can_go_elsewhere(spec: ChatSpec) -> bool:
    """A batch is one file for the endpoint, whoever hands it in."""
    by_itself = isinstance(spec, GenerationSpec) and (spec.is_human or spec.alt_text == "model")
    return spec.mode == "live" and not by_itself


def slice_size(spec: ChatSpec, settings: Settings) -> int:
    """Items that a step takes at a time."""
    return part_size(spec) * (at_once(settings) if can_go_elsewhere(spec) else 1)


@task(task_run_name="write {errand.chunk}", cache_policy=NO_CACHE, persist_result=False)
def write_elsewhere(spec: GenerationSpec, errand: Errand) -> Bought:
    """On a worker: buy the posts of one chunk. No retries here: the engine of calls has the only retry layer."""
    parcels = errand.parcels
    with purchase(spec, errand) as made:
        said = {one.item_id: one for one in parcels.get("said", Said)}
        captions = {key: one.caption for key, one in said.items() if one.caption is not None}
        details = {key: one.details for key, one in said.items()}
        asked, now = ask(parcels.get("prompts", Prompt), made.items, spec), datetime.now(UTC)
        outcomes = run_async(lambda: made.buyer(asked.requests))
        posts = read_posts(asked.prompts, outcomes, captions, spec, now, details) + unsent_posts(asked, spec, now)
        parcels.put("posts", posts)
    return made.said


def written_elsewhere(
    there: Elsewhere,
    spec: GenerationSpec,
    prompts: Sequence[Prompt],
    materials: Callable[[Sequence[Prompt]], Materials],
) -> Generator[tuple[Sequence[Prompt], str, list[Post], Bought], None, None]:
    """(prompts, chunk id, posts, what was bought) part by part; what could not be bought so is in `there.left`."""
    spec_id, shared = spec.id, there.share_of(spec)

    def hand_out(part: Sequence[Prompt]) -> tuple[str, PrefectFuture[Bought]] | None:
        chunk = chunk_id(spec_id, [prompt.prompt_id for prompt in part])
        items, captions, details = materials(part)
        longest = max(len(f"{prompt.system}{prompt.user}".encode()) for prompt in part)
        calls = len(part) * spec.candidates
        if (errand := there.errand(spec, spec_id, chunk, calls, longest, list(items.values()))) is None:
            return None
        said = [Said(item_id=key, caption=captions.get(key), details=list(details.get(key, ()))) for key in items]
        errand.parcels.put("said", said)
        errand.parcels.put("prompts", part)
        return chunk, there.crew.submit(write_elsewhere, spec=shared, errand=errand)

    with closing(there.in_turn(spec_id, chunks(prompts, part_size(spec)), hand_out)) as done:
        for part, chunk, bought in done:
            parcels = Parcels(there.place, f"{ROWS}/{spec_id}/{chunk}")
            yield part, chunk, parcels.get("posts", Post), bought
            parcels.remove("items", "said", "prompts", "posts")


@task(task_run_name="judge {errand.chunk}", cache_policy=NO_CACHE, persist_result=False)
def judge_elsewhere(spec: JudgeSpec, errand: Errand) -> Bought:
    """On a worker: buy the judgments of one chunk. No retries here: the engine of calls has the only retry layer."""
    parcels = errand.parcels
    with purchase(spec, errand) as made:
        posts = parcels.get("posts", Post)
        prompts = {prompt.prompt_id: prompt for prompt in parcels.get("prompts", Prompt)}
        shown = {one.prompt_id: json.loads(one.beside) for one in parcels.get("words", Yardstick)}
        words = {
            one.prompt_id: None if one.words is None else json.loads(one.words)
            for one in parcels.get("words", Yardstick)
        }
        now = datetime.now(UTC)
        rows = run_async(lambda: judge(posts, prompts, made.items, words, spec, made.buyer, now, beside=shown))
        parcels.put("judgments", rows)
    return made.said


def judged_elsewhere(
    there: Elsewhere,
    spec: JudgeSpec,
    posts: Sequence[Post],
    beside: Beside,
    material: Callable[[Sequence[Post]], Material],
) -> Generator[tuple[Sequence[Post], str, list[Judgment], Bought], None, None]:
    """(posts, chunk id, judgments, what was bought) part by part; what could not be bought so is in `there.left`."""
    spec_id, shared = spec.id, there.share_of(spec)

    def hand_out(part: Sequence[Post]) -> tuple[str, PrefectFuture[Bought]] | None:
        chunk = chunk_id(spec_id, [post.post_id for post in part])
        prompts, items, words = material(part)
        longest = max(len((post.text or "").encode()) for post in part)
        if (errand := there.errand(spec, spec_id, chunk, calls_of(spec, part), longest, list(items.values()))) is None:
            return None
        errand.parcels.put("posts", part)
        errand.parcels.put("prompts", list(prompts.values()))
        shown = beside.of(prompts)
        yardsticks = [
            Yardstick(
                prompt_id=key,
                words=None if found is None else json.dumps(found, ensure_ascii=False),
                beside=json.dumps(shown[key], ensure_ascii=False),
            )
            for key, found in words.items()
        ]
        errand.parcels.put("words", yardsticks)
        return chunk, there.crew.submit(judge_elsewhere, spec=shared, errand=errand)

    with closing(there.in_turn(spec_id, chunks(posts, part_size(spec)), hand_out)) as done:
        for part, chunk, bought in done:
            parcels = Parcels(there.place, f"{ROWS}/{spec_id}/{chunk}")
            yield part, chunk, parcels.get("judgments", Judgment), bought
            parcels.remove("items", "posts", "prompts", "words", "judgments")


def calls_of(spec: JudgeSpec, posts: Sequence[Post]) -> int:
    """At most, with all the repairs that there may be."""
    return len(posts) * spec.repeats * len(load_rubric(spec.rubric).groups) * (1 + REPAIRS)
