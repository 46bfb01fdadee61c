"""Openings, near-duplicates, and what is compared with what; without a model."""

from components.measures.variety import Twins, opening
from tests.measures.posts import a_batch, a_post

LONG = "Two boats left the harbour before breakfast and nobody on the pier waved at them"


def twins(*texts: str) -> list[float | None]:
    posts = [a_post(n, text) for n, text in enumerate(texts)]
    found = Twins(a_batch(posts))
    return [found.of(post).value for post in posts]


def test_near_duplicates_whatever_links_mentions_case_and_signs() -> None:
    shouted, mistyped = f"@ann {LONG.upper()}! https://example.com", LONG.replace("pier", "peer")
    assert twins(LONG, shouted, mistyped, "Rain all night.") == [2, 2, 2, 0]
    assert twins("🎉", "🎉", "Rain.", "rain") == [1, 1, 1, 1]
    assert twins() == []


def test_candidates_of_one_prompt_are_no_duplicates_of_each_other() -> None:
    posts = [a_post(0, LONG), a_post(0, LONG, candidate=1), a_post(1, LONG)]
    found = Twins(a_batch(posts))
    assert [found.of(post).value for post in posts] == [1, 1, 2]
    assert found.of(posts[0]).detail == {"posts": [posts[2].post_id]}


def test_a_feed_of_one_text_is_counted_without_naming_all() -> None:
    posts = [a_post(n, LONG) for n in range(3000)]
    found = Twins(a_batch(posts)).of(posts[7])
    assert found.value == 2999
    assert len(found.detail["posts"]) == 10  # type: ignore[arg-type]


def test_an_opening_is_five_words() -> None:
    assert opening("What  a Day it was, said Ann") == opening("what a day it was, and then") == "what a day it was,"
    assert opening("Good morning!") == ""
