"""How other posts of the feed begin, which the judge is shown beside each post, for variety.

Shown are the posts that come next: on a ring in the order of the feed, so that each is shown equally often. The order
is known before anything is written, so a post can be judged as soon as those after it are there, and is asked about by
the same words whatever was written first.

What is shown is part of a call's key, so it must not change while its answer is bought, or kept for another run:

- A prompt is shown by its first candidate that has a text, whichever candidates are judged, and its place is that of
  its item. So neither `choose`, nor a candidate more, nor a new id of the writer's spec asks anything anew.
- A batch waits for up to a day, and posts may be written meanwhile: a call that failed is made again, an item is new.
  The posts that wait in an open batch are asked about as they were handed in, beside the posts that were there by then
  (`Waiting`). Showing nothing in batches would be simpler, but then a batch gave other judgments than live calls do.
"""

import hashlib
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from components.records import Post

OPENING_WORDS = 12

Place = tuple[int, str]
"""The position of a prompt's item in the feed, and the prompt."""

Shown = Sequence[Sequence[str]]
"""What may stand beside a post: as it was when open batches were handed in, oldest first; as it is now, last."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Calls in open batches. `held`: whether the call of a key is in one, or has its answer; `since`: when they were
    handed in, oldest first."""

    held: Callable[[str], bool]
    since: Sequence[datetime] = ()


@dataclass(frozen=True, slots=True)
class Begin:
    """How a post with a text begins, and where it stands."""

    place: Place
    candidate: int
    opening: str
    created_at: datetime

    @classmethod
    def of(cls, position: int, prompt_id: str, candidate: int, text: str, created_at: datetime) -> "Begin":
        return cls((position, prompt_id), candidate, opening(text), created_at)


class Ring:
    """The first candidates of prompts, in the order of the feed. Posts are only ever added, and forgotten once those
    before them, which they stand beside, are done with: a run of millions has some thousand in memory."""

    def __init__(self, wanted: int, begins: Iterable[Begin] = ()) -> None:
        self.wanted, self._forgotten = wanted, 0
        self._places: list[Place] = []
        self._first: dict[str, Begin] = {}
        for begin in begins:
            self.add(begin)

    def __len__(self) -> int:
        return len(self._places) + self._forgotten

    def forget(self, before: int) -> None:
        """Nobody will ask any more about posts at positions before this one, nor will any be added there. Those at the
        beginning of the feed stay: they stand beside the last ones."""
        end = bisect_left(self._places, (before, ""))
        gone = self._places[self.head : end]
        del self._places[self.head : end]
        for _, prompt_id in gone:
            del self._first[prompt_id]
        self._forgotten += len(gone)

    @property
    def head(self) -> int:
        """How many at the beginning of the feed may stand beside the last posts."""
        return self.wanted + 1

    def place_of(self, prompt_id: str) -> int | None:
        """The position of a prompt's item, where the prompt has a post with a text."""
        return self._first[prompt_id].place[0] if prompt_id in self._first else None

    def add(self, begin: Begin) -> None:
        prompt_id = begin.place[1]
        before = self._first.get(prompt_id)
        if before is None:
            insort(self._places, begin.place)
        if before is None or begin.candidate < before.candidate:
            self._first[prompt_id] = begin

    def beside(self, prompt_id: str) -> list[str]:
        """How the posts of the next `wanted` other prompts begin; of all others where there are fewer."""
        return [self._first[place[1]].opening for place in self._next(prompt_id)]

    def is_known(self, prompt_id: str, coming: Sequence[int] | NDArray[np.int64]) -> bool:
        """Whether `beside` will stay what it is when the items at the positions `coming` (sorted) are written, too."""
        if not len(coming) or not self.wanted or prompt_id not in self._first:
            return True
        own, others = self._first[prompt_id].place, self._next(prompt_id)
        if len(others) < self.wanted:
            return False
        start, end = own[0], others[-1][0]
        if others[-1] > own:
            return bisect_right(coming, start) == bisect_right(coming, end)
        return coming[-1] <= start and coming[0] > end

    def _next(self, prompt_id: str) -> list[Place]:
        if prompt_id not in self._first:
            return self._places[: self.wanted]
        at, n = bisect_left(self._places, self._first[prompt_id].place), len(self._places)
        return [self._places[(at + step) % n] for step in range(1, min(self.wanted, n - 1) + 1)]


class Beside:
    """What stands beside posts: now, and where calls wait in open batches (`since`) when these were handed in."""

    def __init__(self, wanted: int, begins: Iterable[Begin] = (), since: Sequence[datetime] = ()) -> None:
        self.now = Ring(wanted)
        self._then = [(time, Ring(wanted)) for time in since]
        self.add(begins)

    def add(self, begins: Iterable[Begin]) -> None:
        for begin in begins:
            self.now.add(begin)
            for time, ring in self._then:
                if begin.created_at <= time:
                    ring.add(begin)

    def forget(self, before: int) -> None:
        """See Ring."""
        for ring in (self.now, *(ring for _, ring in self._then)):
            ring.forget(before)

    def of(self, prompt_ids: Iterable[str]) -> dict[str, Shown]:
        """prompt_id -> what may stand beside its posts."""
        rings = {len(ring): ring for _, ring in self._then if 0 < len(ring) < len(self.now)}
        return {key: [ring.beside(key) for ring in (*rings.values(), self.now)] for key in prompt_ids}


def beside_in(batch: Sequence[Post], wanted: int, since: Sequence[datetime] = ()) -> Beside:
    """Of posts that are at hand; their order is the feed's."""
    order: dict[str, int] = {}
    begins = [
        Begin.of(order.setdefault(post.prompt_id, len(order)), post.prompt_id, post.candidate, text, post.created_at)
        for post in batch
        if (text := post.text or "").strip()
    ]
    return Beside(wanted, begins, since)


def openings_beside(posts: Sequence[Post], batch: Sequence[Post], wanted: int) -> dict[str, list[str]]:
    """post_id -> how the posts of `wanted` other prompts of `batch` begin, which is in the order of the feed."""
    ring = beside_in(batch, wanted).now
    return {post.post_id: ring.beside(post.prompt_id) for post in posts}


def scattered(batch: Sequence[Post]) -> list[Post]:
    """In an order that has nothing to do with how somebody wrote them down, such as by worth."""
    return sorted(batch, key=lambda post: hashlib.sha256(post.prompt_id.encode()).hexdigest())


def opening(text: str) -> str:
    return " ".join(islice(text.split(), OPENING_WORDS))
