"""This process's figures in Prometheus' form, made when somebody asks: from the counts of flows/meter.py, the doors of
the endpoints, the open purses, the GPUs that torch has begun to use, and the process itself.

docs/metrics.md says of each name what it means. Counters are of this process, so they begin at 0 with it; each series
says by the label `process` whose it is, as several processes of one home may be read at once.
"""

import os
import platform
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

from prometheus_client import Metric, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from components.chat.limits import doors
from flows.buying import purses
from flows.meter import BOUNDS_S, METER, Calls, Key, Meter
from flows.settings import Settings
from flows.watching import Watched

OF_CALLS = ("campaign", "stage", "model", "mode")
SUMS = {
    "attempts": ("call_attempts", "Attempts at calls, those that failed too."),
    "input": ("input_tokens", "Tokens sent, as the endpoint counted them."),
    "cached": ("cached_input_tokens", "Tokens sent that the endpoint had cached: part of input_tokens."),
    "output": ("output_tokens", "Tokens answered, with those of reasoning."),
    "reasoning": ("reasoning_tokens", "Tokens of reasoning: part of output_tokens."),
    "usd": ("cost_usd", "US dollars of calls whose price is known."),
    "held_usd": ("held_usd", "US dollars that may have been billed for answers that were lost."),
    "unpriced": ("unpriced_calls", "Calls whose price is not known; they are in no sum of dollars."),
}
COUNTED = {
    "items": ("items_done", "Parts of steps that are done.", ("campaign", "step")),
    "rows": ("rows", "Rows written to the warehouse.", ("campaign", "table")),
    "quarantined": ("quarantined", "Inputs and outputs refused.", ("campaign", "table")),
    "checks": ("checks", "Expectations checked, by chunk.", ("campaign", "table", "severity", "result")),
    "reused": ("answers_reused", "Answers that were there and so not bought.", ("campaign", "step", "model")),
}


def this_process() -> str:
    """Also among containers that share a home, where every process is number 1."""
    return f"{platform.node()}:{os.getpid()}"


class LiveMetrics(Collector):
    """Of one home. `runs` are those that are going on."""

    def __init__(self, settings: Settings, meter: Meter = METER) -> None:
        self.settings, self.meter, self.runs = settings, meter, dict[str, Watched]()
        self._process = ProcessCollector(namespace="postwright", registry=None)

    def collect(self) -> Iterator[Metric]:
        who = {"process": this_process()}
        for family in (
            *self._runs(),
            *self._steps(),
            *self._calls(),
            *self._doors(),
            *self._purses(),
            *gpus(),
            *self._process.collect(),
        ):
            family.samples = [relabelled(sample, who) for sample in family.samples]
            yield family

    def _runs(self) -> Iterator[Metric]:
        names = ("run_id", "flow_run_id", "campaign", "dataset", "window_from", "window_to")
        info = GaugeMetricFamily("postwright_run_info", "1 for each run that is going on.", labels=names)
        for run in list(self.runs.values()):
            info.add_metric([run.ids()[name] or "" for name in names], 1)
        yield info

    def _steps(self) -> Iterator[Metric]:
        left: Counter[Key] = Counter()
        for step in self.meter.steps():
            left[step.run.campaign, step.name] += max(0, step.total - step.done)
        gauge = GaugeMetricFamily("postwright_items_left", "Parts of steps still to do.", labels=("campaign", "step"))
        for key, n in left.items():
            gauge.add_metric(key, n)
        yield gauge
        for what, (name, text, labels) in COUNTED.items():
            yield counter(name, text, labels, self.meter.counted(what))

    def _calls(self) -> Iterator[Metric]:
        calls = self.meter.calls()
        by_status = {key: sums.n for key, sums in calls.items() if sums.n}
        yield counter("calls", "Calls bought, by how they ended.", (*OF_CALLS, "status"), by_status)
        sums = summed(calls)
        for field, (name, text) in SUMS.items():
            yield counter(name, text, OF_CALLS, {key: values[field] for key, values in sums.items()})
        latency = HistogramMetricFamily(
            "postwright_call_latency_seconds", "Seconds of the last attempt at a live call.", labels=OF_CALLS[:3]
        )
        for key, found in self.meter.latencies().items():
            upper, n = [*(f"{bound:g}" for bound in BOUNDS_S), "+Inf"], 0
            buckets = [(end, n := n + more) for end, more in zip(upper, found.buckets, strict=True)]
            latency.add_metric(key, buckets, found.sum_s)
        yield latency

    def _doors(self) -> Iterator[Metric]:
        by_endpoint: dict[str, Any] = {
            "in_flight": gauge_of("calls_in_flight", "Calls sent and not answered.", "endpoint"),
            "waiting": gauge_of("calls_waiting", "Calls that wait for their turn at the endpoint.", "endpoint"),
            "silent_for": gauge_of("silence_left_seconds", "How long nothing may be sent, as asked for.", "endpoint"),
            "silences": counter_of("silences", "How often the endpoint asked for silence.", "endpoint"),
            "silent_s": counter_of("silence_seconds", "Seconds of silence that it asked for.", "endpoint"),
        }
        by_model: dict[str, Any] = {
            "rate": gauge_of("pace_calls_per_second", "The pace that limits allow now.", "endpoint", "model"),
            "refused": counter_of("calls_refused", "Attempts answered by 429.", "endpoint", "model"),
            "decreases": counter_of("pace_decreases", "How often refusals lowered the pace.", "endpoint", "model"),
        }
        for door in doors():
            if door.shared not in (None, self.settings.shared):
                continue
            state: dict[str, Any] = door.state()
            endpoint = place_of(door.endpoint)
            for name, family in by_endpoint.items():
                family.add_metric([endpoint], state[name])
            for model, lane in state["models"].items():
                for name, family in by_model.items():
                    if lane[name] is not None:
                        family.add_metric([endpoint, model], lane[name])
        yield from by_endpoint.values()
        yield from by_model.values()

    def _purses(self) -> Iterator[Metric]:
        cap = gauge_of("purse_cap_usd", "US dollars that a run or backfill may spend.", "purse")
        parts = {
            "spent": gauge_of("purse_spent_usd", "US dollars recorded as spent.", "purse"),
            "held": gauge_of("purse_held_usd", "US dollars that may have been billed for lost answers.", "purse"),
            "reserved": gauge_of("purse_reserved_usd", "US dollars that calls in flight may cost.", "purse"),
        }
        for purse, ledger in purses(self.settings).items():
            cap.add_metric([purse], ledger.cap_usd)
            for name, family in parts.items():
                family.add_metric([purse], getattr(ledger, f"{name}_usd"))
        yield cap
        yield from parts.values()


