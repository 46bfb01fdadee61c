"""Finds a limit that nobody told: a rate, or calls in flight, by what the endpoint refuses.

Pure: times are passed in. Growth follows CUBIC (Ha, Rhee and Xu 2008; RFC 9438): after a refusal at `peak` the value
falls a little below it, comes back to it and rests there, then probes ever faster. So it stays close to a limit that
holds, and finds one that has doubled within a minute. One burst of refusals counts once: those of requests that were
sent before the last decrease say nothing new.

Most endpoints limit the rate; some the calls in flight. The two are told apart by when they refuse: slots only ever
refuse above the same number in flight, and never at or below it.
"""

from collections import deque
from dataclasses import dataclass, field

DECREASES = (0.92, 0.92, 0.85, 0.75, 0.7)
"""By how much the value falls, by how many refusals came one soon after the other: a limit that has halved is followed
in a few steps, one that holds is left by little."""

SHY_RATE = 4
LOWEST_RATE = 1 / 60
LONGEST_S = 20.0
"""Of rest, and until the value has doubled after it: at most 40 s from the last refusal to twice the limit."""

VOTES = 2
DOUBTS = 2


@dataclass(slots=True)
class Curve:
    """value = peak - (peak - low) (1 - t/rest)^3 until `rest_s`, then peak (1 + ((t - rest)/stretch)^3); t counts only
    while the value is what holds calls back."""

    peak: float
    low: float
    rest_s: float = 0.5
    stretch_s: float = 1.0
    clock: float = 0.0

    def value(self, slowest: float = 0.0) -> float:
        """`slowest`: no phase is shorter than this."""
        rest, stretch = max(self.rest_s, slowest), max(self.stretch_s, slowest)
        if self.clock < rest:
            return self.peak - (self.peak - self.low) * (1 - self.clock / rest) ** 3
        return self.peak * (1 + ((self.clock - rest) / stretch) ** 3)

    def cut(self, peak: float, low: float) -> None:
        if peak > 1.5 * self.peak:  # the limit has moved: look again faster
            self.rest_s, self.stretch_s = max(1.0, self.rest_s / 4), max(2.0, self.stretch_s / 4)
        elif self.clock > self.rest_s:  # it holds
            self.rest_s, self.stretch_s = min(LONGEST_S, 2 * self.rest_s), min(LONGEST_S, 2 * self.stretch_s)
        self.peak, self.low, self.clock = peak, low, 0.0


