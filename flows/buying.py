"""What the two buying steps share: the home's journal, the run's ledger, and a function that buys.

A purse is what one budget pays for: a run with all its resumptions, or a backfill with all its windows. One ledger per
purse and process, so that writing and judging, and parallel windows, spend from it together.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from components.chat import RETRYABLE, ChatOutcome, ChatRequest, Journal, Ledger, Till, buy
from components.chat.batch import Register, buy_batch, hold_open, make_way
from components.errors import BatchPending
from components.records import Run
from components.specs import Budget, ChatSpec
from components.warehouse.store import Store
from flows.batching import waited_for
from flows.meter import METER
from flows.progress import say
from flows.settings import Settings, api_key

TRIED_AGAIN = [*(str(status) for status in RETRYABLE), "picture", "yardstick"]
"""Errors of posts and judgments that a later run asks for again; a picture or words that were not there may be now."""

LIVE_STAGES = frozenset({"judge_repair", "compare_repair"})
"""Bought live whatever the mode: a few calls that depend on the batch's answers, not worth another day."""

_lock = threading.Lock()
_journals: dict[str, Journal] = {}
_ledgers: dict[tuple[str, str], Ledger] = {}
_registers: dict[str, Register] = {}


def journal_of(settings: Settings) -> Journal:
    """The process's one writer into the home's journal."""
    with _lock:
        place = f"{settings.keep} {settings.calls}"
        return _journals.setdefault(place, Journal(settings.calls, settings.keep, METER.call))


def purse_of(store: Store, run: Run) -> str:
    """A run that goes on where the latest one like it stopped goes on with its purse; a new one has its own. The latest
    is the one that was written last, whatever the clock said."""
    sql = """SELECT purse, state FROM runs WHERE campaign = $campaign AND spec_ids = $spec_ids
        AND window_from IS NOT DISTINCT FROM $window_from::TIMESTAMPTZ
        AND window_to IS NOT DISTINCT FROM $window_to::TIMESTAMPTZ
        AND window_on IS NOT DISTINCT FROM $window_on::TEXT ORDER BY rowid DESC LIMIT 1"""
    row = run.row()
    found = store.query(
        sql, {key: row[key] for key in ("campaign", "spec_ids", "window_from", "window_to", "window_on")}
    )
    return str(found[0]["purse"]) if found and found[0]["state"] != "done" else run.run_id


def ledger_of(settings: Settings, budget: Budget, purse: str) -> Ledger:
    """The ledger of a purse, which all processes of the home share; it begins with what the journal says that all runs
    of the purse have spent."""
    journal = journal_of(settings)
    with _lock:
        key = (str(settings.calls), purse)
        found = settings.store().query("SELECT run_id FROM runs WHERE purse = $purse", {"purse": purse})
        runs = [row["run_id"] for row in found]
        if key not in _ledgers:
            register = Register(settings.batches)
            till = Till(settings.shared, journal, purse, runs, batches=register.at_endpoint)
            _ledgers[key] = Ledger(budget.usd, prices=settings.prices, till=till)
            hold_open(_ledgers[key], register, purse)
        _ledgers[key].allow(budget.usd, budget.allow_unpriced, budget.usd_per_month, runs)
        return _ledgers[key]


def register_of(settings: Settings) -> Register:
    """The home's; one for the process, so that closed batches are read once."""
    with _lock:
        return _registers.setdefault(str(settings.batches), Register(settings.batches))


def purses(settings: Settings) -> dict[str, Ledger]:
    """The ledgers of this process that are open in this home, by purse."""
    with _lock:
        return {purse: ledger for (calls, purse), ledger in _ledgers.items() if calls == str(settings.calls)}


@dataclass
class Buyer:
    """Buys for one step of one run, live or by batches, and counts what it got."""

    settings: Settings
    spec: ChatSpec
    budget: Budget
    run_id: str
    purse: str
    spec_id: str = ""
    ledger: Ledger | None = None
    """Somebody else's allowance; None: the purse of this home."""
    bought: int = 0
    reused: int = 0
    failed: dict[str, int] = field(default_factory=dict)

    async def __call__(self, requests: Sequence[ChatRequest]) -> list[ChatOutcome]:
        by_batch = self.spec.mode == "batch" and any(request.stage not in LIVE_STAGES for request in requests)
        common: dict[str, Any] = {
            "spec": self.spec,
            "api_key": api_key(self.spec.api_key_env),
            "journal": journal_of(self.settings),
            "ledger": self.ledger or ledger_of(self.settings, self.budget, self.purse),
            "run_id": self.run_id,
            "spec_id": self.spec_id or self.spec.id,
            "on_outcome": self.count,
        }
        if not by_batch:
            if self.spec.mode == "live" and self.ledger is None:  # no worker is sent for what a batch may hold
                way = {name: value for name, value in common.items() if name != "on_outcome"}
                register = register_of(self.settings)
                await make_way(requests, **way, purse=self.purse, register=register, say=say)
            return await buy(requests, **common)
        common |= {"folder": self.settings.batches, "purse": self.purse, "say": say}
        known = waited_for()
        if known is None or self.spec.batch_wait_h == 0:
            return await buy_batch(requests, **common)
        return await self._buy_in_turn(requests, known, common)

    async def _buy_in_turn(
        self, requests: Sequence[ChatRequest], known: frozenset[str], common: dict[str, Any]
    ) -> list[ChatOutcome]:
        """Waits only for batches that are `known`, and not for money or room, which others free in their turn."""
        counted: set[str] = set()

        def count(outcome: ChatOutcome) -> None:
            if outcome.key not in counted:
                counted.add(outcome.key)
                self.count(outcome)

        common["on_outcome"] = count
        try:
            now = self.spec.model_copy(update={"batch_wait_h": 0.0})
            return await buy_batch(requests, **common | {"spec": now})
        except BatchPending as pending:
            if not pending.batches or not pending.batches <= known:
                raise
        return await buy_batch(requests, **common)

    def count(self, outcome: ChatOutcome) -> None:
        if outcome.bought:
            self.bought += 1
        else:
            self.reused += 1
            METER.reuse(self.run_id, self.spec.step, self.spec.model)
        if outcome.status != "ok":
            self.failed[outcome.status] = self.failed.get(outcome.status, 0) + 1
