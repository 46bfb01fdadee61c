"""What alerts go by: the last runs of a schedule, and of backfills beside them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from components.records import Backfill, Run
from flows.home_metrics import HomeMetrics
from flows.settings import Settings

START = datetime(2026, 3, 1, tzinfo=UTC)
RUN = Run(
    run_id="r0",
    campaign="daily",
    dataset="shop",
    state="failed",
    started_at=START,
    ended_at=START + timedelta(hours=1),
    spec_ids="{}",
    purse="r0",
)


def figures(settings: Settings) -> dict[tuple[str, ...], float]:
    """Of the last runs and backfills: name, campaign, state -> value."""
    samples = (sample for metric in HomeMetrics(settings).collect() for sample in metric.samples)
    return {
        (sample.name.removeprefix("postwright_home_last_"), *sample.labels.values()): sample.value
        for sample in samples
        if "_last_" in sample.name
    }


def test_a_backfill_neither_hides_what_a_schedule_did_nor_is_hidden_by_its_last_window(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "home").prepare()
    store, later = settings.store(), START + timedelta(days=1)
    book = Backfill(
        backfill_id="backfill-1",
        campaign="daily",
        dataset="shop",
        window_on="published_at",
        window_by="day",
        timezone="UTC",
        edges=[START, later],
        spec_ids="{}",
        state="check_failed",
        started_at=later,
        ended_at=later + timedelta(hours=2),
    )
    good = replace(RUN, run_id="r1", state="done", started_at=START - timedelta(days=1), ended_at=START)
    window = replace(RUN, run_id="w1", purse=book.backfill_id, state="done", started_at=later, ended_at=later)
    store.record_run(RUN, good, window)
    store.record_backfill(book)
    found = figures(settings)
    assert found["run_state", "daily", "failed"] == 1 and ("run_state", "daily", "done") not in found
    assert found["success_timestamp_seconds", "daily"] == START.timestamp()
    assert found["run_timestamp_seconds", "daily"] == (START + timedelta(hours=1)).timestamp()
    assert found["backfill_state", "daily", "check_failed"] == 1
    assert found["backfill_timestamp_seconds", "daily"] == (later + timedelta(hours=2)).timestamp()

    store.record_backfill(replace(book, state="done", started_at=later + timedelta(days=1)))
    repeated = figures(settings)
    assert repeated["backfill_state", "daily", "done"] == 1 and len(repeated) == len(found)
    assert repeated["run_state", "daily", "failed"] == 1
