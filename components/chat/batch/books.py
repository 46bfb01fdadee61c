"""The money of batches: held from before a batch is handed in until it is collected, across restarts.

A batch is paid from the purse that handed it in. While it is open its worst case is reserved on that purse's ledger,
once however many purchases wait for it; a new process reserves it again before it buys anything else.
"""

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import replace

from components.chat.batch.register import Entry, Register
from components.chat.ledger import Ledger, Reservation
from components.chat.prices import Price
from components.errors import BudgetExceeded

BATCH_SHARE = 0.5
"""Of every list price (https://openai.com/api/pricing, 2026)."""

_lock = threading.Lock()


def batch_price(price: Price | None) -> Price | None:
    """USD per million tokens in a batch; None where the list price is unknown."""
    if price is None:
        return None
    return replace(
        price,
        input=price.input * BATCH_SHARE,
        output=price.output * BATCH_SHARE,
        cached_input=None if price.cached_input is None else price.cached_input * BATCH_SHARE,
        cache_write=None if price.cache_write is None else price.cache_write * BATCH_SHARE,
    )


async def reserve(
    ledger: Ledger, model: str, price: Price | None, most: Sequence[tuple[int, int]]
) -> Reservation | None:
    """For calls of at most so many prompt and reply tokens. None while money of calls in flight stands in the way: who
    waits for a batch must not wait here. Raises BudgetExceeded where only spent money does."""
    sent, got = sum(tokens for tokens, _ in most), sum(tokens for _, tokens in most)
    try:
        async with asyncio.timeout(0):
            return await ledger.reserve(model, price, sent, got)
    except TimeoutError:
        return None


async def reserve_most(
    ledger: Ledger, model: str, price: Price | None, most: Sequence[tuple[int, int]]
) -> tuple[Reservation | None, int]:
    """A reservation for as many of the first calls as the budget has room for, by halves, and how many these are.
    Raises BudgetExceeded where not even one fits beside what is spent."""
    count = len(most)
    while True:
        try:
            if reservation := await reserve(ledger, model, price, most[:count]):
                return reservation, count
        except BudgetExceeded:
            if count == 1:
                raise
        if count == 1:
            return None, 0
        count //= 2


def keep(ledger: Ledger, entry: Entry, reservation: Reservation) -> None:
    with _lock:
        ledger.open_batches[entry.local_id] = reservation


def hold_open(ledger: Ledger, register: Register, purse: str) -> None:
    """Reserves again what the open batches of this purse may cost; those that the ledger knows already stay as they
    are. Call it before anything else is bought from the purse."""
    for entry in register.open_entries():
        if entry.purse == purse:
            with _lock:
                if entry.local_id not in ledger.open_batches:
                    ledger.open_batches[entry.local_id] = ledger.take(entry.reserved_usd)


def settle(ledger: Ledger, entry: Entry) -> None:
    """The batch is closed: what it cost replaces what was held for it."""
    with _lock:
        reservation = ledger.open_batches.pop(entry.local_id, None)
    if reservation is not None:
        reservation.settle(entry.cost_usd, entry.held_usd)
