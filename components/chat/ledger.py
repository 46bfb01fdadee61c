"""The money of a run and of a month: nothing is sent whose worst case would pass a cap.

Before each attempt the most it can cost is reserved; when the call is recorded the reservation is replaced by what it
did cost. So spent + held + reserved <= cap at every moment, in every thread, event loop and process of a home, and
recorded spend cannot pass it. An attempt whose answer was lost (time-out, cut body, a kill) may have been billed: it
stays `held`, counted against the cap but not as spend.

`Ledger(cap)` is alone, for tests and small scripts; with a `Till` it shares its purses with the other processes.
"""

import asyncio
import threading
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from components.chat.pocket import FITS, REFUSED, SLACK, Pocket
from components.chat.prices import FILE, Price
from components.chat.till import Till
from components.chat.waiting import Waiters, first_of
from components.errors import BudgetExceeded, UserError

RUN, MONTH = "budget.usd", "budget.usd_per_month"
"""The two caps, as a campaign names them."""

POLL_S = 0.05
LONGEST_POLL_S = 0.5
"""How often a ledger looks whether another process has freed money; nobody can wake it."""


@dataclass(slots=True)
class Reservation:
    """`keep` once the attempt has ended and another may follow; `settle` once the journal has the record. In between
    the money stays reserved, so that a kill cannot lose it."""

    ledger: "Ledger"
    usd: float
    kept: float = 0.0
    taken: bool = False
    standing: str | None = None
    open: bool = True

    def keep(self, cost_usd: float | None = None, held_usd: float = 0.0) -> None:
        """Gives back all but what was, and what may have been, billed."""
        self.ledger._keep(self, (cost_usd or 0.0) + held_usd)

    def settle(self, cost_usd: float | None = None, held_usd: float = 0.0) -> None:
        """Ends the reservation; `cost_usd` was billed, `held_usd` may have been."""
        self.ledger._settle(self, cost_usd or 0.0, held_usd)


