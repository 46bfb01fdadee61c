"""What a good batch of anchor readings looks like: a score or a stated error, every aspect read, ids and periods."""

import pandas as pd

from data_checks.readings import (
    ASPECT,
    ERROR_AND_COST,
    MOST_ERRORS,
    SCORE,
    every_aspect,
    failed,
    read_once,
    result_or_error,
)
from data_checks.suite import Suite, at_most, between, content_ids, given, has_rows, holds, matching, unique

PERIOD = r"^\d{4}-(?:\d{2}(?:-\d{2})?|W\d{2})$"
READING = ("anchor_id", "spec_id", "period", "repeat")


def _one_name(frame: pd.DataFrame) -> pd.Series:
    return frame.groupby("anchor_id")["name"].transform("nunique") == 1


SUITE = Suite(
    table="anchor_readings",
    columns=(
        "reading_id", "anchor_id", "name", "spec_id", "period", "repeat", "aspect", "score", "reasoning", "run_id",
        "cost_usd", "error", "created_at",
    ),
    derived={
        "score_or_error": result_or_error("score"),
        "every_aspect_is_read": every_aspect(READING),
        "read_once": read_once(READING, "score"),
        "one_name": _one_name,
        "failed": failed,
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
        *ASPECT,
        between("repeats count from 0", "repeat", 0, None),
        *SCORE,
        *ERROR_AND_COST,
        holds("every reading has every aspect", "every_aspect_is_read"),
        holds("no aspect is scored twice in a reading", "read_once"),
        holds("an anchor has one name", "one_name", "warn", "two anchors with the same content are one"),
        at_most("at most 10 % have an error", "failed", MOST_ERRORS),
    ),
)  # fmt: skip
