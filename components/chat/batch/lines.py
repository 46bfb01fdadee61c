"""The lines of a batch: what is handed in, and what comes back. Pure; a broken line is never an exception.

In:   {"custom_id": "<call key>", "method": "POST", "url": "/v1/chat/completions", "body": {...}}
Out:  {"custom_id": "<call key>", "response": {"status_code": 200, "body": {...}}, "error": null}
      {"custom_id": "<call key>", "response": null, "error": {"code": "batch_expired", "message": "..."}}

(OpenAI's guide to the Batch API, https://developers.openai.com/api/docs/guides/batch.) Lines come back in any order.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from components.chat.client import capabilities_of
from components.chat.outcome import FINAL, Status
from components.chat.providers import endpoint_of
from components.chat.replies import DETAIL_LENGTH, Reply, read_reply
from components.chat.request import ChatRequest
from components.chat.tokens import expected_tokens, most_tokens
from components.spec import ChatSpec

URLS = {"chat": "/v1/chat/completions", "responses": "/v1/responses"}
NEVER_RAN = frozenset({"batch_expired", "batch_cancelled"})
"""Codes of lines that were not executed, and are not billed."""

ASKED_WITHOUT = ("messages", "input", "instructions")


def body_of(request: ChatRequest) -> dict[str, Any]:
    """What a live call would send."""
    return capabilities_of(request.model, endpoint_of(request.model, request.endpoint)).body(request)


def line_of(request: ChatRequest, spec: ChatSpec) -> bytes:
    content = {"custom_id": request.key, "method": "POST", "url": URLS[spec.api], "body": body_of(request)}
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"


def asked_with(request: ChatRequest) -> dict[str, Any]:
    """The parameters of a call, without what it says."""
    return {name: value for name, value in body_of(request).items() if name not in ASKED_WITHOUT}


def learned_from(request: ChatRequest, asked: Mapping[str, Any], reply: Reply) -> bool:
    """True when the refusal was about how was asked, and asking in another way may help; as live calls learn it."""
    abilities = capabilities_of(request.model, endpoint_of(request.model, request.endpoint))
    return abilities.learn(asked, reply)


def parts(
    requests: Sequence[ChatRequest], sizes: Mapping[str, int], most_lines: int, most_bytes: int
) -> Iterator[list[ChatRequest]]:
    """As few files as the limits allow; a line that is too long alone is left to the endpoint's judgement."""
    part: list[ChatRequest] = []
    filled = 0
    for request in requests:
        size = sizes[request.key]
        if part and (len(part) >= most_lines or filled + size > most_bytes):
            yield part
            part, filled = [], 0
        part.append(request)
        filled += size
    if part:
        yield part


@dataclass(slots=True)
class Answers:
    """What the files of an ended batch hold: a Reply per known call, and how many lines were of no use."""

    replies: dict[str, Reply] = field(default_factory=dict)
    broken: int = 0
    unknown: int = 0
    duplicate: int = 0

    @property
    def lines(self) -> int:
        return len(self.replies) + self.broken + self.unknown + self.duplicate

    @property
    def oddities(self) -> str:
        named = {"broken": self.broken, "unknown": self.unknown, "duplicate": self.duplicate}
        return ", ".join(f"{count} {name}" for name, count in named.items() if count)

    def read(self, content: bytes, keys: Collection[str]) -> None:
        """The lines of one file. Of two lines for one call the first final one counts: it is one bill."""
        for text in content.split(b"\n"):
            if not text.strip():
                continue
            line = _parsed(text)
            key = line.get("custom_id") if line is not None else None
            if line is None or not isinstance(key, str):
                self.broken += 1
            elif key not in keys:
                self.unknown += 1
            elif key in self.replies:
                self.duplicate += 1
                if self.replies[key].status not in FINAL:
                    self.replies[key] = reply_of(line)
            else:
                self.replies[key] = reply_of(line)


def reply_of(line: Mapping[str, Any]) -> Reply:
    """A line as the answer to a live call would be read."""
    response, error = line.get("response"), line.get("error")
    if isinstance(response, dict) and isinstance(response.get("status_code"), int):
        return read_reply(response["status_code"], {}, json.dumps(response.get("body")))
    if isinstance(error, dict):
        code, said = str(error.get("code") or "error"), str(error.get("message") or "no explanation")
        never_ran = code in NEVER_RAN
        status = Status.expired if never_ran else Status.server_error
        detail = f"{code}: {said}"[:DETAIL_LENGTH]
        return Reply(status=status, detail=detail, billed=False if never_ran else None, raw=dict(line))
    return Reply(status=Status.expired, detail="the line has neither an answer nor an error", billed=None)


def missing(status: str) -> Reply:
    """For a call without a line. It may have been executed, so its worst case stays held."""
    return Reply(status=Status.expired, detail=f"the batch is {status} without a line for this call", billed=None)


def tokens_of(request: ChatRequest, price: Any) -> tuple[int, int, int]:
    """Expected prompt, most prompt, most reply."""
    return expected_tokens(request, price), most_tokens(request, price), request.max_output_tokens


def _parsed(text: bytes) -> dict[str, Any] | None:
    try:
        line = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return line if isinstance(line, dict) else None
