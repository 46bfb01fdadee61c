"""What the two buying steps share: the home's journal, the run's ledger, and a function that buys.

One ledger per budget and process, so that writing and judging, and parallel windows, spend from one purse.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from components.chat import RETRYABLE, ChatOutcome, ChatRequest, Journal, Ledger, buy
from components.spec import Budget, ChatSpec
from flows.settings import Settings, api_key

T = TypeVar("T")

TRIED_AGAIN = [*(str(status) for status in RETRYABLE), "picture"]
"""Errors of posts and judgments that a later run asks for again; a picture that was gone may be back."""

_lock = threading.Lock()
_journals: dict[str, Journal] = {}
_ledgers: dict[tuple[str, str], Ledger] = {}


def journal_of(settings: Settings) -> Journal:
    """The process's one writer into the home's journal."""
    with _lock:
        return _journals.setdefault(str(settings.calls), Journal(settings.calls))


def ledger_of(settings: Settings, budget: Budget, purse: str) -> Ledger:
    """The purse of a run (or of a whole backfill); begins with what the journal says the purse has spent."""
    journal = journal_of(settings)
    with _lock:
        key = (str(settings.calls), purse)
        if key not in _ledgers:
            _ledgers[key] = Ledger(budget.usd, allow_unpriced=budget.allow_unpriced, spent_usd=journal.spent_usd(purse))
        return _ledgers[key]


@dataclass
class Buyer:
    """Buys for one step of one run and counts what it got."""

    settings: Settings
    spec: ChatSpec
    budget: Budget
    run_id: str
    purse: str
    bought: int = 0
    reused: int = 0
    failed: dict[str, int] = field(default_factory=dict)

    async def __call__(self, requests: Sequence[ChatRequest]) -> list[ChatOutcome]:
        outcomes = await buy(
            requests,
            spec=self.spec,
            api_key=api_key(self.spec.api_key_env),
            journal=journal_of(self.settings),
            ledger=ledger_of(self.settings, self.budget, self.purse),
            run_id=self.run_id,
            on_outcome=self.count,
        )
        return outcomes

    def count(self, outcome: ChatOutcome) -> None:
        if outcome.bought:
            self.bought += 1
        else:
            self.reused += 1
        if outcome.status != "ok":
            self.failed[outcome.status] = self.failed.get(outcome.status, 0) + 1


def run_async(work: Callable[[], Awaitable[T]]) -> T:
    """Run `work` on a loop of its own: the chunk's task is a plain function, as Prefect's sync engine wants it."""

    async def main() -> T:
        return await work()

    return asyncio.run(main())
