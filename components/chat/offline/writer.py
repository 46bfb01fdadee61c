"""The offline writer: composes a post from the prompt words in a chat-completions request, without any model.

Reads the request's messages (brief.py) and `phrases.yaml`; returns the assistant's message. The same messages and seed
give the same post. It is a stand-in that lets the whole pipeline run without a key, so it does what a model is asked to
do: say what the caption says, in the mood of the sentiment, inside the platform's rules, and invent nothing that could
be checked.
"""

import hashlib
import random
from collections.abc import Callable, Mapping
from typing import Any

import regex

from components.chat.offline.brief import Brief, as_sentence, content_words, read_brief, weight
from components.chat.offline.desk import PHRASES, Desk, phrases, sky_of
from components.chat.offline.finishing import finish, fitted, nouns, quotation, shortened

VERSION = f"2-{hashlib.sha256(PHRASES.read_bytes()).hexdigest()[:8]}"
"""Part of every call's key: other phrases, or a higher number for other code, are another author."""

_ABOUT_PEOPLE = regex.compile(r"\b(?:man|men|woman|women|people|person|boys?|girls?|child|children|baby|guy|lady)\b")
_WHERE = regex.compile(r"\b(?:in|on|at|near|under|with|among|during|by|beside|behind|through)\b")
_IS_PLACE = regex.compile(r"\b(?:inside|view|path|landscape|stage|street|room|building|hill|meadow|sky)\b")
_SPEAKS = regex.compile(
    r"(?i)^(?!by\b|via\b).*\b(?:i|you|we|us|our|your|he|she|it|they|them|this|that|these|there|is|are|was|has|have|no)\b"
)
"""A short line without a full stop that is a sentence all the same, not a title."""
_LONGEST_QUOTE = 150
_SHORT = 60


def complete(body: Mapping[str, Any]) -> str:
    """The content of the assistant's message for a chat-completions request."""
    brief = read_brief(body)
    if brief.wants_tags:
        about = "the picture" if brief.has_picture else "the text"
        return f"The post is about {about}; offline, no thought goes into it.\n\n<post>\n{_composed(brief)}\n</post>"
    return _composed(brief)


def _composed(brief: Brief) -> str:
    desk = Desk(brief, random.Random(brief.seed))
    if not brief.has_words:
        return _plain(desk)
    if brief.caption:
        return _about_picture(desk)
    return _about_mood(desk) if brief.has_picture else _about_text(desk)


# What can be said: each returns a line, or None where there is nothing fitting.


def _frame(desk: Desk) -> str | None:
    """The sentence that says what the picture shows."""
    brief, phrase = desk.brief, desk.brief.noun_phrase
    if phrase is None:
        return desk.note(as_sentence(brief.caption or ""))
    head = _WHERE.split(phrase, maxsplit=1)[0]
    people = bool(_ABOUT_PEOPLE.search(phrase))
    is_thing = not people and not _IS_PLACE.search(head) and not (brief.scene and brief.scene.split()[0] in head)

    def fits(frame: str) -> bool:
        apart = frame.startswith("{Caption}") or frame.removesuffix(".").endswith(": {caption}")
        return (apart or is_thing) and not content_words(frame) & content_words(phrase)

    frames = phrases()["frames"]["people" if people and brief.sentiment == "positive" else brief.sentiment]
    frame = desk.pick(frames, fits) or "{Caption}."
    return desk.note(frame.format(caption=phrase, Caption=phrase[0].upper() + phrase[1:]))


def _own_text(desk: Desk, longest: int = 130) -> str | None:
    """The accompanying text in the author's words, without what the caption already says."""
    shown = content_words(desk.brief.caption or "", shortest=3)
    kept: list[str] = []
    for sentence in desk.brief.sentences:
        words = content_words(sentence, shortest=3)
        repeats = len(words & shown) >= 2 and len(words & shown) * 2 >= len(words)
        if not repeats and sum(map(len, kept)) + len(sentence) <= longest:
            kept.append(as_sentence(sentence))
    if not kept and desk.brief.sentences and not shown:
        kept = [shortened(as_sentence(desk.brief.sentences[0]), longest)]
    return desk.note(" ".join(kept)) if kept else None


