"""What a good batch of judgments looks like: a score or a stated error, every aspect read, scores that tell apart."""

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
    unique,
)

LOWEST, HIGHEST = 1, 10
MOST_ERRORS = 0.1
MOST_UNREAD = 0.05
UNREAD = ("unparsable", "missing_aspect", "out_of_range")
ENOUGH = 8  # posts, before one score for all means something


def _score_or_error(frame: pd.DataFrame) -> pd.Series:
    return frame["score"].notna() != has_text(frame["error"])


def _every_aspect_is_read(frame: pd.DataFrame) -> pd.Series:
    """Each reading (post, judge, repeat) has every aspect that any reading by that judge has."""
    asked = frame.groupby("spec_id")["aspect"].transform("nunique")
    return frame.groupby(["post_id", "spec_id", "repeat"])["aspect"].transform("nunique") == asked


def _read_once(frame: pd.DataFrame) -> pd.Series:
    """No aspect of a reading has two scores."""
    scored = frame["score"].notna()
    keys = frame[["post_id", "spec_id", "repeat", "aspect"]]
    return ~(scored & keys.where(scored).duplicated(keep=False))


def _repeats_have_no_gap(frame: pd.DataFrame) -> pd.Series:
    repeats = frame.groupby(["post_id", "spec_id"])["repeat"]
    return (repeats.transform("min") == 0) & (repeats.transform("max") == repeats.transform("nunique") - 1)


def _tells_apart(frame: pd.DataFrame) -> pd.Series:
    """Of eight posts or more an aspect has more than one score."""
    scored = frame[frame["score"].notna()]
    groups = scored.groupby(["spec_id", "aspect"])
    constant = (groups["post_id"].transform("nunique") >= ENOUGH) & (groups["score"].transform("nunique") == 1)
    return ~constant.reindex(frame.index, fill_value=False)


SUITE = Suite(
    table="judgments",
    columns=(
        "judgment_id", "post_id", "spec_id", "repeat", "aspect", "score", "reasoning", "cost_usd", "error",
        "created_at",
    ),
    derived={
        "score_or_error": _score_or_error,
        "every_aspect_is_read": _every_aspect_is_read,
        "read_once": _read_once,
        "repeats_have_no_gap": _repeats_have_no_gap,
        "tells_apart": _tells_apart,
        "says_why": lambda frame: frame["score"].isna() | has_text(frame["reasoning"]),
        "failed": lambda frame: has_text(frame["error"]).astype(float),
        "unread": lambda frame: frame["error"].isin(UNREAD).astype(float),
    },
    expectations=(
        has_rows(),
        given("judgment_id"),
        unique("judgment_id"),
        content_ids("judgment_id"),
        given("post_id"),
        content_ids("post_id"),
        given("created_at"),
        given("aspect"),
        matching("the aspect is named", "aspect", r"^[a-z][a-z0-9_]*$"),
        between("scores lie in 1 to 10", "score", LOWEST, HIGHEST),
        holds("there is a score or an error, not both", "score_or_error", why="a failure is never a score"),
        matching("an error is a state", "error", STATE, why="free text belongs into error_detail"),
        between("a cost is not negative", "cost_usd", 0, None),
        holds("every reading has every aspect", "every_aspect_is_read"),
        holds("no aspect is scored twice in a reading", "read_once"),
        holds("repeats count from 0 without a gap", "repeats_have_no_gap"),
        holds("a score says why", "says_why", "warn"),
        holds("scores differ between posts", "tells_apart", "warn", "a judge that always says the same judges nothing"),
        at_most("at most 10 % have an error", "failed", MOST_ERRORS),
        at_most("at most 5 % of replies cannot be read", "unread", MOST_UNREAD),
    ),
)  # fmt: skip
