"""What can be measured in a post without a model: words, sentences, feeling, sameness.

Reads `judge_words.yaml` beside this file, nothing else. English only: in other languages the figures say little. All
shares lie in [0, 1].
"""

import functools
import itertools
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_HASHTAG = re.compile(r"#(\w+)")
_LINK = re.compile(r"https?://\S+")
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"'”’)]*\s+|\n+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|_+")
_VOWELS = re.compile(r"[aeiouyáéíóúäëïöüàèìòùâêîôû]+")
_LEFTOVER = re.compile(
    r"\{\{|\}\}|\{%|\[(?:insert|your|name|topic|place|caption|link)[^\]]*\]"
    r"|\bNone\b(?! of)|\b(?:null|undefined)\b|<[a-z_/]+>"
)


@functools.cache
def lexicon() -> dict[str, Any]:
    """The word lists; single words as frozensets of stems (function words as they are), phrases in lower case."""
    raw = yaml.safe_load((Path(__file__).parent / "judge_words.yaml").read_text(encoding="utf-8"))
    lists: dict[str, Any] = {
        name: frozenset(raw[name].split()) for name in ("function_words", "openers", "ties", "negations")
    }
    lists |= {name: frozenset(map(stem, raw[name].split())) for name in ("senses", "positive", "negative")}
    for name in ("cliches", "comparisons", "invitations"):
        lists[name] = tuple(" ".join(words_of(line)) for line in raw[name])
    return lists | {name: frozenset(raw[name]) for name in ("positive_emoji", "negative_emoji")}


def words_of(text: str) -> list[str]:
    """Lower-case words without numbers; apostrophes straight."""
    return [word.replace("’", "'") for word in _WORD.findall(text.lower())]


@functools.lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """A word without its commonest English endings: enough for `walking` to meet `walks`, not more."""
    word = word.lower().replace("’", "'").removesuffix("'s")
    if word.endswith("ies") and len(word) > 4:
        word = word[:-3] + "y"
    elif re.search(r"(ss|x|z|ch|sh)es$", word):
        word = word[:-2]
    elif word.endswith("s") and len(word) > 3 and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending, shortest in (("ing", 6), ("ed", 5), ("ly", 5), ("y", 5)):
        if word.endswith(ending) and len(word) >= shortest and _VOWELS.search(word[: -len(ending)]):
            word = word[: -len(ending)]
            break
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "lse":
        word = word[:-1]
    return word.removesuffix("e") if len(word) > 3 else word


def content_words(text: str) -> dict[str, str]:
    """The words that carry meaning, in order, each once: stem -> word."""
    found: dict[str, str] = {}
    for word in words_of(text):
        if word not in lexicon()["function_words"]:
            found.setdefault(stem(word), word)
    return found


@dataclass(frozen=True, slots=True)
class Text:
    """A post taken apart. `body` has no links and no closing hashtags; those inside a sentence are words of it."""

    raw: str
    body: str
    words: tuple[str, ...]
    sentences: tuple[str, ...]
    hashtags: tuple[str, ...]

    @property
    def stems(self) -> frozenset[str]:
        return frozenset(stem(word) for word in self.words)

    @property
    def tag_stems(self) -> frozenset[str]:
        """Of the parts of hashtags, `#CityByNight` and `#citybynight` alike where the words are known otherwise."""
        return frozenset(stem(word) for tag in self.hashtags for word in words_of(_CAMEL.sub(" ", tag)))


def take_apart(text: str) -> Text:
    body = _LINK.sub(" ", text)
    body = re.sub(r"(?:\s*#\w+[\s.,]*)+$", "", body)
    body = re.sub(r"(?m)^(?:\s*#\w+)+\s*$", "", body)
    inner = _HASHTAG.sub(lambda match: _CAMEL.sub(" ", match[1]), body)
    sentences = [part.strip() for part in _SENTENCE_END.split(inner) if words_of(part)]
    return Text(text, inner.strip(), tuple(words_of(inner)), tuple(sentences), tuple(_HASHTAG.findall(text)))


def covered(asked: Mapping[str, str], post: Text) -> tuple[float, list[str]]:
    """The share of `content_words` that the post has, and those it lacks; one that is only a hashtag counts half."""
    joined_tags, stems, tag_stems = "".join(post.hashtags).lower(), post.stems, post.tag_stems
    found, missing = 0.0, []
    for stem_, word in asked.items():
        if stem_ in stems:
            found += 1.0
        elif stem_ in tag_stems or (len(word) > 3 and word in joined_tags):
            found += 0.5
        else:
            missing.append(word)
    return (found / len(asked) if asked else 0.0), missing


