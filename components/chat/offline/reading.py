"""What the offline judge counts for the rubric `accessibility`: how a post is read, by eye and by ear.

English only where it is about words. Weights are chosen by hand, as everywhere in the offline judge.
"""

import re
from collections.abc import Callable

import regex

from components.chat.offline import measures
from components.chat.offline.appeals import without_appeals
from components.chat.offline.opinion import Material, Opinion, bounded
from components.prompts.counting import EMOJI, without_links

SECONDARY = 9
"""The grade at which lower secondary education ends: WCAG 2.2, 3.1.5."""
SHORTEST_ALT, LONGEST_ALT = 20, 250
LONG_TAG = 12  # letters in one case: more than most single words have

_FILE_NAME = re.compile(r"\.(?:jpe?g|png|webp|gif|heic)\b|\b(?:IMG|DSC|PXL)[_-]?\d", re.IGNORECASE)
_ANNOUNCED = re.compile(r"\A\W*(?:an? |the )?(?:image|picture|photo(?:graph)?|pic) of\b", re.IGNORECASE)
_STYLED = regex.compile(r"[\U0001D400-\U0001D7FF\uFF21-\uFF5A\u24B6-\u24E9\U0001F130-\U0001F189]")
"""Letters that are drawn bold, script, wide or in circles: mathematical alphabets, full width, enclosed."""
_SPACED = re.compile(r"(?<!\w)(?:[^\W\d_] ){3,}[^\W\d_](?!\w)")
_CLICK = re.compile(r"\b(?:click|tap) here\b|\blink in bio\b", re.IGNORECASE)
_ROWS = re.compile(r"[!?]{3,}|\.{4,}|([~*_=^|/\\-])\1{3,}")


def plain_language(material: Material) -> Opinion:
    """The school grade that is needed (Kincaid et al. 1975: 0.39 words per sentence + 11.8 syllables per word - 15.59),
    and the longest sentence."""
    post = material.post
    if not post.words:
        return Opinion(0.5, "there are no words.")
    per_sentence = len(post.words) / max(1, len(post.sentences))
    grade = 0.39 * per_sentence + 11.8 * sum(map(measures.syllables, post.words)) / len(post.words) - 15.59
    longest = max((len(measures.words_of(sentence)) for sentence in post.sentences), default=0)
    garbled = measures.broken_joints(post) + measures.odd_words(post)
    worth = 0.15 + 0.6 * bounded(1 - (grade - 5) / SECONDARY) + 0.25 * bounded(1 - (longest - 15) / 20)
    said = [f"school grade {max(0.0, grade):.0f} (lower secondary ends at {SECONDARY})"]
    said.append(f"longest sentence {longest} words")
    said += [f"garbled: {', '.join(garbled[:3])}"] if garbled else []
    return Opinion(worth * bounded(1 - 0.15 * len(garbled)), f"{'; '.join(said)}.")


def alternative_text(material: Material) -> Opinion:
    """Whether there is one, how long it is, and how many words of the caption stand in it."""
    state, alt = material.joined("picture"), without_appeals(material.joined("alt_text"))
    if not state or state == "none":
        return Opinion(1.0, "there is no picture.")
    if not alt:
        return Opinion(0.0, "there is a picture and no alternative text.")
    words = measures.take_apart(alt)
    worth, said = 0.15, [f"{len(alt)} characters"]
    worth += 0.2 * bounded(len(alt) / SHORTEST_ALT) * bounded(2 - len(alt) / LONGEST_ALT)
    asked = measures.content_words(material.joined("caption"))
    if asked:
        found, missing = measures.covered(asked, words)
        worth += 0.55 * found
        said.append(f"{len(asked) - len(missing)} of {len(asked)} words of the caption")
    else:
        worth += 0.3
        said.append("no caption to compare with")
    worth += 0.1 * any(map(measures.is_whole, words.sentences))
    flaws = [
        (_FILE_NAME.search(alt), "a file name"),
        (_ANNOUNCED.search(alt), "says that it is a picture"),
        (words.hashtags, "hashtags"),
        (_shouted(alt), "capitals"),
        (_same(alt, material.post.raw), "says what the post says"),
    ]
    told = [flaw for there, flaw in flaws if there]
    return Opinion(worth - 0.3 * len(told), f"{'; '.join([*said, *told])}.")


