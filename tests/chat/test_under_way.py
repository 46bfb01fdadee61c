"""Two purchases of one process that ask the same at the same moment: one buys, the other waits for it."""

import asyncio
import threading

import pytest

from components.chat import Status
from components.chat.under_way import begin, end
from tests.chat.conftest import Shop, request
from tests.fake_provider import FakeProvider


async def test_two_purchases_on_one_loop_buy_once(shop: Shop) -> None:
    with FakeProvider(latency=0.05) as server:
        asked = [request(number, server.url) for number in range(30)]
        both = await asyncio.gather(shop.buy(server, asked), shop.buy(server, asked))
        assert server.stats["requests"] == 30
        assert [sum(outcome.bought for outcome in outcomes) for outcomes in both] in ([30, 0], [0, 30])
        assert all(outcome.status is Status.ok for outcomes in both for outcome in outcomes)
        assert len(shop.records()) == 30


def test_two_windows_in_threads_buy_once(shop: Shop) -> None:
    with FakeProvider(latency=0.05) as server:
        asked = [request(number, server.url) for number in range(30)]
        windows = [threading.Thread(target=lambda: asyncio.run(shop.buy(server, asked))) for _ in range(3)]
        for window in windows:
            window.start()
        for window in windows:
            window.join(60)
        assert server.stats["requests"] == 30 == len(shop.records()) and server.stats["most_repeated"] == 1


async def test_what_the_first_one_did_not_get_the_second_asks_for(shop: Shop) -> None:
    with FakeProvider(faults=["503"], latency=0.05) as server:
        asked = [request(0, server.url)]
        first, second = await asyncio.gather(
            shop.buy(server, asked, max_attempts=1), shop.buy(server, asked, max_attempts=1)
        )
        assert {first[0].status, second[0].status} == {Status.server_error, Status.ok}
        assert server.stats["requests"] == 2


async def test_a_purchase_that_waits_for_another_stops_at_once(shop: Shop) -> None:
    with FakeProvider(latency=5.0) as server:
        asked = [request(0, server.url)]
        first = asyncio.create_task(shop.buy(server, asked))
        while not server.stats["in_flight"]:
            await asyncio.sleep(0.01)
        second = asyncio.create_task(shop.buy(server, asked))
        await asyncio.sleep(0.1)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(second, 1)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first


async def test_ends_wake_whoever_waits_also_on_loops_that_are_gone() -> None:
    place = ("folder", "key")
    assert begin(place) is None
    waiting = begin(place)
    threading.Thread(target=lambda: asyncio.run(_begin(place))).start()
    await asyncio.sleep(0.1)
    assert waiting is not None and not waiting.done()
    end(place)
    await asyncio.wait_for(waiting, 1)
    assert begin(place) is None
    end(place)


async def _begin(place: tuple[str, str]) -> None:
    assert begin(place) is not None
