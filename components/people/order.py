"""In which order posts come before a person.

Two slices. `audit`: a share of all posts, drawn by a hash of the seed and the post's id, in the order of that hash: it
knows nothing of scores, so what is measured on it holds for all posts; everybody gets the same ones, so raters can be
compared. `queue`: the rest, those first from which a rating would teach most. The two are mixed so that whoever stops
early has rated the audit's share all the same.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from components.people.answers import Slice
from components.people.teaching import Teaching

AUDIT = 0.1


@dataclass(frozen=True, slots=True)
class Place:
    """One post in one of the two slices; `teaching` says why a post of the queue stands where it does."""

    post_id: str
    slice: Slice
    teaching: Teaching


def lot(seed: int, post_id: str) -> float:
    """A number in [0, 1) that depends on nothing but the seed and the post."""
    return int.from_bytes(hashlib.sha256(f"audit {seed} {post_id}".encode()).digest()[:6], "big") / 2**48


def order(teachings: Mapping[str, Teaching], audit: float = AUDIT, seed: int = 0) -> list[Place]:
    """All posts, the audit slice first; each slice in its own order."""
    lots = {post_id: lot(seed, post_id) for post_id in teachings}
    drawn = sorted((post_id for post_id in teachings if lots[post_id] < audit), key=lambda p: (lots[p], p))
    rest = sorted(set(teachings) - set(drawn), key=lambda p: (-teachings[p].value, lots[p], p))
    return [Place(p, "audit", teachings[p]) for p in drawn] + [Place(p, "queue", teachings[p]) for p in rest]


def next_place(
    places: Sequence[Place], done: Mapping[str, Slice], audit: float, later: Collection[str], taken: Collection[str]
) -> Place | None:
    """What comes next for someone who has answered `done` (post -> slice).

    `later`: what this rater skipped, which comes again when nothing else is left. `taken`: what others have rated or
    have open; in the queue it comes after what nobody has, so that two people share the work.
    """
    open_places = [place for place in places if place.post_id not in done]
    fresh = [place for place in open_places if place.post_id not in later]
    if not fresh:
        skipped = list(later)
        return min(open_places, key=lambda place: skipped.index(place.post_id), default=None)
    audits = [place for place in fresh if place.slice == "audit"]
    queue = sorted((place for place in fresh if place.slice == "queue"), key=lambda place: place.post_id in taken)
    audited = sum(slice == "audit" for slice in done.values())
    is_due = audited < audit * (len(done) + 1)
    first, second = (audits, queue) if is_due else (queue, audits)
    return (first or second)[0]
