"""Open batches that nobody waits for: their campaign was changed, their run given up, or their collector killed. And
those that hold calls which are now to be bought live.

They are billed all the same, and what they may cost stands in the caps until they are collected. So every purchase at
their endpoint, by batches, live, or of nothing but hits, collects those of them that have ended. One whose purse a
living process has open is left to that process, which has its questions at hand for the records: a run may come to a
batch hours after it has ended.
"""

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from components.chat.batch.books import hold_open
from components.chat.batch.collecting import collect, fail
from components.chat.batch.desk import Desk, desk_at
from components.chat.batch.handing_in import heal
from components.chat.batch.register import Entry, Register, names_of
from components.chat.batch.service import Trouble
from components.chat.journal import Journal
from components.chat.ledger import Ledger
from components.chat.providers import check, endpoint_of
from components.chat.request import ChatRequest
from components.errors import BatchPending, ProviderStopped
from components.specs import ChatSpec

OLD = timedelta(hours=25)
"""A batch is answered within a day; nobody comes for one that was not collected for so long."""

LOOK_S = 60.0
"""So often at most this process asks for one of them: a run buys part by part."""

_next_look: dict[Path, float] = {}


def left_over(
    register: Register, journal: Journal, ledger: Ledger, endpoint: str, purse: str, wanted: Collection[str]
) -> list[Entry]:
    """Those at this endpoint that hold nothing of what is `wanted`, but for those that were just looked at."""
    now = time.monotonic()
    found = [
        entry
        for entry in register.open_entries()
        if entry.endpoint == endpoint
        and now >= _next_look.get(register.folder / entry.local_id, 0.0)
        and entry.lines.keys().isdisjoint(wanted)
    ]
    if not found:
        return []
    alive = {purse} | ledger.living()
    return [entry for entry in found if entry.purse not in alive or _is_over(entry, journal)]


def _is_over(entry: Entry, journal: Journal) -> bool:
    """Nobody waits for one that is old, or whose answers are all there: its collector was killed at the end of its
    work, or they were bought in another way."""
    if entry.state in ("collecting", "settling"):
        return True
    return datetime.now(UTC) - entry.begun > OLD or all(journal.lookup(key) is not None for key in entry.lines)


async def collect_left(desk: Desk, entries: Iterable[Entry], requests: Mapping[str, ChatRequest] | None = None) -> None:
    """What has ended of them is collected, by desks of their own; `requests` are those at hand."""
    for entry in entries:
        place = desk.register.folder / entry.local_id
        _next_look[place] = time.monotonic() + LOOK_S
        with desk.register.holding(entry.local_id) as fresh:
            if fresh is None:
                continue
            try:
                await _collect_if_ended(desk.of(fresh), fresh, requests or {})
            except (Trouble, ProviderStopped) as trouble:
                passing = isinstance(trouble, Trouble) and trouble.passing
                if not passing:  # handed in with another key, or gone: asking again changes nothing
                    _next_look[place] = float("inf")
                desk.say(f"batch {fresh.batch_id} of {fresh.begun:%Y-%m-%d} cannot be collected yet ({trouble})")


async def _collect_if_ended(desk: Desk, entry: Entry, requests: Mapping[str, ChatRequest]) -> None:
    if entry.batch_id is None:
        await heal(desk, entry)
    elif (seen := await desk.service.look(entry.batch_id)).status == "failed":
        fail(desk, entry, seen)
    elif seen.ended:
        await collect(desk, entry, seen, requests)


async def make_way(
    requests: Iterable[ChatRequest],
    *,
    spec: ChatSpec,
    api_key: str | None,
    journal: Journal,
    ledger: Ledger,
    run_id: str,
    register: Register,
    spec_id: str = "",
    purse: str = "",
    say: Callable[[str], None] | None = None,
) -> None:
    """Before a live purchase: an open batch that holds any of these calls is collected where it has ended. Raises
    BatchPending where it has not: bought live they would be billed twice."""
    endpoint = endpoint_of(spec.model, spec.endpoint)
    if not any(entry.endpoint == endpoint for entry in register.open_entries()):
        return
    check(spec, api_key, ledger.allow_unpriced, ledger.prices)
    journal.refresh()
    asked = {request.key: request for request in requests}
    missing, purse = asked.keys() - journal.lookup_many(asked).keys(), purse or run_id
    holders = _holders(register, missing)
    todo = [*holders, *left_over(register, journal, ledger, endpoint, purse, missing)]
    if todo:
        async with desk_at(
            spec, api_key, journal, ledger, run_id=run_id, spec_id=spec_id, purse=purse, register=register, pace=None,
            say=say,
        ) as desk:  # fmt: skip
            hold_open(ledger, register, purse)
            await collect_left(desk, todo, asked)
    if not holders:
        return
    journal.refresh()
    missing -= journal.lookup_many(missing).keys()
    if holders := _holders(register, missing):
        held = len(missing & {key for entry in holders for key in entry.lines})
        raise BatchPending(
            f"{held} calls to {spec.model} are in {names_of(holders)}, not answered yet: set `mode: batch` to wait, or "
            "run the same command again when it has ended; bought live now they would be billed twice",
            (entry.local_id for entry in holders),
        )


def _holders(register: Register, keys: Collection[str]) -> list[Entry]:
    return [entry for entry in register.open_entries() if not entry.lines.keys().isdisjoint(keys)]
