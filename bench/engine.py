"""How much the engine of calls adds to the wire, beside bare loops and beside other libraries, in one interleaved run.

    python bench/engine.py --calls 2000 20000 --latency 0.2 --in-flight 256 --rounds 3
    python bench/engine.py --calls 2000 --only bare engine curator --json figures.json

Contenders take turns (A, B, C, A, B, C, ...), each as a whole in a process of its own (bench/peers/with_*.py) against a
fresh server that counts what it sees; imports and 32 calls come before the clock starts. Peers live in environments of
their own: `make peers` installs them, and one that is missing is named. Two servers: `quick` (bench/_quick_server.py,
cheap enough not to be the limit) and `fake` (tests/fake_provider, a web framework). With two cores or more the server
has the first to itself and the contender the others (--no-pin: wherever the system puts them); with two cores a
contender so runs on one, which is all that an asyncio loop can use.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from peers.install import python_of, ready, surroundings

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Contender:
    name: str
    script: str
    kind: str = ""
    environment: str | None = None
    """One of .venv-peers/, or None for the project's own."""

    def command(self, url: str, calls: int, in_flight: int, salt: str, *more: str) -> list[str]:
        python = python_of(self.environment) if self.environment else Path(sys.executable)
        script = ROOT / "bench" / "peers" / f"with_{self.script}.py"
        return [str(python), str(script), url, str(calls), str(in_flight), salt, "--kind", self.kind, *more]

    def surroundings(self, home: str) -> dict[str, str]:
        return surroundings(Path(home)) | ({} if self.environment else {"PYTHONPATH": str(ROOT)})

    def missing(self) -> bool:
        return self.environment is not None and not ready(self.environment)


CONTENDERS = [
    Contender("bare", "bare", "aiohttp", "bare"),
    Contender("bare, uvloop", "bare", "aiohttp-uvloop", "bare"),
    Contender("bare, httpx2", "bare", "httpx2", "bare"),
    Contender("bare, own protocol", "bare", "protocol", "bare"),
    Contender("bare, own protocol, uvloop", "bare", "protocol-uvloop", "bare"),
    Contender("engine", "engine"),
    Contender("openai", "openai", "default"),
    Contender("openai on aiohttp", "openai", "aiohttp"),
    Contender("curator", "curator", "", "curator"),
    Contender("dspy", "dspy", "", "dspy"),
    Contender("dspy, 100 connections", "dspy", "default", "dspy"),
    Contender("langchain", "langchain", "", "langchain"),
    Contender("litellm", "litellm", "", "litellm"),
    Contender("distilabel", "distilabel", "", "distilabel"),
]
PEERS = ("curator", "dspy", "langchain", "litellm", "distilabel")
"""Libraries that do what the engine is for; each with the most favourable of its settings."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--calls", type=int, nargs="+", default=[2000])
    parser.add_argument("--latency", type=float, default=0.2, help="of the server, in seconds")
    parser.add_argument("--in-flight", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", help="those whose name begins so; `all` contenders if left out"
    )
    parser.add_argument("--server", choices=("quick", "fake"), default="quick")
    parser.add_argument("--no-pin", dest="pin", action="store_false", help="leave processes on any core")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every run there")
    given = parser.parse_args()
    chosen = [c for c in CONTENDERS if not given.only or any(c.name.startswith(name) for name in given.only)]
    for contender in [contender for contender in chosen if contender.missing()]:
        print(f"missing: {contender.name} (python bench/peers/install.py {contender.environment})")
        chosen.remove(contender)
    if not chosen:
        parser.error(f"nothing to run: there are {', '.join(contender.name for contender in CONTENDERS)}")
    kept = []
    for calls in given.calls:
        runs = interleaved(chosen, calls, given)
        print(table(runs, calls, given), flush=True)
        kept.append({"calls": calls, "runs": runs})
    if given.json:
        told = {name: value for name, value in vars(given).items() if name != "json"}
        given.json.write_text(json.dumps({"settings": told, "cores": os.cpu_count(), "results": kept}, indent=1))


def interleaved(chosen: list[Contender], calls: int, given: argparse.Namespace) -> dict[str, list[dict[str, Any]]]:
    runs: dict[str, list[dict[str, Any]]] = {contender.name: [] for contender in chosen}
    for number in range(given.rounds):
        for contender in chosen:
            ideal = limit_s(calls, given)
            with served(given.server, given.latency, given.pin) as url, tempfile.TemporaryDirectory() as home:
                salt = f"{number}-{contender.name.replace(' ', '')}"
                run = one_run(contender, contender.command(url, calls, given.in_flight, salt), home, ideal, given.pin)
            runs[contender.name].append(run)
            said = run.get("failed") or f"{calls / run['seconds']:.0f} calls/s"
            print(f"  {calls} calls, round {number + 1}, {contender.name}: {said}", file=sys.stderr, flush=True)
    return runs


def limit_s(calls: int, given: argparse.Namespace) -> float:
    """Seconds below which no client can be: so many waves of `in_flight` calls, each as long as the latency."""
    return math.ceil(calls / given.in_flight) * given.latency


def one_run(contender: Contender, command: list[str], home: str, ideal_s: float, pin: bool) -> dict[str, Any]:
    """What the contender printed, or why it failed. It may take 30 times as long as the limit allows, and a minute."""
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            cwd=home,
            env=contender.surroundings(home),
            timeout=30 * ideal_s + 60,
            preexec_fn=(lambda: pinned(server=False)) if pin else None,
        )
    except subprocess.TimeoutExpired:
        return {"failed": f"not done after {30 * ideal_s + 60:.0f} s"}
    if done.returncode:
        return {"failed": (done.stderr.strip() or "no reason given").splitlines()[-1]}
    run: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return run


def pinned(server: bool) -> None:
    """The first core for the server, all others for the contender."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) > 1:
        os.sched_setaffinity(0, cores[:1] if server else cores[1:])


