"""Buying by batches: what is bought, what comes back, and how each oddity of a result ends."""

import asyncio
import time
from collections import deque
from dataclasses import replace
from pathlib import Path

import pytest

from components.chat import FINAL, Ledger, Status
from components.chat.batch import Pace
from components.errors import BatchPending, ProviderStopped, UserError
from tests.chat.batches import QUICK, BatchShop, all_ok
from tests.chat.conftest import KEY, request
from tests.fake_provider import FakeProvider


@pytest.fixture
def shop(tmp_path: Path) -> BatchShop:
    return BatchShop(tmp_path)


async def test_answers_come_in_order_once_and_cost_half(shop: BatchShop) -> None:
    with FakeProvider() as server:
        ledger = Ledger(5.0, prices=shop.prices(server))
        asked = [request(number % 30, server.url) for number in range(60)]
        outcomes = await shop.buy_batch(server, asked, ledger=ledger)
        assert all_ok(outcomes) and [outcome.key for outcome in outcomes] == [one.key for one in asked]
        assert [outcome.bought for outcome in outcomes] == [True] * 30 + [False] * 30
        assert server.batches.stats["created"] == 1 and server.batches.stats["lines"] == 30
        assert len(shop.told) == 30
        records = shop.records()
        live = sum((r["input_tokens"] * 1000 + r["output_tokens"] * 4000) / 1e6 for r in records)
        assert sum(r["cost_usd"] for r in records) == pytest.approx(live / 2) == pytest.approx(ledger.spent_usd)
        assert ledger.reserved_usd == pytest.approx(0) and ledger.held_usd == 0
        assert {(r["mode"], r["batch_id"], r["attempts"], r["spec_id"]) for r in records} == {
            ("batch", "batch_0001", 1, "spec")
        }
        (entry,) = shop.entries()
        assert (entry.state, entry.lines, entry.cost_usd) == ("collected", {}, pytest.approx(live / 2))
        assert not list(shop.register.folder.glob("*2*.lock")), "no lock is left behind"


async def test_live_and_batch_answers_are_hits_for_each_other(shop: BatchShop) -> None:
    with FakeProvider() as server:
        await shop.buy(server, 10)
        outcomes = await shop.buy_batch(server, 15)
        assert all_ok(outcomes) and server.batches.stats["lines"] == 5
        assert [outcome.bought for outcome in outcomes] == [False] * 10 + [True] * 5
        live = await shop.buy(server, 15)
        assert not any(outcome.bought for outcome in live) and server.stats["requests"] == 10
        await shop.buy_batch(server, 15)
        assert server.batches.stats["created"] == 1
        assert await shop.buy_batch(server, []) == []


@pytest.mark.parametrize("api", ["chat", "responses"])
async def test_both_interfaces_say_in_a_batch_what_they_say_live(shop: BatchShop, tmp_path: Path, api: str) -> None:
    with FakeProvider() as server:
        schema = {"type": "object", "properties": {"score": {"type": "integer", "minimum": 1, "maximum": 10}}}
        asked = [request(number, server.url, api=api, schema=schema) for number in range(5)]
        outcomes = await shop.buy_batch(server, asked, api=api)
        assert server.batches.jobs["batch_0001"].endpoint == {"chat": "/v1/chat/completions"}.get(api, "/v1/responses")
        assert [record["value"] for record in shop.records()] and all(
            record["value"]["score"] for record in shop.records()
        )
        live = BatchShop(tmp_path / "live")
        assert [one.text for one in await live.buy(server, asked, api=api)] == [one.text for one in outcomes]
        assert {record["api"] for record in shop.records()} == {api}


