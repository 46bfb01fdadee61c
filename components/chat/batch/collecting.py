"""Collecting: the lines of an ended batch become records in the journal, one per line, however often it is killed.

Whoever collects holds the entry's lock. The entry says `collecting` before the first record is written, so that a
second try asks the journal which records of this batch it has already, and `collected` when all are on the disk and
its money is settled. An ended batch that lacks lines is left for later looks, and then taken as it is.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from components.chat.batch.books import close
from components.chat.batch.desk import Desk
from components.chat.batch.lines import Answers, missing
from components.chat.batch.register import Entry, sync
from components.chat.batch.service import Seen, Trouble
from components.chat.blotting import blotted
from components.chat.kept import outcome_of, said
from components.chat.outcome import STOPPING, ChatOutcome, Status
from components.chat.prices import Price
from components.chat.replies import Reply
from components.chat.request import ChatRequest
from components.errors import PostwrightError, ProviderStopped

BREATH = 50


@dataclass(slots=True)
class Collected:
    """`outcomes` of every line; `otherwise`: calls that are to be asked in another way. `stop`: no use to go on."""

    outcomes: dict[str, ChatOutcome] = field(default_factory=dict)
    otherwise: set[str] = field(default_factory=set)
    stop: PostwrightError | None = None


async def collect(desk: Desk, entry: Entry, seen: Seen, requests: Mapping[str, ChatRequest]) -> Collected | None:
    """None when the files cannot be read yet. `requests` are those at hand; the batch may hold others."""
    answers = await _download(desk, entry, seen)
    if answers is None:
        return None
    known: dict[str, dict[str, Any]] = {}
    if entry.state in ("collecting", "settling"):
        known = {r["call_key"]: r for r in desk.journal.records() if r.get("batch_id") == entry.batch_id}
    desk.journal.ready()
    if entry.state != "settling":  # then its money may be counted in one of its purses
        entry.state, entry.seen = "collecting", seen.status
        desk.register.save(entry)
    collected, cost, held = Collected(), 0.0, 0.0
    for number, key in enumerate(list(entry.lines)):
        reply, request = answers.replies.get(key) or missing(seen.status), requests.get(key)
        if key not in known and desk.abilities.learn(entry.asked, reply):
            collected.otherwise.add(key)
            continue
        record = known.get(key) or _record(desk, entry, key, reply, request)
        if key not in known:
            desk.journal.append(record, redact=desk.api_key)
        cost, held = cost + (record["cost_usd"] or 0.0), held + (record["held_usd"] or 0.0)
        collected.outcomes[key] = outcome_of(record, bought=True)
        collected.stop = collected.stop or _why_stopped(desk, reply)
        if number % BREATH == 0:
            await asyncio.sleep(0)
    sync(desk.journal.ready())
    entry.cost_usd, entry.held_usd, entry.state = cost, held, "collected"
    told = answers.oddities
    close(desk.ledger, desk.register, entry)
    answered = sum(outcome.status is Status.ok for outcome in collected.outcomes.values())
    odd = f"; of no use: {told} lines" if told else ""
    desk.say(f"batch {entry.batch_id}: {seen.status}, {answered} of {entry.count} answered{odd}")
    if seen.status == "cancelled":
        why = f"batch {entry.batch_id} was cancelled ({answered} of {entry.count} answered, they are kept)"
        collected.stop = collected.stop or ProviderStopped(f"{why}: run the same command again to hand in the rest")
    return collected


def fail(desk: Desk, entry: Entry, seen: Seen) -> None:
    """The endpoint refused the whole batch; nothing of it ran, nothing is billed."""
    entry.codes = sorted({code for code, _ in seen.errors})
    shown = "; ".join(blotted(message, desk.api_key) for _, message in seen.errors[:3]) or "no reason given"
    more = f" and {len(seen.errors) - 3} more" if len(seen.errors) > 3 else ""
    entry.why = f"batch {entry.batch_id} of {entry.count} calls failed: {shown}{more}"
    entry.state, entry.seen = "failed", seen.status
    close(desk.ledger, desk.register, entry)


async def _download(desk: Desk, entry: Entry, seen: Seen) -> Answers | None:
    """A batch may say that it has ended before its files can be read, or are whole: then later again."""
    answers = Answers()
    files = [file for file in (seen.output_file, seen.error_file) if file is not None]
    try:
        for file_id in files:
            answers.read(await desk.service.content(file_id), entry.lines, desk.spec.api)
        for reply in answers.replies.values():
            reply.blot(desk.api_key)
    except Trouble as trouble:
        if trouble.status in STOPPING and trouble.reply.http_status not in (404, 409):
            raise desk.stopped(trouble, f"reading the answers of batch {entry.batch_id}") from None
        if desk.impatient(entry.local_id):
            stopped = f"the answers of batch {entry.batch_id} cannot be read ({trouble}); they wait at the endpoint"
            raise ProviderStopped(stopped) from None
        return None
    whole = answers.lines >= seen.lines and (bool(files) or not entry.lines)
    if not whole and not _long_enough(desk, entry):
        return None
    desk.unready.pop(entry.local_id, None)
    return answers


def _long_enough(desk: Desk, entry: Entry) -> bool:
    """Counts one more look at an ended batch that is not whole; kept in the register, as each look may be another
    command's. True when nothing more is to be expected."""
    now = datetime.now(UTC)
    entry.ended_at = entry.ended_at or now.isoformat()
    entry.unwhole += 1
    desk.register.save(entry)
    seconds = (now - datetime.fromisoformat(entry.ended_at)).total_seconds()
    return entry.unwhole > desk.pace.patience or seconds > desk.pace.whole_s


