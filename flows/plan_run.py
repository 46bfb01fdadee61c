"""`postwright plan`: what a run would do before it does it. Reads the warehouse and the journal, buys nothing.

Prompts that exist are counted as they are. For items whose features are not there yet the prompts are built from
placeholder words of typical length, so that tokens and money can be told before any model has run.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from components.chat import ChatOutcome, ChatRequest, Status, estimate
from components.items import Entry, list_entries
from components.judgments import judge
from components.posts import ask
from components.prompts import build, load_platform
from components.records import Feature, Item, Post, Prompt
from components.spec import Campaign, Selection
from components.store import Store
from flows.buying import TRIED_AGAIN, journal_of
from flows.ingest_items import inputs_met
from flows.judge_posts import words_of
from flows.settings import Settings

PLACEHOLDERS = {
    "caption": ["two red sailboats on a calm beach in the morning"],
    "topic": ["travel"],
    "sentiment": ["positive"],
    "scene": ["beach"],
    "keyword": ["sailboat", "beach", "morning", "weekend", "harbour", "summer"],
}
"""As long as what the starter and the pretrained captioner say on average (8 to 12 words)."""


@dataclass
class StepPlan:
    step: str
    todo: int
    there: int


@dataclass
class StagePlan:
    """`usd_low` and `usd_high` are None where the price is unknown."""

    stage: str
    model: str
    calls: int
    cached: int
    input_tokens: int
    output_low: int
    output_high: int
    usd_low: float | None
    usd_high: float | None


@dataclass
class RunPlan:
    campaign: str
    budget_usd: float
    steps: list[StepPlan] = field(default_factory=list)
    stages: list[StagePlan] = field(default_factory=list)


def plan_run(
    campaign: Campaign, settings: Settings, start: datetime | None, end: datetime | None, limit: int | None
) -> RunPlan:
    """Rows per step, calls, tokens and dollars."""
    c, store, found = campaign, settings.store(), RunPlan(campaign.name, campaign.budget.usd)
    selection = Selection(dataset=c.dataset.name, published_from=start, published_to=end)
    known = store.items(selection)
    met = inputs_met(store, c.dataset.name)
    entries = list_entries(c.dataset)
    fresh = [entry for entry in entries if (entry.source_uri, entry.stamp) not in met]
    coming = [item for entry in fresh if (item := expected_item(entry, c)) and inside(item, start, end)]
    chosen = sorted(
        [*known, *coming], key=lambda item: (item.published_at is None, item.published_at, item.source_uri)
    )[:limit]
    ids = {item.item_id for item in chosen}

    features_id, prompts_id = c.features.id, c.prompt.id
    unseen = [i for i in store.items_without_features(selection, features_id) if i.item_id in ids]
    unseen += [item for item in coming if item.item_id in ids]
    unprompted = [i for i in store.items_without_prompts(selection, prompts_id, features_id) if i.item_id in ids]
    there = [
        prompt
        for prompt in store.prompts_without_posts(
            selection, prompts_id, features_id, c.generation.id, c.generation.candidates, TRIED_AGAIN
        )
        if prompt.item_id in ids
    ]
    new = expected_prompts(unseen, unprompted, store, campaign)
    to_write = [*there, *new]
    items = {item.item_id: item for item in chosen}
    writing = ask(to_write, items, c.generation).requests
    unjudged = [
        post
        for post in store.posts_without_judgments(
            selection, prompts_id, features_id, c.generation.id, c.judge.id, c.judge.repeats, TRIED_AGAIN
        )
    ]
    prompts = store.by_ids(Prompt, "prompts", "prompt_id", [post.prompt_id for post in unjudged])
    unjudged = [post for post in unjudged if prompts[post.prompt_id].item_id in ids]
    prompts |= {prompt.prompt_id: prompt for prompt in to_write}
    expected = [expected_post(prompt, n, c) for prompt in to_write for n in range(c.generation.candidates)]
    judging = judge_requests([*unjudged, *expected], prompts, items, store, campaign)

    found.steps = [
        StepPlan("ingest_items", len(fresh), len(entries) - len(fresh)),
        StepPlan("extract_features", len(unseen), len(chosen) - len(unseen)),
        StepPlan("build_prompts", len(new), len(chosen) - len(new)),
        StepPlan("generate_posts", len(writing), len(chosen) * c.generation.candidates - len(writing)),
        StepPlan("judge_posts", len(judging), 0),
    ]
    found.steps[-1].there = max(0, (len(chosen) * c.generation.candidates) * c.judge.repeats - len(judging))
    journal = journal_of(settings)
    for stage, chat, asked in (("generate", c.generation, writing), ("judge", c.judge, judging)):
        cost = estimate(asked, chat, journal)
        found.stages.append(
            StagePlan(
                stage,
                chat.model,
                cost.calls,
                cost.cached,
                cost.input_tokens,
                cost.output_low,
                cost.output_high,
                cost.usd_low,
                cost.usd_high,
            )
        )
    return found


def expected_item(entry: Entry, campaign: Campaign) -> Item | None:
    """The item an input will probably become; pictures are not opened: a broken one is counted here, refused later."""
    if entry.problem:
        return None
    return Item(
        item_id=f"expected {entry.source_uri}",
        dataset=campaign.dataset.name,
        spec_id="",
        source_uri=entry.source_uri,
        image_path=entry.image_path,
        text=entry.text,
        author=entry.author,
        language=entry.language,
        published_at=entry.published_at,
        ingested_at=datetime.now(UTC),
    )


def inside(item: Item, start: datetime | None, end: datetime | None) -> bool:
    if start is None and end is None:
        return True
    at = item.published_at
    return at is not None and (start is None or at >= start) and (end is None or at < end)


def expected_prompts(
    unseen: Sequence[Item], unprompted: Sequence[Item], store: Store, campaign: Campaign
) -> list[Prompt]:
    """Prompts from the features that are there, and from placeholders where none are."""
    spec_id = campaign.features.id
    features = store.features([item.item_id for item in unprompted], spec_id)
    for item in unseen:
        names = (
            PLACEHOLDERS
            if item.image_path
            else {k: v for k, v in PLACEHOLDERS.items() if k not in ("caption", "scene")}
        )
        features[item.item_id] = [
            Feature(
                feature_id=f"{item.item_id} {name} {rank}",
                item_id=item.item_id,
                spec_id=spec_id,
                name=name,
                rank=rank,
                text=text,
                score=0.9,
                model="",
            )
            for name, texts in names.items()
            for rank, text in enumerate(texts)
        ]
    prompts, _ = build([*unprompted, *unseen], features, campaign.prompt)
    return prompts


def expected_post(prompt: Prompt, candidate: int, campaign: Campaign) -> Post:
    """A post of typical length: most of a short platform's limit, a paragraph or two on a long one."""
    limit = load_platform(prompt.platform).limit
    return Post(
        post_id=f"expected {prompt.prompt_id} {candidate}",
        prompt_id=prompt.prompt_id,
        spec_id=campaign.generation.id,
        candidate=candidate,
        platform=prompt.platform,
        text="word " * (min(int(limit * 0.7), 600) // 5),
        created_at=datetime.now(UTC),
    )


def judge_requests(
    posts: Sequence[Post], prompts: dict[str, Prompt], items: dict[str, Item], store: Store, campaign: Campaign
) -> list[ChatRequest]:
    """The requests the judge would send: it is run with a buyer that only writes them down."""
    asked: list[ChatRequest] = []

    async def write_down(requests: Sequence[ChatRequest]) -> list[ChatOutcome]:
        asked.extend(requests)
        unanswered = ChatOutcome(
            key="",
            status=Status.bad_request,
            text=None,
            detail="planned only",
            input_tokens=0,
            output_tokens=0,
            cost_usd=None,
            latency_ms=0,
            attempts=0,
            bought=False,
        )
        return [replace(unanswered, key=request.key) for request in requests]

    used = {post.prompt_id: prompts[post.prompt_id] for post in posts}
    words = words_of(store, {key: prompt for key, prompt in used.items() if not prompt.item_id.startswith("expected ")})
    asyncio.run(judge(posts, used, items, words, campaign.judge, write_down, datetime.now(UTC)))
    return asked
