"""The door of an endpoint: every call of this process passes it, from whichever thread, event loop or step.

One door per endpoint and process. Visitors (purchases) that wait take turns; each has at most its own number of calls
in flight, and all together at most the largest of these. A visitor waits on its own event loop: whoever leaves, or
whose timer fires, lets in all who may go, on any loop.
"""

import asyncio
import logging
import threading
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from components.chat.limits.headers import RateHeaders
from components.chat.limits.lane import Lane, Sent, Silence
from components.chat.limits.shared import SharedBook, SharedSilence
from components.chat.outcome import Status

log = logging.getLogger(__name__)

SHORT_S = 0.05
"""A shorter silence is not worth telling other processes."""

NEITHER = frozenset({Status.timeout, Status.connection, Status.server_error, Status.authentication, Status.not_found})
"""Ends that say nothing about limits: the endpoint neither answered nor refused."""


@dataclass(frozen=True, slots=True)
class Pace:
    """What a purchase may do at most: requests and tokens per minute (None: as told or found out), calls in flight."""

    rpm: int | None = None
    tpm: int | None = None
    max_concurrency: int = 16


class Door:
    """Thread-safe. `shared`: the folder through which processes share known limits and silence."""

    def __init__(self, endpoint: str, shared: Path | None = None) -> None:
        self.endpoint, self.shared = endpoint, shared
        self.lock = threading.RLock()
        self.silence = Silence()
        self.lanes: dict[str, Lane] = {}
        self.visitors: deque[Visitor] = deque()
        self.in_flight = 0
        self.room = 0
        self._others = None if shared is None else SharedSilence(shared, endpoint)

    def visitor(self, pace: Pace, model: str = "") -> "Visitor":
        """Limits hold per `model`, as providers count; silence and calls in flight for the whole endpoint."""
        with self.lock:
            lane = self.lanes.get(model)
            if lane is None:
                book = None if self.shared is None else SharedBook(self.shared, f"{self.endpoint}\n{model}")
                lane = self.lanes[model] = Lane(self.silence, book)
                if book is not None and not (pace.rpm or pace.tpm):
                    rpm, tpm = book.remembered()
                    lane.told_rpm, lane.told_tpm = rpm or None, tpm or None
            visitor = Visitor(self, lane, pace)
            self.visitors.append(visitor)
            self._measure()
        return visitor

    def state(self) -> dict[str, object]:
        """For logs, progress and tests: of the endpoint, and of each model's lane (see Lane.state)."""
        with self.lock:
            now = time.monotonic()
            return {
                "endpoint": self.endpoint,
                "silent_for": max(0.0, self.silence.until - now),
                "in_flight": self.in_flight,
                "room": self.room,
                "waiting": sum(len(visitor.queue) for visitor in self.visitors),
                "models": {model: lane.state(now) for model, lane in self.lanes.items()},
            }

    def _measure(self) -> None:
        """Configured limits are the strictest of the visitors present; the room is the largest of theirs."""
        present = list(self.visitors)
        self.room = max((visitor.pace.max_concurrency for visitor in present), default=0)
        for lane in self.lanes.values():
            paces = [visitor.pace for visitor in present if visitor.lane is lane]
            lane.rpm = min((pace.rpm for pace in paces if pace.rpm), default=None)
            lane.tpm = min((pace.tpm for pace in paces if pace.tpm), default=None)
            lane.room = max((pace.max_concurrency for pace in paces), default=1)

    def _admit(self, visitor: "Visitor", tokens: int, now: float, waited_since: float) -> "Ticket | float":
        """A ticket, or the seconds to wait for one."""
        if self.in_flight >= self.room or visitor.in_flight >= visitor.pace.max_concurrency:
            return float("inf")
        if self._others is not None and (seconds := self._others.left(now)) and now + seconds > self.silence.until:
            self.silence.hush(now, seconds)
        if wait := visitor.lane.admit(now, tokens, waited_since):
            return wait
        self.in_flight += 1
        visitor.in_flight += 1
        return Ticket(visitor, visitor.lane.sent(now, tokens))

    def _let_in(self) -> None:
        """Admits all who may go, one visitor after the other, and sets timers for the others. Needs the lock."""
        if not any(visitor.queue for visitor in self.visitors):
            return
        waits: dict[int, float] = {}
        now = time.monotonic()
        blocked = 0
        while self.visitors and blocked < len(self.visitors):
            visitor = self.visitors[0]
            self.visitors.rotate(-1)
            blocked += 1
            if not visitor.queue or id(visitor.lane) in waits:
                continue
            found = self._admit(visitor, visitor.queue[0].tokens, now, visitor.lane_waited_since())
            if isinstance(found, Ticket):
                visitor.queue.popleft().give(found)
                blocked = 0
            elif found < float("inf"):
                waits[id(visitor.lane)] = now + found
        for visitor in self.visitors:
            if visitor.queue and (at := waits.get(id(visitor.lane))) is not None:
                visitor.wake_at(at)

    def _hush(self, now: float, seconds: float) -> None:
        self.silence.hush(now, seconds)
        if self._others is not None and seconds > SHORT_S:
            self._others.hush(seconds)


