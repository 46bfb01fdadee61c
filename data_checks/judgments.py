"""What a good batch of judgments looks like: a score or a stated error, every aspect read, scores that tell apart."""

import pandas as pd

from data_checks.readings import (
    ASPECT,
    ERROR_AND_COST,
    MOST_ERRORS,
    MOST_UNREAD,
    SCORE,
    every_aspect,
    failed,
    no_gap,
    read_once,
    result_or_error,
    says_why,
    with_error,
)
from data_checks.suite import Suite, at_most, content_ids, given, has_rows, holds, unique

READING = ("post_id", "spec_id", "repeat")
ENOUGH = 8  # posts, before one score for all means something


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
        "score_or_error": result_or_error("score"),
        "every_aspect_is_read": every_aspect(READING),
        "read_once": read_once(READING, "score"),
        "repeats_have_no_gap": no_gap(READING[:2]),
        "tells_apart": _tells_apart,
        "says_why": says_why("score"),
        "failed": failed,
        "unread": with_error("unparsable", "missing_aspect", "out_of_range"),
    },
    expectations=(
        has_rows(),
        given("judgment_id"),
        unique("judgment_id"),
        content_ids("judgment_id"),
        given("post_id"),
        content_ids("post_id"),
        given("created_at"),
        *ASPECT,
        *SCORE,
        *ERROR_AND_COST,
        holds("every reading has every aspect", "every_aspect_is_read"),
        holds("no aspect is scored twice in a reading", "read_once"),
        holds("repeats count from 0 without a gap", "repeats_have_no_gap"),
        holds("a score says why", "says_why", "warn"),
        holds("scores differ between posts", "tells_apart", "warn", "a judge that always says the same judges nothing"),
        at_most("at most 10 % have an error", "failed", MOST_ERRORS),
        at_most("at most 5 % of replies cannot be read", "unread", MOST_UNREAD),
    ),
)  # fmt: skip
