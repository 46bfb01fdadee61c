"""The lines of a batch: what is handed in, and what comes back. Pure; a broken line is never an exception.

In:   {"custom_id": "<call key>", "method": "POST", "url": "/v1/chat/completions", "body": {...}}
Out:  {"custom_id": "<call key>", "response": {"status_code": 200, "body": {...}}, "error": null}
      {"custom_id": "<call key>", "response": null, "error": {"code": "batch_expired", "message": "..."}}

(OpenAI's guide to the Batch API, https://developers.openai.com/api/docs/guides/batch.) Lines come back in any order.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from components.chat.abilities import Abilities
from components.chat.client import DIALECTS
from components.chat.outcome import FINAL, Status
from components.chat.prices import Price
from components.chat.replies import DETAIL_LENGTH, MOST_BYTES, Reply, too_long
from components.chat.request import ChatRequest
from components.chat.tokens import expected_tokens, most_tokens

NEVER_RAN = frozenset({"batch_expired", "batch_cancelled"})
"""Codes of lines that were not executed, and are not billed."""

ASKED_WITHOUT = ("messages", "input", "instructions")


def url_of(api: str) -> str:
    """As OpenAI wants it in each line and of the batch, whatever the endpoint's own address is."""
    return f"/v1{DIALECTS[api].PATH}"


def line_of(request: ChatRequest, abilities: Abilities) -> bytes:
    """The body is the one that a live call would send."""
    body = DIALECTS[request.api].body(request, abilities)
    content = {"custom_id": request.key, "method": "POST", "url": url_of(request.api), "body": body}
    try:
        return orjson.dumps(content, option=orjson.OPT_APPEND_NEWLINE)
    except orjson.JSONEncodeError:  # half of a surrogate pair in a text
        return json.dumps(content, separators=(",", ":")).encode() + b"\n"


def asked_with(request: ChatRequest, abilities: Abilities) -> dict[str, Any]:
    """The parameters of a call, without what it says: what a refusal of how was asked is read against."""
    body = DIALECTS[request.api].body(request, abilities)
    return {name: value for name, value in body.items() if name not in ASKED_WITHOUT}


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

    def read(self, content: bytes, keys: Collection[str], api: str) -> None:
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
                    self.replies[key] = _reply_to(text, line, api)
            else:
                self.replies[key] = _reply_to(text, line, api)


def reply_of(line: Mapping[str, Any], api: str) -> Reply:
    """A line, read by the reader of live answers."""
    response, error = line.get("response"), line.get("error")
    if isinstance(response, dict) and isinstance(response.get("status_code"), int):
        return DIALECTS[api].read(response["status_code"], {}, json.dumps(response.get("body")).encode())
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


def tokens_of(request: ChatRequest, price: Price | None) -> tuple[int, int, int]:
    """Expected prompt, most prompt, most reply."""
    return expected_tokens(request, price), most_tokens(request, price), request.max_output_tokens


def _reply_to(text: bytes, line: Mapping[str, Any], api: str) -> Reply:
    reply = reply_of(line, api)
    if len(text) <= MOST_BYTES:
        return reply
    return too_long(reply.usage) if reply.http_status == 200 else replace(reply, raw=None)


def _parsed(text: bytes) -> dict[str, Any] | None:
    try:
        line = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return line if isinstance(line, dict) else None
