"""The wire: what can break on it, what is surely not billed, and that nothing is followed, sent twice or proxied."""

import asyncio
import json
import socket
import tracemalloc
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from components.chat import Status, check
from components.chat.client import Client
from components.chat.transport import HttpTransport, NoAnswer, encoded, openai_client, proxy_of, transport_of
from components.errors import UserError
from components.specs import GenerationSpec
from tests.chat.conftest import KEY
from tests.fake_provider import FakeProvider

BODY = {"model": "m", "messages": [{"role": "user", "content": "A boat."}]}
ANSWER = json.dumps({"choices": [{"message": {"content": "Hi."}}], "usage": None}).encode()


def spec(url: str, **changed: Any) -> GenerationSpec:
    return GenerationSpec(**{"model": "openai/m", "endpoint": url, "timeout_s": 5.0} | changed)


async def sent(url: str, **changed: Any) -> Any:
    client = Client(spec(url, **changed), KEY)
    try:
        return await client.send(BODY)
    finally:
        await client.close()


@asynccontextmanager
async def server(answer: bytes, *, close: bool = False) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Sends `answer` for every request, whole requests of one read each; `seen` has them, and b"" per connection."""
    seen: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(b"")
        while data := await reader.read(65536):
            seen.append(data)
            writer.write(answer)
            if close:
                break
        writer.close()

    listening = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1", seen
    finally:
        listening.close()


def http(status: str, body: bytes, **headers: str) -> bytes:
    fields = {"content-length": str(len(body))} | {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body


def closed_port() -> socket.socket:
    """Bound, so that no other process takes it, and not listening."""
    holder = socket.socket()
    holder.bind(("127.0.0.1", 0))
    return holder


async def test_what_cannot_be_reached_is_surely_not_billed() -> None:
    with closed_port() as holder:
        refused = await sent(f"http://127.0.0.1:{holder.getsockname()[1]}/v1")
    assert (refused.status, refused.billed) == (Status.connection, False)
    assert "Cannot connect" in refused.detail
    unknown = await sent("http://no-such-host.invalid/v1")
    assert (unknown.status, unknown.billed) == (Status.connection, False)


async def test_where_tls_fails_nothing_was_sent() -> None:
    async with server(http("200 OK", ANSWER)) as (url, seen):
        reply = await sent(url.replace("http:", "https:"))
    assert (reply.status, reply.billed) == (Status.connection, False)
    assert not any(KEY.encode() in data for data in seen)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        http("200 OK", ANSWER)[:-5],
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabc",
        b"\x00\x01 no HTTP at all\r\n\r\n",
        http("200 OK", ANSWER, content_encoding="gzip"),
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * 100_000 + b"\r\n\r\n",
    ],
    ids=["closed", "cut", "cut chunk", "no http", "not gzip", "endless header"],
)
async def test_what_broke_after_it_was_sent_may_have_been_billed(answer: bytes) -> None:
    async with server(answer, close=True) as (url, seen):
        reply = await sent(url)
    assert (reply.status, reply.billed) == (Status.connection, None)
    assert reply.detail and KEY not in reply.detail
    assert len([data for data in seen if data]) == 1, "sent once"


@pytest.mark.parametrize("fault", ["long", "endless"])
async def test_an_answer_is_read_to_a_length_that_no_model_writes(fault: str) -> None:
    with FakeProvider(faults=[fault]) as provider:
        client = Client(spec(provider.url, timeout_s=20.0, max_concurrency=1), KEY)
        reply = await client.send(BODY)
        assert (reply.status, reply.billed, reply.raw) == (Status.invalid_reply, None, None)
        assert "longer than 2 MiB" in (reply.detail or "")
        assert (await client.send(BODY)).status is Status.ok, "and the connection is not used again"
        await client.close()


async def test_what_is_packed_small_is_not_unpacked_without_end() -> None:
    bomb = zlib.compress(b" " * (1 << 28), 9)
    async with server(http("200 OK", bomb, content_encoding="deflate")) as (url, _):
        tracemalloc.start()
        reply = await sent(url)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert reply.status is Status.invalid_reply and peak < (1 << 27)


async def test_a_long_refusal_is_known_by_its_status() -> None:
    async with server(http("401 Unauthorized", b"no " * (2 << 20))) as (url, _):
        reply = await sent(url)
    assert reply.status is Status.authentication and (reply.detail or "").startswith("HTTP 401: no no")


@pytest.mark.parametrize("fault", ["hang", "trickle"])
async def test_the_time_out_is_for_the_whole_attempt(fault: str) -> None:
    with FakeProvider(faults=[fault]) as provider:
        reply = await sent(provider.url, timeout_s=0.3)
    assert (reply.status, reply.billed) == (Status.timeout, None)
    assert "0.3 s" in reply.detail
    assert 250 <= reply.latency_ms < 3000


async def test_waiting_for_a_connection_counts_as_well() -> None:
    with FakeProvider(latency=0.5) as provider:
        transport = HttpTransport(provider.url, KEY, connections=1, timeout_s=0.7)
        first, second = await asyncio.gather(
            transport.post("/chat/completions", BODY), transport.post("/chat/completions", BODY), return_exceptions=True
        )
        await transport.close()
    assert not isinstance(first, BaseException) and first[0] == 200
    assert isinstance(second, NoAnswer) and second.status is Status.timeout


async def test_a_redirect_is_not_followed() -> None:
    async with server(http("200 OK", ANSWER)) as (elsewhere, followed):
        async with server(http("307 Temporary Redirect", b"", location=elsewhere)) as (url, _):
            reply = await sent(url)
        assert reply.status is Status.not_found and elsewhere in reply.detail
        assert followed == []


async def test_connections_are_kept_and_cookies_are_not() -> None:
    async with server(http("200 OK", ANSWER, set_cookie="who=you; Path=/")) as (url, seen):
        client = Client(spec(url, max_concurrency=4), KEY)
        for _ in range(5):
            assert (await client.send(BODY)).text == "Hi."
        await client.close()
    assert seen.count(b"") == 1 and len(seen) == 6
    assert not any(b"cookie" in data.lower() for data in seen)
    assert all(f"Authorization: Bearer {KEY}".encode() in data for data in seen if data)


async def test_no_more_connections_than_calls_in_flight() -> None:
    with FakeProvider(latency=0.02) as provider:
        client = Client(spec(provider.url, max_concurrency=3), None)
        await asyncio.gather(*(client.send(BODY) for _ in range(12)))
        await client.close()
        assert provider.stats["peak"] == 3
        assert provider.headers[0]["Authorization"] == "Bearer none"


@pytest.mark.parametrize("text", ["half \ud83d pair", "é 🏖️", 'a "quote" \\ and \x00'])
def test_every_text_arrives_as_it_is(text: str) -> None:
    assert json.loads(encoded({"content": text, "seed": 2**70 if "half" in text else 1}))["content"] == text


async def test_a_reply_in_any_bytes_is_read() -> None:
    async with server(http("200 OK", b"\xef\xbb\xbf" + ANSWER)) as (url, _):
        assert (await sent(url)).text == "Hi."
    async with server(http("200 OK", ANSWER.replace(b"Hi.", b"Hi \xff."))) as (url, _):
        assert (await sent(url)).text == "Hi \ufffd."


async def test_the_machines_proxy_is_asked_where_one_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    assert proxy_of("http://api.example.invalid/v1") is None
    with FakeProvider() as provider:
        monkeypatch.setenv("http_proxy", f"http://user:pass@127.0.0.1:{provider.port}")
        reply = await sent("http://api.example.invalid/v1")
        assert reply.status is Status.ok, reply.detail
        assert provider.headers[0]["Host"] == "api.example.invalid"
        assert provider.headers[0]["Proxy-Authorization"] == "Basic dXNlcjpwYXNz"
    assert proxy_of(provider.url) is None, "this machine is never asked through another"
    assert proxy_of("https://api.example.invalid/v1") is None
    monkeypatch.setenv("no_proxy", "example.invalid")
    assert proxy_of("http://api.example.invalid/v1") is None
    monkeypatch.setenv("all_proxy", "socks5://127.0.0.1:9")
    with pytest.raises(UserError, match="socks5"):
        proxy_of("https://elsewhere.invalid/v1")


async def test_a_proxy_that_is_gone_bills_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with closed_port() as holder:
        monkeypatch.setenv("https_proxy", f"http://user:s3cret@127.0.0.1:{holder.getsockname()[1]}")
        reply = await sent("https://api.example.invalid/v1")
    assert (reply.status, reply.billed) == (Status.connection, False)
    assert "s3cret" not in reply.detail


async def test_a_proxy_that_refuses_does_not_show_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    async with server(http("407 Proxy Authentication Required", b"")) as (url, asked):
        monkeypatch.setenv("https_proxy", url.removesuffix("/v1").replace("http://", "http://user:s3cret@"))
        reply = await sent("https://api.example.invalid/v1")
    assert asked and (reply.status, reply.billed) == (Status.connection, False)
    assert "407" in reply.detail and "s3cret" not in repr(reply)


async def test_models_in_process_are_asked_by_the_same_transport() -> None:
    offline = GenerationSpec(model="offline/writer")
    transport = transport_of(offline, None)
    status, _, content = await transport.post("/chat/completions", BODY | {"model": "writer"})
    await transport.close()
    assert status == 200 and json.loads(content)["choices"]
    with pytest.raises(UserError, match="remove `api: responses`"):
        check(GenerationSpec(model="offline/writer", api="responses"), None, True)


@pytest.mark.parametrize("key", [KEY, None])
async def test_openais_own_client_never_tries_again_by_itself(key: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    import openai

    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-environment")
    with FakeProvider(faults=["503", "301"]) as provider:
        async with openai_client(spec(provider.url), key) as client:
            for _ in range(2):
                with pytest.raises(openai.APIStatusError):
                    await client.post("/chat/completions", body=BODY, cast_to=dict[str, Any])
        assert provider.stats["requests"] == 2
        assert provider.headers[0]["Authorization"] == f"Bearer {key or 'none'}"
