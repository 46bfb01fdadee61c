"""Handing in: claim the calls in the register, upload their file, create the batch, and never create it twice.

A creation whose answer was lost may have made a batch. It is looked for by our id in its metadata; where it is not
found, its input file is deleted before anything is handed in again: a batch that is made late can then not run.
"""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import IO, TypeVar

from components.chat.batch.books import close, keep, reserve_most
from components.chat.batch.desk import Desk
from components.chat.batch.lines import asked_with, line_of, parts, tokens_of, url_of
from components.chat.batch.register import Entry, Line, Lock, new_id
from components.chat.batch.service import Seen, Trouble
from components.chat.outcome import ChatOutcome, Status
from components.chat.request import ChatRequest
from components.errors import BudgetExceeded

T = TypeVar("T")
UNSURE = frozenset({Status.connection, Status.timeout, Status.invalid_reply, Status.server_error})
"""A creation that ended so may have made a batch."""

YOUNG_S = 60.0
BREATH = 50
"""After so many lines other tasks get their turn."""


@dataclass(slots=True)
class Claimed:
    """`hits` were answered meanwhile, `others` hold calls that we want; `made` are ours now, with their locks.
    `short`: the budget has no room for the rest until something is settled; `broke` where nothing of it fits, `bound`
    (see Ledger.bound_by_batches) where batches under way hold what is missing."""

    hits: list[ChatOutcome] = field(default_factory=list)
    others: list[Entry] = field(default_factory=list)
    made: list[tuple[Entry, Lock, list[ChatRequest]]] = field(default_factory=list)
    short: bool = False
    broke: BudgetExceeded | None = None
    bound: tuple[str, float] | None = None


async def sizes_of(desk: Desk, requests: Sequence[ChatRequest], known: dict[str, int]) -> Mapping[str, int]:
    """Bytes of each call's line; pictures make them long, so this is done before the register is locked."""
    for number, request in enumerate(requests):
        if request.key not in known:
            known[request.key] = len(line_of(request, desk.abilities))
        if number % BREATH == 0:
            await asyncio.sleep(0)
    return known


async def claim(
    desk: Desk, wanted: Sequence[ChatRequest], sizes: Mapping[str, int], max_lines: int, max_parts: int | None
) -> Claimed:
    """Under the register's lock: what no open batch holds becomes an entry, its money reserved, before it is sent."""
    claimed, fresh = Claimed(), []
    async with desk.register.claiming():
        desk.journal.refresh()
        holders = {key: entry for entry in desk.register.open_entries() for key in entry.lines}
        others: dict[str, Entry] = {}
        for request in wanted:
            if hit := desk.journal.lookup(request.key):
                claimed.hits.append(hit)
            elif entry := holders.get(request.key):
                others[entry.local_id] = entry
            else:
                fresh.append(request)
        claimed.others = list(others.values())
        for part in list(parts(fresh, sizes, max_lines, desk.pace.max_bytes))[:max_parts]:
            if not await _claim_part(desk, part, claimed):
                break
    return claimed


async def _claim_part(desk: Desk, part: list[ChatRequest], claimed: Claimed) -> bool:
    """False when the budget has no room for all of it."""
    tokens = [tokens_of(request, desk.price) for request in part]
    try:
        reservation, count = reserve_most(
            desk.ledger, desk.spec.model, desk.price, [(sent, got) for _, sent, got in tokens]
        )
    except BudgetExceeded as error:
        claimed.short, claimed.broke = True, error
        return False
    if reservation is None:
        assert desk.price is not None, "what has no price is never short of money"
        claimed.short, claimed.bound = True, desk.ledger.bound_by_batches(desk.price.most(*tokens[0][1:]))
        return False
    taken = part[:count]
    entry = Entry(
        local_id=new_id(),
        endpoint=desk.service.endpoint,
        model=desk.spec.model,
        url=url_of(desk.spec.api),
        run_id=desk.run_id,
        purse=desk.purse,
        lines={one.key: Line(one.stage, *numbers) for one, numbers in zip(taken, tokens, strict=False)},
        count=count,
        asked=asked_with(taken[0], desk.abilities),
        sent_without=desk.abilities.sent_without(taken[0]),
        price_date=None if desk.price is None else desk.price.date,
        price=None if desk.price is None else asdict(desk.price),
        spec_id=desk.spec_id,
        effort=desk.spec.reasoning_effort,
        reserved_usd=reservation.usd,
    )
    lock = desk.register.try_lock(entry.local_id)
    assert lock is not None, "a new id is nobody else's"
    try:
        desk.register.save(entry)
    except BaseException:  # nothing says that there is such a batch, so nothing may be reserved for it
        reservation.settle()
        lock.release()
        raise
    keep(desk.ledger, entry, reservation)
    claimed.made.append((entry, lock, taken))
    claimed.short = count < len(part)
    return not claimed.short


