"""What the wire allows: posts, parses the reply and forgets it; no journal, no limits, no retries.

KIND: aiohttp, aiohttp-uvloop, httpx2, or an own HTTP/1.1 client of 40 lines over asyncio.Protocol: protocol,
protocol-uvloop.
"""

import asyncio
import json
from collections.abc import Iterator
from urllib.parse import urlsplit

from _load import Load, measure, pooled


async def aiohttp_loop(load: Load) -> int:
    import aiohttp

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=load.in_flight)) as session:

        async def one(number: int) -> str:
            async with session.post(f"{load.url}/chat/completions", json=load.body(number)) as response:
                return json.loads(await response.read())["choices"][0]["message"]["content"]

        return await pooled(load, one)


async def httpx2_loop(load: Load) -> int:
    import httpx2

    limits = httpx2.Limits(max_connections=load.in_flight, max_keepalive_connections=load.in_flight)
    async with httpx2.AsyncClient(limits=limits, timeout=60) as client:

        async def one(number: int) -> str:
            response = await client.post(f"{load.url}/chat/completions", json=load.body(number))
            return json.loads(response.content)["choices"][0]["message"]["content"]

        return await pooled(load, one)


class Line(asyncio.Protocol):
    """One connection that sends the next call as soon as the last is answered; no task, no future per call."""

    def __init__(self, load: Load, numbers: Iterator[int], done: "asyncio.Future[int]", tally: list[int]) -> None:
        self.load, self.numbers, self.done, self.tally = load, numbers, done, tally
        parts = urlsplit(load.url)
        self.head = (
            f"POST {parts.path}/chat/completions HTTP/1.1\r\nhost: {parts.netloc}\r\nauthorization: Bearer none\r\n"
            "content-type: application/json\r\naccept: application/json\r\ncontent-length: "
        ).encode()
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.send()

    def send(self) -> None:
        number = next(self.numbers, None)
        if number is None:
            self.transport.close()
            return
        body = json.dumps(self.load.body(number)).encode()
        self.transport.write(b"%s%d\r\n\r\n%s" % (self.head, len(body), body))

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        end = self.buffer.find(b"\r\n\r\n") + 4
        if end < 4:
            return
        head = self.buffer[:end].lower()
        at = head.index(b"content-length:") + 15
        if len(self.buffer) < end + int(head[at : head.index(b"\r", at)]):
            return
        text = json.loads(self.buffer[end:])["choices"][0]["message"]["content"]
        self.buffer = b""
        self.tally.append(bool(text))
        if len(self.tally) == self.load.calls:
            self.done.set_result(sum(self.tally))
        self.send()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done() and error is not None:
            self.done.set_exception(error)


async def protocol_loop(load: Load) -> int:
    loop = asyncio.get_running_loop()
    parts = urlsplit(load.url)
    numbers, done, tally = iter(range(load.calls)), loop.create_future(), []
    for _ in range(min(load.in_flight, load.calls)):
        await loop.create_connection(lambda: Line(load, numbers, done, tally), parts.hostname, parts.port)
    return await done


LOOPS = {"aiohttp": aiohttp_loop, "httpx2": httpx2_loop, "protocol": protocol_loop}


def run(load: Load) -> int:
    transport, _, loop = load.kind.partition("-")
    factory = None
    if loop == "uvloop":
        from uvloop import new_event_loop as factory
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(LOOPS[transport](load))


if __name__ == "__main__":
    measure(run, ("aiohttp", "httpx2", "uvloop"))
