"""What a crash costs: a purchase is killed (kill -9) at a random moment, resumed, and what was bought twice is counted.

    python bench/crash.py --calls 500 --in-flight 16 256 --seeds 20

The server's own count tells: which calls it had answered before the kill, and which of these it was asked again. An
answer counts as answered when the server hands it to its socket, so those that the killed process had not yet read, or
read and not yet written down, are the ones bought again. Asserts that no logical call was seen more than twice, no more
of them twice than were in flight, and that the resumed purchase has every row, once.
"""

import argparse
import asyncio
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from components.chat import ChatRequest, Journal, Ledger, buy  # noqa: E402
from components.specs import GenerationSpec  # noqa: E402
from tests.fake_provider import FakeProvider  # noqa: E402


@dataclass(frozen=True, kw_only=True)
class Crash:
    """One seed. `again`: calls that the server had answered before the kill and that were bought again; `twice`: calls
    it saw twice in all; `most`: how often it saw the one it saw most; `rows` and `duplicates` after resuming."""

    again: int
    twice: int
    most: int
    rows: int
    duplicates: int

    def check(self, calls: int, in_flight: int) -> None:
        """ACCEPTANCE A1."""
        assert self.most <= 2, f"a call was seen {self.most} times"
        assert self.twice <= in_flight, f"{self.twice} calls were seen twice, {in_flight} were in flight"
        assert (self.rows, self.duplicates) == (calls, 0), f"{self.rows} rows, {self.duplicates} duplicates"


def purchase(url: str, home: Path, calls: int, in_flight: int) -> None:
    """In a process of its own: says when it begins, and at its end what it has."""
    spec = GenerationSpec(model="openai/m", endpoint=url, max_concurrency=in_flight)
    bought(spec, home / "warm", [f"{os.getpid()}"])  # imports are not what is interrupted
    print("begin", flush=True)
    journal, keys = bought(spec, home / "calls", [f"number {n}" for n in range(calls)])
    records = [record["call_key"] for record in journal.records() if record["status"] == "ok"]
    print(json.dumps({"rows": len(set(keys)), "duplicates": len(records) - len(set(records))}))


def bought(spec: GenerationSpec, folder: Path, prompts: list[str]) -> tuple[Journal, list[str]]:
    """Keys of the answers."""
    requests = [
        ChatRequest(
            stage="bench", model=spec.model, endpoint=spec.endpoint, messages=({"role": "user", "content": prompt},)
        )
        for prompt in prompts
    ]
    journal, ledger = Journal(folder), Ledger(1.0, allow_unpriced=True)
    outcomes = asyncio.run(buy(requests, spec=spec, api_key=None, journal=journal, ledger=ledger, run_id="bench"))
    return journal, [outcome.key for outcome in outcomes if outcome.status == "ok"]


def start(server: FakeProvider, home: Path, calls: int, in_flight: int) -> "subprocess.Popen[str]":
    command = [sys.executable, __file__, "--buy", server.url, str(home), str(calls), str(in_flight)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None and process.stdout.readline() == "begin\n"
    return process


def crash(seed: int, calls: int, in_flight: int, latency: float) -> Crash:
    moment = random.Random(seed).randrange(1, calls)
    with tempfile.TemporaryDirectory() as home, FakeProvider(latency=latency, keep=False) as server:
        process = start(server, Path(home), calls, in_flight)
        while len(server.answered) <= moment and process.poll() is None:  # the first answer was for warming up
            time.sleep(0.0005)
        process.kill()
        answered = set(server.answered)
        process.communicate()
        assert process.returncode == -signal.SIGKILL, "it was killed before its end"
        while server.in_flight:  # what the dead process had asked for
            time.sleep(0.01)
        before = server.bodies.copy()
        resumed = start(server, Path(home), calls, in_flight)
        said = json.loads(resumed.communicate()[0])
        assert resumed.returncode == 0
        again = sum(server.bodies[call] > before[call] for call in answered)
        seen = server.bodies.values()
        return Crash(again=again, twice=sum(times > 1 for times in seen), most=max(seen), **said)


def table(in_flight: int, crashes: list[Crash]) -> str:
    again = [one.again for one in crashes]
    twice = [one.twice for one in crashes]
    return (
        f"| {in_flight} | {len(crashes)} | {max(again)} | {statistics.fmean(again):.1f} "
        f"| {max(twice)} | {statistics.fmean(twice):.1f} | {max(one.most for one in crashes)} "
        f"| {min(one.rows for one in crashes)} | {max(one.duplicates for one in crashes)} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--calls", type=int, default=500)
    parser.add_argument("--in-flight", type=int, nargs="+", default=[16, 256])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--latency", type=float, default=0.05)
    parser.add_argument("--buy", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.buy:
        url, home, calls, in_flight = given.buy
        return purchase(url, Path(home), int(calls), int(in_flight))
    print(f"{given.calls} calls, {given.latency:g} s, killed at a random moment and resumed\n")
    print("| in flight | seeds | answered and bought again: max | mean ", end="")
    print("| seen twice: max | mean | most seen | rows | duplicates |\n|" + "---|" * 9)
    for in_flight in given.in_flight:
        crashes = [crash(seed, given.calls, in_flight, given.latency) for seed in range(given.seeds)]
        print(table(in_flight, crashes), flush=True)
        for one in crashes:
            one.check(given.calls, in_flight)


if __name__ == "__main__":
    main()
