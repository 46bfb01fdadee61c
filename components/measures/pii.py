"""Personal data in a post, by patterns that can be checked: what is found is marked by kind and place, never repeated.

Phone numbers by phonenumbers (Google's libphonenumber, with its plans of all countries), IBANs, cards and US social
security numbers by their check digits or ranges (python-stdnum). Names are not looked for: without a large model they
cannot be told from brands. An account that a post mentions is no finding.
"""

import ipaddress
from collections.abc import Callable, Iterator, Sequence
from typing import TypedDict

import regex

from components.measures.batch import Batch, Found
from components.measures.sources import named
from components.prompts.counting import links
from components.records import Post

_EMAIL = regex.compile(
    r"(?<![\w.+-])[\w.!#$%&'*+/=?^`{|}~-]{1,64}(?<!\.)@(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?\.)+\p{L}{2,24}"
    r"(?![\w@-])"
)
_IBAN = regex.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]){11,30}(?![A-Za-z0-9])")
_CARD = regex.compile(r"(?<![\d.,-])[2-6]\d{3}(?:[ -]?\d){9,15}(?![\d-]|[.,]\d)")
_ISSUED = regex.compile(
    r"4\d{12}(?:\d{3}){0,2}|5[1-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|3[0689]\d{12}|35\d{14}|6\d{15,18}"
)
"""Beginnings and lengths that card companies issue: check digits alone fit one number in ten."""
_SSN = regex.compile(r"(?<![\d-])\d{3}-\d{2}-\d{4}(?![\d-])")
_IP = regex.compile(r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f:]*:[0-9A-Fa-f:]*:[0-9A-Fa-f]*)(?![\w:]|\.\d)")
_WAYS = "Street St Avenue Ave Road Rd Boulevard Blvd Lane Ln Drive Dr Square Sq Terrace Parkway Pkwy"
"""Without Way, Place and Court: `5 Best Way to` is no address."""
_STREET = regex.compile(
    r"(?<![\w#@$€£.,:/-])\d{1,5}[A-Za-z]?\s+(?:[NSEW]\.?\s+)?"
    rf"(?:\p{{Lu}}[\p{{L}}'’.-]*\s+){{1,3}}(?:{'|'.join(_WAYS.split())})\b(?!['’])"
    r"|(?<![\w#@])\p{Lu}[\p{L}-]*(?:(?:stra(?:ß|ss)e|str\.|gasse|platz|allee)|\s(?:Stra(?:ß|ss)e|Gasse|Platz|Allee))"
    r"\s+\d{1,4}[a-z]?\b"
)


class Place(TypedDict):
    """Characters `start` to `end` of the post's text."""

    kind: str
    start: int
    end: int


def personal_data(posts: Sequence[Post], batch: Batch, region: str) -> Iterator[Found]:
    model = f"{named('phonenumbers')}, {named('python-stdnum')}"
    for post in posts:
        found = find(post.text or "", region)
        kinds = sorted({place["kind"] for place in found})
        detail = {"places": found} if found else {}
        yield Found(post.post_id, "pii", model, float(len(found)), ", ".join(kinds) or None, detail)


def find(text: str, region: str = "US") -> list[Place]:
    """In the order of the text, none within another; `region` reads phone numbers without a country code."""
    taken: list[Place] = []
    for kind, spans in (
        ("email", _matches(_EMAIL, text)),
        ("iban", _matches(_IBAN, text, _is_iban)),
        ("card", _matches(_CARD, text, _is_card)),
        ("ssn", _matches(_SSN, text, _is_ssn)),
        ("ip", _matches(_IP, text, _is_address)),
        ("street", _matches(_STREET, text)),
        ("phone", _phones(text, region)),
    ):
        for start, end in spans:
            if not any(start < place["end"] and place["start"] < end for place in taken):
                taken.append(Place(kind=kind, start=start, end=end))
    return sorted(taken, key=lambda place: place["start"])


def _matches(
    pattern: "regex.Pattern[str]", text: str, sound: Callable[[str], bool] = lambda found: True
) -> Iterator[tuple[int, int]]:
    for match in pattern.finditer(text):
        if sound(match[0]):
            yield match.span()


def _phones(text: str, region: str) -> Iterator[tuple[int, int]]:
    """Numbers that a country's plan has; those in links are parts of addresses."""
    from phonenumbers import Leniency, PhoneNumberMatcher

    linked = links(text)
    for match in PhoneNumberMatcher(text, region, leniency=Leniency.VALID):
        if not any(start < match.end and match.start < end for start, end in linked):
            yield match.start, match.end


def _is_iban(found: str) -> bool:
    from stdnum import iban

    return bool(iban.is_valid(found, check_country=False))


def _is_card(found: str) -> bool:
    from stdnum import luhn

    digits = regex.sub(r"\D", "", found)
    return bool(_ISSUED.fullmatch(digits)) and len(set(digits)) > 1 and bool(luhn.is_valid(digits))


def _is_ssn(found: str) -> bool:
    from stdnum.us import ssn

    return bool(ssn.is_valid(found))


def _is_address(found: str) -> bool:
    """Of a machine that somebody could own: not this one, not nobody's, not a version number like 1.2.3.0."""
    try:
        address = ipaddress.ip_address(found)
    except ValueError:
        return False
    if address.is_loopback or address.is_unspecified or address.is_multicast or address.is_reserved:
        return False
    return address.version == 4 or len(found) > 6
