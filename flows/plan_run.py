"""`postwright plan`: what a run would do before it does it. Reads the warehouse and the journal, buys nothing.

Prompts that exist are counted as they are. For items whose features are not there yet the prompts are built from
placeholder words of typical length, so that tokens and money can be told before any model has run.
"""

import asyncio
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime

from components.chat import ChatOutcome, ChatRequest, Status, estimate
from components.chat.batch import Register
from components.chat.batch.register import Entry as OpenBatch
from components.features.told_captions import alt_text_requests, caption_requests, fusion_requests
from components.items import Entry, list_entries
from components.items.sending import seen_differently
from components.judgments import judge
from components.posts import ask
from components.prompts import build, language_name, load_platform
from components.records import Feature, Item, Post, Prompt
from components.spec import Campaign, ChatSpec, FeatureSpec, Selection
from components.store import Store
from flows.buying import TRIED_AGAIN, journal_of
from flows.expect_posts import by_people, expected_posts, unknown_candidates, worth_judging
from flows.generate_posts import materials
from flows.ingest_items import inputs_met, undated
from flows.judge_posts import waiting_calls, words_of
from flows.settings import Settings
from flows.show_spend import read_spend

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
    """`calls` are to be bought, `under_way` in open batches, `cached` in the journal. `usd_low` and `usd_high` are None
    where the price is unknown; `batch_prices`: they are counted at the prices of batches."""

    stage: str
    model: str
    calls: int
    cached: int
    input_tokens: int
    output_low: int
    output_high: int
    usd_low: float | None
    usd_high: float | None
    mode: str = "live"
    from_history: bool = False
    under_way: int = 0
    batch_prices: bool = False


@dataclass
class RunPlan:
    """`month_usd` was spent, or may have been, in this calendar month (UTC) by the whole home; `waiting_usd` of it is
    what its open batches may cost. `batches`: those that hold calls of this plan."""

    campaign: str
    budget_usd: float
    month: str = ""
    month_usd: float = 0.0
    month_cap_usd: float | None = None
    waiting_usd: float = 0.0
    batches: int = 0
    steps: list[StepPlan] = field(default_factory=list)
    stages: list[StagePlan] = field(default_factory=list)
    note: str | None = None


