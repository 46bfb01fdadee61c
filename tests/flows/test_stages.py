"""Steps that run at once: the rows of steps that run in turn, in any order; how they stop; whose turn at the models."""

import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from components.errors import CheckFailed, ProviderStopped
from components.specs import Campaign, Selection
from flows import batching, build_prompts, extract_features, stages
from flows.publish import StepResult
from flows.settings import Settings
from flows.stages import Line, Stage, run_at_once
from flows.turns import models_to_itself
from tests.fake_provider import FakeProvider
from tests.fake_provider.replies import default_reply

ROOT = Path(__file__).parents[2]
WORDS = ["ferry", "market", "garden", "concert", "kitchen", "mountain", "bridge", "bicycle"]


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slices and chunks of two items."""
    monkeypatch.setattr(stages, "LONG", 2)
    monkeypatch.setattr(stages, "SMALLEST", 2)
    monkeypatch.setattr(extract_features, "CHUNK", 2)
    monkeypatch.setattr(build_prompts, "CHUNK", 2)
    monkeypatch.setattr(batching, "LIVE", 2)
    monkeypatch.setattr(batching, "LOADS", 1)


def test_slices_grow_with_a_run_within_bounds() -> None:
    assert [stages.slice_of(n) for n in (0, 1, 2000, 2049, 10_000, 10**6)] == [128, 128, 128, 256, 640, 2048]


def line_of(*left: list[int], before: list[int | None] | None = None) -> Line:
    items = [pd.DataFrame([(n, f"i{n}") for n in numbers], columns=["position", "item_id"]) for numbers in left]
    return Line(items, before or [None, *range(len(left) - 1)])


def passing(done: list[tuple[str, int]], name: str, work: Callable[[int], None] = lambda n: None) -> Any:
    def step() -> StepResult:
        result = StepResult(name)
        for some in Stage(Selection(dataset="d"), name).slices(1):
            for n in some.positions:  # type: ignore[attr-defined]
                work(n)
                done.append((name, n))
                result.rows += 1
        return result

    return step


def test_each_step_gets_what_may_be_its_work_once_in_order_and_after_the_step_before(short: None) -> None:
    done: list[tuple[str, int]] = []
    results: list[StepResult] = []
    dice = random.Random(1)

    def work(n: int) -> None:
        time.sleep(dice.random() / 300)

    left = ([3, 5, 6], [1, 7], [0, 9], [2])
    run_at_once([passing(done, name, work) for name in "abcd"], line_of(*left), results)
    assert [n for name, n in done if name == "a"] == [3, 5, 6]
    assert [n for name, n in done if name == "b"] == [1, 3, 5, 6, 7]
    assert [n for name, n in done if name == "c"] == [0, 1, 3, 5, 6, 7, 9]
    assert [n for name, n in done if name == "d"] == [0, 1, 2, 3, 5, 6, 7, 9]
    assert [result.rows for result in results] == [3, 5, 7, 8]
    for earlier, later in ("ab", "bc", "cd"):
        for n in range(10):
            if (earlier, n) in done:
                assert done.index((earlier, n)) < done.index((later, n))


def test_the_first_error_lets_the_others_end_their_slice_and_is_raised(short: None) -> None:
    done: list[tuple[str, int]] = []
    results: list[StepResult] = []
    begun, failed = threading.Event(), threading.Event()

    def extract(n: int) -> None:
        if n == 4:
            assert begun.wait(10)
            failed.set()
            raise CheckFailed("features, chunk c: no")

    def write(n: int) -> None:
        begun.set()
        assert failed.wait(10)
        time.sleep(0.3)  # the error is known by now

    line = line_of(list(range(20)), [], [])
    with pytest.raises(CheckFailed, match="chunk c"):
        run_at_once([passing(done, "a", extract), passing(done, "b", write), passing(done, "c")], line, results)
    assert [n for name, n in done if name == "b"] == [0, 1], "the slice that it was at"
    assert [result.step for result in results] == ["b", "c"], "what they have done is told"


def test_a_signal_ends_the_computing_step_at_once_and_a_purchase_with_what_is_in_flight() -> None:
    code = """
