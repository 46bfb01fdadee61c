"""Buys answers: each call once, inside the limits, under the budget, journaled the moment it is answered.

Reads and writes the journal; needs the endpoint. This is the one retry layer of the project: the client's own retries
are off and Prefect retries whole chunks, whose answered calls come from the journal.
"""

import asyncio
import logging
import random
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from components.chat.client import Client, capabilities_of
from components.chat.journal import Journal, outcome_of
from components.chat.ledger import Ledger
from components.chat.limits import JITTER_S, gate_of
from components.chat.outcome import RETRYABLE, STOPPING, ChatOutcome, Status
from components.chat.prices import price_of
from components.chat.providers import check
from components.chat.replies import Reply
from components.chat.request import ChatRequest
from components.chat.tokens import expected_tokens, most_tokens
from components.errors import ProviderStopped
from components.spec import ChatSpec

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """Waiting and giving up. A wait is drawn evenly from 0 to base x 2^n ("full jitter"), so callers do not return in step.

    Of the last `window` finished calls, once there are `enough`, more than `too_many` failed: the endpoint is broken. The
    first `unreachable` calls all without a connection: it is not there. `grace_s`: how long a cancelled purchase waits
    for what is in flight.
    """

    base_s: float = 0.5
    cap_s: float = 30.0
    longest_silence_s: float = 60.0
    patience: int = 3
    window: int = 50
    enough: int = 20
    too_many: float = 0.5
    unreachable: int = 5
    grace_s: float = 5.0

    def wait(self, failures: int) -> float:
        return random.uniform(0, min(self.cap_s, self.base_s * 2.0 ** min(failures, 30)))


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
) -> list[ChatOutcome]:
    """One outcome per request, in order; `on_outcome` gets each as it is known. Limits and time-outs are the spec's.

    Raises UserError before anything is spent where the spec cannot be bought, BudgetExceeded or ProviderStopped after what
    was in flight is journaled. Calling again asks only for what is still missing.
    """
    check(spec, api_key, ledger.allow_unpriced)
    found: dict[str, ChatOutcome] = {}
    wanted: dict[str, ChatRequest] = {}
    journal.refresh()
    for request in requests:
        if request.model != spec.model or request.endpoint != spec.endpoint:
            raise ValueError(f"a request for {request.model} at {request.endpoint} does not belong to this spec")
        if request.key not in found and request.key not in wanted:
            if hit := journal.lookup(request.key):
                found[request.key] = hit
            else:
                wanted[request.key] = request

    def tell(outcome: ChatOutcome) -> None:
        found[outcome.key] = outcome
        if on_outcome is not None:
            on_outcome(outcome)

    for outcome in list(found.values()):
        tell(outcome)
    if wanted:
        journal.ready()
        client = Client(spec, api_key)
        try:
            await _Purchase(spec, api_key, journal, ledger, run_id, tell, retry or Retry(), client, wanted).run()
        finally:
            await client.close()
    answers, seen = [], set()
    for request in requests:
        outcome = found[request.key]
        answers.append(replace(outcome, bought=False) if request.key in seen else outcome)
        seen.add(request.key)
    return answers


@dataclass(slots=True)
class _Tally:
    """What one call has used up so far, over all its attempts. `last` is what the newest one came to."""

    attempts: int = 0
    failures: int = 0
    waits: int = 0
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = 0.0
    held_usd: float = 0.0
    last: Reply | None = None