def plan_run(
    campaign: Campaign, settings: Settings, start: datetime | None, end: datetime | None, limit: int | None
) -> RunPlan:
    """Rows per step, calls, tokens and dollars."""
    c, store, journal = campaign, settings.store(), journal_of(settings)
    features_id, prompts_id, writer_id = c.features.id, c.prompt.id, c.generation.id
    selection = Selection(dataset=c.dataset.name, published_from=start, published_to=end)
    entries, met = list_entries(c.dataset), inputs_met(store, c.dataset.name)
    fresh = [entry for entry in entries if (entry.source_uri, entry.stamp) not in met]
    items, new_items = expected_items(fresh, selection, store, limit)

    unseen = [
        item for item in store.items_without_features(selection, features_id) if item.item_id in items
    ] + new_items
    unprompted = [i for i in store.items_without_prompts(selection, prompts_id, features_id) if i.item_id in items]
    new = expected_prompts(unseen, unprompted, store, campaign)
    there = of(items, store.prompts(selection, prompts_id, features_id))
    unwritten = store.prompts_without_posts(
        selection, prompts_id, features_id, writer_id, c.generation.candidates, TRIED_AGAIN
    )
    to_write = [*of(items, unwritten), *new]
    writing = ask(to_write, items, c.generation)

    prompts = {prompt.prompt_id: prompt for prompt in [*there, *new]}
    ids = (selection, prompts_id, features_id, writer_id)
    known = {p.post_id: p for p in store.posts_written(*ids) if p.prompt_id in prompts}
    written = [post for post in store.posts_to_judge(*ids) if post.prompt_id in prompts]
    todo = store.posts_without_judgments(*ids, c.judge.id, c.judge.repeats, TRIED_AGAIN)
    unjudged = [post for post in todo if post.prompt_id in prompts]
    coming = by_people(to_write, items, c) if c.generation.is_human else expected_posts(writing, c, journal, known)
    expected = worth_judging(coming, c.generation)
    if c.generation.choose == "clip":  # another candidate may be nearer than the one so far: one is judged in the end
        renewed = {post.prompt_id for post in expected}
        written, unjudged = ([post for post in of if post.prompt_id not in renewed] for of in (written, unjudged))
    batch = [*known.values(), *coming]  # as it will be when the judging begins: neighbours are part of a call's key
    judging = judge_requests([*unjudged, *expected], batch, prompts, items, settings, c)

    posts_to_do, readings = len(to_write) * c.generation.candidates, c.judge.repeats
    without_time = sum(entry.published_at is None for entry in entries if not entry.problem)
    notes = [
        undated(selection, without_time, len(entries)),
        seen_differently(c.generation, c.judge),
        unknown_candidates(writing, c, journal),
    ]
    month, entries_open = read_spend(store, "month", c), Register(settings.batches).open_entries()
    # What is journaled of a batch that is being collected is in the month's sum already.
    waiting_usd = sum(max(0.0, one.reserved_usd - one.cost_usd - one.held_usd) for one in entries_open)
    found = RunPlan(
        c.name,
        c.budget.usd,
        month=month.month,
        month_usd=month.month_usd + waiting_usd,
        month_cap_usd=month.month_cap_usd,
        waiting_usd=waiting_usd,
        note="\n".join(note for note in notes if note) or None,
    )
    found.steps = [
        StepPlan("ingest_items", len(fresh), len(entries) - len(fresh)),
        StepPlan("extract_features", len(unseen), len(items) - len(unseen)),
        StepPlan("build_prompts", len(new), len(there)),
        StepPlan("generate_posts", posts_to_do, len(prompts) * c.generation.candidates - posts_to_do),
        StepPlan("judge_posts", (len(unjudged) + len(expected)) * readings, (len(written) - len(unjudged)) * readings),
    ]
    stages: list[tuple[str, ChatSpec, Sequence[ChatRequest]]] = [
        *telling_requests(unseen, c.features),
        *alt_text_stage(to_write, items, {item.item_id for item in unseen}, c, store),
        ("generate", c.generation, writing.requests),
        ("judge", c.judge, judging),
    ]
    found.stages = [stage_plan(*stage, entries_open, settings) for stage in stages]
    keys = {request.key for _, _, asked in stages for request in asked}
    found.batches = sum(not keys.isdisjoint(entry.lines) for entry in entries_open)
    return found


def stage_plan(
    stage: str, chat: ChatSpec, asked: Sequence[ChatRequest], entries: Sequence[OpenBatch], settings: Settings
) -> StagePlan:
    """`entries`: the open batches; what they hold is bought already, though its answers are not here yet."""
    journal, held = journal_of(settings), {key for entry in entries for key in entry.lines}
    waiting = {request.key for request in asked} & held
    waiting -= journal.lookup_many(waiting).keys()
    cost = estimate([one for one in asked if one.key not in waiting], chat, journal, settings.prices)
    return StagePlan(
        stage,
        chat.model,
        cost.calls,
        len(asked) - len(waiting) - cost.calls,
        cost.input_tokens,
        cost.output_low,
        cost.output_high,
        cost.usd_low,
        cost.usd_high,
        chat.mode,
        cost.from_history,
        len(waiting),
        cost.batch_prices,
    )


def alt_text_stage(
    prompts: Sequence[Prompt], items: Mapping[str, Item], unseen: Set[str], campaign: Campaign, store: Store
) -> list[tuple[str, ChatSpec, Sequence[ChatRequest]]]:
    """What the writer would be asked about pictures: with their captions, or one of typical length where none can be
    known yet (`unseen`: item ids)."""
    spec = campaign.generation
    if spec.alt_text != "model" or not prompts:
        return []
    shown = {prompt.item_id: items[prompt.item_id] for prompt in prompts}
    _, captions, _ = materials(store, prompts)
    captions |= dict.fromkeys(shown.keys() & unseen, PLACEHOLDERS["caption"][0])
    limit = load_platform(campaign.prompt.platform).alt_text.limit
    language = language_name(campaign.prompt.language)
    return [("alt_text", spec, alt_text_requests(list(shown.values()), captions, spec, limit, language).requests)]


