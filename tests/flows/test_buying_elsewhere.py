"""Live calls by workers: inside the cap, each bought once, whatever becomes of a worker."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import pytest
from prefect.task_runners import ThreadPoolTaskRunner

import flows.batching
from components.chat.segments import list_segments
from components.errors import BudgetExceeded, ProviderStopped
from components.exchange import Place
from components.specs import Budget
from flows import buying, workers
from flows.buying_elsewhere import Errand
from flows.generate_posts import generate_posts
from flows.publish import StepResult
from flows.settings import Settings
from flows.workers import Crew
from tests.fake_provider import FakeProvider
from tests.steps import Steps, campaign_of

REPLY = "A quiet boat on a calm sea, and nobody in a hurry. " * 4
DEAREST = 0.10
"""USD: what each call to the fake model could cost; REPLY costs about half of it."""


class Threads(ThreadPoolTaskRunner[Any]):
    """Prefect's threads as workers of another host: they use the exchange, and ship. `dies`: so many chunks are met by
    a worker that dies as soon as it has begun, and handed to the next one, as a cluster does."""

    dies = 0

    def submit(self, task: Any, parameters: dict[str, Any], **more: Any) -> Any:
        errand = parameters.get("errand")
        if isinstance(errand, Errand) and self.dies:
            self.dies -= 1
            Place(errand.exchange).write(errand.mark, b"a host")
        return super().submit(task, parameters, **more)


@pytest.fixture
def threads(home: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Threads]:
    monkeypatch.setenv("POSTWRIGHT_RUNNER", "dask")
    settings = Settings.from_environment()
    key = (settings.runner, settings.workers, settings.home, settings.exchange)
    with Threads(max_workers=2) as runner:
        monkeypatch.setitem(workers._crews, key, Crew("threads", runner, is_here=False, slots=2))
        yield runner


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flows.batching, "LIVE", 1)
    monkeypatch.setattr(flows.batching, "LOADS", 0)


@pytest.fixture
def write(home: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., StepResult]:
    """Writes six posts through a server, out of so many USD, as a new command would."""

    def start(server: FakeProvider, usd: float) -> StepResult:
        price = {f"openai/fake@{server.url}": {"input": 0.0, "output": 1000.0}}
        home.prices.write_text(json.dumps({"date": "2026-11-30", "models": price}), encoding="utf-8")
        monkeypatch.setattr(buying, "_ledgers", {})
        writer = {"model": "openai/fake", "endpoint": server.url, "max_output_tokens": 100}
        steps = Steps(home, campaign_of(tmp_path, generation=writer))
        steps.ingest(), steps.describe(), steps.build()
        c = steps.c
        return generate_posts(c.generation, c.prompt, c.features, steps.selection, Budget(usd=usd), "run", "run")

    return start


def texts(home: Settings) -> int:
    return len(home.store().query("SELECT post_id FROM posts WHERE text IS NOT NULL"))


def money(home: Settings) -> tuple[float, float]:
    home.store().prepare()
    (row,) = home.store().query("SELECT sum(cost_usd) AS spent, sum(held_usd) AS held FROM calls")
    return float(row["spent"]), float(row["held"])


def test_allowances_hold_the_cap_and_what_they_do_not_cover_the_publisher_buys(
    home: Settings, threads: Threads, write: Callable[..., StepResult]
) -> None:
    with FakeProvider(reply=lambda _: REPLY) as server:
        with pytest.raises(BudgetExceeded):
            write(server, 2.2 * DEAREST)
        bought, spent = server.stats["requests"], money(home)[0]
        assert 1 <= bought < 6 and spent <= 2.2 * DEAREST < spent + DEAREST
        assert write(server, 10 * DEAREST).rows == 6 - bought
        assert server.stats["requests"] == texts(home) == 6
        assert money(home)[1] == 0
    assert not Place(Settings.from_environment().exchange).names("chunks")


def test_an_errand_is_begun_once_and_its_allowance_is_held(
    home: Settings, threads: Threads, write: Callable[..., StepResult]
) -> None:
    threads.dies = 1
    with FakeProvider(reply=lambda _: REPLY) as server:
        assert write(server, 10 * DEAREST).rows == 6
        assert server.stats["requests"] == texts(home) == 6
    spent, held = money(home)
    assert held == pytest.approx(DEAREST) and spent < 6 * DEAREST
    assert len(home.store().query("SELECT * FROM calls WHERE stage = 'lost'")) == 1


def test_a_provider_that_stops_is_raised_once_all_is_settled(
    home: Settings, threads: Threads, write: Callable[..., StepResult]
) -> None:
    with FakeProvider(key="the right key") as server, pytest.raises(ProviderStopped, match="wants a key"):
        write(server, 10 * DEAREST)
    (ledger,) = buying._ledgers.values()
    assert ledger.reserved_usd == 0


@pytest.mark.drill
def test_a_worker_that_is_killed_costs_what_was_in_flight(
    home: Settings, write: Callable[..., StepResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    """kill -9 of a Dask worker in the midst of its calls, as the system does when memory ends."""
    pytest.importorskip("prefect_dask", reason="the extra dask is not installed")
    monkeypatch.setenv("POSTWRIGHT_RUNNER", "dask")
    monkeypatch.setenv("POSTWRIGHT_WORKERS", "2")
    monkeypatch.setattr(flows.batching, "LIVE", 3)
    killed: list[int] = []

    def kill() -> None:
        end = time.monotonic() + 90
        while time.monotonic() < end and not killed:
            for path, size in list_segments(home.calls):
                pid = int(path.name.split("-")[2])
                if size and pid != os.getpid() and not killed:
                    os.kill(pid, signal.SIGKILL)
                    killed.append(pid)
            time.sleep(0.02)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        delays = chain([0.1, 0.1], repeat(2.0))
        with FakeProvider(reply=lambda _: REPLY, latency=lambda: next(delays)) as server:
            result = write(server, 20 * DEAREST)
            asked = server.stats["requests"]
    finally:
        workers.disband()
        killer.join()
    assert killed and result.rows == texts(home) == 6
    assert 6 <= asked <= 6 + 3
    calls = home.store().query("SELECT call_key FROM calls WHERE status = 'ok'")
    assert len(calls) == len({row["call_key"] for row in calls}) == 6
    assert sum(money(home)) <= 20 * DEAREST
