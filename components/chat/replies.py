"""Reads what a chat-completions server sent, whatever it sent, into a Reply. Pure: no I/O, and never an exception.

The classes and what follows from them are documented at Status.
"""

import email.utils
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from components.chat.outcome import Status
from components.chat.prices import Usage
from components.records import storable

NO_CREDIT = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "account_deactivated"})
DETAIL_LENGTH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One attempt. `billed`: money is due (usage tells how much), surely not, or perhaps (None). `no_credit` marks the
    429 that no waiting cures; `wait_s` is the server's own Retry-After."""

    status: Status
    text: str | None = None
    detail: str | None = None
    usage: Usage | None = None
    billed: bool | None = False
    no_credit: bool = False
    wait_s: float | None = None
    http_status: int | None = None
    raw: Any = None
    latency_ms: int = 0


def read_reply(http_status: int, headers: Mapping[str, str], body: str) -> Reply:
    try:
        # Nesting deep enough to exhaust the stack is as broken as no JSON at all.
        content = json.loads(body)
    except (ValueError, RecursionError):
        content = None
    if http_status == 200:
        return _read_answer(content, body)
    return _read_error(http_status, headers, content, body)


def _read_answer(content: Any, body: str) -> Reply:
    if not isinstance(content, dict):
        return _invalid(f"the reply is no JSON object: {_shorten(body)}", body[:2000], None)
    usage = _read_usage(content.get("usage"))
    choices = content.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, dict) or not isinstance(choice.get("message"), dict):
        said = _error_text(content) or _shorten(body)
        return _invalid(f"the reply has no choice: {said}", content, usage)
    message, finish = choice["message"], choice.get("finish_reason")
    text = _text_of(message.get("content"))
    refusal = message.get("refusal")
    common: dict[str, Any] = {"usage": usage, "billed": True, "http_status": 200, "raw": content}
    if isinstance(refusal, str) and refusal:
        return Reply(status=Status.refusal, detail=_shorten(refusal), **common)
    if finish == "content_filter":
        return Reply(status=Status.content_filter, detail="the endpoint's filter cut the reply", **common)
    if finish == "length":
        return Reply(status=Status.truncated, text=text, detail="cut at max_output_tokens", **common)
    if text is None or not text.strip():
        return _invalid(f"the reply is empty (finish_reason {finish})", content, usage)
    return Reply(status=Status.ok, text=text, **common)


def _invalid(detail: str, raw: Any, usage: Usage | None) -> Reply:
    billed = None if usage is None else True
    return Reply(status=Status.invalid_reply, detail=detail, usage=usage, billed=billed, http_status=200, raw=raw)


def _read_error(http_status: int, headers: Mapping[str, str], content: Any, body: str) -> Reply:
    error = content.get("error") if isinstance(content, dict) else None
    codes = {str(error.get(field)) for field in ("code", "type")} if isinstance(error, dict) else set()
    said = _error_text(content) or _shorten(body) or "no explanation"
    if 300 <= http_status < 400:
        said = f"moved to {_shorten(headers.get('location', ''))}"
    no_credit = bool(codes & NO_CREDIT)
    return Reply(
        status=Status.rate_limited if no_credit else _error_status(http_status, codes),
        detail=f"HTTP {http_status}: {said}",
        no_credit=no_credit,
        wait_s=retry_after(headers),
        http_status=http_status,
        raw=content if content is not None else body[:2000],
    )


def _error_status(http_status: int, codes: set[str]) -> Status:
    if "content_filter" in codes or "content_policy_violation" in codes:
        return Status.content_filter
    if http_status in (401, 402, 403):
        return Status.authentication
    if http_status in (404, 405, 410) or 300 <= http_status < 400:
        return Status.not_found
    if http_status == 408:
        return Status.timeout
    if http_status == 429:
        return Status.rate_limited
    if http_status in (409, 425) or http_status >= 500:
        return Status.server_error
    return Status.bad_request if http_status >= 400 else Status.invalid_reply


def _read_usage(usage: Any) -> Usage | None:
    if not isinstance(usage, dict):
        return None
    sent, got = _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))
    if sent is None or got is None:
        return None
    details = usage.get("prompt_tokens_details")
    details = details if isinstance(details, dict) else {}
    cached, written = _count(details.get("cached_tokens")), _count(details.get("cache_write_tokens"))
    said = usage.get("completion_tokens_details")
    reasoning = _count(said.get("reasoning_tokens")) if isinstance(said, dict) else 0
    return Usage(input=sent, output=got, cached=cached or 0, written=written or 0, reasoning=reasoning or 0)


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**9 else None


def _text_of(content: Any) -> str | None:
    """A string, or the text parts that some servers send instead."""
    if isinstance(content, str):
        return storable(content)
    if not isinstance(content, list):
        return None
    texts = [part.get("text") for part in content if isinstance(part, dict)]
    return storable("".join(text for text in texts if isinstance(text, str)))


def _error_text(content: Any) -> str:
    """OpenAI: {"error": {"message"}}; others: {"error": "..."}, {"message"}, {"detail"}."""
    if not isinstance(content, dict):
        return ""
    error = content.get("error")
    found = error.get("message") if isinstance(error, dict) else error
    return _shorten(str(found or content.get("message") or content.get("detail") or ""))


def _shorten(text: str) -> str:
    text = " ".join(storable(text[: 4 * DETAIL_LENGTH]).split())
    return text if len(text) <= DETAIL_LENGTH else text[:DETAIL_LENGTH] + "..."


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds from retry-after-ms, or from Retry-After as a number or an HTTP date; None where there is none that can
    be read. The caller caps it."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * unit
        except ValueError:
            continue
        if seconds >= 0:  # false for nan
            return seconds
    try:
        moment = email.utils.parsedate_to_datetime(headers.get("retry-after", ""))
        return max(0.0, moment.timestamp() - time.time())
    except (TypeError, ValueError, OverflowError):
        return None