def summed(calls: Mapping[Key, Calls]) -> dict[Key, Counter[str]]:
    """Without the status, which tells failures apart and not money."""
    found: dict[Key, Counter[str]] = {}
    for key, sums in calls.items():
        found.setdefault(key[:-1], Counter()).update(asdict(sums))
    return found


def gpus() -> Iterator[Metric]:
    """Of GPUs that torch has begun to use in this process: to ask must neither load torch nor wake a GPU."""
    torch = sys.modules.get("torch")
    try:
        is_in_use = torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized()
    except AttributeError:  # another thread is just importing it
        is_in_use = False
    if torch is None or not is_in_use:
        return
    used = gauge_of("gpu_memory_used_bytes", "Memory in use on the GPU, by anybody.", "device")
    total = gauge_of("gpu_memory_bytes", "Memory of the GPU.", "device")
    reserved = gauge_of("gpu_memory_reserved_bytes", "Memory that this process has taken on the GPU.", "device")
    busy = gauge_of("gpu_busy_ratio", "Share of the last moment in which the GPU computed.", "device")
    for number in range(torch.cuda.device_count()):
        free, whole = torch.cuda.mem_get_info(number)
        used.add_metric([str(number)], whole - free)
        total.add_metric([str(number)], whole)
        reserved.add_metric([str(number)], torch.cuda.memory_reserved(number))
        try:
            busy.add_metric([str(number)], torch.cuda.utilization(number) / 100)
        except ModuleNotFoundError:  # torch asks NVIDIA's library by a package that is the user's to add (extra: gpu)
            continue
    yield from (used, total, reserved, busy)


def place_of(endpoint: str) -> str:
    """Host and port: a path may name a tenant, and an address is no place for secrets, but who knows."""
    return urlsplit(endpoint).netloc.rpartition("@")[2] or endpoint


def gauge_of(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"postwright_{name}", text, labels=labels)


def counter_of(name: str, text: str, *labels: str) -> CounterMetricFamily:
    return CounterMetricFamily(f"postwright_{name}", text, labels=labels)


def counter(name: str, text: str, labels: Iterable[str], values: Mapping[Key, float]) -> CounterMetricFamily:
    family = counter_of(name, text, *labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def relabelled(sample: Sample, more: Mapping[str, str]) -> Sample:
    return sample._replace(labels={**sample.labels, **more})
