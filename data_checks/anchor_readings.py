"""What a good batch of anchor readings looks like: a score or a stated error, every aspect read, ids and periods."""

import pandas as pd

from data_checks.judgments import HIGHEST, LOWEST, MOST_ERRORS
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

PERIOD = r"^\d{4}-(?:\d{2}(?:-\d{2})?|W\d{2})$"
READING = ["anchor_id", "spec_id", "period", "repeat"]


def _score_or_error(frame: pd.DataFrame) -> pd.Series:
    return frame["score"].notna() != has_text(frame["error"])


def _every_aspect_is_read(frame: pd.DataFrame) -> pd.Series:
    """Each reading has every aspect that any reading by that judge has."""
    asked = frame.groupby("spec_id")["aspect"].transform("nunique")
    return frame.groupby(READING)["aspect"].transform("nunique") == asked


def _read_once(frame: pd.DataFrame) -> pd.Series:
    """No aspect of a reading has two scores."""
    scored = frame["score"].notna()
    keys = frame[[*READING, "aspect"]]
    return ~(scored & keys.where(scored).duplicated(keep=False))


def _one_name(frame: pd.DataFrame) -> pd.Series:
    return frame.groupby("anchor_id")["name"].transform("nunique") == 1


SUITE = Suite(
    table="anchor_readings",
    columns=(
        "reading_id", "anchor_id", "name", "spec_id", "period", "repeat", "aspect", "score", "reasoning", "run_id",
        "cost_usd", "error", "created_at",
    ),
    derived={
        "score_or_error": _score_or_error,
        "every_aspect_is_read": _every_aspect_is_read,
        "read_once": _read_once,
        "one_name": _one_name,
        "failed": lambda frame: has_text(frame["error"]).astype(float),
    },
    expectations=(
        has_rows(),
        *(expectation for column in ("reading_id", "anchor_id", "spec_id")
          for expectation in (given(column), content_ids(column))),
        unique("reading_id"),
        given("name"),
        given("run_id"),
        given("created_at"),
        given("period"),
        matching("a period is a day, a week or a month", "period", PERIOD),
        given("aspect"),
        matching("the aspect is named", "aspect", r"^[a-z][a-z0-9_]*$"),
        between("repeats count from 0", "repeat", 0, None),
        between("scores lie in 1 to 10", "score", LOWEST, HIGHEST),
        holds("there is a score or an error, not both", "score_or_error", why="a failure is never a score"),
        matching("an error is a state", "error", STATE, why="free text belongs into error_detail"),
        between("a cost is not negative", "cost_usd", 0, None),
        holds("every reading has every aspect", "every_aspect_is_read"),
        holds("no aspect is scored twice in a reading", "read_once"),
        holds("an anchor has one name", "one_name", "warn", "two anchors with the same content are one"),
        at_most("at most 10 % have an error", "failed", MOST_ERRORS),
    ),
)  # fmt: skip
