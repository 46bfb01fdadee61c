"""A provider and its callers in simulated time: what a Lane does over minutes, in milliseconds.

The servers are those one meets: a bucket with or without a burst, slots, a rolling window, each with latencies, other
users on the account, and limits that change while it runs. Every send is late by a timer's lateness and jittered by a
network, as on a real machine.
"""

import heapq
import itertools
import math
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from components.chat.limits.headers import RateHeaders, Told
from components.chat.limits.lane import Lane, Silence


@dataclass
class Bucket:
    """`rate(t)` per second; holds `burst`. `others(t)` per second are taken by somebody else, as far as there are."""

    rate: Callable[[float], float]
    burst: float = 1.0
    others: Callable[[float], float] = lambda _: 0.0
    retry_after: bool = True
    tells: bool = False
    at: float = 0.0
    level: float | None = None

    def ask(self, now: float, _in_flight: int) -> float | None:
        """None: accepted; else the Retry-After."""
        rate = self.rate(now)
        level = self.burst if self.level is None else self.level
        level = max(0.0, min(self.burst, level + (now - self.at) * (rate - self.others(now))))
        self.at = now
        if level >= 1 - 1e-9:
            self.level = level - 1
            return None
        self.level = level
        return (1 - level) / rate

    def told(self, now: float) -> RateHeaders | None:
        if not self.tells:
            return None
        limit, level = round(self.rate(now) * 60), self.level or 0.0
        return RateHeaders(Told(limit, int(level), (self.burst - level) / self.rate(now)))


@dataclass
class Slots:
    count: Callable[[float], int]
    retry_after: bool = False

    def ask(self, now: float, in_flight: int) -> float | None:
        return None if in_flight < self.count(now) else 1.0

    def told(self, _now: float) -> None:
        return None


@dataclass
class Run:
    """What the server saw: moments of accepted and refused arrivals; `sent`: moments of departure."""

    accepted: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    sent: list[float] = field(default_factory=list)
    most_refused: int = 0

    def between(self, start: float, end: float) -> int:
        return sum(start <= at < end for at in self.accepted)

    def wasted(self) -> float:
        return len(self.refused) / max(1, len(self.accepted))


def simulate(
    server: Bucket | Slots,
    *,
    seconds: float,
    workers: int,
    latency: Callable[[random.Random], float],
    rpm: int | None = None,
    trip_s: float = 0.001,
    jitter_s: float = 0.0002,
    late_s: float = 0.001,
    seed: int = 0,
    lane: Lane | None = None,
) -> Run:
    """`trip_s`: how long a refusal takes there and back; `jitter_s`: by how much trips differ; `late_s`: how late
    timers fire at most."""
    dice, run, numbers = random.Random(seed), Run(), itertools.count()
    random.seed(seed)
    lane = lane or Lane(Silence())
    lane.room, lane.rpm = workers, rpm
    events: list[tuple[float, int, str, tuple[object, ...]]] = []
    waiting: deque[tuple[float, int]] = deque((0.0, 0) for _ in range(workers))
    inside = 0
    wake_at = math.inf

    def at(moment: float, kind: str, *data: object) -> None:
        heapq.heappush(events, (moment, next(numbers), kind, data))

    at(0.0, "wake")
    while events:
        now, _, kind, data = heapq.heappop(events)
        if now > seconds:
            break
        if kind == "wake":
            wake_at = math.inf if now >= wake_at else wake_at
        elif kind == "arrive":
            sent, refusals = data
            wait = server.ask(now, inside)
            told = server.told(now)
            if wait is None:
                run.accepted.append(now)
                inside += 1
                at(now + latency(dice), "free", sent, refusals, told)
            else:
                run.refused.append(now)
                run.most_refused = max(run.most_refused, refusals + 1)  # type: ignore[operator]
                at(now + trip_s / 2 + dice.uniform(0, jitter_s), "back", sent, refusals, wait, told)
        elif kind == "free":
            inside -= 1
            at(now + trip_s / 2 + dice.uniform(0, jitter_s), "back", *data[:2], None, data[2])
        else:
            sent, refusals, wait, told = data
            if told is not None:
                lane.tell(told, now)  # type: ignore[arg-type]
            if wait is None:
                lane.answered(sent, now, 100)  # type: ignore[arg-type]
                waiting.append((now, 0))
            else:
                asked = wait if server.retry_after else None
                lane.refused(sent, now, asked)  # type: ignore[arg-type]
                if asked:
                    lane.silence.hush(now, asked)  # type: ignore[arg-type]
                waiting.append((now, refusals + 1))  # type: ignore[operator]
        while waiting:
            wait_s = lane.admit(now, 100, waiting[0][0])
            if wait_s == 0.0:
                run.sent.append(now)
                arrival = now + trip_s / 2 + dice.uniform(0, jitter_s)
                at(arrival, "arrive", lane.sent(now, 100), waiting.popleft()[1])
                continue
            if wait_s < math.inf and now + wait_s < wake_at - 1e-6:
                wake_at = now + wait_s
                at(wake_at + dice.uniform(0, late_s), "wake")
            break
    return run
