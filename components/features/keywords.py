"""Keywords: what of a text can be read, and which of its words may become one; `keyword_ranking` says which are best.

Read: the accompanying text and the kept caption; HanTa's models for English, German and Dutch, which its package has.
Text in another language is not tagged: there every word of letters that is not in the stop list may become a keyword.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from components.features.stop_words import GENERIC, language_of, stop_words

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
NAMES = ("NP", "NE", "SPEC")
UNKNOWN = ("UNC", "ZZ", "ITJ", "SPEC", "FM", "XY")
"""Tags of what a tagger does not know: with a capital amid a sentence it is a name ("Pugh")."""
FAMILIAR = -20.0
"""Log-probability of a word in HanTa's English model: "video" has -11, "imax" -36."""

# What stands in a hashtag as one name, although it has capitals within.
INNER_CAPITALS = frozenset(
    {"YouTube", "TikTok", "LinkedIn", "OpenAI", "ChatGPT", "DeepSeek", "GitHub", "WhatsApp", "PayPal", "PlayStation"}
    | {"SpaceX", "FaceTime", "AirPods", "MacBook", "PowerPoint", "SoundCloud", "WordPress", "BlackBerry", "FedEx"}
)
_LINK_END = r"[^\s\u3000-\u9fff\uff00-\uffef\"“”«»]"
_URL = re.compile(
    rf"(?:https?://|www\.){_LINK_END}+(?<![.,;:!?)\]'])"
    rf"|(?<![\w@.-])[\w-]+(?:\.[\w-]+)*\.(?:com|org|net|edu|gov|ly|co|gl|me|io|ai|tv|be|gg|fm|app|dev)(?:/(?:{_LINK_END}*(?<![.,;:!?)\]']))?)?(?!\w)",
    re.IGNORECASE,
)
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_MENTION = re.compile(r"(?<![\w@])@[\w.-]*\w(?:@[\w-]+(?:\.[\w-]+)+)?")
_RETWEET = re.compile(r"^\s*RT\b(?:\s+@\w+)?:?", re.ASCII)
_CAMEL = re.compile(
    r"(?<=[A-Za-z][a-z])(?<!Mc)(?=[A-Z][a-z])|(?<=[a-z][a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])"
    r"|(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Z][a-z])|_"
)
_HASHTAG = re.compile(r"[#＃](\w+)")
_STYLED = re.compile("[\uff01-\uff5e\U0001d400-\U0001d7ff]+")
_LONE = re.compile(r"(?<!\w)&|&(?!\w)|[<>]")

_SIGNS = {"So", "Sk", "Cs", "Cf", "Co", "Cc"}
"""Emoji and their modifiers, halves of surrogate pairs, zero-width spaces, directional marks, control characters."""
_WITHIN = "\ufe0e\ufe0f\u20e3\u00ad\u200c\u200d\u2060"
"""Selectors, soft hyphens and joiners stand inside of words: dropped without a gap."""
_MISREAD = {c: bytes([c]).decode("cp1252", "ignore") or " " for c in range(0x80, 0xA0)}
"""Windows' quotes and dashes, which a reader that took cp1252 for Latin-1 made control characters of."""

_HAN = "\u2e80-\u2fdf\u3005\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_KATAKANA = "\u30a0-\u30ff\u31f0-\u31ff\uff66-\uff9f"
UNSPACED = rf"{_HAN}{_KATAKANA}\u3040-\u309f"
"""Scripts that put no spaces between words; their runs are taken apart where the script changes."""
_PIECE = rf"[^\W_{UNSPACED}]+(?:(?<=\d)\.\d+)*"
_WORD = re.compile(
    rf"(?:[A-Z]\.){{2,}}|{_PIECE}(?:(?:-|&|['’](?!(?:s|re|ve|ll|d|m|t)\b)){_PIECE})*|(?:(?![的了是吗呢吧])[{_HAN}])+|[{_KATAKANA}]+"
)
_TOKEN = re.compile(rf"{_WORD.pattern}|(?<=\w)['’][^\W\d_]+|[^\w\s]")
_ELIDED = re.compile(r"^(?:qu|dell|nell|sull|dall|all|un|[cdjlmnst])['’](?=\w{2})", re.IGNORECASE)


@dataclass(frozen=True)
class Candidate:
    """A word that may become a keyword: as shown, what makes it the same as another, as it stands in the sentence."""

    shown: str
    lemma: str
    forms: frozenset[str]


def clean(text: str) -> str:
    """The text without links, addresses, mentions, emoji and markup; "#GoldenHour" becomes "Golden Hour"."""
    text = unicodedata.normalize("NFC", html.unescape(html.unescape(text)).translate(_MISREAD))
    text = _STYLED.sub(lambda match: unicodedata.normalize("NFKC", match[0]), text)
    text = _EMAIL.sub(" ", _MENTION.sub(" ", _URL.sub(" ", _RETWEET.sub(" ", text))))
    names = INNER_CAPITALS | {word for word in _HASHTAG.sub(" ", text).split() if word[1:] != word[1:].lower()}
    text = _HASHTAG.sub(lambda match: f" {_taken_apart(match[1], names)} ", _LONE.sub(" ", text))
    kept = "".join(" " if unicodedata.category(c) in _SIGNS else c for c in text if c not in _WITHIN)
    kept = re.sub(r"\(\s*\)|\[\s*\]|[“\"]\s+[”\"](?=\s|$)", " ", kept)
    return re.sub(r"\s+([,.;:!?])", r"\1", " ".join(kept.split()))


