"""What a purchase would be before it is made: calls, tokens and money, and what the journal already holds."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from components.chat.journal import Journal
from components.chat.outcome import Status
from components.chat.prices import FILE, Usage, price_of
from components.chat.request import ChatRequest
from components.chat.tokens import expected_tokens
from components.spec import ChatSpec

HISTORY = 500
"""So many of the newest answers tell how long prompts and replies really are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`calls` would be bought, `cached` are in the journal; `usd_low`, `usd_high` are None where the price is unknown.
    `from_history`: replies are as long as those seen before; else between a quarter of `max_output_tokens` and all."""

    calls: int
    cached: int
    input_tokens: int
    output_low: int
    output_high: int
    usd_low: float | None
    usd_high: float | None
    from_history: bool = False


def estimate(requests: Sequence[ChatRequest], spec: ChatSpec, journal: Journal, prices: Path = FILE) -> Plan:
    """Buys nothing. Equal requests count once; the other copies are `cached`, as they will be."""
    price = price_of(spec.model, spec.endpoint, prices)
    known = journal.lookup_many(request.key for request in requests)
    missing = {request.key: request for request in requests if request.key not in known}
    expected = sum(expected_tokens(request, price) for request in missing.values())
    ratio, replies = _history(spec, next((request.stage for request in missing.values()), ""), journal)
    sent = math.ceil(expected * ratio)
    longest = sum(request.max_output_tokens for request in missing.values())
    if replies:
        low, high = (min(longest, round(length * len(missing))) for length in _mean_range(replies, len(missing)))
    else:
        low, high = longest // 4, longest
    return Plan(
        calls=len(missing),
        cached=len(requests) - len(missing),
        input_tokens=sent,
        output_low=low,
        output_high=high,
        usd_low=None if price is None else price.cost(Usage(input=sent, output=low)),
        usd_high=None if price is None else price.cost(Usage(input=sent, output=high)),
        from_history=bool(replies),
    )


def _history(spec: ChatSpec, stage: str, journal: Journal) -> tuple[float, list[int]]:
    """How many prompt tokens came per expected one, and the lengths of replies, of this model in this stage."""
    expected = seen = 0
    replies: list[int] = []
    for record in journal.records(newest_first=True):
        mine = record.get("model") == spec.model and record.get("stage") == stage and record["status"] == Status.ok
        if (
            not mine
            or record.get("attempts") != 1
            or not record.get("input_tokens")
            or not record.get("input_estimate")
        ):
            continue
        expected, seen = expected + record["input_estimate"], seen + record["input_tokens"]
        replies.append(record.get("output_tokens") or 0)
        if len(replies) == HISTORY:
            break
    return (seen / expected if expected else 1.0), replies


def _mean_range(lengths: list[int], calls: int) -> tuple[float, float]:
    """Two standard errors around the mean of `calls` further replies, and never less than 5 % of it."""
    mean = statistics.fmean(lengths)
    spread = statistics.stdev(lengths) if len(lengths) > 1 else mean / 2
    error = max(0.05 * mean, 2 * spread * math.sqrt(1 / len(lengths) + 1 / max(calls, 1)))
    return max(0.0, mean - error), mean + error
