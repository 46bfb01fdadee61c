"""A chat-completions server on a socket for tests, demos and benchmarks: slow, limited or broken on request.

In a test:

    with FakeProvider(latency=0.05, faults=["503", "ok"]) as server:
        ... endpoint: server.url ...
        assert server.stats["requests"] == 2

From a shell: `python -m tests.fake_provider --port 8000 --latency 0.2 --fail 0.05`; GET /stats tells what it saw.

Faults are given as a script (one per request, then "ok"), or as a share of requests drawn at random. Without a fault it
writes a plausible post, or, asked for JSON, an instance of the schema. It needs no key unless it is given one.
"""

import argparse
import asyncio
import email.utils
import hashlib
import json
import random
import re
import struct
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

from aiohttp import web

STATUS_FAULTS: dict[str, tuple[int, str, str]] = {
    "400": (400, "invalid_value", "the request is wrong"),
    "401": (401, "invalid_api_key", "Incorrect API key provided: {key}"),
    "402": (402, "payment_required", "add credit"),
    "403": (403, "unsupported_country", "not from here"),
    "404": (404, "model_not_found", "The model `{model}` does not exist"),
    "408": (408, "timeout", "took too long"),
    "409": (409, "conflict", "try again"),
    "422": (422, "unprocessable", "cannot be processed"),
    "429": (429, "rate_limit_exceeded", "Rate limit reached"),
    "quota": (429, "insufficient_quota", "You exceeded your current quota"),
    "filter_400": (400, "content_filter", "The prompt triggered the content policy"),
    "500": (500, "server_error", "The server had an error"),
    "502": (502, "bad_gateway", "bad gateway"),
    "503": (503, "overloaded", "overloaded"),
    "504": (504, "gateway_timeout", "gateway timeout"),
    "301": (301, "moved", "moved"),
}
BROKEN_ANSWERS = (
    "invalid_json", "html", "no_choices", "error_in_200", "empty", "null", "length", "content_filter", "refusal",
    "parts", "no_usage", "echo_key",
)  # fmt: skip
WIRE_FAULTS = ("reset", "hang", "cut", "trickle")
PASSING = ("429", "500", "502", "503", "504", "reset", "cut", "invalid_json", "empty")
"""What `fail` draws from: faults that a second attempt gets over."""

OPENINGS = ("Look at this:", "Small joys:", "Today's view:", "Nobody told me about", "Slow morning,", "Weekend mood:")
CLOSINGS = ("Who else is in?", "Worth every step.", "Tell me where to go next.", "Saving this one for winter.")


