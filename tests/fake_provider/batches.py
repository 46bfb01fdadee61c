"""OpenAI's Batch API: batches of lines that are validated, run and finished in a time of their own.

    server.batches.hold = True                        batches stay in_progress until it is False
    server.batches.line_faults = deque(["500", ...])  one per line, then "ok": a status or a broken answer of
                                                      faults.py, or expired, missing, duplicate, broken, unknown,
                                                      refused_key (a parameter is refused, our key quoted)
    server.batches.faults["POST /batches"] = deque(["late"])    of the addresses themselves, see `_address`

A batch in which a line expired ends `expired`. What is enqueued counts by tokens until its batch has ended.
"""

import asyncio
import json
import random
import time
from collections import Counter, defaultdict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.fake_provider.faults import STATUS_FAULTS, quoting, refusal_of, reset
from tests.fake_provider.files import Files, refused
from tests.fake_provider.refusals import refusal
from tests.fake_provider.replies import format_of, tokens_of
from tests.fake_provider.responses import KNOWN, as_chat

if TYPE_CHECKING:
    from tests.fake_provider.server import FakeProvider

OPEN = ("validating", "in_progress", "finalizing", "cancelling")
NOT_RUN = {"expired": ("batch_expired", "This request could not be executed before the completion window expired.")}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Job:
    """A batch: what is told of it, and its lines."""

    id: str
    endpoint: str
    file_id: str
    metadata: dict[str, str] | None
    total: int = 0
    status: str = "validating"
    created_at: int = field(default_factory=lambda: int(time.time()))
    lines: list[dict[str, Any]] = field(default_factory=list)
    completed: int = 0
    failed: int = 0
    output_file: str | None = None
    error_file: str | None = None
    errors: list[dict[str, Any]] = field(default_factory=list)
    tokens: int = 0
    cancel: bool = False

    def told(self) -> dict[str, Any]:
        return {
            "id": self.id, "object": "batch", "endpoint": self.endpoint, "input_file_id": self.file_id,
            "completion_window": "24h", "status": self.status, "created_at": self.created_at,
            "expires_at": self.created_at + 86_400, "output_file_id": self.output_file,
            "error_file_id": self.error_file, "metadata": self.metadata,
            "errors": {"object": "list", "data": self.errors} if self.errors else None,
            "request_counts": {"total": self.total, "completed": self.completed, "failed": self.failed},
        }  # fmt: skip


