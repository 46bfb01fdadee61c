"""How platforms count: characters as each of them defines it, and the links, hashtags and mentions in a text.

Reads strings and `top_level_domains.txt`, returns numbers and lists. Only the platforms' own rules stand here, because
a post that is one character too long is refused as a whole: X by the weights of twitter-text's version 3, Mastodon and
Bluesky by grapheme, Threads with emoji as bytes, and UTF-16 (the strictest) where a platform does not publish its unit.
"""

import unicodedata
from collections.abc import Callable
from functools import cache
from pathlib import Path

import regex

X_LINK = 23
_X_HEAVY = regex.compile(r"[^\u0000-\u10FF\u2000-\u200D\u2010-\u201F\u2032-\u2037]")
"""Code points of weight 2 of 280; those in the ranges weigh 1. Source: twitter-text config/v3.json."""

_PART = r"\p{Extended_Pictographic}(?:\p{Emoji_Modifier}|\uFE0F)?"
EMOJI = regex.compile(
    r"[0-9#*]\uFE0F?\u20E3"  # keycaps
    r"|\p{Regional_Indicator}{2}"  # flags of countries
    r"|\U0001F3F4[\U000E0020-\U000E007E]+\U000E007F"  # flags of regions
    r"|[©®]\uFE0F"  # letters unless asked to be drawn
    rf"|(?![©®]){_PART}(?!\uFE0E)(?:\u200D{_PART})*"
)

_WORD = r"[\p{L}\p{N}\p{M}]"
_LABEL = rf"{_WORD}(?:[\p{{L}}\p{{N}}\p{{M}}_-]{{0,61}}{_WORD})?"
_IN_PATH = r"[A-Za-z0-9\p{Cyrillic}\u00C0-\u024F!*';:=+,.$/%#\[\]\-\u2013_~@|&]"
_ENDS_PATH = r"[A-Za-z0-9\p{Cyrillic}\u00C0-\u024F=_#/+\-]"
_IN_PARENTHESES = rf"\((?:{_IN_PATH}|\({_IN_PATH}*+\))*+\)"
_PATH = rf"(?:/(?:(?:{_IN_PATH}|{_IN_PARENTHESES})*(?:{_ENDS_PATH}|(?<=\))))?)?"
_QUERY = r"(?:\?[A-Za-z0-9!?*'@();:&=+$/%#\[\]\-_.,~|]*[A-Za-z0-9\-_&=#/])?"
_LATIN = r"[A-Za-z0-9\u00C0-\u024F]"
_NOT_AFTER = r"(?<![A-Za-z0-9\u00C0-\u024F@＠$#＃])"
_FOREIGN = (
    "рф|бел|укр|срб|сайт|онлайн|ею|中国|中國|香港|台湾|台灣|新加坡|公司|网络|みんな|コム|한국|भारत|ไทย"
    "|پاکستان|ایران|مصر|السعودية|امارات|قطر|ישראל"
)
_LONGEST_LABEL, _LONGEST_LINK = 63, 4096
_MAY_BE_LINK = regex.compile(r"\.[^\s.]")
"""In each link a dot stands right before a part of the host's name. Most posts have none: looking for it takes a
hundredth of what looking for links takes."""


@cache
def _link_pattern() -> "regex.Pattern[str]":
    lines = (Path(__file__).parent / "top_level_domains.txt").read_text("utf-8").splitlines()
    known = "|".join(sorted((tld for line in lines if line[:1] != "#" for tld in line.split()), key=len, reverse=True))
    scheme_host = rf"(?:{_LABEL}\.){{1,9}}(?:[a-z]{{2,24}}|xn--[a-z0-9-]+|{_FOREIGN})"
    bare_host = rf"(?:{_LATIN}(?:[A-Za-z0-9\u00C0-\u024F_-]{{0,61}}{_LATIN})?\.){{1,9}}(?:{known})"
    rest = rf"(?![A-Za-z0-9@_-])(?::\d+)?{_PATH}{_QUERY}"
    with_scheme = rf"https?://(?P<host>{scheme_host}){rest}"
    bare = rf"(?<![.\-/_])(?P<bare>{bare_host}){rest}"
    short = r"https?://(?P<host>t\.co)/[A-Za-z0-9]{1,40}+"  # X's own: the name after / is only letters and digits
    return regex.compile(rf"{_NOT_AFTER}(?:{short}|{with_scheme}|{bare}(?![\w.+-]*@))", regex.IGNORECASE)


