"""Limits against a server on a socket: what it counted, and that no row is lost to a 429."""

import asyncio
import logging
import time
from collections import Counter
from pathlib import Path

import pytest

from components.chat import Ledger, Retry, Status
from components.chat.limits import door_of
from components.errors import ProviderStopped
from tests.chat.conftest import QUICK, Shop, request
from tests.fake_provider import FakeProvider
from tests.processes import Python

ROOT = Path(__file__).parents[2]
PATIENT = Retry(base_s=0.005, cap_s=0.02, refused_s=60.0)


def lane_of(shop: Shop, server: FakeProvider) -> dict[str, object]:
    door = door_of(server.url, shop.folder / "calls" / "shared")
    (state,) = door.state()["models"].values()  # type: ignore[attr-defined]
    return dict(state)


@pytest.mark.parametrize("configured", [True, False])
async def test_a_known_limit_is_kept_without_refusals(shop: Shop, configured: bool) -> None:
    with FakeProvider(rpm=1800, burst=6, latency=0.02) as server:
        began = time.monotonic()
        outcomes = await shop.buy(server, 60, max_concurrency=16, rpm=1800 if configured else None)
        took = time.monotonic() - began
        assert {outcome.status for outcome in outcomes} == {Status.ok}
        assert server.counts["429"] <= (1 if configured else 6)
        assert took >= (60 - 6 - 16) / 30
        assert lane_of(shop, server)["told"] == {"rpm": 1800, "tpm": None, "left_to_us": (1.0, 1.0)}
        assert server.stats["requests"] == sum(record["attempts"] for record in shop.records())


async def test_an_unknown_limit_is_found_and_costs_no_row(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    with FakeProvider(rpm=3000, burst=5, latency=0.02, tells=False) as server, caplog.at_level(logging.INFO):
        outcomes = await shop.buy(server, 150, max_concurrency=32, retry=PATIENT, max_attempts=1)
        assert {outcome.status for outcome in outcomes} == {Status.ok}
        assert server.stats["requests"] == sum(outcome.attempts for outcome in outcomes)
        assert 0 < server.counts["429"] < 75
        state = lane_of(shop, server)
        assert state["refused"] == server.counts["429"]
        assert caplog.text.count("refused a call (429)") == state["decreases"] < server.counts["429"] + 1
        assert 10 < float(str(state["found"])) < 100


async def test_slots_of_a_server_are_found(shop: Shop) -> None:
    with FakeProvider(slots=4, latency=0.2) as server:
        outcomes = await shop.buy(server, 60, max_concurrency=16, retry=PATIENT)
        assert {outcome.status for outcome in outcomes} == {Status.ok}
        assert server.peak >= 4 and server.counts["429"] < 60


async def test_a_limit_that_grows_is_used(shop: Shop) -> None:
    with FakeProvider(rpm=600, latency=0.01) as server:
        buying = asyncio.create_task(shop.buy(server, 80, max_concurrency=16, retry=PATIENT))
        await asyncio.sleep(1.5)
        slow = server.counts["ok"]
        server.limits.change(rpm=None)  # it tells nothing more; the last word was 600
        server.limits.change(rpm=6000)
        await buying
        assert slow <= 17
        assert lane_of(shop, server)["told"]["rpm"] == 6000  # type: ignore[index]


async def test_a_row_is_given_up_only_when_nothing_at_all_is_accepted_for_long(shop: Shop) -> None:
    with FakeProvider(faults=["ok"] + ["429"] * 1000, tells=False) as server:
        retry = Retry(base_s=0.005, refused_s=0.6)
        outcomes = await shop.buy(server, 3, max_concurrency=1, retry=retry, max_attempts=2)
        assert [outcome.status for outcome in outcomes] == [Status.ok, Status.rate_limited, Status.rate_limited]
        assert outcomes[1].attempts >= 2 and outcomes[2].attempts == 1
        assert server.stats["requests"] == sum(outcome.attempts for outcome in outcomes)
        server.faults.clear()
        again = await shop.buy(server, 3)
        assert [(outcome.status, outcome.bought) for outcome in again] == [
            (Status.ok, False), (Status.ok, True), (Status.ok, True)
        ]  # fmt: skip


async def test_an_endpoint_that_refuses_everything_stops_the_purchase(shop: Shop) -> None:
    with FakeProvider(faults=["429"] * 1000, tells=False) as server:
        retry = Retry(base_s=0.005, refused_s=0.2)
        with pytest.raises(ProviderStopped, match=r"has refused every call for 0.2 s .*limits"):
            await shop.buy(server, 100, max_concurrency=8, retry=retry)
        assert server.counts["429"] < 40


async def test_stopping_while_all_wait_at_the_door_is_at_once(shop: Shop) -> None:
    with FakeProvider() as server:
        task = asyncio.create_task(shop.buy(server, 50, rpm=1, max_concurrency=16))
        while server.counts["ok"] < 1:
            await asyncio.sleep(0.01)
        began = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - began < 1
        door = door_of(server.url, shop.folder / "calls" / "shared")
        assert (door.in_flight, len(door.visitors)) == (0, 0)
        assert shop.ledger.reserved_usd == 0


async def test_money_is_free_again_when_a_wait_at_the_door_ends(shop: Shop) -> None:
    with FakeProvider() as server:
        ledger = Ledger(1.0, prices=shop.prices(server))
        task = asyncio.create_task(shop.buy(server, 5, rpm=1, ledger=ledger, max_concurrency=2))
        while server.counts["ok"] < 1:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert ledger.reserved_usd == 0 and ledger.spent_usd > 0


PURCHASE = """
    import asyncio
    from pathlib import Path
    from tests.chat.conftest import Shop, request
    class Server:
        url = {url!r}
    requests = [request(number, Server.url) for number in {numbers!r}]
    asyncio.run(Shop(Path({folder!r})).buy(Server, requests, max_concurrency=16, rpm=1200))
"""


def test_two_processes_with_one_limit_make_no_more_than_it_together(shop: Shop) -> None:
    with FakeProvider(latency=0.05) as server:
        codes = [
            PURCHASE.format(url=server.url, folder=str(shop.folder), numbers=list(range(start, start + 40)))
            for start in (0, 1000)
        ]
        processes = [Python(code) for code in codes]
        assert [process.wait(120) for process in processes] == [0, 0]
        arrivals = sorted(server.arrivals)
        for number, first in enumerate(arrivals):
            inside = sum(first <= at < first + 1 for at in arrivals[number:])
            assert inside <= 20 * 1.3 + 2, "1,200 a minute are 20 a second, and what may catch up"


async def test_windows_of_one_process_take_turns(shop: Shop) -> None:
    """A large purchase does not starve a small one that begins later."""
    with FakeProvider(latency=0.01) as server:
        large = asyncio.create_task(shop.buy(server, 200, rpm=1500, max_concurrency=16))
        await asyncio.sleep(0.5)
        began = time.monotonic()
        small = [request(number, server.url) for number in range(1000, 1010)]
        outcomes = await Shop(shop.folder).buy(server, small, rpm=1500, max_concurrency=16, retry=QUICK)
        took = time.monotonic() - began
        large.cancel()
        with pytest.raises(asyncio.CancelledError):
            await large
        assert Counter(outcome.status for outcome in outcomes) == {Status.ok: 10}
        assert took < 20 / 25 + 1.0, "every second slot was its own"
