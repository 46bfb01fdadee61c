"""`mode: batch`: the same calls through OpenAI's Batch API, at half the price, answered within a day.

    outcomes = await buy_batch(requests, spec=spec, api_key=key, journal=journal, ledger=ledger, run_id="...",
                               folder=home / "calls" / "batches", say=print)

Live and batch answers share the journal: what one has bought is a hit for the other. A batch goes on at the endpoint
whatever happens here; its ids stand in the register before anything waits for it (register.py), so a run that was
killed, stopped, or tired of waiting goes on with the same batch.
"""

from components.chat.batch.books import batch_price, hold_open
from components.chat.batch.buy import buy_batch
from components.chat.batch.leftover import make_way
from components.chat.batch.pace import Pace
from components.chat.batch.register import Register

__all__ = ["Pace", "Register", "batch_price", "buy_batch", "hold_open", "make_way"]
