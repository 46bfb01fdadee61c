"""Batches that another purse than their own collects, of homes whose processes share their purses."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from components.chat import Journal, Ledger, Till
from components.chat.batch import Register, hold_open
from components.chat.batch.service import Seen, Service
from components.chat.purse import Purse
from components.errors import BatchPending, BudgetExceeded, ProviderStopped
from tests.chat.batches import BatchShop, all_ok
from tests.chat.conftest import request
from tests.chat.purses import die
from tests.fake_provider import FakeProvider


@pytest.fixture
def shop(tmp_path: Path) -> BatchShop:
    return BatchShop(tmp_path)


def open_ledger(shop: BatchShop, server: FakeProvider, purse: str) -> Ledger:
    """As another process would: a journal and a till of its own; a run has the name of its purse."""
    journal = Journal(shop.folder / "calls")
    till = Till(shop.folder / "calls" / "shared", journal, purse, batches=shop.register.at_endpoint)
    return Ledger(50.0, prices=shop.prices(server), till=till, month_usd=100.0)


def sums(ledger: Ledger) -> list[tuple[float, float, float]]:
    """(spent, held, reserved) of the run's purse and of the month's."""
    assert ledger._till is not None
    return [ledger._till.run.totals(), ledger._till.month.totals()]


async def handed_in(shop: BatchShop, server: FakeProvider, ledger: Ledger, purse: str = "old", count: int = 10) -> None:
    server.batches.hold = True
    with pytest.raises(BatchPending):
        await shop.buy_batch(server, count, ledger=ledger, run_id=purse, purse=purse, batch_wait_h=0)
    server.batches.hold = False


def make_old(shop: BatchShop) -> None:
    for entry in shop.register.open_entries():
        entry.created_at = (datetime.now(UTC) - timedelta(hours=30)).isoformat()
        shop.register.save(entry)


@pytest.mark.parametrize("alive", [False, True])
async def test_what_another_purse_collects_is_paid_by_the_one_that_handed_it_in(shop: BatchShop, alive: bool) -> None:
    with FakeProvider() as server:
        old = open_ledger(shop, server, "old")
        await handed_in(shop, server, old)
        assert all(reserved > 1 for _, _, reserved in sums(old))
        if not alive:
            old.close()
        new = open_ledger(shop, server, "new")
        assert all_ok(await shop.buy_batch(server, 10, ledger=new, run_id="new", purse="new"))
        cost = shop.journal.spent_usd("old")
        assert cost > 0 and shop.journal.spent_usd("new") == 0
        assert sums(new) == [pytest.approx((0, 0, 0)), pytest.approx((cost, 0, 0))]
        again = old if alive else open_ledger(shop, server, "old")
        for _ in range(2):  # it comes back, and counts nothing twice
            assert all_ok(await shop.buy_batch(server, 10, ledger=again, run_id="old", purse="old"))
            assert sums(again) == [pytest.approx((cost, 0, 0))] * 2
        hold_open(again, shop.register, "old")
        assert not again.open_batches and sums(again) == [pytest.approx((cost, 0, 0))] * 2


async def test_a_batch_that_failed_frees_the_money_of_its_purse_whoever_sees_it(shop: BatchShop) -> None:
    with FakeProvider() as server:
        old = open_ledger(shop, server, "old")
        server.batches.hold = True
        with pytest.raises(BatchPending):
            await shop.buy_batch(server, 10, ledger=old, run_id="old", purse="old", batch_wait_h=0)
        old.close()
        job = server.batches.jobs["batch_0001"]
        while job.status != "in_progress":
            await asyncio.sleep(0.01)
        job.status = "failed"
        new = open_ledger(shop, server, "new")
        with pytest.raises(ProviderStopped):
            await shop.buy_batch(server, 10, ledger=new, run_id="new", purse="new")
        assert sums(new) == [pytest.approx((0, 0, 0))] * 2
        assert sums(open_ledger(shop, server, "old")) == [pytest.approx((0, 0, 0))] * 2


async def test_money_of_batches_that_are_closed_or_gone_is_freed_when_a_purse_opens(shop: BatchShop) -> None:
    with FakeProvider() as server:
        old = open_ledger(shop, server, "old")
        await handed_in(shop, server, old)
        for name in ("closed", "gone"):  # as a home may have kept it
            old.standing(name, 3.0)
        (entry,) = shop.register.open_entries()
        entry.local_id, entry.state, entry.cost_usd = "closed", "collected", 1.0
        shop.register.save(entry)
        old.close()
        (still,) = shop.register.open_entries()
        for purse in ("new", "old"):
            ledger = open_ledger(shop, server, purse)
            hold_open(ledger, shop.register, purse)
            stands = pytest.approx((0, 0, still.reserved_usd))
            assert sums(ledger) == [stands if purse == "old" else pytest.approx((0, 0, 0)), stands]
            ledger.close()


async def test_a_process_that_is_killed_leaves_the_money_of_its_batch_to_who_collects(shop: BatchShop) -> None:
    with FakeProvider() as server:
        old = open_ledger(shop, server, "old")
        await handed_in(shop, server, old)
        die(old)
        make_old(shop)
        time.sleep(0.3)
        new = open_ledger(shop, server, "new")
        other = [request(99, server.url)]
        assert all_ok(await shop.buy_batch(server, other, ledger=new, run_id="new", purse="new"))
        mine, month = sums(new)
        assert mine == pytest.approx((shop.journal.spent_usd("new"), 0, 0))
        assert month == pytest.approx((shop.journal.spent_usd(), 0, 0)) and month[0] > mine[0]


class Killed(BaseException):
    """No code of ours catches it and goes on."""


def killed_when(monkeypatch: pytest.MonkeyPatch, where: type, name: str, here: Callable[..., bool]) -> None:
    """The process dies before this call, the first time that `here` says so of its arguments."""
    real, done = getattr(where, name), []

    def call(*args: Any, **more: Any) -> Any:
        if not done and here(*args):
            done.append(True)
            raise Killed
        return real(*args, **more)

    monkeypatch.setattr(where, name, call)


KILLS: dict[str, tuple[type, str, Callable[..., bool]]] = {
    "in the middle of the answers": (Journal, "append", lambda self, record: record["call_key"][0] in "89abcdef"),
    "before anything is settled": (Till, "end_standing", lambda *_: True),
    "settled in the run's purse": (Purse, "end_standing", lambda self, *_: "month" in self.path.name),
    "settled in both purses": (Register, "save", lambda self, entry: entry.state == "collected"),
}


@pytest.mark.parametrize("others", [False, True])
@pytest.mark.parametrize("moment", KILLS)
async def test_the_cost_of_a_batch_counts_once_though_its_collector_is_killed(
    shop: BatchShop, monkeypatch: pytest.MonkeyPatch, moment: str, others: bool
) -> None:
    """`others`: a ledger of the same purse stays open, so that the purses are not made anew from the journal."""
    with FakeProvider() as server:
        first = open_ledger(shop, server, "run")
        other = open_ledger(shop, server, "run") if others else None
        await handed_in(shop, server, first, "run", 40)
        ((_, _, reserved), _) = sums(first)
        killed_when(monkeypatch, *KILLS[moment])
        with pytest.raises(Killed):
            await shop.buy_batch(server, 40, ledger=first, run_id="run", purse="run")
        die(first)
        shop.journal = Journal(shop.folder / "calls")
        second = open_ledger(shop, server, "run")
        for spent, held, still in sums(second):  # never free before it is counted
            assert spent + held + still >= shop.journal.spent_usd() - 1e-9
            assert spent == 0 or still == 0, "half of it is counted while all of it stands"
            assert still == pytest.approx(reserved) or spent == pytest.approx(shop.journal.spent_usd())
        assert all_ok(await shop.buy_batch(server, 41, ledger=second, run_id="run", purse="run"))
        cost = shop.journal.spent_usd()
        assert cost > 0 and server.batches.stats["lines"] == 41
        for ledger in (second, other) if other else (second,):
            assert sums(ledger) == [pytest.approx((cost, 0, 0))] * 2
        assert not shop.register.open_entries()


async def test_two_purchases_journal_old_batches_once(shop: BatchShop, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeProvider() as server:
        asked = [request(number, server.url) for number in range(20)]
        server.batches.hold = True
        for part in (asked[:10], asked[10:]):
            with pytest.raises(BatchPending):
                await shop.buy_batch(server, part, batch_wait_h=0)
        server.batches.hold = False
        make_old(shop)
        time.sleep(0.5)
        first, look = shop.register.open_entries()[0].batch_id, Service.look

        async def slow(service: Service, batch_id: str) -> Seen:
            if batch_id == first:
                await asyncio.sleep(0.5)
            return await look(service, batch_id)

        monkeypatch.setattr(Service, "look", slow)
        await asyncio.gather(*(shop.buy_batch(server, [request(number, server.url)]) for number in (100, 101)))
        keys = Counter(record["call_key"] for record in shop.records())
        assert len(keys) == 22 and set(keys.values()) == {1}
        assert not shop.register.open_entries() and not list(shop.register.folder.glob("*2*.lock"))


@pytest.mark.parametrize("alive", [False, True])
async def test_what_nobody_waits_for_is_collected_by_whoever_buys_at_its_endpoint(shop: BatchShop, alive: bool) -> None:
    """Though it is young, another interface's, and everything that is asked for is in the journal."""
    with FakeProvider() as server:
        old = open_ledger(shop, server, "old")
        asked = [request(number, server.url, api="responses") for number in range(5)]
        server.batches.hold = True
        with pytest.raises(BatchPending):
            await shop.buy_batch(
                server, asked, ledger=old, run_id="old", purse="old", spec_id="olden", api="responses", batch_wait_h=0
            )
        server.batches.hold = False
        if not alive:
            old.close()
        await asyncio.sleep(0.3)
        new = open_ledger(shop, server, "new")
        await shop.buy(server, 3, ledger=new)
        assert all_ok(await shop.buy_batch(server, 3, ledger=new, run_id="new", purse="new"))
        collected = [record for record in shop.records() if record["mode"] == "batch"]
        if alive:  # its own process will come for it
            assert not collected and len(shop.register.open_entries()) == 1
            return
        assert {(r["run_id"], r["spec_id"], r["api"], r["status"]) for r in collected} == {
            ("old", "olden", "responses", "ok")
        }
        assert len(collected) == 5 and not shop.register.open_entries()
        assert sums(new)[1] == pytest.approx((shop.journal.spent_usd(), 0, 0))
        assert sums(open_ledger(shop, server, "old"))[0] == pytest.approx((shop.journal.spent_usd("old"), 0, 0))


