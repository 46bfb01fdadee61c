"""The last steps of an offline post: an emoji, hashtags, and as much of it as the platform takes."""

import functools
from collections.abc import Callable, Sequence

import regex

from components.chat.offline.brief import Brief, content_words, weight
from components.chat.offline.desk import Desk, phrases, sky_of

_NO_NOUN = ("ing", "ed", "ly")
"""A hashtag is a noun; keywords of other kinds are left to the sentence."""
_SHORTEST = 20
QUOTABLE = 4
"""Content words that make a fragment worth quoting."""
_ENDS = ".!?…"
_CLAUSE = regex.compile(r"[,;:](?= )| [–—-]+ | \(| (?=(?:which|because|while|where|when|although|by|but|with)\b)")
_ADJECTIVE = ("al", "ive", "ous", "ful", "less", "able", "ible", "ic", "est", "ary", "ish", "based")
_TOKEN = regex.compile(r"[\p{L}\p{N}_'’-]+|[^\s]")
_SIGNS = "📸📷🎥🎨📹🎬👇👉👆🔗➡⬇"
"""Emoji that point to a link or credit a picture, which the post doesn't hold."""


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
    if brief.text_emoji and (not brief.is_text_alone or brief.text_emoji[0][0] not in _SIGNS):
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
    words = [tag for keyword in (nouns(brief) if brief.is_text_alone else brief.keywords) if (tag := _camel(keyword))]
    if brief.is_text_alone:  # the author's #DuneMovie rather than #Dune and #Movie
        words = [next((tag for tag in brief.text_tags if word.lower() in tag.lower() != tag), word) for word in words]
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


def nouns(brief: Brief) -> list[str]:
    """The keywords that the text uses as nouns, the surer first; an adjective only together with its noun."""
    tokens = ["", *_TOKEN.findall(" ".join(brief.pieces)), ""]
    place = {token.lower(): at for at, token in reversed(list(enumerate(tokens)))}
    known = {keyword.lower(): keyword for keyword in brief.keywords}
    found: dict[str, float] = {}
    for low, keyword in known.items():
        at = place.get(low)
        plain = not _is_adjective(low) and not low.endswith(_NO_NOUN)
        if at is None:
            found |= {keyword: 0.5} if plain else {}
            continue
        before, word, after = tokens[at - 1].lower(), tokens[at], tokens[at + 1].lower()
        is_noun = not _is_adjective(after) and not after.endswith(_NO_NOUN)
        joins = after in _grammar("gerunds") or (_is_adjective(low) and is_noun and not low.endswith("est"))
        if after in known and joins and low not in _grammar("greetings"):
            found[f"{keyword} {known[after]}"] = 2.0
        elif plain or low in _grammar("gerunds") or (not _is_adjective(low) and before in _grammar("before_nouns")):
            is_head = not regex.match(r"\p{L}", after) or after in known or not content_words(after, shortest=3)
            is_name = regex.search(r"\p{Ll}\p{Lu}", word) or (regex.match(r"[\p{L},]", before) and word[:1].isupper())
            is_verb = before in _grammar("before_verbs")
            found[word if is_name else keyword] = 1.0 + is_head + 0.5 * bool(is_name) - 2 * is_verb
    parts = {part for words in found if " " in words for part in words.lower().split()}
    kept = [word for word in found if found[word] >= 0 and word.lower() not in parts]
    return sorted(kept, key=lambda word: -found[word])


def _is_adjective(word: str) -> bool:
    return word in _grammar("adjectives") or (word.endswith(_ADJECTIVE) and word not in _grammar("nouns"))


@functools.cache
def _grammar(kind: str) -> frozenset[str]:
    return frozenset(phrases()["grammar"][kind])


def quotation(pieces: Sequence[str], keywords: Sequence[str], longest: int, length: Callable[[str], int]) -> str | None:
    """The run of pieces that tells most of the keywords, at most `longest` by `length`; None where none is worth it.

    A piece with fewer than four content words is never quoted alone.
    """
    asked = {keyword.lower() for keyword in keywords}
    best, most = None, -99.0
    for start, piece in enumerate(pieces):
        if weight(piece) < QUOTABLE:
            continue
        text = piece
        for more in pieces[start + 1 :]:
            joined = f"{text} {more}" if text[-1] in _ENDS else f"{text} / {more}"
            if length(joined) > longest or not (more[-1] in _ENDS and weight(more) > 1):
                break
            text = joined
        room = longest
        while length(text) > longest and room > _SHORTEST:
            text, room = clipped(text, room), room * 3 // 4
        told = sum(word in text.lower() for word in asked) + 0.5 * (piece[-1] in _ENDS) - 0.1 * start
        text = _within_quotes(text)
        if length(text) <= longest and weight(text) >= QUOTABLE and told > most:
            best, most = text, told
    return best


def _within_quotes(text: str) -> str:
    """`text` as it stands between quotation marks: its own become single ones, or go where they embrace it all."""
    if match := regex.fullmatch(r"[\"“'‘]([^\"“”‘]+)[\"”'’]([.!?]?)", text):
        text = f"{match[1]}{match[2]}"
    text = regex.sub(r'"([^"]*)"', r"‘\1’", text).replace("“", "‘").replace("”", "’")
    return text.replace('"', "")


def clipped(text: str, longest: int) -> str:
    """`text` up to a sentence or clause that ends within `longest`; else up to a word that bears an ellipsis."""
    if len(text) <= longest:
        return text
    cut = text[: longest - 1]
    if (sentence := max(cut.rfind(mark) for mark in (". ", "! ", "? "))) > longest // 3:
        return cut[: sentence + 1]
    clauses = [match.start() for match in _CLAUSE.finditer(cut) if match.start() > longest * 2 // 5]
    if clauses:
        cut = cut[: clauses[-1]]
    else:
        cut = cut.rpartition(" ")[0] or cut
        while " " in cut and not content_words(cut.rpartition(" ")[2], shortest=3):
            cut = cut.rpartition(" ")[0]
    cut = cut.rstrip(",;:–—-( ")
    return f"{cut}…" if cut.count("(") == cut.count(")") else f"{cut.rpartition('(')[0].rstrip(',;:–—- ')}…"


def shortened(text: str, longest: int) -> str:
    """At most `longest` characters, cut behind a sentence or else a word."""
    if len(text) <= longest:
        return text
    cut = text[: longest - 1]
    sentence = max(cut.rfind(mark) for mark in (". ", "! ", "? "))
    if sentence > longest // 3:
        return cut[: sentence + 1]
    return cut[: cut.rfind(" ")].rstrip(",;:–- ") + "…" if " " in cut else f"{cut}…"
