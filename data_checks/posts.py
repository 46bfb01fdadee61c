"""What a good batch of posts looks like: a text or a stated error, a cost, and no two posts alike.

Candidates of one prompt that say the same are marked, not wrong; they are left out where sameness is counted.
"""

import re

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


def _duplicate_is_one(frame: pd.DataFrame) -> pd.Series:
    """Who says the same as another has a text, and the other too: of the same prompt, and no duplicate itself. One that
    is not here (it may be in quarantine) is not looked at."""
    posts = frame.drop_duplicates("post_id").set_index("post_id")
    first = posts.reindex(frame["duplicate_of"])
    sound: pd.Series = (
        has_text(frame["text"])
        & has_text(first["text"]).to_numpy()
        & (first["prompt_id"].to_numpy() == frame["prompt_id"].to_numpy())
        & (first["spec_id"].to_numpy() == frame["spec_id"].to_numpy())
        & first["duplicate_of"].isna().to_numpy()
    )
    is_here: pd.Series = frame["duplicate_of"].isin(posts.index)
    return sound | ~is_here


def _told_apart(frame: pd.DataFrame) -> pd.Series:
    """The texts, without those that are known to say the same as another."""
    return frame["text"].where(has_text(frame["text"]) & frame["duplicate_of"].isna())


def _opening_repeats(frame: pd.DataFrame) -> pd.Series:
    """Between prompts: candidates of one share their subject, and often their first words."""
    openings = _told_apart(frame).map(_opening)
    again = frame.assign(opening=openings).duplicated(["prompt_id", "opening"])
    return _repeats(openings.where(~again))


def _repeats(keys: pd.Series) -> pd.Series:
    """1 where another post has the same key; null where there is none; 0 throughout in small batches."""
    if keys.notna().sum() < ENOUGH:
        return pd.Series(0.0, index=keys.index)
    return keys.duplicated(keep=False).astype(float).where(keys.notna())


def _said(text: object) -> str | None:
    """The words, whatever the case and the signs between them."""
    return (" ".join(re.findall(r"\w+", text.lower())) or text) if isinstance(text, str) else None


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
        "temperature",
        "duplicate_of",
        "clip_score",
    ),
    derived={
        "text_or_error": _text_or_error,
        "nothing_left_over": _nothing_left_over,
        "keeps_the_rules": lambda frame: size_of(frame["rules"]) == 0,
        "failed": lambda frame: has_text(frame["error"]).astype(float),
        "opening_repeats": _opening_repeats,
        "text_repeats": lambda frame: _repeats(_told_apart(frame).map(_said)),
        "duplicate_is_one": _duplicate_is_one,
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
        between("temperatures lie in 0 to 2", "temperature", 0, 2),
        between("a cosine lies in -1 to 1", "clip_score", -1.000001, 1.000001),
        content_ids("duplicate_of"),
        holds("a duplicate has an original of its prompt", "duplicate_is_one", why="it would be left out for nothing"),
        holds("nothing of a template is left over", "nothing_left_over", "quarantine", "nobody would publish it"),
        holds("the platform's rules are kept", "keeps_the_rules", "warn", "the platform would refuse it"),
        at_most("at most 10 % have an error", "failed", MOST_ERRORS),
        at_most("openings differ", "opening_repeats", MOST_ALIKE, why="a feed of equal openings reads like a machine"),
        at_most("no text stands twice", "text_repeats", 0),
    ),
)
