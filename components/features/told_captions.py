"""Captions and alternative texts told by a language model that sees the picture, and two captions fused into one.

Read: items' pictures, downscaled and without metadata; `telling.yaml`; what the model answered. Nothing is bought here:
each `..._requests` says what to ask and each `read_...` what came of it. An answer is either one usable text or a
state that says why not, because a caption that is half a refusal would be written about.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from components.chat import ChatOutcome, ChatRequest, Status
from components.chat.thinking import without_thinking
from components.features.keywords import lemmas
from components.items.pictures import PictureError
from components.items.sending import picture_part
from components.prompts.escaping import clean, delimit, unescape
from components.records import Feature, Item
from components.specs import ChatSpec

WORDING = Path(__file__).parent / "telling.yaml"
FEWEST_WORDS, MOST_WORDS = 3, 45
LONGEST = 300
"""Characters of a caption; CLIP reads about as much."""

GLUE = frozenset(
    """a an and are as at be been being by both for from in into is it its of on one or that the their them they this
    to while which who with""".split()  # noqa: SIM905
)
"""What a fused caption may add. No negation, no number, no "his" or "near": those say something about the picture."""

_LABEL = re.compile(r"\A(?:caption|description|alt(?:ernative)?[ -]text|answer|sentence)\s*:\s*", re.IGNORECASE)
_LEAD = re.compile(
    r"\A(?:the|this|an?) (?:image|picture|photo|photograph|scene)"
    r" (?:shows|depicts|features|captures|displays|is of)\s+",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"\A[\"“'‘](.*)[\"”'’]\Z", re.DOTALL)
_MARKUP = re.compile(r"```|^\s*(?:[#>*-]|\d+[.)])\s|\*\*|</?[a-z]+>|[{}]|https?://", re.IGNORECASE | re.MULTILINE)
_DECLINED = re.compile(
    r"\b(?:I(?:['’]m| am| can(?:['’]t|not)?| do(?:n['’]t| not)| was| won['’]t| will not)\b|sorry\b|as an AI\b"
    r"|unable to\b|please (?:provide|share|upload|describe)\b|no (?:image|picture) (?:was|is|has)\b"
    r"|(?:can['’]t|cannot) (?:help|assist)\b)",
    re.IGNORECASE,
)
_ENDS = re.compile(r"(?<=[.!?…])[\"”’)]*\s+(?=[\"“(]?[A-Z0-9])")
_ABBREVIATION = re.compile(r"(?:\b(?:St|Dr|Mr|Mrs|Ms|No|vs|approx|a\.m|p\.m)|\b[A-Z])\.\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What came of one question. `text` is there exactly when `state` is ok. Other states: a status of components.chat
    (refusal, content_filter, truncated, timeout, ...), `declined` (a refusal in words), `empty`, `no_sentence`,
    `too_long`, `markup`, `added_words`."""

    item_id: str
    text: str | None = None
    state: str = "ok"
    detail: str | None = None
    call_key: str | None = None


@dataclass
class AskedPictures:
    """`requests` belong to `items`, one each; `unsent` are items whose picture is gone or no longer the same."""

    items: list[Item] = field(default_factory=list)
    requests: list[ChatRequest] = field(default_factory=list)
    unsent: list[tuple[Item, PictureError]] = field(default_factory=list)


def wording() -> str:
    return WORDING.read_text("utf-8")


def caption_requests(items: Sequence[Item], spec: ChatSpec) -> AskedPictures:
    """One question per item with a picture; items without one are not asked about."""
    return _ask_about_pictures(items, spec, "caption", {}, {})


def alt_text_requests(
    items: Sequence[Item], captions: Mapping[str, str], spec: ChatSpec, limit: int, language: str = "English"
) -> AskedPictures:
    """One question per item with a picture, with its kept caption (`captions`: item_id -> text) where there is one.
    `limit` is the platform's, in characters (`Platform.alt_text.limit`)."""
    hints = {item_id: delimit("caption", " ".join(text.split())) for item_id, text in captions.items() if text.strip()}
    return _ask_about_pictures(items, spec, "alt_text", hints, {"limit": limit, "language": language})


def _ask_about_pictures(
    items: Sequence[Item], spec: ChatSpec, stage: str, hints: Mapping[str, str], values: Mapping[str, Any]
) -> AskedPictures:
    asked = AskedPictures()
    for item in items:
        try:
            picture = picture_part(item, spec)
        except PictureError as error:
            asked.unsent.append((item, error))
            continue
        if picture is None:
            continue
        text = _say(stage, "user", {**values, "caption": hints.get(item.item_id, "")})
        content: list[dict[str, Any]] = [{"type": "text", "text": text}, picture]
        asked.items.append(item)
        asked.requests.append(_request(stage, spec, _say(stage, "system", values), content))
    return asked