def copied_run(words: Sequence[str], source: Sequence[str]) -> int:
    """The longest run of words of `source` that stands in `words` unchanged."""
    longest, before = 0, [0] * (len(source) + 1)
    for word in words:
        here = [0] + [run + 1 if word == other else 0 for run, other in zip(before, source, strict=False)]
        longest, before = max(longest, *here), here
    return longest


@functools.lru_cache(maxsize=50_000)
def syllables(word: str) -> int:
    count = len(_VOWELS.findall(word))
    return max(1, count - (word.endswith("e") and not word.endswith(("le", "ee")) and count > 1))


def flesch(post: Text) -> float:
    """Reading ease, about 0 (hard) to 100 (easy). Flesch 1948: 206.835 - 1.015 words/sentence - 84.6 syllables/word."""
    if not post.words:
        return 0.0
    per_sentence = len(post.words) / max(1, len(post.sentences))
    return 206.835 - 1.015 * per_sentence - 84.6 * sum(map(syllables, post.words)) / len(post.words)


def phrases_in(words: Sequence[str], phrases: Iterable[str]) -> list[str]:
    line = f" {' '.join(words)} "
    return [phrase for phrase in phrases if f" {phrase} " in line]


def variety(words: Sequence[str], window: int = 25) -> float:
    """Moving-average type-token ratio, so that a longer post is not the poorer one (Covington and McFall 2010)."""
    stems = [stem(word) for word in words]
    if not stems:
        return 0.0
    spans = [stems[start : start + window] for start in range(max(1, len(stems) - window + 1))]
    return sum(len(set(span)) / len(span) for span in spans) / len(spans)


def valence(post: Text) -> tuple[float, list[str]]:
    """Feeling in [-1, 1] and the words it was read from; a negation within the two words before turns a word round."""
    lists, sum_, seen = lexicon(), 0.0, []
    for at, word in enumerate(post.words):
        sign = (stem(word) in lists["positive"]) - (stem(word) in lists["negative"])
        if sign:
            turned = any(before in lists["negations"] for before in post.words[max(0, at - 2) : at])
            sum_ += -0.75 * sign if turned else sign
            seen.append(f"not {word}" if turned else word)
    for character in post.raw:
        sign = (character in lists["positive_emoji"]) - (character in lists["negative_emoji"])
        if sign:
            sum_ += 0.75 * sign
            seen.append(character)
    return math.tanh(sum_ / 2.0), list(dict.fromkeys(seen))


def likeness(opening: str, other: str) -> float:
    """1 for the same first words, 0 for none in common; the first three weigh as much as all others."""
    here, there = words_of(opening)[:12], words_of(other)[:12]
    if not here or not there:
        return 0.0
    start = next((at for at, (a, b) in enumerate(zip(here, there, strict=False)) if a != b), min(len(here), len(there)))
    overlap = len(set(here) & set(there)) / len(set(here) | set(there))
    return 0.5 * min(1.0, start / min(3, len(here), len(there))) + 0.5 * overlap


def broken_joints(post: Text) -> list[str]:
    """Places where a phrase is opened and not filled: `the of`, `a the`, `with.`"""
    openers, broken = lexicon()["openers"], []
    articles = {"a", "an", "the", "my", "your", "our", "their", "its"}
    for sentence in post.sentences:
        words = words_of(sentence)
        broken += [f"{a} {b}" for a, b in itertools.pairwise(words) if a == b or (a in articles and b in openers)]
        if words[-1] in openers:
            broken.append(f"{words[-1]}.")
    return broken


def is_whole(sentence: str) -> bool:
    """It starts like a sentence (no small letter first) and has three words or more."""
    first = re.search(r"\w", sentence)
    return first is not None and not first[0].islower() and len(words_of(sentence)) >= 3


def linked(post: Text) -> float:
    """The share of neighbouring sentences that share a content word or are tied by a word that points back."""
    ties = lexicon()["ties"]
    pairs = list(itertools.pairwise(post.sentences))
    tied = [
        bool(content_words(a).keys() & content_words(b).keys()) or bool(ties & set(words_of(b)[:8])) for a, b in pairs
    ]
    return sum(tied) / len(tied) if tied else 0.0


def odd_words(post: Text) -> list[str]:
    """Words that look like none: no vowel, or five consonants in a row, or one letter three times."""
    odd = re.compile(r"^[^aeiouyáéíóúäöüàèâêîôû]{3,}$|[bcdfghjklmnpqrstvwxz]{5,}|(.)\1\1")
    return [word for word in post.words if odd.search(word)]


def leftovers(text: str) -> list[str]:
    return _LEFTOVER.findall(text)


def most_repeated(post: Text) -> tuple[str, int]:
    """The content word that stands most often, and how often."""
    counts = Counter(stem(word) for word in post.words if word not in lexicon()["function_words"])
    return counts.most_common(1)[0] if counts else ("", 0)
