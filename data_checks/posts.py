"""What a good batch of posts looks like: a text or a stated error, a cost, and no two posts alike."""

import pandas as pd

from data_checks.suite import (
    STATE,
    Suite,
    at_most,
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

MOST_ERRORS = 0.1
MOST_ALIKE = 0.2
OPENING = 5  # words
ENOUGH = 5  # posts, before sameness means something
LEFTOVERS = (
    r"\{\{|\}\}|\{%|%\}|\[(?:insert|your|name|topic|place|caption|link|hashtag)[^\]\n]{0,40}\]"
    r"|</?(?:caption|details|topic|sentiment|scene|keywords|text|post)>"
)


def _text_or_error(frame: pd.DataFrame) -> pd.Series:
    return has_text(frame["text"]) != has_text(frame["error"])


def _nothing_left_over(frame: pd.DataFrame) -> pd.Series:
    return ~frame["text"].astype("str").str.contains(LEFTOVERS, case=False, regex=True)


def _repeats(keys: pd.Series) -> pd.Series:
    """1 where another post has the same key; null where there is none; 0 throughout in small batches."""
    if keys.notna().sum() < ENOUGH:
        return pd.Series(0.0, index=keys.index)
    return keys.duplicated(keep=False).astype(float).where(keys.notna())


def _opening(text: object) -> str | None:
    return " ".join(text.lower().split()[:OPENING]) if isinstance(text, str) and text.strip() else None


SUITE = Suite(
    table="posts",
    columns=(
        "post_id",
        "prompt_id",
        "spec_id",
        "candidate",
        "platform",
        "text",
        "rules",
        "cost_usd",
        "error",
        "created_at",
    ),
    derived={
        "text_or_error": _text_or_error,
        "nothing_left_over": _nothing_left_over,
        "keeps_the_rules": lambda frame: size_of(frame["rules"]) == 0,
        "failed": lambda frame: has_text(frame["error"]).astype(float),
        "opening_repeats": lambda frame: _repeats(frame["text"].map(_opening)),
        "text_repeats": lambda frame: _repeats(frame["text"].where(has_text(frame["text"]))),
    },
    expectations=(
        has_rows(),
        given("post_id"),
        unique("post_id"),
        content_ids("post_id"),
        given("prompt_id"),
        content_ids("prompt_id"),
        given("created_at"),
        between("candidates count from 0", "candidate", 0, None),
        holds("there is a text or an error, not both", "text_or_error"),
        matching("an error is a state", "error", STATE, why="free text belongs into error_detail"),
        between("a cost is not negative", "cost_usd", 0, None),
        holds("nothing of a template is left over", "nothing_left_over", "quarantine", "nobody would publish it"),
        holds("the platform's rules are kept", "keeps_the_rules", "warn", "the platform would refuse it"),
        at_most("at most 10 % have an error", "failed", MOST_ERRORS),
        at_most("openings differ", "opening_repeats", MOST_ALIKE, why="a feed of equal openings reads like a machine"),
        at_most("no text stands twice", "text_repeats", 0),
    ),
)
