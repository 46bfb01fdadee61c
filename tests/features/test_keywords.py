"""Keywords: what is cleaned away, and which words may become one."""

import csv
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.features.keywords import candidates, clean, sentence_of
from components.features.stop_words import language_of, stop_words

REAL = Path(__file__).parents[2].parent / "shared/data/real/tweets"


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("Look https://t.co/AbC1 at www.example.org/x?y=1 bit.ly/3x!", "Look at!"),
        ("RT @some_one: thanks @you.all mail me@home.example", "thanks mail"),
        ("@a@social.example and @b-c.example: hi", "and: hi"),
        ("see https://t.co/abc海辺 and (https://t.co/x), then x.ai/blog or youtu.be/1_b", "see 海辺 and, then or"),
        ("the end.It was fine. Node.js is e.g. fine", "the end.It was fine. Node.js is e.g. fine"),
        ("#GoldenHour in #NewYork2024 #coffee_time #BBCNews", "Golden Hour in New York 2024 coffee time BBC News"),
        (
            "#iPhone15Pro #atAMC #ThisIsYale #3DModel #YouTubeShorts",
            "iPhone 15 Pro at AMC This Is Yale 3D Model YouTube Shorts",
        ),
        ("StarWars is out #StarWarsDay", "StarWars is out StarWars Day"),
        ("so good 😍👍🏽 family 👨‍👩‍👧 flag 🇳🇱 keycap 1️⃣ ☕️", "so good family flag keycap 1"),
        ("a &amp; b &lt;3", "a b 3"),
        ("AT&amp;T&#39;s Q&amp;A &amp;amp; more", "AT&T's Q&A more"),
        ("I\x92m \x93here\x94\x85", "I’m “here”…"),
        ("𝗕𝗼𝗹𝗱 and ｗｉｄｅ", "Bold and wide"),
        ("Donau\u00addampf", "Donaudampf"),
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


def test_a_lemma_counts_once_with_all_its_forms() -> None:
    found = candidates("The dog barks. Dogs are loud", "a dog on a beach", None)
    [dog] = [c for c in found if c.lemma == "dog"]
    assert (dog.shown, dog.forms) == ("dog", frozenset({"dog", "dogs"}))


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
        ("the sea", "qme", "en"),
        ("Léa Seydoux at the London premiere", "fr", "en"),
        ("une vue de la mer", "fr", "fr"),
        ("jeg er på stranden", "da", "da"),
        ("海辺の夕日", "ja", "ja"),
        ("海辺の夕日", "en", "und"),
        ("", None, "en"),
    ],
)
def test_language(text: str, stated: str | None, language: str) -> None:
    assert language_of(text, stated) == language


def test_other_languages_fall_back_to_words_of_letters() -> None:
    assert words("Una puesta de sol sobre la playa") == ["puesta", "sol", "playa"]
    assert words("Закат на море сегодня") == ["закат", "море", "сегодня"]
    assert words("海辺 の 夕日") == ["海辺", "夕日"]


def test_scripts_without_spaces_are_taken_apart_where_the_script_changes() -> None:
    assert words("今日は東京タワーへ行きました", language="ja") == ["今日", "東京", "タワー"]
    assert words("现在API已经升级", language="zh") == ["现在", "API", "已经升级"]
    assert words("这个问题下个版本会有所改善", language="zh") == [], "a sentence is no keyword"


def test_function_words_of_other_languages_are_no_keywords() -> None:
    assert {"dans", "avec", "aussi"} <= stop_words("fr") and "haber" not in words("haber visto el mar", "", "es")
    assert words("Nous aussi, Paris, pour l'amour", "", "fr") == ["Paris", "amour"]
    assert "novel" not in stop_words("en")


def test_names_are_told_by_their_capitals_but_titles_and_shouting_are_not() -> None:
    assert words("We met Florence Pugh at the American embassy") == ["Florence", "Pugh", "American", "embassy"]
    assert words("Bring Your Whole Family On This Vacation") == ["whole", "family", "vacation"]
    assert words("NASA shows a new VIDEO of the moon") == ["NASA", "video", "moon"]
    assert words("Dune is a movie. The Movie of the year") == ["dune", "movie"]


def test_quotes_clitics_and_numbers() -> None:
    assert words("'Dune' isn't Yale’s film, but O'Connor's \"story\" is") == [
        "dune",
        "Yale",
        "film",
        "O'Connor",
        "story",
    ]
    assert words("from 11am-1pm, 32K and 90% of the 3D-printing in the U.S. with GPT-3.5") == [
        "3D-printing",
        "U.S.",
        "GPT-3.5",
    ]
    assert words("thanks lol, AI by PM tbh") == ["AI"]


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


@pytest.mark.skipif(not REAL.is_dir(), reason=f"no real tweets in {REAL}")
def test_real_tweets() -> None:
    """Of all real exports: no link, mention, entity or emoji survives, and no word is a fragment or a function word."""
    seen, empty, total = set(), 0, 0
    for file in sorted(REAL.glob("*.csv")):
        with file.open(encoding="utf-8-sig", newline="") as lines:
            for row in list(csv.DictReader(lines))[::5]:
                cleaned = clean(row["text"])
                assert not {"http", "t.co", "&amp;", "&gt;"} & {part for part in cleaned.lower().split(" ")}, row
                assert "@" not in cleaned.replace("@ ", "") or "@" not in row["text"].replace("@", "", 1), row
                found = [c.shown for c in candidates(cleaned, "", row["language"])]
                seen |= set(found)
                total, empty = total + 1, empty + (len(cleaned.split()) >= 12 and not found)
    assert total > 1000 and empty <= total * 0.005, f"{empty} of {total} longer texts have no keyword"
    assert all(2 <= len(word) <= 30 and any(c.isalpha() for c in word) for word in seen)
    assert not {word.lower() for word in seen} & {"the", "and", "amp", "https", "rt", "lol", "thanks", "th-century"}


def test_sentence_of_text_and_caption() -> None:
    assert sentence_of("Sunday.", "a cat") == "Sunday. a cat"
    assert sentence_of("", "a cat") == "a cat"
    assert sentence_of("Sunday", "") == "Sunday"
