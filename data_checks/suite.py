"""What a suite is: a table's columns, columns derived from them, and what is expected of both.

Severities: `stop` (our own defect or a broken run: nothing of the chunk is published), `quarantine` (this row, and with
it what hangs on it, is set aside with a reason), `warn` (worth a look, published all the same).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

Severity = Literal["stop", "quarantine", "warn"]
Derive = Callable[[pd.DataFrame], pd.Series]

CONTENT_ID = r"^[0-9a-f]{20}$"
STATE = r"^[a-z][a-z_]{1,29}$"


@dataclass(frozen=True, slots=True)
class Expectation:
    """`what` should hold, in words that stand in the report; `type` is a class of great_expectations.expectations."""

    what: str
    type: str
    kwargs: Mapping[str, Any]
    severity: Severity
    why: str = ""


@dataclass(frozen=True, slots=True)
class Suite:
    """`columns` have to be there; `derived` adds columns (name -> function of the frame) that expectations may name."""

    table: str
    columns: tuple[str, ...]
    expectations: tuple[Expectation, ...]
    derived: Mapping[str, Derive] = field(default_factory=dict)


def has_rows() -> Expectation:
    why = "an empty frame passes every expectation of a column"
    return Expectation("there are rows", "ExpectTableRowCountToBeBetween", {"min_value": 1}, "stop", why)


def unique(column: str) -> Expectation:
    return Expectation(f"{column} is unique", "ExpectColumnValuesToBeUnique", {"column": column}, "stop")


def given(column: str) -> Expectation:
    return Expectation(f"{column} is given", "ExpectColumnValuesToNotBeNull", {"column": column}, "stop")


def content_ids(column: str) -> Expectation:
    return matching(f"{column} is 20 hex digits", column, CONTENT_ID)


def matching(what: str, column: str, regex: str, severity: Severity = "stop", why: str = "") -> Expectation:
    return Expectation(what, "ExpectColumnValuesToMatchRegex", {"column": column, "regex": regex}, severity, why)


def between(
    what: str, column: str, low: float | None, high: float | None, severity: Severity = "stop", why: str = ""
) -> Expectation:
    """Of every value that is there; null is left to other expectations."""
    kwargs = {"column": column, "min_value": low, "max_value": high}
    return Expectation(what, "ExpectColumnValuesToBeBetween", kwargs, severity, why)


def holds(what: str, column: str, severity: Severity = "stop", why: str = "") -> Expectation:
    """A derived yes-or-no column is yes in every row."""
    return Expectation(what, "ExpectColumnValuesToBeInSet", {"column": column, "value_set": [True]}, severity, why)


def at_most(what: str, column: str, share: float, severity: Severity = "warn", why: str = "") -> Expectation:
    """The mean of a derived 0-or-1 column."""
    kwargs = {"column": column, "min_value": 0, "max_value": share}
    return Expectation(what, "ExpectColumnMeanToBeBetween", kwargs, severity, why)


def has_text(values: pd.Series) -> pd.Series:
    """Neither null nor blank."""
    return values.map(lambda value: isinstance(value, str) and bool(value.strip())).astype(bool)


def size_of(values: pd.Series) -> pd.Series:
    """The length of lists and arrays; 0 where there is none."""
    return values.map(lambda value: len(value) if hasattr(value, "__len__") and not isinstance(value, str) else 0)
