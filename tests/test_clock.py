"""A clock that jumps: what came last stays the latest, whatever times stand beside it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from components.records import Item, Quarantine, Run
from components.specs import Selection
from components.warehouse.store import Store
from flows.buying import purse_of
from flows.ingest_items import later
from flows.inputs import inputs_met, newest_reading

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
AHEAD = NOW + timedelta(days=3)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path / "warehouse.duckdb")
    made.prepare()
    return made


def an_item(item_id: str, stamp: str, at: datetime) -> Item:
    return Item(item_id=item_id, dataset="d", spec_id="D", source_uri="u", stamp=stamp, text=item_id, ingested_at=at)


def a_refusal(stamp: str, at: datetime) -> Quarantine:
    return Quarantine(
        quarantine_id=f"q{stamp}", step="ingest_items", dataset="d", source_uri="u", stamp=stamp, reason="empty",
        detail="", at=at,
    )  # fmt: skip


def test_an_input_that_was_edited_after_the_clock_was_set_back_is_read_as_edited(store: Store) -> None:
    store.append({"items": [an_item("first", "1", AHEAD)]})
    items, refused = later([an_item("edited", "2", NOW)], [], newest_reading(store, "d"))
    store.append({"items": items, "quarantine": refused})
    assert [item.item_id for item in store.items(Selection(dataset="d"))] == ["edited"]
    met = inputs_met(store, "d")
    assert ("u", "2") in met and len(met) == 1, "and is not read again and again"
    items, refused = later([], [a_refusal("3", NOW)], newest_reading(store, "d"))
    store.append({"items": items, "quarantine": refused})
    met = inputs_met(store, "d")
    assert ("u", "3") in met and len(met) == 1


def test_times_are_left_as_they_are_where_the_clock_goes_forward(store: Store) -> None:
    item, refusal = an_item("a", "1", NOW), a_refusal("1", NOW)
    assert later([item], [refusal], None) == ([item], [refusal])
    assert later([item], [refusal], NOW - timedelta(seconds=1)) == ([item], [refusal])


def test_a_run_goes_on_with_the_purse_of_the_run_that_was_written_last(store: Store) -> None:
    old = Run(
        run_id="old",
        campaign="c",
        dataset="d",
        state="done",
        started_at=AHEAD,
        ended_at=AHEAD,
        spec_ids="{}",
        purse="old",
    )
    store.record_run(old)
    stopped = replace(old, run_id="new", state="running", started_at=NOW, ended_at=None, purse="new")
    store.record_run(stopped)
    store.record_run(replace(stopped, state="budget_stopped", ended_at=NOW))
    assert purse_of(store, replace(stopped, run_id="resumed")) == "new", "else the budget would begin anew"
    store.record_run(replace(stopped, state="done", ended_at=NOW))
    assert purse_of(store, replace(stopped, run_id="later")) == "later"
