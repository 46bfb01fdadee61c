"""Backfills: the source once, only what is left, one at a time, resumable, and how each window stands afterwards."""

import base64
import html
import json
import re
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import get_client

from components.errors import ProviderStopped, UserError
from components.report.backfills import BackfillState, read_backfill
from components.specs import Campaign
from flows import ingest_items as ingestion
from flows.backfill import backfill
from flows.pipeline import pipeline
from flows.settings import Settings
from flows.windows import Window
from flows.write_report import write_report
from tests.fake_provider import FakeProvider
from tests.steps import ROWS, campaign_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

FROM, TO = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 6, tzinfo=UTC)
UNDATED = ("Nobody knows when this was written, or by whom.", "")
LATE = ("A late arrival for the third of March.", "2026-03-03T20:00:00Z")


def state(home: Settings) -> BackfillState:
    return read_backfill(home.store())


def kinds(home: Settings) -> list[str]:
    return [window.kind for window in state(home).windows]


def ran(home: Settings) -> list[dict[str, Any]]:
    """What the steps of each run have done; a window that was only found done has none."""
    rows = home.store().query("SELECT * FROM runs ORDER BY window_from, started_at")
    return [row | {"rows": json.loads(row["rows"])} for row in rows if row["rows"] != "{}"]


def days(home: Settings) -> list[int]:
    return [row["window_from"].day for row in ran(home)]


def states(found: list[Window]) -> list[str]:
    return [window.summary.state for window in found]


def offline(
    folder: Path, n: int, server: FakeProvider | None = None, more: Sequence[Any] = (), **sections: Any
) -> Campaign:
    """Of `n` days with an item each, and one without a date."""
    if server is not None:
        sections |= {
            "generation": {"model": "openai/fake", "endpoint": server.url, "max_attempts": 1, "picture": False},
            "budget": {"allow_unpriced": True},
        }
    return campaign_of(folder, [*ROWS[:n], UNDATED, *more], **sections)


def page_of(home: Settings) -> str:
    found = state(home)
    return html.unescape(home.backfill_report(found.campaign, found.backfill_id).read_text(encoding="utf-8"))


