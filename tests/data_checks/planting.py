"""Frames to check, and ways to spoil them in one place."""

from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from components.records import TABLES, content_id
from components.records import Record as Rows
from data_checks.validate import Verdict, validate

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
Frame = pd.DataFrame
Change = Callable[[Frame], Frame]


def frame_of(table: str, rows: list[dict[str, Any]]) -> Frame:
    """As flows make it: one column per field of the record."""
    record: type[Rows] = TABLES[table]
    return pd.DataFrame([record(**row).row() for row in rows], columns=[f.name for f in fields(record)])


def put(column: str, value: Any, row: int = 0, where: Callable[[Frame], pd.Series] | None = None) -> Change:
    """Sets one cell: of the first row, or of the first row where a condition holds."""

    def change(frame: Frame) -> Frame:
        at = frame.index[where(frame)][0] if where else row
        frame[column] = frame[column].astype(object)
        frame.at[at, column] = value
        return frame

    return change


def fill(column: str, value: Any, where: Callable[[Frame], pd.Series] = lambda frame: frame.index >= 0) -> Change:
    def change(frame: Frame) -> Frame:
        frame[column] = frame[column].astype(object)
        frame.loc[where(frame), column] = value
        return frame

    return change


def named(name: str, rank: int = 0) -> Callable[[Frame], pd.Series]:
    return lambda frame: (frame["name"] == name) & (frame["rank"] == rank)


def of_item(n: int, column: str = "item_id") -> Callable[[Frame], pd.Series]:
    return lambda frame: frame[column] == content_id(n)


def failing(n: int, error: str, column: str) -> Change:
    """The first n rows have an error instead of what stands in `column`."""

    def first(frame: Frame) -> pd.Series:
        return frame.index < n

    return lambda frame: fill("error", error, first)(fill(column, None, first)(frame))


def without(where: Callable[[Frame], pd.Series]) -> Change:
    """Without the first row where the condition holds."""
    return lambda frame: frame.drop(frame.index[where(frame)][0])


def and_row(**change: Any) -> Change:
    """With a copy of the last row, changed."""
    return lambda frame: pd.concat([frame, frame.iloc[[-1]].assign(**change)])


def ids(column: str) -> list[tuple[str, Change]]:
    return [
        (f"{column} is given", put(column, None)),
        (f"{column} is 20 hex digits", put(column, "ABC")),
        (f"{column} is 20 hex digits", put(column, "0" * 21)),
    ]


def check(table: str, frame: Frame) -> Verdict:
    return validate(table, frame, chunk_id="c1", run_id="r1", now=NOW)


def failed(verdict: Verdict) -> set[str]:
    return {row.expectation for row in verdict.results if not row.success}
