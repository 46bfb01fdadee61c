"""The money of batches: reserved before they are handed in, held while they are open, settled when collected."""

import asyncio
import contextlib
import random
from collections import deque
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from components.chat import Ledger
from components.chat.batch import batch_price, hold_open
from components.chat.prices import Price, Usage
from components.errors import BatchPending, BudgetExceeded
from tests.chat.batches import BatchShop, all_ok
from tests.chat.conftest import request
from tests.fake_provider import FakeProvider


@pytest.fixture
def shop(tmp_path: Path) -> BatchShop:
    return BatchShop(tmp_path)


def test_every_price_is_half() -> None:
    listed = Price(input=2.0, output=8.0, cached_input=1.0, cache_write=2.5, batch_factor=0.5, date="2026-01-01")
    half, usage = batch_price(listed), Usage(input=1000, output=500, cached=200, written=100)
    assert half is not None and half.cost(usage) == pytest.approx(listed.cost(usage) / 2)
    assert half.date == listed.date and half.picture_tokens == listed.picture_tokens
    assert batch_price(None) is None


async def test_the_worst_case_is_held_while_a_batch_is_open_across_restarts(shop: BatchShop) -> None:
    with FakeProvider() as server:
        ledger = Ledger(5.0, prices=shop.prices(server))
        server.batches.hold = True
        for _ in range(2):  # the same process comes back: it is held once
            with pytest.raises(BatchPending):
                await shop.buy_batch(server, 10, ledger=ledger, batch_wait_h=0)
        (entry,) = shop.entries()
        held = ledger.reserved_usd
        assert held == pytest.approx(entry.reserved_usd) and held > 10 * 50 * 4000 / 2 / 1e6
        later = Ledger(5.0, prices=shop.prices(server))
        hold_open(later, shop.register, "another purse")
        assert later.reserved_usd == 0
        with pytest.raises(BatchPending):
            await shop.buy_batch(server, 10, ledger=later, batch_wait_h=0)
        assert later.reserved_usd == pytest.approx(held)
        poor = Ledger(held + 0.001, prices=shop.prices(server))
        hold_open(poor, shop.register, "purse")
        with pytest.raises(BatchPending):  # the next call would pass the cap while the batch is open
            await shop.buy_batch(server, 11, ledger=poor, batch_wait_h=0)
        assert server.batches.stats["created"] == 1
        server.batches.hold = False
        assert all_ok(await shop.buy_batch(server, 10, ledger=later))
        assert later.reserved_usd == pytest.approx(0)
        assert later.spent_usd == pytest.approx(shop.journal.spent_usd("run")) and 0 < later.spent_usd < held


async def test_what_the_budget_has_room_for_is_handed_in_and_the_rest_when_it_is_settled(shop: BatchShop) -> None:
    with FakeProvider() as server:
        ledger = Ledger(1.2, prices=shop.prices(server))  # the worst case of 9 of 20 calls
        outcomes = await shop.buy_batch(server, 20, ledger=ledger, max_output_tokens=50)
        assert all_ok(outcomes) and server.batches.stats["created"] > 1
        assert ledger.spent_usd <= 1.2 and ledger.reserved_usd == pytest.approx(0)


async def test_a_budget_for_not_even_one_call_hands_in_nothing(shop: BatchShop) -> None:
    with FakeProvider() as server:
        with pytest.raises(BudgetExceeded, match=r"raise `budget.usd`"):
            await shop.buy_batch(server, 5, ledger=Ledger(0.05, prices=shop.prices(server)))
        assert server.batches.stats["uploaded"] == 0 and shop.entries() == []


async def test_a_budget_that_runs_out_keeps_what_was_answered(shop: BatchShop) -> None:
    with FakeProvider() as server:
        ledger = Ledger(0.4, prices=shop.prices(server))
        with pytest.raises(BudgetExceeded):
            await shop.buy_batch(server, 40, ledger=ledger)
        bought = len(shop.records())
        assert 0 < bought < 40 and ledger.spent_usd <= 0.4
        assert all_ok(await shop.buy_batch(server, 40, ledger=Ledger(50, prices=shop.prices(server))))
        assert server.batches.stats["most_answered"] == 1


async def test_a_line_that_is_missing_may_have_been_billed_an_expired_one_was_not(shop: BatchShop) -> None:
    with FakeProvider() as server:
        ledger = Ledger(5.0, prices=shop.prices(server))
        server.batches.line_faults = deque(["missing", "expired"])
        assert all_ok(await shop.buy_batch(server, 4, ledger=ledger))
        held = [record["held_usd"] for record in shop.records() if record["status"] == "expired"]
        assert sorted(usd > 0 for usd in held) == [False, True]
        assert ledger.held_usd == pytest.approx(sum(held))