def _taken_apart(hashtag: str, names: frozenset[str]) -> str:
    """The words of a hashtag; parts that together are a name of the text stay together."""
    parts, words = [part for part in _CAMEL.split(hashtag) if part], []
    while parts:
        long = next((n for n in (3, 2) if len(parts) >= n and "".join(parts[:n]) in names), 1)
        words.append("".join(parts[:long]))
        parts = parts[long:]
    return " ".join(words)


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
        for word, shown, lemma in _tagged(source, code) if code in TAGGERS else _untagged(source, code):
            earlier = found.get(lemma)
            forms = (earlier.forms if earlier else frozenset()) | {word.lower()}
            found[lemma] = Candidate(_better(earlier.shown, shown) if earlier else shown, lemma, forms)
    return list(found.values())[:MOST_CANDIDATES]


def _better(earlier: str, shown: str) -> str:
    """As first shown; a capital that the word elsewhere does without was a title's or a hashtag's."""
    return shown if shown == earlier.lower() and earlier[1:] == shown[1:] else earlier


def words_of(text: str) -> list[tuple[str, int]]:
    """Each word with its place; articles that are elided into a word ("l'amour") are no part of it."""
    found = []
    for match in _WORD.finditer(text):
        elided = _ELIDED.match(match[0])
        start = elided.end() if elided else 0
        found.append((match[0][start:], match.start() + start))
    return found


def _untagged(text: str, code: str) -> Iterator[tuple[str, str, str]]:
    """(word, as shown, lemma) of the words that are long and rare enough."""
    for sentence in _sentences(text):
        found = [word for word, _ in words_of(sentence)]
        capitals_tell = _capitals_tell(found)
        for place, word in enumerate(found):
            if _telling(word, word.lower(), code):
                shouted = word.isupper() and len(word) > 4
                keeps_case = not shouted and (_is_name(word) or (place > 0 and capitals_tell))
                yield word, word if keeps_case else word.lower(), word.lower()


def _tagged(text: str, code: str) -> Iterator[tuple[str, str, str]]:
    """(word, as shown, lemma) of the words whose part of speech counts, sentence by sentence."""
    for sentence in _sentences(text):
        tokens = _TOKEN.findall(sentence)
        # Text in capitals is tagged in lower case: otherwise all of it would be names.
        if sum(c.isupper() for c in sentence) > sum(c.islower() for c in sentence):
            tokens = [token.lower() for token in tokens]
        tokens = [token.lower() if _is_shouted(token, code) else token for token in tokens]
        capitals_tell, begun = _capitals_tell(tokens), False
        for word, lemma, tag in _tagger(code).tag_sent(tokens) if tokens else ():
            word, lemma, tag = str(word), str(lemma), str(tag)
            if not _WORD.fullmatch(word):
                continue
            capital, begun = begun and capitals_tell and word[0].isupper(), True
            # Taggers take GPT-4o and iPhone16 for numbers.
            counts = tag.startswith(PARTS_OF_SPEECH[code]) or any(c.isdigit() for c in word)
            counts |= tag.startswith(UNKNOWN) and (capital or _is_name(word))
            if counts and _telling(word, lemma.lower(), code):
                keeps_case = capital or _is_name(word) or tag.startswith((*NAMES, "NN") if code == "de" else NAMES)
                yield word, word if keeps_case else word.lower(), word.lower() if tag == "VVG" else lemma.lower()


def _sentences(text: str) -> list[str]:
    return re.split(r"(?<=[.!?…])\s+|(?<=[。！？])|\n+", text)


def _is_name(word: str) -> bool:
    """iPhone, OpenAI and LLM, even where the tagger does not know them as names."""
    return word[1:] != word[1:].lower()


def _is_shouted(word: str, code: str) -> bool:
    """VIDEO and BIG, but not NASA."""
    return code == "en" and len(word) > 3 and word.isalpha() and word.isupper() and _is_familiar(word.lower())


def _capitals_tell(tokens: list[str]) -> bool:
    """Not in titles, where most longer words have one."""
    long = [token for token in tokens[1:] if len(token) > 3 and token[0].isalpha()]
    return sum(token[0].isupper() for token in long) <= 0.8 * len(long)


@lru_cache
def _tagger(code: str) -> Any:
    from HanTa.HanoverTagger import HanoverTagger

    return HanoverTagger(TAGGERS[code])


@lru_cache(maxsize=10_000)
def _is_familiar(word: str) -> bool:
    tag, probability = _tagger("en").tag_word(word)[0]
    return float(probability) > FAMILIAR and not str(tag).startswith("NP")


def _telling(word: str, lemma: str, code: str) -> bool:
    """Not a frequent word of its language, and of a word's length: where signs are syllables or words, two make one,
    and more than four are a sentence; "AI" is a word of two letters; one longer than 30 a language without spaces."""
    kind = unicodedata.name(word[0], "")
    if kind.startswith("CJK"):
        low, high = 2, 4
    elif kind.startswith(("KATAKANA", "HANGUL", "THAI", "LAO", "KHMER", "MYANMAR")):
        low, high = 2, 12
    else:
        low, high = 2 if word.isupper() and word.isascii() and word.isalpha() else 3, 30
    if word[0].isdigit() and not re.search(r"-[^\W\d_]{3}", word):
        return False  # times, sums and ordinals; "3D-printing" and "20th-century" say something
    parts = {word.lower(), lemma, re.sub(r"^[\d-]+", "", word.lower())}
    return low <= len(word) <= high and any(c.isalpha() for c in word) and not parts & (GENERIC | stop_words(code))


def lemmas(text: str, code: str = "en") -> list[tuple[str, str]]:
    """(word, lemma), both in lower case, of every word of a text in a language that can be tagged."""
    return [
        (str(word).lower(), str(lemma).lower())
        for sentence in _sentences(text)
        for word, lemma, _ in _tagger(code).tag_sent(_TOKEN.findall(sentence))
        if _WORD.fullmatch(str(word))
    ]
