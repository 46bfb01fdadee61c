"""Requests, specs and quick waits for the tests of calls; the server is tests/fake_provider, on a socket."""

import asyncio
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from components.chat import ChatOutcome, ChatRequest, Journal, Ledger, Retry, buy, calls_view_sql
from components.specs import GenerationSpec
from tests.fake_provider import FakeProvider

KEY = "sk-marked-5f1e-not-to-be-found"
QUICK = Retry(base_s=0.005, cap_s=0.02, grace_s=2.0)
PRICES = "date: 2026-01-01\nmodels:\n  openai/m@{url}: {{input: 1000.0, output: 4000.0, batch: 0.5}}\n"
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


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB."""
    place = tmp_path / "small"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode != 0:
        pytest.skip("no small file system can be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def run(work: Callable[[], Any]) -> Any:
    return asyncio.run(work())


def record(key: str, status: str = "ok", **more: Any) -> dict[str, Any]:
    fields = {
        "model": "openai/m",
        "endpoint": "http://x/v1",
        "stage": "writing",
        "run_id": "r",
        "text": f"text of {key}",
    }
    fields |= {"detail": None, "attempts": 1, "input_tokens": 10, "output_tokens": 5, "cost_usd": 0.25, "held_usd": 0.0}
    fields |= {"latency_ms": 12, "created_at": "2026-11-01T10:00:00.5+00:00", "request": {"messages": [{"a": 'é\n"}'}]}}
    return {"call_key": key, "status": status} | fields | more


def segment(folder: Path) -> Path:
    (path,) = folder.glob("*.jsonl")
    return path


def rows(folder: Path) -> list[dict[str, Any]]:
    with duckdb.connect() as connection:
        connection.execute(calls_view_sql(folder))
        found = connection.execute("SELECT * FROM calls ORDER BY created_at, call_key")
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for path in sorted(folder.glob("*.jsonl")) for line in path.read_text().splitlines()]
