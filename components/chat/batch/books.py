"""The money of batches: held from before a batch is handed in until it is collected, across restarts.

A batch is paid from the purse that handed it in. While it is open its worst case is reserved on that purse's ledger,
once however many purchases wait for it; a new process reserves it again before it buys anything else.
"""

import threading
from collections.abc import Sequence

from components.chat.batch.register import Entry, Register
from components.chat.ledger import Ledger, Reservation
from components.chat.prices import Price
from components.errors import BudgetExceeded

_lock = threading.Lock()


def batch_price(price: Price | None) -> Price | None:
    """What calls cost in a batch; the price of live calls where the list tells of no other."""
    return None if price is None else price.batch or price


def reserve_most(
    ledger: Ledger, model: str, price: Price | None, most: Sequence[tuple[int, int]]
) -> tuple[Reservation | None, int]:
    """A reservation for as many of the first calls as the budget has room for, by halves, and how many these are.
    Raises BudgetExceeded where not even one fits beside what is spent."""
    count = len(most)
    while True:
        try:
            sent, got = sum(tokens for tokens, _ in most[:count]), sum(tokens for _, tokens in most[:count])
            # Not waited for: who waits for a batch must not wait for calls in flight.
            if reservation := ledger.reserve_now(model, price, sent, got):
                return reservation, count
        except BudgetExceeded:
            if count == 1:
                raise
        if count == 1:
            return None, 0
        count //= 2


def keep(ledger: Ledger, entry: Entry, reservation: Reservation) -> None:
    """From now on the money stands for the batch, whether this process lives or not."""
    ledger.stand(reservation, entry.local_id)
    with _lock:
        ledger.open_batches[entry.local_id] = reservation


def hold_open(ledger: Ledger, register: Register, purse: str) -> None:
    """Reserves again what the open batches of this purse may cost; those that the ledger knows already stay as they
    are. Call it before anything else is bought from the purse."""
    for entry in register.open_entries():
        if entry.purse == purse:
            with _lock:
                if entry.local_id not in ledger.open_batches:
                    ledger.open_batches[entry.local_id] = ledger.standing(entry.local_id, entry.reserved_usd)


def settle(ledger: Ledger, entry: Entry) -> None:
    """The batch is closed: what it cost replaces what was held for it."""
    with _lock:
        reservation = ledger.open_batches.pop(entry.local_id, None)
    if reservation is not None:
        reservation.settle(entry.cost_usd, entry.held_usd)
