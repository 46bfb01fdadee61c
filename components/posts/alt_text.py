"""What is read aloud to those who cannot see the picture: its kept caption as a sentence, then details of its parts.

Read: captions, or the features they stand in. Nothing is added to what was found, and nothing uncertain is told: the
listener cannot check it. "Image of" goes, because screen readers say so themselves; "drawing of" or "screenshot of"
stays, because that is news.
"""

import re
from collections.abc import Sequence

from components.prompts import Platform, is_uncertain
from components.records import Feature

_ANNOUNCED = re.compile(
    r"\A(?:(?:this|it|here) (?:is|shows) |there is )?(?:an? |the )?"
    r"(?:(?:close[- ]?up|stock|digital|colou?r) )?(?:image|picture|photo(?:graph)?|pic|snapshot)"
    r"(?: (?:is )?(?:of|showing|that shows|which shows|depicting)| shows) ",
    re.IGNORECASE,
)
_DETAILS = "Details: "


def alt_text(caption: str | None, platform: Platform, details: Sequence[str] = ()) -> str | None:
    """The caption in sentence case, and as many of `details` as the platform's limit leaves room for; None without a
    caption. A caption that is too long is cut between words; details are told whole or not at all."""
    text = _sentence(caption or "")
    if not text:
        return None
    limit = platform.alt_text.limit
    if _length(text) > limit:
        return _cut(text, limit)
    told: list[str] = []
    for detail in details:
        line = _sentence(detail).rstrip(".")
        line = line if line[1:2].isupper() else line[:1].lower() + line[1:]
        said = {_words(text), *map(_words, told)}
        if line and _words(line) not in said and _length(_joined(text, [*told, line])) <= limit:
            told.append(line)
    return _joined(text, told)


def alt_text_from(features: Sequence[Feature], platform: Platform) -> str | None:
    """From an item's rows, in any order; None where no caption was found, which the suite of features warns of."""
    rows = sorted(features, key=lambda row: row.rank)
    captions = [row.text for row in rows if row.name == "caption" and row.text and row.text.strip()]
    details = [row.text for row in rows if row.name == "crop_caption" and row.text and not is_uncertain(row)]
    return alt_text(captions[0] if captions else None, platform, details)


def _sentence(caption: str) -> str:
    """With a capital and an end, without "image of"; SHOUTED captions in lower case."""
    text = " ".join(caption.split())
    text = _ANNOUNCED.sub("", text) or text
    if " " in text and text.isupper():
        text = text.lower()
    text = text[:1].upper() + text[1:]
    return text if not text or text[-1] in ".!?…" else f"{text}."


def _joined(text: str, details: Sequence[str]) -> str:
    return f"{text} {_DETAILS}{'; '.join(details)}." if details else text


def _words(text: str) -> frozenset[str]:
    """What is said, whatever the articles and the order."""
    return frozenset(re.findall(r"\w+", text.lower())) - {"a", "an", "the", "there", "is", "are"}


def _length(text: str) -> int:
    """In UTF-16 units: of the ways in which platforms count, the one that finds most."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _cut(text: str, limit: int) -> str:
    while _length(text) > limit - 1:
        text = text[: min(len(text) - 1, limit - 1)]
    whole, _, _ = text.rpartition(" ")
    return f"{whole or text}…"
