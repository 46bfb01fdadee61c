"""Counts of this process, for metrics and progress: calls, steps, rows, checks.

The engine makes a thousand calls a second with a millisecond of CPU each, so a call is counted in two microseconds: one
look into a dict and some additions. Names and formats are made when somebody asks (flows/metrics.py).
"""

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from components.records import CheckResult
from flows.watching import Watched, step_now, watched

BOUNDS_S = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 60.0, 120.0)
"""Upper ends of the latency histogram; what is slower is in the last bucket."""

Key = tuple[str, ...]


@dataclass(slots=True)
class Calls:
    """Sums over calls. `unpriced`: bought at a price that nobody knows; `held_usd` may have been billed."""

    n: int = 0
    attempts: int = 0
    input: int = 0
    cached: int = 0
    output: int = 0
    reasoning: int = 0
    usd: float = 0.0
    held_usd: float = 0.0
    unpriced: int = 0


@dataclass(slots=True)
class Latencies:
    """Of live calls, the last attempt's; one bucket more than BOUNDS_S has ends."""

    buckets: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_S) + 1))
    sum_s: float = 0.0


@dataclass(slots=True)
class Step:
    """One piece of work with a known number of parts; `id` tells those with one label apart."""

    id: int
    run: Watched
    name: str
    label: str
    total: int
    done: int = 0


class Meter:
    """Thread-safe. Counters only grow; `steps` are those of runs that are going on."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._campaigns: dict[str, str] = {}
        self._calls: dict[Key, Calls] = {}
        self._latencies: dict[Key, Latencies] = {}
        self._steps: list[Step] = []
        self._counted: dict[str, Counter[Key]] = {}
        self._begun = 0

    def call(self, record: Mapping[str, Any]) -> None:
        """A record of the journal, as it is written."""
        mode, usd = record.get("mode"), record["cost_usd"]
        campaign = self._campaigns.get(record["run_id"], "")
        stage, model = record["stage"], record["model"] or ""
        key = (campaign, stage, model, mode or "live", record["status"])
        with self._lock:
            sums = self._calls.get(key)
            if sums is None:
                sums = self._calls[key] = Calls()
            sums.attempts += record["attempts"]
            sums.held_usd += record["held_usd"] or 0.0
            if mode is None:  # it stands for what was in flight at a kill: no call, but money
                return
            sums.n += 1
            sums.input += record["input_tokens"] or 0
            sums.cached += record["cached_tokens"] or 0
            sums.output += record["output_tokens"] or 0
            sums.reasoning += record["reasoning_tokens"] or 0
            if usd is None:
                sums.unpriced += 1
            else:
                sums.usd += usd
            if mode == "live":
                place = (campaign, stage, model)
                latencies = self._latencies.get(place)
                if latencies is None:
                    latencies = self._latencies[place] = Latencies()
                seconds = record["latency_ms"] / 1000
                latencies.buckets[bisect_left(BOUNDS_S, seconds)] += 1
                latencies.sum_s += seconds

    def count(self, what: str, n: int, *key: str) -> None:
        """`n` more of `what`, under these labels; nothing is kept for none."""
        if n:
            with self._lock:
                self._counted.setdefault(what, Counter())[key] += n

    def chunk(self, table: str, rows: int, quarantined: int, checks: Iterable[CheckResult]) -> None:
        """What one chunk came to."""
        run = watched()
        campaign = "" if run is None else run.campaign
        self.count("rows", rows, campaign, table)
        self.count("quarantined", quarantined, campaign, table)
        for (severity, success), n in Counter((check.severity, check.success) for check in checks).items():
            self.count("checks", n, campaign, table, severity, "passed" if success else "failed")

    def reuse(self, run_id: str, step: str, model: str) -> None:
        """An answer that was there: nothing was bought."""
        self.count("reused", 1, self._campaigns.get(run_id, ""), step, model)

    def begin(self, label: str, total: int) -> Callable[[int, int], None] | None:
        """A piece of work of the run that is going on here; tell what it returns how many parts are done since, and how
        many more there are than was thought."""
        run = watched()
        if run is None:
            return None
        name = step_now() or label
        with self._lock:
            self._begun += 1
            step = Step(self._begun, run, name, label, total)
            self._steps.append(step)
            # At 0 from the start: what is stuck in its first part must be seen to stand still.
            self._counted.setdefault("items", Counter())[run.campaign, name] += 0

        def advance(n: int, more: int) -> None:
            with self._lock:
                step.done += n
                step.total += more
            self.count("items", n, run.campaign, name)

        return advance

    def begin_run(self, run: Watched) -> None:
        with self._lock:
            self._campaigns[run.run_id] = run.campaign

    def end_run(self, run: Watched) -> None:
        """Its campaign stays known: a call in flight may be recorded a little later."""
        with self._lock:
            self._steps = [step for step in self._steps if step.run.run_id != run.run_id]

    def calls(self) -> dict[Key, Calls]:
        """By campaign, stage, model, mode (live, batch) and status."""
        with self._lock:
            return dict(self._calls)

    def latencies(self) -> dict[Key, Latencies]:
        """By campaign, stage and model."""
        with self._lock:
            return dict(self._latencies)

    def counted(self, what: str) -> dict[Key, int]:
        with self._lock:
            return dict(self._counted.get(what, {}))

    def steps(self, run_id: str | None = None) -> list[Step]:
        """Of one run that is going on, or of all, in the order in which they began."""
        with self._lock:
            return [step for step in self._steps if run_id in (None, step.run.run_id)]


METER = Meter()
"""This process's."""
