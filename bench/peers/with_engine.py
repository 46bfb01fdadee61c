"""components.chat.buy with everything on: a journal on disk, a price for every call, a cap, and limits of requests and
tokens per minute that are told (to all contenders that can be told) and never met."""

import asyncio
import tempfile
from pathlib import Path

from _load import Load, measure

from components.chat import ChatRequest, Journal, Ledger, buy
from components.spec import GenerationSpec

PRICES = "date: 2026-01-01\nmodels:\n  openai/m@{url}: {{input: 0.15, output: 0.60}}\n"


async def call(load: Load, folder: Path) -> int:
    prices = folder / "prices.yaml"
    prices.write_text(PRICES.format(url=load.url))
    spec = GenerationSpec(
        model="openai/m", endpoint=load.url, max_concurrency=load.in_flight, rpm=1_000_000, tpm=1_000_000_000
    )
    requests = [
        ChatRequest(
            stage="bench", model=spec.model, endpoint=load.url, messages=tuple(load.messages(number)), temperature=0.7
        )
        for number in range(load.calls)
    ]
    journal, ledger = Journal(folder / "calls"), Ledger(1_000.0, prices=prices)
    outcomes = await buy(requests, spec=spec, api_key=None, journal=journal, ledger=ledger, run_id="bench")
    journal.close()
    if ledger.spent_usd <= 0 or any(outcome.attempts != 1 for outcome in outcomes):
        raise SystemExit("the engine did not buy as it should: no price, or more than one attempt")
    return sum(bool(outcome.text) for outcome in outcomes)


def run(load: Load) -> int:
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(call(load, Path(folder)))


if __name__ == "__main__":
    measure(run, ("openai", "aiohttp"))
