"""One call from its reservation to its record: attempts, waits between them, and the bill.

This is the one retry layer of the project: the client's own retries are off, and Prefect retries whole chunks, whose
answered calls come from the journal. So the attempts a server counts are the attempts recorded.
"""

import asyncio
import logging
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from components.chat.abilities import abilities_of
from components.chat.client import Client
from components.chat.journal import Journal
from components.chat.kept import outcome_of, said
from components.chat.ledger import Ledger, Reservation
from components.chat.limits import Pace, Ticket, door_of
from components.chat.outcome import RETRYABLE, STOPPING, ChatOutcome, Status
from components.chat.prices import price_of
from components.chat.providers import IN_PROCESS
from components.chat.replies import Reply
from components.chat.request import ChatRequest
from components.chat.tokens import expected_tokens, most_tokens
from components.chat.under_way import begin, end
from components.errors import ProviderStopped
from components.specs import ChatSpec

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """Waiting and giving up. A wait is drawn evenly from 0 to base x 2^n ("full jitter"), so that callers do not return
    in step. A refusal (429) only says "later": the call takes its turn at the door again, which lets in fewer (see
    components.chat.limits), and is given up only when the endpoint has accepted nothing at all for `refused_s`. It is
    silent for as long as a Retry-After says, but at most `longest_silence_s`.

    Of the last `window` finished calls to a model, of all purchases of this process, once there are `enough`, more than
    the share `too_many` failed: the endpoint is broken; so it is when every call of a purchase, two at least, failed.
    The first `unreachable` calls all without a connection: it is not there. `grace_s`: how long a cancelled
    purchase waits for what is in flight.
    """

    base_s: float = 0.5
    cap_s: float = 30.0
    longest_silence_s: float = 60.0
    refused_s: float = 300.0
    window: int = 50
    enough: int = 20
    too_many: float = 0.5
    unreachable: int = 5
    grace_s: float = 5.0

    def wait(self, failures: int) -> float:
        return random.uniform(0, min(self.cap_s, self.base_s * 2.0 ** min(failures, 30)))


@dataclass(slots=True)
class Tally:
    """What one call has used up so far, over all its attempts; `last` is what the newest one came to. `held_usd` may
    have been billed; `unknown` says that something surely was, but not how much. `sent_without`: what the newest
    attempt could not ask for."""

    attempts: int = 0
    failures: int = 0
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    known_usd: float = 0.0
    held_usd: float = 0.0
    unknown: bool = False
    sent_without: list[str] = field(default_factory=list)
    last: Reply | None = None
    bills: list[tuple[Reservation, float, float]] = field(default_factory=list)

    def settle(self) -> None:
        """The journal has the record: what it says is what the purses count from now on."""
        for reservation, cost, held in self.bills:
            if self.unknown:
                reservation.settle(0.0, cost + held)
            else:
                reservation.settle(cost, held)

    def keep(self) -> None:
        """The call goes on, or could not be recorded: what may have been billed stays reserved."""
        for reservation, cost, held in self.bills:
            reservation.keep(cost, held)