def telling_requests(
    unseen: Sequence[Item], features: FeatureSpec
) -> list[tuple[str, ChatSpec, Sequence[ChatRequest]]]:
    """What a language model would be asked about the pictures; fusions are counted with captions of typical length."""
    told, found = features.told, list[tuple[str, ChatSpec, Sequence[ChatRequest]]]()
    if told is None:
        return found
    pictured = [item for item in unseen if item.image_path]
    if told.caption:
        found.append(("caption", told, caption_requests(pictured, told).requests))
    if told.fuse:
        one, other = PLACEHOLDERS["caption"][0], PLACEHOLDERS["caption"][0][::-1]
        pairs = [(item.item_id, f"{one} {n}", other) for n, item in enumerate(pictured)]
        found.append(("fuse_captions", told, fusion_requests(pairs, told)))
    return found


def expected_items(
    fresh: Sequence[Entry], selection: Selection, store: Store, limit: int | None
) -> tuple[dict[str, Item], list[Item]]:
    """The items a run would take, by id, and those of them that are not in the warehouse yet.

    An input whose row and picture were met under another name is the item that it was there; any other new input
    replaces the item that its place held before.
    """
    sql = "SELECT stamp, item_id FROM inputs WHERE dataset = $dataset AND item_id IS NOT NULL"
    by_stamp = {row["stamp"]: row["item_id"] for row in store.query(sql, {"dataset": selection.dataset})}
    stays = {by_stamp[entry.stamp] for entry in fresh if entry.stamp in by_stamp}
    replaced = {entry.source_uri for entry in fresh if not entry.problem and entry.stamp not in by_stamp}
    kept = [item for item in store.items(selection) if item.source_uri not in replaced or item.item_id in stays]
    new = [expected_item(entry, selection) for entry in fresh if not entry.problem and entry.stamp not in by_stamp]
    coming = [item for item in new if inside(item, selection)]
    ordered = sorted([*kept, *coming], key=lambda i: (i.published_at is None, i.published_at, i.source_uri))
    chosen = {item.item_id: item for item in ordered[:limit]}
    return chosen, [item for item in coming if item.item_id in chosen]


def expected_item(entry: Entry, selection: Selection) -> Item:
    """The item an input will probably become; pictures are not opened: a broken one is counted here, refused later."""
    return Item(
        item_id=f"expected {entry.source_uri}",
        dataset=selection.dataset,
        spec_id="",
        source_uri=entry.source_uri,
        image_path=entry.image_path,
        text=entry.text,
        author=entry.author,
        language=entry.language,
        published_at=entry.published_at,
        ingested_at=datetime.now(UTC),
    )


def inside(item: Item, selection: Selection) -> bool:
    start, end, at = selection.published_from, selection.published_to, item.published_at
    if start is None and end is None:
        return True
    return at is not None and (start is None or at >= start) and (end is None or at < end)


def of(items: Mapping[str, Item], prompts: Sequence[Prompt]) -> list[Prompt]:
    return [prompt for prompt in prompts if prompt.item_id in items]


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


def judge_requests(
    posts: Sequence[Post],
    batch: Sequence[Post],
    prompts: Mapping[str, Prompt],
    items: Mapping[str, Item],
    settings: Settings,
    campaign: Campaign,
) -> list[ChatRequest]:
    """The requests the judge would send: it is run with a buyer that writes them down, and answers from the journal
    alone, so that a reply which could not be read is followed by the repairs that were asked for."""
    asked: list[ChatRequest] = []
    store, journal, waiting = settings.store(), journal_of(settings), waiting_calls(settings)

    async def write_down(requests: Sequence[ChatRequest]) -> list[ChatOutcome]:
        asked.extend(requests)
        return [
            journal.lookup(request.key) or ChatOutcome(key=request.key, status=Status.bad_request, detail="planned")
            for request in requests
        ]

    used = {post.prompt_id: prompts[post.prompt_id] for post in posts}
    words = words_of(store, {key: prompt for key, prompt in used.items() if not prompt.item_id.startswith("expected ")})
    now, spec = datetime.now(UTC), campaign.judge
    asyncio.run(judge(posts, used, items, words, spec, write_down, now, batch=batch, waiting=waiting))
    return asked
