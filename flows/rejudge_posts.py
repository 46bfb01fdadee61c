"""judgments -> judgments: posts that stand in the warehouse are judged again, by another judge; both readings stay.

Writes judgments and nothing else, whoever wrote the posts and whenever, window by window, out of one purse; repeated it
buys nothing. Then it says how much of a change is the judge's: by the same posts, and between two periods.
"""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated

from prefect import flow
from prefect.artifacts import create_markdown_artifact

from components.errors import BatchPending, UserError
from components.judgments.origins import origins
from components.judgments.shift import AspectChange, Shift
from components.specs import Campaign
from components.warehouse.store import Store
from flows.batching import suspended_while_pending
from flows.forms import form_field
from flows.judge_posts import judge_written
from flows.observing import only_shown
from flows.progress import say
from flows.publish import StepResult
from flows.rejudging import Comparison, Period, between, check_rejudging, compare, purse_of_rejudging
from flows.settings import Settings
from flows.show_judging import markdown
from flows.side_by_side import raise_first_stop, run_parts, wait_for_parts, without_waiting
from flows.stopping import raise_if_stopped
from flows.windows import HOPELESS, By, Parallel, Window, called, utc, windows

Against = Annotated[
    str, form_field("Compare with the judge", "A spec id or a model; empty: who read most of these posts.")
]
CompareFrom = Annotated[
    datetime | None,
    form_field("Another period from", "Read by the new judge: how much of the change is the judge's?"),
]
CompareTo = Annotated[datetime | None, form_field("Another period before")]


@dataclass
class Judged:
    """One window: `posts` worth judging, and what was done about them."""

    start: datetime
    end: datetime
    posts: int
    result: StepResult


@dataclass
class Rejudged:
    """What was judged again, what it cost, and what it tells. `old`, `new`: model and rubric of the judges."""

    campaign: str
    old: str | None = None
    new: str | None = None
    cost_usd: float | None = 0.0
    windows: list[Judged] = field(default_factory=list)
    shift: Shift | None = None
    changes: list[AspectChange] | None = None
    there_is_later: bool = True
    message: str | None = None
    notes: list[str] = field(default_factory=list)


@flow(name="rejudge_posts", flow_run_name="{campaign.name} again by {campaign.judge.model}")
def rejudge_posts(
    campaign: Campaign,
    published_from: datetime,
    published_to: datetime,
    by: By = "month",
    parallel: Parallel = 1,
    against: Against = "",
    compare_from: CompareFrom = None,
    compare_to: CompareTo = None,
) -> Rejudged:
    """Let `campaign.judge` read what stands in the warehouse of [published_from, published_to), and compare it with the
    judge who read it before; with a second period also how much of the change between the two is the judge's.

    Args:
        campaign: The campaign whose posts are read again; its `judge` is the new one, its `budget` the cap.
        published_from: Of items published at or after this time, in UTC where it has no offset. Example:
            2026-03-02T00:00:00Z.
        published_to: Of items published before this time; the window does not hold it. Example: 2026-03-16T00:00:00Z.
        by: One run for each day, week or month of the window.
        parallel: So many windows at a time, out of one purse. More are faster where the provider has room, and buy
            nothing more.
        against: The judge to compare with: a spec id or a model. Empty: who has read most of the posts.
        compare_from: Begin of a second period, which the new judge has read already; then it is told how much of the
            change between the two is the judge's. Empty: none.
        compare_to: End of the second period, not included.
    """
    store, begun = Settings.from_environment().prepare().store(), datetime.now(UTC)
    period, compared = (utc(published_from), utc(published_to)), second_period(compare_from, compare_to)
    result = Rejudged(campaign.name, notes=check_rejudging(campaign, store, period, compared, against))
    for note in result.notes:
        say(note)
    purse, judge = purse_of_rejudging(campaign, period, by), campaign.judge
    hasty = campaign.model_copy(update={"judge": without_waiting(judge)})
    found = list(windows(*period, by))

    def go(window: Window, wait: bool) -> Judged:
        return rejudge_window(campaign if wait else hasty, window.start, window.end, purse)

    run_parts(found, go, parallel, HOPELESS)
    if hasty != campaign:
        wait_for_parts(found, go, parallel, HOPELESS)
    with suspended_while_pending():
        raise_first_stop(found, "windows", called)
    store.prepare()  # the view `calls` may have been made before the first call
    result.windows = [window.summary for window in found]
    result.cost_usd = cost_since(store, purse, begun)
    compared_with(result, compare(campaign, store, period, compared, against))
    words, key, description = markdown(result), "judged-again", f"{campaign.name}, judged again"
    only_shown("what was judged again", lambda: create_markdown_artifact(words, key=key, description=description))
    return result


@flow(name="rejudge_window", flow_run_name="{published_from:%Y-%m-%d} to {published_to:%Y-%m-%d}")
def rejudge_window(campaign: Campaign, published_from: datetime, published_to: datetime, purse: str) -> Judged:
    """One window: the posts of each set of specs beside others of that set and this window. At first they may have been
    judged in another window, beside others: the shift has a note of it."""
    store, begun = Settings.from_environment().store(), time.monotonic()
    selection, total = between(campaign, (published_from, published_to)), StepResult("judge_posts")
    found, waiting = origins(store, selection), list[BatchPending]()
    label = f"judge {published_from:%Y-%m-%d}"
    for one in found:
        raise_if_stopped()
        try:
            total.add(judge_written(campaign.judge, one.written, selection, campaign.budget, purse, purse, label))
        except BatchPending as pending:  # all are handed in before one is waited for
            waiting.append(pending)
    if waiting:
        raise BatchPending(str(waiting[0]), frozenset().union(*(one.batches for one in waiting)))
    total.seconds = time.monotonic() - begun
    return Judged(published_from, published_to, sum(one.posts for one in found), total)


def second_period(start: datetime | None, end: datetime | None) -> Period | None:
    if (start is None) != (end is None):
        raise UserError("compare_from and compare_to go together: give both, or neither")
    return (utc(start), utc(end)) if start and end else None


def compared_with(result: Rejudged, found: Comparison) -> None:
    """Into `result`: what two judges found, and who they are."""
    result.shift, result.changes, result.message = found.shift, found.changes, found.message
    result.there_is_later = found.there_is_later
    if found.shift:
        readers = found.readings.readers
        old, new = readers[found.shift.old], readers[found.shift.new]
        result.old, result.new = f"{old.model} ({old.rubric})", f"{new.model} ({new.rubric})"


def cost_since(store: Store, run_id: str, begun: datetime) -> float | None:
    """What the calls bought since cost, in USD; None where the price of one is unknown."""
    sql = """SELECT count(*) AS calls, count(cost_usd) AS priced, sum(cost_usd) AS usd FROM calls
        WHERE run_id = $run_id AND created_at >= $begun::TIMESTAMPTZ"""
    found = store.query(sql, {"run_id": run_id, "begun": begun})[0]
    return float(found["usd"] or 0) if found["calls"] == found["priced"] else None
