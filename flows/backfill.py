"""One pipeline run per window of time, a few at once, out of one purse.

The source is read once. A window in which nothing is left to do is found by one look at all of them and is not run, so
repeating a finished backfill takes seconds and buys nothing, and the same command does only what is missing. A failed
window does not stop the others, unless no other could do better: when the budget is spent, the provider has stopped or
the home cannot be written, no further window is started. By batches, all windows are handed in before one is waited
for, and each further step of all of them before it is waited for.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated

from prefect import flow

from components.chat.collector import rare_collections
from components.records import Backfill, content_id
from components.report.backfills import read_backfill
from components.specs import Campaign, On, Selection
from components.warehouse.store import Store
from flows.alone import alone
from flows.backfill_artifacts import LiveCalendar
from flows.batching import suspended_while_pending
from flows.check_warehouse import check_warehouse
from flows.exposition import refresh_home
from flows.forms import form_field
from flows.ingest_items import ingest_items, undated
from flows.judges import notes_on
from flows.observing import observed
from flows.pipeline import Summary, begin, go_through, how_it_ended, specs_of
from flows.preflight import preflight
from flows.progress import Part, in_part, note, progress, say
from flows.publish import StepResult
from flows.settings import Settings
from flows.show import money, several
from flows.side_by_side import raise_first_stop, run_parts, unwaiting, wait_for_parts
from flows.stopping import stoppable
from flows.unfinished import unfinished
from flows.windows import HOPELESS, By, Parallel, Timezone, Window, called, windows
from flows.write_report import write_backfill_report

WindowFrom = Annotated[datetime, form_field("From", "The beginning of the first window; included.")]
WindowTo = Annotated[datetime, form_field("To", "The end of the last window; excluded.")]
OnTime = Annotated[
    On, form_field("Windows of", "published_at: the source's time; ingested_at: when items were read in.")
]


@flow(name="backfill", flow_run_name="{campaign.name} by {by}")
def backfill(
    campaign: Campaign,
    window_from: WindowFrom,
    window_to: WindowTo,
    by: By = "day",
    parallel: Parallel = 1,
    on: OnTime = "published_at",
    timezone: Timezone = "UTC",
) -> list[Window]:
    """Run the pipeline for every window of [window_from, window_to) in which something is left to do; raises the first
    stop at the end."""
    settings = Settings.from_environment().prepare()
    store, found = settings.store(), list(windows(window_from, window_to, by, timezone))
    preflight(campaign, store, list_inputs=False)  # the ingestion does
    for told in notes_on(campaign):
        say(told)
    book = book_of(campaign, found, by, on, timezone)
    with (
        rare_collections(),
        suspended_while_pending(),
        alone(settings.shared / f"{book.backfill_id}.running", "this backfill"),
    ):
        store.record_backfill(book)
        calendar = LiveCalendar(store, book.backfill_id)
        try:
            with stoppable():
                go_through_windows(campaign, found, book, settings, parallel, calendar)
            raise_first_stop(found, "windows", called)
        except BaseException as error:  # also a stop from outside leaves how far it came
            state, message = how_it_ended(error)
            end(replace(book, state=state, message=message), settings, calendar, is_stopped=True)
            raise
        end(replace(book, state="done", message=None), settings, calendar)
    return found


def book_of(campaign: Campaign, found: Sequence[Window], by: str, on: On, timezone: str) -> Backfill:
    """The backfill's row, as it begins."""
    spec_ids = {name: spec.id for name, spec in specs_of(campaign).items()}
    edges = [*(window.start for window in found), found[-1].end]
    return Backfill(
        backfill_id=id_of(campaign, edges, on),
        campaign=campaign.name,
        dataset=campaign.dataset.name,
        window_on=on,
        window_by=by,
        timezone=timezone,
        edges=edges,
        spec_ids=json.dumps(spec_ids),
        state="running",
        started_at=datetime.now(UTC),
    )


