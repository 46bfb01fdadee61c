"""Readability, length and distinct-n against published or hand-counted values."""

import pytest

from components.measures.wording import count, distinct, grade, reading_ease, syllables, wording
from tests.measures.posts import a_batch, a_post, values_of


@pytest.mark.parametrize(
    ("text", "ease"),
    [  # the examples of Wikipedia's article on Flesch's formula
        ("The cat sat on the mat.", 116.1),
        ("This sentence, taken as a reading passage unto itself, is being used to prove a point.", 69.0),
        ("The Australian platypus is seemingly a hybrid of a mammal and reptilian creature.", 37.5),
    ],
)
def test_flesch_of_published_examples(text: str, ease: float) -> None:
    counts = count(text)
    assert counts is not None
    assert reading_ease(*counts) == pytest.approx(ease, abs=0.05)


def test_flesch_kincaid_of_counted_words() -> None:
    assert count("Two boats leave. Nobody waves!") == (5, 2, 7)
    assert grade(5, 2, 7) == pytest.approx(0.39 * 2.5 + 11.8 * 1.4 - 15.59)
    assert count("🎉 !!!") is None


@pytest.mark.parametrize(
    ("word", "n"),
    [
        ("a", 1), ("the", 1), ("table", 2), ("baked", 1), ("wanted", 2), ("makes", 1), ("boxes", 2), ("playing", 2),
        ("creature", 2), ("create", 2), ("media", 3), ("special", 2), ("something", 2), ("didn't", 2), ("Yale's", 1),
        ("safely", 2), ("queue", 1), ("science", 2), ("hmm", 1), ("café", 2),
    ],
)  # fmt: skip
def test_syllables(word: str, n: int) -> None:
    assert syllables(word) == n


def test_distinct_n_of_counted_words() -> None:
    """Over all words, as Li et al. 2016 have it, not over the n-grams."""
    words = ["the", "cat", "and", "the", "cat"]
    assert distinct([words], 1) == 3 / 5
    assert distinct([words], 2) == 3 / 5  # the cat, cat and, and the
    assert distinct([words, words], 1) == 3 / 10
    assert distinct([], 1) == 0


def test_a_post_is_counted_as_its_platform_does() -> None:
    post = a_post(0, "Look: https://example.com/a/very/long/path 👨‍👩‍👧 #two #tags")
    found = values_of(wording([post], a_batch([post])))
    assert found["length"] == 6 + 23 + 1 + 2 + 1 + 4 + 1 + 5  # 23 per link, 2 per emoji
    assert found["words"] == 4
    assert found["distinct_1"] == 1


def test_what_cannot_be_read_has_a_reason_and_no_value() -> None:
    post = a_post(0, "Zwei Boote legen ab.")
    assert values_of(wording([post], a_batch([post], language="de")))["reading_ease"] == "language"
    bare = a_post(1, "🎉🎉")
    found = values_of(wording([bare], a_batch([bare])))
    assert (found["reading_ease"], found["grade"]) == ("wordless", "wordless")
    assert found["length"] == 4
