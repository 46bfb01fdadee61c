"""A purchase at a door: what it may do at most, and its calls that wait there on their event loop."""

import asyncio
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from components.chat.limits.lane import Lane
from components.chat.limits.ticket import Ticket

if TYPE_CHECKING:
    from components.chat.limits.door import Door


@dataclass(frozen=True, slots=True)
class Pace:
    """What a purchase may do at most: requests and tokens per minute (None: as told or found out), calls in flight."""

    rpm: int | None = None
    tpm: int | None = None
    max_concurrency: int = 16


class _Waiter:
    """One call that waits on its loop; `ticket` is set, under the door's lock, before it is woken."""

    __slots__ = ("loop", "since", "ticket", "tokens", "woken")

    def __init__(self, loop: asyncio.AbstractEventLoop, tokens: int, since: float) -> None:
        self.loop, self.tokens, self.since = loop, tokens, since
        self.ticket: Ticket | None = None
        self.woken: asyncio.Future[None] = loop.create_future()

    def give(self, ticket: Ticket | None) -> None:
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

    def __init__(self, door: "Door", lane: Lane, pace: Pace) -> None:
        self.door, self.lane, self.pace = door, lane, pace
        self.queue: deque[_Waiter] = deque()
        self.in_flight = 0
        self.closed = False
        self.opened_at = time.monotonic()
        self.loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at: float | None = None
        self._watch: asyncio.Task[None] | None = None

    def enter_now(self, tokens: int) -> Ticket | None:
        """A ticket, where nobody of the same model waits and nothing holds the call back. It must `leave`."""
        with self.door.lock:
            if self.closed or self.lane_is_waited_for():
                return None
            now = time.monotonic()
            found = self.door._admit(self, tokens, now, now)
            return found if isinstance(found, Ticket) else None

    async def enter(self, tokens: int, stopped: asyncio.Event) -> Ticket | None:
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


def _wake(woken: "asyncio.Future[None]") -> None:
    if not woken.done():
        woken.set_result(None)
