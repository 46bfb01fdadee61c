"""One pipeline run per window of time, a few at once, out of one purse.

A finished window has nothing left to do, so repeating a backfill buys nothing, and the same command does only what is
missing; flows/windows.py has how one failed window bears on the others.
"""

from datetime import datetime
from typing import TypeVar

from prefect import flow

from components.records import content_id
from components.spec import Campaign, ChatSpec
from flows.batching import suspended_while_pending
from flows.pipeline import Summary, pipeline, specs_of
from flows.windows import By, Parallel, Window, raise_first_stop, through, utc, windows

S = TypeVar("S", bound=ChatSpec)


@flow(name="backfill", flow_run_name="{campaign.name} by {by}")
def backfill(
    campaign: Campaign, published_from: datetime, published_to: datetime, by: By = "day", parallel: Parallel = 1
) -> list[Window]:
    """Run the pipeline for every window of [published_from, published_to); raises the first stop at the end."""
    start, end = utc(published_from), utc(published_to)
    found = list(windows(start, end, by))
    purse = purse_of_backfill(campaign, start, end, by)
    hasty = unwaiting(campaign)

    def run(window: Window, wait: bool) -> Summary:
        how = campaign if wait else hasty
        return pipeline(how, published_from=window.start, published_to=window.end, purse=purse)

    through(found, run, hasty != campaign, parallel)
    with suspended_while_pending():
        raise_first_stop(found)
    return found


def unwaiting(campaign: Campaign) -> Campaign:
    """The same, but its batches are handed in and left; equal to `campaign` where nothing would wait."""
    c = campaign
    return c.model_copy(
        update={
            "generation": without_waiting(c.generation),
            "judge": without_waiting(c.judge),
            "panel": tuple(map(without_waiting, c.panel)),
        }
    )


def without_waiting(spec: S) -> S:
    return spec.model_copy(update={"batch_wait_h": 0.0}) if spec.mode == "batch" else spec


def purse_of_backfill(campaign: Campaign, start: datetime, end: datetime, by: By) -> str:
    """The same backfill, started again, goes on with the same purse."""
    spec_ids = {name: spec.id for name, spec in specs_of(campaign).items()}
    return "backfill-" + content_id(campaign.name, spec_ids, start.isoformat(), end.isoformat(), by)