import asyncio, os, signal, threading, time
import pandas as pd
from components.specs import Selection
from flows import stages
from flows.publish import StepResult
from flows.stopping import run_async
stages.SMALLEST = 2
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have made it deaf
buying, arrived, begun = threading.Event(), [], time.monotonic()
def compute():
    for some in stages.Stage(Selection(dataset="d"), "compute").slices(2):
        if some.positions[0] == 2:
            assert buying.wait(10)
            threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
            for _ in range(600):
                time.sleep(0.1)
    return StepResult("compute")
async def purchase():
    buying.set()
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        await asyncio.sleep(0.5)
        arrived.append(1)
        raise
def buy():
    for some in stages.Stage(Selection(dataset="d"), "buy").slices(2):
        run_async(purchase)
    return StepResult("buy")
items = pd.DataFrame({"position": range(6), "item_id": [f"i{n}" for n in range(6)]})
line = stages.Line([items, items[:0]], [None, 0])
try:
    stages.run_at_once([compute, buy], line, [])
except KeyboardInterrupt:
    print("interrupted", len(arrived), time.monotonic() - begun < 8)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1:] == ["interrupted 1 True"], done.stderr


def test_one_at_a_time_uses_the_models_of_a_machine() -> None:
    code = (
        "from flows.turns import models_to_itself\nwith models_to_itself():\n    print('in', flush=True)\n    input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None and other.stdout.readline() == "in\n"
        got = threading.Event()

        def wait() -> None:
            with models_to_itself():
                got.set()

        thread = threading.Thread(target=wait)
        thread.start()
        assert not got.wait(0.3)
        other.communicate("\n")
        assert got.wait(10)
        thread.join()


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    lines = [f'{k},"The {WORDS[k % 8]} number {k} opened by the lake.",2026-03-{k + 1:02}T10:00:00Z' for k in range(6)]
    (tmp_path / "texts.csv").write_text("id,text,published_at\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return tmp_path / "texts.csv"


def campaign_of(texts: Path, server: FakeProvider) -> Campaign:
    chat = {"endpoint": server.url, "max_concurrency": 2}
    return Campaign.model_validate(
        {
            "name": "test",
            "dataset": {"source": "csv", "path": texts},
            "generation": {"model": "openai/fake", **chat},
            "judge": {"model": "openai/judge", "batch_context": 3, **chat},
            "panel": [{"model": "openai/other", "batch_context": 0, **chat}],
            "budget": {"allow_unpriced": True},
        }
    )


ROWS = (
    "SELECT feature_id FROM features ORDER BY ALL",
    "SELECT prompt_id, words FROM prompts ORDER BY ALL",
    "SELECT post_id, call_key, text, duplicate_of FROM posts ORDER BY ALL",
    "SELECT judgment_id, call_key, score FROM judgments ORDER BY ALL",
)
WHEN = """SELECT max("at") FILTER (table_name = 'features') < min("at") FILTER (table_name = 'posts') AS in_turn
    FROM checks WHERE chunk_id <> 'table'"""


@pytest.mark.slow
def test_the_rows_are_those_of_steps_in_turn_and_a_stop_in_between_buys_nothing_twice(
    home: Settings, texts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    from flows.pipeline import pipeline

    with FakeProvider(latency=0.05) as server:
        campaign = campaign_of(texts, server)
        in_turn = pipeline(campaign)
        expected = [home.store().query(sql) for sql in ROWS]
        assert home.store().query(WHEN) == [{"in_turn": True}]

        request.getfixturevalue("short")
        monkeypatch.setenv("POSTWRIGHT_HOME", str(tmp_path / "at once"))
        other = Settings.from_environment().prepare()
        asked = server.stats["requests"]
        heard = iter(range(10**6))
        known = server.key

        def dies(body: dict[str, Any]) -> str:
            if next(heard) == 7:
                server.key = "another"
            return default_reply(body)

        server.reply = dies
        with pytest.raises(ProviderStopped):
            pipeline(campaign)
        server.reply, server.key = None, known
        (stopped,) = other.store().query("SELECT state, rows FROM runs")
        assert stopped["state"] == "provider_stopped"
        assert json.loads(stopped["rows"])["extract_features"]["rows"] > 0
        summary = pipeline(campaign)
        assert [other.store().query(sql) for sql in ROWS] == expected
        good = server.stats["by_end"]["ok"] - asked
        assert good == asked, "each call was answered once"
        assert [step.step for step in summary.steps] == [step.step for step in in_turn.steps]
        assert summary.scores == in_turn.scores
