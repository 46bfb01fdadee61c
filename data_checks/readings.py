"""What readings by a judge have in common, of posts, of anchors and of pairs: each has a result or a stated error, is
there once, and is whole.

`keys`: the columns that name a reading (or a pair) in its table; `result`: the column of the score or the verdict.
"""

from collections.abc import Sequence

import pandas as pd

from data_checks.suite import STATE, Derive, Expectation, between, given, has_text, holds, matching

LOWEST, HIGHEST = 1, 10
MOST_ERRORS = 0.1
MOST_UNREAD = 0.05

ASPECT = (given("aspect"), matching("the aspect is named", "aspect", r"^[a-z][a-z0-9_]*$"))
SCORE = (
    between("scores lie in 1 to 10", "score", LOWEST, HIGHEST),
    holds("there is a score or an error, not both", "score_or_error", why="a failure is never a score"),
)
ERROR_AND_COST: tuple[Expectation, ...] = (
    matching("an error is a state", "error", STATE, why="free text belongs into error_detail"),
    between("a cost is not negative", "cost_usd", 0, None),
)


def result_or_error(result: str) -> Derive:
    return lambda frame: frame[result].notna() != has_text(frame["error"])


def every_aspect(keys: Sequence[str]) -> Derive:
    """Each reading has every aspect that any reading by that judge has."""

    def derive(frame: pd.DataFrame) -> pd.Series:
        asked = frame.groupby("spec_id")["aspect"].transform("nunique")
        return frame.groupby(list(keys))["aspect"].transform("nunique") == asked

    return derive


def read_once(keys: Sequence[str], result: str) -> Derive:
    """No aspect of a reading has two results."""

    def derive(frame: pd.DataFrame) -> pd.Series:
        there = frame[result].notna()
        return ~(there & frame[[*keys, "aspect"]].where(there).duplicated(keep=False))

    return derive


def no_gap(keys: Sequence[str]) -> Derive:
    """Repeats count from 0."""

    def derive(frame: pd.DataFrame) -> pd.Series:
        repeats = frame.groupby(list(keys))["repeat"]
        return (repeats.transform("min") == 0) & (repeats.transform("max") == repeats.transform("nunique") - 1)

    return derive


def says_why(result: str) -> Derive:
    return lambda frame: frame[result].isna() | has_text(frame["reasoning"])


def failed(frame: pd.DataFrame) -> pd.Series:
    return has_text(frame["error"]).astype(float)


def with_error(*states: str) -> Derive:
    return lambda frame: frame["error"].isin(states).astype(float)
