"""The door of an endpoint: every call of this process passes it, from whichever thread, event loop or step.

One door per endpoint and process. Visitors (purchases) that wait take turns; each has at most its own number of calls
in flight, and all together at most the largest of these. A visitor waits on its own event loop: whoever leaves, or
whose timer fires, lets in all who may go, on any loop.
"""

import threading
import time
from collections import deque
from pathlib import Path

from components.chat.limits.ends import Ends
from components.chat.limits.lane import Lane, Silence
from components.chat.limits.shared import SharedBook, SharedSilence
from components.chat.limits.ticket import Ticket
from components.chat.limits.visitor import Pace, Visitor

SHORT_S = 0.05
"""A shorter silence is not worth telling other processes."""


class Door:
    """Thread-safe. `shared`: the folder through which processes share known limits and silence."""

    def __init__(self, endpoint: str, shared: Path | None = None) -> None:
        self.endpoint, self.shared = endpoint, shared
        self.lock = threading.RLock()
        self.silence = Silence()
        self.lanes: dict[str, Lane] = {}
        self._ends: dict[str, Ends] = {}
        self.visitors: deque[Visitor] = deque()
        self.in_flight = 0
        self.room = 0
        self._others = None if shared is None else SharedSilence(shared, endpoint)

    def visitor(self, pace: Pace, model: str = "") -> Visitor:
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

    def ends(self, model: str) -> Ends:
        with self.lock:
            return self._ends.setdefault(model, Ends())

    def state(self) -> dict[str, object]:
        """For logs, progress and tests: of the endpoint, and of each model's lane (see Lane.state)."""
        with self.lock:
            now = time.monotonic()
            return {
                "endpoint": self.endpoint,
                "silent_for": max(0.0, self.silence.until - now),
                "silences": self.silence.times,
                "silent_s": self.silence.seconds,
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

    def _admit(self, visitor: Visitor, tokens: int, now: float, waited_since: float) -> Ticket | float:
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
