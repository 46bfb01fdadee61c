"""In which order posts come before a person.

Two slices. `audit`: a share of all posts, drawn by a hash of a fixed seed and the post's id, in the order of that hash:
it knows nothing of scores, so what is measured on it holds for all posts; everybody gets the same ones, so raters can
be compared. `queue`: the rest, those first from which a rating would teach most. The two are mixed so that whoever
stops early has rated the audit's share all the same.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from components.people.answers import Slice
from components.people.teaching import Teaching

AUDIT = 0.1
"""The share of all posts that is drawn at random."""
SEED = 0


@dataclass(frozen=True, slots=True)
class Rated:
    """That somebody rated a post: in which slice it came before them, and when."""

    post_id: str
    rater: str
    slice: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Place:
    """One post in one of the two slices; `teaching` says why a post of the queue stands where it does."""

    post_id: str
    slice: Slice
    teaching: Teaching


def lot(post_id: str) -> float:
    """A number in [0, 1) that depends on nothing but the post: the same draw in every session and for everybody."""
    return int.from_bytes(hashlib.sha256(f"audit {SEED} {post_id}".encode()).digest()[:6], "big") / 2**48


def representative(rated: Iterable[Rated]) -> set[str]:
    """Of rated posts those that stand for all posts.

    What came by the audit, and what would have come by it had the queue not asked for it before: the audit goes along
    the draw, so where a rater's audit went past a post after they rated it for the queue, that post belongs to it, and
    leaving it out would leave out the disputed ones. What the queue asked for behind the audit's back does not count:
    new posts below the furthest lot of an earlier, larger audit were chosen by scores. Imported ratings are taken to be
    a sample of the importer's own choice, and count too.
    """
    chosen: set[str] = set()
    furthest: dict[str, float] = {}  # rater -> how far their audit went later than the rating at hand
    for one in sorted(rated, key=lambda one: (one.at, one.slice != "audit"), reverse=True):
        if one.slice == "audit":
            furthest[one.rater] = max(furthest.get(one.rater, -1.0), lot(one.post_id))
        if one.slice != "queue" or lot(one.post_id) <= furthest.get(one.rater, -1.0):
            chosen.add(one.post_id)
    return chosen


def order(teachings: Mapping[str, Teaching], audit: float = AUDIT) -> list[Place]:
    """All posts, the audit slice first; each slice in its own order."""
    lots = {post_id: lot(post_id) for post_id in teachings}
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
