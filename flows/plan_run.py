"""`postwright plan`: what a run would do before it does it. Reads the warehouse and the journal, buys nothing.

Prompts that exist are counted as they are. For items whose features are not there yet the prompts are built from
placeholder words of typical length, so that tokens and money can be told before any model has run.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from components.chat import ChatRequest, History, estimate
from components.chat.batch import Register
from components.chat.batch.register import Entry as OpenBatch
from components.specs import Campaign, ChatSpec, On, Selection
from flows.buying import journal_of
from flows.expect_run import StepPlan, expected_run
from flows.settings import Settings
from flows.show_spend import read_spend


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
    campaign: Campaign,
    settings: Settings,
    start: datetime | None,
    end: datetime | None,
    limit: int | None,
    on: On = "published_at",
) -> RunPlan:
    """Rows per step, calls, tokens and dollars."""
    selection = Selection.within(campaign.dataset.name, on, start, end, limit)
    expected = expected_run(campaign, settings, selection)
    entries_open = Register(settings.batches).open_entries()
    found = begun(campaign, settings, entries_open)
    found.note = "\n".join(expected.notes) or None
    found.steps = expected.steps
    found.stages = [stage_plan(*stage, entries_open, settings) for stage in expected.stages]
    keys = {request.key for _, _, asked in expected.stages for request in asked}
    found.batches = sum(not keys.isdisjoint(entry.lines) for entry in entries_open)
    return found


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
    stage: str,
    chat: ChatSpec,
    asked: Sequence[ChatRequest],
    entries: Sequence[OpenBatch],
    settings: Settings,
    seen: History | None = None,
) -> StagePlan:
    """`entries`: the open batches; what they hold is bought already, though its answers are not here yet. `seen`: what
    the journal told of such calls, where somebody has looked."""
    journal, held = journal_of(settings), {key for entry in entries for key in entry.lines}
    waiting = {request.key for request in asked} & held
    waiting -= journal.lookup_many(waiting).keys()
    cost = estimate([one for one in asked if one.key not in waiting], chat, journal, settings.prices, seen)
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
