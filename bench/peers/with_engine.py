"""components.chat.buy with everything on: a journal on disk, a price for every call, a cap, and limits of requests and
tokens per minute."""

import asyncio
from pathlib import Path

from _load import Load, measure

from components.chat import ChatRequest, Journal, Ledger, buy
from components.specs import GenerationSpec

PRICES = "date: 2026-01-01\nmodels:\n  openai/m@{url}: {{input: 0.15, output: 0.60}}\n"


async def call(load: Load, folder: Path) -> int:
    prices = folder / "prices.yaml"
    prices.write_text(PRICES.format(url=load.url))
    spec = GenerationSpec(
        model="openai/m",
        endpoint=load.url,
        max_concurrency=load.in_flight,
        rpm=load.rpm,
        tpm=None if load.rpm is None else 1_000_000_000,
    )
    requests = [
        ChatRequest(
            stage="bench", model=spec.model, endpoint=load.url, messages=tuple(load.messages(number)), temperature=0.7
        )
        for number in range(load.calls)
    ]
    journal = Journal(folder / "calls")
    ledger = Ledger(1_000.0, spent_usd=journal.spent_usd(), prices=prices)
    outcomes = await buy(requests, spec=spec, api_key=None, journal=journal, ledger=ledger, run_id="bench")
    journal.close()
    if ledger.spent_usd <= 0 or any(outcome.cost_usd is None for outcome in outcomes if outcome.text):
        raise SystemExit("no price was paid: the benchmark measures the engine without its ledger")
    return sum(bool(outcome.text) for outcome in outcomes)


def run(load: Load) -> int:
    with load.kept() as folder:
        return asyncio.run(call(load, folder))


if __name__ == "__main__":
    measure(run, ("openai", "aiohttp"))
