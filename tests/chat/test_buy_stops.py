"""What ends a purchase before its last call: an endpoint that fails, a cancel; and what is in flight then."""

import asyncio
import socket
import time
from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest

from components.chat import Retry, Status
from components.errors import ProviderStopped
from tests.chat.conftest import Shop, request
from tests.fake_provider import FakeProvider


async def test_too_many_failures_stop_the_purchase(shop: Shop) -> None:
    with FakeProvider(fail=1.0, fail_with=["503"]) as server:
        with pytest.raises(ProviderStopped, match=r"20 of the last 20 .*20 server_error.*HTTP 503: overloaded"):
            await shop.buy(server, 500, max_attempts=2, max_concurrency=1)
        assert server.stats["requests"] == 40
        assert len(shop.records()) == 20


async def test_half_failing_is_not_too_many(shop: Shop) -> None:
    with FakeProvider(faults=["ok", "503"] * 30) as server:
        outcomes = await shop.buy(server, 60, max_attempts=1, max_concurrency=1)
        assert Counter(outcome.status for outcome in outcomes) == {Status.ok: 30, Status.server_error: 30}


@pytest.mark.parametrize("count", [500, 1])
async def test_an_endpoint_that_is_not_there_stops_the_purchase(shop: Shop, count: int) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen; nobody else can meanwhile
        absent: Any = SimpleNamespace(url=f"http://127.0.0.1:{nobody.getsockname()[1]}/v1")
        with pytest.raises(ProviderStopped, match=r"cannot be reached .*check `endpoint`"):
            await shop.buy(absent, count, max_attempts=2)
    assert len(shop.records()) < 50
    assert shop.ledger.held_usd == 0


async def test_what_is_in_flight_when_a_purchase_stops_is_journaled(shop: Shop) -> None:
    with FakeProvider(faults=["401"], latency=0.2) as server:
        with pytest.raises(ProviderStopped):
            await shop.buy(server, 50, max_concurrency=10)
        kept = Counter(record["status"] for record in shop.records())
        assert kept == {"ok": server.stats["requests"] - 1, "authentication": 1} and kept["ok"] >= 3
        await shop.buy(server, 50)
        assert server.stats["requests"] == 51


async def test_cancelling_journals_what_arrives_in_the_grace(shop: Shop) -> None:
    with FakeProvider(latency=0.3) as server:
        task = asyncio.create_task(shop.buy(server, 50, max_concurrency=8))
        while server.stats["in_flight"] < 8:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert [record["status"] for record in shop.records()] == ["ok"] * 8
        await shop.buy(server, 50)
        assert server.stats["requests"] == 50


async def test_cancelling_does_not_wait_for_a_server_that_hangs(shop: Shop) -> None:
    with FakeProvider(faults=["hang"] * 8) as server:
        retry = Retry(base_s=0.005, grace_s=0.2)
        task = asyncio.create_task(shop.buy(server, 8, max_concurrency=8, timeout_s=60, retry=retry))
        while server.stats["in_flight"] < 8:
            await asyncio.sleep(0.01)
        began = time.monotonic()
        task.cancel()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - began < 3
        assert {record["status"] for record in shop.records()} == {"connection"}


async def test_a_small_purchase_all_of_which_fails_stops_and_the_next_one_goes_on(shop: Shop) -> None:
    with FakeProvider() as server:
        await shop.buy(server, 3)
        server.faults.extend(["503"] * 10)
        with pytest.raises(ProviderStopped, match=r"all 10 calls .*10 server_error; last: HTTP 503.*answers are kept"):
            await shop.buy(server, 13, max_attempts=1)
        assert Counter(record["status"] for record in shop.records()) == {"ok": 3, "server_error": 10}
        outcomes = await shop.buy(server, 13)
        assert Counter(outcome.bought for outcome in outcomes) == {False: 3, True: 10}
        assert all(outcome.status is Status.ok for outcome in outcomes) and server.stats["requests"] == 23
        server.faults.extend(["503"])
        (alone,) = await shop.buy(server, [request(99, server.url)], max_attempts=1)
        assert alone.status is Status.server_error, "one call says too little"


async def test_failures_of_small_purchases_add_up(shop: Shop) -> None:
    """Each has an answer, so that none of them stops by itself."""
    with FakeProvider() as server:
        outcomes: Counter[str] = Counter()
        with pytest.raises(ProviderStopped, match=r"12 of the last 20 calls to http.* failed \(12 server_error"):
            for purchase in range(10):
                server.faults.extend(["ok", "ok", "503", "503", "503"])
                asked = [request(number, server.url, seed=purchase) for number in range(5)]
                found = await shop.buy(server, asked, max_attempts=1, max_concurrency=1)
                outcomes.update(outcome.status for outcome in found)
        assert outcomes == {"ok": 6, "server_error": 9}
        server.faults.clear()
        assert len(await shop.buy(server, 30)) == 30, "who goes on begins anew"
