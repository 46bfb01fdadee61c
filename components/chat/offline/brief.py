"""What the offline writer understands of a request: the platform that is asked for and the prompt words between tags.

Reads only the messages of a chat-completions request, as any model behind the protocol would; it knows the tags of the
shipped templates (<caption>, <topic>, ...) and otherwise looks for lines like "Caption: ...". A prompt that it cannot
read leaves it with little to say, not with an error.
"""

import functools
import hashlib
import html
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import regex

from components.prompts import Platform, known_platforms, load_platform
from components.prompts.counting import EMOJI, hashtags, links, without_links
from components.prompts.escaping import clean, unescape

_TAGS = ("caption", "details", "topic", "sentiment", "scene", "keywords", "text")
_SENTENCE_END = regex.compile(r"(?<=[.!?…。！？][\"”')]*)\s+|\n+")
_LITTLE_WORDS = (
    "all and any are but can for had has her his how its not our out she the was who why you one about above "
    "after again against also among around because been before behind being below between both cannot could does "
    "down during each even every from have having here into itself just like made make many more most much near "
    "never next nobody nothing only other over same some such than that their them then there these they thing "
    "things this those through under until upon very what when where which while whom will with without would "
    "your front middle"
)
_TOO_COMMON = frozenset(_LITTLE_WORDS.split())
_NEEDS_MORE = regex.compile(
    r"(?i)\b(?:love|loved|like|enjoy|miss|watch|watched|watching|seen|seeing|meet|join|\w{1,3})$"
)
"""What a sentence does not stop at: the hashtag or name behind it is its object, not a signpost."""
_ABBREVIATED = regex.compile(r"\b(?:Mr|Mrs|Ms|Dr|St|vs|Jan|Feb|Mar|Apr|Aug|Sept?|Oct|Nov|Dec|e\.g|i\.e|U\.S|No)\.$")
_CREDIT = regex.compile(
    r"\(?[📸📷🎥🎨📹🎬]\uFE0F?\s*:?[^()\n]*\)?|\([^()\w]*\)|\([^()]*:\s*\)|(?i:\((?:photo|image|art)s? by\b[^()]*\))"
)
_SIGNPOSTS = regex.compile(
    r"(?m)(?P<by>\s+(?:by|via|from|with|cc|ft\.?|h/t))?"
    r"(?P<run>(?:[\s,]+(?:and\s+|&\s+)?[#＃@][\w·]+)+)[ \t)]*$"
)
_POINTER = regex.compile(
    r"(?:[\s,;(–—-]*\b(?:here|below|at|via|on (?:our|the) blog|(?:you can )?(?:read|find out|learn|see) (?:more|it)))+"
    r"[\s:(👇]*$",
    regex.IGNORECASE,
)
_LINK_AT = regex.compile(r"(?i)\b(?:at|via|on|from|see)\s*$")
"""What is left of "read more here: <link>" once the link is gone."""
_SENTIMENTS = frozenset({"positive", "neutral", "negative"})


@dataclass(frozen=True, slots=True)
class Brief:
    """One request, understood. `wants_tags`: the post belongs between post tags, after thoughts.
    `noun_phrase` is the caption without "there is"; None where the caption is a clause.
    `pieces` are the sentences of a text that stands alone, and the parts of sentences that its links left over."""

    platform: Platform
    caption: str | None
    topic: str | None
    sentiment: str
    scene: str | None
    keywords: tuple[str, ...]
    sentences: tuple[str, ...]
    pieces: tuple[str, ...]
    text_emoji: tuple[str, ...]
    text_tags: tuple[str, ...]
    has_picture: bool
    has_words: bool
    noun_phrase: str | None
    seed: int
    warmth: float
    wants_tags: bool = False

    @property
    def is_text_alone(self) -> bool:
        return not self.has_picture and not self.caption