def fusion_requests(pairs: Sequence[tuple[str, str, str]], spec: ChatSpec) -> list[ChatRequest]:
    """One question per (item_id, better caption, other caption); no picture is sent."""
    return [
        _request(
            "fuse_captions",
            spec,
            _say("fuse_captions", "system", {}),
            _say("fuse_captions", "user", {"first": delimit("first", first), "second": delimit("second", second)}),
        )
        for _, first, second in pairs
    ]


def _request(stage: str, spec: ChatSpec, system: str, content: str | list[dict[str, Any]]) -> ChatRequest:
    messages = ({"role": "system", "content": system}, {"role": "user", "content": content})
    return ChatRequest.by(spec, stage, messages)


@cache
def _wordings(text: str) -> Any:
    return yaml.safe_load(text)


def _say(stage: str, role: str, values: Mapping[str, Any]) -> str:
    return str(_wordings(wording())[stage][role]).format(**values).strip()


def read_captions(items: Sequence[Item], outcomes: Sequence[ChatOutcome]) -> list[Told]:
    """One Told per outcome; `items` are those of AskedPictures."""
    return [_read(item.item_id, outcome) for item, outcome in zip(items, outcomes, strict=True)]


def read_alt_texts(items: Sequence[Item], outcomes: Sequence[ChatOutcome], limit: int) -> list[Told]:
    """As `read_captions`; one to three sentences of at most `limit` characters, none is cut."""
    return [
        _read(item.item_id, outcome, sentences=3, longest=limit) for item, outcome in zip(items, outcomes, strict=True)
    ]


def read_fusions(pairs: Sequence[tuple[str, str, str]], outcomes: Sequence[ChatOutcome]) -> list[Told]:
    """`pairs` as asked. A fused caption that says what neither says has the state `added_words` and no text, so that
    the better of the two stays."""
    result = []
    for (item_id, first, second), outcome in zip(pairs, outcomes, strict=True):
        told = _read(item_id, outcome)
        if told.text and (added := added_words(told.text, first, second)):
            detail = f"neither caption says {', '.join(added)}: {told.text[:120]!r}"
            told = Told(item_id=item_id, state="added_words", detail=detail, call_key=outcome.key)
        result.append(told)
    return result


def added_words(fused: str, *captions: str) -> list[str]:
    """Words of `fused` that in no form are in the captions, but for articles, conjunctions and the like. Who does what
    to whom is not checked."""
    known = {form for caption in captions for pair in lemmas(caption) for form in pair}
    return [word for word, lemma in lemmas(fused) if not {word, lemma} & known and word not in GLUE]


def _read(item_id: str, outcome: ChatOutcome, sentences: int = 1, longest: int = LONGEST) -> Told:
    """Wrapping that is certain (quotes, a label, "The image shows") is taken off; anything else that is no plain
    sentence makes a state, as a guess would be published."""
    if outcome.status is not Status.ok:
        return Told(item_id=item_id, state=outcome.status.value, detail=outcome.detail, call_key=outcome.key)
    text = _unwrapped(outcome.text or "")
    state = _fault(text, sentences, longest)
    if state:
        detail = f"the reply was {(outcome.text or '')[:120]!r}"
        return Told(item_id=item_id, state=state, detail=detail, call_key=outcome.key)
    if sentences == 1:
        text = text.rstrip(".")  # as the captions of other models are
    return Told(item_id=item_id, text=text, call_key=outcome.key)


def _unwrapped(reply: str) -> str:
    text = unescape(without_thinking(clean(reply)).strip())
    while True:
        before = text
        text = _LABEL.sub("", text)
        if (match := _QUOTED.match(text)) and not re.search(r"[\"“”]", match[1]):
            text = match[1].strip()
        text = _LEAD.sub("", text)
        if text == before:
            return text


def _fault(text: str, sentences: int, longest: int) -> str | None:
    if not text:
        return "empty"
    if _DECLINED.search(text):
        return "declined"
    if _MARKUP.search(text) or "\n" in text:
        return "markup"
    if len(text) > longest:
        return "too_long"
    ends = sum(not _ABBREVIATION.search(text[: match.start()]) for match in _ENDS.finditer(text))
    words = len(text.split())
    too_many = words > MOST_WORDS * sentences
    return "no_sentence" if words < FEWEST_WORDS or too_many or ends >= sentences else None


def fusion_pairs(features: Sequence[Feature]) -> list[tuple[str, str, str]]:
    """(item_id, best caption, next best that says something else), for items that have two."""
    found: dict[str, list[str]] = {}
    for row in sorted((f for f in features if f.name == "caption" and f.text), key=lambda f: f.rank):
        texts = found.setdefault(row.item_id, [])
        if str(row.text).strip(" .").lower() not in {text.strip(" .").lower() for text in texts}:
            texts.append(str(row.text))
    return [(item_id, texts[0], texts[1]) for item_id, texts in found.items() if len(texts) > 1]
