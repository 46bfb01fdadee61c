"""One run, watched while it goes on and afterwards: names, tags, artifacts, metrics, log, and what leads from one to
the other. A marked key goes through it and is looked for in everything that can be read.
"""

import json
import re
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from components.specs import Campaign
from flows.artifacts import statements
from flows.cli import main
from flows.metrics import gpus
from flows.pipeline import Summary, pipeline
from flows.settings import Settings
from tests.fake_provider import FakeProvider

pytestmark = [pytest.mark.slow]
KEY = "sk-marked-8c1f0d-never-in-a-label"
DOCS = Path(__file__).parents[2] / "docs" / "metrics.md"
NAME = re.compile(r"^\| `(postwright_\w+)` \|", re.M)


@dataclass
class Seen:
    settings: Settings
    summary: Summary
    scrapes: list[str] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    """What lay in the folder of metrics while the run went on."""

    def log(self) -> list[dict[str, Any]]:
        text = (self.settings.logs / f"{self.summary.run_id}.jsonl").read_text()
        return [json.loads(line) for line in text.splitlines()]


def samples(text: str) -> list[Sample]:
    return [sample for family in text_string_to_metric_families(text) for sample in family.samples]


def value(text: str, name: str, **labels: str) -> float:
    """The sum over the series that have these labels."""
    found = [one.value for one in samples(text) if one.name == name and labels.items() <= one.labels.items()]
    assert found, (name, labels)
    return sum(found)


class Watcher(threading.Thread):
    """Finds the run's address in its log, as a person would, and reads metrics until it is told to stop."""

    def __init__(self, settings: Settings, seen: Seen) -> None:
        super().__init__(daemon=True)
        self.settings, self.seen, self.over = settings, seen, threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.15):
            told = "".join(file.read_text() for file in self.settings.logs.glob("*.jsonl"))
            if found := re.search(r'"address": "(http[^"]+)"', told):
                try:
                    with urllib.request.urlopen(found[1], timeout=5) as reply:
                        self.seen.scrapes.append(reply.read().decode())
                except (urllib.error.URLError, ConnectionError):
                    continue
            for file in self.settings.metrics.glob("*.prom"):
                self.seen.files[file.name] = file.read_text()


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory, pictures: Path, prefect_server: None) -> Iterator[Seen]:
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, PREFECT_LOCAL_STORAGE_PATH, temporary_settings

    with pytest.MonkeyPatch.context() as patch, FakeProvider(latency=0.3, key=KEY) as server:
        server.faults.extend(["echo_key", "ok", "503", "ok", "429"])
        patch.setenv("POSTWRIGHT_HOME", str(tmp_path_factory.mktemp("watched") / "home"))
        patch.setenv("POSTWRIGHT_METRICS_PORT", "0")
        patch.setenv("MARKED_KEY", KEY)
        settings = Settings.from_environment().prepare()
        asked = {"endpoint": server.url, "api_key_env": "MARKED_KEY", "max_concurrency": 2}
        campaign = Campaign.model_validate(
            {
                "name": "watched",
                "dataset": {"source": "folder", "path": pictures, "name": "shore"},
                "generation": {"model": "openai/fake", **asked},
                "judge": {"model": "openai/fake-judge", **asked},
                "budget": {"allow_unpriced": True},
            }
        )
        found = Seen(settings, Summary("", ""))
        watcher = Watcher(settings, found)
        watcher.start()
        changed = {PREFECT_LOCAL_STORAGE_PATH: settings.results, PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}
        with temporary_settings(changed):
            found.summary = pipeline(campaign, published_from=datetime(2026, 3, 1, tzinfo=UTC))
        watcher.over.set()
        watcher.join(10)
        for thread in threading.enumerate():  # a run does not wait long for a busy server to take its last progress
            if thread.name == "observing":
                thread.join(60)
        yield found