class _Waiter:
    """One call that waits on its loop; `ticket` is set, under the door's lock, before it is woken."""

    __slots__ = ("loop", "since", "ticket", "tokens", "woken")

    def __init__(self, loop: asyncio.AbstractEventLoop, tokens: int, since: float) -> None:
        self.loop, self.tokens, self.since = loop, tokens, since
        self.ticket: Ticket | None = None
        self.woken: asyncio.Future[None] = loop.create_future()

    def give(self, ticket: "Ticket | None") -> None:
        self.ticket = ticket
        if asyncio._get_running_loop() is self.loop:
            _wake(self.woken)
            return
        try:
            self.loop.call_soon_threadsafe(_wake, self.woken)
        except RuntimeError:  # that loop has ended; nobody waits there any more
            if ticket is not None:
                ticket.give_back()


class Visitor:
    """One purchase at a door, on one event loop; close it, which also frees what it may have left in flight."""

    def __init__(self, door: Door, lane: Lane, pace: Pace) -> None:
        self.door, self.lane, self.pace = door, lane, pace
        self.queue: deque[_Waiter] = deque()
        self.in_flight = 0
        self.closed = False
        self.opened_at = time.monotonic()
        self.loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at: float | None = None
        self._watch: asyncio.Task[None] | None = None

    def enter_now(self, tokens: int) -> "Ticket | None":
        """A ticket, where nobody of the same model waits and nothing holds the call back. It must `leave`."""
        with self.door.lock:
            if self.closed or self.lane_is_waited_for():
                return None
            now = time.monotonic()
            found = self.door._admit(self, tokens, now, now)
            return found if isinstance(found, Ticket) else None

    async def enter(self, tokens: int, stopped: asyncio.Event) -> "Ticket | None":
        """Waits for its turn; None when `stopped` was set meanwhile, or the visitor closed."""
        if stopped.is_set() or self.closed:
            return None
        loop = asyncio.get_running_loop()
        if self._watch is None:
            self.loop, self._watch = loop, loop.create_task(self._end_waits(stopped))
        waiter = _Waiter(loop, tokens, time.monotonic())
        with self.door.lock:
            self.queue.append(waiter)
            self.door._let_in()
        try:
            await waiter.woken
        except asyncio.CancelledError:
            with self.door.lock:
                if waiter.ticket is not None:
                    waiter.ticket.give_back()
                elif waiter in self.queue:
                    self.queue.remove(waiter)
            raise
        return waiter.ticket

    def refused_for(self) -> float:
        """Seconds for which the endpoint accepted nothing of this model, from anybody, while this visitor was here."""
        return time.monotonic() - max(self.opened_at, self.lane.accepted_at or self.opened_at)

    def close(self) -> None:
        with self.door.lock:
            if self.closed:
                return
            self.closed = True
            self._dismiss()
            self.door.visitors.remove(self)
            self.door.in_flight -= self.in_flight
            self.lane.in_flight -= self.in_flight
            self.in_flight = 0
            self.door._measure()
            self.door._let_in()
        if self._timer is not None:
            self._timer.cancel()
        if self._watch is not None:
            self._watch.cancel()

    def lane_is_waited_for(self) -> bool:
        return any(visitor.queue for visitor in self.door.visitors if visitor.lane is self.lane)

    def lane_waited_since(self) -> float:
        queues = (visitor.queue for visitor in self.door.visitors if visitor.lane is self.lane)
        return min((queue[0].since for queue in queues if queue), default=float("inf"))

    def wake_at(self, at: float) -> None:
        """Sees to it that the door is asked again then. Needs the lock; may be called from any thread."""
        if self.loop is None or (self._timer_at is not None and self._timer_at <= at + 0.0005):
            return
        self._timer_at = at
        if asyncio._get_running_loop() is self.loop:
            self._set_timer(at)
            return
        try:
            self.loop.call_soon_threadsafe(self._set_timer, at)
        except RuntimeError:  # that loop has ended
            self.queue.clear()

    def _set_timer(self, at: float) -> None:
        assert self.loop is not None
        if self._timer is not None:
            self._timer.cancel()
        if not self.closed:
            self._timer = self.loop.call_later(max(0.0, at - time.monotonic()), self._ring)

    def _ring(self) -> None:
        with self.door.lock:
            self._timer_at = None
            self.door._let_in()

    async def _end_waits(self, stopped: asyncio.Event) -> None:
        await stopped.wait()
        with self.door.lock:
            self._dismiss()
            self.door._let_in()

    def _dismiss(self) -> None:
        while self.queue:
            self.queue.popleft().give(None)