def links(text: str, bare: bool = True) -> list[tuple[int, int]]:
    """Where the links stand, as (start, end). `bare`: also those without http://, as X finds them."""
    found: list[tuple[int, int]] = []
    if not _MAY_BE_LINK.search(text):
        return found
    for match in _link_pattern().finditer(text):
        host = match["host"] or match["bare"]
        if (match["host"] or bare) and match.end() - match.start() <= _LONGEST_LINK and _is_host(host):
            found.append((match.start(), match.end()))
    return found


def _is_host(host: str) -> bool:
    labels = host.lower().split(".")
    if any("_" in label for label in labels[-2:]):
        return False  # only subdomains may hold underscores
    encoded = (label if label.isascii() else f"xn--{label.encode('punycode').decode()}" for label in labels)
    return all(len(label) <= _LONGEST_LABEL for label in encoded)


def without_links(text: str) -> str:
    for start, end in reversed(links(text)):
        text = f"{text[:start]} {text[end:]}"
    return text


_IN_TAG = r"[\p{L}\p{M}\p{N}_·\u200C\u200D〃〜～־׳״་]"
_HASHTAG = regex.compile(
    rf"(?<![\p{{L}}\p{{N}}_&/]\p{{M}}*)[#＃](?!\uFE0F?\u20E3|https?://)({_IN_TAG}*[\p{{L}}\p{{M}}]{_IN_TAG}*)"
)
_NAME = r"[A-Za-z0-9_]++(?:[.-]++[A-Za-z0-9_]++)*+"
_MENTION = regex.compile(rf"(?<![A-Za-z0-9_!@＠#＃$%&*./-])[@＠]({_NAME})(@[\w.-]+\w)?+(?![@＠\u00C0-\u024F]|://)")


def hashtags(text: str) -> list[str]:
    """The hashtags without their sign, in order; a number alone is none, nor is the fragment of a link."""
    return [match[1] for match in _HASHTAG.finditer(without_links(text))]


def without_hashtags(text: str) -> str:
    return _HASHTAG.sub(" ", text)


def mentions(text: str) -> list[str]:
    """The mentioned accounts, without the first sign: name, name.host (Bluesky) or name@host (Mastodon)."""
    return [match[1] + (match[2] or "") for match in _MENTION.finditer(without_links(text))]


def x_weighted(text: str) -> int:
    """The weighted length of X: text in NFC, 23 per link, 2 per emoji however long, 1 or 2 per other code point."""
    text = unicodedata.normalize("NFC", text)
    found = links(text)
    for start, end in reversed(found):
        text = text[:start] + text[end:]
    emoji_less, emoji = (text, 0) if text.isascii() else EMOJI.subn("", text)
    heavy = 0 if emoji_less.isascii() else len(_X_HEAVY.findall(emoji_less))
    return X_LINK * len(found) + 2 * emoji + len(emoji_less) + heavy


def graphemes(text: str) -> int:
    """What a reader perceives as characters (Unicode's extended grapheme clusters)."""
    return sum(1 for _ in regex.finditer(r"\X", text))


def mastodon(text: str) -> int:
    """Graphemes, with 23 per link that has a scheme and with mentions counted without their server."""
    for start, end in reversed(links(text, bare=False)):
        text = text[:start] + "x" * X_LINK + text[end:]
    return graphemes(regex.sub(r"(?<![\w/])(@\w+(?:[\w.-]*\w)?)@[\w.-]+\w", r"\1", text))


def threads(text: str) -> int:
    """Characters, but every emoji counts as its bytes in UTF-8."""
    return len(EMOJI.sub("", text)) + sum(len(match[0].encode()) for match in EMOJI.finditer(text))


def utf16(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


COUNTERS: dict[str, Callable[[str], int]] = {
    "x_weighted": x_weighted,
    "graphemes": graphemes,
    "mastodon": mastodon,
    "threads": threads,
    "utf16": utf16,
}
