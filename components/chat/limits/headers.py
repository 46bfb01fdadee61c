"""What an endpoint tells about its limits in the headers of its replies, as far as that is unambiguous.

Read: OpenAI's `x-ratelimit-{limit,remaining,reset}-{requests,tokens}` (which Azure, LiteLLM and Groq speak, too),
Anthropic's `anthropic-ratelimit-*`, Mistral's and Kong's names with the minute in them, and the IETF draft
(draft-ietf-httpapi-ratelimit-headers: `RateLimit-Policy` with a window of at most a minute). Pure; never an exception.

A limit per day under OpenAI's name (Groq's requests, free accounts) must not become a pace per minute: the time until
the quota is full again gives the window away.
"""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

LARGEST = 10**9
LONGEST_RESET_S = 86400.0
NOT_A_MINUTE_S = 600.0
"""A quota that takes longer than this to fill from empty is none per minute."""


@dataclass(frozen=True, slots=True)
class Told:
    """One limit: `per_minute`; `left` of it now; `reset_s` until it is full again (`fills`: a bucket), or until the
    next window begins with a full one (not `fills`)."""

    per_minute: int
    left: int | None = None
    reset_s: float | None = None
    fills: bool = True

    def share(self) -> float:
        """How much of the limit we should use, 0.05 to 1, going by what is left of it.

        Whoever sends evenly below a bucket's rate never empties it, so a bucket less than half full is being emptied
        by someone else on the account; our share then falls in proportion, and finds its balance with theirs. Believed
        only where the bucket really holds a minute's worth: then left and reset tell the same.
        """
        if self.left is None or self.reset_s is None:
            return 1.0
        if not self.fills:
            allowed = self.left * 60 / max(1.0, self.reset_s)
            return min(1.0, max(0.05, allowed / self.per_minute))
        if abs(self.reset_s - 60 * (1 - self.left / self.per_minute)) > 5:
            return 1.0
        return min(1.0, max(0.05, 2 * self.left / self.per_minute))


@dataclass(frozen=True, slots=True)
class RateHeaders:
    """What one reply told; None: nothing, or nothing that can be believed."""

    requests: Told | None = None
    tokens: Told | None = None


_NAMES = {
    kind: (
        tuple(f"x-ratelimit-{part}-{kind}" for part in ("limit", "remaining", "reset")),
        tuple(f"anthropic-ratelimit-{kind}-{part}" for part in ("limit", "remaining", "reset")),
        tuple(f"x-ratelimit-{part}-{minute}" for part in ("limit", "remaining", "reset")),
    )
    for kind, minute in (("requests", "req-minute"), ("tokens", "tokens-minute"))
}
_KONG = tuple(f"x-ratelimit-{part}-minute" for part in ("limit", "remaining", "reset"))
_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?")
_UNITS_S = (86400.0, 3600.0, 60.0, 1.0, 0.001)


def read_headers(headers: Mapping[str, str]) -> RateHeaders | None:
    """None where the reply tells nothing; names in any case."""
    said = {name.lower(): value for name, value in headers.items() if "ratelimit" in name or "atelimit" in name.lower()}
    if not said:
        return None
    requests = (
        next((told for names in (*_NAMES["requests"], _KONG) if (told := _read(said, names))), None)
        if not _per_day(said)
        else None
    ) or _ietf(said)
    tokens = next((told for names in _NAMES["tokens"] if (told := _read(said, names))), None)
    return RateHeaders(requests, tokens) if requests or tokens else None


def seconds_of(text: str) -> float | None:
    """ "1s", "6m0s", "120ms", "1h2m3.5s", "12.5" (seconds), or a moment in RFC 3339; None for anything else."""
    text = text.strip()
    found = _DURATION.fullmatch(text)
    if text and found:
        seconds = sum(float(part) * unit for part, unit in zip(found.groups(), _UNITS_S, strict=True) if part)
    else:
        try:
            seconds = float(text)
        except ValueError:
            try:
                seconds = max(0.0, datetime.fromisoformat(text).timestamp() - time.time())
            except (ValueError, OverflowError, OSError):
                return None
    return seconds if 0 <= seconds <= LONGEST_RESET_S else None  # false for nan


def _read(said: Mapping[str, str], names: tuple[str, ...]) -> Told | None:
    limit, left = _count(said.get(names[0])), _count(said.get(names[1]))
    if not limit:
        return None
    return Told(limit, left if left is not None and left <= limit else None, seconds_of(said.get(names[2], "")))


def _per_day(said: Mapping[str, str]) -> bool:
    told = _read(said, _NAMES["requests"][0])
    if told is None or told.left is None or told.reset_s is None or told.left >= told.per_minute:
        return False
    return told.reset_s >= 1 and told.reset_s * told.per_minute / (told.per_minute - told.left) > NOT_A_MINUTE_S


def _count(text: str | None) -> int | None:
    text = (text or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 and int(text) <= LARGEST else None


def _ietf(said: Mapping[str, str]) -> Told | None:
    """Of several policies the strictest that counts requests over at most a minute."""
    best: tuple[float, str, int] | None = None
    for policy in said.get("ratelimit-policy", "").split(","):
        name, fields = _item(policy)
        quota, window = _count(fields.get("q", name)), _count(fields.get("w"))
        if not quota or not window or window > 60 or fields.get("qu", "requests") != "requests":
            continue
        per_minute = quota * 60 / window
        if best is None or per_minute < best[0]:
            best = (per_minute, name, quota)
    if best is None or best[0] < 1:
        return None
    left, reset = _count(said.get("ratelimit-remaining")), _count(said.get("ratelimit-reset"))
    for item in said.get("ratelimit", "").split(","):
        name, fields = _item(item)
        if name == best[1]:
            left, reset = _count(fields.get("r")), _count(fields.get("t"))
    if left is None or left > best[2]:
        return Told(int(best[0]), fills=False)
    return Told(int(best[0]), left, None if reset is None else float(reset), fills=False)


def _item(text: str) -> tuple[str, dict[str, str]]:
    """`"name";q=100;w=60` of RFC 9651."""
    name, *rest = (part.strip() for part in text.split(";"))
    pairs = (part.partition("=") for part in rest)
    return name.strip('"'), {key.strip(): value.strip().strip('"') for key, _, value in pairs}