class FakeProvider:
    """Use it as a context manager: the server lives in a thread of its own. `seen` holds every request body it got, in
    order of arrival, `headers` their headers; `stats` counts. Change `faults`, `latency`, `reply` while it runs."""

    def __init__(
        self,
        *,
        latency: float | Callable[[], float] = 0.0,
        faults: Sequence[str] = (),
        fail: float = 0.0,
        fail_with: Sequence[str] = PASSING,
        seed: int = 0,
        key: str | None = None,
        rpm: int | None = None,
        tpm: int | None = None,
        burst: int = 1,
        retry_after: str | Mapping[str, str] | None = None,
        without: Sequence[str] = (),
        reply: Callable[[dict[str, Any]], str] | None = None,
        port: int = 0,
        keep: bool = True,
    ) -> None:
        self.latency, self.fail, self.fail_with, self.key = latency, fail, fail_with, key
        self.faults: deque[str] = deque(faults)
        self.retry_after, self.without, self.reply, self.keep = retry_after, set(without), reply, keep
        self.seen: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.arrivals: list[float] = []
        self.counts: Counter[str] = Counter()
        self.bodies: Counter[str] = Counter()
        self.in_flight = self.peak = 0
        self._random = random.Random(seed)
        self._buckets = [
            bucket for bucket in (Bucket("requests", rpm, burst), Bucket("tokens", tpm, burst)) if bucket.limit
        ]
        self._wanted_port = port
        self._started = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="fake provider", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._started.wait(10):
            raise RuntimeError("the fake provider did not start")
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def stats(self) -> dict[str, Any]:
        return {
            "requests": sum(self.counts.values()),
            "by_end": dict(self.counts),
            "distinct": len(self.bodies),
            "most_repeated": max(self.bodies.values(), default=0),
            "in_flight": self.in_flight,
            "peak": self.peak,
        }

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_post("/v1/chat/completions", self._answer)
        app.router.add_get("/stats", self._stats)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)

        async def start() -> None:
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", self._wanted_port, backlog=1024)
            await site.start()
            self.port = runner.addresses[0][1]
            self._started.set()

        self._loop.run_until_complete(start())
        self._loop.run_forever()
        self._loop.run_until_complete(runner.cleanup())
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self._loop.close()

    async def _stats(self, _: web.Request) -> web.Response:
        return web.json_response(self.stats)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        body = json.loads(raw)
        self.arrivals.append(time.monotonic())
        self.bodies[hashlib.sha256(raw).hexdigest()] += 1
        if self.keep:
            self.seen.append(body)
            self.headers.append(dict(request.headers))
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        try:
            fault, headers = self._fault(request, body)
            self.counts[fault] += 1
            latency = self.latency() if callable(self.latency) else self.latency
            if latency and fault not in ("401", "429"):
                await asyncio.sleep(latency)
            return await self._end(request, body, fault, headers)
        except ConnectionResetError:  # the client gave up first
            return web.Response()
        finally:
            self.in_flight -= 1

    def _fault(self, request: web.Request, body: dict[str, Any]) -> tuple[str, dict[str, str]]:
        if self.key is not None and request.headers.get("Authorization") != f"Bearer {self.key}":
            return "401", {}
        tokens = tokens_of(body)
        waits = [bucket.wait(1 if bucket.name == "requests" else tokens) for bucket in self._buckets]
        headers = {name: value for bucket in self._buckets for name, value in bucket.headers().items()}
        if any(waits):
            return "429", headers | {
                "retry-after-ms": str(int(max(waits) * 1000) + 1),
                "retry-after": str(int(max(waits)) + 1),
            }
        for bucket in self._buckets:
            bucket.take(1 if bucket.name == "requests" else tokens)
        if unsupported := next((name for name in sorted(self.without) if name in body or _format(body) == name), None):
            return f"without {unsupported}", headers
        if self.faults:
            return self.faults.popleft(), headers
        if self.fail and self._random.random() < self.fail:
            return self._random.choice(list(self.fail_with)), headers
        return "ok", headers

    async def _end(
        self, request: web.Request, body: dict[str, Any], fault: str, headers: dict[str, str]
    ) -> web.StreamResponse:
        if fault.startswith("without "):
            name = fault.removeprefix("without ")
            named = f"response_format of type {name!r}" if name.startswith("json") else f"'{name}'"
            return web.json_response(
                {"error": {"message": f"Unsupported parameter: {named} is not supported"}}, status=400
            )
        if fault in STATUS_FAULTS:
            return self._refuse(request, body, fault, headers)
        if fault in ("hang", "reset"):
            await asyncio.sleep(3600 if fault == "hang" else 0)
            return _reset(request)
        content = self._completion(request, body, fault)
        if fault in ("cut", "trickle"):
            return await _send_badly(request, content, fault)
        if fault in ("invalid_json", "html"):
            text = content[: len(content) // 2] if fault == "invalid_json" else "<html><body>Login</body></html>"
            return web.Response(
                text=text, content_type="text/html" if fault == "html" else "application/json", headers=headers
            )
        return web.Response(text=content, content_type="application/json", headers=headers)

    def _refuse(self, request: web.Request, body: dict[str, Any], fault: str, headers: dict[str, str]) -> web.Response:
        status, code, message = STATUS_FAULTS[fault]
        sent_key = request.headers.get("Authorization", "").removeprefix("Bearer ")
        message = message.replace("{key}", sent_key).replace("{model}", str(body.get("model")))
        if status in (429, 503) and self.retry_after is not None:
            given = {"retry-after": self.retry_after} if isinstance(self.retry_after, str) else dict(self.retry_after)
            headers = headers | given
        if status == 301:
            headers = headers | {"location": "https://elsewhere.invalid/v1/chat/completions"}
        error = {"message": message, "type": code, "code": code, "param": None}
        return web.json_response({"error": error}, status=status, headers=headers)

    def _completion(self, request: web.Request, body: dict[str, Any], fault: str) -> str:
        text: str | None = (self.reply or default_reply)(body)
        refusal, finish = None, "stop"
        if fault == "echo_key":
            text = f"You sent {request.headers.get('Authorization')}."
        elif fault in ("empty", "null"):
            text = "" if fault == "empty" else None
        elif fault == "length":
            text, finish = (text or "")[:40], "length"
        elif fault == "content_filter":
            text, finish = None, "content_filter"
        elif fault == "refusal":
            text, refusal = None, "I can't help with that."
        content: Any = [{"type": "text", "text": text}] if fault == "parts" else text
        asked, answered = tokens_of(body), -(-len((text or "").encode()) // 4)
        reply: dict[str, Any] = {
            "id": f"fake-{sum(self.counts.values())}",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": body.get("model"),
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": content, "refusal": refusal},
                    "finish_reason": finish,
                }
            ],
            "usage": {"prompt_tokens": asked, "completion_tokens": answered, "total_tokens": asked + answered},
        }
        if fault == "no_choices":
            reply["choices"] = []
        if fault == "no_usage":
            del reply["usage"]
        if fault == "error_in_200":
            reply = {"error": {"message": "something went wrong upstream"}}
        return json.dumps(reply)