@pytest.mark.parametrize("fault", ["expired", "missing", "broken", "500", "429", "empty", "long", "503"])
async def test_what_comes_back_without_an_answer_is_handed_in_again_alone(shop: BatchShop, fault: str) -> None:
    ends = {"500": Status.server_error, "503": Status.server_error, "429": Status.rate_limited}
    ends["empty"] = ends["long"] = Status.invalid_reply
    with FakeProvider() as server:
        server.batches.line_faults = deque([fault, "ok", fault])
        outcomes = await shop.buy_batch(server, 12)
        assert all_ok(outcomes)
        assert sorted(outcome.attempts for outcome in outcomes) == [1] * 10 + [2] * 2
        assert [job.total for job in server.batches.jobs.values()] == [12, 2]
        assert server.batches.stats["most_answered"] <= (2 if fault in ("missing", "broken", "empty", "long") else 1)
        first = [record["status"] for record in shop.records() if record["batch_id"] == "batch_0001"]
        assert sorted(set(first)) == sorted({"ok", ends.get(fault, Status.expired)})
        assert len(shop.records()) == 14, "each line of each batch has one record"


@pytest.mark.parametrize(("fault", "status"), [("expired", Status.expired), ("500", Status.server_error)])
async def test_after_so_many_rounds_a_call_ends_and_the_next_run_asks_again(
    shop: BatchShop, fault: str, status: Status
) -> None:
    with FakeProvider() as server:
        server.batches.line_faults = deque([fault, "ok", fault, fault])
        outcomes = await shop.buy_batch(server, 2)
        assert sorted((outcome.status, outcome.attempts) for outcome in outcomes) == sorted(
            [(Status.ok, 1), (status, 3)]
        )
        assert [job.total for job in server.batches.jobs.values()] == [2, 1, 1]
        assert all_ok(await shop.buy_batch(server, 2))
        assert server.batches.stats["created"] == 4


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ("400", Status.bad_request), ("length", Status.truncated), ("refusal", Status.refusal),
        ("content_filter", Status.content_filter), ("filter_400", Status.content_filter),
    ],
)  # fmt: skip
async def test_what_stays_is_bought_once(shop: BatchShop, fault: str, status: Status) -> None:
    assert status in FINAL
    with FakeProvider() as server:
        server.batches.line_faults = deque([fault])
        for _ in range(2):
            outcomes = await shop.buy_batch(server, 3)
            assert sorted(outcome.status for outcome in outcomes) == sorted([status, Status.ok, Status.ok])
        assert server.batches.stats["created"] == 1


async def test_duplicate_and_unknown_lines_change_nothing_and_are_told(shop: BatchShop) -> None:
    with FakeProvider() as server:
        server.batches.line_faults = deque(["duplicate", "unknown"])
        assert all_ok(await shop.buy_batch(server, 4))
        assert len(shop.records()) == 4 and server.batches.stats["created"] == 1
        assert any("1 unknown, 1 duplicate" in line for line in shop.said)


async def test_a_result_that_cannot_be_read_yet_is_read_later(shop: BatchShop) -> None:
    with FakeProvider() as server:
        server.batches.unreadable = 2
        server.batches.faults["GET /files/{id}/content"] = deque(["503", "cut", "reset"])
        assert all_ok(await shop.buy_batch(server, 5, pace=replace(QUICK, patience=8)))
        assert server.batches.stats["created"] == 1 and len(shop.records()) == 5


async def test_a_result_that_is_never_readable_stops_and_the_next_run_reads_it(shop: BatchShop) -> None:
    with FakeProvider() as server:
        server.batches.unreadable = 8
        with pytest.raises(ProviderStopped, match=r"answers of batch batch_0001 cannot be read.*wait at the endpoint"):
            await shop.buy_batch(server, 5)
        assert all_ok(await shop.buy_batch(server, 5))
        assert server.batches.stats["created"] == 1


@pytest.mark.parametrize("address", ["POST /files", "POST /batches", "GET /batches/{id}"])
@pytest.mark.parametrize("fault", ["429", "500", "503", "reset", "html", "cut"])
async def test_trouble_at_any_address_passes_and_nothing_is_handed_in_twice(
    shop: BatchShop, address: str, fault: str
) -> None:
    with FakeProvider() as server:
        server.batches.faults[address] = deque([fault])
        assert all_ok(await shop.buy_batch(server, 5))
        assert server.batches.stats["lines"] == 5 and server.batches.stats["doubled"] == 0
        assert server.batches.stats["most_answered"] == 1


