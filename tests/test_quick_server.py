"""The server of the benchmarks answers as the fake provider does, counts what it saw, and is as late as it was told."""

import asyncio
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from components.chat import ChatRequest, Journal, Ledger, buy
from components.spec import GenerationSpec
from tests.fake_provider import FakeProvider

ROOT = Path(__file__).parents[1]
LATENCY = 0.05


@pytest.fixture
def url() -> Iterator[str]:
    command = [sys.executable, str(ROOT / "bench" / "_quick_server.py"), "--port", "0", "--latency", str(LATENCY)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
        server.terminate()


def asked(url: str, what: str) -> dict[str, Any]:
    with urllib.request.urlopen(url.removesuffix("/v1") + what) as response:
        found: dict[str, Any] = json.loads(response.read())
    return found


def posted(url: str, body: dict[str, Any]) -> Any:
    request = urllib.request.Request(f"{url}/chat/completions", json.dumps(body).encode())
    with urllib.request.urlopen(request) as response:
        assert response.headers["content-type"].startswith("application/json")
        return json.loads(response.read())


def shape(value: Any) -> Any:
    """Names and types, without what the two may differ in: the fake provider leaves `logprobs` out, as many do."""
    if isinstance(value, dict):
        return {name: shape(part) for name, part in value.items() if name != "logprobs"}
    return [shape(part) for part in value] if isinstance(value, list) else type(value)


def test_it_answers_in_the_form_of_the_fake_provider(url: str) -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "A boat."}]}
    with FakeProvider() as fake:
        assert shape(posted(url, body)) == shape(posted(fake.url, body))


def test_it_counts_since_the_mark_what_the_engine_bought(url: str, tmp_path: Path) -> None:
    def requests(count: int) -> list[ChatRequest]:
        messages = [({"role": "user", "content": f"A boat, number {number}."},) for number in range(count)]
        return [ChatRequest(stage="writing", model="openai/m", endpoint=url, messages=said) for said in messages]

    spec = GenerationSpec(model="openai/m", endpoint=url, max_concurrency=8)
    told: dict[str, Any] = {"spec": spec, "api_key": None, "run_id": "run"}
    told |= {"journal": Journal(tmp_path / "calls"), "ledger": Ledger(1.0, allow_unpriced=True)}
    asyncio.run(buy(requests(4), **told))
    assert asked(url, "/mark")["requests"] == 0
    outcomes = asyncio.run(buy(requests(40), **told))
    assert [outcome.status for outcome in outcomes] == ["ok"] * 40 and outcomes[0].input_tokens == 164
    stats = asked(url, "/stats")
    assert {name: stats[name] for name in ("requests", "distinct", "answered", "in_flight")} == {
        "requests": 36,
        "distinct": 36,
        "answered": 36,
        "in_flight": 0,
    }
    assert 1 < stats["peak"] <= 8 and stats["span_s"] >= LATENCY * 36 / 8


def test_a_request_that_comes_in_pieces_is_one_and_two_at_once_are_two(url: str) -> None:
    async def pieces(*parts: bytes) -> bytes:
        host, port = url.removeprefix("http://").removesuffix("/v1").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.02)
        await asyncio.sleep(3 * LATENCY)
        answered = await reader.read(65536)
        writer.close()
        return answered

    body = b'{"model":"m","messages":[]}'
    whole = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    began = time.monotonic()
    assert asyncio.run(pieces(whole[:10], whole[10:70], whole[70:-3], whole[-3:])).count(b"HTTP/1.1 200 OK") == 1
    assert time.monotonic() - began >= LATENCY
    assert asyncio.run(pieces(whole + whole[:30], whole[30:])).count(b"HTTP/1.1 200 OK") == 2
    assert asked(url, "/stats")["requests"] == 3 and asked(url, "/stats")["distinct"] == 1
