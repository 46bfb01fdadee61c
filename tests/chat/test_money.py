"""Prices, reservations and plans: what is spent never passes the cap."""

import asyncio
import random
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.chat import Journal, Ledger, Price, estimate, price_of
from components.chat.prices import FILE, Usage, require_price
from components.chat.tokens import expected_tokens, most_tokens
from components.errors import BudgetExceeded, UserError
from tests.chat.conftest import KEY, Shop, request
from tests.fake_provider import FakeProvider

PRICE = Price(input=1000.0, output=4000.0, date="2026-01-01")


def test_a_listed_price() -> None:
    price = price_of("openai/gpt-4o-mini")
    assert price is not None
    assert price.cost(Usage(input=1_000_000, output=1_000_000)) == pytest.approx(0.75)
    assert price.cost(Usage(input=1_000_000, output=0, cached=1_000_000)) == pytest.approx(0.075)
    assert price.date.startswith("2026-")
    assert price_of("openai/gpt-4o-mini-2024-07-18") == price


def test_written_cache_has_its_price() -> None:
    price = price_of("openai/gpt-5.6-luna")
    assert price is not None
    assert price.cost(Usage(input=1_000_000, output=0, written=1_000_000)) == pytest.approx(0.25)
    assert price.most(1_000_000, 0) == pytest.approx(0.25)


def test_offline_costs_nothing_and_a_server_of_ones_own_is_unknown(tmp_path: Path) -> None:
    offline = price_of("offline/writer")
    assert offline is not None and offline.cost(Usage(input=10**6, output=10**6)) == 0.0
    assert price_of("openai/gpt-4o-mini", "http://127.0.0.1:8000/v1") is None
    assert price_of("openai/never-heard-of") is None
    own = tmp_path / "prices.yaml"
    own.write_text('date: 2026-02-02\nmodels: {"openai/llama@http://127.0.0.1:8000/v1": {input: 0, output: 1}}')
    given_price = price_of("openai/llama", "http://127.0.0.1:8000/v1/", own)
    assert given_price is not None and given_price.cost(Usage(input=5, output=1_000_000)) == 1.0


def test_an_unknown_price_is_refused_by_name() -> None:
    with pytest.raises(UserError, match=r"openai/mystery.*budget\.allow_unpriced"):
        require_price("openai/mystery", None, allow_unpriced=False)
    assert require_price("openai/mystery", None, allow_unpriced=True) is None


@pytest.mark.parametrize("text", ["", "date: x", "date: x\nmodels: {openai/m: {inputs: 1}}", "a: [", "models: 3"])
def test_a_broken_price_list_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / f"prices-{abs(hash(text))}.yaml"
    file.write_text(text)
    with pytest.raises(UserError, match=str(file)):
        price_of("openai/m", None, file)


def test_the_list_is_dated_and_says_where_it_is_from() -> None:
    text = FILE.read_text()
    assert "source:" in text and "date: 20" in text


@given(st.text(max_size=300), st.integers(1, 4))
def test_no_tokenizer_makes_more_tokens_than_the_bound(text: str, messages: int) -> None:
    asked = request(messages=tuple({"role": "user", "content": text} for _ in range(messages)))
    assert expected_tokens(asked, None) <= most_tokens(asked, None)
    assert most_tokens(asked, None) >= messages * len(text.encode("utf-8", "surrogatepass"))


@settings(max_examples=200, deadline=None)
@given(
    cap=st.floats(0, 5),
    spent=st.floats(0, 2),
    calls=st.lists(
        st.tuples(st.integers(1, 400), st.integers(1, 400), st.floats(0, 1), st.integers(0, 3)), max_size=30
    ),
    hands=st.integers(1, 8),
)
def test_no_workload_passes_the_cap(
    cap: float, spent: float, calls: list[tuple[int, int, float, int]], hands: int
) -> None:
    """Each call: most prompt tokens, most reply tokens, the share of that really used, and how long it takes."""
    ledger = Ledger(cap, spent_usd=spent)
    refused: list[float] = []

    async def worker(queue: list[tuple[int, int, float, int]]) -> None:
        while queue:
            sent, got, share, turns = queue.pop()
            try:
                reservation = await ledger.reserve("openai/m", PRICE, sent, got)
            except BudgetExceeded:
                refused.append(PRICE.most(sent, got))
                continue
            assert ledger.spent_usd + ledger.held_usd + ledger.reserved_usd <= cap + 1e-6
            for _ in range(turns):
                await asyncio.sleep(0)
            used = PRICE.cost(Usage(input=int(sent * share), output=int(got * share)))
            lost = turns == 3
            reservation.settle(0.0 if lost else used, reservation.usd if lost else 0.0)

    async def main() -> None:
        queue = list(calls)
        await asyncio.wait_for(asyncio.gather(*(worker(queue) for _ in range(hands))), 10)

    asyncio.run(main())
    assert ledger.reserved_usd == pytest.approx(0, abs=1e-9)
    assert ledger.spent_usd + ledger.held_usd <= max(cap, spent) + 1e-6
    # What was refused would indeed have been too much.
    assert all(ledger.spent_usd + ledger.held_usd + usd > cap - 1e-6 for usd in refused)


async def test_free_calls_go_on_when_the_money_is_gone() -> None:
    ledger = Ledger(1.0, spent_usd=2.0)
    (await ledger.reserve("offline/writer", Price(input=0, output=0, date="2026-01-01"), 100, 100)).settle(0.0)
    with pytest.raises(BudgetExceeded):
        await ledger.reserve("openai/m", PRICE, 1, 1)


