"""Backfills: the source once, only what is left, one at a time, resumable, and how each window stands afterwards."""

import html
import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from components.errors import ProviderStopped, UserError
from components.report.backfills import BackfillState, read_backfill
from components.spec import Campaign
from components.windows import edges_of
from flows.backfill import backfill, id_of
from flows.pipeline import pipeline
from flows.settings import Settings
from tests.fake_provider import FakeProvider
from tests.steps import ROWS, campaign_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

FROM, TO = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 9, tzinfo=UTC)
UNDATED = ("Nobody knows when this was written, or by whom.", "")


def state(home: Settings) -> BackfillState:
    return read_backfill(home.store())


def kinds(home: Settings) -> list[str]:
    return [window.kind for window in state(home).windows]


def ran(home: Settings) -> list[dict[str, Any]]:
    """What the steps of each run have done; a window that was only found done has none."""
    rows = home.store().query("SELECT * FROM runs ORDER BY window_from, started_at")
    return [row | {"rows": json.loads(row["rows"])} for row in rows if row["rows"] != "{}"]


def offline(folder: Path, server: FakeProvider | None = None, **sections: Any) -> Campaign:
    if server is not None:
        sections |= {
            "generation": {"model": "openai/fake", "endpoint": server.url, "max_attempts": 1, "picture": False},
            "budget": {"allow_unpriced": True},
        }
    return campaign_of(folder, [*ROWS, UNDATED], **sections)


def test_a_backfill_reads_the_source_once_and_repeated_it_runs_nothing(
    home: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed: list[str] = []
    from flows import ingest_items as ingestion

    list_entries = ingestion.list_entries
    monkeypatch.setattr(ingestion, "list_entries", lambda spec: (listed.append(spec.name), list_entries(spec))[1])
    campaign = offline(tmp_path)
    found = backfill(campaign, FROM, TO, parallel=2)
    assert len(listed) == 1
    assert [window.summary.state for window in found] == ["done"] * 6 + ["empty"] * 2
    assert [row["window_from"].day for row in ran(home)] == [1, 2, 3, 4, 5, 6]
    assert {row["purse"] for row in ran(home)} == {state(home).backfill_id}
    assert kinds(home) == ["done"] * 6 + ["empty"] * 2
    assert (state(home).total("items"), state(home).total("posts"), state(home).total("judged")) == (6, 6, 6)
    assert state(home).total("calls") == 12 and state(home).cost_usd == 0
    checks = home.store().query("SELECT count(DISTINCT run_id) AS runs FROM checks WHERE chunk_id = 'table'")
    assert checks == [{"runs": 1}], "whole tables are checked once"

    before = home.store().query("SELECT * FROM runs ORDER BY run_id")
    again = backfill(campaign, FROM, TO)
    assert [window.summary.state for window in again] == ["done"] * 6 + ["empty"] * 2
    assert home.store().query("SELECT * FROM runs ORDER BY run_id") == before, "and nothing is written"

    weeks = backfill(campaign, FROM, TO, by="week")
    assert [window.summary.state for window in weeks] == ["done", "empty"]
    assert len(ran(home)) == 6, "other windows over what is there are done without a run, and recorded"
    assert [window.state for window in state(home).windows] == ["done", "empty"]

    page = (home.reports / f"backfill-test-{state(home).backfill_id.removeprefix('backfill-')}.html").read_text()
    assert "All 2 windows are done" in page and "2026-03-08" in page


def test_a_new_item_runs_its_window_alone(home: Settings, tmp_path: Path) -> None:
    backfill(offline(tmp_path), FROM, TO)
    campaign = campaign_of(
        tmp_path, [*ROWS, UNDATED, ("A late arrival for the third of March.", "2026-03-03T20:00:00Z")]
    )
    backfill(campaign, FROM, TO)
    assert [(row["window_from"].day, row["rows"]["generate_posts"]["rows"]) for row in ran(home)][-4:] == [
        (3, 1), (4, 1), (5, 1), (6, 1),
    ]  # fmt: skip
    assert [row["window_from"].day for row in ran(home)].count(3) == 2 and len(ran(home)) == 7
    assert state(home).windows[2].posts == 2


def test_a_failed_post_and_a_stopped_window_run_again_and_nothing_else(home: Settings, tmp_path: Path) -> None:
    with FakeProvider() as server:
        campaign = offline(tmp_path, server)
        server.faults.extend(["ok", "503", "401"])
        with pytest.raises(ProviderStopped, match=r"1 of 8 windows stopped and 3 not started, first 2026-03-03"):
            backfill(campaign, FROM, TO)
        assert kinds(home) == ["done", "done", "failed", *["not started"] * 3, "empty", "empty"]
        stopped = state(home)
        assert stopped.state == "provider_stopped" and stopped.windows[2].state == "provider_stopped"
        assert stopped.windows[1].posts == 0, "a failure that is tried again is no end of its window"
        page = next(home.reports.glob("backfill-test-*.html")).read_text()
        assert "1 failed, 3 not started of 8 windows" in page and stopped.windows[2].message in html.unescape(page)
        backfill(campaign, FROM, TO)
        assert server.stats["requests"] == 3 + 5
        assert kinds(home) == ["done"] * 6 + ["empty"] * 2 and state(home).state == "done"
        assert [row["window_from"].day for row in ran(home)] == [1, 2, 2, 3, 3, 4, 5, 6]
        backfill(campaign, FROM, TO)
        assert server.stats["requests"] == 3 + 5


def test_what_a_step_refused_runs_again_after_a_fix(home: Settings, pictures: Path, tmp_path: Path) -> None:
    """A picture that is gone when features are found: its window is never done, until the picture is back."""
    import shutil

    folder = tmp_path / "here"
    shutil.copytree(pictures, folder)
    campaign = Campaign.model_validate({"name": "test", "dataset": {"source": "folder", "path": folder}})
    from flows.ingest_items import ingest_items

    ingest_items(campaign.dataset)
    (folder / "forest.jpg").rename(tmp_path / "forest.jpg")
    first, last = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 4, tzinfo=UTC)
    for _ in range(2):
        backfill(campaign, first, last)
    assert [row["window_from"].day for row in ran(home)] == [1, 2, 2, 3], "its window is looked at each time"
    assert state(home).windows[1].posts == 0
    (tmp_path / "forest.jpg").rename(folder / "forest.jpg")
    backfill(campaign, first, last)
    assert state(home).windows[1].posts == 1
    backfill(campaign, first, last)
    assert len(ran(home)) == 5


