"""What every contender shares: the calls to make, the pool that makes them, and how time, CPU and memory are taken.

    python bench/peers/with_NAME.py URL CALLS IN_FLIGHT SALT [--kind KIND] [--rpm N] [--folder DIR] [--cold]

Only the standard library, as each contender runs in an environment of its own. Before the clock starts everything is
imported and 32 other calls have been made; the server is asked before and after, so that what it counted stands beside
what the contender says of itself. The last line of standard output is one JSON object.
"""

import argparse
import asyncio
import gc
import json
import os
import resource
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

PROMPT = "Write a post for picture number {number}: a red sailboat on a calm harbour, morning light. " * 8
SYSTEM = "You write posts."
MIB = 2**20


@dataclass(frozen=True)
class Load:
    url: str
    calls: int
    in_flight: int
    salt: str
    kind: str = ""
    rpm: int | None = 1_000_000
    """What the contender is told of the server's limit, where it can be told; by default one that is never met. None:
    nothing."""
    folder: str | None = None
    """Where it keeps what a second start can go on from; None: in a new folder that is removed afterwards."""

    @contextmanager
    def kept(self) -> Iterator[Path]:
        if self.folder is not None:
            yield Path(self.folder)
        else:
            with tempfile.TemporaryDirectory() as folder:
                yield Path(folder)

    def messages(self, number: int) -> list[dict[str, str]]:
        prompt = PROMPT.format(number=f"{self.salt}-{number}")
        return [{"role": "system", "content": SYSTEM}, {"role": "user", "content": prompt}]

    def body(self, number: int) -> dict[str, object]:
        return {"model": "m", "messages": self.messages(number), "temperature": 0.7, "max_tokens": 400}


def measure(run: Callable[[Load], int], packages: tuple[str, ...], forks: bool = False) -> None:
    """`run` makes all calls of a load and returns how many gave a text. Where it `forks`, the largest of its processes
    counts as memory too; elsewhere the only children are short commands that some library starts when imported."""
    load, cold = _told()
    if not cold:
        run(replace(load, calls=min(32, load.in_flight), salt=f"warm-{load.salt}"))
    gc.collect()
    before = _ask(load, "mark")
    base, used, began = _memory("VmRSS"), _cpu_s(), time.perf_counter()
    texts = run(load)
    seconds, cpu = time.perf_counter() - began, _cpu_s() - used
    peak = _memory("VmHWM") + (resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 if forks else 0)
    after = _ask(load, "stats")
    print()
    print(
        json.dumps(
            {
                "seconds": seconds,
                "cpu_s": cpu,
                "peak_mib": peak / MIB,
                "base_mib": base / MIB,
                "texts": texts,
                "requests": after["requests"] - before["requests"],
                "distinct": after["distinct"] - before["distinct"],
                "peak_in_flight": after["peak"],
                "span_s": after.get("span_s"),
                "server_cpu_s": after.get("cpu_s"),
                "versions": {name: version(name) for name in packages},
            }
        ),
        flush=True,
    )


async def pooled(load: Load, one: Callable[[int], Awaitable[str]]) -> int:
    """All calls, `in_flight` at a time; how many gave a text. A call that fails after all its retries gave none."""
    numbers = iter(range(load.calls))
    failures: list[Exception] = []

    async def worker() -> int:
        texts = 0
        for number in numbers:
            try:
                texts += bool(await one(number))
            except Exception as error:  # noqa: BLE001 - whatever a library raises, this row is lost and the others go on
                failures.append(error)
        return texts

    texts = sum(await asyncio.gather(*(worker() for _ in range(load.in_flight))))
    if failures:
        print(f"{len(failures)} calls failed, the first with {failures[0]!r}", file=sys.stderr)
    return texts


def _told() -> tuple[Load, bool]:
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("calls", type=int)
    parser.add_argument("in_flight", type=int)
    parser.add_argument("salt")
    parser.add_argument("--kind", default="")
    parser.add_argument("--rpm", type=int, default=1_000_000, help="0: say nothing")
    parser.add_argument("--folder")
    parser.add_argument("--cold", action="store_true", help="no calls before the clock starts")
    given = parser.parse_args()
    load = Load(given.url, given.calls, given.in_flight, given.salt, given.kind, given.rpm or None, given.folder)
    return load, given.cold


def _ask(load: Load, what: str) -> dict[str, float]:
    """`mark` sets the quick server back to zero; the fake provider knows `stats` only, and differences do."""
    root = load.url.removesuffix("/v1")
    try:
        with urllib.request.urlopen(f"{root}/{what}", timeout=30) as response:
            return json.loads(response.read())
    except urllib.error.HTTPError:
        return _ask(load, "stats")


def _cpu_s() -> float:
    """Of this process and of the children it has waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _memory(name: str) -> int:
    """Bytes. Not ru_maxrss for this process: that begins with the size of the process that started it."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024
    return 0
