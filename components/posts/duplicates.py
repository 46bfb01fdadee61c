"""Which candidates of a prompt say the same as an earlier one: they are kept as rows, but not judged and not counted.

Two posts say the same when their words are equal (whatever the case, spaces, punctuation, emoji and the order of their
hashtags), or nearly: ROUGE-L of at least SAME. ROUGE-L (Lin 2004, "ROUGE: A Package for Automatic Evaluation of
Summaries") is the length of the longest common subsequence of words over the mean of both lengths. Self-Instruct (Wang
et al. 2023) keeps generated texts apart by the same measure. It works on words, because one changed letter is a typing
error and one changed word a change; its value does not depend on which text comes first, as difflib's does; and a word
changed in a text of twelve costs 0.08 of it, of the likeness of word triples half.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import replace

import regex

from components.prompts.counting import hashtags, links, without_hashtags, without_links
from components.records import Post

SAME = 0.9
"""From here two candidates say the same: one word of ten is another. Candidates of one prompt share their subject by
design: of 336 pairs by the offline writer, which has few phrases, the median is 0.45 and the likest pair, which differs
in one sentence of four, 0.89."""

_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_WORD = regex.compile(rf"(?V1)[{_UNSPACED}]\p{{M}}*|[[\p{{L}}\p{{M}}\p{{N}}]--[{_UNSPACED}]]+")
"""A run of letters and digits; of scripts that do not part their words, each character."""


def mark_duplicates(posts: Sequence[Post], known: Mapping[str, Post]) -> list[Post]:
    """`posts` with `duplicate_of` set, in their order: to the id of the first candidate of the same prompt and spec
    that says the same.

    `known` are rows of the warehouse by id: they stay as they were written, and count as earlier than all others, so
    that a candidate that failed at first does not make a judged one its duplicate.
    """
    marked: dict[str, Post] = {}
    originals: dict[tuple[str, str], list[tuple[str, tuple[str, ...]]]] = {}
    for post in sorted(posts, key=lambda post: (post.post_id not in known, post.candidate)):
        found = marked[post.post_id] = known.get(post.post_id, post)
        if found.text is None or found.duplicate_of is not None:
            continue
        said, before = words_of(found.text), originals.setdefault((found.prompt_id, found.spec_id), [])
        same = next((post_id for post_id, words in before if say_the_same(words, said)), None)
        if same is not None and post.post_id not in known:
            marked[post.post_id] = replace(found, duplicate_of=same)
        else:
            before.append((post.post_id, said))
    return [marked[post.post_id] for post in posts]


def words_of(text: str) -> tuple[str, ...]:
    """What is said, in order: the words in lower case, then hashtags and links, sorted; of a text without any of them
    its characters."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    linked = sorted(folded[start:end] for start, end in links(folded))
    body = regex.sub(r"['’]", "", without_hashtags(without_links(folded)))
    words = (*_WORD.findall(body), *(f"#{tag}" for tag in sorted(set(hashtags(folded)))), *linked)
    return words or tuple(folded.split())


def say_the_same(one: Sequence[str], other: Sequence[str]) -> bool:
    shorter, both = min(len(one), len(other)), len(one) + len(other)
    return 2 * shorter >= SAME * both and likeness(one, other) >= SAME  # most pairs differ enough in length alone


def likeness(one: Sequence[str], other: Sequence[str]) -> float:
    """ROUGE-L, the harmonic mean of its precision and recall: 0 for nothing in common, 1 for the same words."""
    if not one or not other:
        return float(one == other)
    return 2 * common(one, other) / (len(one) + len(other))


def common(one: Sequence[str], other: Sequence[str]) -> int:
    """The length of the longest common subsequence, by bits (Hyyrö 2004, "Bit-parallel LCS-length computation
    revisited"): a bit that is still set stands for a word of `one` that begins no longer match."""
    places: dict[str, int] = {}
    for at, word in enumerate(one):
        places[word] = places.get(word, 0) | 1 << at
    every = row = (1 << len(one)) - 1
    for word in other:
        hit = row & places.get(word, 0)
        row = ((row + hit) | (row - hit)) & every
    return len(one) - row.bit_count()
