"""What stands in the warehouse to be judged again, what may be wrong with asking for it, and what it tells."""

from dataclasses import dataclass
from datetime import datetime

from components.errors import UserError
from components.judgments import kinship
from components.judgments.shift import AspectChange, Readings, Shift, change, earlier_judge, readings_of, shift
from components.records import content_id
from components.spec import Campaign, Selection
from components.store import Store, selected
from flows.judge_posts import Written
from flows.preflight import preflight_judge
from flows.windows import utc

Period = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Origin:
    """By which specs some posts were written; `writer` is the model, None where nobody knows it."""

    written: Written
    writer: str | None
    posts: int


@dataclass
class Comparison:
    """What two judges found on the same posts, and between two periods; `message` says what is missing for more."""

    readings: Readings
    shift: Shift | None = None
    changes: list[AspectChange] | None = None
    there_is_later: bool = True
    message: str | None = None


def origins(store: Store, selection: Selection) -> list[Origin]:
    """By whatever specs the selection's posts that are worth judging were written, some of them long ago."""
    sql = f"""{selected(selection)} SELECT p.spec_id AS prompts, p.feature_spec_id AS features,
            po.spec_id AS generation, any_value(sg.params->>'$.model') AS writer, count(*) AS posts
        FROM candidates po JOIN prompts p USING (prompt_id) SEMI JOIN selected USING (item_id)
        LEFT JOIN specs sg ON sg.spec_id = po.spec_id
        WHERE po.to_judge AND po.error IS NULL GROUP BY ALL ORDER BY ALL"""
    rows = store.query(sql, selection.model_dump(exclude_none=True))
    return [
        Origin(Written(row["prompts"], row["features"], row["generation"]), row["writer"], row["posts"]) for row in rows
    ]


def between(campaign: Campaign, period: Period) -> Selection:
    return Selection(dataset=campaign.dataset.name, published_from=period[0], published_to=period[1])


def said(period: Period) -> str:
    return f"{period[0]:%Y-%m-%d} to {period[1]:%Y-%m-%d}"


def check_rejudging(campaign: Campaign, store: Store, period: Period, compared: Period | None) -> list[str]:
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
    return [note for note in (kinship(campaign.judge.model, writer) for writer in writers) if note]


def compare(
    campaign: Campaign, store: Store, period: Period, compared: Period | None = None, against: str = ""
) -> Comparison:
    """From the warehouse alone, so it may be asked for again at any time."""
    new, here = campaign.judge.id, readings_of(store, between(campaign, period))
    found = Comparison(here)
    old = earlier_judge(here, new, against)
    if old is None:
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


def second_period(start: datetime | None, end: datetime | None) -> Period | None:
    if (start is None) != (end is None):
        raise UserError("compare_from and compare_to go together: give both, or neither")
    return (utc(start), utc(end)) if start and end else None
