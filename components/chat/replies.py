"""What an attempt came to, and how refusals are read, which both interfaces write alike. Pure: no I/O, no exception.

chat_completions.py and responses.py read answers with the pieces here. The classes and what follows from them are
documented at Status.
"""

import email.utils
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from components.chat.blotting import blotted, blotted_cut
from components.chat.limits.headers import RateHeaders
from components.chat.outcome import Status
from components.chat.prices import Usage
from components.records import storable

NO_CREDIT = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "account_deactivated"})
_NO_MODEL = re.compile(
    r"\binvalid model(?: name|:)|\bnot a valid model\b|\bmodel not exist|\bserver is pinned to '"
    r"|\bmodel [`'\"]?\S{1,200} (?:does not exist|(?:is )?not found)",
    re.IGNORECASE,
)
"""How 400s say what others say by a 404: the LiteLLM proxy, OpenRouter and Mistral, DeepSeek, `transformers serve`."""
FILTERED = frozenset(
    {
        "content_filter",
        "content_policy_violation",
        "invalid_prompt",  # OpenAI's code for a prompt that "was flagged as potentially violating our usage policy"
        "image_content_policy_violation",
        "bio_policy",
        "misalignment_policy_violation",
    }
)
MOST_BYTES = 2 << 20
"""Of one answer, with all that an interface writes around it: four times the longest that models give (128,000 tokens).
What is longer is no answer, and is not read to its end."""
DETAIL_LENGTH = 500
RAW_LENGTH = 2000
GATEWAY_TIMEOUTS = frozenset({408, 504, 524})
"""What stands behind the gateway may have answered, and billed, after all: as with a time-out of our own."""


@dataclass(slots=True, kw_only=True)
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
    told_limits: RateHeaders | None = None

    def blot(self, secret: str | None) -> None:
        """Takes the key out of what is shown to people and read by the code; the journal takes it out of `raw`."""
        self.text = None if self.text is None else blotted(self.text, secret)
        self.detail = None if self.detail is None else blotted_cut(self.detail, secret)


def parsed(body: bytes) -> Any:
    """The JSON of a body, None where it is none."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        pass
    try:
        # What orjson is too strict for: halves of surrogate pairs, NaN, a byte order mark, a broken byte in a text.
        return json.loads(body.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError):
        # Nesting deep enough to exhaust the stack is as broken as no JSON at all.
        return None


def unparsed(body: bytes) -> str:
    """The beginning of a body, for a detail or a record."""
    return storable(body[:RAW_LENGTH].decode("utf-8", "replace"))


def too_long(usage: Usage | None = None) -> Reply:
    """A 200 whose body is longer than MOST_BYTES; nothing of it is kept but its usage, where that is known."""
    return invalid(f"the answer is longer than {MOST_BYTES >> 20} MiB", None, usage)


def invalid(detail: str, raw: Any, usage: Usage | None) -> Reply:
    """A 200 without an answer in it."""
    billed = None if usage is None else True
    return Reply(
        status=Status.invalid_reply, detail=storable(detail), usage=usage, billed=billed, http_status=200, raw=raw
    )


def read_error(http_status: int, headers: Mapping[str, str], body: bytes) -> Reply:
    """Every answer but a 200."""
    content = parsed(body)
    error = content.get("error") if isinstance(content, dict) else None
    codes = {str(error.get(field)) for field in ("code", "type")} if isinstance(error, dict) else set()
    said = error_text(content) or shorten(unparsed(body)) or "no explanation"
    if 300 <= http_status < 400:
        said = f"moved to {shorten(headers.get('location', ''))}"
    no_credit = bool(codes & NO_CREDIT)
    return Reply(
        status=Status.rate_limited if no_credit else _error_status(http_status, codes, said),
        detail=f"HTTP {http_status}: {said}",
        billed=None if http_status in GATEWAY_TIMEOUTS or http_status < 300 else False,
        no_credit=no_credit,
        wait_s=retry_after(headers),
        http_status=http_status,
        raw=content if content is not None else unparsed(body),
    )


def _error_status(http_status: int, codes: set[str], said: str) -> Status:
    if codes & FILTERED:
        return Status.content_filter
    if http_status in (401, 402, 403):
        return Status.authentication
    if http_status in (404, 405, 410) or 300 <= http_status < 400:
        return Status.not_found
    if http_status == 400 and ("model_not_found" in codes or _NO_MODEL.search(said)):
        return Status.not_found
    if http_status == 408:
        return Status.timeout
    if http_status == 429:
        return Status.rate_limited
    if http_status in (409, 425) or http_status >= 500:
        return Status.server_error
    return Status.bad_request if http_status >= 400 else Status.invalid_reply


def usage_of(content: Mapping[str, Any], sent: str, got: str) -> Usage | None:
    """The usage of an answer whose fields are called `sent`_tokens and `got`_tokens; None where it cannot be read."""
    usage = content.get("usage")
    if not isinstance(usage, dict):
        return None
    asked, answered = _count(usage.get(f"{sent}_tokens")), _count(usage.get(f"{got}_tokens"))
    if asked is None or answered is None:
        return None
    inside, outside = usage.get(f"{sent}_tokens_details"), usage.get(f"{got}_tokens_details")
    inside = inside if isinstance(inside, dict) else {}
    outside = outside if isinstance(outside, dict) else {}
    return Usage(
        input=asked,
        output=answered,
        cached=_count(inside.get("cached_tokens")) or 0,
        written=_count(inside.get("cache_write_tokens")) or 0,
        reasoning=_count(outside.get("reasoning_tokens")) or 0,
    )


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**9 else None


def json_value(text: str | None) -> Any:
    """The value, where the whole text is JSON; else None."""
    try:
        return None if text is None else json.loads(text)
    except (ValueError, RecursionError):
        return None


def error_text(content: Any) -> str:
    """OpenAI: {"error": {"message"}}; others: {"error": "..."}, {"message"}, {"detail"}."""
    if not isinstance(content, dict):
        return ""
    error = content.get("error")
    found = error.get("message") if isinstance(error, dict) else error
    return shorten(str(found or content.get("message") or content.get("detail") or ""))


def shorten(text: str) -> str:
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
