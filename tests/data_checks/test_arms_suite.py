"""The suite of experiments' arms accepts a good frame, and rejects each planted defect of it, and an empty one."""

from dataclasses import fields

import pandas as pd
import pytest

from components.records import OPINIONS, content_id
from data_checks.validate import SUITES
from tests.data_checks.planting import NOW, Change, Frame, and_row, check, failed, fill, ids, put

FIELDS = [field.name for field in fields(OPINIONS["arms"])]
ITEMS = [content_id("item", n) for n in range(12)]


def good() -> Frame:
    rows = [
        {
            "arm_id": content_id("arm", n), "spec_id": content_id("experiment"), "experiment": "ablation",
            "arm": name, "place": n, "baseline": "full", "dataset": "d", "overrides": '{"without": ["topic"]}',
            "feature_spec_id": content_id("f"), "prompt_spec_id": content_id("p", n),
            "generation_spec_id": content_id("g"), "judge_spec_ids": [content_id("j")], "items": list(ITEMS),
            "purse": "experiment-1", "created_at": NOW,
        }
        for n, name in enumerate(("full", "minus-topic", "plain"))
    ]  # fmt: skip
    return pd.DataFrame([OPINIONS["arms"](**row).row() for row in rows], columns=FIELDS)


def both_spec(frame: Frame) -> Frame:
    """The last arm asks what the second does."""
    return put("prompt_spec_id", content_id("p", 1), 2)(frame)


DEFECTS: list[tuple[str, Change]] = [
    *ids("arm_id"),
    ("arm_id is unique", and_row(place=3, arm="again")),
    *ids("spec_id"),
    *((f"{column} is given", put(column, None)) for column in ("experiment", "arm", "dataset", "purse")),
    *((f"{column} is named", put(column, " ")) for column in ("experiment", "arm", "dataset", "purse")),
    *(one for column in ("feature_spec_id", "prompt_spec_id", "generation_spec_id") for one in ids(column)),
    ("created_at is given", put("created_at", None)),
    ("places count from 0", put("place", -1, 2)),
    *(
        (f"{column} is not negative", put(column, -1.0))
        for column in ("latency_ms", "judge_latency_ms", "calls", "spent_usd")
    ),
    ("overrides are a JSON object", put("overrides", "[]")),
    ("overrides are a JSON object", put("overrides", "{")),
    ("items are ids, each once", put("items", [*ITEMS, ITEMS[0]])),
    ("items are ids, each once", put("items", [])),
    ("items are ids, each once", put("items", [*ITEMS[1:], "7"])),
    ("judges are ids, each once", put("judge_spec_ids", [])),
    ("all arms are over the same items", put("items", ITEMS[1:])),
    ("all arms are over the same items", put("dataset", "other", 1)),
    ("the baseline is the first arm, and only that", fill("baseline", "plain")),
    ("the baseline is the first arm, and only that", put("place", 0, 2)),
    ("no two arms are the same", both_spec),
    ("10 items or more", lambda frame: frame.assign(items=[ITEMS[:9]] * len(frame))),
]


def test_a_good_experiment_is_accepted() -> None:
    verdict = check("arms", good())
    assert failed(verdict) == set() and not verdict.stop


@pytest.mark.parametrize(("what", "defect"), DEFECTS, ids=[f"{n}-{what}" for n, (what, _) in enumerate(DEFECTS)])
def test_every_single_defect_is_rejected(what: str, defect: Change) -> None:
    verdict = check("arms", defect(good()))
    (row,) = [row for row in verdict.results if row.expectation == what]
    (declared,) = [e for e in SUITES["arms"].expectations if e.what == what]
    assert not row.success and not row.observed.startswith("could not be computed"), row.observed
    assert row.severity == declared.severity and verdict.stop == (declared.severity == "stop")


def test_every_expectation_has_a_planted_defect() -> None:
    declared = {e.what for e in SUITES["arms"].expectations}
    assert declared - {what for what, _ in DEFECTS} == {"there are rows"}
    assert set(SUITES["arms"].columns) <= set(FIELDS)


def test_an_empty_frame_and_one_without_a_column_are_rejected() -> None:
    assert check("arms", good().iloc[:0]).stop
    assert check("arms", good().drop(columns="items")).stop
