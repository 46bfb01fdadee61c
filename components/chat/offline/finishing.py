"""The last steps of an offline post: an emoji, hashtags, and as much of it as the platform takes."""

from collections.abc import Sequence

import regex

from components.chat.offline.brief import content_words
from components.chat.offline.desk import Desk, phrases, sky_of

_NO_NOUN = ("ing", "ed", "ly")
"""A hashtag is a noun; keywords of other kinds are left to the sentence."""
_SHORTEST = 20


def finish(desk: Desk, lines: Sequence[str], beside: str | None = None) -> str:
    """The post: an emoji closes the paragraph of the line `beside` (or the first one), hashtags close the post."""
    lines = list(lines)
    start = lines.index(beside) if beside in lines else 0
    if emoji := emoji_of(desk):
        end = lines.index("\n\n", start) if "\n\n" in lines[start:] else len(lines)
        lines[end - 1] = f"{lines[end - 1]} {emoji}"
    tags = " ".join(f"#{tag}" for tag in tags_of(desk))
    apart = "\n\n" in lines or desk.brief.platform.key in ("instagram", "linkedin", "mastodon")
    return fitted(desk, lines, f"\n\n{tags}" if tags and apart else f" {tags}" if tags else "", kept=start)


def fitted(desk: Desk, lines: Sequence[str], tail: str = "", kept: int = 0) -> str:
    """The lines with the tail; as long as the platform refuses it, the last line goes (but for the one at `kept`), then
    hashtags one by one, then the end of the line that is left."""
    left = dict(enumerate(lines))
    while True:
        body = regex.sub(r" *\n\n[\n ]*", "\n\n", " ".join(left.values())).strip()
        text = (body + tail).strip()
        longest = max(map(len, left.values()))
        if desk.brief.platform.fits(text) or (len(left) == 1 and not tail and longest <= _SHORTEST):
            return text
        if len(left) > 1:
            del left[max(at for at in left if at != kept)]
        elif tail:
            tail = tail.rpartition(" ")[0].rstrip()
        else:
            left[kept] = shortened(left[kept], max(_SHORTEST, longest * 3 // 4))


def emoji_of(desk: Desk) -> str | None:
    """One that fits the place or the topic; in a heavy mood only the weather's, and the author's own before all."""
    brief, shelf = desk.brief, phrases()["emoji"]
    likely = {"positive": 0.65, "neutral": 0.3, "negative": 0.3}[brief.sentiment]
    likely = likely if brief.platform.emoji.typical[0] == 0 else 1.0
    if brief.platform.key in ("linkedin", "mastodon"):
        likely /= 4
    if not desk.chance(likely) or brief.platform.emoji.typical[1] == 0:
        return None
    if brief.text_emoji:
        return brief.text_emoji[0]
    if not brief.has_picture:
        return None
    if brief.sentiment == "negative":
        return _drawn(shelf["heavy"].get(sky_of(brief) or ""))
    options = [*shelf["scenes"].get(brief.scene or "", ()), *shelf["topics"].get(brief.topic or "", ())]
    return _drawn(desk.dice.choice(options) if brief.warmth > 0 else options[0]) if options else None


def _drawn(emoji: str | None) -> str | None:
    """With the selector that asks for a picture where the character would be drawn as text."""
    return emoji and (emoji if regex.match(r"\p{Emoji_Presentation}", emoji) else f"{emoji}\ufe0f")


def tags_of(desk: Desk) -> list[str]:
    """Hashtags from scene, topic and keywords, as many as the platform is used to; the order varies with the post."""
    brief, shelf = desk.brief, phrases()["tags"]
    least, most = brief.platform.hashtags.typical
    scene, topic = shelf["scenes"].get(brief.scene or "", []), shelf["topics"].get(brief.topic or "", [])
    words = [tag for keyword in brief.keywords if (tag := _camel(keyword))]
    heads = [*topic[:1], *scene[:1]] if brief.has_picture else []
    if brief.warmth > 0:
        desk.dice.shuffle(heads)
    if brief.platform.key == "linkedin" and brief.has_picture:
        heads = [*topic[:1], *([shelf["work"][brief.topic]] if brief.topic in shelf["work"] else []), *scene[:1]]
    rest = [*scene[1:], *topic[1:], *shelf["pictures"]] if brief.has_picture else topic[:1]
    options = [*heads[:1], *words[:1], *heads[1:], *words[1:3], *brief.text_tags[:2], *words[3:], *rest]
    wanted = most if brief.warmth == 0 else desk.dice.randint(least, most)
    unique = {tag.lower(): tag for tag in reversed(options)}
    return list(dict.fromkeys(unique[tag.lower()] for tag in options))[:wanted]


def _camel(keyword: str) -> str | None:
    parts = regex.findall(r"[\p{L}\p{N}]+", keyword)
    tag = "".join(part[:1].upper() + part[1:] for part in parts)
    plain = (
        not content_words(keyword)
        or set(keyword.lower().split()) <= set(phrases()["tags"]["never"])
        or keyword.endswith(_NO_NOUN)
    )
    return tag if len(tag) >= 4 and not tag[0].isdigit() and not plain else None


def shortened(text: str, longest: int) -> str:
    """At most `longest` characters, cut behind a sentence or else a word."""
    if len(text) <= longest:
        return text
    cut = text[: longest - 1]
    sentence = max(cut.rfind(mark) for mark in (". ", "! ", "? "))
    if sentence > longest // 3:
        return cut[: sentence + 1]
    return cut[: cut.rfind(" ")].rstrip(",;:–- ") + "…" if " " in cut else f"{cut}…"