def _record(desk: Desk, entry: Entry, key: str, reply: Reply, request: ChatRequest | None) -> dict[str, Any]:
    """As caller.py writes it for a live call, `mode` and `batch_id` beside it. One line is one attempt."""
    line, usage, price = entry.lines[key], reply.usage, _price_of(entry, desk.price)
    cost, held, unknown = 0.0, 0.0, price is None
    if price is not None and reply.billed and usage is not None:
        cost = price.cost(usage)
    elif price is not None and reply.billed is not False:
        held = price.most(line.most_input, line.most_output)
        unknown = reply.http_status == 200
    now = datetime.now(UTC)
    return {
        "call_key": key,
        "status": reply.status.value,
        "model": entry.model,
        "endpoint": entry.endpoint,
        "stage": line.stage,
        # The run that handed it in, unless this one goes on with its purse.
        "run_id": desk.run_id if desk.purse == entry.purse else entry.run_id,
        "spec_id": entry.spec_id or desk.spec_id,
        "mode": "batch",
        "batch_id": entry.batch_id,
        "api": desk.spec.api,
        "sent_without": entry.sent_without,
        "attempts": 1,
        "input_estimate": line.expected,
        "input_tokens": None if usage is None else usage.input,
        "output_tokens": None if usage is None else usage.output,
        "cached_tokens": None if usage is None else usage.cached,
        "reasoning_tokens": None if usage is None else usage.reasoning,
        "cost_usd": None if unknown else cost,
        "held_usd": held,
        "price_date": None if price is None else price.date,
        "latency_ms": round((now - entry.begun).total_seconds() * 1000),
        **said(reply, request, now),
    }


def _price_of(entry: Entry, now: Price | None) -> Price | None:
    """The price at which it was handed in: what it may cost was reserved by that. An entry of before kept the date of
    that list, and not the price."""
    if entry.price is not None:
        return Price(**entry.price)
    return now if entry.price_date is not None else None


def _why_stopped(desk: Desk, reply: Reply) -> PostwrightError | None:
    """A line that says what every further one would say."""
    if reply.status not in STOPPING and not reply.no_credit:
        return None
    return desk.stopped(Trouble(reply), f"asking {desk.spec.model} in a batch")
