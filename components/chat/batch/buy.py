"""Buys answers by batches: each call once, at the batch price, under the budget, across kills and processes.

The journal is asked first; then what open batches hold is waited for, whoever handed them in; only the rest is handed
in. What comes back without an answer is handed in again, at most `Pace.rounds` times. A cancelled purchase leaves its
batches open: the next one waits for them.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from components.chat.batch.books import hold_open
from components.chat.batch.desk import desk_at
from components.chat.batch.leftover import collect_left, left_over
from components.chat.batch.pace import Pace
from components.chat.batch.purchase import Purchase
from components.chat.batch.register import Register
from components.chat.journal import Journal
from components.chat.ledger import Ledger
from components.chat.outcome import ChatOutcome
from components.chat.providers import check, endpoint_of
from components.chat.request import ChatRequest
from components.specs import ChatSpec


async def buy_batch(
    requests: Sequence[ChatRequest],
    *,
    spec: ChatSpec,
    api_key: str | None,
    journal: Journal,
    ledger: Ledger,
    run_id: str,
    folder: Path,
    spec_id: str = "",
    purse: str = "",
    on_outcome: Callable[[ChatOutcome], None] | None = None,
    say: Callable[[str], None] | None = None,
    pace: Pace | None = None,
) -> list[ChatOutcome]:
    """One outcome per request, in order; `on_outcome` gets each as it is known, `say` a line when something happens.

    `folder` holds the register (`<home>/calls/batches`); `purse` names whose money it is, the run's own by default.
    Raises UserError before anything is spent where the endpoint has no batches; BudgetExceeded; ProviderStopped where
    the endpoint refuses; BatchPending after `spec.batch_wait_h`. Calling again goes on where it stopped.
    """
    check(spec, api_key, ledger.allow_unpriced, ledger.prices)
    journal.refresh()
    found: dict[str, ChatOutcome] = {}
    wanted: dict[str, ChatRequest] = {}

    def tell(outcome: ChatOutcome) -> None:
        found[outcome.key] = outcome
        if on_outcome is not None:
            on_outcome(outcome)

    for request in requests:
        if request.model != spec.model or request.endpoint != spec.endpoint:
            raise ValueError(f"a request for {request.model} at {request.endpoint} does not belong to this spec")
        if request.key not in found and request.key not in wanted:
            if hit := journal.lookup(request.key):
                tell(hit)
            else:
                wanted[request.key] = request
    register, purse = Register(folder), purse or run_id
    left = left_over(register, journal, ledger, endpoint_of(spec.model, spec.endpoint), purse, wanted)
    if wanted or left:
        async with desk_at(
            spec, api_key, journal, ledger, run_id=run_id, spec_id=spec_id, purse=purse, register=register, pace=pace,
            say=say,
        ) as desk:  # fmt: skip
            hold_open(ledger, register, purse)
            await collect_left(desk, left)
            await Purchase(desk, wanted, tell).run()
    told: set[str] = set()
    outcomes = []
    for request in requests:  # copies of one request share its outcome, but only the first was bought
        outcome = found[request.key]
        outcomes.append(replace(outcome, bought=False) if request.key in told else outcome)
        told.add(request.key)
    return outcomes