def hashtags(material: Material) -> Opinion:
    """How many there are, which run words together, and which stand within a sentence."""
    tags = material.post.hashtags
    if not tags:
        return Opinion(1.0, "no hashtags.")
    run_together = [tag for tag in tags if len(tag) > LONG_TAG and (tag.islower() or tag.isupper())]
    closing = re.search(r"(?:\s*#\w+)+\s*\Z", material.post.raw)
    inside = len(tags) - (closing[0].count("#") if closing else 0)
    worth = 1.0 - 0.75 * len(run_together) / len(tags) - 0.09 * max(0, len(tags) - 3) - 0.06 * inside
    said = [f"{len(tags)} hashtags, {inside} of them before the end"]
    said += [f"run together: {', '.join(f'#{tag}' for tag in run_together[:3])}"] if run_together else []
    return Opinion(worth, f"{'; '.join(said)}.")


def emoji_and_symbols(material: Material) -> Opinion:
    """How many emoji, in rows or within sentences, and letters that only look like letters."""
    raw = material.post.raw
    found = [match for match in EMOJI.finditer(raw)]
    styled = len(_STYLED.findall(raw))
    rows = len(regex.findall(rf"(?:(?:{EMOJI.pattern})\s?){{3,}}", raw))
    inside = sum(bool(re.match(r"\s*[^\W\d_]", raw[match.end() :])) and match.start() > 0 for match in found)
    twice = len(found) - len({match[0] for match in found})
    worth = 1.0 - 0.08 * max(0, len(found) - 3) - 0.15 * rows - 0.08 * inside - 0.06 * twice - 0.04 * styled
    said = [f"{len(found)} emoji" if found else "no emoji"]
    said += [f"{inside} before a word that follows"] if inside else []
    said += [f"{rows} rows of three or more"] if rows else []
    said += [f"{styled} letters of other alphabets than those that are read"] if styled else []
    return Opinion(worth, f"{'; '.join(said)}.")


def capitals_and_structure(material: Material) -> Opinion:
    """Words in capitals, spaced letters, blocks without a pause, rows of signs, links without a word on them."""
    post = material.post
    if not post.words:
        return Opinion(0.3, "there are no words.")
    shouted = _shouted(post.body)
    longest = max((len(measures.words_of(part)) for part in post.raw.split("\n")), default=0)
    spaced, rows, click = _SPACED.findall(post.raw), _ROWS.findall(post.raw), _CLICK.search(post.raw)
    bare = not measures.words_of(without_links(post.raw))
    small = sum(sentence[:1].islower() for sentence in post.sentences)
    worth = 1.0 - 1.6 * len(shouted) / len(post.words) - 0.06 * min(3, len(shouted)) - bounded((longest - 60) / 80) / 2
    worth -= 0.25 * len(spaced) + 0.1 * len(rows) + 0.2 * bool(click) + 0.4 * bare
    worth -= 0.2 * small / max(1, len(post.sentences))
    said = [f"{len(shouted)} words in capitals" if shouted else "no word in capitals"]
    said.append(f"longest paragraph {longest} words")
    said += ["letters spaced out"] if spaced else []
    said += [f"{len(rows)} rows of signs"] if rows else []
    said += [f"'{click[0]}'"] if click else []
    return Opinion(worth, f"{'; '.join(said)}.")


def _shouted(text: str) -> list[str]:
    """Words of four capitals or more, hashtags and links apart; shorter ones may be abbreviations."""
    return [word for word in re.findall(r"(?<![#@\w/])[^\W\d_]{4,}", without_links(text)) if word.isupper()]


def _same(alt: str, post: str) -> bool:
    mine, other = measures.content_words(alt), measures.content_words(post)
    return len(mine) > 3 and len(mine.keys() & other.keys()) >= 0.9 * len(mine)


ASPECTS: dict[str, Callable[[Material], Opinion]] = {
    "plain_language": plain_language,
    "alternative_text": alternative_text,
    "hashtags": hashtags,
    "emoji_and_symbols": emoji_and_symbols,
    "capitals_and_structure": capitals_and_structure,
}