def _mood(desk: Desk) -> str | None:
    """A line on the weather or light the caption names, or on the scene."""
    brief, scenes, sky = desk.brief, phrases()["scenes"], sky_of(desk.brief)
    groups = [scenes.get(brief.scene or "any", scenes["any"])[brief.sentiment]]
    if sky:
        groups.append(phrases()["skies"][sky][brief.sentiment])
    if desk.chance(0.5):
        groups.reverse()
    return next((line for group in groups if (line := desk.say(group))), None)


def _topic(desk: Desk) -> str | None:
    return desk.say(phrases()["topics"].get(desk.brief.topic or "", {}).get(desk.brief.sentiment, ()))


def _ask(desk: Desk) -> str | None:
    """A question to the readers, unless the author asks one or the mood is too heavy for small talk."""
    brief, questions = desk.brief, phrases()["questions"]
    if any("?" in sentence for sentence in brief.sentences):
        return None
    if brief.sentiment == "negative":
        return desk.say(phrases()["hard_questions"])
    return desk.say(questions.get(brief.topic or "any", questions["any"]))


def _lesson(desk: Desk) -> str | None:
    lessons = phrases()["lessons"]
    return desk.say(lessons.get(desk.brief.topic or "any", lessons["any"])[desk.brief.sentiment], needed=True)


SLOTS: dict[str, Callable[[Desk], str | None]] = {
    "frame": _frame, "text": _own_text, "mood": _mood, "topic": _topic, "ask": _ask, "lesson": _lesson,
    "hook": lambda desk: desk.say(phrases()["hooks"][desk.brief.sentiment]),
    "work_ask": lambda desk: desk.say(phrases()["work_questions"], needed=True),
}  # fmt: skip


def _about_picture(desk: Desk) -> str:
    shapes = phrases()["shapes"].get(desk.brief.platform.key, phrases()["shapes"]["threads"])
    shape = (desk.dice.choice(shapes) if desk.brief.warmth > 0 else shapes[0]).split()
    frame = _frame(desk)  # what is seen is settled first, so that no other line repeats it
    lines = ["\n\n" if slot == "/" else frame if slot == "frame" else SLOTS[slot](desk) for slot in shape]
    kept = [line for line in lines if line]
    if len([line for line in kept if line != "\n\n"]) < 2 and (more := _topic(desk) or _mood(desk) or _ask(desk)):
        kept.append(more)
    return finish(desk, kept, beside=frame)


def _about_text(desk: Desk) -> str:
    """Text without a picture: its best sentence, or its subject, with a remark; somebody's words stay as they are."""
    brief, platform = desk.brief, desk.brief.platform
    line, kind = _gist(desk)
    if line is None:
        lead = desk.say(phrases()["plain"]["emoji_only" if brief.text_emoji else "text_only"]) or ""
        return fitted(desk, [" ".join([lead, *brief.text_emoji[:2]])])
    remark = desk.say(phrases()[kind][brief.sentiment], needed=True)
    asks = phrases()["quote_questions" if kind == "remarks" else "own_questions"]
    ask = None if "?" in line else desk.say(asks, needed=True)
    if platform.key == "linkedin":
        lessons = phrases()["lessons"]["any"][brief.sentiment]
        lesson = desk.note(desk.pick(lessons, lambda lesson: "picture" not in lesson))
        lines = [line, "\n\n", remark, lesson, "\n\n", ask]
    elif platform.limit > 300:
        lines = [line, "\n\n", remark, ask]
    elif len(line) < _SHORT:
        lines = [line, remark, ask]
    else:
        lines = [line, ask if ask and desk.chance(0.4) else remark]
    return finish(desk, [line for line in lines if line])


