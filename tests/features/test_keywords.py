"""Keywords: what is cleaned away, which words may become one, how they are scored."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from components.features.keywords import Candidate, candidates, clean, language_of, rank_keywords, sentence_of, without


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("Look https://t.co/AbC1 at www.example.org/x?y=1 bit.ly/3x!", "Look at!"),
        ("RT @some_one: thanks @you.all mail me@home.example", "thanks mail me@home.example"),
        ("#GoldenHour in #NewYork2024 #coffee_time #BBCNews", "Golden Hour in New York 2024 coffee time BBC News"),
        ("so good 😍👍🏽 family 👨‍👩‍👧 flag 🇳🇱 keycap 1️⃣ ☕️", "so good family flag keycap 1"),
        ("a &amp; b &lt;3", "a b 3"),
        ("zero\u200bwidth\u202e and\x00 control \ud83d half", "zero width and control half"),
        ("Ca\u0301fe\n\nnext", "Cáfe next"),
        ("🔥🔥", ""),
        ("", ""),
    ],
)
def test_clean(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


def words(text: str, caption: str = "", language: str | None = None) -> list[str]:
    return [c.shown for c in candidates(clean(text), caption, language)]


def test_english_nouns_names_adjectives_and_ing_forms() -> None:
    found = words("Anna was walking her two dogs along the quiet beaches of Lisbon and then she quickly went home", "")
    assert found == ["Anna", "walking", "dogs", "quiet", "beaches", "Lisbon"]


def test_a_lemma_counts_once_and_all_its_forms_are_left_out() -> None:
    found = candidates("The dog barks. Dogs are loud", "a dog on a beach", None)
    [dog] = [c for c in found if c.lemma == "dog"]
    assert (dog.shown, dog.forms) == ("dog", frozenset({"dog", "dogs"}))
    assert without("The dog barks. Dogs are loud", dog) == "The barks. are loud"


def test_words_for_pictures_are_no_keywords() -> None:
    assert words("This photo is a great picture of things", "an image of a mountain") == ["mountain"]


def test_german_and_dutch_are_tagged_in_their_language_and_the_caption_in_english() -> None:
    assert words("Ein schöner Sonnenuntergang am Strand und wir gehen nach Hause", "a golden beach") == [
        "schöner", "Sonnenuntergang", "Strand", "Hause", "golden", "beach",
    ]  # fmt: skip
    assert words("Een mooie zonsondergang op het strand met de kinderen") == [
        "mooie",
        "zonsondergang",
        "strand",
        "kinderen",
    ]


@pytest.mark.parametrize(
    ("text", "stated", "language"),
    [
        ("the sea and the sky", None, "en"),
        ("der Himmel und das Meer sind blau", None, "de"),
        ("el mar y el cielo de la costa", None, "es"),
        ("sunset beach", None, "en"),
        ("海辺の夕日", None, "und"),
        ("закат на море", None, "und"),
        ("the sea", "de-CH", "de"),
        ("the sea", "und", "en"),
        ("", None, "en"),
    ],
)
def test_language(text: str, stated: str | None, language: str) -> None:
    assert language_of(text, stated) == language


def test_other_languages_fall_back_to_words_of_letters() -> None:
    assert words("Una puesta de sol sobre la playa") == ["puesta", "sol", "playa"]
    assert words("Закат на море сегодня") == ["закат", "море", "сегодня"]
    assert words("海辺 の 夕日") == ["海辺", "夕日"]


def test_names_keep_their_capitals_and_digits() -> None:
    assert words("the new iPhone16 and GPT-4o models of OpenAI in Paris") == [
        "iPhone16",
        "GPT-4o",
        "models",
        "OpenAI",
        "Paris",
    ]


def test_capitals_are_words_not_names() -> None:
    assert words("WILD CONCERT AND THE CROWD OF THE STADIUM") == ["wild", "concert", "crowd", "stadium"]


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=80), st.sampled_from([None, "en", "de", "nl", "fr", "ja", "xx", ""]))
def test_any_text_goes_through(text: str, language: str | None) -> None:
    cleaned = clean(text)
    assert clean(cleaned).split() == clean(clean(cleaned)).split()
    for candidate in candidates(cleaned, "a cat on a sofa", language):
        assert candidate.shown and candidate.forms
        assert len(without(cleaned, candidate)) <= len(cleaned)


def count_vector(texts: list[str]) -> torch.Tensor:
    """An embedding whose shifts are known: beach weighs 3, dog 2, all else 1."""
    weights = {"beach": 3.0, "dog": 2.0}
    return torch.tensor(
        [[1.0] + [weights.get(w, 1.0) * (w in t.split()) for w in ("beach", "dog", "sky")] for t in texts]
    )


def test_keywords_are_ranked_by_the_shift_of_the_sentence() -> None:
    made = [Candidate(w, w, frozenset({w})) for w in ("sky", "dog", "beach")]
    [found, none] = rank_keywords([("beach dog sky", made), ("", [])], count_vector, keep=2)
    assert [word for word, _ in found] == ["beach", "dog"]
    full, left = torch.tensor([1.0, 3, 2, 1]), torch.tensor([1.0, 0, 2, 1])
    assert found[0][1] == pytest.approx(1 - float(torch.cosine_similarity(full, left, dim=0)), abs=1e-6)
    assert none == []


def test_all_sentences_are_embedded_in_one_call_each_once() -> None:
    asked: list[list[str]] = []

    def embed(texts: list[str]) -> torch.Tensor:
        asked.append(list(texts))
        return count_vector(texts)

    made = [Candidate(w, w, frozenset({w})) for w in ("dog", "beach")]
    rank_keywords([("beach dog", made), ("beach dog", made), ("nothing", [])], embed, keep=5)
    assert asked == [["beach dog", "beach", "dog"]]
    asked.clear()
    assert rank_keywords([("beach dog", made)], embed, keep=0) == [[]] and asked == []


def test_sentence_of_text_and_caption() -> None:
    assert sentence_of("Sunday.", "a cat") == "Sunday. a cat"
    assert sentence_of("", "a cat") == "a cat"
    assert sentence_of("Sunday", "") == "Sunday"
