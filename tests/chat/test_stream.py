"""Buying from any iterable: nothing is kept that is not needed, and hits in the journal cost no turn."""

import asyncio
import gc
import itertools
import weakref
from collections.abc import Iterable, Iterator

import pytest

from components.chat import ChatOutcome, ChatRequest, Journal, Status, buy, stream
from components.chat.walk import LONGEST, SHORTEST, STRETCH, Walk
from tests.chat.conftest import KEY, QUICK, Shop, lines, request
from tests.chat.test_buy_processes import buyer
from tests.fake_provider import FakeProvider


async def streamed(
    shop: Shop, server: FakeProvider, requests: Iterable[ChatRequest], told: list[ChatOutcome], **spec: object
) -> None:
    await stream(
        requests,
        spec=shop.spec(server, **spec),
        api_key=KEY,
        journal=shop.journal,
        ledger=shop.ledger,
        run_id="run",
        spec_id="step",
        on_outcome=told.append,
        retry=QUICK,
    )


class Alive(ChatRequest):
    __hash__ = object.__hash__


async def test_requests_are_made_when_they_are_needed_and_not_kept(shop: Shop) -> None:
    alive: weakref.WeakSet[Alive] = weakref.WeakSet()
    most = made = 0

    def making(url: str) -> Iterator[ChatRequest]:
        nonlocal most, made
        for number in range(600):
            one = request(number, url)
            one = Alive(**{name: getattr(one, name) for name in one.__dataclass_fields__})
            alive.add(one)
            made, most = made + 1, max(most, len(alive))
            assert made - answered() <= SHORTEST + 8 + 1, "a little ahead of the calls"
            yield one
            del one

    with FakeProvider(latency=0.002) as server:
        told: list[ChatOutcome] = []
        answered = lambda: len(told)  # noqa: E731
        gc.disable()  # nothing must hang on a cycle
        try:
            await streamed(shop, server, making(server.url), told, max_concurrency=8)
        finally:
            gc.enable()
    assert len(told) == 600 and {outcome.status for outcome in told} == {Status.ok}
    assert most <= 2 * SHORTEST + 8 + 1
    assert {record["spec_id"] for record in shop.records()} == {"step"}


async def test_equal_requests_of_a_stream_are_bought_and_told_once(shop: Shop) -> None:
    with FakeProvider(latency=0.002) as server:
        told: list[ChatOutcome] = []
        await streamed(shop, server, (request(number % 50, server.url) for number in range(500)), told)
        assert server.stats["requests"] == len(told) == 50


async def test_an_iterator_is_bought_in_order_as_a_list_is(shop: Shop) -> None:
    with FakeProvider(latency=0.002) as server:
        asked = [request(number % 7, server.url) for number in range(30)]
        outcomes = await buy(
            iter(asked), spec=shop.spec(server), api_key=KEY, journal=shop.journal, ledger=shop.ledger, run_id="run"
        )
        assert [outcome.key for outcome in outcomes] == [one.key for one in asked]
        assert sum(outcome.bought for outcome in outcomes) == 7 == server.stats["requests"]
        assert {record["spec_id"] for record in shop.records()} == {None}


async def test_hits_are_told_while_calls_are_in_flight(shop: Shop) -> None:
    with FakeProvider() as server:
        await shop.buy(server, 300)
        server.latency = 0.5
        told: list[ChatOutcome] = []
        new = (request(number, server.url) for number in (1000, *range(300)))
        await streamed(shop, server, new, told, max_concurrency=2)
        assert [outcome.bought for outcome in told] == [False] * 300 + [True]
        assert server.stats["requests"] == 301


async def test_nothing_to_buy_leaves_the_home_as_it_is(shop: Shop) -> None:
    with FakeProvider() as server:
        await shop.buy(server, 20)
        before = sorted(path.name for path in shop.folder.rglob("*"))
        shop.journal = Journal(shop.folder / "calls")
        told: list[ChatOutcome] = []
        await streamed(shop, server, (request(number, server.url) for number in range(20)), told)
        await streamed(shop, server, (), told)
        assert len(told) == 20 and server.stats["requests"] == 20
        assert sorted(path.name for path in shop.folder.rglob("*")) == before


@pytest.mark.parametrize("what", ["an error", "another spec"])
async def test_an_iterator_that_fails_stops_the_purchase_and_loses_nothing(shop: Shop, what: str) -> None:
    def broken(url: str) -> Iterator[ChatRequest]:
        yield from (request(number, url) for number in range(SHORTEST + 4))
        if what == "an error":
            raise ZeroDivisionError
        yield request(0, url, model="openai/other")

    with FakeProvider(latency=0.1) as server:
        with pytest.raises((ZeroDivisionError, ValueError)):
            await streamed(shop, server, broken(server.url), [], max_concurrency=SHORTEST)
        # A new endpoint is asked by few at first, so not all that could be in flight are.
        assert 0 < len(shop.records()) == server.stats["requests"] <= SHORTEST


@pytest.mark.parametrize("first", [True, False])
async def test_a_walk_without_an_end_can_be_cancelled(shop: Shop, first: bool) -> None:
    """Before the first call and between calls: the loop gets its turns though nothing is awaited."""
    with FakeProvider() as server:
        await shop.buy(server, 1)
        endless = itertools.chain([request(5, server.url)] * first, itertools.repeat(request(0, server.url)))
        task = asyncio.create_task(streamed(shop, server, endless, [], max_concurrency=2))
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 5)


@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize("elders", [0, 1, 2])
async def test_however_it_is_walked_everything_is_met_once(
    shop: Shop, listed: bool, elders: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeProvider() as server:
        await shop.buy(server, [request(number, server.url) for number in range(0, 500, 3)])
        monkeypatch.setattr(shop.journal, "elders", lambda: elders)
        asked = [request(number % 450, server.url) for number in range(600)]
        told: list[ChatOutcome] = []
        spec = shop.spec(server, max_concurrency=8)
        walk = Walk(asked if listed else iter(asked), spec, shop.journal, told.append)
        assert await walk.begin()
        keys = [one.key for one in walk if one is not None]
    expected = [asked[number].key for number in range(450) if number % 3]
    assert sorted(keys) == sorted(expected)
    assert sorted(outcome.key for outcome in told) == sorted(asked[number].key for number in range(0, 450, 3))
    assert (keys == expected) == (elders == 0)
    if elders == 1 and listed:
        assert keys[:3] == [asked[number].key for number in (149, 148, 146)]  # the list ends with copies of these
    assert STRETCH * 8 < LONGEST


async def test_two_processes_that_stream_share_what_they_buy(shop: Shop) -> None:
    with FakeProvider(latency=0.05) as server:
        with buyer(server, shop.folder, 300, "iter") as one, buyer(server, shop.folder, 300, "iter") as other:
            assert (one.wait(120), other.wait(120)) == (0, 0)
        assert server.stats["requests"] <= 300 + 3 * 32
        assert len({record["call_key"] for record in lines(shop.folder / "calls")}) == 300
