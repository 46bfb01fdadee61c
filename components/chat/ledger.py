"""The money of a run: nothing is sent whose worst case would pass the cap.

Before each attempt the most it can cost is reserved; afterwards the reservation is replaced by what it did cost. So
spent + reserved <= cap at every moment, in every thread and event loop of the process, and recorded spend cannot pass
it. An attempt whose answer was lost (time-out, cut body) may have been billed: its reservation stays `held`, counted
against the cap but not as spend.
"""

import asyncio
import threading
from dataclasses import dataclass
from pathlib import Path

from components.chat.prices import FILE, Price
from components.errors import BudgetExceeded, UserError


@dataclass(slots=True)
class Reservation:
    ledger: "Ledger"
    usd: float
    open: bool = True

    def settle(self, cost_usd: float | None = None, held_usd: float = 0.0) -> None:
        """Ends the reservation; `cost_usd` was billed, `held_usd` may have been."""
        self.ledger._settle(self, cost_usd or 0.0, held_usd)


class Ledger:
    """One per run (or backfill), shared by all its windows. `spent_usd` is what was spent under this cap before;
    `prices` is the price list it reckons by."""

    def __init__(
        self, cap_usd: float, allow_unpriced: bool = False, spent_usd: float = 0.0, prices: Path = FILE
    ) -> None:
        self.cap_usd = cap_usd
        self.prices = prices
        self.allow_unpriced = allow_unpriced
        self.spent_usd = spent_usd
        self.held_usd = 0.0
        self.reserved_usd = 0.0
        self.unpriced_calls = 0
        self.open_batches: dict[str, Reservation] = {}
        """Batches that are handed in and not collected, by their local ids; see components/chat/batch/books.py."""
        self._lock = threading.Lock()
        self._waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = []

    def allow(self, cap_usd: float, allow_unpriced: bool) -> None:
        """A later run of the same purse may have been given more, or less."""
        with self._lock:
            self.cap_usd, self.allow_unpriced = cap_usd, allow_unpriced

    async def reserve(self, model: str, price: Price | None, input_tokens: int, output_tokens: int) -> Reservation:
        """Waits while calls in flight stand in the way; raises BudgetExceeded when only spent money does."""
        if price is None:
            if not self.allow_unpriced:
                raise UserError(
                    f"the price of {model} is unknown: set `budget.allow_unpriced: true` or add it to prices.yaml"
                )
            with self._lock:
                self.unpriced_calls += 1
            return Reservation(self, 0.0)
        usd = price.most(input_tokens, output_tokens)
        if usd == 0:
            return Reservation(self, 0.0)  # free calls go on when the money is gone
        while True:
            with self._lock:
                # A millionth of a cent of slack: sums of floats must not refuse a budget that fits exactly.
                if self.spent_usd + self.held_usd + self.reserved_usd + usd <= self.cap_usd + 1e-8:
                    self.reserved_usd += usd
                    return Reservation(self, usd)
                if self.reserved_usd <= 1e-12 or self.spent_usd + self.held_usd + usd > self.cap_usd + 1e-8:
                    raise BudgetExceeded(self._refusal(model, usd))
                loop = asyncio.get_running_loop()
                freed: asyncio.Future[None] = loop.create_future()
                self._waiting.append((loop, freed))
            await freed

    def take(self, usd: float) -> Reservation:
        """Reserves without asking: the money is committed already, as that of a batch which an earlier run handed
        in."""
        with self._lock:
            self.reserved_usd += usd
            return Reservation(self, usd)

    def _refusal(self, model: str, usd: float) -> str:
        held = f" and {self.held_usd:.6f} may have been billed for lost answers" if self.held_usd else ""
        return (
            f"the next call to {model} could cost {usd:.6f} USD; spent: {self.spent_usd:.6f} of {self.cap_usd:.2f} USD"
            f"{held}: raise `budget.usd` and run the same command again, what was bought is kept"
        )

    def _settle(self, reservation: Reservation, cost_usd: float, held_usd: float) -> None:
        with self._lock:
            if not reservation.open:
                return
            reservation.open = False
            self.reserved_usd = max(0.0, self.reserved_usd - reservation.usd)
            self.spent_usd += cost_usd
            self.held_usd += held_usd
            waiting, self._waiting = self._waiting, []
        for loop, freed in waiting:
            try:
                loop.call_soon_threadsafe(_wake, freed)
            except RuntimeError:
                # That window's event loop has ended; nobody waits there any more.
                continue


def _wake(freed: "asyncio.Future[None]") -> None:
    if not freed.done():
        freed.set_result(None)