@dataclass(slots=True)
class Finder:
    rate: Curve | None = None
    slots: Curve | None = None
    cut_at: float = float("-inf")
    level: int = 0
    decreases: int = 0
    _last_sent: float = float("-inf")
    _highest: list[int] = field(default_factory=lambda: [0, 0])  # in flight when an answered call was sent; 2 epochs
    _bound: int = 0
    _votes: int = 0
    _doubts: int = 0
    _since: list[float] = field(default_factory=lambda: [0.0, 0.0])
    _count: list[int] = field(default_factory=lambda: [0, 0])
    _young: deque[tuple[float, int]] = field(default_factory=deque)  # sent so lately that they may yet be refused
    _refused_at: set[float] = field(default_factory=set)
    _trip_s: float = 0.0

    def per_second(self) -> float | None:
        return None if self.rate is None else self.rate.value(2 / self.rate.peak)

    def window(self) -> int | None:
        return None if self.slots is None else max(1, int(self.slots.value() + 0.5))

    def sent(self, now: float, in_flight: int) -> None:
        """A request leaves as one of `in_flight`. Counts of the last one to two seconds tell what was let through."""
        if now - self._since[0] >= 1.0:
            idle = now - self._last_sent >= 1.0
            self._since = [now, now if idle else self._since[0]]
            self._count = [0, 0 if idle else self._count[0]]
        self._count[0] += 1
        passed = now - self._last_sent
        self._last_sent = now
        if self.rate is None and self.slots is None:
            return
        self._young.append((now, in_flight))
        self._ripen(now)
        if self.rate is not None and passed <= 2 / self.rate.value(2 / self.rate.peak) + 0.002:
            self.rate.clock += passed
        if self.slots is not None and in_flight >= 0.7 * self.slots.value():
            self.slots.clock += min(passed, 5.0)

    def answered(self, in_flight: int) -> None:
        """A call that was sent as one of `in_flight` was not refused."""
        if in_flight > self._highest[0]:
            self._highest[0] = in_flight

    def _ripen(self, now: float) -> None:
        """What was sent longer ago than a refusal takes was accepted, though it may be answered much later."""
        young, ripe = self._young, now - 2 * self._trip_s - 0.02
        while young and young[0][0] < ripe:
            sent_at, in_flight = young.popleft()
            if sent_at in self._refused_at:
                self._refused_at.discard(sent_at)
            else:
                self.answered(in_flight)

    def refused(self, now: float, sent_at: float, in_flight: int, wait_s: float | None) -> str | None:
        """What was decreased, in words; None when this refusal belongs to a burst that has counted already."""
        self._count[0] -= 1
        self._trip_s = max(now - sent_at, 0.9 * self._trip_s)
        self._refused_at.add(sent_at)
        self._ripen(now)
        if not self._young:
            self._refused_at.clear()
        if sent_at <= self.cut_at:
            return None
        self._grade(now)
        if self._is_full(in_flight):
            return self._cut_slots(in_flight - 1)
        return self._cut_rate(now, wait_s)

    def start_at(self, now: float, rate: float) -> str:
        """A known limit is refused too often: look below it."""
        self.cut_at = now
        self.rate = Curve(rate, rate * DECREASES[0], rest_s=10.0, stretch_s=LONGEST_S)
        self.decreases += 1
        return f"pace lowered from {rate:.4g}/s to {self.rate.low:.4g}/s"

    def _grade(self, now: float) -> None:
        """Decreases that follow each other soon are steeper."""
        soon = 1.0 if self.rate is None else max(1.0, self.rate.rest_s / 4, 2 / self.rate.peak)
        self.level = min(self.level + 1, len(DECREASES) - 1) if now - self.cut_at < soon else 0
        self.cut_at = now
        self.decreases += 1

    def _is_full(self, in_flight: int) -> bool:
        """Whether slots explain this refusal: nothing was answered that was sent with as many in flight, twice at the
        same number. Refusals with fewer in flight speak against them."""
        bound, separated = in_flight - 1, in_flight > max(self._highest)
        self._highest = [0, self._highest[0]]
        if not separated or bound < 1:
            self._votes, self._doubts = 0, self._doubts + 1
            if self._doubts >= DOUBTS:
                self.slots = None
            return False
        self._doubts = 0
        moved, self._bound = abs(bound - self._bound) > bound // 32, bound
        self._votes = 1 if moved else self._votes + 1
        if moved and self.slots is not None and bound > 1.1 * self.slots.peak + 1:
            self.slots = None  # more were in flight than there seemed to be slots
        return self.slots is not None or self._votes >= VOTES

    def _cut_slots(self, bound: int) -> str:
        before = self.window()
        if self.slots is None:
            self.slots = Curve(bound, bound, rest_s=2.0, stretch_s=4.0)
        else:
            self.slots.cut(bound, bound)
        return f"calls in flight lowered from {before or bound + 1} to {bound}"

    def _cut_rate(self, now: float, wait_s: float | None) -> str:
        before = self.per_second()
        seen = now - self._since[1]
        let_through = sum(self._count)
        if before is None:
            if seen >= 0.25 and let_through >= 3:
                value = let_through / seen
            else:  # too little was seen for a rate: what was let through at once, or one request per Retry-After
                value = float(max(SHY_RATE, let_through))
                value = max(value, min(0.5 / wait_s, 20 * value)) if wait_s else value
            low = max(LOWEST_RATE, DECREASES[0] * value)
            self.rate = Curve(value, low)
        else:
            value = before
            low = max(LOWEST_RATE, DECREASES[self.level] * value)
            assert self.rate is not None
            self.rate.cut(max(value if self.level < 2 else (value + low) / 2, LOWEST_RATE), low)
        return f"pace lowered from {'no limit' if before is None else f'{before:.4g}/s'} to {low:.4g}/s"
