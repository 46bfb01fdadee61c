"""The walk over what is asked: each key once, and only what the journal does not hold; its hits are told on the way.

Processes that walk one list in step would each buy all of it. So the second walks backwards, that they meet once, and
further ones at random; where there is no list but an iterator, they do so by stretches of it.
"""

import asyncio
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice

from components.chat.journal import Journal
from components.chat.outcome import ChatOutcome
from components.chat.request import ChatRequest
from components.specs import ChatSpec

SHORTEST, LONGEST = 16, 512
"""Requests that are looked up together: few where an iterator must make each (a picture is read), many while all are
in the journal."""

STRETCH = 8
"""Times `max_concurrency`: two processes in step meet once per stretch, and then have at most two loads in flight."""


class Walk:
    """Yields requests to buy, or None where the event loop should have a turn: a million hits take seconds."""

    def __init__(
        self, requests: Iterable[ChatRequest], spec: ChatSpec, journal: Journal, tell: Callable[[ChatOutcome], None]
    ) -> None:
        self._requests, self._spec, self._journal, self._tell = requests, spec, journal, tell
        self._seen: set[bytes] = set()
        self._rest: Iterator[ChatRequest | None] = iter(())

    def __iter__(self) -> Iterator[ChatRequest | None]:
        return self._rest

    async def begin(self) -> bool:
        """Goes to the first request that must be bought; False when there is none, and then the home stays as it is."""
        requests = iter(self._requests)
        forward = self._missing(requests)
        for first in forward:
            if first is not None:
                break
            await asyncio.sleep(0)
        else:
            return False
        self._journal.ready()
        elders = self._journal.elders()
        other = self._missing(self._another_way(requests, elders)) if elders else iter(())
        self._rest = chain(other, [first], forward)
        return True

    def _missing(self, requests: Iterator[ChatRequest]) -> Iterator[ChatRequest | None]:
        size = SHORTEST
        while window := list(islice(requests, size)):
            new = self._new(window)
            hits = self._journal.lookup_many(new)
            for hit in hits.values():
                self._tell(hit)
            yield from (request for key, request in new.items() if key not in hits)
            size = min(2 * size, LONGEST) if len(hits) == len(new) else SHORTEST
            if size > SHORTEST:
                yield None

    def _new(self, window: list[ChatRequest]) -> dict[str, ChatRequest]:
        new, spec = {}, self._spec
        for request in window:
            if request.model != spec.model or request.endpoint != spec.endpoint or request.api != spec.api:
                raise ValueError(f"a request for {request.model} at {request.endpoint} does not belong to this spec")
            digest = bytes.fromhex(request.key)
            if digest not in self._seen:
                self._seen.add(digest)
                new[request.key] = request
        return new

    def _another_way(self, rest: Iterator[ChatRequest], elders: int) -> Iterator[ChatRequest]:
        requests = self._requests
        if not isinstance(requests, Sequence):
            return _by_stretches(rest, elders, STRETCH * self._spec.max_concurrency)
        if elders == 1:
            return reversed(requests)
        order = list(range(len(requests)))
        random.shuffle(order)
        return (requests[place] for place in order)


def _by_stretches(rest: Iterator[ChatRequest], elders: int, length: int) -> Iterator[ChatRequest]:
    while stretch := list(islice(rest, length)):
        if elders == 1:
            stretch.reverse()
        else:
            random.shuffle(stretch)
        yield from stretch
