"""Ledgers that share a home's purses, calls that are recorded, and a death as the kernel makes it."""

import re
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest

from components.chat import Journal, Ledger, Price, Till
from components.chat.ledger import Reservation
from components.errors import BudgetExceeded

PRICE = Price(input=1000.0, output=4000.0, date="2026-01-01")
_numbers = count(1)


def open_ledger(home: Path, cap: float, *, month: float | None = None, name: str = "run", clock=None) -> Ledger:  # type: ignore[no-untyped-def]
    """As another process would: a journal and a till of its own."""
    journal = Journal(home / "calls")
    till = Till(home / "calls" / "shared", journal, name, **({} if clock is None else {"clock": clock}))
    return Ledger(cap, month_usd=month, till=till)


def take(ledger: Ledger, usd: float) -> Reservation | None:
    """Reserves `usd`: PRICE has a tenth of a cent for a token of the prompt."""
    return ledger.reserve_now("openai/m", Price(input=usd * 1e6, output=0.0, date="2026-01-01"), 1, 0)


def record(ledger: Ledger, cost: float | None, held: float = 0.0, run: str = "run", at: float | None = None) -> None:
    """What a caller writes before it settles."""
    assert ledger._till is not None
    ledger._till.journal.append(
        {
            "call_key": f"{next(_numbers):032x}",
            "status": "ok" if cost else "timeout",
            "model": "openai/m",
            "stage": "writing",
            "run_id": run,
            "attempts": 1,
            "cost_usd": cost,
            "held_usd": held,
            "created_at": datetime.fromtimestamp(at or ledger._till.clock(), UTC).isoformat(),
        }
    )


def settle(ledger: Ledger, reservation: Reservation, cost: float, held: float = 0.0, run: str = "run") -> None:
    record(ledger, cost, held, run)
    reservation.settle(cost, held)


def die(ledger: Ledger) -> None:
    """What the kernel does for a process that is killed: its files are closed, and with them its locks go."""
    till = ledger._till
    assert till is not None
    till.run.close_file()
    till.month.close_file()
    till._file.close()
    till.journal.close()


def total(ledger: Ledger) -> float:
    return ledger.spent_usd + ledger.held_usd + ledger.reserved_usd


def rows(home: Path) -> list[dict[str, object]]:
    return list(Journal(home / "calls").records())


def month_told(ledger: Ledger) -> float:
    """USD that this calendar month has cost the home, and may have, as a refusal tells people."""
    caps = ledger.cap_usd, ledger.month_usd
    ledger.cap_usd, ledger.month_usd = 1e9, 100.0
    try:
        with pytest.raises(BudgetExceeded) as refused:
            take(ledger, 1000.0)
    finally:
        ledger.cap_usd, ledger.month_usd = caps
    told = re.search(r"by this home: (\S+) of 100.00 USD(?: and (\S+) may have been billed)?", str(refused.value))
    assert told, refused.value
    return float(told[1]) + float(told[2] or 0)
