"""The door with real threads, event loops and processes: turns, ends of waits, and nothing leaked."""

import asyncio
import itertools
import logging
import os
import signal
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from components.chat import Status
from components.chat.limits import Door, Pace, Ticket, Visitor, door_of
from components.chat.limits.headers import RateHeaders, Told
from components.chat.limits.shared import SharedSilence
from tests.processes import Python

ROOT = Path(__file__).parents[2]


async def enter(visitor: Visitor, stopped: asyncio.Event | None = None) -> Ticket | None:
    return visitor.enter_now(10) or await visitor.enter(10, stopped or asyncio.Event())


def idle(door: Door) -> bool:
    return (door.in_flight, sum(lane.in_flight for lane in door.lanes.values())) == (0, 0)


async def test_no_more_are_inside_than_the_largest_visitor_allows_and_nobody_exceeds_his_own() -> None:
    door = Door("http://here")
    small, large = door.visitor(Pace(max_concurrency=3)), door.visitor(Pace(max_concurrency=4))
    tickets = [ticket for visitor in (small, large) for _ in range(9) if (ticket := visitor.enter_now(1))]
    assert Counter(ticket.visitor for ticket in tickets) == {small: 3, large: 1}
    waiting = [asyncio.create_task(enter(visitor)) for visitor in (small, large) for _ in range(4)]
    await asyncio.sleep(0.01)
    assert door.state()["waiting"] == 8
    for ticket in tickets:
        ticket.leave(Status.ok, 5)
        ticket.leave(Status.ok, 5)  # telling it twice changes nothing
    async with asyncio.timeout(5):  # calls are spread over the latency, which is long on a busy machine
        while door.in_flight < 4 or sum(task.done() for task in waiting) < 4:
            await asyncio.sleep(0.01)
    assert door.in_flight == 4 and sum(task.done() for task in waiting) == 4
    assert (small.in_flight, large.in_flight) == (2, 2), "by turns"
    small.close()
    large.close()
    await asyncio.wait(waiting, timeout=1)
    assert idle(door) and door.room == 0


async def test_stopping_ends_every_wait_at_once() -> None:
    door = Door("http://here")
    visitor = door.visitor(Pace(rpm=1, max_concurrency=16))
    stopped = asyncio.Event()
    first = await enter(visitor, stopped)
    assert first is not None
    waiting = [asyncio.create_task(enter(visitor, stopped)) for _ in range(8)]
    await asyncio.sleep(0.02)
    began = time.monotonic()
    stopped.set()
    assert await asyncio.gather(*waiting) == [None] * 8
    assert await visitor.enter(10, stopped) is None
    assert time.monotonic() - began < 0.5
    first.leave(Status.ok, 5)
    visitor.close()
    assert idle(door)


async def test_cancelled_waits_leak_nothing() -> None:
    door = Door("http://here")
    visitor = door.visitor(Pace(max_concurrency=2))
    inside = [visitor.enter_now(1), visitor.enter_now(1)]
    for _ in range(50):
        task = asyncio.create_task(enter(visitor))
        await asyncio.sleep(0)
        ticket = inside.pop(0)
        assert ticket is not None
        ticket.leave(Status.ok, 5)  # which gives the waiter its ticket, in the moment in which
        task.cancel()  # it is cancelled
        with pytest.raises(asyncio.CancelledError):
            await task
        inside.append(await asyncio.wait_for(enter(visitor), 5))  # not at once: calls are spread over the latency
        assert inside[-1] is not None
    assert door.in_flight == 2
    visitor.close()
    assert idle(door)


async def test_what_a_visitor_leaves_inside_is_free_when_it_closes() -> None:
    door = Door("http://here")
    gone, stays = door.visitor(Pace(max_concurrency=2)), door.visitor(Pace(max_concurrency=2))
    lost = [gone.enter_now(1), gone.enter_now(1)]
    task = asyncio.create_task(enter(stays))
    await asyncio.sleep(0.01)
    assert not task.done()
    gone.close()
    assert await asyncio.wait_for(task, 1) is not None
    for ticket in lost:
        assert ticket is not None
        ticket.leave(Status.ok, 5)
    assert door.in_flight == 1
    stays.close()


