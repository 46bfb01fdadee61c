"""What a good batch of comparisons looks like: every pair in both orders, a verdict or a stated error for each."""

import pandas as pd

from data_checks.readings import (
    ASPECT,
    ERROR_AND_COST,
    MOST_ERRORS,
    MOST_UNREAD,
    every_aspect,
    failed,
    no_gap,
    read_once,
    result_or_error,
    says_why,
    with_error,
)
from data_checks.suite import Suite, at_most, content_ids, given, has_rows, holds, matching, unique

ENOUGH = 16  # decided verdicts, before one place for all means something
MOST_FIRST = 0.9

PAIR = ("post_a", "post_b", "spec_id")
READING = (*PAIR, "repeat", "shown_first")
"""Of one order."""


def _a_before_b(frame: pd.DataFrame) -> pd.Series:
    return frame["post_a"].astype(str) < frame["post_b"].astype(str)


def _both_orders(frame: pd.DataFrame) -> pd.Series:
    """Each reading of a pair was shown in both orders, whatever came of them."""
    return frame.groupby([*PAIR, "repeat", "aspect"])["shown_first"].transform("nunique") == 2


def _first_won(frame: pd.DataFrame) -> pd.Series:
    """1 where the post shown first won, 0 where the other did, null elsewhere; 1/2 for all where few are decided."""
    decided = frame["verdict"].isin(["a", "b"])
    won = (frame["verdict"] == frame["shown_first"]).astype(float).where(decided)
    return won if decided.sum() >= ENOUGH else pd.Series(0.5, index=frame.index)


SUITE = Suite(
    table="comparisons",
    columns=(
        "comparison_id", "post_a", "post_b", "spec_id", "shown_first", "repeat", "aspect", "verdict", "reasoning",
        "cost_usd", "error", "created_at",
    ),
    derived={
        "verdict_or_error": result_or_error("verdict"),
        "a_before_b": _a_before_b,
        "both_orders": _both_orders,
        "read_once": read_once(READING, "verdict"),
        "every_aspect": every_aspect(READING),
        "repeats_have_no_gap": no_gap(PAIR),
        "first_won": _first_won,
        "says_why": says_why("verdict"),
        "failed": failed,
        "unread": with_error("unparsable", "missing_aspect"),
    },
    expectations=(
        has_rows(),
        given("comparison_id"),
        unique("comparison_id"),
        content_ids("comparison_id"),
        given("post_a"),
        content_ids("post_a"),
        given("post_b"),
        content_ids("post_b"),
        given("spec_id"),
        content_ids("spec_id"),
        given("created_at"),
        *ASPECT,
        given("shown_first"),
        matching("the order is a or b", "shown_first", r"^[ab]$"),
        matching("a verdict is a, b or tie", "verdict", r"^(?:a|b|tie)$"),
        holds("a pair is named once, the smaller id first", "a_before_b", why="it would be counted as two"),
        holds("there is a verdict or an error, not both", "verdict_or_error", why="a failure is never a verdict"),
        *ERROR_AND_COST,
        holds("every pair is shown in both orders", "both_orders", why="one order says as much about the judge"),
        holds("every reading has every aspect", "every_aspect"),
        holds("no reading is decided twice", "read_once"),
        holds("repeats count from 0 without a gap", "repeats_have_no_gap"),
        holds("a verdict says why", "says_why", "warn"),
        at_most("the first place does not always win", "first_won", MOST_FIRST, why="the judge reads places"),
        at_most("at most 10 % have an error", "failed", MOST_ERRORS),
        at_most("at most 5 % of replies cannot be read", "unread", MOST_UNREAD),
    ),
)  # fmt: skip
