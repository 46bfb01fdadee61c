"""How much the engine of calls adds to the wire: calls per second beside bare loops, in one interleaved run.

    python bench/engine.py --calls 2000 --latency 0.2 --in-flight 256 --rounds 3

Starts the fake provider in a process of its own and runs, in turn and several times: `bare` (an asyncio loop over
aiohttp that parses the reply and forgets it), `openai` (openai.AsyncOpenAI as it comes), and `engine`
(`components.chat.stream` with journal, ledger and limits on). Prints the median of each, its ratio to bare, and CPU
seconds per 1,000 calls.
"""

import argparse
import asyncio
import gc
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from components.chat import ChatRequest, Journal, Ledger, stream
from components.spec import GenerationSpec

PROMPT = "Write a post for picture number {number}: a red sailboat on a calm harbour, morning light. " * 8


@dataclass(frozen=True)
class Load:
    url: str
    calls: int
    in_flight: int
    salt: int


async def bare(load: Load) -> None:
    """What the wire allows: no journal, no limits, no classes of failure."""
    import aiohttp

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=load.in_flight)) as session:

        async def one(number: int) -> None:
            async with session.post(f"{load.url}/chat/completions", json=body(load, number)) as response:
                json.loads(await response.read())["choices"][0]["message"]["content"]

        await pooled(load, one)


async def plain_openai(load: Load) -> None:
    from openai import AsyncOpenAI

    async with AsyncOpenAI(api_key="none", base_url=load.url, max_retries=0) as client:

        async def one(number: int) -> None:
            await client.chat.completions.create(**body(load, number))  # type: ignore[call-overload]

        await pooled(load, one)


async def engine(load: Load) -> None:
    """Everything on: keys, journal on disk, reservations at a price under a cap, requests and tokens per minute (far
    above what the server can do), classes of failure. Requests come from a generator and outcomes are counted."""
    ends: Counter[tuple[str, int]] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        prices = Path(folder) / "prices.yaml"
        prices.write_text(f"date: 2026-01-01\nmodels:\n  openai/m@{load.url}: {{input: 0.1, output: 0.4}}\n")
        spec = GenerationSpec(
            model="openai/m", endpoint=load.url, max_concurrency=load.in_flight, rpm=10**7, tpm=10**10
        )
        journal = Journal(Path(folder) / "calls")
        await stream(
            (
                ChatRequest(
                    stage="bench",
                    model=spec.model,
                    endpoint=load.url,
                    messages=tuple(body(load, number)["messages"]),  # type: ignore[arg-type]
                    temperature=0.7,
                )
                for number in range(load.calls)
            ),
            spec=spec,
            api_key=None,
            journal=journal,
            ledger=Ledger(1000.0, prices=prices),
            run_id="bench",
            on_outcome=lambda outcome: ends.update([(outcome.status.value, outcome.attempts)]),
        )
        journal.close()
    assert ends == {("ok", 1): load.calls}, ends


def body(load: Load, number: int) -> dict[str, object]:
    prompt = PROMPT.format(number=f"{load.salt}-{number}")
    messages = [{"role": "system", "content": "You write posts."}, {"role": "user", "content": prompt}]
    return {"model": "m", "messages": messages, "temperature": 0.7, "max_tokens": 400}


async def pooled(load: Load, one: Callable[[int], Awaitable[None]]) -> None:
    numbers = iter(range(load.calls))

    async def worker() -> None:
        for number in numbers:
            await one(number)

    await asyncio.gather(*(worker() for _ in range(load.in_flight)))


CONTENDERS = {"bare": bare, "openai": plain_openai, "engine": engine}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--latency", type=float, default=0.2)
    parser.add_argument("--in-flight", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    command = [sys.executable, "-m", "tests.fake_provider", "--port", "0", "--plain", "--latency", str(given.latency)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1]) as server:
        assert server.stdout is not None
        url = server.stdout.readline().split()[0]
        try:
            measure(url, given)
        finally:
            server.terminate()


def measure(url: str, given: argparse.Namespace) -> None:
    rates: dict[str, list[float]] = {name: [] for name in CONTENDERS}
    cpu: dict[str, list[float]] = {name: [] for name in CONTENDERS}
    for contender in CONTENDERS.values():  # imports and first connections are nobody's merit
        asyncio.run(contender(Load(url, 8, 4, -1)))
    for number in range(given.rounds):
        for name, contender in CONTENDERS.items():
            gc.collect()
            began, used = time.perf_counter(), time.process_time()
            asyncio.run(contender(Load(url, given.calls, given.in_flight, number)))
            rates[name].append(given.calls / (time.perf_counter() - began))
            cpu[name].append((time.process_time() - used) * 1000 / given.calls)
    print(f"{given.calls} calls, {given.latency:g} s, {given.in_flight} in flight, {given.rounds} rounds, medians")
    reference = statistics.median(rates["bare"])
    for name in CONTENDERS:
        rate = statistics.median(rates[name])
        spread = f"{min(rates[name]):.0f} to {max(rates[name]):.0f}"
        used = f"{statistics.median(cpu[name]):.2f} CPU s per 1,000 calls"
        print(f"{name:8} {rate:7.0f} calls/s ({spread}), {rate / reference:.2f} of bare, {used}")


if __name__ == "__main__":
    main()