def test_two_threads_get_equal_shares_and_neither_starves() -> None:
    door = Door("http://here")
    moments: list[tuple[float, str]] = []

    async def purchase(name: str, hands: int) -> None:
        visitor, stopped = door.visitor(Pace(rpm=6000, max_concurrency=16)), asyncio.Event()

        async def work() -> None:
            while (ticket := visitor.enter_now(1) or await visitor.enter(1, stopped)) is not None:
                moments.append((time.monotonic(), name))
                await asyncio.sleep(0.001)
                ticket.leave(Status.ok, 1)

        async def stop() -> None:
            await asyncio.sleep(1.5)
            stopped.set()

        await asyncio.gather(stop(), *(work() for _ in range(hands)))
        visitor.close()

    threads = [
        threading.Thread(target=lambda n=name, h=hands: asyncio.run(purchase(n, h)))
        for name, hands in (("a", 16), ("b", 2))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    both_since = max(min(at for at, name in moments if name == which) for which in "ab")
    shares = Counter(name for at, name in moments if at >= both_since)
    assert 0.8 < shares["a"] / shares["b"] < 1.25
    assert sum(shares.values()) > 60
    gaps = [at for at, name in moments if name == "b"]
    assert max(later - before for before, later in itertools.pairwise(gaps)) < 0.5
    assert idle(door)


async def test_a_strict_model_does_not_hold_up_another() -> None:
    door = Door("http://here")
    slow, fast = door.visitor(Pace(rpm=1), "slow"), door.visitor(Pace(), "fast")
    assert slow.enter_now(1) is not None
    task = asyncio.create_task(enter(slow))
    await asyncio.sleep(0.01)
    for _ in range(4):
        assert fast.enter_now(1) is not None
    slow.close()
    fast.close()
    assert await task is None


async def test_a_silence_holds_for_every_model_and_is_shown(caplog: pytest.LogCaptureFixture) -> None:
    door = Door("http://here")
    one, other = door.visitor(Pace(), "one"), door.visitor(Pace(), "other")
    ticket = one.enter_now(1)
    assert ticket is not None
    with caplog.at_level(logging.INFO):
        ticket.leave(Status.rate_limited, None, None, 0.3)
    assert other.enter_now(1) is None
    assert 0.2 < float(str(door.state()["silent_for"])) <= 0.35
    assert "http://here refused a call (429): pace lowered" in caplog.text
    began = time.monotonic()
    assert await enter(other) is not None
    assert time.monotonic() - began > 0.28
    one.close()
    other.close()


async def test_a_told_limit_is_kept_and_remembered_for_other_processes(tmp_path: Path) -> None:
    door = Door("http://here", tmp_path / "shared")
    visitor = door.visitor(Pace(), "m")
    ticket = visitor.enter_now(1)
    assert ticket is not None
    ticket.leave(Status.ok, 5, RateHeaders(Told(30), Told(9000)))
    (state,) = door.state()["models"].values()  # type: ignore[attr-defined]
    assert state["told"]["rpm"] == 30 and state["rate"] == 0.5
    assert visitor.enter_now(1) is None, "what went before has taken its slot"
    assert await visitor.enter(1, asyncio.Event()) is not None
    assert visitor.enter_now(1) is None
    visitor.close()
    another = Door("http://here", tmp_path / "shared").visitor(Pace(), "m")
    assert (another.lane.told_rpm, another.lane.told_tpm) == (30, 9000)
    assert another.enter_now(1) is None, "the slot was taken by the first"
    assert Door("http://there", tmp_path / "shared").visitor(Pace(), "m").lane.told_rpm is None


def test_a_home_that_cannot_be_written_costs_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("no folder")
    visitor = Door("http://here", tmp_path / "file" / "shared").visitor(Pace(rpm=60))
    assert visitor.enter_now(1) is not None and visitor.enter_now(1) is None
    assert caplog.text.count("cannot be shared between processes") == 1


PROCESS = """
    import asyncio, time
    from pathlib import Path
    from components.chat import Status
    from components.chat.limits import Pace, door_of

    async def main():
        visitor = door_of("http://here", Path({folder!r})).visitor(Pace(rpm={rpm}, max_concurrency=8))
        stopped = asyncio.Event()
        while True:
            ticket = visitor.enter_now(1) or await visitor.enter(1, stopped)
            print(time.time(), flush=True)
            ticket.leave(Status.ok, 1)

    asyncio.run(main())
"""


def process(folder: Path, rpm: int) -> Python:
    return Python(PROCESS.format(folder=str(folder), rpm=rpm))


def test_two_processes_share_one_limit_and_a_killed_one_blocks_nobody(tmp_path: Path) -> None:
    with process(tmp_path, 1200) as one, process(tmp_path, 1200) as other:
        one.stdout.readline()
        other.stdout.readline()  # both are there
        time.sleep(3)
        os.kill(one.pid, signal.SIGKILL)
        killed_at = time.time()
        time.sleep(1.5)
        other.kill()
        mine, his = ([float(line) for line in output.read().split()] for output in (one.stdout, other.stdout))
    both = sorted(mine + his)
    together = [at for at in both if at < killed_at]
    allowed = 20 * (together[-1] - together[0]) + 20 * 0.3 + 1
    assert 0.7 * allowed < len(together) <= allowed
    assert len([at for at in his if at > killed_at]) > 0.6 * 20 * 1.5, "the one that is left has it all"


def test_a_silence_is_kept_by_other_processes(tmp_path: Path) -> None:
    SharedSilence(tmp_path, "http://here").hush(30.0)
    assert Door("http://here", tmp_path).visitor(Pace()).enter_now(1) is None
    assert Door("http://there", tmp_path).visitor(Pace()).enter_now(1) is not None
    SharedSilence(tmp_path, "http://wrong", clock=lambda: time.time() + 1e6).hush(30.0)
    assert Door("http://wrong", tmp_path).visitor(Pace()).enter_now(1) is not None, "its clock was days ahead"


def test_an_endpoint_has_one_door() -> None:
    assert door_of("http://one") is door_of("http://one") is not door_of("http://two")