@contextmanager
def served(kind: str, latency_s: float, pin: bool, *more: str) -> Iterator[str]:
    latency = ["--port", "0", "--latency", str(latency_s), *more]
    python = str(python_of("bare")) if ready("bare") else sys.executable  # there is uvloop
    quick = [python, str(ROOT / "bench" / "_quick_server.py"), *latency]
    fake = [sys.executable, "-m", "tests.fake_provider", "--plain", *latency]
    with subprocess.Popen(
        quick if kind == "quick" else fake,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        preexec_fn=(lambda: pinned(server=True)) if pin else None,
    ) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().split()[0]
        finally:
            server.terminate()


def table(runs: dict[str, list[dict[str, Any]]], calls: int, given: argparse.Namespace) -> str:
    """In Markdown, to be put into bench/README.md as it is."""
    limit = calls / limit_s(calls, given)
    rates = {name: [calls / run["seconds"] for run in rounds if "seconds" in run] for name, rounds in runs.items()}
    middle = {name: statistics.median(found) for name, found in rates.items() if found}
    bare = {name: rate for name, rate in middle.items() if name.startswith("bare")}
    fastest = max(bare, key=lambda name: bare[name], default="")
    lines = [
        f"\n{calls:,} calls, {given.latency:g} s, {given.in_flight} in flight, {given.rounds} rounds, server "
        f"`{given.server}`; no client can pass {limit:,.0f} calls/s; load of the machine {os.getloadavg()[0]:.1f}\n",
        "| | calls/s, median (least to most) | of bare aiohttp | of the limit | calls/s, calls alone "
        "| CPU s per 1,000 calls | peak MiB (before) | at the server |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in sorted(runs, key=lambda name: -middle.get(name, 0)):
        lines.append(row(name, runs[name], calls, middle.get("bare"), limit))
    if fastest and fastest != "bare":
        lines.append(f"\nThe fastest bare loop: {fastest}, {bare[fastest]:,.0f} calls/s.")
    agreed = given.latency == 0.2 and given.in_flight == 256
    return "\n".join([*lines, *ratios(middle, fastest, agreed), ""])


def row(name: str, rounds: list[dict[str, Any]], calls: int, bare: float | None, limit: float) -> str:
    done = [run for run in rounds if "seconds" in run]
    if not done:
        return f"| {name} | failed: {rounds[-1]['failed'][:100]} | | | | | | |"
    rates = [calls / run["seconds"] for run in done]
    rate = statistics.median(rates)
    spans = [calls / run["span_s"] for run in done if run["span_s"]]
    cells = [
        name + (f" ({len(rounds) - len(done)} of {len(rounds)} failed)" if len(done) < len(rounds) else ""),
        f"{rate:,.0f} ({min(rates):,.0f} to {max(rates):,.0f})",
        f"{rate / bare:.2f}" if bare else "",
        f"{rate / limit:.2f}",
        f"{statistics.median(spans):,.0f}" if spans else "",
        f"{statistics.median(run['cpu_s'] for run in done) * 1000 / calls:.2f}",
        f"{statistics.median(run['peak_mib'] for run in done):.0f} "
        f"({statistics.median(run['base_mib'] for run in done):.0f})",
        seen(done, calls),
    ]
    return f"| {' | '.join(cells)} |"


def seen(done: list[dict[str, Any]], calls: int) -> str:
    """Whether the server saw as many calls, all different, as the contender was to make, and gave as many texts."""
    odd = [
        f"{run[what]} {name}"
        for run in done
        for what, name in (("requests", "requests"), ("distinct", "different"), ("texts", "texts"))
        if run[what] != calls
    ]
    return "; ".join(odd[:3]) or f"{calls:,}; {statistics.median(run['peak_in_flight'] for run in done):.0f} at once"


def ratios(middle: dict[str, float], fastest: str, agreed: bool) -> Iterator[str]:
    """What the engine is held to, where the setting is the `agreed` one."""
    if "engine" not in middle:
        return
    best = max((name for name in PEERS if name in middle), key=lambda name: middle[name], default=None)
    others = {"bare": 0.95, "openai on aiohttp": 1.4, "openai": None, fastest: None, best: 2.0}
    for name, wanted in others.items():
        if name in middle and name:
            said = f" (wanted: {wanted:g})" if wanted and agreed else ""
            what = f"{name}, the best peer" if name == best else name
            yield f"engine / {what}: {middle['engine'] / middle[name]:.2f}{said}"


if __name__ == "__main__":
    main()
