"""One cap over real processes, kills and months, against a server that says what it would charge."""

import json
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from components.chat import Journal, buy
from components.chat.prices import Usage, price_of
from components.errors import BudgetExceeded
from tests.chat.conftest import KEY, PRICES, QUICK, Shop, request
from tests.chat.purses import die, month_told, open_ledger, record, rows, settle, take
from tests.fake_provider import FakeProvider
from tests.fake_provider.replies import tokens_of
from tests.processes import Python

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]
REPLY = "A quiet boat on a calm sea, and nobody in a hurry."

BUYER = """
import asyncio, json, sys
from pathlib import Path
from components.chat import Journal, Ledger, Till, buy
from components.errors import PostwrightError
from components.specs import GenerationSpec
from tests.chat.conftest import KEY, QUICK, request

home, url = Path(sys.argv[1]), sys.argv[2]
cap, month, first, count = *map(float, sys.argv[3:5]), *map(int, sys.argv[5:7])
journal = Journal(home / "calls")
till = Till(home / "calls" / "shared", journal, "run")
ledger = Ledger(cap, prices=home / "prices.yaml", month_usd=month or None, till=till)
spec = GenerationSpec(model="openai/m", endpoint=url, timeout_s=5.0, max_output_tokens=50, max_concurrency=8)
asked = [request(number, url) for number in range(first, first + count)]
try:
    asyncio.run(buy(asked, spec=spec, api_key=KEY, journal=journal, ledger=ledger, run_id="run", retry=QUICK))
except PostwrightError as stop:
    print(json.dumps([type(stop).__name__, str(stop), stop.exit_code]))
"""