def _gist(desk: Desk) -> tuple[str | None, str]:
    """The line that says what the text says, and the remarks that suit it: a quotation; short sentences in the author's
    voice; a title; the keywords; the topic. (None, ...) where there is not even that."""
    brief, pieces = desk.brief, desk.brief.pieces
    longest = _LONGEST_QUOTE if brief.platform.limit <= 300 else 2 * _LONGEST_QUOTE
    if quote := quotation(pieces, brief.keywords, longest, brief.platform.length):
        desk.note(quote)
        lead = desk.say(phrases()["quoting"][brief.sentiment], needed=True)
        return f"{lead} “{quote}”{'' if quote[-1] in '.!?…' else '.'}", "remarks"
    own = [piece for piece in pieces if piece[-1] in ".!?…" or (" " in piece and _SPEAKS.search(piece))]
    if own and (any(weight(piece) for piece in own) or not brief.keywords):
        said = regex.sub(r"[“”\"]", "", " ".join(map(as_sentence, own)))
        return desk.note(shortened(said, longest)), "asides"
    titles = [piece for piece in pieces if weight(piece) >= 2 and len(piece) <= _SHORT]
    if titles:
        return _named(desk, "titled", titles[0]), "asides"
    words = _as_written(brief)
    if brief.warmth > 0:
        desk.dice.shuffle(words)
    if words:
        return _named(desk, "words" if words[1:] else "word", *words[:3]), "asides"
    if pieces:
        return desk.note(shortened(" ".join(map(as_sentence, pieces)), longest)), "asides"
    if brief.topic and not brief.text_emoji:
        return _named(desk, "word", brief.topic), "asides"
    return None, "asides"


def _named(desk: Desk, kind: str, *words: str) -> str:
    """A line that names words, whatever part of speech they are."""
    *first, last = words
    joined = f"{', '.join(first)} and {last}" if first else last
    desk.note(joined)
    frames = phrases()["naming"][kind]
    count = {2: "two", 3: "three"}.get(len(words), "a few")
    frame = desk.pick([*frames[desk.brief.sentiment], *frames["any"]], needed=True) or "{words}."
    line = frame.format(words=joined, count=count, Count=count.capitalize(), Words=joined[:1].upper() + joined[1:])
    return desk.note(line) or line


def _as_written(brief: Brief) -> list[str]:
    """The keywords in the text's spelling where it writes them as names, nouns first."""
    said = list({word.lower(): word for word in [*reversed(brief.keywords), *reversed(nouns(brief))]}.values())[::-1]
    heads = {part.lower() for word in said if " " in word for part in word.split()}
    return [word for word in said if " " in word or word.lower() not in heads]


def _about_mood(desk: Desk) -> str:
    """A picture whose caption is not told: the author's text, topic, scene and mood have to do."""
    lines = [line for line in (_own_text(desk), _mood(desk), _topic(desk), _ask(desk)) if line]
    return finish(desk, lines or ["A picture, and room for your own words."])


def _plain(desk: Desk) -> str:
    """Without prompt words there is only the text, if that: no hashtags, no mood, no claim about an unseen picture."""
    brief, plain = desk.brief, phrases()["plain"]
    sentences = brief.sentences or brief.pieces
    if not sentences:
        only = "picture_only" if brief.has_picture else "emoji_only" if brief.text_emoji else "text_only"
        emoji = brief.text_emoji[:2] if brief.is_text_alone else ()
        lines = [" ".join([desk.pick(plain[only]) or "", *emoji]), desk.pick(plain["more"])]
    else:
        own = shortened(" ".join(as_sentence(sentence) for sentence in sentences), 180)
        kind = "with_picture" if brief.has_picture else "text_only"
        lines = [own, desk.pick(plain[kind]), desk.pick(plain["more"]) if brief.platform.limit > 300 else None]
    return fitted(desk, [line for line in lines if line])