@pytest.mark.parametrize(("purse", "cap"), [("old", "budget.usd"), ("new", "budget.usd_per_month")])
async def test_who_has_no_room_beside_a_batch_of_others_is_told_at_once_which_and_which_cap(
    shop: BatchShop, purse: str, cap: str
) -> None:
    with FakeProvider() as server:
        old, server.batches.hold = open_ledger(shop, server, "old"), True
        with pytest.raises(BatchPending):
            await shop.buy_batch(server, 10, ledger=old, run_id="old", purse="old", batch_wait_h=0)
        old.close()
        (entry,) = shop.register.open_entries()
        ledger = open_ledger(shop, server, purse)
        ledger.cap_usd, ledger.month_usd = (entry.reserved_usd + 0.01, 100.0)[:: 1 if purse == "old" else -1]
        asked = [request(number, server.url) for number in range(20, 25)]
        began, told = time.monotonic(), rf"5 calls wait for money that stands for batch batch_0001: `{cap}` has no room"
        with pytest.raises(BatchPending, match=told):
            await shop.buy_batch(server, asked, ledger=ledger, run_id=purse, purse=purse)
        assert time.monotonic() - began < 10
        with pytest.raises(BudgetExceeded, match=rf"raise `{cap}`.* stand for batches under way"):
            await shop.buy(server, asked, ledger=ledger)
        assert server.batches.stats["created"] == 1 and server.stats["requests"] == 0
