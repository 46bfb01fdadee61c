"""Buying in more than one process: killed and resumed, two at once, and what a stop leaves behind."""

import os
import signal
import time
from pathlib import Path

import pytest

from components.chat import Status
from tests.chat.conftest import Shop, lines
from tests.fake_provider import FakeProvider
from tests.processes import Python

BUYER = """
    import asyncio
    from pathlib import Path
    import signal; signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have made us deaf
    from tests.chat.conftest import Shop, request
    from tests.fake_provider import FakeProvider
    class Server:
        url = {url!r}
    requests = [request(number, Server.url) for number in range({count})]
    asyncio.run(Shop(Path({folder!r})).buy(Server, {form}(requests), max_concurrency=16))
"""


def buyer(server: FakeProvider, folder: Path, count: int, form: str = "list") -> Python:
    """`form`: list or iter."""
    return Python(BUYER.format(url=server.url, folder=str(folder), count=count, form=form))


@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGINT])
async def test_a_killed_run_repeats_at_most_what_was_in_flight(shop: Shop, stop: signal.Signals) -> None:
    with FakeProvider(latency=0.25) as server:  # slow enough that the stop comes before the end on a busy machine too
        with buyer(server, shop.folder, 150) as process:
            while server.stats["requests"] < 60 and process.poll() is None:
                time.sleep(0.002)
            os.kill(process.pid, stop)
            process.wait(120)
        before = server.stats["requests"]
        outcomes = await shop.buy(server, 150)
        assert {outcome.status for outcome in outcomes} == {Status.ok}
        repeated = server.stats["requests"] - 150
        assert repeated <= (16 if stop is signal.SIGKILL else 0)
        assert server.stats["most_repeated"] <= 2
        assert before < 150 and len({outcome.key for outcome in outcomes}) == 150


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
async def test_kill_9_at_a_random_moment(shop: Shop, seed: int) -> None:
    with FakeProvider(latency=0.02) as server:
        with buyer(server, shop.folder, 500) as process:
            while server.stats["requests"] < 20 + seed * 23 and process.poll() is None:
                time.sleep(0.001)
            process.kill()
        outcomes = await shop.buy(server, 500)
        assert {outcome.status for outcome in outcomes} == {Status.ok}
        assert server.stats["most_repeated"] <= 2
        assert sum(count == 2 for count in server.bodies.values()) <= 16


async def test_two_processes_on_one_home_share_what_they_buy(shop: Shop) -> None:
    with FakeProvider(latency=0.05) as server:
        with buyer(server, shop.folder, 200) as one, buyer(server, shop.folder, 200) as other:
            assert (one.wait(120), other.wait(120)) == (0, 0)
        # What both had in flight at once, and what one of them may have bought before the other had begun.
        assert server.stats["requests"] <= 200 + 40
        assert len({record["call_key"] for record in lines(shop.folder / "calls")}) == 200
