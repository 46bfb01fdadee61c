"""Logs and metrics of processes: bounded, without keys, each in a file of its own, and none stops a run."""

import json
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from flows.exposition import sweep
from flows.meter import Meter
from flows.run_log import RunLog, logged
from flows.settings import Settings, api_key
from flows.watching import EVENTS, Watched, tell, watching

ROOT = Path(__file__).parents[2]
RUN = Watched("run-1", "mine", "shore", "2026-03-01T00:00:00+00:00", None, "flow-1")
OTHER = Watched("run-2", "mine", "shore", None, None, None)


def lines(folder: Path, run: Watched = RUN) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / f"{run.run_id}.jsonl").read_text().splitlines()]


def test_each_run_has_its_own_log_with_warnings_of_all_parts(tmp_path: Path) -> None:
    with watching(RUN), logged(tmp_path, RUN):
        with watching(OTHER), logged(tmp_path, OTHER):
            tell("of the other", chunk_id="c1")
        tell("of this one", n=3)
        logging.getLogger("components.chat.caller").warning("asks for a silence of %.0f s", 90)
        logging.getLogger("components.chat.caller").info("no word of this")
    tell("after it")
    told = lines(tmp_path)
    assert [line["message"] for line in told] == ["of this one", "asks for a silence of 90 s"]
    assert told[0] | {"at": ""} == {
        "at": "", "level": "info", "logger": "postwright.run", "message": "of this one", "run_id": "run-1",
        "campaign": "mine", "dataset": "shore", "window_from": "2026-03-01T00:00:00+00:00", "flow_run_id": "flow-1",
        "n": 3,
    }  # fmt: skip
    assert [line["chunk_id"] for line in lines(tmp_path, OTHER)] == ["c1"]


def test_a_key_is_blotted_out_in_every_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", 'sk-"quoted"\\and/slashed')
    key = api_key("SOME_KEY")
    assert key
    with watching(RUN), logged(tmp_path, RUN):
        tell(f"the server says: Incorrect API key provided: {key}", reply=json.dumps({"said": key}))
        try:
            raise ValueError(key)
        except ValueError:
            logging.getLogger("flows").warning("it failed", exc_info=True)
    text = (tmp_path / "run-1.jsonl").read_text()
    assert text.count("[key]") >= 3 and "slashed" not in text and "Traceback" in text


def test_a_log_is_bounded(tmp_path: Path) -> None:
    handler = RunLog(tmp_path, "run-1")
    handler.maxBytes = 5_000
    EVENTS.addHandler(handler)
    with watching(RUN):
        for n in range(200):
            tell("x" * 100, n=n)
    EVENTS.removeHandler(handler)
    handler.close()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["run-1.jsonl", "run-1.jsonl.1"]
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= 10_000
    assert lines(tmp_path)[-1]["n"] == 199


def test_a_log_that_cannot_be_written_stops_nothing_and_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "run-1.jsonl").mkdir()
    with watching(RUN), logged(tmp_path, RUN):
        tell("one")
        tell("two")
    (tmp_path / "file").write_text("in the way")
    with watching(RUN), logged(tmp_path / "file", RUN):
        tell("three")
    warned = [record.message for record in caplog.records if record.name == "postwright"]
    assert [message.partition(" (")[0] for message in warned] == [
        "the log of run run-1 cannot be written", f"the log of run run-1 cannot be kept in {tmp_path / 'file'}",
    ]  # fmt: skip


SCRIPT = """
import sys
from flows.exposition import open_exposition
from flows.settings import Settings
from flows.watching import Watched
found = open_exposition(Settings.from_environment(), Watched(sys.argv[1], "mine", "shore", None, None, None))
found.write(at_once=True)
print(found.address, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[list["subprocess.Popen[str]"]]:
    """Two runs of one home at one time, that want the same port."""
    Settings(tmp_path).prepare()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = {**os.environ, "POSTWRIGHT_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    found = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT, name], env=env | {"POSTWRIGHT_METRICS_PORT": str(port)}, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )
        for name in ("run-1", "run-2")
    ]  # fmt: skip
    yield found
    for process in found:
        process.kill()
        process.wait()


def test_processes_of_one_home_write_files_of_their_own(
    processes: list["subprocess.Popen[str]"], tmp_path: Path
) -> None:
    addresses = [process.stdout.readline().strip() for process in processes if process.stdout]
    assert sum(address.startswith("http") for address in addresses) == 1, "the other goes on without a port"
    files = sorted((tmp_path / "metrics").glob("run-*.prom"))
    assert len(files) == 2
    series = [
        (one.name, tuple(sorted(one.labels.items())))
        for file in files
        for family in text_string_to_metric_families(file.read_text())
        for one in family.samples
    ]
    assert len(series) == len(set(series)), "a collector refuses files that hold the same series"
    for process in processes:
        process.kill()
    sweep(tmp_path / "metrics")
    assert len(list((tmp_path / "metrics").glob("run-*.prom"))) == 2, "they may yet be alive"
    for file in files:
        os.utime(file, (1, 1))
    sweep(tmp_path / "metrics")
    assert not list((tmp_path / "metrics").glob("run-*.prom"))


def test_calls_are_counted_as_the_journal_has_them() -> None:
    meter = Meter()
    meter.begin_run(RUN)
    base = {
        "run_id": "run-1", "stage": "judge", "model": "openai/x", "mode": "live", "status": "ok", "attempts": 2,
        "input_tokens": 10, "cached_tokens": 4, "output_tokens": 5, "reasoning_tokens": None, "cost_usd": 0.5,
        "held_usd": 0.0, "latency_ms": 300,
    }  # fmt: skip
    for more in ({}, {"cost_usd": None, "held_usd": 0.25}, {"status": "timeout", "latency_ms": 130_000}):
        meter.call(base | more)
    meter.call(base | {"mode": "batch", "latency_ms": 10**7})
    lost = {"mode": None, "stage": "lost", "model": None, "cost_usd": 0.0, "held_usd": 0.125, "attempts": 3}
    meter.call(base | lost)
    calls = meter.calls()
    ok = calls["mine", "judge", "openai/x", "live", "ok"]
    assert (ok.n, ok.attempts, ok.input, ok.cached, ok.output, ok.usd, ok.held_usd, ok.unpriced) == (
        2, 4, 20, 8, 10, 0.5, 0.25, 1,
    )  # fmt: skip
    gone = calls["mine", "lost", "", "live", "ok"]
    assert (gone.n, gone.held_usd, gone.attempts) == (0, 0.125, 3)
    (latencies,) = meter.latencies().values()
    assert sum(latencies.buckets) == 3 and latencies.buckets[-1] == 1 and latencies.sum_s == pytest.approx(130.6)