async def hand_in(desk: Desk, entry: Entry, requests: Sequence[ChatRequest]) -> bool:
    """Upload and create; False when it cannot be told why no batch came of it, so that it is to be handed in anew.

    Raises UserError where the endpoint has no batches, ProviderStopped where it refuses. The caller holds the lock.
    """
    try:
        with tempfile.TemporaryFile(dir=desk.register.folder) as file:
            for number, request in enumerate(requests):
                desk.journal.keep_pictures(request)
                file.write(line_of(request, desk.abilities))
                if number % BREATH == 0:
                    await asyncio.sleep(0)
            entry.file_id = await _upload(desk, entry, file)
    except BaseException:  # a cancellation too must free the money that is reserved
        give_up(desk, entry)  # no more than a file can be there, and a file costs nothing
        raise
    entry.state = "uploaded"
    desk.register.save(entry)
    seen = await _create(desk, entry)
    if seen is None:
        give_up(desk, entry)
        return False
    adopt(desk, entry, seen)
    desk.say(f"batch {seen.batch_id}: {entry.count} calls handed in")
    return True


async def heal(desk: Desk, entry: Entry) -> None:
    """For a batch whose process died while handing it in: adopt it, or make sure that it is none. The caller holds the
    lock; afterwards the entry is open or forgotten."""
    if entry.state == "intent" or entry.file_id is None:
        give_up(desk, entry)
        return
    seen = await _find_or_fence(desk, entry)
    if seen is None:
        give_up(desk, entry)
        return
    adopt(desk, entry, seen)
    desk.say(f"batch {seen.batch_id}: found again, {entry.count} calls")


def adopt(desk: Desk, entry: Entry, seen: Seen) -> None:
    entry.batch_id, entry.seen, entry.state = seen.batch_id, seen.status, "open"
    desk.register.save(entry)


def give_up(desk: Desk, entry: Entry) -> None:
    """There is no such batch, and there will be none."""
    entry.state = "void"
    close(desk.ledger, desk.register, entry)


async def _upload(desk: Desk, entry: Entry, file: IO[bytes]) -> str:
    async def once() -> str:
        file.seek(0)
        return await desk.service.upload(file, entry.local_id)

    try:
        return await patiently(desk, once)
    except Trouble as trouble:
        if trouble.unsupported:
            raise desk.no_batches(trouble) from None
        raise desk.stopped(trouble, "handing in a batch") from None


async def _create(desk: Desk, entry: Entry) -> Seen | None:
    assert entry.file_id is not None
    failures = 0
    while True:
        try:
            return await desk.service.create(entry.file_id, entry.url, entry.local_id)
        except Trouble as trouble:
            if trouble.status in UNSURE:
                return await _find_or_fence(desk, entry)
            failures += 1
            later = (trouble.passing or trouble.file_unknown) and failures <= desk.pace.patience
            if not later:
                give_up(desk, entry)
                if trouble.unsupported and not trouble.file_unknown:
                    raise desk.no_batches(trouble) from None
                raise desk.stopped(trouble, "creating a batch") from None
            await asyncio.sleep(desk.pace.backoff(failures, trouble.reply.wait_s))


async def _find_or_fence(desk: Desk, entry: Entry) -> Seen | None:
    """The batch that carries our id; None when there is none and, its file being deleted, none can come to run."""
    assert entry.file_id is not None
    young = (datetime.now(UTC) - entry.begun).total_seconds() < YOUNG_S
    waits = (0.0, desk.pace.settle_s) if young else (0.0,)
    try:
        for fenced in (entry.fenced, True):
            if fenced and not entry.fenced:
                await patiently(desk, partial(desk.service.delete, entry.file_id))
                entry.fenced = True
                desk.register.save(entry)
            for seconds in waits:
                await asyncio.sleep(seconds)
                if found := await patiently(desk, partial(desk.service.find, entry.local_id, entry.begun)):
                    return found
    except Trouble as trouble:
        raise desk.stopped(trouble, f"looking for the batch of {entry.count} calls") from None
    return None


async def patiently(desk: Desk, work: Callable[[], Awaitable[T]]) -> T:
    """Repeats what does no harm when it is done twice; the Trouble that does not pass is raised."""
    failures = 0
    while True:
        try:
            return await work()
        except Trouble as trouble:
            failures += 1
            if not trouble.passing or failures > desk.pace.patience:
                raise
            await asyncio.sleep(desk.pace.backoff(failures, trouble.reply.wait_s))
