"""Every platform's file: complete, sourced, and refusing what the platform refuses."""

import pytest

from components.errors import UserError
from components.prompts import known_platforms, load_platform, platform_text


def test_the_platforms_of_the_contract_are_there() -> None:
    assert {"x", "instagram", "linkedin", "facebook", "threads", "bluesky", "mastodon"} <= set(known_platforms())


@pytest.mark.parametrize("name", known_platforms())
def test_a_platform_is_sourced_and_consistent(name: str) -> None:
    platform = load_platform(name)
    assert all(address.startswith("https://") for address in platform.source)
    for habit in (platform.hashtags, platform.mentions, platform.links, platform.emoji):
        assert 0 <= habit.typical[0] <= habit.typical[1] <= (habit.limit or 10_000)
    assert platform.text_length.typical[1] <= platform.limit
    assert platform.fits("Two dogs on a beach. #Dogs")
    assert platform.violations(" \n") == ["empty"]


@pytest.mark.parametrize(
    ("name", "text", "violations"),
    [
        ("x", "a" * 280, []),
        ("x", "a" * 281, ["length 281 > 280"]),
        ("x", "狗" * 141, ["length 282 > 280"]),
        ("x", "a" * 256 + " https://example.com/" + "b" * 300, []),
        ("x", "bad \uffff", ["character U+FFFF"]),
        ("bluesky", "é" * 300, []),
        ("bluesky", "👨‍👩‍👧‍👦" * 121, ["bytes 3025 > 3000"]),
        ("mastodon", "a" * 501, ["length 501 > 500"]),
        ("threads", "#one and #two", ["hashtags 2 > 1"]),
        ("threads", " ".join(f"https://example.com/{n}" for n in range(6)), ["links 6 > 5"]),
        ("instagram", " ".join(f"#tag{n}x" for n in range(31)), ["hashtags 31 > 30"]),
        ("instagram", " ".join(f"@name{n}" for n in range(21)), ["mentions 21 > 20"]),
        ("linkedin", "a" * 3001, ["length 3001 > 3000"]),
        ("facebook", "a" * 63207, ["length 63207 > 63206"]),
    ],
)
def test_violations(name: str, text: str, violations: list[str]) -> None:
    assert load_platform(name).violations(text) == violations


def test_an_unknown_platform_is_one_line_with_the_known_ones() -> None:
    with pytest.raises(UserError, match=r"'myspace'.*bluesky.*mastodon.*x") as raised:
        platform_text("myspace")
    assert "\n" not in str(raised.value)
