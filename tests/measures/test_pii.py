"""What is personal data and what only looks like it; published example numbers, and every place is the text's own."""

import time
from itertools import pairwise

import pytest

from components.measures.pii import find, personal_data
from tests.measures.posts import a_batch, a_post


def marked(text: str, region: str = "US") -> list[tuple[str, str]]:
    return [(place["kind"], text[place["start"] : place["end"]]) for place in find(text, region)]


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("Write to jane.doe+boats@mail.example.co.uk, please", "email", "jane.doe+boats@mail.example.co.uk"),
        ("(müller@bücher.example)", "email", "müller@bücher.example"),
        ("Call 650-253-0000 now", "phone", "650-253-0000"),
        ("Ruf an: +49 30 901820!", "phone", "+49 30 901820"),
        ("IBAN: DE89 3704 0044 0532 0130 00.", "iban", "DE89 3704 0044 0532 0130 00"),  # the standard's examples
        ("GB82WEST12345698765432", "iban", "GB82WEST12345698765432"),
        ("card 4111 1111 1111 1111", "card", "4111 1111 1111 1111"),  # the card companies' test numbers
        ("card 378282246310005", "card", "378282246310005"),
        ("SSN 536-90-4399", "ssn", "536-90-4399"),
        ("ssh 8.8.8.8 works", "ip", "8.8.8.8"),
        ("over 2001:4860:4860::8888", "ip", "2001:4860:4860::8888"),
        ("at 221B Baker Street, London", "street", "221B Baker Street"),
        ("1600 Pennsylvania Avenue NW", "street", "1600 Pennsylvania Avenue"),
        ("in der Berliner Straße 12", "street", "Berliner Straße 12"),
        ("Hauptstraße 5a", "street", "Hauptstraße 5a"),
    ],
)
def test_found_where_it_stands(text: str, kind: str, said: str) -> None:
    assert marked(text) == [(kind, said)]


@pytest.mark.parametrize(
    "text",
    [
        "", "@jane and @joe.example on stage", "#2024 in 10 000 000 views, 1,000,000 people, 2023-2024",
        "2026-03-01 12:30:45 and 3:2", "version 127.0.0.1, 0.0.0.0 and v1.2.3.4", "5 Best Way to cook, 12 Noon way",
        "DE89 3704 0044 0532 0130 01", "4111 1111 1111 1112", "0000 0000 0000 0000", "000-12-3456", "a@b, @ 5 a.m.",
        "https://example.com/650-253-0000", "10 Downing", "::", "ISBN 978-3-16-148410-0", "999.1.1.1",
        "1 2 3 4 5 6 7 8 9",
    ],
)  # fmt: skip
def test_what_only_looks_like_it(text: str) -> None:
    assert marked(text) == []


def test_several_in_order_and_none_within_another() -> None:
    text = "Ann (ann@example.org, 650-253-0000), 8.8.8.8; again ann@example.org"
    assert [kind for kind, _ in marked(text)] == ["email", "phone", "ip", "email"]
    places = find(text)
    assert all(a["end"] <= b["start"] for a, b in pairwise(places))


def test_a_row_says_kinds_and_places_but_does_not_repeat_them() -> None:
    post = a_post(0, "Call 650-253-0000 or mail ann@example.org")
    (found,) = personal_data([post], a_batch([post]), "US")
    assert (found.value, found.label) == (2, "email, phone")
    assert "650" not in str(found.detail)


def test_numbers_without_a_country_are_read_as_of_the_region() -> None:
    assert marked("030 901820", "DE") == [("phone", "030 901820")]
    assert marked("030 901820", "US") == []


def test_long_and_hostile_texts_take_no_time() -> None:
    for text in ("a@" * 20_000, "1-" * 20_000, "1234 " * 10_000, "A" * 50_000, "12 Ab " * 8_000, ":" * 50_000):
        begun = time.monotonic()
        find(text[:20_000])
        assert time.monotonic() - begun < 2, text[:10]
