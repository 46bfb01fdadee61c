"""Which candidates tell most: by how the sentence's embedding moves without them, or by YAKE's statistics.

Read: sentences and their candidates, from `keywords`. `leave_one_out` is the paper's way and needs the text encoder;
`yake` (Campos et al. 2020, doi 10.1016/j.ins.2019.09.013) needs only the text: position, case, frequency, company.
Scores of both lie in [0, 2], higher is better, and are not comparable with each other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Literal

from components.errors import UserError
from components.features.keywords import Candidate, words_of
from components.features.stop_words import GENERIC, language_of, stop_words

if TYPE_CHECKING:
    from torch import Tensor

Method = Literal["leave_one_out", "yake"]
Asked = tuple[str, Sequence[Candidate]]
"""A sentence and the words of it that may become keywords."""
Ranked = list[tuple[str, float]]
"""Words as shown with their scores, best first."""

_GENITIVE = re.compile(r"['’]s\b")

WINDOW = 400
"""Characters. A longer sentence is judged in parts: encoders cut what is too long, so that words far back would never
count, and a word's weight fades with the length of what it is left out of. No tweet of 280 is cut."""


def rank(items: Sequence[Asked], method: Method, embed: Callable[[Sequence[str]], Tensor], keep: int) -> list[Ranked]:
    """Per (sentence, candidates) the `keep` most telling words with their scores, best first; ties as they appear."""
    if keep == 0:
        return [[] for _ in items]
    found = rank_keywords(items, embed) if method == "leave_one_out" else [rank_by_yake(*asked) for asked in items]
    return [words[:keep] for words in found]


def ranked_by(method: Method, text_encoder: str) -> str:
    """What stands as the rows' model: the text encoder's revision, or YAKE's version."""
    if method == "leave_one_out":
        return text_encoder
    try:
        return f"yake@{version('yake')}"
    except PackageNotFoundError:
        raise UserError(
            "features.keyword_method: yake is not installed; add it (pip install yake), or use leave_one_out"
        ) from None


def rank_keywords(items: Sequence[Asked], embed: Callable[[Sequence[str]], Tensor]) -> list[Ranked]:
    """All words by the cosine distance between the embeddings of the sentence with and without the word.

    All sentences of all items go through `embed` in one call, each once.
    """
    import torch

    asked = [[(part, without(part, word)) for word in words for part in [_part_of(sentence, word)]]
             for sentence, words in items]  # fmt: skip
    texts = list(dict.fromkeys(text for group in asked for pair in group for text in pair))
    if not texts:
        return [[] for _ in items]
    vectors = torch.nn.functional.normalize(embed(texts).double(), dim=-1)
    row = {text: i for i, text in enumerate(texts)}
    result = []
    for (_, words), pairs in zip(items, asked, strict=True):
        shifts = [1 - float(vectors[row[with_it]] @ vectors[row[left_out]]) for with_it, left_out in pairs]
        scored = [(word.shown, round(max(0.0, shift), 6)) for word, shift in zip(words, shifts, strict=True)]
        result.append(sorted(scored, key=lambda pair: -pair[1]))
    return result


def without(sentence: str, candidate: Candidate) -> str:
    """The sentence with every form of the word left out, a genitive's ending too."""
    kept, begin = [], 0
    for word, start, end in _words(sentence):
        if word in candidate.forms:
            kept.append(sentence[begin:start])
            begin = end + len(match[0]) if (match := _GENITIVE.match(sentence, end)) else end
    return " ".join(" ".join((*kept, sentence[begin:])).split())


@lru_cache(maxsize=64)
def _words(sentence: str) -> tuple[tuple[str, int, int], ...]:
    """Each word in lower case with its place, cut as candidates are."""
    return tuple((word.lower(), start, start + len(word)) for word, start in words_of(sentence))


def _part_of(sentence: str, candidate: Candidate) -> str:
    """The part of the sentence in which the word stands first; short sentences are one part."""
    parts = _parts(sentence)
    found = (part for part in parts if any(word in candidate.forms for word, _, _ in _words(part)))
    return parts[0] if len(parts) == 1 else next(found, parts[0])


@lru_cache(maxsize=64)
def _parts(sentence: str) -> tuple[str, ...]:
    """Parts of nearly equal length, `WINDOW` characters at most unless a word is longer, cut at sentences' ends where
    one is near."""
    if len(sentence) <= WINDOW:
        return (sentence,)
    goal = len(sentence) / -(-len(sentence) // WINDOW)
    parts, words = [""], sentence.split(" ")
    for word in words:
        long = len(parts[-1]) + len(word)
        if parts[-1] and (long > goal or (long > 0.75 * goal and parts[-1][-1] in ".!?…")):
            parts.append(word)
        else:
            parts[-1] = f"{parts[-1]} {word}".strip()
    return tuple(parts)


def rank_by_yake(sentence: str, words: Sequence[Candidate]) -> Ranked:
    """All words that YAKE weighs, by 1 / (1 + its score): 1 is its best. It weighs no words with digits ("GPT-4o")."""
    if not words:
        return []
    weights: dict[str, float] = {}
    for word, weight in _yake(language_of(sentence, None)).extract_keywords(sentence):
        weights[str(word).lower()] = min(float(weight), weights.get(str(word).lower(), float("inf")))
    scored = []
    for candidate in words:
        known = [weights[form] for form in candidate.forms if form in weights]
        if known:
            scored.append((candidate.shown, round(1 / (1 + max(0.0, min(known))), 6)))
    return sorted(scored, key=lambda pair: -pair[1])


@lru_cache(maxsize=8)
def _yake(code: str) -> Any:
    """Single words, all of them: the candidates are chosen elsewhere, and alike for both methods."""
    from yake import KeywordExtractor

    dull = set(stop_words("en") | stop_words(code) | GENERIC)  # the caption's language and the text's
    return KeywordExtractor(lan=code, n=1, dedup_lim=1.0, top=10_000, stopwords=dull)
