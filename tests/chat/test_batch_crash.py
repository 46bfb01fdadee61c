"""Kills and company: whatever moment a process dies at, and however many share a home, a call is in one batch."""

import json
import random
import time
from collections import Counter, deque
from pathlib import Path
from typing import Any

import pytest

from components.chat import Journal
from components.chat.batch.register import State
from components.errors import BatchPending
from tests.chat.batches import BatchShop, all_ok, buyer, wait_until
from tests.chat.conftest import lines
from tests.fake_provider import FakeProvider
from tests.processes import Python


def finish(process: Python) -> list[str]:
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    statuses: list[str] = json.loads(out.splitlines()[-1])
    return statuses


def killed(process: Python) -> None:
    process.kill()
    process.communicate()


def bought_once(server: FakeProvider, folder: Path, count: int) -> None:
    """Each call ran in one batch, and each has one record."""
    stats = server.batches.stats
    assert (stats["distinct"], stats["most_answered"], stats["doubled"]) == (count, 1, 0)
    keys = Counter(record["call_key"] for record in lines(folder / "calls"))
    assert len(keys) == count and set(keys.values()) == {1}
    assert not BatchShop(folder).register.open_entries()


def test_a_kill_after_handing_in_waits_for_the_same_batch(tmp_path: Path) -> None:
    with FakeProvider() as server:
        server.batches.hold = True
        process = buyer(server, tmp_path, 20)
        shop = BatchShop(tmp_path)
        wait_until(lambda: [entry.state for entry in shop.register.open_entries()] == ["open"], process)
        killed(process)
        server.batches.hold = False
        assert finish(buyer(server, tmp_path, 20)) == ["ok"] * 20
        assert server.batches.stats["created"] == 1 and server.batches.stats["uploaded"] == 1
        bought_once(server, tmp_path, 20)


def test_a_kill_before_the_id_was_stored_finds_the_batch_by_its_metadata(tmp_path: Path) -> None:
    with FakeProvider() as server:
        server.batches.faults["POST /batches"] = deque(["late"])
        server.batches.late_s = 30
        server.batches.page = 1  # the list has many pages
        process = buyer(server, tmp_path, 20)
        wait_until(lambda: bool(server.batches.jobs), process)
        killed(process)
        (entry,) = BatchShop(tmp_path).register.open_entries()
        assert (entry.state, entry.batch_id) == ("uploaded", None)
        again = buyer(server, tmp_path, 20)
        assert finish(again) == ["ok"] * 20
        assert server.batches.stats["created"] == 1
        bought_once(server, tmp_path, 20)


@pytest.mark.parametrize("fault", ["cut", "reset"])
def test_an_answer_that_was_cut_finds_the_batch_by_its_metadata_too(tmp_path: Path, fault: str) -> None:
    with FakeProvider() as server:
        server.batches.faults["POST /batches"] = deque([fault])
        assert finish(buyer(server, tmp_path, 5)) == ["ok"] * 5
        assert server.batches.stats["created"] == 1
        bought_once(server, tmp_path, 5)


@pytest.mark.parametrize("address", ["POST /files", "POST /batches"])
def test_a_kill_while_the_server_has_not_made_it_yet_hands_it_in_once(tmp_path: Path, address: str) -> None:
    with FakeProvider() as server:
        server.batches.faults[address] = deque(["slow"])
        server.batches.late_s = 1.5
        process = buyer(server, tmp_path, 20)
        wait_until(lambda: server.batches.asked[address] == 1, process)
        time.sleep(0.1)
        killed(process)
        assert finish(buyer(server, tmp_path, 20)) == ["ok"] * 20
        time.sleep(1.5)  # the first one comes to it now: its file is gone
        bought_once(server, tmp_path, 20)


def test_a_kill_while_answers_are_journaled_journals_the_rest_once(tmp_path: Path) -> None:
    with FakeProvider() as server:
        process = buyer(server, tmp_path, 4000)

        def some_are_journaled() -> bool:
            return sum(path.stat().st_size for path in (tmp_path / "calls").glob("*.jsonl")) > 50_000

        wait_until(some_are_journaled, process)
        killed(process)
        (entry,) = BatchShop(tmp_path).register.open_entries()
        assert entry.state == "collecting"
        torn = sum(not path.read_bytes().endswith(b"\n") for path in (tmp_path / "calls").glob("*.jsonl"))
        for path in (tmp_path / "calls").glob("*.jsonl"):  # a kill may tear the last line, which is then no record
            path.write_bytes(path.read_bytes().rpartition(b"\n")[0] + b"\n")
        had = len(lines(tmp_path / "calls"))
        assert 0 < had < 4000 and torn <= 1
        assert finish(buyer(server, tmp_path, 4000)) == ["ok"] * 4000
        assert server.batches.stats["created"] == 1
        bought_once(server, tmp_path, 4000)


@pytest.mark.parametrize("state", ["collecting", "settling"])
async def test_a_kill_after_the_last_record_leaves_no_batch_open_for_who_wants_nothing(
    tmp_path: Path, state: State
) -> None:
    with FakeProvider() as server:
        shop = BatchShop(tmp_path)
        server.batches.hold = True
        with pytest.raises(BatchPending):
            await shop.buy_batch(server, 10, batch_wait_h=0)
        (entry,) = shop.entries()
        server.batches.hold = False
        assert all_ok(await shop.buy_batch(server, 10))
        entry.state = state  # what the killed one had written last
        shop.register.save(entry)
        later = BatchShop(tmp_path)
        outcomes = await later.buy_batch(server, 10)
        assert all_ok(outcomes) and not any(outcome.bought for outcome in outcomes)
        assert later.journal.spent_usd("run") == pytest.approx(shop.ledger.spent_usd)
        assert later.ledger.reserved_usd == pytest.approx(0)
        bought_once(server, tmp_path, 10)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_kills_at_random_moments(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    with FakeProvider() as server:
        server.batches.step_s = 0.05
        pace: dict[str, Any] = {"max_lines": 100}
        for _ in range(4):
            process = buyer(server, tmp_path, 500, **pace)
            time.sleep(dice.uniform(0.1, 1.3))
            killed(process)
        assert finish(buyer(server, tmp_path, 500, **pace)) == ["ok"] * 500
        bought_once(server, tmp_path, 500)


@pytest.mark.parametrize("hold_s", [0.0, 1.0])
def test_two_processes_on_one_home_hand_in_each_call_once(tmp_path: Path, hold_s: float) -> None:
    with FakeProvider() as server:
        server.batches.step_s = hold_s / 10
        first, second = buyer(server, tmp_path, 200, max_lines=50), buyer(server, tmp_path, 300, max_lines=50)
        assert finish(first) == ["ok"] * 200
        assert finish(second) == ["ok"] * 300
        bought_once(server, tmp_path, 300)
        assert len(list(Journal(tmp_path / "calls").records())) == 300


def test_a_second_process_waits_for_what_a_killed_one_handed_in(tmp_path: Path) -> None:
    with FakeProvider() as server:
        server.batches.hold = True
        first, second = buyer(server, tmp_path, 30), None
        wait_until(lambda: bool(BatchShop(tmp_path).register.open_entries()), first)
        second = buyer(server, tmp_path, 40)
        wait_until(lambda: len(server.batches.jobs) == 2, second)
        killed(first)
        server.batches.hold = False
        assert finish(second) == ["ok"] * 40
        bought_once(server, tmp_path, 40)