def test_windows_of_when_items_were_read_in(home: Settings, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    start = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
    found = backfill(offline(tmp_path), start, start + timedelta(hours=6), by="3h", on="ingested_at")
    assert [window.summary.state for window in found] == ["done", "empty"]
    [row] = ran(home)
    assert row["window_on"] == "ingested_at" and row["rows"]["generate_posts"]["rows"] == 7, "the undated one, too"
    assert row["message"] is None
    from flows.write_report import write_report

    page = write_report(home, row["run_id"]).read_text()
    assert "read in <b>from" in page and page.count('class="card') >= 7


def test_the_second_of_two_at_once_is_refused(home: Settings, tmp_path: Path) -> None:
    with FakeProvider(latency=0.4) as server:
        campaign = offline(tmp_path, server)
        with ThreadPoolExecutor() as pool:
            first = pool.submit(copy_context().run, backfill, campaign, FROM, TO)
            deadline = time.monotonic() + 90
            while not server.stats["requests"] and not first.done() and time.monotonic() < deadline:
                time.sleep(0.02)
            with pytest.raises(UserError, match=r"this backfill is running already \(process \d+ on .*since 20"):
                backfill(campaign, FROM, TO)
            first.result()
        assert server.stats["requests"] == 6
        backfill(campaign, FROM, TO)
        assert server.stats["requests"] == 6
    assert state(home).total("posts") == 6


def test_other_windows_over_the_same_items_at_once_lose_nothing(home: Settings, tmp_path: Path) -> None:
    """Days and weeks are two backfills: beside each other they may buy what both have in flight, and no row twice."""
    with FakeProvider(latency=0.1) as server:
        campaign = offline(tmp_path, server)
        with ThreadPoolExecutor() as pool:
            both = [pool.submit(copy_context().run, backfill, campaign, FROM, TO, by) for by in ("day", "week")]
            for one in both:
                one.result()
        assert server.stats["requests"] == 6, "of one process the second waits for the first one's answer"
    counts = home.store().query("SELECT count(*) AS n, count(DISTINCT prompt_id) AS prompts FROM posts")
    assert counts == [{"n": 6, "prompts": 6}]


def test_a_drifted_judge_is_told_again_and_missing_anchors_run_one_window(home: Settings, tmp_path: Path) -> None:
    campaign = offline(tmp_path, anchors={"every": "day", "count": 2})
    backfill(campaign, FROM, TO)
    runs = len(ran(home))
    backfill(campaign, FROM, TO)
    assert len(ran(home)) == runs
    with home.store().connect() as db:
        db.execute("DELETE FROM anchor_readings")
    backfill(campaign, FROM, TO)
    assert len(ran(home)) == runs + 1, "one window reads them for all"
    with home.store().connect() as db:
        db.execute("UPDATE runs SET state = 'check_failed' WHERE window_from = ?", [FROM])
    backfill(campaign, FROM, TO)
    assert len(ran(home)) == runs + 2 and kinds(home)[0] == "done"


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
        backfill(**{"campaign": offline(tmp_path), "window_from": FROM, "window_to": TO} | given)
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


def test_the_calendar_in_the_ui_follows_the_windows(home: Settings, tmp_path: Path) -> None:
    import base64

    from prefect.client.orchestration import get_client

    campaign = offline(tmp_path)
    backfill(campaign, FROM, TO)
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(limit=50)
    pictures = [
        one for one in found if one.type == "image" and "test, 2026-03-01 to 2026-03-09" in svg(one.data, base64)
    ]
    drawn = svg(pictures[-1].data, base64)
    assert drawn.count('class="done') == 6 + 1, "the cells, and one in the legend"
    assert "8 windows: 6 done, 2 empty" in drawn
    backfill_id = id_of(campaign, edges_of(FROM, TO, "day"), "published_at")
    tables = [one for one in found if one.key == "windows" and backfill_id in (one.description or "")]
    assert tables and "| 2026-03-06 | done | 1 | 1 | 2 |" in str(tables[0].data)


def svg(data: Any, base64: Any) -> str:
    return str(base64.b64decode(str(data).removeprefix("data:image/svg+xml;base64,")).decode())