async def test_a_creation_that_is_made_after_its_answer_was_given_up_cannot_run(shop: BatchShop) -> None:
    with FakeProvider() as server:
        server.batches.faults["POST /batches"] = deque(["slow"])
        server.batches.late_s = 0.6
        outcomes = await shop.buy_batch(server, 5, timeout_s=0.2)
        assert all_ok(outcomes)
        await asyncio.sleep(0.7)
        assert server.batches.stats["lines"] == 5 and server.batches.stats["most_answered"] == 1
        assert server.batches.files.counts["deleted"] == 1


async def test_a_failed_batch_stops_with_what_the_server_says(shop: BatchShop) -> None:
    with FakeProvider() as server:
        server.batches.most_lines = 3
        with pytest.raises(ProviderStopped, match=r"batch_0001 of 5 calls failed: too_many_tasks: .*5 of at most 3"):
            await shop.buy_batch(server, 5)
        assert shop.ledger.reserved_usd == 0
        assert all_ok(await shop.buy_batch(server, 5, pace=replace(QUICK, max_lines=3)))
        assert [job.total for job in server.batches.jobs.values()] == [0, 3, 2]


async def test_files_keep_to_the_limits_of_lines_and_bytes(shop: BatchShop) -> None:
    with FakeProvider() as server:
        assert all_ok(await shop.buy_batch(server, 25, pace=replace(QUICK, max_lines=10)))
        assert [job.total for job in server.batches.jobs.values()] == [10, 10, 5]
        server.batches.files.most_bytes = 2000
        others = [request(number, server.url) for number in range(100, 120)]
        assert all_ok(await shop.buy_batch(server, others, pace=replace(QUICK, max_bytes=2000)))
        assert len(server.batches.jobs) > 5 and server.batches.stats["most_answered"] == 1


async def test_a_full_queue_makes_batches_smaller_and_waits(shop: BatchShop) -> None:
    with FakeProvider() as server:
        server.batches.queue_tokens = 700
        outcomes = await shop.buy_batch(server, 80)
        assert all_ok(outcomes) and {outcome.attempts for outcome in outcomes} == {1}
        jobs = list(server.batches.jobs.values())
        assert jobs[0].status == "failed" and sum(job.total for job in jobs) == 80
        assert all(job.tokens <= 700 for job in jobs if job.status == "completed")
        assert any("token_limit_exceeded" in line for line in shop.said)


async def test_without_batches_the_user_is_told_before_anything_is_spent(shop: BatchShop) -> None:
    with FakeProvider() as server:
        server.batches.enabled = False
        with pytest.raises(UserError, match=r"has no batches.*set `mode: live`"):
            await shop.buy_batch(server, 3)
        assert shop.entries() == [] and shop.records() == [] and shop.ledger.reserved_usd == 0


@pytest.mark.parametrize(("address", "fault"), [("POST /files", "401"), ("POST /batches", "quota"), ("", "key")])
async def test_a_refused_key_or_no_credit_stops_at_once(shop: BatchShop, address: str, fault: str) -> None:
    with FakeProvider(key="sk-another-key" if fault == "key" else None) as server:
        server.batches.faults[address] = deque([fault])
        with pytest.raises(ProviderStopped, match="MY_KEY") as stopped:
            await shop.buy_batch(server, 3, api_key_env="MY_KEY")
        assert KEY not in str(stopped.value) and shop.entries() == []
        server.key = None
        assert all_ok(await shop.buy_batch(server, 3))


async def test_lines_that_say_the_model_is_not_there_stop_the_run(shop: BatchShop) -> None:
    with FakeProvider() as server:
        server.batches.line_faults = deque(["404"] * 3)
        with pytest.raises(ProviderStopped, match="404"):
            await shop.buy_batch(server, 3)
        assert {record["status"] for record in shop.records()} == {"not_found"}
        assert server.batches.stats["created"] == 1


@pytest.mark.parametrize("without", ["max_tokens", "temperature"])
async def test_a_parameter_that_the_model_refuses_is_left_out_and_handed_in_again(
    shop: BatchShop, without: str
) -> None:
    with FakeProvider(without=[without]) as server:
        outcomes = await shop.buy_batch(server, 4)
        assert all_ok(outcomes)
        assert [job.failed for job in server.batches.jobs.values()] == [4, 0]
        assert {tuple(record["sent_without"]) for record in shop.records()} == {
            ("temperature",) if without == "temperature" else ()
        }
        assert len(shop.records()) == 4, "what was refused for how it was asked is no end of a call"


