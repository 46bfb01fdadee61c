"""Buys answers: each call once, inside the limits, under the budget, journaled the moment it is answered.

Reads and writes the journal; needs the endpoint. Workers, as many as calls may be in flight, take requests from one
walk over the iterable, so memory grows neither with tasks nor with requests; whatever stops one of them lets the others
end what they have in flight.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from components.chat.caller import Caller, Retry
from components.chat.client import Client
from components.chat.collector import rare_collections
from components.chat.journal import Journal
from components.chat.ledger import Ledger
from components.chat.limits.ends import fails
from components.chat.outcome import RETRYABLE, ChatOutcome, Status
from components.chat.providers import check
from components.chat.request import ChatRequest
from components.chat.walk import Walk
from components.errors import ProviderStopped
from components.specs import ChatSpec


async def buy(
    requests: Iterable[ChatRequest],
    *,
    spec: ChatSpec,
    api_key: str | None,
    journal: Journal,
    ledger: Ledger,
    run_id: str,
    spec_id: str = "",
    on_outcome: Callable[[ChatOutcome], None] | None = None,
    retry: Retry | None = None,
) -> list[ChatOutcome]:
    """One outcome per request, in order; `on_outcome` gets each as it is known. Limits and time-outs are the spec's;
    `spec_id` is the step's, for the record. Requests that an iterator makes are not kept, outcomes are: see `stream`.

    Raises UserError before anything is spent where the spec cannot be bought; BudgetExceeded or ProviderStopped after
    what was in flight is journaled. Calling again asks only for what is still missing.
    """
    found: dict[str, ChatOutcome] = {}
    keys: list[str] = []

    def tell(outcome: ChatOutcome) -> None:
        found[outcome.key] = outcome
        if on_outcome is not None:
            on_outcome(outcome)

    def noted() -> Iterator[ChatRequest]:
        for request in requests:
            keys.append(request.key)
            yield request

    listed = isinstance(requests, Sequence)
    await stream(
        requests if listed else noted(),
        spec=spec,
        api_key=api_key,
        journal=journal,
        ledger=ledger,
        run_id=run_id,
        spec_id=spec_id,
        on_outcome=tell,
        retry=retry,
    )
    return _in_order([request.key for request in requests] if listed else keys, found)


async def stream(
    requests: Iterable[ChatRequest],
    *,
    spec: ChatSpec,
    api_key: str | None,
    journal: Journal,
    ledger: Ledger,
    run_id: str,
    spec_id: str = "",
    on_outcome: Callable[[ChatOutcome], None],
    retry: Retry | None = None,
) -> None:
    """As `buy`, for any number of requests: `on_outcome` gets one outcome per key, as it is known, and neither requests
    nor outcomes are kept: 16 bytes per key are. `requests` is walked on the event loop, a little ahead of the calls."""
    check(spec, api_key, ledger.allow_unpriced, ledger.prices)
    journal.refresh()
    walk = Walk(requests, spec, journal, on_outcome)
    if not await walk.begin():
        return
    hands = min(spec.max_concurrency, len(requests)) if isinstance(requests, Sequence) else spec.max_concurrency
    client = Client(spec, api_key)
    try:
        caller = Caller(spec, api_key, journal, ledger, run_id, retry or Retry(), client, spec_id=spec_id)
        with contextlib.closing(caller), rare_collections():
            await _Purchase(walk, on_outcome, caller).run(hands)
    finally:
        await client.close()


def _in_order(keys: Sequence[str], found: dict[str, ChatOutcome]) -> list[ChatOutcome]:
    """Copies of one request share its outcome, but only the first was bought."""
    outcomes, seen = [], set()
    for key in keys:
        outcomes.append(replace(found[key], bought=False) if key in seen else found[key])
        seen.add(key)
    return outcomes


class _Purchase:
    """The workers of one `stream`, and what makes them stop."""

    def __init__(self, walk: Walk, tell: Callable[[ChatOutcome], None], caller: Caller) -> None:
        self.walk, self.tell, self.caller, self.retry = walk, tell, caller, caller.retry
        self.ends: Counter[Status] = Counter()
        """Of the calls that were bought here."""
        self.last: str | None = None
        """What the latest failure said."""

    async def run(self, hands: int) -> None:
        pending = {asyncio.create_task(self._work()) for _ in range(hands)}
        try:
            while pending:
                done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_EXCEPTION)
                self._halt_if_broken(done)
        except asyncio.CancelledError as cancelled:
            self.caller.halt(cancelled)
            await self._drain(pending)
            raise
        if self.ends.total() < self.retry.unreachable:  # too few for `_notice`
            self._halt_if_unreachable()
        self._halt_if_all_failed()
        if self.caller.why is not None:
            raise self.caller.why

    def _halt_if_broken(self, done: set["asyncio.Task[None]"]) -> None:
        """The first exception of a worker is raised by `run`, once the others have ended what they have in flight."""
        for worker in done:
            if not worker.cancelled() and (why := worker.exception()) is not None:
                self.caller.halt(why)

    async def _work(self) -> None:
        caller = self.caller
        try:
            for request in self.walk:
                if request is None:
                    await asyncio.sleep(0)
                    continue
                outcome = await caller.call(request)
                if outcome is None:
                    return
                if outcome.bought:
                    self._notice(outcome)
                self.tell(outcome)
                await asyncio.sleep(0)  # answers that came at the same moment are written down before more is asked
        except BaseException as why:  # a cancellation, too: at once, as the other workers must not begin another call
            caller.halt(why)
            raise

    async def _drain(self, pending: set["asyncio.Task[None]"]) -> None:
        """What is in flight will be billed: give it `grace_s` to arrive. A canceller may repeat itself meanwhile."""
        loop = asyncio.get_running_loop()
        for grace_s in (self.retry.grace_s, 1.0):
            end = loop.time() + grace_s
            while pending and loop.time() < end:
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.wait(pending, timeout=end - loop.time())
                self._halt_if_broken({worker for worker in pending if worker.done()})
                pending = {worker for worker in pending if not worker.done()}
            for worker in pending:
                worker.cancel()

    def _notice(self, outcome: ChatOutcome) -> None:
        """Stops the purchase when the endpoint fails too often to go on."""
        self.ends[outcome.status] += 1
        retry, endpoint = self.retry, self.caller.client.endpoint
        failing = self.caller.ends.note(outcome.status, retry.window, retry.enough, retry.too_many)
        if not fails(outcome.status):
            return
        self.last = outcome.detail
        if self.ends.total() >= retry.unreachable:
            self._halt_if_unreachable()
        if failing is not None:
            n, kinds = failing
            self._halt(f"{kinds.total()} of the last {n} calls to {endpoint} failed ({self._kinds(kinds)})")

    def _halt_if_unreachable(self) -> None:
        endpoint = self.caller.client.endpoint
        if self.ends.keys() == {Status.connection}:
            self._halt(f"{endpoint} cannot be reached ({self.last}): check `endpoint`, and that the server runs")
        elif self.ends.keys() == {Status.rate_limited}:
            seconds = f"{self.retry.refused_s:g} s"
            self._halt(f"{endpoint} has refused every call for {seconds} ({self.last}): check the account's limits")

    def _halt_if_all_failed(self) -> None:
        """Of a purchase that is too small for `_notice`."""
        if self.ends.total() > 1 and self.ends.keys() <= RETRYABLE:
            endpoint, n = self.caller.client.endpoint, self.ends.total()
            self._halt(f"all {n} calls to {endpoint} failed ({self._kinds(self.ends)})")

    def _kinds(self, kinds: Counter[Status]) -> str:
        return f"{', '.join(f'{count} {status}' for status, count in kinds.most_common())}; last: {self.last}"

    def _halt(self, why: str) -> None:
        self.caller.ends.forget()
        self.caller.halt(ProviderStopped(f"{why}; answers are kept, run the same command again to go on"))
