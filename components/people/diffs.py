"""What an edit changed, as [sign, words] in order: `=` stays, `-` goes, `+` comes.

What stays and goes is the original, what stays and comes is the edit: nothing is lost, whatever the texts hold.
"""

import json
from difflib import SequenceMatcher

import regex

WORDS = regex.compile(r"\s+|[\p{L}\p{M}\p{N}_#@]+|\X")
"""Words with their signs, spaces, and everything else by grapheme: no emoji is cut in two."""
LONGEST = 4_000
"""Words up to which they are compared one by one; beyond, the time would grow with their square."""

Part = tuple[str, str]


def word_diff(before: str, after: str) -> list[Part]:
    """The parts in order; neighbours of one sign are one part."""
    old, new = WORDS.findall(before), WORDS.findall(after)
    if max(len(old), len(new)) > LONGEST:
        return [] if before == after == "" else _joined([("-", before), ("+", after)])
    parts: list[Part] = []
    for kind, i, j, k, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            parts.append(("=", "".join(old[i:j])))
        else:
            parts += [("-", "".join(old[i:j])), ("+", "".join(new[k:m]))]
    return _joined(parts)


def _joined(parts: list[Part]) -> list[Part]:
    return [(sign, words) for sign, words in parts if words]


def dumped(parts: list[Part]) -> str:
    return json.dumps(parts, ensure_ascii=False)


def original(parts: list[Part]) -> str:
    return "".join(words for sign, words in parts if sign in "=-")


def edited(parts: list[Part]) -> str:
    return "".join(words for sign, words in parts if sign in "=+")
