"""What a record of a call keeps, and how it serves its answer again.

keep="everything" keeps the record as it is: the question with its messages (pictures by hash), the raw response, the
reply's text, its parsed value, the server's words of refusal.

keep="values" keeps no texts but the one that is paid for:

| kept                                                                        | not kept                             |
|-----------------------------------------------------------------------------|--------------------------------------|
| call_key, status, model, endpoint, api, mode, stage                         | the question: messages, schema, seed |
| run_id, spec_id, batch_id, created_at, latency_ms, attempts                 | the raw response, with any reasoning |
| input_estimate, tokens of every kind, cost_usd, held_usd, price_date        | pictures                             |
| sent_without (names of parameters)                                          | what a refusal or an error says      |
| `value`, the reply as JSON, where that is what it is;                       | `text`, where `value` is kept        |
| else `text`, the reply itself: an answer that is bought once must be served |                                      |
| `detail`: only "HTTP 400" and the like, where the server's own words follow |                                      |
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from components.chat.outcome import ChatOutcome, Status
from components.chat.replies import Reply, json_value
from components.chat.request import ChatRequest
from components.chat.segments import dump

Keep = Literal["everything", "values"]
KEEPS: tuple[Keep, ...] = ("everything", "values")

_MEASURES = (
    "call_key", "status", "model", "endpoint", "api", "mode", "stage", "run_id", "spec_id", "batch_id", "created_at",
    "latency_ms", "attempts", "input_estimate", "input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens",
    "cost_usd", "held_usd", "price_date", "sent_without",
)  # fmt: skip


def said(reply: Reply, request: ChatRequest | None, now: datetime) -> dict[str, Any]:
    """What a record has of the question, which may not be at hand, and of its answer. `value` is the reply as JSON,
    where a schema was asked for and the whole text is JSON."""
    by_schema = request is not None and request.schema is not None
    return {
        "text": reply.text,
        "value": json_value(reply.text) if by_schema else None,
        "detail": reply.detail,
        "created_at": now.isoformat(),
        "request": None if request is None else request.record(),
        "response": reply.raw,
    }


def only_values(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record as keep="values" keeps it."""
    kept = {name: record[name] for name in _MEASURES if name in record}
    answered = record["status"] in (Status.ok, Status.truncated)
    if answered and record.get("value") is not None:
        kept["value"] = record["value"]
    elif answered:
        kept["text"] = record.get("text")
    code = re.match(r"HTTP \d{3}", record.get("detail") or "")
    return kept | {"detail": code and code[0]}


def outcome_of(record: Mapping[str, Any], bought: bool = False) -> ChatOutcome:
    text, value = record.get("text"), record.get("value")
    return ChatOutcome(
        key=record["call_key"],
        status=Status(record["status"]),
        text=dump(value).decode() if text is None and value is not None else text,
        detail=record.get("detail"),
        input_tokens=record.get("input_tokens"),
        output_tokens=record.get("output_tokens"),
        cost_usd=record.get("cost_usd"),
        latency_ms=record.get("latency_ms") or 0,
        attempts=record.get("attempts") or 0,
        bought=bought,
    )
