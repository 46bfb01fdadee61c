"""Finds labels that can be read off something beside the content: a word that gives them away, or where rows come from.

A word does when it (or two in a row) stands in nearly all texts of a class and in nearly none of the others: `label:
positive`, or the class's own name as a hashtag. People do not write so; exports, augmentations and captions do.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import pandas as pd

from data_checks.examples import labels_of

INSIDE, OUTSIDE = 0.95, 0.05
"""Shares of a class's texts, and of all others, from and below which a word gives the class away."""
ENOUGH = 10
"""Texts of the class, and of the others, before that is more than chance."""
ENOUGH_OF_A_SOURCE = 20
_WORD = re.compile(r"[#@]?\w+|[\u2600-\u27bf\U0001f000-\U0001faff]")  # an emoji can be a label, too


def leaks(frame: pd.DataFrame, classes: Mapping[str, Sequence[str]], source: bool) -> Iterator[str]:
    """What gives a label away, in words: words of the texts, or with `source` the dataset or author."""
    labels = [labels_of(text) or {} for text in frame["labels"]]
    values = {task: [str(known[task]) if task in known else None for known in labels] for task in classes}
    if source:
        for task, own in values.items():
            for column in ("dataset", "author"):
                yield from _telling_sources(task, own, column, list(frame[column]))
        return
    words = [_words(text) for text in frame["text"]]
    counts = Counter(word for found in words for word in found)
    for task, own in values.items():
        yield from _telling_words(task, own, words, counts)


def _words(text: object) -> set[str]:
    """Words, hashtags with and without their sign, and pairs of neighbours."""
    found = _WORD.findall(text.casefold()) if isinstance(text, str) else []
    plain = [word.lstrip("#@") for word in found]
    return {*found, *plain, *(f"{a} {b}" for a, b in pairwise(plain))}


def _telling_words(
    task: str, values: Sequence[str | None], words: Sequence[set[str]], counts: Counter[str]
) -> Iterator[str]:
    """`counts`: in how many texts a word stands, of this task or not."""
    rows = [(value, found) for value, found in zip(values, words, strict=True) if value is not None and found]
    sizes = {value: n for value, n in Counter(value for value, _ in rows).items() if ENOUGH <= n <= len(rows) - ENOUGH}
    if not sizes:
        return
    rarest = INSIDE * min(sizes.values())  # rarer words tell of no class, and are most of all words
    common = {word for word, n in counts.items() if n >= rarest}
    rows = [(value, found & common) for value, found in rows]
    everywhere = Counter(word for _, found in rows for word in found)
    for value, inside in sorted(sizes.items()):
        outside = len(rows) - inside
        seen = Counter(word for own, found in rows if own == value for word in found)
        telling = [
            word for word, n in seen.items() if n >= INSIDE * inside and everywhere[word] - n < OUTSIDE * outside
        ]
        if telling:  # one is enough to find it by: with the label's own name, and as much around it as is always there
            word = max(telling, key=lambda word: (value.casefold() in word, len(word), word))
            yield f"{task} {value!r} by {word!r} in {seen[word]} of {inside} texts"


def _telling_sources(task: str, values: Sequence[str | None], column: str, sources: Sequence[object]) -> Iterator[str]:
    """A source whose rows all have one label, which no other source has."""
    labels_of_source: dict[str, Counter[str]] = defaultdict(Counter)
    for value, source in zip(values, sources, strict=True):
        if value is not None and isinstance(source, str) and source.strip():
            labels_of_source[source][value] += 1
    sources_of_label: dict[str, set[str]] = defaultdict(set)
    for source, found in labels_of_source.items():
        for value in found:
            sources_of_label[value].add(source)
    known = sum(value is not None for value in values)
    for source, found in sorted(labels_of_source.items()):
        value, n = found.most_common(1)[0]
        alone = len(found) == 1 and len(sources_of_label[value]) == 1 and values.count(value) == n
        if alone and n >= ENOUGH_OF_A_SOURCE and known - n >= ENOUGH_OF_A_SOURCE:
            yield f"{task} {value!r} by {column} {source!r} in all {n} rows"
