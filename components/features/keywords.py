"""Keywords: words chosen by part of speech, ranked by how much the sentence embedding moves when they are left out.

Read: the accompanying text and the kept caption; HanTa's models for English, German and Dutch, which its package has.
Text in another language is not tagged: there every word of letters that is not in the stop list may become a keyword.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from components.features.stop_words import EVERYWHERE, GENERIC, STOP_WORDS

if TYPE_CHECKING:
    from torch import Tensor

MOST_CANDIDATES = 48
"""Per item; each costs one pass of the text encoder. Posts of the supported platforms rarely have more."""

TAGGERS = {"en": "morphmodel_en.pgz", "de": "morphmodel_ger.pgz", "nl": "morphmodel_dutch.pgz"}
# Nouns, names, adjectives and English -ing forms ("walking", "hiking"), which name what is going on; other verb forms
# ("went", "got") say little without their sentence.
PARTS_OF_SPEECH = {
    "en": ("NN", "NP", "AJ", "VVG"),
    "de": ("NN", "NE", "ADJ"),
    "nl": ("N(", "SPEC(deeleigen", "ADJ"),
}

_URL = re.compile(
    r"(?:https?://|www\.)\S+|\b[\w-]+(?:\.[\w-]+)*\.(?:com|org|net|ly|co|gl|me|io|tv)(?:/\S*)?\b", re.IGNORECASE
)
_MENTION = re.compile(r"(?<![\w@])@[\w.]*\w")
_ENTITY = re.compile(r"&(?:amp|lt|gt|quot|nbsp|#\d+);")
_RETWEET = re.compile(r"^\s*RT\b(?:\s+@\w+)?:?", re.ASCII)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[A-Za-z])(?=\d)|_")
_HASHTAG = re.compile(r"#(\w+)")
_WORD = re.compile(r"[^\W\d_][^\W_]*(?:['’-][^\W_]+)*")
_TOKEN = re.compile(r"[^\W\d_][^\W_]*(?:-[^\W_]+)*|['’][^\W\d_]+|\d+|[^\w\s]")

_SIGNS = {"So", "Sk", "Cs", "Cf", "Co", "Cc"}
"""Emoji and their modifiers, halves of surrogate pairs, zero-width joiners, directional marks, control characters."""


@dataclass(frozen=True)
class Candidate:
    """A word that may become a keyword: as shown, what makes it the same as another, as it stands in the sentence."""

    shown: str
    lemma: str
    forms: frozenset[str]


def clean(text: str) -> str:
    """The text without links, mentions, emoji and markup; "#GoldenHour" becomes "Golden Hour"."""
    text = _ENTITY.sub(" ", unicodedata.normalize("NFC", text))
    text = _MENTION.sub(" ", _URL.sub(" ", _RETWEET.sub(" ", text)))
    text = _HASHTAG.sub(lambda match: " " + _CAMEL.sub(" ", match[1]) + " ", text)
    kept = "".join(" " if unicodedata.category(c) in _SIGNS else c for c in text if c not in "\ufe0e\ufe0f\u20e3")
    return re.sub(r"\s+([,.;:!?])", r"\1", " ".join(kept.split()))


def readable(text: str) -> str:
    """What the encoders read: the cleaned text, or of only links or emoji what there is, better than nothing. Halves of
    surrogate pairs would stop the tokenizers."""
    return clean(text) or text.encode("utf-8", "ignore").decode().strip()


def sentence_of(text: str, caption: str) -> str:
    """What keywords are left out of: the cleaned text, then the caption."""
    return ". ".join(part.rstrip(". ") for part in (text, caption) if part)


def candidates(text: str, caption: str, language: str | None) -> list[Candidate]:
    """Words of the cleaned text (in its language) and the caption (English), each lemma once, as they appear."""
    found: dict[str, Candidate] = {}
    for source, code in ((text, language_of(text, language)), (caption, "en")):
        for word, shown, lemma in _words(source, code):
            earlier = found.get(lemma)
            forms = (earlier.forms if earlier else frozenset()) | {word.lower()}
            found[lemma] = Candidate(earlier.shown if earlier else shown, lemma, forms)
    return list(found.values())[:MOST_CANDIDATES]


def _words(text: str, code: str) -> list[tuple[str, str, str]]:
    """(word, as shown, lemma) of the words whose part of speech counts."""
    if not text:
        return []
    if code not in TAGGERS:
        words = [match[0] for match in _WORD.finditer(text)]
        return [(w, w.lower(), w.lower()) for w in words if _telling(w, w.lower(), code)]
    result = []
    for word, lemma, tag in _tag(code, text):
        # Taggers take GPT-4o and iPhone16 for numbers.
        counts = tag.startswith(PARTS_OF_SPEECH[code]) or any(c.isdigit() for c in word)
        if counts and _WORD.fullmatch(word) and _telling(word, lemma.lower(), code):
            # Names and German nouns; iPhone, OpenAI and LLM even where the tagger does not know them as names.
            name = tag.startswith(("NP", "NE", "SPEC")) or word[1:] != word[1:].lower()
            keeps_case = name or (code == "de" and tag.startswith("NN"))
            key = word.lower() if tag == "VVG" else lemma.lower()
            result.append((word, word if keeps_case else word.lower(), key))
    return result


def _tag(code: str, text: str) -> list[tuple[str, str, str]]:
    """HanTa, sentence by sentence. Text in capitals is tagged in lower case: otherwise all of it would be names."""
    tagged: list[tuple[str, str, str]] = []
    for sentence in re.split(r"(?<=[.!?…])\s+|\n+", text):
        tokens = _TOKEN.findall(sentence)
        if sum(c.isupper() for c in sentence) > sum(c.islower() for c in sentence):
            tokens = [token.lower() for token in tokens]
        if tokens:
            tagged += [(str(w), str(lemma), str(tag)) for w, lemma, tag in _tagger(code).tag_sent(tokens)]
    return tagged


@lru_cache
def _tagger(code: str) -> Any:
    from HanTa.HanoverTagger import HanoverTagger

    return HanoverTagger(TAGGERS[code])


def _telling(word: str, lemma: str, code: str) -> bool:
    """Not a frequent word of its language, and of a word's length: where letters are sounds, two of them hardly ever
    are a word; a longer run than 30 is a language without spaces."""
    syllables = unicodedata.name(word[0], "").startswith(("CJK", "HIRAGANA", "KATAKANA", "HANGUL"))
    dull = GENERIC | STOP_WORDS.get(code, EVERYWHERE)
    return (2 if syllables else 3) <= len(word) <= 30 and not {word.lower(), lemma} & dull


def language_of(text: str, language: str | None) -> str:
    """`en`, `de`, `nl`, or another language's code: as stated, else by which language's most frequent words are in the
    text (English when none are, as in a list of hashtags), `und` for texts mostly in another script."""
    if language and language.lower() not in {"und", "unknown", "zxx", "qme", "qht"}:
        return re.split(r"[-_]", language.lower())[0]
    letters = [c for c in text if c.isalpha()]
    if sum("LATIN" in unicodedata.name(c, "") for c in letters) < len(letters) / 2:
        return "und"
    words = {match[0].lower() for match in _WORD.finditer(text)}
    hits = {code: len(words & common) for code, common in STOP_WORDS.items()}
    best = max(hits, key=lambda code: hits[code])
    return "en" if hits["en"] == hits[best] else best


def without(sentence: str, candidate: Candidate) -> str:
    """The sentence with every form of the word left out."""
    pattern = "|".join(re.escape(form) for form in sorted(candidate.forms, key=len, reverse=True))
    return " ".join(re.sub(rf"(?<!\w)(?:{pattern})(?!\w)", " ", sentence, flags=re.IGNORECASE).split())


def rank_keywords(
    items: Sequence[tuple[str, Sequence[Candidate]]], embed: Callable[[Sequence[str]], Tensor], keep: int
) -> list[list[tuple[str, float]]]:
    """Per (sentence, candidates) the `keep` most telling words with their scores, best first.

    The score is the cosine distance between the embeddings of the sentence with and without the word. All sentences of
    all items go through `embed` in one call, each once.
    """
    import torch

    variants = [[without(sentence, c) for c in words] for sentence, words in items]
    asked = [(sentence, *changed) for (sentence, _), changed in zip(items, variants, strict=True) if changed]
    texts = list(dict.fromkeys(text for group in asked for text in group))
    if not texts or keep == 0:
        return [[] for _ in items]
    vectors = torch.nn.functional.normalize(embed(texts).double(), dim=-1)
    row = {text: i for i, text in enumerate(texts)}
    result = []
    for (sentence, words), changed in zip(items, variants, strict=True):
        scored = [
            (word.shown, round(max(0.0, 1 - float(vectors[row[sentence]] @ vectors[row[text]])), 6))
            for word, text in zip(words, changed, strict=True)
        ]
        result.append(sorted(scored, key=lambda pair: -pair[1])[:keep])
    return result