async def test_waiting_ends_after_the_time_that_was_given_and_goes_on_later(shop: BatchShop) -> None:
    with FakeProvider() as server:
        server.batches.hold = True
        with pytest.raises(BatchPending, match=r"batch batch_0001 is .*\(0 of 5\): run the same command again") as stop:
            await shop.buy_batch(server, 5, batch_wait_h=0.2 / 3600)
        assert stop.value.exit_code == 5
        with pytest.raises(BatchPending):
            await shop.buy_batch(server, 5, batch_wait_h=0)
        (entry,) = shop.entries()
        assert (entry.state, entry.batch_id, len(entry.lines)) == ("open", "batch_0001", 5)
        server.batches.hold = False
        await asyncio.sleep(0.3)
        assert all_ok(await shop.buy_batch(server, 5, batch_wait_h=0))
        assert server.batches.stats["created"] == 1 and server.batches.stats["uploaded"] == 1


async def test_a_cancelled_purchase_ends_within_a_second_and_leaves_its_batch_open(shop: BatchShop) -> None:
    with FakeProvider() as server:
        server.batches.hold = True
        task = asyncio.create_task(shop.buy_batch(server, 5, pace=Pace()))
        while not shop.entries() or shop.entries()[0].state != "open":
            await asyncio.sleep(0.01)
        task.cancel()
        began = time.monotonic()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - began < 1
        server.batches.hold = False
        assert all_ok(await shop.buy_batch(server, 5))
        assert server.batches.stats["created"] == 1


async def test_a_batch_that_was_cancelled_keeps_its_answers_and_stops(shop: BatchShop) -> None:
    with FakeProvider() as server:
        server.batches.hold = True
        task = asyncio.create_task(shop.buy_batch(server, 5))
        while not server.batches.jobs or server.batches.jobs["batch_0001"].status != "in_progress":
            await asyncio.sleep(0.01)
        server.batches.jobs["batch_0001"].cancel = True
        with pytest.raises(ProviderStopped, match=r"batch_0001 was cancelled \(0 of 5 answered"):
            await task
        server.batches.hold = False
        assert all_ok(await shop.buy_batch(server, 5))
        assert server.batches.stats["created"] == 2


async def test_a_batch_that_the_endpoint_does_not_know_is_not_handed_in_again(shop: BatchShop) -> None:
    with FakeProvider() as server:
        server.batches.hold = True
        with pytest.raises(BatchPending):
            await shop.buy_batch(server, 3, batch_wait_h=0)
        known = dict(server.batches.jobs)
        server.batches.jobs.clear()
        with pytest.raises(ProviderStopped, match=r"knows no batch batch_0001.*delete .*\.json"):
            await shop.buy_batch(server, 3)
        server.batches.jobs |= known
        server.batches.hold = False
        assert all_ok(await shop.buy_batch(server, 3))
        assert server.batches.stats["created"] == 1


@pytest.mark.parametrize("pace", [replace(QUICK, patience=3), replace(QUICK, patience=99, whole_s=0.2)])
async def test_an_ended_batch_that_lacks_a_line_is_collected_by_commands_that_do_not_wait(
    shop: BatchShop, pace: Pace
) -> None:
    with FakeProvider() as server:
        server.batches.line_faults = deque(["missing"])
        for _ in range(40):
            try:
                assert all_ok(await shop.buy_batch(server, 4, batch_wait_h=0, pace=pace))
                break
            except BatchPending:
                await asyncio.sleep(0.1)
        assert [job.total for job in server.batches.jobs.values()] == [4, 1] and not shop.register.open_entries()
        assert sorted(record["status"] for record in shop.records()) == ["expired"] + ["ok"] * 4


async def test_an_offline_model_has_no_batches(shop: BatchShop) -> None:
    from components.chat import check
    from components.specs import GenerationSpec

    with pytest.raises(UserError, match="remove `mode: batch`"):
        check(GenerationSpec(mode="batch"), None, False)
