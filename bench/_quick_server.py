"""A chat-completions server that costs next to nothing, so that a benchmark measures the client.

    python bench/_quick_server.py --port 0 --latency 0.2

Prints its base URL. One fixed, plausible reply to every POST, a fixed time after the request has arrived whole; no
JSON is parsed and no framework runs, as a server that needs its whole core would itself be the limit. GET /stats tells
what it has seen since the latest GET /mark, and how much CPU it has used.
"""

import argparse
import asyncio
import gc
import json
import re
import signal
import time
from email.utils import formatdate
from typing import cast

REPLY = {
    "id": "chatcmpl-quick",
    "object": "chat.completion",
    "created": 1_760_000_000,
    "model": "m",
    "choices": [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "Slow morning, calm harbour: a red sailboat, soft light on the water and nobody in a hurry. "
                "Some days the best plan is to have none and to watch the tide do its work. "
                "Tell me where to go next. #Harbour #SlowMorning",
                "refusal": None,
            },
            "logprobs": None,
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 164, "completion_tokens": 49, "total_tokens": 213},
}


def answer(content: object, status: str = "200 OK", extra: str = "") -> bytes:
    body = json.dumps(content).encode()
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
    return f"{head}date: {formatdate(usegmt=True)}\r\n{extra}\r\n".encode() + body


EMPTY = re.compile(rb'"messages": ?\[\]')
REFUSAL = answer({"error": {"message": "[] is too short - 'messages'", "code": None}}, "400 Bad Request")
"""No call at all: curator asks so for the limits in the headers."""


class Counter:
    """What was seen since the latest mark. `span_s`: from the first request's arrival to the last answer; `again`: what
    had been answered before, since the server's start."""

    def __init__(self) -> None:
        self.in_flight = 0
        self.sold: set[int] = set()
        self.mark()

    def mark(self) -> None:
        self.requests = self.answered = self.again = self.peak = 0
        self.first = self.last = 0.0
        self.bodies: set[int] = set()
        self.used = time.process_time()

    def arrived(self, body: bytes) -> None:
        if not self.requests:
            self.first = time.monotonic()
        self.requests += 1
        self.bodies.add(hash(body))
        self.again += hash(body) in self.sold
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)

    def left(self, body: bytes, answered: bool) -> None:
        self.in_flight -= 1
        self.last = time.monotonic()
        if answered:
            self.answered += 1
            self.sold.add(hash(body))

    def stats(self) -> dict[str, float]:
        return {
            "requests": self.requests,
            "distinct": len(self.bodies),
            "answered": self.answered,
            "again": self.again,
            "in_flight": self.in_flight,
            "peak": self.peak,
            "span_s": max(0.0, self.last - self.first),
            "cpu_s": time.process_time() - self.used,
        }


class Connection(asyncio.Protocol):
    def __init__(self, loop: asyncio.AbstractEventLoop, latency: float, counter: Counter) -> None:
        self.loop, self.latency, self.counter = loop, latency, counter
        self.reply = answer(REPLY)
        self.rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but name

    def data_received(self, data: bytes) -> None:
        if self.rest:
            data, self.rest = self.rest + data, b""
        while data:
            end = data.find(b"\r\n\r\n") + 4
            if end < 4:
                break
            head = data[:end].lower()
            stop = end + length_of(head)
            if len(data) < stop:
                break
            self.asked(head, data[end:stop])
            data = data[stop:]
        self.rest = data

    def asked(self, head: bytes, body: bytes) -> None:
        if head.startswith(b"post "):
            if EMPTY.search(body):
                self.transport.write(REFUSAL)
                return
            self.counter.arrived(body)
            self.loop.call_later(self.latency, self.answer_call, body)
            return
        if head.startswith(b"get /mark"):
            self.counter.mark()
        self.transport.write(answer(self.counter.stats(), extra="connection: close\r\n"))
        self.transport.close()

    def answer_call(self, body: bytes) -> None:
        gone = self.transport.is_closing()
        self.counter.left(body, not gone)
        if not gone:
            self.transport.write(self.reply)


def length_of(head: bytes) -> int:
    """Of the body, from a lower-case head; every client here sends content-length."""
    at = head.find(b"content-length:")
    return int(head[at + 15 : head.index(b"\r", at)]) if at >= 0 else 0


async def serve(port: int, latency: float) -> None:
    loop = asyncio.get_running_loop()
    counter = Counter()
    server = await loop.create_server(lambda: Connection(loop, latency, counter), "127.0.0.1", port, backlog=4096)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    gc.collect()
    gc.freeze()
    stopped = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    await stopped.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--latency", type=float, default=0.2, help="seconds from the whole request to the answer")
    given = parser.parse_args()
    try:
        from uvloop import new_event_loop
    except ImportError:
        from asyncio import new_event_loop
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(serve(given.port, given.latency))


if __name__ == "__main__":
    main()
