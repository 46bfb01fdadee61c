"""How much of a limit is used, and how many calls are refused on the way; beside openai's own retries.

    python bench/limits.py --seconds 60

(a) A server that allows 600 requests a minute, told to the engine by configuration, by headers, or not at all, and the
same server for `openai.AsyncOpenAI(max_retries=10)`: used share of the limit, share of 429s, calls given up. Once
with a server that allows no burst, once with one that holds 10 s worth (of which who is told 600 a minute takes no
advantage: used shares are of 600 a minute).
(b) 50 requests/s, found without configuration: used share in the second half of `--seconds`; then the limit doubles:
used share of the new one in the last sixth of as much again.

Each contender has a server of its own, in a process of its own; shares are of calls that the server accepted.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from components.chat import ChatOutcome, ChatRequest, Journal, Ledger, buy
from components.errors import ProviderStopped
from components.specs import GenerationSpec

RPM = 600
LATENCY_S = 0.2


@dataclass
class Answers:
    """When calls were answered, and how many were given up; `over` once the time is up: what ends then was cut off."""

    at: list[float] = field(default_factory=list)
    given_up: int = 0
    over: bool = False

    def note(self, outcome: ChatOutcome) -> None:
        if self.over:
            return
        if outcome.status == "ok":
            self.at.append(time.monotonic())
        elif outcome.status == "rate_limited":
            self.given_up += 1

    def end(self) -> None:
        self.over = True

    def between(self, start: float, end: float) -> int:
        return sum(start <= at < end for at in self.at)


@contextmanager
def provider(*arguments: str) -> Iterator[str]:
    command = [sys.executable, "-m", "tests.fake_provider", "--port", "0", "--plain", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1]) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().split()[0]
        finally:
            server.terminate()


def stats(url: str) -> dict[str, int]:
    with urllib.request.urlopen(url.replace("/v1", "/stats")) as reply:
        counts: dict[str, int] = json.load(reply)["by_end"]
    return counts


def set_limit(url: str, rpm: int) -> None:
    urllib.request.urlopen(
        urllib.request.Request(url.replace("/v1", "/limits"), json.dumps({"rpm": rpm}).encode())
    ).close()


async def engine(url: str, seconds: float, answers: Answers, rpm: int | None, in_flight: int, calls: int) -> None:
    """Buys until the time is up; what is still in flight then is neither."""
    spec = GenerationSpec(model="openai/m", endpoint=url, max_concurrency=in_flight, rpm=rpm)
    requests = [
        ChatRequest(
            stage="bench", model=spec.model, endpoint=url, messages=({"role": "user", "content": f"Post {number}"},)
        )
        for number in range(calls)
    ]
    with tempfile.TemporaryDirectory() as folder:
        journal, ledger = Journal(Path(folder) / "calls"), Ledger(1.0, allow_unpriced=True)
        buying = buy(
            requests, spec=spec, api_key=None, journal=journal, ledger=ledger, run_id="bench", on_outcome=answers.note
        )
        asyncio.get_running_loop().call_later(seconds, answers.end)
        try:
            async with asyncio.timeout(seconds):
                await buying
        except TimeoutError:
            pass
        except ProviderStopped as stopped:
            print(f"    stopped: {stopped}")
        journal.close()


async def openai(url: str, seconds: float, answers: Answers, in_flight: int, calls: int) -> None:
    from openai import AsyncOpenAI, RateLimitError

    numbers = iter(range(calls))
    async with AsyncOpenAI(api_key="none", base_url=url, max_retries=10) as client:

        async def work() -> None:
            for number in numbers:
                try:
                    await client.chat.completions.create(
                        model="m", messages=[{"role": "user", "content": f"Post {number}"}]
                    )
                    answers.at.append(time.monotonic())
                except RateLimitError:
                    answers.given_up += 1

        try:
            async with asyncio.timeout(seconds):
                await asyncio.gather(*(work() for _ in range(in_flight)))
        except TimeoutError:
            return


def known(seconds: float, in_flight: int) -> None:
    for burst in (1, RPM // 6):
        print(f"{RPM} requests a minute, {burst} at once, {LATENCY_S:g} s, {in_flight} in flight, {seconds:g} s")
        for name in ("configured", "told by headers", "found out", "openai, its own retries"):
            answers = Answers()
            hush = ["--tells-nothing"] if name in ("configured", "found out") else []
            limits = ["--rpm", str(RPM), "--burst", str(burst), "--latency", str(LATENCY_S), *hush]
            with provider(*limits) as url:
                calls = int(RPM / 60 * seconds) + burst + 10 * in_flight
                if name.startswith("openai"):
                    asyncio.run(openai(url, seconds, answers, in_flight, calls))
                else:
                    rpm = RPM if name == "configured" else None
                    asyncio.run(engine(url, seconds, answers, rpm, in_flight, calls))
                counts = stats(url)
            used = counts.get("ok", 0) / (RPM / 60 * seconds)
            wasted = counts.get("429", 0) / max(1, counts.get("ok", 0))
            print(f"  {name:24} used {used:.3f} of it, {wasted:.4f} 429s per call, {answers.given_up} given up")


def found(seconds: float, in_flight: int, burst: int) -> None:
    rate, answers = 50, Answers()
    print(f"{rate}/s, told to nobody, {burst} at once, {LATENCY_S:g} s, {in_flight} in flight")
    limits = ["--rpm", str(60 * rate), "--burst", str(burst), "--latency", str(LATENCY_S), "--tells-nothing"]
    with provider(*limits) as url:
        began = time.monotonic()

        async def both() -> None:
            buying = asyncio.create_task(engine(url, 2 * seconds, answers, None, in_flight, int(4 * rate * seconds)))
            await asyncio.sleep(seconds)
            await asyncio.to_thread(set_limit, url, 120 * rate)
            await buying

        asyncio.run(both())
        counts = stats(url)
    half = answers.between(began + seconds / 2, began + seconds) / (rate * seconds / 2)
    late = answers.between(began + seconds * 11 / 6, began + 2 * seconds) / (2 * rate * seconds / 6)
    print(f"  seconds {seconds / 2:g} to {seconds:g}: {half:.3f} of the limit used")
    print(f"  doubled; seconds {seconds * 5 / 6:g} to {seconds:g} after that: {late:.3f} of the new limit used")
    print(f"  {counts.get('429', 0) / max(1, counts.get('ok', 0)):.4f} 429s per call, {answers.given_up} given up")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--in-flight", type=int, default=32)
    parser.add_argument("--part", choices=("known", "found"), help="only one of the two")
    given = parser.parse_args()
    with provider() as url:  # imports and first connections are nobody's merit
        asyncio.run(engine(url, 20, Answers(), None, 4, 8))
        asyncio.run(openai(url, 20, Answers(), 4, 8))
    if given.part != "found":
        known(given.seconds, given.in_flight)
    if given.part != "known":
        for burst in (1, 10):
            found(given.seconds, given.in_flight, burst)


if __name__ == "__main__":
    main()
