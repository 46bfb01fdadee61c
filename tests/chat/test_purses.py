"""Purses that several processes share. Here a process is a ledger with files of its own, and dies as the kernel lets
one die: its files are closed. Real processes are killed in test_money_processes.py."""

import asyncio
import os
import random
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from components.chat import Journal, Ledger
from components.chat.purse_rows import ROW
from components.errors import BudgetExceeded, UserError
from tests.chat.purses import PRICE, die, month_told, open_ledger, record, rows, settle, take, total


def test_what_one_process_reserves_and_spends_the_other_sees(tmp_path: Path) -> None:
    one, other = open_ledger(tmp_path, 1.0), open_ledger(tmp_path, 1.0)
    first = take(one, 0.6)
    assert first is not None and take(other, 0.5) is None, "calls in flight elsewhere stand in the way"
    settle(one, first, 0.1)
    assert total(other) == pytest.approx(0.1)
    second = take(other, 0.9)
    assert second is not None
    settle(other, second, 0.9)
    with pytest.raises(BudgetExceeded, match=r"spent: 1\.000000 of 1\.00 USD: raise `budget.usd`"):
        take(one, 0.01)
    one.close(), other.close()
    assert not list((tmp_path / "calls/shared").glob("purse-*")), "nobody has it open: the journal knows"
    assert open_ledger(tmp_path, 1.0).spent_usd == pytest.approx(1.0)


def test_money_in_flight_at_a_death_is_held_and_recorded_once(tmp_path: Path) -> None:
    dead = open_ledger(tmp_path, 1.0)
    settled = take(dead, 0.2)
    assert settled and take(dead, 0.3) and take(dead, 0.1)
    settle(dead, settled, 0.15)
    die(dead)
    for _ in range(3):  # whoever comes, and however often
        ledger = open_ledger(tmp_path, 1.0)
        assert (ledger.spent_usd, ledger.held_usd) == (pytest.approx(0.15), pytest.approx(0.4))
        assert month_told(ledger) == pytest.approx(0.55)
        with pytest.raises(BudgetExceeded, match=r"0\.400000 may have been billed"):
            take(ledger, 0.5)
        ledger.close()
    lost = [row for row in rows(tmp_path) if row["stage"] == "lost"]
    assert [(row["held_usd"], row["attempts"], row["run_id"]) for row in lost] == [(pytest.approx(0.4), 2, "run")]
    assert Journal(tmp_path / "calls").lookup(str(lost[0]["call_key"])) is None, "it is nobody's answer"


def test_a_burial_that_is_killed_in_the_middle_is_repeated_without_a_second_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from components.chat import burial

    dead = open_ledger(tmp_path, 1.0)
    assert take(dead, 0.3)
    die(dead)
    real, calls = burial.settle_row, 0

    def killed(*where: object) -> None:
        nonlocal calls
        calls += 1
        if calls <= 2:
            raise KeyboardInterrupt
        real(*where)  # type: ignore[arg-type]

    monkeypatch.setattr(burial, "settle_row", killed)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            open_ledger(tmp_path, 1.0)
    ledger = open_ledger(tmp_path, 1.0)
    assert ledger.held_usd == pytest.approx(0.3) and len(rows(tmp_path)) == 1


async def test_who_waits_for_money_of_another_process_gets_it_or_hears_that_it_is_gone(tmp_path: Path) -> None:
    one, other = open_ledger(tmp_path, 1.0), open_ledger(tmp_path, 1.0)
    held = take(one, 0.8)
    assert held is not None
    waiting = asyncio.create_task(other.reserve("openai/m", PRICE, 500, 0))
    await asyncio.sleep(0.15)
    assert not waiting.done()
    settle(one, held, 0.2)
    reservation = await asyncio.wait_for(waiting, 5)
    assert reservation is not None
    reservation.settle()
    assert take(one, 0.7) is not None
    waiting = asyncio.create_task(other.reserve("openai/m", PRICE, 500, 0))
    await asyncio.sleep(0.1)
    die(one)
    with pytest.raises(BudgetExceeded, match=r"0\.700000 may have been billed"):
        await asyncio.wait_for(waiting, 10)


async def test_waiting_ends_when_the_purchase_stops(tmp_path: Path) -> None:
    one, other = open_ledger(tmp_path, 1.0), open_ledger(tmp_path, 1.0)
    assert take(one, 0.8)
    stopped = asyncio.Event()
    waiting = asyncio.create_task(other.reserve("openai/m", PRICE, 500, 0, stopped))
    await asyncio.sleep(0.05)
    stopped.set()
    assert await asyncio.wait_for(waiting, 2) is None


