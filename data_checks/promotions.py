"""Whether a newly trained model may take the place of the one that stands: on the same test examples, it is not worse.

The frame is one row per task: `task`; `new` and `incumbent`, their macro-F1 (or, for numbers, rank correlation);
`incumbent` is null where there is none, and then anything sound may stand; `low_of_difference`, the lower end of the
interval of new minus incumbent, null where there is none; `n`, the test examples that both were asked about.
"""

import pandas as pd

from data_checks.suite import Suite, between, given, has_rows, holds, matching, unique

LEAST = 20
ROUNDING = 1e-9


def _numbers(frame: pd.DataFrame, column: str) -> pd.Series:
    return pd.to_numeric(frame[column], errors="coerce").astype(float)


def _not_below(frame: pd.DataFrame) -> pd.Series:
    incumbent = _numbers(frame, "incumbent")
    return incumbent.isna() | (_numbers(frame, "new") >= incumbent - ROUNDING)


def _surely_not_below(frame: pd.DataFrame) -> pd.Series:
    """Only where there is an incumbent to be compared with."""
    low = _numbers(frame, "low_of_difference")
    return _numbers(frame, "incumbent").isna() | low.isna() | (low >= -ROUNDING)


SUITE = Suite(
    table="promotions",
    columns=("task", "new", "incumbent", "low_of_difference", "n"),
    derived={"not_below": _not_below, "surely_not_below": _surely_not_below},
    expectations=(
        has_rows(),
        given("task"),
        matching("the task is named", "task", r"\S"),
        unique("task"),
        given("new"),
        between("scores of the new model lie in -1 to 1", "new", -1, 1),
        between("scores of the incumbent lie in -1 to 1", "incumbent", -1, 1),
        between("20 test examples or more", "n", LEAST, None, why="fewer cannot tell two models apart"),
        holds("the new model is not below the incumbent", "not_below", why="the old model stays"),
        holds("and its interval says so too", "surely_not_below", "warn", "the difference may be chance"),
    ),
)
