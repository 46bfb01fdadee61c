"""How other posts of the batch begin, which the judge is shown beside each post, for variety.

What is shown is part of a call's key, so it must not change while its answer is bought, or kept for another run:

- A prompt is shown by its first candidate that has a text, whichever candidates are judged, and its place is the hash
  of the prompt alone. So neither `choose`, nor a candidate more, nor a new id of the writer's spec asks anything anew.
- A batch waits for up to a day, and posts may be written meanwhile: a call that failed is made again, an item is new.
  The posts that wait in an open batch are asked about as they were handed in, beside the posts that were there by then
  (`Waiting`). Showing nothing in batches would be simpler, but then a batch gave other judgments than live calls do.
"""

import bisect
import hashlib
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from components.records import Post

OPENING_WORDS = 12


@dataclass(frozen=True, slots=True)
class Waiting:
    """Calls in open batches. `held`: whether the call of a key is in one, or has its answer; `since`: when they were
    handed in, oldest first."""

    held: Callable[[str], bool]
    since: Sequence[datetime]

    def batches(self, batch: Sequence[Post]) -> list[Sequence[Post]]:
        """What `batch` was at those times, as far as it was another; posts are only ever added."""
        then = [[post for post in batch if post.created_at <= time] for time in self.since]
        return list({len(posts): posts for posts in then if 0 < len(posts) < len(batch)}.values())


def openings_beside(posts: Sequence[Post], batch: Sequence[Post], wanted: int) -> dict[str, list[str]]:
    """post_id -> how the posts of `wanted` other prompts begin: those that follow its own on a ring of hashes.

    So the order of the batch does not matter, a prompt more or less changes few others' neighbours, each is shown about
    equally often, and all candidates of a prompt are judged beside the same.
    """
    first: dict[str, Post] = {}
    for post in sorted(batch, key=lambda post: post.candidate):
        if (post.text or "").strip():
            first.setdefault(post.prompt_id, post)
    ring = sorted(((_place(prompt_id), post) for prompt_id, post in first.items()), key=lambda pair: pair[0])
    places = [place for place, _ in ring]
    beside: dict[str, list[str]] = {}
    for post in posts:
        start = bisect.bisect_right(places, _place(post.prompt_id))
        others = (ring[(start + step) % len(ring)][1] for step in range(len(ring)))
        foreign = (other for other in others if other.prompt_id != post.prompt_id)
        beside[post.post_id] = [_opening(other) for other in itertools.islice(foreign, wanted)]
    return beside


def _place(prompt_id: str) -> str:
    return hashlib.sha256(prompt_id.encode()).hexdigest()


def _opening(post: Post) -> str:
    return " ".join((post.text or "").split()[:OPENING_WORDS])
