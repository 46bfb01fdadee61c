"""A home that buys by batches, and a process of its own to kill."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from components.chat import ChatOutcome, ChatRequest, Ledger, Status
from components.chat.batch import Pace, Register, buy_batch
from components.chat.batch.register import Entry
from tests.chat.conftest import KEY, Shop, request
from tests.fake_provider import FakeProvider
from tests.processes import Python

QUICK = Pace(
    first_s=0.01, longest_s=0.05, say_every_s=0, base_s=0.005, cap_s=0.02, settle_s=0.05, patience=5
)  # fmt: skip


class BatchShop(Shop):
    """Like Shop, but `buy_batch`; `said` holds the lines that people would see."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.register = Register(folder / "calls" / "batches")
        self.said: list[str] = []

    async def buy_batch(
        self,
        server: FakeProvider,
        requests: int | list[ChatRequest],
        *,
        pace: Pace = QUICK,
        key: str | None = KEY,
        ledger: Ledger | None = None,
        run_id: str = "run",
        purse: str = "purse",
        spec_id: str = "spec",
        **spec: Any,
    ) -> list[ChatOutcome]:
        if isinstance(requests, int):
            requests = [request(number, server.url) for number in range(requests)]
        return await buy_batch(
            requests,
            spec=self.spec(server, mode="batch", **spec),
            api_key=key,
            journal=self.journal,
            ledger=ledger or self.ledger,
            run_id=run_id,
            spec_id=spec_id,
            purse=purse,
            folder=self.register.folder,
            on_outcome=self.told.append,
            say=self.said.append,
            pace=pace,
        )

    def entries(self) -> list[Entry]:
        """Closed ones too."""
        found = [self.register.load(path.stem) for path in sorted(self.register.folder.glob("*.json"))]
        return [entry for entry in found if entry is not None]


BUYER = """
    import asyncio, json, sys
    from pathlib import Path
    from tests.chat.batches import BatchShop
    from tests.chat.conftest import request
    from components.chat.batch import Pace
    url, folder, count, pace = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), json.loads(sys.argv[4])
    class server: pass
    server.url = url
    shop = BatchShop(folder)
    class Say(list):
        def append(self, line): print(line, flush=True)
    shop.said = Say()
    requests = [request(number, url) for number in range(count)]
    outcomes = asyncio.run(shop.buy_batch(server, requests, pace=Pace(**pace)))
    print(json.dumps([outcome.status for outcome in outcomes]), flush=True)
"""


def buyer(server: FakeProvider, folder: Path, count: int, **pace: Any) -> Python:
    """A process that buys `count` calls by batches into the home at `folder`."""
    quick = {"first_s": 0.02, "longest_s": 0.05, "base_s": 0.005, "cap_s": 0.02, "settle_s": 0.2, "say_every_s": 0}
    return Python(BUYER, server.url, str(folder), str(count), json.dumps(quick | pace))


def wait_until(what: Callable[[], bool], process: Python, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "it did not come so far"
        time.sleep(0.005)


def all_ok(outcomes: list[ChatOutcome]) -> bool:
    return all(outcome.status is Status.ok and outcome.text for outcome in outcomes)