async def test_the_cap_holds_over_random_workloads(tmp_path: Path) -> None:
    faults = ["ok"] * 6 + ["expired", "missing", "500", "empty", "length", "400", "duplicate"]
    with FakeProvider() as server:
        server.batches.step_s = 0.001
        for seed in range(15):
            dice, shop = random.Random(seed), BatchShop(tmp_path / str(seed))
            shop.folder.mkdir()
            server.batches.line_faults = deque(dice.choices(faults, k=60))
            ledger = Ledger(dice.uniform(0.1, 2.0), prices=shop.prices(server))
            asked = [request(number, server.url, seed=seed) for number in range(dice.randint(1, 30))]
            with contextlib.suppress(BudgetExceeded):
                await shop.buy_batch(server, asked, ledger=ledger)
            assert ledger.spent_usd + ledger.held_usd + ledger.reserved_usd <= ledger.cap_usd + 1e-8
            assert shop.journal.spent_usd() == pytest.approx(ledger.spent_usd + ledger.held_usd)
            assert not ledger.open_batches and not shop.register.open_entries()


async def test_another_purse_waits_for_the_answers_and_does_not_pay(shop: BatchShop) -> None:
    with FakeProvider() as server:
        ours, theirs = (Ledger(5.0, prices=shop.prices(server)) for _ in range(2))
        server.batches.hold = True
        with pytest.raises(BatchPending):
            await shop.buy_batch(server, 5, ledger=theirs, run_id="first", purse="theirs", batch_wait_h=0)
        server.batches.hold = False
        assert all_ok(await shop.buy_batch(server, 5, ledger=ours, run_id="second", purse="ours"))
        assert ours.spent_usd == 0 and {record["run_id"] for record in shop.records()} == {"first"}
        assert all_ok(await shop.buy_batch(server, 6, ledger=theirs, run_id="first", purse="theirs"))
        assert server.batches.stats["lines"] == 6


async def test_a_batch_that_nobody_wants_any_more_is_collected_for_the_books(shop: BatchShop) -> None:
    with FakeProvider() as server:
        ledger = Ledger(5.0, prices=shop.prices(server))
        server.batches.hold = True
        with pytest.raises(BatchPending):
            await shop.buy_batch(server, 5, ledger=ledger, run_id="first", batch_wait_h=0)
        server.batches.hold = False
        (entry,) = shop.entries()
        entry.created_at = (datetime.now(UTC) - timedelta(hours=30)).isoformat()
        shop.register.save(entry)
        await asyncio.sleep(0.3)
        await shop.buy_batch(server, [request(99, server.url)], ledger=ledger, run_id="second", purse="another")
        runs = [record["run_id"] for record in shop.records()]
        assert sorted(runs) == ["first"] * 5 + ["second"]
        assert not shop.register.open_entries()


async def test_who_has_no_money_until_a_batch_is_settled_is_told_so(shop: BatchShop) -> None:
    with FakeProvider() as server:
        server.batches.hold = True
        ledger = Ledger(1.3, prices=shop.prices(server))
        for numbers, why in ((range(10), "batch_0001 is "), (range(10, 20), "10 calls wait for money .*`budget.usd`")):
            with pytest.raises(BatchPending, match=why):
                asked = [request(number, server.url) for number in numbers]
                await shop.buy_batch(server, asked, ledger=ledger, batch_wait_h=0)


async def test_a_batch_costs_what_it_cost_when_it_was_handed_in_whoever_collects_it(shop: BatchShop) -> None:
    with FakeProvider() as server:
        prices = shop.prices(server)
        ledger = Ledger(5.0, prices=prices)
        server.batches.hold = True
        with pytest.raises(BatchPending):
            await shop.buy_batch(server, 5, ledger=ledger, batch_wait_h=0, spec_id="first")
        (entry,) = shop.entries()
        prices.write_text(prices.read_text().replace("2026-01-01", "2026-06-01").replace("input: 1000", "input: 90000"))
        server.batches.hold = False
        assert all_ok(await shop.buy_batch(server, 5, ledger=ledger, spec_id="second"))
        records = shop.records()
        cost = sum((r["input_tokens"] * 1000 + r["output_tokens"] * 4000) / 2e6 for r in records)
        assert sum(r["cost_usd"] for r in records) == pytest.approx(cost) == pytest.approx(ledger.spent_usd)
        assert ledger.spent_usd <= entry.reserved_usd
        assert {(r["price_date"], r["spec_id"]) for r in records} == {("2026-01-01", "first")}


async def test_a_batch_of_a_home_that_kept_no_prices_costs_what_the_list_says_now(shop: BatchShop) -> None:
    with FakeProvider() as server:
        ledger = Ledger(5.0, prices=shop.prices(server))
        server.batches.hold = True
        with pytest.raises(BatchPending):
            await shop.buy_batch(server, 2, ledger=ledger, batch_wait_h=0)
        (entry,) = shop.entries()
        entry.price, entry.spec_id, entry.price_date = None, "", "2025-01-01"
        shop.register.save(entry)
        server.batches.hold = False
        assert all_ok(await shop.buy_batch(server, 2, ledger=ledger))
        assert {(r["price_date"], r["spec_id"]) for r in shop.records()} == {("2026-01-01", "spec")}
        assert ledger.spent_usd == pytest.approx(sum(r["cost_usd"] for r in shop.records())) and ledger.spent_usd > 0
