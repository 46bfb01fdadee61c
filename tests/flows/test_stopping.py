"""Stops from outside: what is in flight is kept, nothing further is bought, and the same command goes on."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from components.warehouse.store import Store
from flows.stopping import run_async, stoppable
from tests.fake_provider import FakeProvider
from tests.prefect_files import with_database

ROOT = Path(__file__).parents[2]


def start(home: Path, campaign: Path, *words: str) -> "subprocess.Popen[str]":
    env = {key: value for key, value in os.environ.items() if not key.startswith("PREFECT_")} | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "flows.cli", words[0], str(campaign), "--home", str(home), *words[1:]]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, cwd=ROOT, env=env, text=True, start_new_session=True, **pipes)


def campaign_file(folder: Path, pictures: Path, server: FakeProvider, hands: int) -> Path:
    file = folder / "campaign.yaml"
    content = {
        "name": "stopped",
        "dataset": {"source": "folder", "path": str(pictures)},
        "generation": {"model": "openai/fake", "endpoint": server.url, "max_concurrency": hands},
        "budget": {"allow_unpriced": True},
    }
    file.write_text(yaml.safe_dump(content))
    return file


def wait_for(what: Callable[[], bool], process: "subprocess.Popen[str]", seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "it did not come so far"
        time.sleep(0.02)


def journal(home: Path) -> list[dict[str, object]]:
    lines = [line for file in (home / "calls").glob("*.jsonl") for line in file.read_text().splitlines()]
    return [record for record in map(json.loads, lines) if record["model"] == "openai/fake"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "words"),
    [
        (signal.SIGTERM, ["run"]),
        pytest.param(
            signal.SIGINT,
            ["backfill", "--from", "2026-03-01", "--to", "2026-03-11", "--parallel", "3"],
            marks=pytest.mark.drill,
        ),
    ],
)
def test_a_signal_ends_a_run_with_what_was_in_flight_and_the_same_command_resumes_it(
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    pictures: Path,
    number: signal.Signals,
    words: list[str],
) -> None:
    home = tmp_path / "home"
    with_database(home / "prefect", tmp_path_factory)
    with FakeProvider(latency=3.0) as server:  # windows of one post each begin seconds apart on a busy machine
        campaign = campaign_file(tmp_path, pictures, server, hands=2)
        process = start(home, campaign, *words)
        wait_for(lambda: server.in_flight >= 2, process)
        told = time.monotonic()
        if number is signal.SIGINT:  # a terminal sends it to all processes of the command
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
        _, errors = process.communicate(timeout=60)
        took = time.monotonic() - told
        assert process.returncode == 130, errors
        assert errors == "postwright: interrupted; run the same command again to resume\n"
        assert took < 10
        seen = server.stats["requests"]
        assert 2 <= seen < 7
        records = journal(home)
        assert [record["status"] for record in records] == ["ok"] * seen, "what was in flight has arrived"
        states = {row["state"] for row in Store(home / "warehouse.duckdb").query("SELECT state FROM runs")}
        assert states <= {"interrupted", "done", "empty"} and "interrupted" in states

        server.latency = 0.1
        again = start(home, campaign, *words)
        _, errors = again.communicate(timeout=200)
        assert again.returncode == 0, errors
        assert server.stats["requests"] == 7, "each post was bought once"
    rows = Store(home / "warehouse.duckdb").query("SELECT count(*) AS n FROM judged_posts WHERE overall IS NOT NULL")
    assert rows == [{"n": 7}]


def test_a_stop_reaches_purchases_in_other_threads_once_and_they_end_what_they_have_begun() -> None:
    import asyncio

    begun, ended, cancelled, raised = threading.Barrier(3), [], [], []

    async def work() -> str:
        begun.wait(10)
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(1)
            await asyncio.sleep(0.2)  # the calls in flight arrive
            ended.append(1)
            raise
        return "not stopped"

    def window() -> None:
        try:
            run_async(work)
        except KeyboardInterrupt:
            raised.append(1)

    from contextvars import copy_context

    with stoppable() as stop:
        threads = [threading.Thread(target=copy_context().run, args=(window,)) for _ in range(2)]
        for thread in threads:
            thread.start()
        begun.wait(10)
        time.sleep(0.1)
        stop.ask()
        for thread in threads:
            thread.join(10)
        assert len(cancelled) == len(ended) == len(raised) == 2
        with pytest.raises(KeyboardInterrupt):
            run_async(work)  # nothing begins after the stop


def test_a_purchase_gives_its_result_and_its_error() -> None:
    async def answer() -> int:
        return 42

    async def fail() -> int:
        raise ValueError("no")

    assert run_async(answer) == 42
    with pytest.raises(ValueError, match="no"):
        run_async(fail)
