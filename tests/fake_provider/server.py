"""The server itself: an aiohttp application in a thread of its own."""

import asyncio
import email.utils
import hashlib
import json
import random
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

from aiohttp import web

from tests.fake_provider.batches import Batches
from tests.fake_provider.buckets import Limits
from tests.fake_provider.faults import PASSING, STATUS_FAULTS, refusal_of, reset, send_badly
from tests.fake_provider.refusals import json_unsaid, refusal
from tests.fake_provider.replies import default_reply, format_of, tokens_of
from tests.fake_provider.responses import KNOWN, as_chat, as_response


class FakeProvider:
    """Use it as a context manager: the server lives in a thread of its own. `seen` holds every request body it got, in
    order of arrival, `headers` their headers; `stats` counts; `bodies` and `answered` count requests and good answers
    by the SHA-256 of the request's body. Change `faults`, `latency`, `reply` while it runs."""

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
        slots: int | None = None,
        tells: bool = True,
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
        self.answered: Counter[str] = Counter()
        self.in_flight = self.peak = 0
        self._random = random.Random(seed)
        self.limits = Limits(rpm, tpm, burst, slots, tells)
        self.batches = Batches(self)
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
        if self._thread.is_alive():  # else it was stopped before, to be gone for a while
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
            "batches": self.batches.stats,
        }

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        app = web.Application(client_max_size=256 * 2**20)
        app.router.add_post("/v1/chat/completions", self._answer)
        self.batches.add_routes(app)
        app.router.add_post("/v1/responses", self._answer)
        app.router.add_get("/stats", self._stats)
        app.router.add_post("/limits", self._change)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)

        async def start() -> None:
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", self._wanted_port, backlog=1024)
            await site.start()
            self.port = runner.addresses[0][1]

        self._loop.run_until_complete(start())
        self._loop.call_soon(self._started.set)  # a stop that came before run_forever would be lost
        self._loop.run_forever()
        self._loop.run_until_complete(runner.cleanup())
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self._loop.close()

    async def _stats(self, _: web.Request) -> web.Response:
        return web.json_response(self.stats)

    async def _change(self, request: web.Request) -> web.Response:
        """{"rpm": 6000}: see Limits.change; for whoever is in another process."""
        self.limits.change(**await request.json())
        return web.json_response({})

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        body = json.loads(raw)
        self.arrivals.append(time.monotonic())
        digest = hashlib.sha256(raw).hexdigest()
        self.bodies[digest] += 1
        if self.keep:
            self.seen.append(body)
            self.headers.append(dict(request.headers))
        unknown = sorted(body.keys() - KNOWN) if _by_responses(request) else []
        if _by_responses(request):
            body = as_chat(body)
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        try:
            fault, headers = self._fault(request, body)
            if unknown and fault == "ok":
                fault = f"without {unknown[0]}"
            self.counts[fault] += 1
            latency = self.latency() if callable(self.latency) else self.latency
            if latency and fault not in ("401", "429"):
                await asyncio.sleep(latency)
            response = await self._end(request, body, fault, headers)
            if fault == "ok":
                self.answered[digest] += 1
            return response
        except ConnectionResetError:  # the client gave up first
            return web.Response()
        finally:
            self.in_flight -= 1

    def _fault(self, request: web.Request, body: dict[str, Any]) -> tuple[str, dict[str, str]]:
        if self.key is not None and request.headers.get("Authorization") != f"Bearer {self.key}":
            return "401", {}
        allowed, headers = self.limits.ask(tokens_of(body), self.in_flight - 1)
        if not allowed:
            return "429", headers
        if unsupported := next(
            (name for name in sorted(self.without) if name in body or format_of(body) == name), None
        ):
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
            return web.json_response(refusal(name, body, _by_responses(request)), status=400, headers=headers)
        if unsaid := json_unsaid(body, _by_responses(request)):
            return web.json_response(unsaid, status=400, headers=headers)
        if fault in STATUS_FAULTS:
            return self._refuse(request, body, fault, headers)
        if fault in ("hang", "reset"):
            await asyncio.sleep(3600 if fault == "hang" else 0)
            return reset(request)
        content = self.completion(request, body, fault, _by_responses(request))
        if fault in ("cut", "trickle", "endless"):
            return await send_badly(request, content, fault)
        if fault in ("invalid_json", "html"):
            text = content[: len(content) // 2] if fault == "invalid_json" else "<html><body>Login</body></html>"
            return web.Response(
                text=text, content_type="text/html" if fault == "html" else "application/json", headers=headers
            )
        return web.Response(text=content, content_type="application/json", headers=headers)

    def _refuse(self, request: web.Request, body: dict[str, Any], fault: str, headers: dict[str, str]) -> web.Response:
        status, code, message = refusal_of(fault, request, str(body.get("model")))
        if status in (429, 503) and self.retry_after is not None:
            given = {"retry-after": self.retry_after} if isinstance(self.retry_after, str) else dict(self.retry_after)
            headers = headers | given
        if status == 301:
            headers = headers | {"location": "https://elsewhere.invalid/v1/chat/completions"}
        error = {"message": message, "type": code, "code": code, "param": None}
        return web.json_response({"error": error}, status=status, headers=headers)

    def completion(self, request: web.Request, body: dict[str, Any], fault: str, by_responses: bool) -> str:
        """The answer to a call, or to a line of a batch; `body` is of chat completions."""
        text: str | None = (self.reply or default_reply)(body)
        refusal, finish = None, "stop"
        if fault == "echo_key":
            text = f"You sent {request.headers.get('Authorization')}."
        elif fault in ("empty", "null"):
            text = "" if fault == "empty" else None
        elif fault == "long":
            text = (text or "") + " and so on" * 500_000
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
        return json.dumps(as_response(reply, fault) if by_responses else reply)


def _by_responses(request: web.Request) -> bool:
    return request.path.endswith("/responses")


def http_date(seconds_from_now: float) -> str:
    return email.utils.formatdate(time.time() + seconds_from_now, usegmt=True)
