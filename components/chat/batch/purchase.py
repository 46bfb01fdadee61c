"""One purchase by batches: hand in what is missing, look at what is open, collect what has ended."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from components.chat.batch.books import settle
from components.chat.batch.collecting import Collected, collect, fail
from components.chat.batch.desk import Desk
from components.chat.batch.handing_in import claim, give_up, hand_in, heal, sizes_of
from components.chat.batch.register import Entry, names_of
from components.chat.batch.service import Seen, Trouble
from components.chat.ledger import MONTH
from components.chat.outcome import FINAL, ChatOutcome, Status
from components.chat.request import ChatRequest
from components.errors import BatchPending, PostwrightError, ProviderStopped

CROWDED = "token_limit_exceeded"
"""The account's queue of enqueued tokens is full: smaller batches, later."""


class Purchase:
    """One `buy_batch`: `wanted` shrinks, `batches` are the open ones that hold something of it."""

    def __init__(self, desk: Desk, wanted: dict[str, ChatRequest], tell: Callable[[ChatOutcome], None]) -> None:
        self.desk, self.wanted, self.tell = desk, wanted, tell
        self.requests = dict(wanted)
        self.batches: dict[str, Entry] = {}
        self.latest: dict[str, Seen] = {}
        self.ends: dict[str, ChatOutcome] = {}
        self.sizes: dict[str, int] = {}
        self.max_lines = desk.pace.max_lines
        self.crowded = self.short = self.moved = False
        self.bound: tuple[str, float] | None = None
        self.fumbles = 0
        self.said: dict[str, tuple[str, float]] = {}
        self.stop: PostwrightError | None = None

    async def run(self) -> None:
        loop, pace = asyncio.get_running_loop(), self.desk.pace
        until = loop.time() + self.desk.spec.batch_wait_h * 3600
        pause = pace.first_s
        while self.wanted:
            self.moved = False
            await self._hand_in()
            await self._look()
            if self.stop is not None:
                raise self.stop
            if not self.wanted:
                return
            if self.moved:
                pause = pace.first_s
                continue
            if self.bound is not None and not self.batches:
                raise BatchPending(self._no_money(*self.bound))
            left = until - loop.time()
            if left <= 0:
                raise BatchPending(self._pending(), self.batches)
            await asyncio.sleep(min(pause, left))
            pause = min(pace.longest_s, pace.growth * pause)

    async def _hand_in(self) -> None:
        """What no open batch holds."""
        self.bound = None
        waiting = {key for entry in self.batches.values() for key in entry.lines}
        todo = [request for key, request in self.wanted.items() if key not in waiting]
        if not todo or (self.batches and (self.crowded or self.short)):
            return
        sizes = await sizes_of(self.desk, todo, self.sizes)
        claimed = await claim(self.desk, todo, sizes, self.max_lines, 1 if self.crowded else None)
        try:
            for hit in claimed.hits:
                self._end(hit)
            for entry in claimed.others:
                self.batches[entry.local_id] = entry
            self.short, self.bound = claimed.short, claimed.bound
            if claimed.broke is not None and not claimed.made and not self.batches:
                raise claimed.broke
            for entry, lock, requests in claimed.made:
                if await hand_in(self.desk, entry, requests):
                    self.batches[entry.local_id] = entry
                    self.fumbles = 0
                else:
                    self._fumbled()
                lock.release()
        finally:
            for entry, lock, _ in claimed.made:
                if entry.state == "intent":
                    give_up(self.desk, entry)
                lock.release()

    def _fumbled(self) -> None:
        """No batch came of it, and it is not known why."""
        self.fumbles += 1
        if self.fumbles >= self.desk.spec.max_attempts:
            raise ProviderStopped(
                f"{self.desk.service.endpoint} made no batch in {self.fumbles} attempts; nothing is handed in twice"
            )

    async def _look(self) -> None:
        for local_id in list(self.batches):
            entry = self.desk.register.load(local_id)
            if entry is None or entry.closed:
                self._closed_elsewhere(local_id, entry)
            elif entry.batch_id is None:
                await self._heal(entry)
            else:
                self.batches[local_id] = entry
                await self._look_at(entry)

    async def _heal(self, entry: Entry) -> None:
        with self.desk.register.holding(entry.local_id) as fresh:
            if fresh is not None and fresh.batch_id is None:
                await heal(self.desk, fresh)
                self.moved = True

    async def _look_at(self, entry: Entry) -> None:
        assert entry.batch_id is not None
        try:
            seen = await self.desk.service.look(entry.batch_id)
        except Trouble as trouble:
            if trouble.passing and not self.desk.impatient(entry.local_id):
                return
            raise self._lost(entry, trouble) from None
        self.latest[entry.local_id] = seen
        self._say_how_far(entry, seen)
        if not seen.ended and seen.status != "failed":
            self.desk.unready.pop(entry.local_id, None)
            return
        with self.desk.register.holding(entry.local_id) as fresh:
            if fresh is None:
                return  # another one collects it, or has: the next look finds it closed
            if seen.status == "failed":
                fail(self.desk, fresh, seen)
                self._failed(fresh)
            elif (collected := await collect(self.desk, fresh, seen, self.requests)) is not None:
                self._collected(fresh, collected)

    def _collected(self, entry: Entry, collected: Collected) -> None:
        del self.batches[entry.local_id]
        self.moved, self.short = True, False
        if self.crowded:
            self.max_lines = min(self.desk.pace.max_lines, 2 * self.max_lines)
        for key, outcome in collected.outcomes.items():
            if key in self.wanted:
                self._count(outcome)
        if collected.otherwise:
            self.sizes.clear()
        self.stop = self.stop or collected.stop

    def _closed_elsewhere(self, local_id: str, entry: Entry | None) -> None:
        """Another process has collected it, or has found that it was never made."""
        held = self.batches.pop(local_id)
        self.moved, self.short = True, False
        settle(self.desk.ledger, local_id, entry)
        if entry is None:
            return
        if entry.state == "failed":
            self._failed(entry)
            return
        self.desk.journal.refresh()
        for key in held.lines:
            if key in self.wanted:
                lost = ChatOutcome(key=key, status=Status.expired, detail="unanswered", attempts=1, bought=False)
                self._count(self.desk.journal.lookup(key) or lost)

    def _failed(self, entry: Entry) -> None:
        """The whole batch was refused: its calls are free again, or there is no use in trying."""
        self.batches.pop(entry.local_id, None)
        if CROWDED in entry.codes:
            self.crowded = True
            if not self.batches:
                self.max_lines = max(1, entry.count // 2)
            self.desk.say(f"{entry.why}; handing in fewer calls at a time, when there is room")
        elif entry.fenced:
            self._fumbled()
        else:
            self.stop = self.stop or ProviderStopped(f"{entry.why}; what is answered is kept")

    def _count(self, outcome: ChatOutcome) -> None:
        """One more end of a call: the last one, or it is handed in again."""
        before = self.ends.get(outcome.key)
        now = outcome if before is None else sum_of(before, outcome)
        self.ends[outcome.key] = now
        if now.status in FINAL or now.attempts >= self.desk.pace.rounds:
            self._end(now)

    def _end(self, outcome: ChatOutcome) -> None:
        self.wanted.pop(outcome.key, None)
        self.tell(outcome)

    def _lost(self, entry: Entry, trouble: Trouble) -> PostwrightError:
        if not trouble.unsupported:
            return self.desk.stopped(trouble, f"waiting for batch {entry.batch_id}")
        file = self.desk.register.folder / f"{entry.local_id}.json"
        return ProviderStopped(
            f"{self.desk.service.endpoint} knows no batch {entry.batch_id} ({trouble}): was it handed in with another "
            f"key? Nothing is handed in twice; if it is gone for good, delete {file}"
        )

    def _say_how_far(self, entry: Entry, seen: Seen) -> None:
        line = f"{seen.completed} of {seen.total or entry.count} answered, {seen.failed} failed"
        before, at = self.said.get(entry.local_id, ("", 0.0))
        now = time.monotonic()
        if line != before and (not before or now - at >= self.desk.pace.say_every_s):
            self.said[entry.local_id] = line, now
            self.desk.say(f"batch {entry.batch_id}: {line}, waiting since {entry.begun:%Y-%m-%d %H:%M} UTC")

    def _no_money(self, cap: str, usd: float) -> str:
        """Not waited for: others collect those batches, and perhaps nobody soon."""
        entries = [one for one in self.desk.register.open_entries() if cap == MONTH or one.purse == self.desk.purse]
        return (
            f"{len(self.wanted)} calls wait for money that stands for {names_of(entries)}: `{cap}` has no room beside "
            f"these {usd:.6f} USD; raise it, or run the same command again once they are answered and collected, "
            "nothing is bought twice"
        )

    def _pending(self) -> str:
        """What the next run goes on with."""
        seen = [self.latest[local_id] for local_id in self.batches if local_id in self.latest]
        again = "run the same command again, nothing is bought twice"
        if not self.batches and self.short and not self.crowded:
            return f"{len(self.wanted)} calls wait for money that calls in flight may cost: {again}"
        if not self.batches:
            return f"{len(self.wanted)} calls wait for room in the account's queue of batches: {again}"
        answered, total = sum(one.completed for one in seen), sum(entry.count for entry in self.batches.values())
        if len(self.batches) == 1:
            (entry,) = self.batches.values()
            status = seen[0].status if seen else entry.state
            return f"batch {entry.batch_id} is {status} ({answered} of {total}): {again}"
        return f"{len(self.batches)} batches are open ({answered} of {total}): {again}"


def sum_of(first: ChatOutcome, second: ChatOutcome) -> ChatOutcome:
    """The second one's end, with what both took."""

    def both(name: str) -> Any:
        one, other = getattr(first, name), getattr(second, name)
        return None if one is None and other is None else (one or 0) + (other or 0)

    unknown = first.cost_usd is None or second.cost_usd is None
    return replace(
        second,
        attempts=first.attempts + second.attempts,
        input_tokens=both("input_tokens"),
        output_tokens=both("output_tokens"),
        cost_usd=None if unknown else both("cost_usd"),
        bought=first.bought or second.bought,
    )
