"""Prefect's server goes away in the midst of a run, and comes back: what it only shows stops nothing."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL, temporary_settings

from components.records import Backfill
from components.report.backfills import read_backfill
from components.warehouse.store import Store
from flows.backfill_artifacts import LiveCalendar
from flows.own_server import answers, free_port, server_command
from flows.pipeline import Summary, begin, finish
from flows.publish import StepResult
from flows.settings import Settings
from tests.fake_provider import FakeProvider
from tests.flows.service import ROOT, wait_until
from tests.steps import ROWS, Steps, campaign_of

BOOK = Backfill(
    backfill_id="backfill-1",
    campaign="shown",
    dataset="shown",
    window_on="published_at",
    window_by="day",
    timezone="UTC",
    edges=[datetime(2026, 3, day, tzinfo=UTC) for day in (1, 2, 3)],
    spec_ids=json.dumps(dict.fromkeys(("extract_features", "build_prompts", "generate_posts", "judge_posts"), "x")),
    state="running",
    started_at=datetime(2026, 4, 1, tzinfo=UTC),
)


def test_the_calendar_of_a_backfill_waits_for_no_server_and_is_right_again_when_it_is_back(
    home: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = home.store()
    store.record_backfill(BOOK)
    nowhere = {PREFECT_API_URL: f"http://127.0.0.1:{free_port()}/api"}
    with temporary_settings(nowhere):
        late = LiveCalendar(store, BOOK.backfill_id)
    early = LiveCalendar(store, BOOK.backfill_id)
    assert early._id is not None
    for calendar in (late, early):
        with temporary_settings(nowhere):
            calendar._next = 0.0
            calendar.update()
            calendar.finish(tmp_path / "gone.html")
    said = [one.message for one in caplog.records if one.name == "postwright" and "calendar" in one.message]
    assert len(said) == 5 and all("Connect" in one for one in said)
    store.record_backfill(replace(BOOK, state="done"))
    for calendar in (late, early):
        calendar.finish(tmp_path / "back.html")
        with get_client(sync_client=True) as client:
            shown = client.request("GET", "/artifacts/{id}", path_params={"id": calendar._id}).json()
        assert "shown: done" in shown["data"] and "back.html" in shown["data"]
    assert read_backfill(store, BOOK.backfill_id).state == "done"


def test_a_run_that_is_done_stays_so_where_nothing_of_it_can_be_shown(
    home: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    campaign, store = campaign_of(tmp_path, ROWS[:1]), home.store()
    steps = Steps(home, campaign)
    steps.all()
    run = begin(campaign, steps.selection, store, "")
    store.record_run(run)
    done = Summary(run.run_id, campaign.name, "done", steps=[StepResult("ingest_items", rows=1)])
    with temporary_settings({PREFECT_API_URL: f"http://127.0.0.1:{free_port()}/api"}):
        finish(done, run, home)
    assert store.query("SELECT state FROM runs") == [{"state": "done"}] and Path(str(done.report)).exists()
    said = [one.message for one in caplog.records if one.name == "postwright" and "could not be shown" in one.message]
    assert [line.split(" could")[0] for line in said] == ["the run's artifacts", "the run's lineage"]


@contextmanager
def server(port: int, folder: Path) -> Iterator[None]:
    env = os.environ | {"PREFECT_HOME": str(folder), "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
    process = subprocess.Popen(server_command(port), env=env)
    try:
        wait_until(lambda: answers(port), 120)
        yield
    finally:
        process.kill()
        process.wait(10)


@pytest.mark.drill
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_run_outlives_a_restart_of_the_server_and_tells_it_in_the_end_how_it_went(tmp_path: Path) -> None:
    (tmp_path / "texts.csv").write_text("text\n" + "".join(f"{n} boats left before breakfast.\n" for n in range(12)))
    port = free_port()
    home = tmp_path / "home"
    env = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    env |= {"PREFECT_API_URL": f"http://127.0.0.1:{port}/api", "OMP_NUM_THREADS": "1", "PREFECT_HOME": str(tmp_path)}
    with FakeProvider(latency=1.0) as provider:
        chat = {"model": "openai/fake", "endpoint": provider.url, "max_concurrency": 2, "picture": False}
        campaign = {
            "name": "boats",
            "dataset": {"source": "csv", "path": str(tmp_path / "texts.csv")},
            "generation": chat,
            "budget": {"allow_unpriced": True},
        }
        (tmp_path / "boats.yaml").write_text(yaml.safe_dump(campaign))
        command = [sys.executable, "-m", "flows.cli", "run", str(tmp_path / "boats.yaml"), "--home", str(home)]
        with server(port, tmp_path / "server"):
            run = subprocess.Popen([*command, "--json"], cwd=ROOT, env=env, text=True, stdout=-1, stderr=-1)
            wait_until(lambda: len(provider.answered) >= 2, 120)
        time.sleep(2)
        assert run.poll() is None and len(provider.answered) < 12
        with server(port, tmp_path / "server"):
            out, err = run.communicate(timeout=240)
            assert run.returncode == 0, err
            found: Any = json.loads(out)
            with urllib.request.urlopen(urllib.request.Request(
                f"http://127.0.0.1:{port}/api/flow_runs/filter", b"{}", {"Content-Type": "application/json"}
            )) as reply:  # fmt: skip
                states = {one["name"]: one["state_type"] for one in json.loads(reply.read())}
        assert found["state"] == "done" and states["boats"] == "COMPLETED"
        assert len(provider.bodies) == 12 and set(provider.bodies.values()) == {1}
    posts = Store(home / "warehouse.duckdb").query("SELECT count(*) AS n FROM posts WHERE text IS NOT NULL")
    assert posts == [{"n": 12}]