def read_brief(body: Mapping[str, Any]) -> Brief:
    """The brief in the body of a chat-completions request; unknown fields are ignored."""
    messages = [message for message in body.get("messages") or () if isinstance(message, Mapping)]
    system = "\n".join(_text_of(message) for message in messages if message.get("role") in ("system", "developer"))
    user = next((_text_of(message) for message in reversed(messages) if message.get("role") == "user"), "")
    found = {tag: _between(tag, user) for tag in _TAGS}
    detail = (found["details"] or "").partition(";")[0]  # where nothing is said of the whole, a part has to do
    caption = " ".join((found["caption"] or detail).split()).rstrip(".") or None
    sentences, emoji, tags = _read_text(found["text"] or "")
    temperature = body.get("temperature")
    sentiment = _label(found["sentiment"])
    asked = regex.sub(r"<(\w+)>.*?</\1>", " ", user, flags=regex.DOTALL)
    has_picture = "picture" in asked or _holds_picture(messages)
    return Brief(
        platform=_platform(f"{system}\n{asked}"),
        caption=caption,
        topic=_label(found["topic"]),
        sentiment=sentiment if sentiment in _SENTIMENTS else "neutral",
        scene=_label(found["scene"]),
        keywords=tuple(word for word in (part.strip() for part in (found["keywords"] or "").split(",")) if word),
        sentences=sentences,
        pieces=() if has_picture or caption else _read_pieces(found["text"] or ""),
        text_emoji=emoji,
        text_tags=tags,
        has_picture=has_picture,
        has_words=any(found[tag] for tag in _TAGS if tag != "text"),
        noun_phrase=_noun_phrase(caption),
        seed=_seed(messages, body.get("seed")),
        warmth=1.0 if temperature is None else min(1.0, max(0.0, float(temperature)) / 0.7),
        wants_tags="<post>" in user,
    )


def content_words(text: str, shortest: int = 4) -> frozenset[str]:
    """The words that carry meaning, lower case and without a plural s: to notice when a thing is said twice."""
    words = regex.findall(rf"[\p{{L}}]{{{shortest},}}", text.lower())
    return frozenset(word.removesuffix("s") for word in words if word not in _TOO_COMMON)


def as_sentence(text: str) -> str:
    """With a capital and an end: "i saw it" -> "I saw it."."""
    text = re.sub(r"\bi\b(?=['’ ])", "I", text.strip())
    text = text[:1].upper() + text[1:]
    return text if not text or text[-1] in '.!?…。！？”"' else f"{text.rstrip(',;:–-')}."


def _text_of(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, Sequence) else ()
    return "\n".join(str(part.get("text", "")) for part in parts if isinstance(part, Mapping))


def _holds_picture(messages: Sequence[Mapping[str, Any]]) -> bool:
    contents = [message.get("content") for message in messages]
    return any(
        isinstance(part, Mapping) and part.get("type") == "image_url"
        for content in contents
        if isinstance(content, list | tuple)
        for part in content
    )


def _between(tag: str, text: str) -> str | None:
    match = re.search(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL) or re.search(
        rf"(?im)^[-*\s]*{tag}s?\s*:[ \t]*(.+)$", text
    )
    return (unescape(match[1]).strip() or None) if match else None


def _label(found: str | None) -> str | None:
    return " ".join(found.lower().split()) if found else None


def _platform(text: str) -> Platform:
    """The platform whose name comes first; X, the tightest, where none is named."""
    match = re.search(rf"\b({'|'.join(map(re.escape, _named()))})\b", text)
    return load_platform(_named()[match[1]] if match else "x")


@functools.cache
def _named() -> dict[str, str]:
    return {load_platform(key).name: key for key in known_platforms()}


def _noun_phrase(caption: str | None) -> str | None:
    """The caption where it names a thing that a sentence can hold; None for a clause or an unknown beginning."""
    phrase = re.sub(r"^there (?:is|are)\s+", "", caption or "", flags=re.IGNORECASE)
    if re.match(r"(?:An?|The|One|Two|Three|Four|Five|Several|Some|Many)\b", phrase):
        phrase = phrase[0].lower() + phrase[1:]
    is_clause = re.search(r"\b(?:is|are|was|were|has|have|do|does|can)\b", phrase)
    return phrase if re.match(r"[a-z]+\s", phrase) and not is_clause else None


