"""Campaigns by batches: the same rows as live for half the price, and every way to stop and go on."""

import json
import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console

from components.chat import prices
from components.chat.batch import Register
from components.errors import BatchPending, UserError
from components.specs import Campaign
from components.warehouse.store import Store
from flows import batching, buying
from flows.backfill import backfill
from flows.pipeline import Summary, pipeline
from flows.plan_run import RunPlan, plan_run
from flows.settings import Settings
from flows.show import show_plan
from tests.fake_provider import FakeProvider
from tests.flows.test_stopping import start, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def campaign(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Campaign]:
    """Writer and judge at the fake provider, whose model has a price."""

    def made(server: FakeProvider, mode: str, **chat: Any) -> Campaign:
        _, listed = prices._load(prices.FILE)
        monkeypatch.setitem(listed, f"openai/fake@{server.url}", {"input": 10.0, "output": 40.0, "batch": 0.5})
        section = {"model": "openai/fake", "endpoint": server.url, "mode": mode, **chat}
        content = {"name": "test", "dataset": {"source": "folder", "path": pictures}, "budget": {"usd": 5.0}}
        return Campaign.model_validate(content | {"generation": section, "judge": section | {"allow_own_model": True}})

    return made


def home_of(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Settings:
    monkeypatch.setenv("POSTWRIGHT_HOME", str(folder))
    return Settings.from_environment().prepare()


def posts_of(settings: Settings) -> list[dict[str, Any]]:
    return settings.store().query("SELECT post_id, text, alt_text, aspects, overall FROM judged_posts ORDER BY post_id")


def states(settings: Settings) -> list[str]:
    return [row["state"] for row in settings.store().query("SELECT state FROM runs ORDER BY started_at, run_id")]


def answer(server: FakeProvider) -> None:
    """Every batch that is open ends; those that come later stay open."""
    server.batches.hold = False
    deadline = time.monotonic() + 30
    while any(job.status in ("validating", "in_progress", "finalizing") for job in list(server.batches.jobs.values())):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    server.batches.hold = True


@contextmanager
def ending_in(server: FakeProvider, *groups: int, patience_s: float = 60) -> Iterator[None]:
    """Batches end when as many are open at once, group by group: who waits for the first before handing in the others
    waits for ever, and here until patience ends, which fails."""
    over, together = threading.Event(), []

    def watch() -> None:
        server.batches.hold, ended = True, 0
        for size in groups:
            until = time.monotonic() + patience_s
            while len(server.batches.jobs) < ended + size and time.monotonic() < until and not over.wait(0.02):
                continue
            together.append(len(server.batches.jobs) - ended)
            ended += together[-1]
            answer(server)
        server.batches.hold = False

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
        server.batches.hold = False
    assert together == list(groups)


def test_a_campaign_by_batches_gives_the_rows_of_a_live_one_for_half_the_price(
    home: Settings, campaign: Callable[..., Campaign], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with FakeProvider() as server:
        live = pipeline(campaign(server, "live"))
        assert server.stats["requests"] == 14 and server.batches.stats["created"] == 0
        expected, paid = posts_of(home), live.cost_usd or 0
        other = home_of(monkeypatch, tmp_path / "batches")
        batch = pipeline(campaign(server, "batch"))
        assert server.stats["requests"] == 14, "nothing was bought live"
        assert [job.total for job in server.batches.jobs.values()] == [7, 7]
        assert posts_of(other) == expected and len(expected) == 7 and all(row["overall"] for row in expected)
        assert batch.cost_usd == pytest.approx(paid / 2) and paid > 0
        assert {step.step: step.bought for step in batch.steps}["generate_posts"] == 7
        calls = other.store().query("SELECT stage, count(*) AS n, sum(cost_usd) AS usd FROM calls GROUP BY stage")
        assert sum(row["usd"] for row in calls) == pytest.approx(batch.cost_usd)


def test_what_was_bought_live_is_not_handed_in_and_the_other_way_round(
    home: Settings, campaign: Callable[..., Campaign]
) -> None:
    with FakeProvider() as server:
        pipeline(campaign(server, "live"), limit=3)
        again = pipeline(campaign(server, "batch"), limit=3)
        assert all(step.rows == 0 and step.bought == 0 for step in again.steps)
        pipeline(campaign(server, "batch"), limit=5)
        assert next(job.total for job in server.batches.jobs.values()) == 2, "writing: two new items"
        live = server.stats["requests"]
        pipeline(campaign(server, "live"), limit=5)
        assert server.stats["requests"] == live


def test_a_live_run_buys_nothing_that_an_open_batch_holds_as_its_plan_says(
    home: Settings, campaign: Callable[..., Campaign], monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeProvider() as server:
        server.batches.hold = True
        with pytest.raises(BatchPending):
            pipeline(campaign(server, "batch", batch_wait_h=0))
        live = campaign(server, "live")
        monkeypatch.setattr(buying, "_ledgers", {})
        plan, console = plan_run(live, home, None, None, None), Console(width=200, record=True, quiet=False)
        show_plan(plan, console)
        assert (plan.stages[0].calls, plan.stages[0].under_way) == (0, 7)
        assert "a live run stops until they are answered" in console.export_text()
        with pytest.raises(BatchPending, match=r"7 calls to openai/fake are in batch batch_0001, .*`mode: batch`"):
            pipeline(live)
        assert server.stats["requests"] == 0 and states(home) == ["waiting"] * 2
        answer(server)
        monkeypatch.setattr(buying, "_ledgers", {})
        assert pipeline(live).state == "done"
        assert server.batches.stats["lines"] == 7 == server.stats["requests"], "seven posts by the batch, judged live"
        assert len(posts_of(home)) == 7 and not Register(home.batches).open_entries()


def test_a_run_that_does_not_wait_is_resumed_by_the_same_command(
    home: Settings, campaign: Callable[..., Campaign], monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeProvider() as server:
        server.batches.hold = True
        told = r"batch batch_000. is .* \(0 of 7\): run the same command again, nothing is bought twice"

        def run() -> Summary:
            monkeypatch.setattr(buying, "_ledgers", {})  # as the next command begins
            return pipeline(campaign(server, "batch", batch_wait_h=0))

        for _ in range(2):
            with pytest.raises(BatchPending, match=told):
                run()
        answer(server)
        with pytest.raises(BatchPending, match=told):  # the posts are there, the judge's batch is handed in
            run()
        answer(server)
        assert run().state == "done"
        assert states(home) == ["waiting"] * 3 + ["done"]
        assert [job.total for job in server.batches.jobs.values()] == [7, 7]
        (purse,) = home.store().query("SELECT DISTINCT purse FROM runs")
        assert purse and len(posts_of(home)) == 7


def test_all_parts_are_handed_in_before_the_first_is_waited_for(
    home: Settings, campaign: Callable[..., Campaign], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "BATCH", 3)
    with FakeProvider() as server, ending_in(server, 3, 3):
        assert pipeline(campaign(server, "batch")).state == "done"
        assert [job.total for job in server.batches.jobs.values()] == [3, 3, 1] * 2
        assert len(posts_of(home)) == 7


def test_each_stage_of_all_parts_is_handed_in_before_it_is_waited_for(
    home: Settings, campaign: Callable[..., Campaign], monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.fake_provider.replies import default_reply

    def reply(body: dict[str, Any]) -> str:
        tells_alt_text = isinstance(body["messages"][-1]["content"], list) and "response_format" not in body
        return "Waves roll onto an empty beach under a pale sky." if tells_alt_text else default_reply(body)

    monkeypatch.setattr(batching, "BATCH_WITH_PICTURES", 3)
    with FakeProvider(reply=reply) as server, ending_in(server, 3, 2, 1):
        plain = campaign(server, "batch")
        generation = plain.generation.model_copy(update={"alt_text": "model"})
        assert pipeline(plain.model_copy(update={"generation": generation})).state == "done"
        assert [job.total for job in server.batches.jobs.values()] == [3, 3, 1, 3, 3, 7]  # one item has no picture
        assert len(posts_of(home)) == 7


def test_repairs_of_the_judge_are_bought_live(home: Settings, campaign: Callable[..., Campaign]) -> None:
    from tests.fake_provider.replies import default_reply

    def reply(body: dict[str, Any]) -> str:
        asked_first = "response_format" in body and len(body["messages"]) == 2
        return "I would rather not say." if asked_first else default_reply(body)

    with FakeProvider(reply=reply) as server:
        assert pipeline(campaign(server, "batch"), limit=3).state == "done"
        assert [job.total for job in server.batches.jobs.values()] == [3, 3]
        assert server.stats["requests"] == 3, "one repair for each"
        modes = home.store().query("SELECT DISTINCT stage FROM calls ORDER BY stage")
        assert [row["stage"] for row in modes] == ["generate", "judge", "judge_repair"]
        assert all(row["overall"] for row in posts_of(home))


def test_a_backfill_that_does_not_wait_hands_in_every_window(
    home: Settings, campaign: Callable[..., Campaign], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, last = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC)
    with FakeProvider() as server:
        server.batches.hold = True
        for _ in ("writing", "judging"):
            monkeypatch.setattr(buying, "_ledgers", {})
            with pytest.raises(BatchPending, match="2 of 2 windows stopped"):
                backfill(campaign(server, "batch", batch_wait_h=0), first, last)
            answer(server)
        windows = backfill(campaign(server, "batch", batch_wait_h=0), first, last)
        assert all(window.summary is not None and window.summary.state == "done" for window in windows)
        assert [job.total for job in server.batches.jobs.values()] == [1] * 4


def test_a_backfill_that_waits_hands_in_every_window_first(home: Settings, campaign: Callable[..., Campaign]) -> None:
    first, last = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC)
    with FakeProvider() as server, ending_in(server, 2, 2):
        windows = backfill(campaign(server, "batch"), first, last)
        assert all(window.summary is not None and window.summary.state == "done" for window in windows)
        found = home.store().query("SELECT batch_id, stage FROM calls ORDER BY batch_id")
        assert [row["stage"] for row in found] == ["generate", "generate", "judge", "judge"]


def test_wrong_modes_are_refused_before_anything_runs(home: Settings, pictures: Path) -> None:
    content: dict[str, Any] = {"name": "test", "dataset": {"source": "folder", "path": pictures}}
    with pytest.raises(UserError, match="remove `mode: batch`"):
        pipeline(Campaign.model_validate(content | {"generation": {"mode": "batch"}}))
    told = {"model": "openai/fake", "endpoint": "http://127.0.0.1:9/v1", "mode": "batch"}
    with pytest.raises(ValueError, match="mode: batch is for generation and judge"):
        Campaign.model_validate(content | {"features": {"told": told}})


@pytest.mark.drill
def test_a_killed_command_goes_on_with_the_batch_it_handed_in(tmp_path: Path, pictures: Path) -> None:
    home = tmp_path / "home"
    with FakeProvider() as server:
        server.batches.hold = True
        file = tmp_path / "campaign.yaml"
        section = {"model": "openai/fake", "endpoint": server.url, "mode": "batch"}
        content = {"name": "killed", "dataset": {"source": "folder", "path": str(pictures)}, "generation": section}
        file.write_text(
            yaml.safe_dump(content | {"judge": section | {"allow_own_model": True}, "budget": {"allow_unpriced": True}})
        )

        def open_batches() -> bool:
            entries = [json.loads(path.read_text()) for path in (home / "calls" / "batches").glob("*.json")]
            return [entry["state"] for entry in entries] == ["open"]

        process = start(home, file, "run")
        wait_for(open_batches, process)
        os.killpg(process.pid, signal.SIGKILL)  # with the server that it started, which would hold its pipes
        process.communicate()
        pending = start(home, file, "run", "--set", "generation.batch_wait_h=0")
        _, errors = pending.communicate(timeout=200)
        assert pending.returncode == 5, errors
        assert errors == (
            "postwright: batch batch_0001 is in_progress (0 of 7): "
            "run the same command again, nothing is bought twice\n"
        )
        looked = server.batches.asked["GET /batches/{id}"]
        interrupted = start(home, file, "run")
        wait_for(lambda: server.batches.asked["GET /batches/{id}"] > looked, interrupted)
        told = time.monotonic()
        interrupted.send_signal(signal.SIGTERM)
        interrupted.communicate(timeout=60)
        assert interrupted.returncode == 130 and time.monotonic() - told < 10
        server.batches.hold = False
        out, errors = communicate(start(home, file, "run"))
        assert "batch batch_0002: 7 calls handed in" in out, errors
        assert [job.total for job in server.batches.jobs.values()] == [7, 7]
        assert server.batches.stats["most_answered"] == 1 and server.stats["requests"] == 0
    rows = Store(home / "warehouse.duckdb").query("SELECT count(*) AS n FROM judged_posts WHERE overall IS NOT NULL")
    assert rows == [{"n": 7}]


def communicate(process: "subprocess.Popen[str]") -> tuple[str, str]:
    out, errors = process.communicate(timeout=200)
    assert process.returncode == 0, errors
    return out, errors


def test_a_post_that_is_written_while_a_judge_batch_waits_changes_nothing_in_it(
    home: Settings, campaign: Callable[..., Campaign], monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeProvider() as server:
        plain = campaign(server, "batch", batch_wait_h=0)
        writer = plain.generation.model_copy(update={"mode": "live", "max_attempts": 1})
        made = plain.model_copy(update={"generation": writer})
        server.batches.hold = True
        server.faults = deque(["503"])
        for handed_in in ([6], [6, 1]):
            monkeypatch.setattr(buying, "_ledgers", {})
            with pytest.raises(BatchPending):
                pipeline(made)
            assert [job.total for job in server.batches.jobs.values()] == handed_in
        answer(server)
        monkeypatch.setattr(buying, "_ledgers", {})
        assert pipeline(made).state == "done"
        assert [job.total for job in server.batches.jobs.values()] == [6, 1]
        assert len(posts_of(home)) == 7 and all(row["overall"] for row in posts_of(home))


def test_a_plan_does_not_count_calls_that_wait_in_batches_as_calls_to_be_bought(
    home: Settings, campaign: Callable[..., Campaign], monkeypatch: pytest.MonkeyPatch
) -> None:
    def planned() -> tuple[RunPlan, list[tuple[int, int, int]], str]:
        plan, console = plan_run(made, home, None, None, None), Console(width=200, record=True, quiet=False)
        show_plan(plan, console)
        return plan, [(stage.calls, stage.under_way, stage.cached) for stage in plan.stages], console.export_text()

    with FakeProvider() as server:
        made = campaign(server, "batch", batch_wait_h=0)
        server.batches.hold = True
        with pytest.raises(BatchPending):
            pipeline(made)
        plan, counted, said = planned()
        held = sum(entry.reserved_usd for entry in Register(home.batches).open_entries())
        assert counted == [(0, 7, 0), (7, 0, 0)] and plan.stages[0].usd_high == 0
        assert plan.batches == 1 and plan.month_usd == plan.waiting_usd == held > 0
        assert "7 calls more are in 1 batch under way" in said and "for batches under way)" in said
        for left in ((0, 7, 0), (0, 0, 0)):
            answer(server)
            monkeypatch.setattr(buying, "_ledgers", {})
            if left[1]:
                with pytest.raises(BatchPending):
                    pipeline(made)
            else:
                assert pipeline(made).state == "done"
            plan, counted, said = planned()
            assert counted[1] == left and ("under way" in said) == bool(left[1])
        assert plan.waiting_usd == 0 and plan.batches == 0


def test_a_plan_speaks_of_batch_prices_where_there_are_some(
    home: Settings, campaign: Callable[..., Campaign], monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeProvider() as server:
        made = campaign(server, "batch")
        _, listed = prices._load(prices.FILE)
        for price, told in (
            ({"input": 10.0, "output": 40.0, "batch": 0.5}, True),
            ({"input": 10.0, "output": 40.0, "batch": None}, False),
            (None, False),
        ):
            monkeypatch.setitem(listed, f"openai/fake@{server.url}", price)
            if price is None:
                monkeypatch.delitem(listed, f"openai/fake@{server.url}")
            console = Console(width=200, record=True, quiet=False)
            show_plan(plan_run(made, home, None, None, None), console)
            assert ("at batch prices" in console.export_text()) == told, price