def test_threads_of_two_processes_share_one_purse(tmp_path: Path) -> None:
    ledgers = [open_ledger(tmp_path, 1.0) for _ in range(2)]
    billed: list[float] = []

    async def window(ledger: Ledger, seed: int) -> None:
        dice = random.Random(seed)
        for _ in range(40):
            try:
                reservation = await ledger.reserve("openai/m", PRICE, 20, 5)
            except BudgetExceeded:
                return
            assert reservation is not None
            assert total(ledger) <= 1.0 + 1e-6
            await asyncio.sleep(dice.random() * 0.002)
            cost = reservation.usd * dice.random()
            billed.append(cost)
            settle(ledger, reservation, cost)

    threads = [threading.Thread(target=lambda n=n: asyncio.run(window(ledgers[n % 2], n))) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert sum(billed) == pytest.approx(ledgers[0].spent_usd) and 0.8 < sum(billed) <= 1.0


@pytest.mark.parametrize("damage", ["removed", "emptied", "cut", "overwritten", "nan"])
def test_a_damaged_purse_is_made_anew_from_the_journal(tmp_path: Path, damage: str) -> None:
    ledger = open_ledger(tmp_path, 1.0)
    done, _ = take(ledger, 0.4), take(ledger, 0.3)
    assert done
    settle(ledger, done, 0.25)
    file = tmp_path / "calls/shared/purse-run-run"
    content = {
        "emptied": b"",
        "cut": file.read_bytes()[: ROW + 7],
        "overwritten": os.urandom(2 * ROW),
        "nan": file.read_bytes()[:8] + b"\xff" * 8 + file.read_bytes()[16:],
    }
    file.unlink() if damage == "removed" else file.write_bytes(content[damage])
    other = open_ledger(tmp_path, 1.0)
    ledger._till._next_look = 0.0  # type: ignore[union-attr]
    ledger._till.look()  # type: ignore[union-attr]
    assert (other.spent_usd, other.reserved_usd) == (pytest.approx(0.25), pytest.approx(0.3))
    assert (ledger.spent_usd, ledger.reserved_usd) == (other.spent_usd, other.reserved_usd)


def test_what_somebody_recorded_without_a_purse_counts_at_the_next_opening(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path, 1.0)
    record(ledger, 0.3)
    record(ledger, None, 0.1)
    record(ledger, 0.5, run="another")
    ledger.close()
    again = open_ledger(tmp_path, 1.0)
    assert (again.spent_usd, again.held_usd, month_told(again)) == (
        pytest.approx(0.3), pytest.approx(0.1), pytest.approx(0.9),
    )  # fmt: skip


def test_a_fork_has_a_place_of_its_own(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path, 1.0)
    mine = take(ledger, 0.2)
    assert mine
    child = os.fork()
    if child == 0:
        its = take(ledger, 0.3)
        assert its
        settle(ledger, its, 0.3)
        os._exit(0 if total(ledger) == pytest.approx(0.5) else 1)
    assert os.waitpid(child, 0)[1] == 0
    settle(ledger, mine, 0.1)
    assert total(ledger) == pytest.approx(0.4)


def test_money_of_a_batch_stands_while_no_process_lives(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path, 1.0)
    reservation = take(ledger, 0.4)
    assert reservation
    ledger.stand(reservation, "batch-1")
    die(ledger)
    one, other = open_ledger(tmp_path, 1.0), open_ledger(tmp_path, 1.0)
    assert (one.reserved_usd, one.held_usd, rows(tmp_path)) == (pytest.approx(0.4), 0.0, [])
    copies = [one.standing("batch-1", 0.4), other.standing("batch-1", 0.4)]
    assert one.reserved_usd == pytest.approx(0.4), "whoever waits for it"
    record(one, 0.15)
    for copy in copies:
        copy.settle(0.15)
    assert (other.spent_usd, other.reserved_usd) == (pytest.approx(0.15), 0.0)
    one.close(), other.close()
    assert not list((tmp_path / "calls/shared").glob("purse-*"))


async def test_nobody_waits_a_day_for_the_money_of_a_batch(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path, 1.0)
    ledger.standing("batch-1", 0.9)
    with pytest.raises(BudgetExceeded, match="batches under way"):
        await asyncio.wait_for(ledger.reserve("openai/m", PRICE, 500, 0), 5)


class Workload:
    """Random processes on one home under one cap. `bill` is what the server charges, which nobody here sees whole."""

    def __init__(self, home: Path, seed: int) -> None:
        self.home, self.dice = home, random.Random(seed)
        self.cap, self.month = self.dice.uniform(0.05, 2.0), None
        if self.dice.random() < 0.3:
            self.month = self.dice.uniform(0.05, 2.0)
        self.bill = 0.0
        self.open: list[tuple[Ledger, dict[int, tuple[object, float]]]] = []

    @property
    def least(self) -> float:
        return min(self.cap, self.month or self.cap)

    def step(self) -> None:
        dice = self.dice
        if not self.open or (len(self.open) < 3 and dice.random() < 0.1):
            self.open.append((open_ledger(self.home, self.cap, month=self.month), {}))
        ledger, flying = dice.choice(self.open)
        what = dice.random()
        if what < 0.5:
            self.send(ledger, flying)
        elif what < 0.9 and flying:
            self.answer(ledger, *flying.pop(dice.choice(list(flying))))
        elif what > 0.96:
            self.open.remove((ledger, flying))
            if flying or dice.random() < 0.5:
                die(ledger)
            else:
                ledger.close()
        self.check()

    def send(self, ledger: Ledger, flying: dict[int, tuple[object, float]]) -> None:
        usd = self.dice.choice([0.01, 0.05, 0.2]) * self.dice.uniform(0.1, 1.0)
        spent, held, reserved = ledger.spent_usd, ledger.held_usd, ledger.reserved_usd
        try:
            reservation = take(ledger, usd)
        except BudgetExceeded:
            assert spent + held + reserved + usd > self.least - 1e-6, "refused while there was room"
            return
        if reservation is None:
            assert spent + held + reserved + usd > self.least - 1e-6, "made to wait while there was room"
            return
        cost = usd * self.dice.choice([0.0, self.dice.random(), 1.0])
        self.bill += cost
        flying[id(reservation)] = (reservation, cost)

    def answer(self, ledger: Ledger, reservation: object, cost: float) -> None:
        usd = reservation.usd  # type: ignore[attr-defined]
        lost = self.dice.random() < 0.2
        if self.dice.random() < 0.3:
            reservation.keep(0.0 if lost else cost, usd if lost else 0.0)  # type: ignore[attr-defined]
        settle(ledger, reservation, 0.0 if lost else cost, usd if lost else 0.0)  # type: ignore[arg-type]

    def check(self) -> None:
        assert self.bill <= self.least + 1e-6
        for ledger, _ in self.open:
            assert total(ledger) <= self.cap + 1e-6
            assert self.bill <= total(ledger) + 1e-6, "billed money was forgotten"

    def end(self) -> None:
        for ledger, flying in self.open:
            die(ledger) if flying else ledger.close()
        ledger = open_ledger(self.home, self.cap)
        sums = [sum(float(row[name] or 0) for row in rows(self.home)) for name in ("cost_usd", "held_usd")]  # type: ignore[arg-type]
        assert [ledger.spent_usd, ledger.held_usd] == pytest.approx(sums, abs=1e-9)
        assert ledger.reserved_usd == 0.0 and self.bill <= sum(sums) + 1e-9
        assert sum(sums) <= self.least + 1e-6
        ledger.close()


@pytest.mark.slow
@pytest.mark.parametrize("hundred", range(10))
def test_no_random_workload_passes_its_cap(tmp_path: Path, hundred: int) -> None:
    for seed in range(100 * hundred, 100 * hundred + 100):
        workload = Workload(tmp_path / str(seed), seed)
        for _ in range(40):
            workload.step()
        workload.end()


def test_reserving_and_settling_is_cheap_enough_to_forget(tmp_path: Path) -> None:
    """No benchmark (see bench): a bound that only a scan of the journal or a sync to disk would break."""
    ledger = open_ledger(tmp_path, 1e6)
    began = time.process_time()
    for _ in range(1000):
        reservation = take(ledger, 0.001)
        assert reservation is not None
        reservation.settle(0.0005)
    assert time.process_time() - began < 0.5


def test_a_disk_that_is_full_names_the_file_and_locks_nobody_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = open_ledger(tmp_path, 1.0), open_ledger(tmp_path, 1.0)
    reservation = take(one, 0.1)
    assert reservation is not None

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(os, "pwrite", full)
        with pytest.raises(UserError, match=r"cannot write .*purse-.*No space left"):
            reservation.settle(0.1)
        with pytest.raises(UserError, match="cannot write"):
            take(one, 0.1)
    got: list[object] = []
    thread = threading.Thread(target=lambda: got.append(take(other, 0.1)), daemon=True)
    thread.start()
    thread.join(5)
    assert got and got[0] is not None


def test_a_clock_that_is_set_back_finds_its_month_again(tmp_path: Path) -> None:
    now = [datetime(2026, 11, 29, 12, tzinfo=UTC).timestamp()]
    ledger = open_ledger(tmp_path, 100.0, month=1.0, clock=lambda: now[0])
    reservation = take(ledger, 0.9)
    assert reservation is not None
    settle(ledger, reservation, 0.9)
    now[0] += 3 * 86_400
    december = take(ledger, 0.9)
    assert december is not None
    settle(ledger, december, 0.0)
    now[0] -= 3 * 86_400
    with pytest.raises(BudgetExceeded, match=r"2026-11 by this home: 0\.900000"):
        take(ledger, 0.5)


def test_later_runs_of_a_purse_count_when_its_file_is_made_anew(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path, 1.0)
    ledger.allow(1.0, False, runs=["second window"])
    reservation = take(ledger, 0.5)
    assert reservation is not None
    settle(ledger, reservation, 0.4, run="second window")
    for file in (tmp_path / "calls/shared").glob("purse-run-*"):
        file.unlink()
    ledger._till.mend()  # type: ignore[union-attr]  # what it does by itself within a second
    assert ledger.spent_usd == pytest.approx(0.4)