def test_a_running_run_can_be_scraped(seen: Seen) -> None:
    assert len(seen.scrapes) > 3
    running = [text for text in seen.scrapes if f'run_id="{seen.summary.run_id}"' in text]  # the last may come after it
    busiest = max(running, key=lambda text: value(text, "postwright_process_cpu_seconds_total"))
    assert value(busiest, "postwright_calls_total", campaign="watched", stage="generate", status="ok") >= 5
    assert value(busiest, "postwright_unpriced_calls_total", campaign="watched") >= 5
    assert value(busiest, "postwright_input_tokens_total", campaign="watched", stage="generate", mode="live") > 100
    assert value(busiest, "postwright_items_done_total", campaign="watched", step="ingest_items") == 7
    assert value(busiest, "postwright_checks_total", campaign="watched", table="posts", result="passed") > 3
    assert value(busiest, "postwright_rows_total", campaign="watched", table="posts") >= 6
    assert value(busiest, "postwright_calls_refused_total", model="openai/fake") == 1
    assert value(busiest, "postwright_run_info", run_id=seen.summary.run_id, dataset="shore") == 1
    latency = {"campaign": "watched", "stage": "generate"}
    n = value(busiest, "postwright_call_latency_seconds_count", **latency)
    assert value(busiest, "postwright_call_latency_seconds_bucket", **latency, le="0.25") == 0 or n > 5
    assert value(busiest, "postwright_call_latency_seconds_bucket", **latency, le="+Inf") == n
    in_flight = [value(text, "postwright_calls_in_flight") for text in seen.scrapes if "calls_in_flight{" in text]
    assert max(in_flight) == 2
    left = [one.value for text in seen.scrapes for one in samples(text) if one.name == "postwright_items_left"]
    assert max(left) >= 5 and min(left) == 0