def id_of(campaign: Campaign, edges: Sequence[datetime], on: On) -> str:
    """What a backfill and its purse are known by: the same command, started again, goes on with both."""
    spec_ids = {name: spec.id for name, spec in specs_of(campaign).items()}
    return "backfill-" + content_id(campaign.name, spec_ids, [edge.isoformat() for edge in edges], on)


def go_through_windows(
    campaign: Campaign,
    found: Sequence[Window],
    book: Backfill,
    settings: Settings,
    parallel: int,
    calendar: LiveCalendar,
) -> None:
    """The source once, then each window in which something is left, then the checks of tables once."""
    store, purse = settings.store(), book.backfill_id
    whole = selection_of(book, found[0].start, found[-1].end)
    ingest_items(campaign.dataset, run_id=purse)
    said = set[str]()
    if left_out := undated(whole, *store.undated(whole.dataset)):
        say(left_out)
        said.add(left_out)  # which each window would say of itself
    todo = unfinished(campaign, found, book, whole, store)
    advance = progress("windows", len(found))
    advance(len(found) - len(todo))
    if len(todo) < len(found):
        say(f"{len(found) - len(todo):,} of {several(len(found), 'window')} have nothing left to do")
    hasty = unwaiting(campaign)

    def go(window: Window, wait: bool) -> Summary:
        begun = time.monotonic()
        selection = selection_of(book, window.start, window.end)
        with in_part(Part(window.name, said)):
            summary = run_window(campaign if wait else hasty, selection, window.name, purse)
        note(f"{window.name}: {told(summary)} in {time.monotonic() - begun:.1f} s")
        return summary

    def gone(window: Window) -> None:
        if window.error is not None:
            state, message = how_it_ended(window.error)
            say(f"{window.name}: {state.replace('_', ' ')}: {message}")
        if window.error is None or state != "waiting":
            advance(1)
        calendar.update()

    run_parts(todo, go, parallel, HOPELESS, gone)
    if hasty != campaign:
        wait_for_parts(todo, go, parallel, HOPELESS, gone)
    latest = (
        "SELECT run_id FROM runs WHERE purse = $purse AND state <> 'empty' ORDER BY started_at DESC, run_id LIMIT 1"
    )
    for run in store.query(latest, {"purse": purse}):
        check_warehouse(campaign, whole, run["run_id"])


@flow(name="run_window", flow_run_name="{campaign.name} {name}")
def run_window(campaign: Campaign, selection: Selection, name: str, purse: str) -> Summary:
    """The pipeline over one window, of items that are read in. Its report is the backfill's, and so is the check of
    tables."""
    settings = Settings.from_environment()
    run = begin(campaign, selection, settings.store(), purse)
    made = [StepResult("ingest_items")]
    with observed(run, campaign, settings, is_part=True):
        return go_through(campaign, selection, run, settings, made, is_shown=False, is_checked=False)


def selection_of(book: Backfill, start: datetime, end: datetime) -> Selection:
    on: On = "ingested_at" if book.window_on == "ingested_at" else "published_at"
    return Selection.within(book.dataset, on, start, end)


def told(summary: Summary) -> str:
    bought = sum(step.bought for step in summary.steps)
    posts = summary.scores.get("posts", 0)
    return f"{summary.state}, {several(posts, 'post')}, {several(bought, 'call')}, {money(summary.cost_usd)}"


def end(book: Backfill, settings: Settings, calendar: LiveCalendar, is_stopped: bool = False) -> None:
    """Keep how the backfill ended, and show it. Where it was stopped, what fails here is only told."""
    store: Store = settings.store()
    try:
        store.record_backfill(replace(book, ended_at=datetime.now(UTC)))
        store.prepare()  # the view `calls` may have been made before the first call
        refresh_home(settings)
        calendar.finish(write_backfill_report(settings, read_backfill(store, book.backfill_id)))
    except Exception as error:  # must not hide what stopped it
        if not is_stopped:
            raise
        say(f"the end of the backfill could not be shown in full: {error}")