def _read_text(text: str) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Somebody's text as sentences, without retweet marks, links and emoji; its emoji and hashtags apart."""
    text = clean(html.unescape(text))
    tags = tuple(hashtags(text))
    text = without_links(re.sub(r"^\s*RT @\w+:\s*|^\s*(?:@\w+\s+)+", "", text))
    emoji = tuple(match[0] for match in EMOJI.finditer(text))
    text = EMOJI.sub(" ", text)
    text = regex.sub(r"(?m)(?:\s*[#＃@][\p{L}\p{N}_]+)+\s*$", "", text)  # signposts at the end are no sentence
    text = regex.sub(r"[#＃](?=[\p{L}_])", "", text)
    parts = (" ".join(part.split()).lstrip("> •*–-") for part in _SENTENCE_END.split(text))
    return tuple(part for part in parts if regex.search(r"\p{L}", part) and not part.endswith(":")), emoji, tags


def _read_pieces(text: str) -> tuple[str, ...]:
    """A text without picture, cut into what can be quoted: no link, mention, credit or signpost, hashtags as words."""
    text = clean(html.unescape(text))
    for start, end in reversed(links(text)):
        text = f"{_LINK_AT.sub('', text[:start])} {text[end:]}"
    text = regex.sub(r"(?m)^\s*(?:RT @\w+:\s*|[.\s]*(?:@\w+[\s,:]+)+)", "", f"{text}\n").strip()
    text = _SIGNPOSTS.sub(_without_signposts, _CREDIT.sub(" ", text))
    text = EMOJI.sub("\n", text)
    text = regex.sub(r"(?<=@\w+) (?=@\w)", ", ", text)
    text = regex.sub(r"(?<![\w.])[#＃]([\p{L}\p{N}_]+)", lambda match: _apart(match[1]), text)
    text = regex.sub(r"(?<![\w.])@(?=\w)", "", text)
    pieces: list[str] = []
    for part in _SENTENCE_END.split(text):
        part = _piece(part)
        if pieces and part and _ABBREVIATED.search(pieces[-1]):
            pieces[-1] += f" {part}"
        elif regex.search(r"[\p{L}\p{N}]", part) and part.lower() not in ("and", "or", "via", "by", "at", "with", "cc"):
            pieces.append(part)
    return tuple(pieces)


def _piece(part: str) -> str:
    part = regex.sub(r"^(?:[\s>•*–→➡️-]+|\(?\d+/\d*\)?\s)+|\s[:;]-?[()DP](?=[\s.!?]*$)", "", " ".join(part.split()))
    if part.count('"') % 2 or part.count("“") != part.count("”"):
        part = regex.sub('["“”]', "", part).strip()
    left = _POINTER.sub("", part)
    if left != part and part[-1:] in ".!?":
        left = part  # "We are here." points to nothing
    left = regex.sub(r"(?<=\w)[\s:,;–—-]+([.!?])(?=\s|$)", r"\1", left.rstrip(" ,;:–—-(&>/|"))
    left = regex.sub(r"\s+([,;:])(?=\s)", r"\1", left)
    left = left if left[1:2].isupper() else left[:1].upper() + left[1:]
    return left + ")" * (left.count("(") - left.count(")"))


def _without_signposts(match: regex.Match[str]) -> str:
    """Hashtags and names that close a line go, unless the sentence needs the first of them as a word."""
    before = match.string[: match.start()].rstrip()
    if match["by"] or not before or before[-1] in '.!?…:)”"':
        return ""
    first = regex.search(r"[#＃@][\w·]+", match["run"])
    needed = _NEEDS_MORE.search(before) or before.rpartition(" ")[2].lower() in _TOO_COMMON
    return f" {first[0]}" if first and needed else ""


def _apart(tag: str) -> str:
    """The words of a hashtag: "FanArtFriday" -> "Fan Art Friday"."""
    return regex.sub(r"(?<=\p{Ll})(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll})|_+", " ", tag).strip()


def weight(text: str) -> int:
    """How many different content words a quotation would have."""
    return len(content_words(regex.sub(r"['’]\p{L}+", "", text), shortest=3))


def _seed(messages: Sequence[Mapping[str, Any]], seed: object) -> int:
    text = json.dumps([messages, seed], sort_keys=True, default=str)
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8], "big")
