"""`postwright plan`: what a run would do before it does it. Reads the warehouse and the journal, buys nothing.

Prompts that exist are counted as they are. For items whose features are not there yet the prompts are built from
placeholder words of typical length, so that tokens and money can be told before any model has run.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from components.chat import ChatRequest, estimate
from components.chat.batch import Register
from components.chat.batch.register import Entry as OpenBatch
from components.items import list_entries
from components.judgments.panel import JUDGE, judges_of
from components.posts import ask
from components.records import Item, Prompt
from components.spec import Campaign, ChatSpec, Selection
from flows.buying import TRIED_AGAIN, journal_of
from flows.expect_anchors import anchor_stages
from flows.expect_calls import alt_text_stage, telling_requests
from flows.expect_items import expected_items
from flows.expect_judging import expected_judging
from flows.expect_measures import expected_measuring
from flows.expect_posts import by_people, expected_posts, unknown_candidates
from flows.expect_prompts import expected_prompts
from flows.ingest_items import inputs_met, undated
from flows.judges import notes_on
from flows.settings import Settings
from flows.show_spend import read_spend


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


Stage = tuple[str, ChatSpec, Sequence[ChatRequest]]


@dataclass
class Expected:
    """A run before it is done: rows per step, what would be asked of whom, and what cannot be known. `unseen`: the
    items whose features are not there yet."""

    steps: list[StepPlan]
    stages: list[Stage]
    notes: list[str]
    items: int
    unseen: int


def plan_run(
    campaign: Campaign, settings: Settings, start: datetime | None, end: datetime | None, limit: int | None
) -> RunPlan:
    """Rows per step, calls, tokens and dollars."""
    selection = Selection(dataset=campaign.dataset.name, published_from=start, published_to=end, limit=limit)
    expected = expected_run(campaign, settings, selection)
    entries_open = Register(settings.batches).open_entries()
    found = begun(campaign, settings, entries_open)
    found.note = "\n".join(expected.notes) or None
    found.steps = expected.steps
    found.stages = [stage_plan(*stage, entries_open, settings) for stage in expected.stages]
    keys = {request.key for _, _, asked in expected.stages for request in asked}
    found.batches = sum(not keys.isdisjoint(entry.lines) for entry in entries_open)
    return found


def expected_run(campaign: Campaign, settings: Settings, selection: Selection) -> Expected:
    """What a run over a selection would do; nothing is bought."""
    c, store, journal = campaign, settings.store(), journal_of(settings)
    features_id, prompts_id, writer_id = c.features.id, c.prompt.id, c.generation.id
    window = selection.model_copy(update={"limit": None, "sample": None})
    entries, met = list_entries(c.dataset), inputs_met(store, c.dataset.name)
    fresh = [entry for entry in entries if (entry.source_uri, entry.stamp) not in met]
    items, new_items = expected_items(fresh, selection, store)

    unseen = [item for item in store.items_without_features(window, features_id) if item.item_id in items] + new_items
    unprompted = [i for i in store.items_without_prompts(window, prompts_id, features_id) if i.item_id in items]
    new = expected_prompts(unseen, unprompted, store, campaign)
    there = of(items, store.prompts(window, prompts_id, features_id))
    unwritten = store.prompts_without_posts(
        window, prompts_id, features_id, writer_id, c.generation.candidates, TRIED_AGAIN
    )
    to_write = [*of(items, unwritten), *new]
    writing = ask(to_write, items, c.generation)

    prompts = {prompt.prompt_id: prompt for prompt in [*there, *new]}
    posts = store.posts_written(window, prompts_id, features_id, writer_id)
    known = {post.post_id: post for post in posts if post.prompt_id in prompts}
    coming = by_people(to_write, items, c) if c.generation.is_human else expected_posts(writing, c, journal, known)
    judges = judges_of(c)
    judging = {
        name: expected_judging(judge, c, window, prompts, items, known, coming, settings)
        for name, judge in judges.items()
    }

    posts_to_do = len(to_write) * c.generation.candidates
    without_time = sum(entry.published_at is None for entry in entries if not entry.problem)
    notes = [
        undated(selection, without_time, len(entries)),
        *notes_on(c),
        unknown_candidates(writing, c, journal),
    ]
    steps = [
        StepPlan("ingest_items", len(fresh), len(entries) - len(fresh)),
        StepPlan("extract_features", len(unseen), len(items) - len(unseen)),
        StepPlan("build_prompts", len(new), len(there)),
        StepPlan("generate_posts", posts_to_do, len(prompts) * c.generation.candidates - posts_to_do),
        *(StepPlan(name, one.todo, one.there) for name, one in judging.items()),
    ]
    if c.measures:
        steps.append(StepPlan("measure_posts", *expected_measuring(c, window, prompts, coming, store)))
    stages: list[Stage] = [
        *telling_requests(unseen, c.features),
        *alt_text_stage(to_write, items, {item.item_id for item in unseen}, c, store),
        ("generate", c.generation, writing.requests),
        *(("judge" if name == JUDGE else name, judge, judging[name].requests) for name, judge in judges.items()),
        *anchor_stages(c.anchors, tuple(judges.values())),
    ]
    return Expected(steps, stages, [note for note in notes if note], len(items), len(unseen))


def begun(campaign: Campaign, settings: Settings, entries: Sequence[OpenBatch]) -> RunPlan:
    """A plan with the money that is spent and bound so far, in this month and by the open batches `entries`."""
    month = read_spend(settings.store(), "month", campaign)
    # What is journaled of a batch that is being collected is in the month's sum already.
    waiting_usd = sum(max(0.0, one.reserved_usd - one.cost_usd - one.held_usd) for one in entries)
    return RunPlan(
        campaign.name,
        campaign.budget.usd,
        month=month.month,
        month_usd=month.month_usd + waiting_usd,
        month_cap_usd=month.month_cap_usd,
        waiting_usd=waiting_usd,
    )


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


def of(items: Mapping[str, Item], prompts: Sequence[Prompt]) -> list[Prompt]:
    return [prompt for prompt in prompts if prompt.item_id in items]
