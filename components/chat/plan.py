"""What a purchase would be before it is made: calls, tokens and money, and what the journal already holds."""

import itertools
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from components.chat.journal import Journal
from components.chat.outcome import Status
from components.chat.prices import FILE, Usage, price_of
from components.chat.providers import endpoint_of
from components.chat.request import ChatRequest
from components.chat.tokens import expected_tokens
from components.specs import ChatSpec

HISTORY = 500
"""So many of the newest answers tell how long prompts and replies really are."""

LOOKED_AT = 20_000
"""Records, the newest, in which they are looked for: a journal of millions is not read for a plan."""


STEERS_LENGTH = ("max_output_tokens", "reasoning_effort", "api")
"""Fields of a question that make replies of another length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`calls` would be bought, `cached` are in the journal; `usd_low`, `usd_high` are None where the price is unknown,
    and at batch prices where the spec's mode is batch. Output includes reasoning.
    `from_history`: replies are as long as those seen before; else between a quarter of `max_output_tokens` and all.
    `batch_prices`: the money is counted at prices that the list has for batches."""

    calls: int
    cached: int
    input_tokens: int
    output_low: int
    output_high: int
    usd_low: float | None
    usd_high: float | None
    from_history: bool = False
    batch_prices: bool = False


def estimate(
    requests: Sequence[ChatRequest],
    spec: ChatSpec,
    journal: Journal,
    prices: Path = FILE,
    seen: "History | None" = None,
) -> Plan:
    """Buys nothing. Equal requests count once; the other copies are `cached`, as they will be. `seen`: what
    `history_of` has found for requests of this kind, so that parts of a whole need not look again."""
    price = price_of(spec.model, spec.endpoint, prices)
    known = journal.lookup_many(request.key for request in requests)
    missing = {request.key: request for request in requests if request.key not in known}
    expected = sum(expected_tokens(request, price) for request in missing.values())
    if seen is None:
        seen = _history(spec, next(iter(missing.values())), journal) if missing else History()
    sent = math.ceil(expected * seen.ratio)
    cached = round(sent * seen.cached)
    longest = sum(request.max_output_tokens for request in missing.values())
    if seen.replies:
        low, high = (min(longest, round(length * len(missing))) for length in _mean_range(seen.replies, len(missing)))
    else:
        low, high = longest // 4, longest
    by_batch = price.batch if price is not None and spec.mode == "batch" else None
    price = by_batch or price  # no call costs more for being in a batch
    return Plan(
        calls=len(missing),
        cached=len(requests) - len(missing),
        input_tokens=sent,
        output_low=low,
        output_high=high,
        usd_low=None if price is None else price.cost(Usage(input=sent, output=low, cached=cached)),
        usd_high=None if price is None else price.cost(Usage(input=sent, output=high, cached=cached)),
        from_history=bool(seen.replies),
        batch_prices=by_batch is not None,
    )


@dataclass(slots=True)
class History:
    """`ratio`: prompt tokens that came per expected one; `cached`: the share of them that the provider had cached."""

    ratio: float = 1.0
    cached: float = 0.0
    replies: list[int] = field(default_factory=list)


def history_of(requests: Sequence[ChatRequest], spec: ChatSpec, journal: Journal) -> History:
    """What the journal tells of the length of answers to requests like the first of these that it has none to."""
    known = journal.lookup_many(request.key for request in requests)
    like = next((request for request in requests if request.key not in known), None)
    return History() if like is None else _history(spec, like, journal)


def _history(spec: ChatSpec, like: ChatRequest, journal: Journal) -> History:
    """Of answers that were asked for as `like` is: model, endpoint, stage, longest reply, effort of reasoning. Where no
    records of their questions are kept, the last two cannot be told, and are taken for equal."""
    endpoint, asked = endpoint_of(spec.model, spec.endpoint), like.record()
    expected = sent = cached = 0
    found = History()
    for record in itertools.islice(journal.records(newest_first=True), LOOKED_AT):
        mine = (
            record.get("model") == spec.model
            and record.get("stage") == like.stage
            and record.get("endpoint") == endpoint
            and record["status"] in (Status.ok, Status.truncated)
            and record.get("attempts") == 1
        )
        if not mine or not record.get("input_tokens") or not record.get("input_estimate"):
            continue
        question = record.get("request") or {}
        if any(question.get(name, asked.get(name)) != asked.get(name) for name in STEERS_LENGTH):
            continue
        expected, sent = expected + record["input_estimate"], sent + record["input_tokens"]
        cached += record.get("cached_tokens") or 0
        found.replies.append(record.get("output_tokens") or 0)
        if len(found.replies) == HISTORY:
            break
    if expected:
        found.ratio, found.cached = sent / expected, cached / sent
    return found


def _mean_range(lengths: list[int], calls: int) -> tuple[float, float]:
    """Two standard errors around the mean of `calls` further replies, and never less than 5 % of it."""
    mean = statistics.fmean(lengths)
    spread = statistics.stdev(lengths) if len(lengths) > 1 else mean / 2
    error = max(0.05 * mean, 2 * spread * math.sqrt(1 / len(lengths) + 1 / max(calls, 1)))
    return max(0.0, mean - error), mean + error