class Office:
    """A home, a server, and processes that buy."""

    def __init__(self, home: Path, server: FakeProvider) -> None:
        self.home, self.server = home, server
        home.mkdir()
        (home / "prices.yaml").write_text(PRICES.format(url=server.url))
        price = price_of("openai/m", server.url, home / "prices.yaml")
        assert price is not None
        self.price = price

    def start(self, cap: float, first: int, count: int, month: float = 0.0) -> Python:
        return Python(BUYER, str(self.home), self.server.url, str(cap), str(month), str(first), str(count))

    @property
    def bill(self) -> float:
        """What the server charges: every request that it began to answer."""
        replies = -(-len(REPLY) // 4)
        return sum(self.price.cost(Usage(input=tokens_of(body), output=replies)) for body in self.server.seen)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with FakeProvider(reply=lambda _: REPLY, latency=0.02) as server:
        yield Office(tmp_path / "home", server)


def end(process: Python) -> Any:
    out, _ = process.communicate(timeout=60)
    return json.loads(out) if out.strip() else None


@pytest.mark.parametrize("scope", ["run", "month"])
def test_two_processes_have_one_cap(office: Office, scope: str) -> None:
    cap, month = (1.5, 0.0) if scope == "run" else (100.0, 1.5)
    ends = [end(p) for p in [office.start(cap, first, 60, month) for first in (0, 1000)]]
    assert [stop and stop[0] for stop in ends] == ["BudgetExceeded"] * 2
    assert all(("usd_per_month" in stop[1]) == (scope == "month") and stop[2] == 4 for stop in ends), ends
    dearest = office.price.most(200, 50)
    assert 1.5 - 2 * dearest < office.bill <= 1.5, "the cap was used, and not passed"
    ledger = open_ledger(office.home, cap)
    assert ledger.spent_usd == pytest.approx(office.bill) and ledger.held_usd == 0.0


@pytest.mark.parametrize("seed", range(4))
def test_calls_in_flight_at_a_kill_are_not_forgotten(office: Office, seed: int) -> None:
    cap = 4.0
    victim = office.start(cap, 0, 100)
    deadline = time.monotonic() + 60
    while office.server.stats["requests"] < 3 + 4 * seed and time.monotonic() < deadline:
        time.sleep(0.002)
    office.server.latency = 30.0  # what comes now is in flight when its process dies
    while office.server.in_flight < 4 and time.monotonic() < deadline:
        time.sleep(0.002)
    victim.send_signal(signal.SIGKILL)
    victim.communicate(timeout=30)
    office.server.latency = 0.01
    stop = end(office.start(cap, 0, 100))
    assert stop is not None and stop[0] == "BudgetExceeded" and "may have been billed" in stop[1]
    assert office.bill <= cap
    [lost] = [row for row in rows(office.home) if row["stage"] == "lost"]
    recorded = [sum(float(row[name] or 0) for row in rows(office.home)) for name in ("cost_usd", "held_usd")]  # type: ignore[arg-type]
    assert float(lost["held_usd"]) > 0 and office.bill <= sum(recorded) <= cap + 1e-9  # type: ignore[arg-type]


NOVEMBER = datetime(2026, 11, 30, 23, 59, tzinfo=UTC).timestamp()
DECEMBER = NOVEMBER + 60


def test_a_month_that_ends_during_a_run(tmp_path: Path) -> None:
    now = [NOVEMBER]
    ledger = open_ledger(tmp_path, 10.0, month=1.0, clock=lambda: now[0])
    done, flying = take(ledger, 0.6), take(ledger, 0.3)
    assert done and flying
    settle(ledger, done, 0.6)
    assert take(ledger, 0.2) is None, "what is in flight may cost less"
    settled = take(ledger, 0.05)
    assert settled
    settled.settle()
    with pytest.raises(BudgetExceeded, match=r"2026-11 by this home: 0\.600000 of 1\.00 .* \(2026-12-01 00:00 UTC\)"):
        take(ledger, 0.45)
    now[0] = DECEMBER + 1
    assert take(ledger, 0.8) is None, "what is in flight will be recorded in the new month"
    settle(ledger, flying, 0.25)
    assert take(ledger, 0.7) is not None
    assert (ledger.spent_usd, month_told(ledger)) == (pytest.approx(0.85), pytest.approx(0.25))
    die(ledger)
    again = open_ledger(tmp_path, 10.0, month=1.0, clock=lambda: now[0])
    assert month_told(again) == pytest.approx(0.95), "0.70 may have been billed"
    last = open_ledger(tmp_path / "other", 10.0, month=1.0, name="x", clock=lambda: DECEMBER + 30 * 86_400)
    with pytest.raises(BudgetExceeded, match="2027-01-01"):
        take(last, 1.5)


def test_the_month_counts_all_runs_of_the_home(tmp_path: Path) -> None:
    one = open_ledger(tmp_path, 1.0, month=1.0, name="one")
    other = open_ledger(tmp_path, 1.0, name="other")
    reservation = take(other, 0.9)
    assert reservation
    settle(other, reservation, 0.9, run="other")
    assert (one.spent_usd, month_told(one)) == (0.0, pytest.approx(0.9))
    with pytest.raises(BudgetExceeded, match=r"budget\.usd_per_month"):
        take(one, 0.2)
    assert take(one, 0.1) is not None
    early = open_ledger(tmp_path / "b", 1.0, month=1.0)
    record(early, 0.9, at=NOVEMBER - 86_400 * 60)
    early.close()
    assert month_told(open_ledger(tmp_path / "b", 1.0, month=1.0)) == 0.0


async def test_a_purchase_out_of_shared_purses_settles_all_it_reserved(shop: Shop) -> None:
    with FakeProvider(fail=0.3, seed=3) as server:
        prices = shop.prices(server)
        ledger = open_ledger(shop.folder, 50.0)
        ledger.prices = prices
        asked = [request(number, server.url) for number in range(40)]
        await buy(
            asked, spec=shop.spec(server), api_key=KEY, journal=shop.journal, ledger=ledger, run_id="run", retry=QUICK,
            spec_id="spec-1",
        )  # fmt: skip
        assert ledger.reserved_usd == 0.0 and ledger._till is not None and ledger._till.run.open == 0
        assert ledger.spent_usd + ledger.held_usd == pytest.approx(Journal(shop.folder / "calls").spent_usd())
        assert {row["spec_id"] for row in shop.records()} == {"spec-1"}
        assert all(row["cached_tokens"] is not None for row in shop.records() if row["input_tokens"])