def test_a_scrape_while_torch_is_being_imported_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another thread imports it for seconds, and its parts are not there yet."""
    monkeypatch.setitem(sys.modules, "torch", ModuleType("torch"))
    assert list(gpus()) == []


def test_files_are_there_while_it_runs_and_the_home_remains(seen: Seen) -> None:
    (own,) = [text for name, text in seen.files.items() if name.startswith("run-")]
    assert {one.labels["process"] for one in samples(own)} == {seen.scrapes[0].split('process="')[1].split('"')[0]}
    assert [file.name for file in seen.settings.metrics.iterdir()] == ["home.prom"]
    home = (seen.settings.metrics / "home.prom").read_text()
    calls = seen.settings.store().query("SELECT stage, status, count(*) AS n FROM calls GROUP BY ALL")
    for row in calls:
        assert value(home, "postwright_home_calls_total", stage=row["stage"], status=row["status"]) == row["n"]
    assert value(home, "postwright_home_last_run_state", campaign="watched", state=seen.summary.state) == 1
    assert time.time() - value(home, "postwright_home_last_success_timestamp_seconds", campaign="watched") < 600
    assert value(home, "postwright_home_last_run_judged", campaign="watched") == seen.summary.scores["judged"]
    assert value(home, "postwright_home_rows", table="posts") == 7


def test_documents_name_every_metric_and_no_other(seen: Seen) -> None:
    home = (seen.settings.metrics / "home.prom").read_text()
    typed = re.findall(r"^# TYPE (postwright_\w+) ", "\n".join([*seen.scrapes, home]), re.M)
    assert set(typed) == {name for name in NAME.findall(DOCS.read_text()) if "_gpu_" not in name}


def test_the_command_prints_the_homes_figures(
    seen: Seen, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTWRIGHT_HOME", str(seen.settings.home))
    assert main(["metrics"]) == 0
    printed = capsys.readouterr().out
    assert value(printed, "postwright_home_runs_total", campaign="watched", state="done") == 1
    assert main(["metrics", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["metrics"]
    assert {"postwright_home_month_usd", "postwright_home_open_batches"} <= {one["name"] for one in listed}
    assert main(["metrics", "--out", str(tmp_path / "node" / "postwright.prom")]) == 0
    assert samples((tmp_path / "node" / "postwright.prom").read_text())
    assert main(["metrics", "--home", str(tmp_path / "nothing")]) == 2


def test_the_log_tells_what_happened_with_ids_that_lead_to_the_rows(seen: Seen) -> None:
    lines = seen.log()
    run = seen.settings.store().query("SELECT * FROM runs")[0]
    for line in lines:
        assert {line["run_id"], line["campaign"], line["dataset"]} == {run["run_id"], "watched", "shore"}
        assert line["flow_run_id"] == run["flow_run_id"] and line["window_from"].startswith("2026-03-01")
        assert datetime.fromisoformat(line["at"]).tzinfo is not None
    chunks = [line for line in lines if "chunk_id" in line]
    assert {line["step"] for line in chunks} == {
        "ingest_items", "extract_features", "build_prompts", "generate_posts", "judge_posts",
    }  # fmt: skip
    checked = {row["chunk_id"] for row in seen.settings.store().query("SELECT DISTINCT chunk_id FROM checks")}
    known = {row["spec_id"] for row in seen.settings.store().query("SELECT spec_id FROM specs")}
    assert {line["chunk_id"] for line in chunks} == checked - {"table"}
    assert {line["spec_id"] for line in chunks} <= known
    assert sum(line["rows"] for line in chunks if line["table"] == "posts") == 7
    ended = next(line for line in lines if "state" in line)
    assert ended["state"] == "done" and [step["step"] for step in ended["steps"]][-1] == "judge_posts"


def test_the_flow_run_the_report_and_the_rows_name_each_other(seen: Seen) -> None:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId

    run = seen.settings.store().query("SELECT * FROM runs")[0]
    with get_client(sync_client=True) as client:
        flow_run = client.read_flow_run(run["flow_run_id"])
        found = client.read_artifacts(
            artifact_filter=ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[flow_run.id]))
        )
    assert flow_run.name == "watched from 2026-03-01"
    assert set(flow_run.tags) == {
        "campaign:watched", "dataset:shore", "window:from 2026-03-01", f"run:{run['run_id']}",
    }  # fmt: skip
    artifacts = {one.key: one for one in found}
    steps = {"ingest", "extract-features", "build-prompts", "write-posts", "judge-posts"}
    assert {f"progress-{step}" for step in steps} | {"checks", "results", "pictures"} == set(artifacts)
    assert all(artifacts[f"progress-{step}"].data == 100 for step in steps)
    assert artifacts["progress-write-posts"].description == f"write posts of run {run['run_id']}: 7 of 7"
    text = artifacts["results"].data
    assert seen.summary.report in text and Path(seen.summary.report).as_uri() in text
    asked = [line for line in text.splitlines() if line.startswith("SELECT")]
    posts, calls = (seen.settings.store().query(sql.rstrip(";")) for sql in asked)
    assert len(posts) == seen.summary.scores["judged"]
    assert {row["run_id"] for row in calls} == {run["run_id"]} and any(row["text"] for row in calls)
    report = Path(seen.summary.report).read_text()
    assert run["flow_run_id"] in report and run["run_id"] in report
    assert run["flow_run_url"] is None, "the server of a command shows no pages"


def test_no_key_is_in_anything_that_can_be_read(seen: Seen) -> None:
    told = [*seen.scrapes, *seen.files.values()]
    told += [file.read_text() for folder in (seen.settings.logs, seen.settings.metrics) for file in folder.iterdir()]
    assert len(told) > 5 and not [text[:80] for text in told if KEY in text]


def test_sql_of_a_run_survives_names_with_quotes(seen: Seen) -> None:
    from components.records import Run

    row = seen.settings.store().query("SELECT * FROM runs")[0]
    run = Run(**(row | {"dataset": "the shore's", "window_to": datetime(2026, 4, 1, tzinfo=UTC)}))
    for sql in statements(run):
        if not sql.startswith("--"):
            seen.settings.store().query(sql.rstrip(";"))