@dataclass
class Caller:
    """Makes calls under one spec until it is halted; `why` then says what makes every further call useless."""

    spec: ChatSpec
    api_key: str | None
    journal: Journal
    ledger: Ledger
    run_id: str
    retry: Retry
    client: Client
    spec_id: str = ""
    why: BaseException | None = None
    stopped: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.price = price_of(self.spec.model, self.spec.endpoint, self.ledger.prices)
        self.abilities = abilities_of(
            self.journal.folder, self.spec.model, self.client.endpoint, self.spec.api, self.spec.reasoning_effort
        )
        shared = None if self.client.endpoint == IN_PROCESS else self.journal.folder / "shared"
        pace = Pace(self.spec.rpm, self.spec.tpm, self.spec.max_concurrency)
        door = door_of(self.client.endpoint, shared)
        self.ends = door.ends(self.spec.model)
        self.visitor = door.visitor(pace, self.spec.model)  # last: who fails before stands at no door

    def halt(self, why: BaseException) -> None:
        """No further attempt is made and all waits end; what is in flight may arrive. The first reason counts."""
        self.why = self.why or why
        self.stopped.set()

    def close(self) -> None:
        self.visitor.close()

    async def call(self, request: ChatRequest) -> ChatOutcome | None:
        """None when the purchase stopped before anything was sent. Whatever ends the call, an attempt that was made
        leaves a record."""
        place = (str(self.journal.folder), request.key)
        while True:
            if self.stopped.is_set():
                return None
            if hit := self.journal.lookup(request.key):  # another process, or another window of this one, was faster
                return hit
            if (other := begin(place)) is None:
                break
            await self._first_of(other)
        try:
            return await self._buy(request)
        finally:
            end(place)

    async def _first_of(self, other: "asyncio.Future[None]") -> None:
        """Until another purchase has ended the same call, or this one stops."""
        stop = asyncio.ensure_future(self.stopped.wait())
        either: set[asyncio.Future[Any]] = {other, stop}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stop.cancel()

    async def _buy(self, request: ChatRequest) -> ChatOutcome | None:
        self.journal.keep_pictures(request)
        tally = Tally()
        try:
            while await self._attempt(request, tally):
                continue
        finally:
            try:
                outcome = self._record(request, tally)
            except BaseException:  # without a record the money must stay reserved: a burial will tell of it
                tally.keep()
                raise
            tally.settle()
        return outcome

    async def _attempt(self, request: ChatRequest, tally: Tally) -> bool:
        """Sends once; True when it should be sent again."""
        most = most_tokens(request, self.price)
        money = (request.model, self.price, most, request.max_output_tokens)
        reservation = self.ledger.reserve_now(*money) or await self.ledger.reserve(*money, self.stopped)
        if reservation is None:
            return False
        sent = False
        try:
            tokens = expected_tokens(request, self.price) + request.max_output_tokens
            ticket = self.visitor.enter_now(tokens) or await self.visitor.enter(tokens, self.stopped)
            if ticket is None or self.stopped.is_set():
                if ticket is not None:
                    ticket.give_back()
                return False
            body = self.client.dialect.body(request, self.abilities)
            tally.sent_without = self.abilities.sent_without(request)
            tally.attempts += 1
            tally.last = Reply(status=Status.connection, detail="stopped before the answer came", billed=None)
            sent = True
            try:
                tally.last = await self.client.send(body)
            finally:
                tally.bills.append((reservation, *self._account(tally, tally.last, reservation.usd)))
                self._leave(ticket, tally.last)
        finally:
            if not sent:
                reservation.settle()
        if tally.last.status is not Status.ok:
            tally.keep()  # its next attempt must not wait for what this one leaves over
        return await self._again(body, tally.last, tally)

    def _account(self, tally: Tally, reply: Reply, most_usd: float) -> tuple[float, float]:
        """What this attempt cost, and what it may have cost without our seeing the bill; both go into the tally."""
        cost, held = 0.0, 0.0
        if reply.usage is not None:
            tally.input_tokens = (tally.input_tokens or 0) + reply.usage.input
            tally.output_tokens = (tally.output_tokens or 0) + reply.usage.output
            tally.cached_tokens = (tally.cached_tokens or 0) + reply.usage.cached
            tally.reasoning_tokens = (tally.reasoning_tokens or 0) + reply.usage.reasoning
        if self.price is None:
            tally.unknown = True
        elif reply.billed and reply.usage is not None:
            cost = self.price.cost(reply.usage)
        elif reply.billed is not False:
            held = most_usd
            tally.unknown |= reply.http_status == 200  # answered, but without a usage
        tally.known_usd += cost
        tally.held_usd += held
        return cost, held

    def _leave(self, ticket: Ticket, reply: Reply) -> None:
        """Tells the door how the attempt ended; an account without credit is no limit that passes."""
        used = None if reply.usage is None else reply.usage.input + reply.usage.output
        wait_s, longest = reply.wait_s, self.retry.longest_silence_s
        if wait_s is not None and wait_s > longest:
            log.warning("%s asks for a silence of %.0f s; waiting %.0f s", self.client.endpoint, wait_s, longest)
            wait_s = longest
        status = Status.authentication if reply.no_credit else reply.status
        ticket.leave(status, used, reply.told_limits, wait_s)

    async def _again(self, body: dict[str, Any], reply: Reply, tally: Tally) -> bool:
        """Whether to send once more, after the wait that this failure asks for."""
        if reply.status in STOPPING or reply.no_credit:
            self.halt(ProviderStopped(self._why_stopped(reply)))
            return False
        if self.abilities.learn(body, reply):
            return True
        if reply.status not in RETRYABLE:
            return False
        if reply.status is Status.rate_limited:
            return self.visitor.refused_for() < self.retry.refused_s and not self.stopped.is_set()
        tally.failures += 1
        if tally.failures >= self.spec.max_attempts:
            return False
        await self._sleep(self.retry.wait(tally.failures - 1))
        return not self.stopped.is_set()

    async def _sleep(self, seconds: float) -> None:
        """Ends early when the purchase stops."""
        try:
            async with asyncio.timeout(seconds):
                await self.stopped.wait()
        except TimeoutError:
            return

    def _record(self, request: ChatRequest, tally: Tally) -> ChatOutcome | None:
        """Journals the call; None when no attempt was made."""
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
            "spec_id": self.spec_id or None,
            "mode": "live",
            "batch_id": None,
            "api": request.api,
            "sent_without": tally.sent_without,
            "attempts": tally.attempts,
            "input_estimate": expected_tokens(request, self.price),
            "input_tokens": tally.input_tokens,
            "cached_tokens": tally.cached_tokens,
            "output_tokens": tally.output_tokens,
            "reasoning_tokens": tally.reasoning_tokens,
            "cost_usd": None if tally.unknown else tally.known_usd,
            "held_usd": tally.held_usd + (tally.known_usd if tally.unknown else 0.0),
            "price_date": None if self.price is None else self.price.date,
            "latency_ms": reply.latency_ms,
            **said(reply, request, datetime.now(UTC)),
        }
        self.journal.append(record, redact=self.api_key)
        return outcome_of(record, bought=True)

    def _why_stopped(self, reply: Reply) -> str:
        model, endpoint, variable = self.spec.model, self.client.endpoint, self.spec.api_key_env
        if reply.no_credit:
            return f"the account of the key in {variable} has no credit left, says {endpoint} ({reply.detail})"
        if reply.status is Status.not_found:
            name, api = model.partition("/")[2], ", or no Responses API" if self.spec.api == "responses" else ""
            return f"there is no model {name!r}{api} at {endpoint} ({reply.detail}): check `model` and `endpoint`"
        if not self.api_key:
            return f"{endpoint} wants a key ({reply.detail}): set the environment variable {variable}"
        return (
            f"{endpoint} refuses the key in {variable} ({reply.detail}): set a valid one and run the same command again"
        )
