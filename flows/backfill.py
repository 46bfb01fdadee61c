"""One pipeline run per window of time, a few at once, out of one purse.

A finished window has nothing left to do, so repeating a backfill buys nothing; a failed window does not stop the
others, and the same command does only what is missing.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from prefect import flow

from components.errors import PostwrightError, UserError
from components.spec import Campaign
from flows.pipeline import Summary, pipeline

By = Literal["day", "week", "month"]


@dataclass
class Window:
    """[start, end) and how its run ended."""

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
    campaign: Campaign, published_from: datetime, published_to: datetime, by: By = "day", parallel: int = 1
) -> list[Window]:
    """Run the pipeline for every window of [published_from, published_to); raises the first stop at the end."""
    found = list(windows(utc(published_from), utc(published_to), by))
    purse = f"backfill-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"

    def run(window: Window) -> Window:
        try:
            window.summary = pipeline(campaign, published_from=window.start, published_to=window.end, purse=purse)
        except PostwrightError as error:
            window.error = error
        return window

    if parallel == 1:
        done = [run(window) for window in found]
    else:
        with ThreadPoolExecutor(parallel) as pool:
            done = list(pool.map(lambda window: copy_context().run(run, window), found))
    stopped = [window for window in done if window.error]
    if stopped:
        raise type(stopped[0].error)(  # type: ignore[misc]
            f"{len(stopped)} of {len(done)} windows stopped, first {stopped[0].start:%Y-%m-%d}: {stopped[0].error}"
        )
    return done


def utc(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