class Bucket:
    """A provider's own limit with its headers: refilled evenly; holds `burst` requests, or a minute's tokens."""

    def __init__(self, name: str, per_minute: int | None, burst: int) -> None:
        self.name, self.limit = name, per_minute or 0
        self.size = float(burst if name == "requests" else max(1, self.limit))
        self.level, self.filled = self.size, time.monotonic()

    def _fill(self) -> None:
        now = time.monotonic()
        self.level = min(self.size, self.level + (now - self.filled) * self.limit / 60)
        self.filled = now

    def wait(self, amount: float) -> float:
        """Seconds until `amount` is there; 0.0 when it is. More than the bucket holds passes when it is full."""
        self._fill()
        return max(0.0, (min(amount, self.size) - self.level) * 60 / self.limit)

    def take(self, amount: float) -> None:
        self.level -= amount

    def headers(self) -> dict[str, str]:
        full_in = max(0.0, (self.size - self.level) * 60 / self.limit)
        return {
            f"x-ratelimit-limit-{self.name}": str(self.limit),
            f"x-ratelimit-remaining-{self.name}": str(max(0, int(self.level))),
            f"x-ratelimit-reset-{self.name}": f"{int(full_in * 1000)}ms",
        }


async def _send_badly(request: web.Request, content: str, fault: str) -> web.StreamResponse:
    """`cut`: half of the promised body; `trickle`: all of it, a byte in 50 ms."""
    data = content.encode()
    response = web.StreamResponse(headers={"content-type": "application/json"})
    response.content_length = len(data)
    await response.prepare(request)
    if fault == "cut":
        await response.write(data[: len(data) // 2])
        return _reset(request, gently=True)
    for byte in data:
        await response.write(bytes([byte]))
        await asyncio.sleep(0.05)
    return response


def _reset(request: web.Request, gently: bool = False) -> web.Response:
    transport = request.transport
    if transport is not None:
        if not gently:
            # SO_LINGER of 0 s: closing sends RST instead of FIN.
            import socket

            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.close()
    return web.Response()


def tokens_of(body: Mapping[str, Any]) -> int:
    """4 bytes each, 100 for a picture."""
    text = json.dumps(body.get("messages"), ensure_ascii=False)
    pictures = re.findall(r'"url": ?"data:[^"]*"', text)
    return -(-len(text.encode()) // 4) - sum(len(picture) // 4 for picture in pictures) + 100 * len(pictures)


def default_reply(body: dict[str, Any]) -> str:
    """A post made of words of the prompt, or an instance of the schema asked for; the same for the same body."""
    dice = random.Random(json.dumps(body, sort_keys=True))
    schema = (body.get("response_format") or {}).get("json_schema", {}).get("schema") or _schema_in_prompt(body)
    if schema is not None:
        return json.dumps(instance(schema, schema, dice))
    if _format(body) == "json_object":
        return json.dumps({"answer": dice.randint(1, 10)})
    words = [word for word in dict.fromkeys(re.findall(r"[a-z]{4,12}", _last_text(body).lower()))]
    dice.shuffle(words)
    picked = " ".join(words[:8]) or "a quiet day"
    tag = words[0].capitalize() if words else "Today"
    return f"{dice.choice(OPENINGS)} {picked}. {dice.choice(CLOSINGS)} #{tag}"


def instance(schema: Mapping[str, Any], root: Mapping[str, Any], dice: random.Random) -> Any:
    """A value that the JSON schema allows; the keywords that structured outputs know."""
    if "$ref" in schema:
        target: Any = root
        for step in str(schema["$ref"]).removeprefix("#/").split("/"):
            target = target[step]
        return instance(target, root, dice)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return dice.choice(list(schema["enum"]))
    for union in ("anyOf", "oneOf"):
        if union in schema:
            return instance(schema[union][0], root, dice)
    kind = schema.get("type", "object")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        return {name: instance(part, root, dice) for name, part in schema.get("properties", {}).items()}
    if kind == "array":
        count = max(1, int(schema.get("minItems", 1)))
        return [instance(schema.get("items", {"type": "string"}), root, dice) for _ in range(count)]
    if kind in ("integer", "number"):
        low, high = schema.get("minimum", 1), schema.get("maximum", 10)
        return dice.randint(int(low), int(high))
    if kind == "boolean":
        return dice.random() < 0.5
    return (
        None
        if kind == "null"
        else f"It reads well, {dice.choice(['clear', 'warm', 'vivid', 'plain'])} and to the point."
    )


def _schema_in_prompt(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """Where json_schema is not to be had, the client puts the schema into the system prompt."""
    for message in body.get("messages", ()):
        content = message.get("content")
        _, found, rest = content.partition("JSON schema:\n") if isinstance(content, str) else ("", "", "")
        if found:
            schema: dict[str, Any] = json.JSONDecoder().raw_decode(rest)[0]
            return schema
    return None


def _format(body: Mapping[str, Any]) -> str | None:
    return (body.get("response_format") or {}).get("type")


def _last_text(body: Mapping[str, Any]) -> str:
    content = body["messages"][-1]["content"] if body.get("messages") else ""
    if isinstance(content, str):
        return content
    return " ".join(part.get("text", "") for part in content)


def http_date(seconds_from_now: float) -> str:
    return email.utils.formatdate(time.time() + seconds_from_now, usegmt=True)


def latencies(distribution: str, seed: int = 0) -> Callable[[], float] | float:
    """`0.2` (always), `uniform:0.1,0.3`, `lognormal:0.2,0.5` (median, sigma)."""
    name, _, numbers = distribution.partition(":")
    if not numbers:
        return float(name)
    first, second = (float(number) for number in numbers.split(","))
    dice = random.Random(seed)
    if name == "uniform":
        return lambda: dice.uniform(first, second)
    if name == "lognormal":
        return lambda: first * dice.lognormvariate(0, second)
    raise ValueError(f"no latency distribution {distribution!r}: a number, uniform:a,b or lognormal:median,sigma")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fake_provider", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--latency", default="0", help="seconds, uniform:a,b or lognormal:median,sigma")
    parser.add_argument("--fail", type=float, default=0.0, help="share of requests that fail")
    parser.add_argument("--fail-with", default=",".join(PASSING), help="faults to draw from")
    parser.add_argument("--rpm", type=int)
    parser.add_argument("--tpm", type=int)
    parser.add_argument("--key", help="refuse every other key")
    parser.add_argument("--without", default="", help="parameters or reply formats it does not know")
    parser.add_argument("--plain", action="store_true", help="one short reply for all, the cheapest to make")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    server = FakeProvider(
        latency=latencies(given.latency, given.seed),
        fail=given.fail,
        fail_with=given.fail_with.split(","),
        rpm=given.rpm,
        tpm=given.tpm,
        key=given.key,
        without=[name for name in given.without.split(",") if name],
        seed=given.seed,
        port=given.port,
        keep=False,
        reply=(lambda _: "A plain reply of twelve words for whoever measures how fast it comes.")
        if given.plain
        else None,
    )
    with server:
        print(f"{server.url} (statistics: http://127.0.0.1:{server.port}/stats)", flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print(json.dumps(server.stats))


if __name__ == "__main__":
    main()
