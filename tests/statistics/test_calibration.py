"""The isotonic map: it mends a planted bias, never reorders, and is refused where ratings are few."""

import numpy as np
import pytest

from components.errors import UserError
from components.statistics import isotonic


def lenient(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """People's ratings, and a judge that squeezes them into the upper half of its scale."""
    rng = np.random.default_rng(seed)
    people = np.clip(np.round(rng.normal(5, 2, n)), 1, 10)
    return np.clip(np.round(6.5 + 0.35 * (people - 5) + rng.normal(0, 0.4, n)), 1, 10), people


def test_it_mends_a_lenient_judge() -> None:
    found = isotonic(*lenient(200))
    assert found.mae_after < 0.75 * found.mae_before
    assert found.n == 200
    assert found.of(7) < 7
    assert found.of(None) is None


def test_it_never_reorders_and_stays_on_the_scale() -> None:
    found = isotonic(*lenient(60))
    mapped = [found.of(score) for score in np.linspace(1, 10, 91)]
    assert mapped == sorted(mapped)
    assert 1 <= mapped[0] <= mapped[-1] <= 10


def test_too_few_ratings_are_refused_with_what_is_missing() -> None:
    judge, people = lenient(40)
    people[5:20] = np.nan
    with pytest.raises(UserError, match="30 rated posts, there are 25: rate 5 more"):
        isotonic(judge, people)
    assert isotonic(judge, people, least=20).n == 25


def test_one_score_for_all_is_nothing_to_calibrate() -> None:
    with pytest.raises(UserError, match="gave 7 to all"):
        isotonic(np.full(40, 7.0), np.arange(40) % 10)


def test_the_same_ratings_give_the_same_map() -> None:
    assert isotonic(*lenient(80)) == isotonic(*lenient(80))


def test_the_error_is_of_items_that_the_map_did_not_see() -> None:
    """Ten posts about each item, with nothing to learn between items: seen items would make the map look good."""
    rng = np.random.default_rng(4)
    people = np.repeat(rng.uniform(1, 10, 20), 10)
    judge, items = np.repeat(rng.permutation(20) / 2.0, 10), np.repeat(np.arange(20), 10)
    by_post, by_item = isotonic(judge, people), isotonic(judge, people, clusters=list(items))
    assert by_item.scores == by_post.scores and by_item.mae_after > by_post.mae_after + 0.1
    assert isotonic(judge, people, clusters=range(200)) == by_post, "every post on its own"
    with pytest.raises(UserError, match="all 200 rated posts are about one item"):
        isotonic(judge, people, clusters=[7] * 200)
