"""`postwright backfill --dry-run`: what every window would do and cost, and all of them together. Buys nothing.

The source, the warehouse and the journal are read once for all windows. A call that two windows ask for is counted with
the first of them. The range of a window's dollars is as wide as so few calls make it; that of all windows is narrower
than the sum of theirs.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from components.chat import ChatRequest, History, history_of
from components.chat.batch import Register
from components.judgments.panel import judges_of
from components.records import Item
from components.specs import Campaign, ChatSpec, On, Selection
from flows.buying import journal_of
from flows.expect_anchors import anchor_stages
from flows.expect_run import Expected, StepPlan, expected_parts, read_source
from flows.ingest_items import undated
from flows.judges import notes_on
from flows.left import read_there
from flows.plan_run import RunPlan, StagePlan, begun, stage_plan
from flows.settings import Settings
from flows.windows import By, windows


@dataclass
class WindowPlan:
    """`state`: empty, done (nothing is left to do), waiting (calls are in open batches) or to do. `posts` to write;
    `calls` to buy, `cached` in the journal. Money is None where a price is unknown."""

    name: str
    start: datetime
    end: datetime
    state: str
    items: int = 0
    posts: int = 0
    calls: int = 0
    cached: int = 0
    under_way: int = 0
    usd_low: float | None = 0.0
    usd_high: float | None = 0.0


@dataclass
class BackfillPlan(RunPlan):
    """All windows together, and each."""

    windows: list[WindowPlan] = field(default_factory=list)


def plan_backfill(
    campaign: Campaign,
    settings: Settings,
    start: datetime,
    end: datetime,
    by: By = "day",
    timezone: str = "UTC",
    on: On = "published_at",
) -> BackfillPlan:
    """Items, calls, tokens and dollars of every window."""
    found, store = list(windows(start, end, by, timezone)), settings.store()
    whole = Selection.within(campaign.dataset.name, on, found[0].start, found[-1].end)
    source = read_source(campaign, store, whole)
    place = places(source.items, on, [window.start for window in found])
    parts = list(expected_parts(campaign, settings, source, read_there(store, campaign, whole), place, len(found)))

    entries, journal = Register(settings.batches).open_entries(), journal_of(settings)
    plan = BackfillPlan(**vars(begun(campaign, settings, entries)))
    asked: dict[str, tuple[ChatSpec, list[ChatRequest]]] = {}
    for part in parts:
        for stage, chat, requests in part.stages:
            asked.setdefault(stage, (chat, []))[1].extend(requests)
    anchors = anchor_stages(campaign.anchors, tuple(judges_of(campaign).values()))
    plan.stages = [stage_plan(stage, chat, of, entries, settings) for stage, (chat, of) in asked.items()]
    plan.stages += [stage_plan(*stage, entries, settings) for stage in anchors]
    seen = {stage: history_of(of, chat, journal) for stage, (chat, of) in asked.items()}
    counted: set[str] = set()

    def planned(stage: str, chat: ChatSpec, requests: Sequence[ChatRequest]) -> StagePlan:
        own = {request.key: request for request in requests if request.key not in counted}
        counted.update(own)
        history: History = seen[stage]
        return stage_plan(stage, chat, list(own.values()), entries, settings, history)

    for window, part in zip(found, parts, strict=True):
        one = WindowPlan(window.name, window.start, window.end, state_of(part), part.items)
        add(one, part, [planned(*stage) for stage in part.stages])
        plan.windows.append(one)
    plan.steps = [source.step, *summed(parts)]
    notes = [undated(whole, source.undated, len(source.entries)), *notes_on(campaign)]
    plan.note = (
        "\n".join(dict.fromkeys(note for note in [*notes, *(n for p in parts for n in p.notes)] if note)) or None
    )
    plan.batches = sum(not counted.isdisjoint(entry.lines) for entry in entries)
    return plan


def places(items: Mapping[str, Item], on: On, starts: Sequence[datetime]) -> dict[str, int]:
    """Item id -> its window, of contiguous windows that begin at `starts` and cover all these items."""
    return {item_id: bisect_right(starts, getattr(item, on)) - 1 for item_id, item in items.items()}


def state_of(part: Expected) -> str:
    if not part.items:
        return "empty"
    return "to do" if any(step.todo for step in part.steps) else "done"


def add(window: WindowPlan, part: Expected, stages: Sequence[StagePlan]) -> None:
    window.posts = next(step.todo for step in part.steps if step.step == "generate_posts")
    window.calls = sum(stage.calls for stage in stages)
    window.cached = sum(stage.cached for stage in stages)
    window.under_way = sum(stage.under_way for stage in stages)
    if window.under_way:
        window.state = "waiting"
    window.usd_low = _sum([stage.usd_low for stage in stages if stage.calls])
    window.usd_high = _sum([stage.usd_high for stage in stages if stage.calls])


def summed(parts: Sequence[Expected]) -> list[StepPlan]:
    """The steps of all parts together."""
    found: dict[str, StepPlan] = {}
    for step in (step for part in parts for step in part.steps):
        total = found.setdefault(step.step, StepPlan(step.step, 0, 0))
        total.todo, total.there = total.todo + step.todo, total.there + step.there
    return list(found.values())


def _sum(money: Sequence[float | None]) -> float | None:
    known = [usd for usd in money if usd is not None]
    return sum(known) if len(known) == len(money) else None