class Batches:
    def __init__(self, server: "FakeProvider") -> None:
        self.server = server
        self.enabled = True
        self.hold = False
        self.step_s = 0.01
        """Between the states of a batch, and between its tenths."""
        self.most_lines, self.queue_tokens = 50_000, None
        self.page = 20
        self.late_s = 1.0
        self.unreadable = 0
        self.why_invalid: str | None = None
        """What every batch is refused for."""
        self.line_faults: deque[str] = deque()
        self.faults: dict[str, deque[str]] = defaultdict(deque)
        self.files = Files(200_000_000)
        self.jobs: dict[str, Job] = {}
        self.asked: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self.doubled = 0
        self._random = random.Random(0)
        self._tasks: set[asyncio.Task[None]] = set()

    queue_tokens: int | None

    @property
    def stats(self) -> dict[str, Any]:
        """`doubled`: lines that came while an open batch held the same call; `most_answered`: of one call."""
        return {
            "created": len(self.jobs), "uploaded": self.files.counts["uploaded"], "asked": dict(self.asked),
            "lines": sum(job.total for job in self.jobs.values()), "distinct": len(self.calls),
            "most_answered": max(self.calls.values(), default=0), "doubled": self.doubled,
        }  # fmt: skip

    def add_routes(self, app: web.Application) -> None:
        files = self.files
        for method, path, handler in (
            ("POST", "/files", files.upload),
            ("GET", "/files/{id}", files.told),
            ("DELETE", "/files/{id}", files.delete),
            ("GET", "/files/{id}/content", files.content),
            ("POST", "/batches", self._create),
            ("GET", "/batches", self._list),
            ("GET", "/batches/{id}", self._told),
            ("POST", "/batches/{id}/cancel", self._cancel),
        ):
            app.router.add_route(method, f"/v1{path}", self._address(f"{method} {path}", handler))

    def _address(self, name: str, handler: Handler) -> Handler:
        """Faults of an address: a status of faults.py, reset, cut (done, but half of the answer is sent), late (done
        at once, answered after `late_s`), slow (done after `late_s`), html."""

        async def answer(request: web.Request) -> web.StreamResponse:
            self.asked[name] += 1
            if not self.enabled:
                return web.Response(status=404, text="404: Not Found")
            key = self.server.key
            if key is not None and request.headers.get("Authorization") != f"Bearer {key}":
                return refused(
                    401, "invalid_api_key", f"Incorrect API key provided: {request.headers['Authorization']}"
                )
            fault = self.faults[name].popleft() if self.faults[name] else "ok"
            if fault in STATUS_FAULTS:
                await request.read()
                return refused(*refusal_of(fault, request))
            if fault == "reset":
                return reset(request)
            if fault == "html":
                return web.Response(text="<html>Login</html>", content_type="text/html")
            if fault == "slow":
                await request.read()
                await asyncio.sleep(self.late_s)
            response = await handler(request)
            if fault == "late":
                await asyncio.sleep(self.late_s)
            if fault == "cut":
                assert isinstance(response, web.Response)
                body = bytes(response.body or b"")  # type: ignore[arg-type]
                cut = web.StreamResponse(headers={"content-type": response.content_type})
                cut.content_length = len(body)
                await cut.prepare(request)
                await cut.write(body[: len(body) // 2])
                return reset(request, gently=True)
            return response

        return answer

    async def _create(self, request: web.Request) -> web.Response:
        asked = await request.json()
        if asked.get("completion_window") != "24h":
            return refused(400, "invalid_value", "completion_window must be 24h")
        file = self.files.kept.get(asked.get("input_file_id"))
        if file is None:
            return refused(400, "invalid_request_error", f"Cannot find file {asked.get('input_file_id')}")
        job = Job(f"batch_{len(self.jobs) + 1:04d}", asked["endpoint"], file.id, asked.get("metadata"))
        self.jobs[job.id] = job
        task = asyncio.get_running_loop().create_task(self._run(job, request))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return web.json_response(job.told())

    async def _told(self, request: web.Request) -> web.Response:
        job = self.jobs.get(request.match_info["id"])
        if job is None:
            return refused(404, "not_found", f"No batch found with id '{request.match_info['id']}'.")
        return web.json_response(job.told())

    async def _list(self, request: web.Request) -> web.Response:
        jobs = list(self.jobs.values())[::-1]
        after = request.query.get("after")
        if after is not None:
            jobs = jobs[[job.id for job in jobs].index(after) + 1 :]
        page = jobs[: min(self.page, int(request.query.get("limit", 20)))]
        return web.json_response(
            {"object": "list", "data": [job.told() for job in page], "has_more": len(page) < len(jobs)}
        )

    async def _cancel(self, request: web.Request) -> web.Response:
        job = self.jobs[request.match_info["id"]]
        job.cancel, job.status = True, "cancelling"
        return web.json_response(job.told())

    async def _run(self, job: Job, request: web.Request) -> None:
        await asyncio.sleep(self.step_s)
        if not self._valid(job):
            job.status = "failed"
            return
        others = [other for other in self.jobs.values() if other is not job and other.status in OPEN]
        held = {line["custom_id"] for other in others for line in other.lines}
        self.doubled += sum(line["custom_id"] in held for line in job.lines)
        job.status = "in_progress"
        out: list[bytes] = []
        bad: list[bytes] = []
        tenth = max(1, len(job.lines) // 10)
        order = self._random.sample(job.lines, len(job.lines))
        expired = False
        for number, line in enumerate(order):
            if number % tenth == 0:
                await asyncio.sleep(self.step_s)
            while self.hold and not job.cancel:
                await asyncio.sleep(0.01)
            if job.cancel:
                break
            expired |= self._do(job, line, request, out, bad)
        if not job.cancel:
            job.status = "finalizing"
            await asyncio.sleep(self.step_s)
        if out:
            job.output_file = self.files.add("output.jsonl", "batch_output", b"".join(out), self.unreadable).id
        if bad:
            job.error_file = self.files.add("errors.jsonl", "batch_output", b"".join(bad)).id
        job.status = "cancelled" if job.cancel else "expired" if expired else "completed"

    def _valid(self, job: Job) -> bool:
        """Fills in the lines; else the errors, as the real validation tells them."""
        file = self.files.kept.get(job.file_id)
        rows = [] if file is None else file.content.splitlines()
        keys: set[str] = set()
        errors: list[tuple[str, str, int | None]] = []
        if file is None:
            errors.append(("file_not_found", f"Cannot find file {job.file_id}", None))
        if len(rows) > self.most_lines:
            errors.append(
                ("too_many_tasks", f"The batch holds {len(rows)} of at most {self.most_lines} requests", None)
            )
        if self.why_invalid is not None:
            errors.append(("invalid_request", self.why_invalid, None))
        models = set()
        for number, row in enumerate(rows, 1):
            try:
                line = json.loads(row)
                key, body = line["custom_id"], line["body"]
            except (ValueError, KeyError):
                errors.append(("invalid_json_line", "This line is not parseable as valid JSON.", number))
                continue
            if key in keys:
                errors.append(("duplicate_custom_id", f"The custom_id {key} occurs twice.", number))
            if line.get("url") != job.endpoint or line.get("method") != "POST":
                errors.append(("url_mismatch", f"The URL {line.get('url')} is not that of the batch.", number))
            keys.add(key)
            models.add(body.get("model"))
            job.lines.append(line)
        if len(models) > 1:
            errors.append(("model_mismatch", "All requests of a batch must name one model.", None))
        job.tokens = sum(tokens_of(line["body"]) for line in job.lines)
        queued = sum(other.tokens for other in self.jobs.values() if other.status in OPEN)
        if self.queue_tokens is not None and queued > self.queue_tokens and not errors:
            message = f"Enqueued token limit reached. Limit: {self.queue_tokens} enqueued tokens."
            errors.append(("token_limit_exceeded", message, None))
        job.errors = [{"code": code, "message": said, "line": at, "param": None} for code, said, at in errors]
        job.total = 0 if errors else len(job.lines)
        if errors:
            job.lines = []
        return not errors

    def _do(self, job: Job, line: dict[str, Any], request: web.Request, out: list[bytes], bad: list[bytes]) -> bool:
        """Runs one line; True when it expired."""
        fault = self.line_faults.popleft() if self.line_faults else "ok"
        answer = {"id": f"batch_req_{len(out) + len(bad)}", "custom_id": line["custom_id"]}
        by_responses = job.endpoint == "/v1/responses"
        unknown = sorted(line["body"].keys() - KNOWN)[:1] if by_responses else []
        body = as_chat(line["body"]) if by_responses else line["body"]
        lacks = [name for name in sorted(self.server.without) if name in body or format_of(body) == name]
        if lacks or unknown:
            error = refusal((lacks or unknown)[0], body, by_responses)
            bad.append(packed(answer | {"response": {"status_code": 400, "body": error}, "error": None}))
            job.failed += 1
            return False
        if fault == "refused_key":
            said = quoting("Unsupported parameter: 'temperature' is not supported with key {key}.", request)
            error = {"error": {"message": said, "param": "temperature", "code": "unsupported_parameter"}}
            bad.append(packed(answer | {"response": {"status_code": 400, "body": error}, "error": None}))
            job.failed += 1
            return False
        if fault in NOT_RUN:
            code, message = NOT_RUN[fault]
            bad.append(packed(answer | {"response": None, "error": {"code": code, "message": message}}))
            return True
        if fault in STATUS_FAULTS:
            status, code, message = refusal_of(fault, request, str(body.get("model")))
            error = {"message": message, "type": code, "code": code, "param": None}
            bad.append(packed(answer | {"response": {"status_code": status, "body": {"error": error}}, "error": None}))
            job.failed += 1
            return False
        self.calls[line["custom_id"]] += 1
        job.completed += 1
        content = json.loads(self.server.completion(request, body, fault, by_responses))
        done = packed(answer | {"response": {"status_code": 200, "request_id": "r", "body": content}, "error": None})
        if fault == "broken":
            done = done[: len(done) // 2] + b"\n"
        if fault == "unknown":
            out.append(packed(answer | {"custom_id": "f" * 32, "response": None, "error": None}))
        if fault != "missing":
            out.extend([done] * (2 if fault == "duplicate" else 1))
        return False


def packed(line: dict[str, Any]) -> bytes:
    return json.dumps(line).encode() + b"\n"
