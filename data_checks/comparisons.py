"""What a good batch of comparisons looks like: every pair in both orders, a verdict or a stated error for each."""

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

MOST_ERRORS = 0.1
MOST_UNREAD = 0.05
UNREAD = ("unparsable", "missing_aspect")
ENOUGH = 16  # decided verdicts, before one place for all means something
MOST_FIRST = 0.9

PAIR = ["post_a", "post_b", "spec_id"]


def _verdict_or_error(frame: pd.DataFrame) -> pd.Series:
    return frame["verdict"].notna() != has_text(frame["error"])


def _a_before_b(frame: pd.DataFrame) -> pd.Series:
    return frame["post_a"].astype(str) < frame["post_b"].astype(str)


def _both_orders(frame: pd.DataFrame) -> pd.Series:
    """Each reading of a pair was shown in both orders, whatever came of them."""
    return frame.groupby([*PAIR, "repeat", "aspect"])["shown_first"].transform("nunique") == 2


def _read_once(frame: pd.DataFrame) -> pd.Series:
    """No reading has two verdicts in one order."""
    decided = frame["verdict"].notna()
    keys = frame[[*PAIR, "repeat", "aspect", "shown_first"]]
    return ~(decided & keys.where(decided).duplicated(keep=False))


def _every_aspect(frame: pd.DataFrame) -> pd.Series:
    """Each reading has every aspect that any reading by that judge has."""
    asked = frame.groupby("spec_id")["aspect"].transform("nunique")
    return frame.groupby([*PAIR, "repeat", "shown_first"])["aspect"].transform("nunique") == asked


def _repeats_have_no_gap(frame: pd.DataFrame) -> pd.Series:
    repeats = frame.groupby(PAIR)["repeat"]
    return (repeats.transform("min") == 0) & (repeats.transform("max") == repeats.transform("nunique") - 1)


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
        "verdict_or_error": _verdict_or_error,
        "a_before_b": _a_before_b,
        "both_orders": _both_orders,
        "read_once": _read_once,
        "every_aspect": _every_aspect,
        "repeats_have_no_gap": _repeats_have_no_gap,
        "first_won": _first_won,
        "says_why": lambda frame: frame["verdict"].isna() | has_text(frame["reasoning"]),
        "failed": lambda frame: has_text(frame["error"]).astype(float),
        "unread": lambda frame: frame["error"].isin(UNREAD).astype(float),
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
        given("aspect"),
        matching("the aspect is named", "aspect", r"^[a-z][a-z0-9_]*$"),
        given("shown_first"),
        matching("the order is a or b", "shown_first", r"^[ab]$"),
        matching("a verdict is a, b or tie", "verdict", r"^(?:a|b|tie)$"),
        holds("a pair is named once, the smaller id first", "a_before_b", why="it would be counted as two"),
        holds("there is a verdict or an error, not both", "verdict_or_error", why="a failure is never a verdict"),
        matching("an error is a state", "error", STATE, why="free text belongs into error_detail"),
        between("a cost is not negative", "cost_usd", 0, None),
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
