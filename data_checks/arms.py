"""What a good experiment looks like: arms that differ, over the same items, with one baseline among them."""

import json
import re
from typing import Any

import pandas as pd

from data_checks.suite import (
    CONTENT_ID,
    Suite,
    between,
    content_ids,
    given,
    has_rows,
    holds,
    matching,
    size_of,
    unique,
)

FEW = 10
"""Items below which no difference but a huge one can be told apart."""
FIGURES = ("latency_ms", "judge_latency_ms", "calls", "spent_usd")
SPECS = ("feature_spec_id", "prompt_spec_id", "generation_spec_id")


def _overrides_are_an_object(frame: pd.DataFrame) -> pd.Series:
    def sound(text: object) -> bool:
        try:
            return isinstance(text, str) and isinstance(json.loads(text), dict)
        except ValueError:
            return False

    return frame["overrides"].map(sound).astype(bool)


def _list_of(value: object) -> list[Any]:
    return list(value) if hasattr(value, "__iter__") and not isinstance(value, str) else []


def _ids_each_once(column: str) -> Any:
    def derive(frame: pd.DataFrame) -> pd.Series:
        def sound(value: object) -> bool:
            ids = _list_of(value)
            return bool(ids) and len(ids) == len(set(ids)) and all(map(_is_id, ids))

        return frame[column].map(sound).astype(bool)

    return derive


def _is_id(value: object) -> bool:
    return isinstance(value, str) and re.match(CONTENT_ID, value) is not None


def _same_in_every_arm(*columns: str) -> Any:
    def derive(frame: pd.DataFrame) -> pd.Series:
        """Of one experiment; lists by what is in them."""
        said = frame[list(columns)].map(lambda value: str(_list_of(value) or value)).agg(" ".join, axis=1)
        return said.groupby(frame["spec_id"]).transform("nunique") == 1

    return derive


def _baseline_is_an_arm(frame: pd.DataFrame) -> pd.Series:
    """Once, in the first place."""
    first = frame["place"] == 0
    return first == (frame["arm"] == frame["baseline"])


def _asks_for_itself(frame: pd.DataFrame) -> pd.Series:
    asked = frame[list(SPECS)].fillna("").astype("str").agg(" ".join, axis=1)
    judges = frame["judge_spec_ids"].map(lambda value: str(_list_of(value)))
    return ~pd.concat([frame["spec_id"], asked, judges], axis=1).duplicated()


SUITE = Suite(
    table="arms",
    columns=(
        "arm_id", "spec_id", "experiment", "arm", "place", "baseline", "dataset", "overrides", *SPECS,
        "judge_spec_ids", "items", "purse", "created_at", *FIGURES,
    ),
    derived={
        "overrides_are_an_object": _overrides_are_an_object,
        "items_are_ids": _ids_each_once("items"),
        "judges_are_ids": _ids_each_once("judge_spec_ids"),
        "same_items": _same_in_every_arm("items", "dataset", "purse", "experiment", "baseline"),
        "baseline_is_an_arm": _baseline_is_an_arm,
        "asks_for_itself": _asks_for_itself,
        "item_count": lambda frame: size_of(frame["items"]),
    },
    expectations=(
        has_rows(),
        given("arm_id"),
        unique("arm_id"),
        content_ids("arm_id"),
        given("spec_id"),
        content_ids("spec_id"),
        *(expectation for column in ("experiment", "arm", "dataset", "purse")
          for expectation in (given(column), matching(f"{column} is named", column, r"\S"))),
        *(expectation for column in SPECS for expectation in (given(column), content_ids(column))),
        given("created_at"),
        between("places count from 0", "place", 0, None),
        *(between(f"{column} is not negative", column, 0, None) for column in FIGURES),
        holds("overrides are a JSON object", "overrides_are_an_object"),
        holds("items are ids, each once", "items_are_ids", why="a comparison over nothing says nothing"),
        holds("judges are ids, each once", "judges_are_ids"),
        holds("all arms are over the same items", "same_items", why="differences are paired by item"),
        holds("the baseline is the first arm, and only that", "baseline_is_an_arm"),
        holds("no two arms are the same", "asks_for_itself", "warn", "its differences to the other are nil"),
        between(f"{FEW} items or more", "item_count", FEW, None, "warn", "fewer tell hardly anything apart"),
    ),
)  # fmt: skip
