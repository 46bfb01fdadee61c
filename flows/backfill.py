"""One pipeline run per window of time, a few at once, out of one purse.

A finished window has nothing left to do, so repeating a backfill buys nothing, and the same command does only what is
missing. A failed window does not stop the others, unless no other could do better: when the budget is spent or the
provider has stopped, no further window is started. By batches, all windows are handed in before one is waited for, and
each further step of all of them before it is waited for.
"""

from datetime import datetime

from prefect import flow

from components.records import content_id
from components.spec import Campaign
from flows.batching import suspended_while_pending
from flows.pipeline import Summary, pipeline, specs_of
from flows.side_by_side import raise_first_stop, run_parts, unwaiting, wait_for_parts
from flows.windows import HOPELESS, By, Parallel, Window, day_of, utc, windows


@flow(name="backfill", flow_run_name="{campaign.name} by {by}")
def backfill(
    campaign: Campaign, published_from: datetime, published_to: datetime, by: By = "day", parallel: Parallel = 1
) -> list[Window]:
    """Run the pipeline for every window of [published_from, published_to); raises the first stop at the end.

    Args:
        campaign: What is read, how it is written and judged, and what it may cost: a campaign file, as a form.
        published_from: The first window begins here, in UTC where it has no offset. Example: 2026-03-02T00:00:00Z.
        published_to: The last window ends before this time. Example: 2026-03-16T00:00:00Z.
        by: One run for each day, week or month of the window.
        parallel: So many windows at a time, out of one purse. More are faster where the provider has room, and buy
            nothing more.
    """
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
        raise_first_stop(found, "windows", day_of)
    return found


def purse_of_backfill(campaign: Campaign, start: datetime, end: datetime, by: By) -> str:
    """The same backfill, started again, goes on with the same purse."""
    spec_ids = {name: spec.id for name, spec in specs_of(campaign).items()}
    return "backfill-" + content_id(campaign.name, spec_ids, start.isoformat(), end.isoformat(), by)
