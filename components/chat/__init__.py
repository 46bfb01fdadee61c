"""Calls to language models: bought once, journaled as they are answered, inside the limits and under the budget.

    requests = [ChatRequest(stage="writing", model="openai/gpt-4o-mini", messages=(...,))]
    journal, ledger = Journal(home / "calls"), Ledger(cap_usd=1.00)
    outcomes = await buy(requests, spec=spec, api_key=key, journal=journal, ledger=ledger, run_id="...")

`buy` looks into the journal first, so the same call (see `ChatRequest.key`) is never paid for twice, whoever asks.
`stream` does so for any number of requests. Every provider speaks chat completions, OpenAI the Responses interface too;
the offline writer and judge answer in process.
"""

from components.chat.buy import buy, stream
from components.chat.caller import Retry
from components.chat.calls_view import calls_view_sql
from components.chat.journal import Journal
from components.chat.ledger import Ledger
from components.chat.outcome import FINAL, RETRYABLE, STOPPING, ChatOutcome, Status
from components.chat.plan import History, Plan, estimate, history_of
from components.chat.prices import Price, price_of
from components.chat.providers import check
from components.chat.request import ChatRequest
from components.chat.till import Till

__all__ = [
    "FINAL",
    "RETRYABLE",
    "STOPPING",
    "ChatOutcome",
    "ChatRequest",
    "History",
    "Journal",
    "Ledger",
    "Plan",
    "Price",
    "Retry",
    "Status",
    "Till",
    "buy",
    "calls_view_sql",
    "check",
    "estimate",
    "history_of",
    "price_of",
    "stream",
]
