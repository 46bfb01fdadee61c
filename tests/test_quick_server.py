"""The server of the benchmarks answers as the fake provider does, counts what it saw, and is as late as it was told."""

import asyncio
import json
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from components.chat import ChatRequest, Journal, Ledger, buy
from components.specs import GenerationSpec
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


def whole(body: bytes) -> bytes:
    return b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


async def answered(url: str, answers: int, *pieces: bytes) -> list[str]:
    """The status lines of so many answers to what is sent piece by piece over one connection."""
    host, port = url.removeprefix("http://").removesuffix("/v1").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0.01)  # else they would arrive as one
    found = b""
    while found.count(b"HTTP/1.1 ") < answers:
        found += await asyncio.wait_for(reader.read(65536), 10)
    writer.close()
    return re.findall(r"HTTP/1.1 (\d+)", found.decode())


def test_a_request_that_comes_in_pieces_is_one_and_two_at_once_are_two(url: str) -> None:
    one, other = whole(b'{"messages":[{"role":"user"}]}'), whole(b'{"messages":[{"role":"system"}]}')
    began = time.monotonic()
    assert asyncio.run(answered(url, 1, one[:10], one[10:70], one[70:-3], one[-3:])) == ["200"]
    assert time.monotonic() - began >= LATENCY
    assert asyncio.run(answered(url, 2, one + other[:30], other[30:])) == ["200", "200"]
    stats = asked(url, "/stats")
    assert (stats["requests"], stats["distinct"], stats["again"]) == (3, 2, 1)


def test_what_was_answered_before_the_mark_counts_as_bought_again(url: str) -> None:
    calls = [whole(b'{"messages":[{"content":"%d"}]}' % number) for number in range(3)]
    assert asyncio.run(answered(url, 2, *calls[:2])) == ["200", "200"]
    asked(url, "/mark")
    assert asyncio.run(answered(url, 2, *calls[1:])) == ["200", "200"]
    assert (asked(url, "/stats")["requests"], asked(url, "/stats")["again"]) == (2, 1)


def test_a_question_for_the_headers_alone_is_refused_and_not_counted(url: str) -> None:
    assert asyncio.run(answered(url, 1, whole(b'{"model":"m","messages": []}'))) == ["400"]
    assert asked(url, "/stats")["requests"] == 0


def test_a_call_whose_sender_is_gone_counts_as_not_answered(url: str) -> None:
    async def abandoned() -> None:
        host, port = url.removeprefix("http://").removesuffix("/v1").split(":")
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(whole(b'{"messages":[{"content":"abandoned"}]}'))
        await writer.drain()
        writer.close()

    asyncio.run(abandoned())
    end = time.monotonic() + 10
    while (stats := asked(url, "/stats"))["requests"] == 0 or stats["in_flight"]:
        assert time.monotonic() < end
        time.sleep(0.01)
    assert (stats["requests"], stats["answered"]) == (1, 0)
    assert asyncio.run(answered(url, 1, whole(b'{"messages":[{"content":"abandoned"}]}'))) == ["200"]
    assert asked(url, "/stats")["again"] == 0