@dataclass
class _Purchase:
    """The workers of one `buy`, and what makes them stop."""

    spec: ChatSpec
    api_key: str | None
    journal: Journal
    ledger: Ledger
    run_id: str
    tell: Callable[[ChatOutcome], None]
    retry: Retry
    client: Client
    wanted: dict[str, ChatRequest]
    stop: BaseException | None = None
    stopped: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.price = price_of(self.spec.model, self.spec.endpoint)
        self.gate = gate_of(self.client.endpoint)
        self.abilities = capabilities_of(self.spec.model, self.client.endpoint)
        self.ends: deque[Status] = deque(maxlen=self.retry.window)

    async def run(self) -> None:
        queue = iter(self.wanted.values())
        hands = min(self.spec.max_concurrency, len(self.wanted))
        workers = [asyncio.create_task(self._work(queue)) for _ in range(hands)]
        try:
            await asyncio.wait(workers)
        except asyncio.CancelledError as cancelled:
            self._halt(cancelled)
            await self._drain(workers)
            raise
        if self.stop is not None:
            raise self.stop

    async def _drain(self, workers: list["asyncio.Task[None]"]) -> None:
        """What is in flight will be billed: give it `grace_s` to arrive. Some cancellers repeat themselves meanwhile."""
        loop = asyncio.get_running_loop()
        pending = set(workers)
        for grace_s in (self.retry.grace_s, 1.0):
            end = loop.time() + grace_s
            while pending and loop.time() < end:
                try:
                    _, pending = await asyncio.wait(pending, timeout=end - loop.time())
                except asyncio.CancelledError:
                    pending = {worker for worker in pending if not worker.done()}
            for worker in pending:
                worker.cancel()

    def _halt(self, why: BaseException) -> None:
        if self.stop is None:
            self.stop = why
        self.stopped.set()

    async def _work(self, queue: Iterator[ChatRequest]) -> None:
        try:
            for request in queue:
                outcome = await self._call(request)
                if outcome is None:
                    return
                self.tell(outcome)
        except Exception as why:  # handed to `run`, which raises it once the other workers have ended
            self._halt(why)

    async def _call(self, request: ChatRequest) -> ChatOutcome | None:
        """One call with its retries; None when the purchase stopped before anything was sent. Whatever ends it, an attempt
        that was made leaves a record."""
        if self.stopped.is_set():
            return None
        if hit := self.journal.lookup(request.key):  # another process was faster
            return hit
        tally = _Tally()
        try:
            while await self._attempt(request, tally):
                continue
        finally:
            outcome = self._journal(request, tally)
        if outcome is not None:
            self._notice(outcome)
        return outcome

    async def _attempt(self, request: ChatRequest, tally: _Tally) -> bool:
        """Sends once; True when it should be sent again."""
        most = most_tokens(request, self.price)
        reservation = await self.ledger.reserve(request.model, self.price, most, request.max_output_tokens)
        cost = held = 0.0
        try:
            claimed = await self._pass_gate(request)
            if self.stopped.is_set():
                return False
            body = self.abilities.body(request)
            tally.attempts += 1
            tally.last = Reply(status=Status.connection, detail="stopped before the answer came", billed=None)
            try:
                tally.last = await self.client.send(body)
            finally:
                cost, held = self._account(tally, tally.last, reservation.usd)
        finally:
            reservation.settle(cost, held)
        if usage := tally.last.usage:
            self.gate.settle(request.model, claimed, usage.input + usage.output, self.spec.tpm)
        return await self._again(body, tally.last, tally)

    def _account(self, tally: _Tally, reply: Reply, most_usd: float) -> tuple[float, float]:
        """What this attempt cost, and what it may have cost without our seeing the bill; both go into the tally."""
        cost, held = 0.0, 0.0
        if reply.usage is not None:
            tally.input_tokens = (tally.input_tokens or 0) + reply.usage.input
            tally.output_tokens = (tally.output_tokens or 0) + reply.usage.output
        if self.price is None:
            tally.cost_usd = None
        elif reply.billed and reply.usage is not None:
            cost = self.price.cost(reply.usage)
            tally.cost_usd = None if tally.cost_usd is None else tally.cost_usd + cost
        elif reply.billed is not False:
            held = most_usd
            tally.held_usd += held
            if reply.billed:
                tally.cost_usd = None  # answered without a usage: due, but nobody says how much
        return cost, held

    async def _pass_gate(self, request: ChatRequest) -> int:
        """Waits for a slot; returns the tokens taken from the minute's allowance."""
        tokens = expected_tokens(request, self.price) + request.max_output_tokens
        while not self.stopped.is_set():
            seconds = self.gate.claim(request.model, tokens, self.spec.rpm, self.spec.tpm)
            if seconds <= 0:
                break
            await self._sleep(seconds)
            if self.gate.silence() <= 0:
                break
        return tokens

    async def _again(self, body: dict[str, Any], reply: Reply, tally: _Tally) -> bool:
        """Whether to send once more, after the wait that this failure asks for."""
        if reply.status in STOPPING or reply.no_credit:
            self._halt(ProviderStopped(self._why_stopped(reply)))
            return False
        if self.abilities.learn(body, reply):
            return True
        if reply.status not in RETRYABLE:
            return False
        limited = reply.status is Status.rate_limited
        tally.waits += limited
        tally.failures += not limited
        if tally.failures >= self.spec.max_attempts or tally.waits >= self.spec.max_attempts * self.retry.patience:
            return False
        if reply.wait_s:
            self._hush(reply.wait_s)
            await self._sleep(random.uniform(0, min(JITTER_S, reply.wait_s)))
        else:
            await self._sleep(self.retry.wait(tally.failures + tally.waits - 1))
        return not self.stopped.is_set()

    def _hush(self, seconds: float) -> None:
        longest = self.retry.longest_silence_s
        if seconds > longest:
            log.warning("%s asks for a silence of %.0f s; waiting %.0f s", self.client.endpoint, seconds, longest)
        self.gate.hush(min(seconds, longest))

    async def _sleep(self, seconds: float) -> None:
        """Ends early when the purchase stops."""
        try:
            async with asyncio.timeout(seconds):
                await self.stopped.wait()
        except TimeoutError:
            return

    def _journal(self, request: ChatRequest, tally: _Tally) -> ChatOutcome | None:
        reply = tally.last
        if reply is None:
            return None
        record = {
            "call_key": request.key,
            "status": reply.status.value,
            "model": request.model,
            "endpoint": self.client.endpoint,
            "stage": request.stage,
            "run_id": self.run_id,
            "text": reply.text,
            "detail": reply.detail,
            "attempts": tally.attempts,
            "input_estimate": expected_tokens(request, self.price),
            "input_tokens": tally.input_tokens,
            "output_tokens": tally.output_tokens,
            "cost_usd": tally.cost_usd,
            "held_usd": tally.held_usd,
            "price_date": None if self.price is None else self.price.date,
            "latency_ms": reply.latency_ms,
            "created_at": datetime.now(UTC).isoformat(),
            "request": request.record(),
            "response": reply.raw,
        }
        self.journal.append(record, redact=self.api_key)
        return replace(outcome_of(record), bought=True)

    def _notice(self, outcome: ChatOutcome) -> None:
        """Stops the purchase when the endpoint fails too often to go on."""
        self.ends.append(outcome.status)
        broken = [status for status in self.ends if status in RETRYABLE or status is Status.bad_request]
        unreachable = min(self.retry.unreachable, len(self.wanted))
        if len(self.ends) >= unreachable and all(status is Status.connection for status in self.ends):
            why = f"{self.client.endpoint} cannot be reached ({outcome.detail}): check `endpoint`, and that the server runs"
        elif len(self.ends) >= self.retry.enough and len(broken) > self.retry.too_many * len(self.ends):
            kinds = ", ".join(f"{count} {status}" for status, count in Counter(broken).most_common())
            why = f"{len(broken)} of the last {len(self.ends)} calls to {self.client.endpoint} failed ({kinds}; last: {outcome.detail})"
        else:
            return
        self._halt(ProviderStopped(f"{why}; answers are kept, run the same command again to go on"))

    def _why_stopped(self, reply: Reply) -> str:
        model, endpoint, variable = self.spec.model, self.client.endpoint, self.spec.api_key_env
        if reply.no_credit:
            return f"{endpoint} says the account of the key in {variable} has no credit left ({reply.detail})"
        if reply.status is Status.not_found:
            return f"{endpoint} has no model {model.partition('/')[2]!r} there ({reply.detail}): check `model` and `endpoint`"
        if not self.api_key:
            return f"{endpoint} wants a key ({reply.detail}): set the environment variable {variable}, or name another in `api_key_env`"
        return (
            f"{endpoint} refuses the key in {variable} ({reply.detail}): set a valid one and run the same command again"
        )