class Ticket:
    """One call in flight; its end is told once, by `leave` or `give_back`."""

    __slots__ = ("_open", "_sent", "visitor")

    def __init__(self, visitor: Visitor, sent: Sent) -> None:
        self.visitor, self._sent, self._open = visitor, sent, True

    def leave(
        self, status: Status, used_tokens: int | None, told: RateHeaders | None = None, wait_s: float | None = None
    ) -> None:
        """The attempt ended in `status`; `used_tokens` by the reply's usage, `told` by its headers; `wait_s` is the
        silence that the endpoint asks for, already capped."""
        door, lane = self.visitor.door, self.visitor.lane
        with door.lock:
            if not self._close():
                return
            now = time.monotonic()
            new = told is not None and lane.tell(told, now)
            less = None
            if status is Status.rate_limited:
                less = lane.refused(self._sent, now, wait_s)
            elif status in NEITHER:
                lane.failed(self._sent, now)
            else:
                lane.answered(self._sent, now, used_tokens)
            if wait_s:
                door._hush(now, wait_s)
            door._let_in()
        if new:
            self._remember()
        if less is not None:
            log.info("%s refused a call (429): %s", door.endpoint, less)

    def give_back(self) -> None:
        """The call was never sent."""
        door, lane = self.visitor.door, self.visitor.lane
        with door.lock:
            if self._close():
                lane.unsent(self._sent, time.monotonic())
                door._let_in()

    def _close(self) -> bool:
        """False when the ticket has ended already, or its visitor has closed."""
        if not self._open or self.visitor.closed:
            return False
        self._open = False
        self.visitor.in_flight -= 1
        self.visitor.door.in_flight -= 1
        return True

    def _remember(self) -> None:
        door, lane = self.visitor.door, self.visitor.lane
        log.info("%s tells its limits: %s requests, %s tokens a minute", door.endpoint, lane.told_rpm, lane.told_tpm)
        if isinstance(lane.book, SharedBook):
            lane.book.remember((lane.told_rpm or 0, lane.told_tpm or 0))


def _wake(woken: "asyncio.Future[None]") -> None:
    if not woken.done():
        woken.set_result(None)
