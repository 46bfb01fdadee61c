"""What a good batch of prompts looks like: whole, without leftovers of its template, and traceable to features."""

import re

import pandas as pd

from data_checks.suite import (
    CONTENT_ID,
    Suite,
    between,
    content_ids,
    given,
    has_rows,
    has_text,
    holds,
    matching,
    size_of,
    unique,
)

SHORTEST, LONGEST = 20, 20_000  # characters of the user's message
NEEDS_WORDS = ("mpwl",)
"""Templates that say nothing without prompt words."""

_TAGGED = re.compile(r"<([a-z][a-z0-9_]*)>(.*?)</\1>", re.DOTALL)
_LEFTOVER = re.compile(
    r"\{\{|\}\}|\{%|%\}|\{#|\b(?:None|nan|NaN|undefined|Undefined)\b(?! of)|<bound method|object at 0x"
)
_NOTHING = re.compile(r"\s*(?:None|nan|NaN|null|undefined|\[\]|\{\})?\s*")


def is_rendered(message: object) -> bool:
    """No template syntax or printed `None` in the template's own words. What stands between tags is other people's: an
    author who loves braces is no defect."""
    return isinstance(message, str) and not _LEFTOVER.search(_TAGGED.sub("", message))


def is_filled(message: object) -> bool:
    """No tag around nothing, or around a printed nothing."""
    return isinstance(message, str) and not any(_NOTHING.fullmatch(content) for _, content in _TAGGED.findall(message))


def _words_are_ids(frame: pd.DataFrame) -> pd.Series:
    """Feature ids, each once."""

    def sound(words: object) -> bool:
        ids = list(words) if hasattr(words, "__iter__") and not isinstance(words, str) else [""]
        return len(ids) == len(set(ids)) and all(isinstance(id_, str) and re.match(CONTENT_ID, id_) for id_ in ids)

    return frame["words"].map(sound).astype(bool)


SUITE = Suite(
    table="prompts",
    columns=("prompt_id", "item_id", "spec_id", "platform", "template", "system", "user", "words"),
    derived={
        "is_rendered": lambda frame: (frame["user"].map(is_rendered) & frame["system"].map(is_rendered)).astype(bool),
        "is_filled": lambda frame: frame["user"].map(is_filled).astype(bool),
        "has_user": lambda frame: has_text(frame["user"]),
        "has_system": lambda frame: has_text(frame["system"]),
        "length": lambda frame: frame["user"].map(lambda text: len(text) if isinstance(text, str) else 0),
        "words_are_ids": _words_are_ids,
        "has_its_words": lambda frame: ~frame["template"].isin(NEEDS_WORDS) | (size_of(frame["words"]) > 0),
    },
    expectations=(
        has_rows(),
        given("prompt_id"),
        unique("prompt_id"),
        content_ids("prompt_id"),
        given("item_id"),
        content_ids("item_id"),
        given("platform"),
        matching("the platform is named", "platform", r"\S"),
        given("template"),
        matching("the template is named", "template", r"\S"),
        holds("there is a user's message", "has_user"),
        holds("there is a system message", "has_system"),
        holds("nothing of the template is left over", "is_rendered", why="the model would be asked about None or {{"),
        holds("no word is empty", "is_filled", "quarantine", "a tag around None asks for nothing"),
        between("20 to 20,000 characters", "length", SHORTEST, LONGEST, "quarantine", "it would cost, not help"),
        holds("words are feature ids, each once", "words_are_ids"),
        holds(
            "a template for prompt words has some", "has_its_words", "warn", "it says little more than the plain one"
        ),
    ),
)
