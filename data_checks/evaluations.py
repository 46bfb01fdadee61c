"""What a good batch of evaluations looks like: values in their units inside their intervals, over examples that exist,
better than guessing.

A metric that is new in components/learning/metrics.py and has a unit belongs into SHARES, SIGNED or NOT_NEGATIVE here.
"""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from data_checks.splits import nothing, told
from data_checks.suite import Derive, Suite, between, content_ids, given, has_rows, holds, matching, unique

SHARES = ("accuracy", "macro_f1", "ece", "abstention", "coverage@threshold", "accuracy@threshold")
SIGNED = ("spearman",)
NOT_NEGATIVE = ("nll", "mae", "parameters")
WITHOUT_VALUE = ("confusion", "reliability")
GUESSING = ("majority", "prior")
"""Subjects that are there to be beaten."""
ROUNDING = 1e-6


def _outermost(middle: float, *names: str) -> Derive:
    """Of value, low and high of these metrics the one that is furthest from the middle of its unit; null elsewhere."""

    def derive(frame: pd.DataFrame) -> pd.Series:
        numbers = pd.concat(_numbers(frame), axis=1)
        lowest, highest = numbers.min(axis=1), numbers.max(axis=1)
        furthest: pd.Series = highest.where(highest - middle >= middle - lowest, lowest)
        return furthest.where(frame["metric"].isin(names))

    return derive


def _differences(frame: pd.DataFrame) -> pd.Series:
    """Of shares: their differences lie in -1 to 1."""
    of_share = frame["metric"].isin([f"{name}_difference" for name in SHARES])
    return pd.to_numeric(frame["value"], errors="coerce").where(of_share).astype(float)


def _numbers(frame: pd.DataFrame) -> tuple[pd.Series, pd.Series, pd.Series]:
    value, low, high = (pd.to_numeric(frame[name], errors="coerce") for name in ("value", "low", "high"))
    return value, low, high


def _details(frame: pd.DataFrame) -> list[dict[str, Any] | None]:
    found = []
    for text in frame["detail"]:
        try:
            detail = json.loads(text) if isinstance(text, str) else None
        except ValueError:
            detail = None
        found.append(detail if isinstance(detail, dict) else None)
    return found


def _detail_is_an_object(frame: pd.DataFrame) -> pd.Series:
    return pd.Series([detail is not None for detail in _details(frame)], index=frame.index)


def _value_is_there(frame: pd.DataFrame) -> pd.Series:
    """A number, or null: drawn metrics live in their detail, and an undefined score has no interval either."""
    value, low, high = _numbers(frame)
    is_number = ~value.isin([np.inf, -np.inf]) & (frame["value"].isna() == value.isna())
    drawn = frame["metric"].isin(WITHOUT_VALUE)
    return is_number & (~drawn | value.isna()) & (value.notna() | (low.isna() & high.isna()))


def _examples_behind_value(frame: pd.DataFrame) -> pd.Series:
    """A score over nothing is no score: it is null, as that of the labels kept where none is sure enough."""
    n = pd.to_numeric(frame["n"], errors="coerce")
    return (n >= 1) | ((n == 0) & frame["value"].isna())


def _interval_holds_value(frame: pd.DataFrame) -> pd.Series:
    """Both ends or none; the value between them."""
    value, low, high = _numbers(frame)
    inside = (low <= value + ROUNDING) & (value <= high + ROUNDING)
    return (low.isna() & high.isna()) | (low.notna() & high.notna() & inside)


def _matrix_adds_up(frame: pd.DataFrame) -> pd.Series:
    """A confusion matrix is square over its labels, and its rows are all examples."""

    def sound(metric: str, n: int, detail: dict[str, Any] | None) -> bool:
        if metric != "confusion" or detail is None:
            return True
        labels, matrix = detail.get("labels", []), detail.get("matrix", [])
        square = len(matrix) == len(labels) > 0 and all(len(row) == len(labels) for row in matrix)
        return square and sum(map(sum, matrix)) + sum(detail.get("unanswered", [])) == n

    rows = zip(frame["metric"], frame["n"], _details(frame), strict=True)
    return pd.Series([sound(metric, n, detail) for metric, n, detail in rows], index=frame.index)


def _no_better_than_guessing(frame: pd.DataFrame) -> Iterator[str]:
    """Accuracy whose interval reaches down to the share of the largest class; from the confusion matrix beside it."""
    where = ["subject", "dataset", "split", "task"]
    guessed: dict[tuple[Any, ...], float] = {}
    for row, detail in zip(frame[[*where, "metric"]].itertuples(index=False), _details(frame), strict=True):
        if row[-1] == "confusion" and detail:
            of_class = np.array(detail["matrix"]).sum(axis=1) + np.array(detail.get("unanswered", [0]))
            guessed[tuple(row[:-1])] = float(of_class.max() / max(of_class.sum(), 1))
    for subject, dataset, split, task, metric, value, low in frame[[*where, "metric", "value", "low"]].itertuples(
        index=False
    ):
        chance = guessed.get((subject, dataset, split, task))
        if metric != "accuracy" or chance is None or str(subject).split(" ")[0] in GUESSING:
            continue
        if pd.notna(value) and (low if pd.notna(low) else value) <= chance:
            yield f"{subject} on {task}: {value:.3f} against {chance:.3f} by always saying the commonest label"


SUITE = Suite(
    table="evaluations",
    columns=(
        "evaluation_id", "spec_id", "subject", "model", "dataset", "split", "task", "metric", "value", "low", "high",
        "n", "detail", "created_at",
    ),
    derived={
        "share": _outermost(0.5, *SHARES),
        "signed": _outermost(0, *SIGNED),
        "not_negative": _outermost(np.inf, *NOT_NEGATIVE),
        "difference_of_shares": _differences,
        "detail_is_an_object": _detail_is_an_object,
        "value_is_there": _value_is_there,
        "examples_behind_value": _examples_behind_value,
        "interval_holds_value": _interval_holds_value,
        "matrix_adds_up": _matrix_adds_up,
        "guessing": told(_no_better_than_guessing),
    },
    expectations=(
        has_rows(),
        given("evaluation_id"),
        unique("evaluation_id"),
        content_ids("evaluation_id"),
        given("spec_id"),
        content_ids("spec_id"),
        *(expectation for column in ("subject", "model", "dataset", "split", "task", "metric")
          for expectation in (given(column), matching(f"{column} is named", column, r"\S"))),
        given("created_at"),
        holds("examples are behind every value", "examples_behind_value"),
        holds("detail is a JSON object", "detail_is_an_object"),
        holds("a value is a number or undefined", "value_is_there"),
        holds("an interval holds its value", "interval_holds_value"),
        between("shares lie in 0 to 1", "share", -ROUNDING, 1 + ROUNDING),
        between("correlations lie in -1 to 1", "signed", -1 - ROUNDING, 1 + ROUNDING),
        between("losses, errors and sizes are not negative", "not_negative", -ROUNDING, None),
        between("differences of shares lie in -1 to 1", "difference_of_shares", -1 - ROUNDING, 1 + ROUNDING),
        holds("a confusion matrix counts every example once", "matrix_adds_up"),
        nothing("better than guessing", "guessing", "warn", "it has learned nothing that a constant does not know"),
    ),
)  # fmt: skip
