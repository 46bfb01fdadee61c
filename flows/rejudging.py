"""What stands in the warehouse to be judged again, what may be wrong with asking for it, and what it tells.

Imports no Prefect, so that the command line answers a wrong question in a moment.
"""

from dataclasses import dataclass
from datetime import datetime

from components.errors import UserError
from components.judgments import kinship
from components.judgments.origins import origins
from components.judgments.readings import Readings, earlier_judge, reader_of, readings_of
from components.judgments.shift import AspectChange, Shift, change, shift
from components.records import content_id
from components.specs import Campaign, Selection
from components.warehouse.store import Store
from flows.preflight import preflight_judge

Period = tuple[datetime, datetime]


@dataclass
class Comparison:
    """What two judges found on the same posts, and between two periods; `message` says what is missing for more."""

    readings: Readings
    shift: Shift | None = None
    changes: list[AspectChange] | None = None
    there_is_later: bool = True
    message: str | None = None


def between(campaign: Campaign, period: Period) -> Selection:
    return Selection(dataset=campaign.dataset.name, published_from=period[0], published_to=period[1])


def said(period: Period) -> str:
    return f"{period[0]:%Y-%m-%d} to {period[1]:%Y-%m-%d}"


def check_rejudging(
    campaign: Campaign, store: Store, period: Period, compared: Period | None = None, against: str = ""
) -> list[str]:
    """Raises UserError before anything is spent; returns what people should know of the judge."""
    for name, (start, end) in {"the window": period, **({"compare": compared} if compared else {})}.items():
        if start >= end:
            raise UserError(f"{name} is empty: {start:%Y-%m-%d} is not before {end:%Y-%m-%d}")
    if compared and compared[0] < period[1] and period[0] < compared[1]:
        raise UserError(f"compare: {said(compared)} overlaps {said(period)}; give two periods that do not")
    found = origins(store, between(campaign, period))
    if not found:
        known = [row["dataset"] for row in store.query("SELECT DISTINCT dataset FROM items ORDER BY dataset")]
        raise UserError(
            f"no post of dataset {campaign.dataset.name!r} published {said(period)} is in this home (datasets here: "
            f"{', '.join(known) or 'none'}); to write some: postwright backfill"
        )
    writers = list(dict.fromkeys(one.writer for one in found if one.writer))
    preflight_judge(campaign.judge, campaign, writers, store.path.with_name("prices.yaml"))
    earlier_judge(readings_of(store, between(campaign, period)), reader_of(campaign.judge), against)
    return [note for note in (kinship(campaign.judge.model, writer) for writer in writers) if note]


def compare(
    campaign: Campaign, store: Store, period: Period, compared: Period | None = None, against: str = ""
) -> Comparison:
    """From the warehouse alone, so it may be asked for again at any time."""
    mine, here = reader_of(campaign.judge), readings_of(store, between(campaign, period))
    new, found, old = mine.spec_id, Comparison(here), earlier_judge(here, mine, against)
    if old is None or new not in here.readers:
        found.message = (
            "no other judge has read these posts by these aspects, so there is nothing to compare with: give another "
            "judge, e.g. --set judge.model=openai/gpt-4o"
        )
        return found
    found.shift = shift(here, old, new)
    if compared is None:
        return found
    there = readings_of(store, between(campaign, compared))
    if not there.scores.get(new):
        found.message = (
            f"the new judge has read no post of {said(compared)}, so the change between the periods cannot be told: "
            "let it judge that period first, by the same command with those dates"
        )
        return found
    found.there_is_later = compared[0] >= period[1]
    found.changes = change(here, old, new, there, found.there_is_later)
    return found


def purse_of_rejudging(campaign: Campaign, period: Period, by: str) -> str:
    """The same command, started again, goes on with the same purse."""
    times = [time.isoformat() for time in period]
    return "rejudge-" + content_id(campaign.name, campaign.dataset.name, campaign.judge.id, times, by)
