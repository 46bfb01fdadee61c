"""Requests, specs and quick waits for the tests of calls; the server is tests/fake_provider.py, on a socket."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.chat import ChatOutcome, ChatRequest, Journal, Ledger, Retry, buy
from components.spec import GenerationSpec
from tests.fake_provider import FakeProvider

KEY = "sk-marked-5f1e-not-to-be-found"
QUICK = Retry(base_s=0.005, cap_s=0.02, grace_s=2.0)
PRICES = "date: 2026-01-01\nmodels:\n  openai/m@{url}: {{input: 1000.0, output: 4000.0}}\n"
"""USD per million: a token sent costs a tenth of a cent."""


def request(number: int = 0, url: str | None = None, **changed: Any) -> ChatRequest:
    fields: dict[str, Any] = {
        "stage": "writing",
        "model": "openai/m",
        "endpoint": url,
        "messages": (
            {"role": "system", "content": "You write posts."},
            {"role": "user", "content": f"A boat, number {number}."},
        ),
        "temperature": 0.7,
        "max_output_tokens": 50,
    }
    return ChatRequest(**fields | changed)


class Shop:
    """A home with a journal, and `buy` with everything that a test does not care about."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.journal = Journal(folder / "calls")
        self.ledger = Ledger(1.0, allow_unpriced=True)
        self.told: list[ChatOutcome] = []

    def spec(self, server: FakeProvider, **changed: Any) -> GenerationSpec:
        fields = {"model": "openai/m", "endpoint": server.url, "timeout_s": 5.0, "max_output_tokens": 50}
        return GenerationSpec(**fields | changed)

    def prices(self, server: FakeProvider) -> Path:
        file = self.folder / "prices.yaml"
        file.write_text(PRICES.format(url=server.url))
        return file

    async def buy(
        self,
        server: FakeProvider,
        requests: int | list[ChatRequest],
        *,
        retry: Retry = QUICK,
        key: str | None = KEY,
        ledger: Ledger | None = None,
        journal: Journal | None = None,
        **spec: Any,
    ) -> list[ChatOutcome]:
        if isinstance(requests, int):
            asked = {name: spec[name] for name in ("api", "reasoning_effort") if name in spec}
            requests = [request(number, server.url, **asked) for number in range(requests)]
        return await buy(
            requests,
            spec=self.spec(server, **spec),
            api_key=key,
            journal=journal or self.journal,
            ledger=ledger or self.ledger,
            run_id="run",
            on_outcome=self.told.append,
            retry=retry,
        )

    def records(self) -> list[dict[str, Any]]:
        return list(self.journal.records())


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def run(work: Callable[[], Any]) -> Any:
    return asyncio.run(work())


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for path in sorted(folder.glob("*.jsonl")) for line in path.read_text().splitlines()]
