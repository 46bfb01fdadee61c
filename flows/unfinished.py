"""Which windows of a backfill have anything left to do, found by one look at all of them.

A window is left out when its run would find nothing: no item without features or prompt, no prompt without its posts,
no post without its readings or measures, and none of them that failed and is tried again. Items that a check has
refused count as left, since they run again after a fix. Anchors belong to no window: where a judge has to read them,
one window is run.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from components.judgments.panel import judges_of
from components.records import Backfill
from components.specs import Campaign, On, Selection
from components.warehouse.store import Store
from flows.left import read_left
from flows.pipeline import Summary, begin
from flows.read_anchors import would_do_something
from flows.windows import Window


def unfinished(
    campaign: Campaign, found: Sequence[Window], book: Backfill, whole: Selection, store: Store
) -> list[Window]:
    """The windows that have to be run. The others get their summary, and a row in `runs` unless it says so already:
    `done`, or `empty` where the window has no items."""
    on: On = whole.on or "published_at"
    times, starts = store.times(whole, on), [window.start for window in found]
    place = {item_id: bisect_right(starts, time) - 1 for item_id, time in times.items()}
    # An item that another process has read in since the first look has no place: the next run finds it.
    left = read_left(store, campaign, whole).items() & place.keys()
    filled, busy = set(place.values()), {place[item] for item in left}
    before = states_of(book.backfill_id, store)
    # Its posts may all be there, and its stop is still to be told: a judge that has drifted.
    busy |= {n for n in filled if before.get(found[n].start) == "check_failed"}
    if (
        campaign.anchors
        and not busy
        and filled
        and would_do_something(campaign.anchors, tuple(judges_of(campaign).values()), store)
    ):
        busy.add(min(filled))
    settled = {n: "done" if n in filled else "empty" for n in range(len(found)) if n not in busy}
    for n, state in settled.items():
        found[n].summary = Summary(run_id="", campaign=campaign.name, state=state)
    new = [(found[n], state) for n, state in settled.items() if before.get(found[n].start) != state]
    if new:
        like, now = begin(campaign, whole, store, book.backfill_id), datetime.now(UTC)
        store.record_run(
            *(
                replace(
                    like,
                    run_id=f"{like.run_id}-{n:04}",
                    window_from=window.start,
                    window_to=window.end,
                    state=state,
                    message=None if state == "done" else "no items",
                    ended_at=now,
                    cost_usd=0.0,
                )
                for n, (window, state) in enumerate(new)
            )
        )
    return [window for n, window in enumerate(found) if n not in settled]


def states_of(backfill_id: str, store: Store) -> dict[datetime, str]:
    """Start of a window -> how its latest run ended."""
    sql = """SELECT window_from, arg_max(state, (started_at, run_id)) AS state FROM runs WHERE purse = $id
        GROUP BY window_from"""
    return {row["window_from"]: row["state"] for row in store.query(sql, {"id": backfill_id})}
