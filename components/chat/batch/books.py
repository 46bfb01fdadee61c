"""The money of batches: held from before a batch is handed in until it is collected, across restarts.

A batch is paid from the purse that handed it in, whoever collects it. While it is open its worst case stands in that
purse and in the month's, once however many purchases wait for it, and whether a process lives or not; where a purse's
file was lost, the next ledger of that purse reserves it again before it buys anything else.
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
    are. What still stands for batches that are closed, or gone, is freed. Call it before anything else is bought from
    the purse."""
    if not register.folder.is_dir():
        return
    with register.alone():
        entries = {entry.local_id: entry for entry in register.open_entries()}
        for entry in [entry for entry in entries.values() if entry.state == "settling"]:
            finish(ledger, register, entries.pop(entry.local_id))
        for local_id, entry in entries.items():
            if entry.purse == purse:
                with _lock:
                    if local_id not in ledger.open_batches:
                        ledger.open_batches[local_id] = ledger.standing(local_id, entry.reserved_usd)
        for local_id in ledger.open_batches.keys() - entries.keys():
            settle(ledger, local_id, register.load(local_id))
        ledger.end_standing_but(entries.keys())


def close(ledger: Ledger, register: Register, entry: Entry) -> None:
    """The batch is over: what it cost replaces what was held for it, and the register has it so. A `void` one, of which
    nothing was made, is forgotten."""
    with register.alone():
        if entry.state == "collected":
            finish(ledger, register, entry)
            return
        settle(ledger, entry.local_id, entry)
        if entry.state == "void":
            register.forget(entry)
        else:
            register.save(entry)


def finish(ledger: Ledger, register: Register, entry: Entry) -> None:
    """Counts the cost of a batch whose answers are all journaled, once, however often it is killed. A purse counts it
    in the write that ends what stands there, and `settling` tells who comes after a kill that nothing is to stand
    again."""
    entry.state = "settling"
    register.save(entry)
    settle(ledger, entry.local_id, entry)
    entry.state = "collected"
    register.save(entry)


def settle(ledger: Ledger, local_id: str, entry: Entry | None) -> None:
    """Ends what is held for a batch, in its own purse and in the month's, whichever ledger sees its end; `entry` is
    None where it was forgotten, and cost nothing."""
    cost, held = (0.0, 0.0) if entry is None else (entry.cost_usd, entry.held_usd)
    with _lock:
        reservation = ledger.open_batches.pop(local_id, None)
    if reservation is not None:
        reservation.settle(cost, held)
    elif entry is not None:
        ledger.settle_standing(local_id, entry.purse, cost, held)
