"""One pipeline run per window of time, a few at once, out of one purse.

A finished window has nothing left to do, so repeating a backfill buys nothing, and the same command does only what is
missing. A failed window does not stop the others, unless no other could do better: when the budget is spent or the
provider has stopped, no further window is started. By batches, all windows are handed in before one is waited for, and
each further step of all of them before it is waited for.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from prefect import flow
from pydantic import Field

from components.errors import BudgetExceeded, PostwrightError, ProviderStopped, UserError
from components.records import content_id
from components.spec import Campaign
from flows.batching import suspended_while_pending
from flows.pipeline import Summary, pipeline, specs_of
from flows.side_by_side import raise_first_stop, run_parts, unwaiting, wait_for_parts

By = Literal["day", "week", "month"]
HOPELESS = (BudgetExceeded, ProviderStopped)
"""Where no other window could do better."""
Parallel = Annotated[int, Field(ge=1, title="Windows at a time")]


@dataclass
class Window:
    """[start, end) and how its run ended; neither a summary nor an error: it was not started."""

    start: datetime
    end: datetime
    summary: Summary | None = None
    error: PostwrightError | None = None


def windows(start: datetime, end: datetime, by: By) -> Iterator[Window]:
    """Calendar days, weeks of seven days from `start`, or calendar months that cover [start, end), in UTC."""
    if end <= start:
        raise UserError(f"the window is empty: --from {start:%Y-%m-%d} is not before --to {end:%Y-%m-%d}")
    at = start
    while at < end:
        if by == "month":
            upper = (at.replace(day=1) + timedelta(days=32)).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        else:
            upper = at + timedelta(days=7 if by == "week" else 1)
        yield Window(at, min(upper, end))
        at = upper


@flow(name="backfill", flow_run_name="{campaign.name} by {by}")
def backfill(
    campaign: Campaign, published_from: datetime, published_to: datetime, by: By = "day", parallel: Parallel = 1
) -> list[Window]:
    """Run the pipeline for every window of [published_from, published_to); raises the first stop at the end."""
    start, end = utc(published_from), utc(published_to)
    found = list(windows(start, end, by))
    purse = purse_of_backfill(campaign, start, end, by)
    hasty = unwaiting(campaign)

    def go(window: Window, wait: bool) -> Summary:
        how = campaign if wait else hasty
        return pipeline(how, published_from=window.start, published_to=window.end, purse=purse)

    run_parts(found, go, parallel, HOPELESS)
    if hasty != campaign:
        wait_for_parts(found, go, parallel, HOPELESS)
    with suspended_while_pending():
        raise_first_stop(found, "windows", lambda window: f"{window.start:%Y-%m-%d}")
    return found


def purse_of_backfill(campaign: Campaign, start: datetime, end: datetime, by: By) -> str:
    """The same backfill, started again, goes on with the same purse."""
    spec_ids = {spec.step: spec.id for spec in specs_of(campaign)}
    return "backfill-" + content_id(campaign.name, spec_ids, start.isoformat(), end.isoformat(), by)


def utc(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
