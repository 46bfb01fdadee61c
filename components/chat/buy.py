"""Buys answers: each call once, inside the limits, under the budget, journaled the moment it is answered.

Reads and writes the journal; needs the endpoint. Workers, as many as calls may be in flight, take requests from one
queue, so memory does not grow with tasks; whatever stops one of them lets the others end what they have in flight.
"""

import asyncio
import contextlib
import random
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from components.chat.caller import Caller, Retry
from components.chat.client import Client
from components.chat.journal import Journal
from components.chat.ledger import Ledger
from components.chat.outcome import RETRYABLE, ChatOutcome, Status
from components.chat.providers import check
from components.chat.request import ChatRequest
from components.errors import ProviderStopped
from components.spec import ChatSpec


async def buy(
    requests: Sequence[ChatRequest],
    *,
    spec: ChatSpec,
    api_key: str | None,
    journal: Journal,
    ledger: Ledger,
    run_id: str,
    on_outcome: Callable[[ChatOutcome], None] | None = None,
    retry: Retry | None = None,
    spec_id: str = "",
) -> list[ChatOutcome]:
    """One outcome per request, in order; `on_outcome` gets each as it is known. Limits and time-outs are the spec's.

    Raises UserError before anything is spent where the spec cannot be bought; BudgetExceeded or ProviderStopped after
    what was in flight is journaled. Calling again asks only for what is still missing.
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
    if wanted:
        journal.ready()
        wanted = _in_our_way(wanted, journal.elders())
        client = Client(spec, api_key)
        try:
            await _Purchase(
                wanted, tell, Caller(spec, api_key, journal, ledger, run_id, retry or Retry(), client, spec_id)
            ).run()
        finally:
            await client.close()
    return _in_order(requests, found)


def _in_our_way(wanted: dict[str, ChatRequest], elders: int) -> dict[str, ChatRequest]:
    """Processes that walk one list in step would each buy all of it: the second walks backwards, so that they meet
    once, and further ones at random."""
    pairs = list(wanted.items())
    if elders == 1:
        pairs.reverse()
    elif elders > 1:
        random.shuffle(pairs)
    return dict(pairs)


def _in_order(requests: Sequence[ChatRequest], found: dict[str, ChatOutcome]) -> list[ChatOutcome]:
    """Copies of one request share its outcome, but only the first was bought."""
    outcomes, seen = [], set()
    for request in requests:
        outcome = found[request.key]
        outcomes.append(replace(outcome, bought=False) if request.key in seen else outcome)
        seen.add(request.key)
    return outcomes


class _Purchase:
    """The workers of one `buy`, and what makes them stop."""

    def __init__(self, wanted: dict[str, ChatRequest], tell: Callable[[ChatOutcome], None], caller: Caller) -> None:
        self.wanted, self.tell, self.caller, self.retry = wanted, tell, caller, caller.retry
        self.ends: deque[Status] = deque(maxlen=self.retry.window)

    async def run(self) -> None:
        queue = iter(self.wanted.values())
        hands = min(self.caller.spec.max_concurrency, len(self.wanted))
        workers = [asyncio.create_task(self._work(queue)) for _ in range(hands)]
        pending = set(workers)
        try:
            while pending:
                done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_EXCEPTION)
                self._halt_if_broken(done)
        except asyncio.CancelledError as cancelled:
            self.caller.halt(cancelled)
            await self._drain(pending)
            raise
        if self.caller.why is not None:
            raise self.caller.why

    def _halt_if_broken(self, done: set["asyncio.Task[None]"]) -> None:
        """The first exception of a worker is raised by `run`, once the others have ended what they have in flight."""
        for worker in done:
            if not worker.cancelled() and (why := worker.exception()) is not None:
                self.caller.halt(why)

    async def _work(self, queue: Iterator[ChatRequest]) -> None:
        for request in queue:
            try:
                outcome = await self.caller.call(request)
            except BaseException as why:
                self.caller.halt(why)  # at once: the other workers must not begin another call
                raise
            if outcome is None:
                return
            if outcome.bought:
                self._notice(outcome)
            self.tell(outcome)

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
        self.ends.append(outcome.status)
        broken = [status for status in self.ends if status in RETRYABLE or status is Status.bad_request]
        endpoint, last = self.caller.client.endpoint, outcome.detail
        unreachable = min(self.retry.unreachable, len(self.wanted))
        if len(self.ends) >= unreachable and all(status is Status.connection for status in self.ends):
            why = f"{endpoint} cannot be reached ({last}): check `endpoint`, and that the server runs"
        elif len(self.ends) >= self.retry.enough and len(broken) > self.retry.too_many * len(self.ends):
            kinds = ", ".join(f"{count} {status}" for status, count in Counter(broken).most_common())
            why = f"{len(broken)} of the last {len(self.ends)} calls to {endpoint} failed ({kinds}; last: {last})"
        else:
            return
        self.caller.halt(ProviderStopped(f"{why}; answers are kept, run the same command again to go on"))
