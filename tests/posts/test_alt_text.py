"""Alt text: what the caption says, as people write it, with details, within every platform's limit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.posts import alt_text_from
from components.posts.alt_text import alt_text
from components.prompts import known_platforms, load_platform
from components.records import Feature

X = load_platform("x")


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def row(name: str, rank: int, text: str | None, score: float = 0.3, threshold: float | None = None) -> Feature:
    return Feature(
        feature_id=f"{name}{rank}", item_id="i", spec_id="f", name=name, rank=rank, text=text, score=score,
        threshold=threshold, model="m@1",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("caption", "text"),
    [
        ("a dog, NASA cap", "A dog, NASA cap."),
        ("  two dogs\n on a beach ", "Two dogs on a beach."),
        ("is that a dog?", "Is that a dog?"),
        ("an image of two dogs", "Two dogs."),
        ("This is a photo of a man in a hat.", "A man in a hat."),
        ("a close up picture of a cake", "A cake."),
        ("the picture shows a red bus", "A red bus."),
        ("Photograph depicting the sea", "The sea."),
        ("a drawing of a picture of a dog", "A drawing of a picture of a dog."),
        ("a screenshot of a chat", "A screenshot of a chat."),
        ("a man holding a photo of his dog", "A man holding a photo of his dog."),
        ("picture of", "Picture of."),
        ("A DOG ON A BEACH", "A dog on a beach."),
        ("NASA", "NASA."),
        ("éclairs on a plate", "Éclairs on a plate."),
        ("", None), (" \n", None), (None, None),
    ],
)  # fmt: skip
def test_the_caption_becomes_a_sentence_without_announcing_a_picture(caption: str | None, text: str | None) -> None:
    assert alt_text(caption, X) == text


def test_details_follow_unless_they_repeat() -> None:
    details = [
        "A red ball.",
        "a beach with two dogs",
        "red ball",
        "two dogs on the beach",
        " ",
        "NASA cap",
        "Photo of a hat",
    ]
    assert alt_text("two dogs on a beach", X, details) == (
        "Two dogs on a beach. Details: a red ball; a beach with two dogs; NASA cap; a hat."
    )


@pytest.mark.parametrize("platform", known_platforms())
def test_every_platforms_limit_is_used_and_kept(platform: str) -> None:
    limit = load_platform(platform).alt_text.limit
    long = alt_text("dog " * limit, load_platform(platform))
    assert long is not None and limit - 5 <= units(long) <= limit and long.endswith("dog…")
    details = [f"a ball with the number {n}" for n in range(limit)]
    told = alt_text("two dogs", load_platform(platform), details)
    assert told is not None and limit - 30 < units(told) <= limit and told.endswith(".")
    assert "…" not in told, "a detail is told whole or not at all"
    exact = alt_text("d" * (limit - 1), load_platform(platform), ["a ball"])
    assert exact is not None and units(exact) == limit and exact.endswith("d.")


@given(st.text(max_size=1200), st.lists(st.text(max_size=400), max_size=6))
def test_no_text_passes_the_limit_in_any_way_of_counting(caption: str, details: list[str]) -> None:
    text = alt_text(caption, X, details)
    assert (text is None) == (not caption.strip())
    assert text is None or (units(text) <= 1000 and text == text.strip() and "\n" not in text)


def test_a_long_word_or_row_of_emoji_is_cut_where_the_limit_is() -> None:
    text = alt_text("🐕" * 700, X)
    assert text is not None and 990 <= units(text) <= 1000 and text.endswith("🐕…")


def test_from_features_the_best_caption_and_the_certain_details() -> None:
    rows = [
        row("crop_caption", 1, "a red ball", 0.29, 0.28), row("crop_caption", 0, "a bus", 0.2, 0.28),
        row("crop_caption", 2, "wet sand"), row("caption", 1, "a dog"), row("caption", 0, "two dogs"),
        row("topic", 0, "animals"),
    ]  # fmt: skip
    assert alt_text_from(rows, X) == "Two dogs. Details: a red ball; wet sand."
    assert alt_text_from(rows[::-1], X) == "Two dogs. Details: a red ball; wet sand."


def test_without_a_caption_there_is_none_whatever_else_was_found() -> None:
    assert alt_text_from([row("topic", 0, "animals"), row("crop_caption", 0, "a ball")], X) is None
    assert alt_text_from([row("caption", 0, " ")], X) is None and alt_text_from([], X) is None