def test_threads_with_their_own_loops_share_one_purse() -> None:
    ledger = Ledger(1.0)
    bought: list[float] = []

    async def window(seed: int) -> None:
        dice = random.Random(seed)
        for _ in range(60):
            try:
                reservation = await ledger.reserve("openai/m", PRICE, 20, 20)
            except BudgetExceeded:
                return
            await asyncio.sleep(dice.random() * 0.002)
            cost = reservation.usd * dice.random()
            bought.append(cost)
            reservation.settle(cost)

    threads = [threading.Thread(target=lambda seed=seed: asyncio.run(window(seed))) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads)
    assert sum(bought) == pytest.approx(ledger.spent_usd)
    assert 0.8 < ledger.spent_usd <= 1.0


async def test_a_budget_stops_the_purchase_and_a_higher_one_continues_it(shop: Shop) -> None:
    with FakeProvider(latency=0.01) as server:
        prices = shop.prices(server)
        ledger = Ledger(0.6, prices=prices)
        with pytest.raises(BudgetExceeded, match=r"budget\.usd"):
            await shop.buy(server, 40, ledger=ledger, max_concurrency=4)
        spent = shop.journal.spent_usd()
        assert 0 < spent == pytest.approx(ledger.spent_usd)
        assert spent <= 0.6
        first = server.stats["requests"]
        assert first == len(shop.records()) < 40
        more = Ledger(100.0, prices=prices, spent_usd=spent)
        outcomes = await shop.buy(server, 40, ledger=more)
        assert server.stats["requests"] == 40
        assert sum(outcome.bought for outcome in outcomes) == 40 - first
        assert more.spent_usd == pytest.approx(shop.journal.spent_usd())
        assert {record["price_date"] for record in shop.records()} == {"2026-01-01"}


@pytest.mark.parametrize("seed", range(5))
async def test_no_purchase_passes_the_cap_however_it_fails(shop: Shop, seed: int) -> None:
    dice = random.Random(seed)
    with FakeProvider(fail=0.4, seed=seed, latency=lambda: dice.random() * 0.01) as server:
        ledger = Ledger(dice.uniform(0.3, 3.0), prices=shop.prices(server))
        try:
            await shop.buy(server, 40, ledger=ledger, max_concurrency=dice.randint(1, 16))
        except BudgetExceeded:
            assert ledger.spent_usd > 0
        assert ledger.spent_usd + ledger.held_usd <= ledger.cap_usd + 1e-9
        assert ledger.reserved_usd == pytest.approx(0, abs=1e-9)
        assert shop.journal.spent_usd() == pytest.approx(ledger.spent_usd + ledger.held_usd)
        assert sum(record["attempts"] for record in shop.records()) == server.stats["requests"]


async def test_unpriced_calls_cost_unknown_and_not_nothing(shop: Shop) -> None:
    with FakeProvider() as server:
        (outcome,) = await shop.buy(server, 1)
        assert outcome.cost_usd is None
        with pytest.raises(UserError, match="price"):
            await shop.buy(server, 2, ledger=Ledger(1.0))
        assert server.stats["requests"] == 1


async def test_a_reply_without_usage_has_an_unknown_cost_that_counts_against_the_cap(shop: Shop) -> None:
    with FakeProvider(faults=["no_usage"]) as server:
        ledger = Ledger(10.0, prices=shop.prices(server))
        (outcome,) = await shop.buy(server, 1, ledger=ledger)
        assert (outcome.cost_usd, outcome.input_tokens) == (None, None)
        assert ledger.held_usd > 0 == ledger.spent_usd


async def test_empty_replies_are_paid_for(shop: Shop) -> None:
    with FakeProvider(faults=["empty", "empty"]) as server:
        ledger = Ledger(10.0, prices=shop.prices(server))
        (outcome,) = await shop.buy(server, 1, ledger=ledger)
        assert outcome.attempts == 3
        assert outcome.cost_usd == pytest.approx(ledger.spent_usd)
        once = len(str(server.seen[0]["messages"])) / 4
        assert outcome.input_tokens is not None and outcome.input_tokens > 2 * once


async def test_a_plan_buys_nothing_and_is_right_once_there_is_history(shop: Shop) -> None:
    with FakeProvider() as server:
        prices = shop.prices(server)
        asked = [request(number, server.url) for number in range(60)]
        spec = shop.spec(server)
        blind = estimate([*asked, asked[0]], spec, shop.journal, prices)
        assert (blind.calls, blind.cached, blind.from_history) == (60, 1, False)
        assert blind.usd_high is not None and blind.output_high == 60 * 50
        assert not shop.folder.joinpath("calls").exists()
        await shop.buy(server, asked[:30], ledger=Ledger(100.0, prices=prices))
        plan = estimate(asked, spec, shop.journal, prices)
        assert (plan.calls, plan.cached, plan.from_history) == (30, 30, True)
        ledger = Ledger(100.0, prices=prices)
        outcomes = await shop.buy(server, asked, ledger=ledger)
        bought = [outcome for outcome in outcomes if outcome.bought]
        assert plan.usd_low is not None and plan.usd_high is not None
        assert plan.usd_low <= ledger.spent_usd * 1.02 and ledger.spent_usd * 0.98 <= plan.usd_high
        assert (plan.usd_low + plan.usd_high) / 2 == pytest.approx(ledger.spent_usd, rel=0.15)
        assert plan.input_tokens == pytest.approx(sum(outcome.input_tokens or 0 for outcome in bought), rel=0.02)
        assert estimate(asked, spec, Journal(shop.folder / "calls"), prices).calls == 0


async def test_a_plan_without_a_price_says_so(shop: Shop) -> None:
    with FakeProvider() as server:
        plan = estimate([request(0, server.url)], shop.spec(server), shop.journal)
        assert (plan.usd_low, plan.usd_high) == (None, None)
        assert KEY not in str(plan)