class Ledger:
    """One per run (or backfill) and process, shared by all its windows. `prices` is the user's own price list, laid
    over the shipped one. Alone, `spent_usd` is what was spent under this cap before; with a `till` the journal says so.
    `month_usd` caps the calendar month of the whole home, and needs a till."""

    def __init__(
        self,
        cap_usd: float,
        allow_unpriced: bool = False,
        spent_usd: float = 0.0,
        prices: Path = FILE,
        *,
        month_usd: float | None = None,
        till: Till | None = None,
    ) -> None:
        self.cap_usd, self.month_usd = cap_usd, month_usd
        self.prices = prices
        self.allow_unpriced = allow_unpriced
        self.unpriced_calls = 0
        self.open_batches: dict[str, Reservation] = {}
        """Reservations of batches that are handed in and not collected, by their local ids."""
        self._till = till
        self._own = Pocket(spent_usd)
        self._lock = threading.Lock()
        self._waiters = Waiters()

    @property
    def _pocket(self) -> Pocket:
        return self._own if self._till is None else self._till.run

    @property
    def spent_usd(self) -> float:
        """USD recorded under this purse, by whichever process."""
        return self._pocket.totals()[0]

    @property
    def held_usd(self) -> float:
        """USD that may have been billed for lost answers."""
        return self._pocket.totals()[1]

    @property
    def reserved_usd(self) -> float:
        """USD that calls in flight may cost."""
        return self._pocket.totals()[2]

    def living(self) -> set[str]:
        """The purses of this home that a living process has open; none for a ledger that is alone."""
        with self._lock:
            return set() if self._till is None else self._till.living()

    def allow(
        self, cap_usd: float, allow_unpriced: bool, month_usd: float | None = None, runs: Collection[str] = ()
    ) -> None:
        """A later run of the same purse may have been given more, or less. `runs`: those that the purse pays for."""
        with self._lock:
            self.cap_usd, self.allow_unpriced, self.month_usd = cap_usd, allow_unpriced, month_usd
            if self._till is not None:
                self._till.runs.update(runs)

    def close(self) -> None:
        """Leaves the shared purses; not needed before a process ends."""
        if self._till is not None:
            with self._lock:
                self._till.close()

    def reserve_now(self, model: str, price: Price | None, input_tokens: int, output_tokens: int) -> Reservation | None:
        """The fast path. None when calls in flight stand in the way; raises BudgetExceeded when only money that is gone
        does, and UserError where the price is unknown and may not be."""
        if price is None:
            return self._unpriced(model)
        usd = price.most(input_tokens, output_tokens)
        if usd == 0:
            return Reservation(self, 0.0)  # free calls go on when the money is gone
        with self._lock:
            said = self._take(usd)
            if said == FITS:
                return Reservation(self, usd, taken=True)
            if said == REFUSED:
                raise BudgetExceeded(self._refusal(model, usd))
            return None

    def lend(self, usd: float) -> Reservation | None:
        """A sum for a purchase in another process, whose own ledger it caps; reserved here until it is settled with
        what was spent of it. None where there is no room for it."""
        if usd == 0:
            return Reservation(self, 0.0)
        with self._lock:
            return Reservation(self, usd, taken=True) if self._take(usd) == FITS else None

    @property
    def room_usd(self) -> float:
        """What is neither spent, held nor reserved, under the nearer of the caps."""
        with self._lock:
            room = self.cap_usd - sum(self._pocket.totals())
            if self._till is not None and self.month_usd is not None:
                room = min(room, self.month_usd - sum(self._till.month.totals()))
            return max(0.0, room)

    def _take(self, usd: float) -> int:
        till = self._till
        return self._own.take(usd, self.cap_usd) if till is None else till.take(usd, self.cap_usd, self.month_usd)

    async def reserve(
        self,
        model: str,
        price: Price | None,
        input_tokens: int,
        output_tokens: int,
        stopped: asyncio.Event | None = None,
    ) -> Reservation | None:
        """Like `reserve_now`, but waits while calls in flight stand in the way, of this process or of others; None when
        `stopped` was set meanwhile."""
        pause = POLL_S
        while True:
            with self._waiters.waiting() as freed:  # before looking, so that nothing freed meanwhile is missed
                reservation = self.reserve_now(model, price, input_tokens, output_tokens)
                if reservation is not None:
                    return reservation
                await first_of(freed, stopped, None if self._till is None else pause)
            if stopped is not None and stopped.is_set():
                return None
            self._refuse_if_it_stands(model, price, input_tokens, output_tokens)
            pause = min(2 * pause, LONGEST_POLL_S)

    def _refuse_if_it_stands(self, model: str, price: Price | None, input_tokens: int, output_tokens: int) -> None:
        """Nobody waits a day for the money of a batch."""
        usd = 0.0 if price is None else price.most(input_tokens, output_tokens)
        if usd and (bound := self.bound_by_batches(usd)) is not None:
            cap, stands = bound
            raise BudgetExceeded(f"{self._refusal(model, usd, cap)}; {stands:.6f} USD stand for batches under way")

    def bound_by_batches(self, usd: float) -> tuple[str, float] | None:
        """Which cap, RUN or MONTH, has no room for `usd` more until batches are collected, and what stands for them in
        it; None where what is in the way will pass by itself, or nothing is."""
        with self._lock:
            if self._till is None:
                stands = sum(reservation.usd for reservation in list(self.open_batches.values()))
                purses: list[tuple[str, float, Pocket, float | None]] = [(RUN, stands, self._own, self.cap_usd)]
            else:
                run, month = self._till.run, self._till.month
                purses = [(RUN, run.standing_usd(), run, self.cap_usd)]
                purses += [(MONTH, month.standing_usd(), month, self.month_usd)]
            for name, stands, purse, cap in purses:
                if stands and cap is not None and sum(purse.totals()[:2]) + stands + usd > cap + SLACK:
                    return name, stands
        return None

    def stand(self, reservation: Reservation, name: str) -> None:
        """From now on the money is reserved under `name`, whether this process lives or not, until a reservation of
        that name is settled: for a batch, which is under way for up to a day."""
        with self._lock:
            if self._till is not None and reservation.open and reservation.standing is None:
                reservation.standing = name
                self._till.stand(name, reservation.usd)

    def standing(self, name: str, usd: float) -> Reservation:
        """What stands under `name`, in whichever process; `usd` is reserved, without asking, where nothing does."""
        with self._lock:
            if self._till is None:
                self._own.reserved += usd
                self._own.open += 1
                return Reservation(self, usd, taken=True)
            self._till.stands(name, usd)
            return Reservation(self, usd, taken=True, standing=name)

    def settle_standing(self, name: str, purse: str, cost_usd: float, held_usd: float) -> None:
        """Ends what stands under `name` for another purse of this home: the cost is that purse's, and the month's."""
        with self._lock:
            if self._till is not None:
                self._till.end_standing_of(purse, name, cost_usd, held_usd)

    def end_standing_but(self, names: Collection[str]) -> None:
        """Frees what stands under any other name: what it stood for is over, and its cost is counted."""
        with self._lock:
            if self._till is not None:
                self._till.end_standing_but(names)

    def _unpriced(self, model: str) -> Reservation:
        if not self.allow_unpriced:
            raise UserError(
                f"the price of {model} is unknown: set `budget.allow_unpriced: true` or add it to {self.prices}"
            )
        with self._lock:
            self.unpriced_calls += 1
        return Reservation(self, 0.0)

    def _refusal(self, model: str, usd: float, cap: str | None = None) -> str:
        """Which cap stops (`cap`, or the one that is passed), what is gone of it, and what to do."""
        spent, held, _ = self._pocket.totals()
        begin = f"the next call to {model} could cost {usd:.6f} USD"
        if cap is None and (self.month_usd is None or spent + held + usd > self.cap_usd + SLACK):
            cap = RUN
        if self._till is None or self.month_usd is None or cap == RUN:
            gone, do = (
                f"spent: {spent:.6f} of {self.cap_usd:.2f} USD",
                f"raise `{RUN}` and run the same command again",
            )
        else:
            spent, held, _ = self._till.month.totals()
            gone = f"spent in {self._till.month_name} by this home: {spent:.6f} of {self.month_usd:.2f} USD"
            do = (
                f"raise `{MONTH}`, or run the same command again when the next month begins "
                f"({self._till.next_month:%Y-%m-%d} 00:00 UTC)"
            )
        maybe = f" and {held:.6f} may have been billed for lost answers" if held else ""
        return f"{begin}; {gone}{maybe}: {do}, what was bought is kept"

    def _keep(self, reservation: Reservation, usd: float) -> None:
        with self._lock:
            if not reservation.open or not reservation.usd or reservation.standing:
                return
            self._move(reservation.usd, kept=usd, ended=0)
            reservation.usd, reservation.kept = 0.0, usd
        self._waiters.wake_all()

    def _settle(self, reservation: Reservation, cost_usd: float, held_usd: float) -> None:
        with self._lock:
            if not reservation.open:
                return
            reservation.open = False
            if reservation.standing:
                assert self._till is not None, "nothing stands in a ledger that is alone"
                self._till.end_standing(reservation.standing, cost_usd, held_usd)
            elif reservation.taken or cost_usd or held_usd:
                self._move(reservation.usd, cost_usd, held_usd, -reservation.kept, int(reservation.taken))
        self._waiters.wake_all()

    def _move(self, freed: float, spent: float = 0.0, held: float = 0.0, kept: float = 0.0, ended: int = 1) -> None:
        into = self._own if self._till is None else self._till
        into.put(freed, spent, held, kept, ended)
