"""The queue and the audit: what is drawn knows nothing of scores, and everybody has their share of it."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from components.people.order import Rated, lot, next_place, order, representative
from components.people.teaching import Teaching
from components.records import content_id

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
POSTS = [content_id("post", n) for n in range(2000)]


def teachings(values: dict[str, float]) -> dict[str, Teaching]:
    return {post: Teaching(value) for post, value in values.items()}


def test_the_audit_is_a_tenth_and_does_not_move_with_scores() -> None:
    rng = np.random.default_rng(0)
    one = order(teachings({post: float(rng.random()) for post in POSTS}))
    other = order(teachings({post: float(rng.random()) for post in POSTS}))
    drawn = [place.post_id for place in one if place.slice == "audit"]
    assert drawn == [place.post_id for place in other if place.slice == "audit"]
    assert 160 <= len(drawn) <= 240
    assert [lot(post) for post in drawn] == sorted(lot(post) for post in drawn)


def test_the_queue_begins_with_what_teaches_most() -> None:
    places = order(teachings({post: float(n) for n, post in enumerate(POSTS)}), audit=0)
    assert [place.post_id for place in places] == POSTS[::-1]
    assert order({}) == []


def test_all_of_it_may_be_drawn() -> None:
    assert {place.slice for place in order(teachings(dict.fromkeys(POSTS, 1.0)), audit=1)} == {"audit"}


@pytest.mark.parametrize("audit", [0.0, 0.1, 0.25, 1.0])
def test_whoever_stops_early_has_their_share_of_the_audit(audit: float) -> None:
    places = order(teachings(dict.fromkeys(POSTS, 0.0)), audit)
    done: dict[str, str] = {}
    for n in range(1, 101):
        place = next_place(places, done, audit, {}, ())
        assert place is not None and place.post_id not in done
        done[place.post_id] = place.slice
        assert abs(Counter(done.values())["audit"] - audit * n) <= 1


def test_everything_comes_once_and_skipped_posts_come_last() -> None:
    places = order(teachings(dict.fromkeys(POSTS[:30], 0.0)), 0.2)
    first = next_place(places, {}, 0.2, {}, ())
    assert first is not None
    later, done, came = {first.post_id: None}, {}, []
    while (place := next_place(places, done, 0.2, later, ())) is not None:
        came.append(place.post_id)
        done[place.post_id] = place.slice
    assert sorted(came) == sorted(POSTS[:30]) and came[-1] == first.post_id


def test_what_others_have_comes_after_what_nobody_has() -> None:
    places = order(teachings({post: float(n) for n, post in enumerate(POSTS[:5])}), 0)
    place = next_place(places, {}, 0, {}, {POSTS[4], POSTS[3]})
    assert place is not None and place.post_id == POSTS[2]
    place = next_place(places, {}, 0, {}, set(POSTS[:5]))
    assert place is not None and place.post_id == POSTS[4], "when others have all, the best of them"


def rated(post: str, slice: str, hours: float = 0, rater: str = "ann") -> Rated:
    return Rated(post, rater, slice, NOW + timedelta(hours=hours))


def test_posts_that_the_queue_asked_for_first_still_stand_for_all() -> None:
    """A widened audit would else lack just those on which judges disagree."""
    drawn = sorted(POSTS[:100], key=lot)
    queue = [rated(drawn[3], "queue"), rated(drawn[50], "queue")]
    audit = [rated(post, "audit", 1) for post in drawn[:20] if post != drawn[3]]
    assert representative(queue + audit) == set(drawn[:20])
    assert representative([rated(drawn[90], "import"), rated(drawn[1], "queue")]) == {drawn[90]}
    assert representative([]) == set()


def test_what_the_queue_asks_for_after_a_larger_audit_does_not_stand_for_all() -> None:
    """New posts, which that audit never drew: the queue chose them by disagreement, below its furthest lot."""
    drawn = sorted(POSTS[:100], key=lot)
    audit = [rated(post, "audit") for post in drawn[:40:2]]
    later = [rated(post, "queue", 1) for post in drawn[21:40:2]] + [rated(drawn[41], "audit", 0.5)]
    assert representative(audit + later) == {one.post_id for one in audit} | {drawn[41]}
    others = [rated(post, "audit", 2, rater="bo") for post in drawn[:5:2]]
    assert drawn[1] not in representative([*audit, *others, rated(drawn[1], "queue", 1)]), "another person's audit"


def test_figures_of_the_audit_are_those_of_all_posts_and_those_of_the_queue_are_not() -> None:
    """Planted: a judge that is 1 point too high everywhere, 3 where it disagrees with another judge."""
    rng = np.random.default_rng(1)
    disputed = dict(zip(POSTS, rng.random(len(POSTS)) < 0.2, strict=True))
    error = {post: 3.0 if disputed[post] else 1.0 for post in POSTS}
    places = order(teachings({post: float(disputed[post]) for post in POSTS}), 0.1)
    done: dict[str, str] = {}
    for _ in range(600):
        place = next_place(places, done, 0.1, {}, ())
        assert place is not None
        done[place.post_id] = place.slice
    truth = np.mean(list(error.values()))
    drawn = representative(rated(post, slice) for post, slice in done.items())
    assert abs(np.mean([error[post] for post in drawn]) - truth) < 0.3
    assert np.mean([error[post] for post in done]) - truth > 0.5
