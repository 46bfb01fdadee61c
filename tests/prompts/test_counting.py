"""How platforms count, on vectors published by the platforms and on their documented rules."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.prompts import counting
from components.prompts.counting import graphemes, hashtags, links, mastodon, mentions, threads, utf16, x_weighted

FAMILY = "👨‍👩‍👧‍👦"
ENGLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"
TENS = "xxxxxxxxxx-"

# Texts and weights as published in twitter/twitter-text, conformance/validate.yml (tests
# WeightedTweetsWithDiscountedEmojiCounterTest and UnicodeDirectionalMarkerCounterTest; configuration v3).
X_VECTORS = [
    ("Hi http://test.co", 26),
    ("http://test.co", 23),
    ("285 chars-" + TENS * 25, 285),
    ("285 chars- http://www.twitter.com/jack " + TENS * 24, 299),
    ("https://www.twitter.com/aloha " * 10, 240),
    ("故人西辞黄鹤楼" * 20, 280),
    ("😷" * 160, 320),
    ("A\u0301B", 2),  # normalised to one character
    ("H🐱☺" + FAMILY, 7),
    ("😷👾😡🔥💩", 10),
    ("🙋🏽👨‍🎤", 4),
    (FAMILY * 140, 280),
    ("1⃣", 2),
    (f"Unicode 10.0 emoji: 🤪; 🧕; 🧕🏾; {ENGLAND}", 34),
    ("Unicode 9.0 emoji: 🤠; 💃; 💃🏾", 29),
    ("randomurlrandomurlrandomurlrandomurlrandomurlrandomurlrandomurls.com", 68),  # a label of 64 is no host
    ("ABC\u202a\uffffABC\ufffe", 12),
    ("\u2066\u202ahttp://foobar.پاکستان/\u202c\u2069", 31),
]


@pytest.mark.parametrize(("text", "weight"), X_VECTORS)
def test_x_counts_as_its_published_vectors(text: str, weight: int) -> None:
    assert x_weighted(text) == weight


# From conformance/extract.yml of the same repository.
@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("text http://example.com", ["http://example.com"]),
        ("see example.com/path and it.so.", ["example.com/path", "it.so"]),
        ("I really like http://t.co/pbY2NfTZ's website", ["http://t.co/pbY2NfTZ"]),
        ("Go to http://example.com/a+ or http://example.com/(x)", ["http://example.com/a+", "http://example.com/(x)"]),
        ("mail name@foo.com or @foo.com or $1.com", []),
        ("test http://twitter_underscore.com", []),
        ("example.comてすと", ["example.com"]),
        ("no.links.here1 and 3.14", []),
    ],
)
def test_links(text: str, found: list[str]) -> None:
    assert [text[start:end] for start, end in links(text)] == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a #CityLife, #2nd and #1", ["CityLife", "2nd"]),
        ("#日本語 #über #il·lusió", ["日本語", "über", "il·lusió"]),
        ("a ✌️#hashtag", ["hashtag"]),
        ("https://example.com/#fragment a#b &#39; #️⃣", []),
    ],
)
def test_hashtags(text: str, found: list[str]) -> None:
    assert hashtags(text) == found


def test_mentions_of_all_three_kinds_but_no_addresses() -> None:
    text = "hi @ann, @bob.bsky.social and @eve@mastodon.social; mail me@example.com, @aliceì"
    assert mentions(text) == ["ann", "bob.bsky.social", "eve@mastodon.social"]


def test_bluesky_counts_graphemes() -> None:
    assert graphemes(f"e\u0301{FAMILY}🏳️‍🌈") == 3


def test_mastodon_counts_links_as_23_and_mentions_without_their_server() -> None:
    assert mastodon("https://example.com/" + "a" * 90) == 23
    assert mastodon("see @eve@mastodon.social") == len("see @eve")
    assert mastodon("example.com") == len("example.com"), "without a scheme it is no link there"


def test_threads_counts_an_emoji_as_its_bytes() -> None:
    assert threads("ab😀") == 2 + 4
    assert threads(f"a{FAMILY}") == 1 + len(FAMILY.encode())


def test_utf16_counts_code_units() -> None:
    assert utf16("a😀") == 3


@pytest.mark.parametrize("unit", ["a.", "http://a.com/(", "é", "#1", "@a.", "a-", "👨\u200d", "e\u0301"])
def test_hostile_texts_are_counted_in_linear_time(unit: str) -> None:
    started = time.process_time()
    for count in (links, hashtags, mentions, x_weighted, mastodon, threads):
        count(unit * 3000)
    assert time.process_time() - started < 5


PIECES = ["a", "é", "рф", "com", "example.org", ".", "。", "..", " ", "/", "http://", "t.co/x", "みんな", "1"]


@given(st.lists(st.sampled_from(PIECES)))
def test_what_is_looked_for_first_leaves_out_no_link(pieces: list[str]) -> None:
    text = "".join(pieces)
    assert counting._MAY_BE_LINK.search(text) or not counting._link_pattern().search(text)


def test_no_ascii_text_has_an_emoji() -> None:
    text = "".join(one + other for one in map(chr, range(128)) for other in map(chr, range(128)))
    assert not counting.EMOJI.search(text)