def test_a_backfill_reads_the_source_once_and_repeated_it_runs_only_what_is_left(
    home: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed: list[str] = []
    list_entries = ingestion.list_entries
    monkeypatch.setattr(
        ingestion, "list_entries", lambda spec, met: (listed.append(spec.name), list_entries(spec, met))[1]
    )
    campaign = offline(tmp_path, 3)
    assert states(backfill(campaign, FROM, TO, parallel=2)) == ["done"] * 3 + ["empty"] * 2
    assert len(listed) == 1
    assert days(home) == [1, 2, 3] and {row["purse"] for row in ran(home)} == {state(home).backfill_id}
    assert kinds(home) == ["done"] * 3 + ["empty"] * 2
    assert [state(home).total(name) for name in ("items", "posts", "judged", "calls")] == [3, 3, 3, 6]
    checks = home.store().query("SELECT count(DISTINCT run_id) AS runs FROM checks WHERE chunk_id = 'table'")
    assert checks == [{"runs": 1}], "whole tables are checked once"
    shown_in_the_ui(home)

    before = home.store().query("SELECT * FROM runs ORDER BY run_id")
    assert states(backfill(campaign, FROM, TO)) == ["done"] * 3 + ["empty"] * 2
    assert home.store().query("SELECT * FROM runs ORDER BY run_id") == before, "nothing was left to do"

    assert states(backfill(campaign, FROM, TO, by="week")) == ["done"]
    assert len(ran(home)) == 3, "other windows over what is there are done without a run, and recorded"
    assert [window.state for window in state(home).windows] == ["done"]
    assert "All 1 windows are done" in page_of(home)

    with home.store().connect() as db:
        db.execute("DELETE FROM judgments WHERE post_id = (SELECT min(post_id) FROM posts)")
    backfill(campaign, FROM, TO)
    assert len(ran(home)) == 4 and (state(home).total("judged"), state(home).total("calls")) == (3, 6)

    backfill(offline(tmp_path, 3, more=[LATE]), FROM, TO)
    assert sorted(days(home)).count(3) == days(home).count(3) >= 2 and len(ran(home)) == 5
    assert state(home).windows[2].posts == 2


def shown_in_the_ui(home: Settings) -> None:
    """One artifact, whose picture and table have followed the windows."""
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(limit=100)
    [shown] = [str(one.data) for one in found if one.description == f"The windows of {state(home).backfill_id}"]
    [picture] = re.findall(r"\(data:image/svg\+xml;base64,([^)]+)\)", shown)
    svg = base64.b64decode(picture).decode()
    assert svg.count('class="done') == 3 + 1, "the cells, and one in the legend"
    assert "5 windows: 3 done, 2 empty" in svg
    assert "# test: done" in shown and "| 2026-03-02 | done | 1 | 1 | 2 |" in shown and "Report: `" in shown


def test_a_failed_post_and_a_stopped_window_run_again_and_nothing_else(home: Settings, tmp_path: Path) -> None:
    with FakeProvider() as server:
        campaign = offline(tmp_path, 4, server)
        server.faults.extend(["ok", "503", "401"])
        with pytest.raises(ProviderStopped, match=r"1 of 5 windows stopped and 1 not started, first 2026-03-03"):
            backfill(campaign, FROM, TO)
        assert kinds(home) == ["done", "done", "failed", "not started", "empty"]
        stopped = state(home)
        assert stopped.state == "provider_stopped" and stopped.windows[2].state == "provider_stopped"
        assert stopped.windows[1].posts == 0, "a failure that is tried again is no end of its window"
        assert "1 failed, 1 not started of 5 windows" in page_of(home)
        assert str(stopped.windows[2].message) in page_of(home)
        backfill(campaign, FROM, TO)
        assert server.stats["requests"] == 3 + 3
        assert kinds(home) == ["done"] * 4 + ["empty"] and state(home).state == "done"
        assert days(home) == [1, 2, 2, 3, 3, 4]
        backfill(campaign, FROM, TO)
        assert server.stats["requests"] == 3 + 3 and days(home) == [1, 2, 2, 3, 3, 4]


def test_windows_of_when_items_were_read_in(home: Settings, tmp_path: Path) -> None:
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
    found = backfill(offline(tmp_path, 2), start, start + timedelta(hours=6), by="3h", on="ingested_at")
    assert states(found) == ["done", "empty"]
    [row] = ran(home)
    assert row["window_on"] == "ingested_at" and row["rows"]["generate_posts"]["rows"] == 3, "the undated one, too"
    assert row["message"] is None
    page = write_report(home, row["run_id"]).read_text(encoding="utf-8")
    assert "<span>read in <b>from" in page and page.count("<article") == 3


def test_two_at_once_lose_nothing_and_buy_nothing_twice(home: Settings, tmp_path: Path) -> None:
    """The same backfill is refused; other windows over the same items are another one, and wait for calls in flight."""
    with FakeProvider(latency=0.5) as server:
        campaign = offline(tmp_path, 3, server)
        with ThreadPoolExecutor() as pool:
            first = pool.submit(copy_context().run, backfill, campaign, FROM, TO)
            deadline = time.monotonic() + 90
            while not server.stats["requests"] and not first.done() and time.monotonic() < deadline:
                time.sleep(0.02)
            with pytest.raises(UserError, match=r"this backfill is running already \(process \d+ on .*since 20"):
                backfill(campaign, FROM, TO)
            assert states(backfill(campaign, FROM, TO, by="week")) == ["done"]
            assert states(first.result()) == ["done"] * 3 + ["empty"] * 2
        assert server.stats["requests"] == 3
    counts = home.store().query("SELECT count(*) AS n, count(DISTINCT prompt_id) AS prompts FROM posts")
    assert counts == [{"n": 3, "prompts": 3}]


def test_missing_anchors_run_one_window_and_what_a_check_stopped_runs_again(home: Settings, tmp_path: Path) -> None:
    campaign, last = offline(tmp_path, 2, anchors={"every": "month", "count": 4}), FROM + timedelta(days=2)
    backfill(campaign, FROM, last)
    backfill(campaign, FROM, last)
    assert days(home) == [1, 2]
    with home.store().connect() as db:
        db.execute("DELETE FROM anchor_readings")
    backfill(campaign, FROM, last)
    assert days(home) == [1, 1, 2], "one window reads them for all"
    with home.store().connect() as db:
        db.execute("UPDATE runs SET state = 'check_failed' WHERE window_from = $day", {"day": last - timedelta(days=1)})
    backfill(campaign, FROM, last)
    assert days(home) == [1, 1, 2, 2] and kinds(home) == ["done", "done"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"by": "fortnight"}, "by: 'fortnight' is neither day, week nor month"),
        ({"timezone": "Mars"}, "timezone: 'Mars' is no time zone"),
        ({"parallel": 0}, "parallel"),
        ({"on": "seen_at"}, "on"),
        ({"window_to": FROM}, "the window is empty"),
        ({"by": "1min", "window_to": datetime(2027, 1, 1, tzinfo=UTC)}, "more than 10,000 windows"),
    ],
)
def test_a_wrong_parameter_is_named_before_anything_is_spent(
    home: Settings, tmp_path: Path, given: dict[str, Any], said: str
) -> None:
    with pytest.raises(Exception, match=said):
        backfill(**{"campaign": offline(tmp_path, 2), "window_from": FROM, "window_to": TO} | given)
    assert (
        home.store().query("SELECT 1 FROM runs UNION ALL SELECT 1 FROM items UNION ALL SELECT 1 FROM backfills") == []
    )


def test_the_form_of_the_ui_has_titles_descriptions_and_bounds() -> None:
    from prefect.utilities.callables import parameter_schema

    for flow in (backfill, pipeline):
        for name, field in parameter_schema(flow.fn).model_dump()["properties"].items():
            assert field.get("title"), name
            assert field.get("description") or field.get("allOf") or "$ref" in str(field), name
    fields = parameter_schema(backfill.fn).model_dump()["properties"]
    assert fields["parallel"]["minimum"] == 1 and fields["parallel"]["maximum"] == 64
    assert "Europe/Berlin" in fields["timezone"]["enum"]
    assert fields["on"]["enum"] == ["published_at", "ingested_at"]
    assert "pattern" in fields["by"]
