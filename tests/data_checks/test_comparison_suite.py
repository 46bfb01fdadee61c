"""The suite of comparisons accepts a good frame, and rejects every single planted defect of it, and an empty one."""

from collections.abc import Callable
from dataclasses import fields

import pandas as pd
import pytest

from components.records import Comparison, content_id
from data_checks.validate import SUITES
from tests.data_checks.planting import NOW, Change, Frame, and_row, check, failed, fill, ids, put, without

FIELDS = [f.name for f in fields(Comparison)]


def good() -> Frame:
    """Twelve pairs, two readings, both orders, two aspects; one call that failed, and one pair of equal texts."""
    rows = []
    for n in range(12):
        one, other = sorted((content_id(n), content_id(n, "other")))
        for repeat in range(2):
            for order in ("a", "b"):
                for aspect in ("wit", "overall"):
                    row = {
                        "comparison_id": content_id(n, repeat, order, aspect), "post_a": one, "post_b": other,
                        "spec_id": content_id("s"), "shown_first": order, "repeat": repeat, "aspect": aspect,
                        "verdict": ("a", "b", "tie")[n % 3], "reasoning": "Seen.", "call_key": "k", "cost_usd": 0.001,
                    }  # fmt: skip
                    if (n, repeat, order) == (4, 1, "b"):
                        row |= {"verdict": None, "reasoning": None, "error": "timeout", "error_detail": "60 s"}
                    if n == 5:
                        row |= {"verdict": "tie", "call_key": None}
                    rows.append(Comparison(**row, created_at=NOW).row())  # type: ignore[arg-type]
    return pd.DataFrame(rows, columns=FIELDS)


def broken(n: int, error: str) -> Change:
    return lambda frame: fill("error", error, first(n))(fill("verdict", None, first(n))(frame))


def first(n: int) -> Callable[[Frame], pd.Series]:
    return lambda frame: pd.Series(frame.index < n, index=frame.index)


def always_first(frame: Frame) -> Frame:
    return frame.assign(verdict=frame["shown_first"].where(frame["error"].isna()))


DEFECTS: list[tuple[str, Change]] = [
    *ids("comparison_id"), *ids("post_a"), *ids("post_b"), *ids("spec_id"),
    ("comparison_id is unique", put("comparison_id", content_id(0, 0, "a", "overall"))),
    ("created_at is given", put("created_at", None)),
    ("aspect is given", put("aspect", None)),
    ("the aspect is named", put("aspect", "Wit & warmth")),
    ("shown_first is given", put("shown_first", None)),
    ("the order is a or b", put("shown_first", "first")),
    ("a verdict is a, b or tie", put("verdict", "A")),
    ("a pair is named once, the smaller id first", put("post_b", "0" * 20)),
    ("there is a verdict or an error, not both", put("error", "timeout")),
    ("there is a verdict or an error, not both", put("verdict", None)),
    ("there is a verdict or an error, not both", put("verdict", "tie", where=lambda frame: frame["error"].notna())),
    ("an error is a state", put("error", "no JSON, sorry", where=lambda frame: frame["error"].notna())),
    ("a cost is not negative", put("cost_usd", -0.01)),
    ("every pair is shown in both orders", lambda frame: frame[(frame.index >= 8) | (frame["shown_first"] == "a")]),
    ("every pair is shown in both orders", fill("shown_first", "a", first(8))),
    ("every reading has every aspect", without(lambda frame: frame["aspect"] == "wit")),
    ("no reading is decided twice", and_row(comparison_id=content_id("again"), verdict="a")),
    ("repeats count from 0 without a gap", fill("repeat", 2, lambda frame: frame["repeat"] == 1)),
    ("a verdict says why", put("reasoning", "")),
    ("the first place does not always win", always_first),
    ("at most 10 % have an error", broken(16, "timeout")),
    ("at most 5 % of replies cannot be read", broken(8, "unparsable")),
]  # fmt: skip


def test_a_good_frame_is_accepted() -> None:
    verdict = check("comparisons", good())
    assert failed(verdict) == set() and not verdict.stop
    few = good().head(8)
    assert failed(check("comparisons", always_first(few))) == set(), "of few verdicts nothing is said about places"


@pytest.mark.parametrize(("what", "defect"), [pytest.param(w, d, id=f"{n}-{w}") for n, (w, d) in enumerate(DEFECTS)])
def test_every_single_defect_is_rejected(what: str, defect: Change) -> None:
    verdict = check("comparisons", defect(good()))
    assert what in failed(verdict)
    (row,) = [row for row in verdict.results if row.expectation == what]
    (declared,) = [e for e in SUITES["comparisons"].expectations if e.what == what]
    assert row.severity == declared.severity and not row.observed.startswith("could not be computed"), row.observed
    assert verdict.stop or row.severity != "stop"


def test_every_expectation_has_a_planted_defect_and_columns_are_the_records() -> None:
    declared = {e.what for e in SUITES["comparisons"].expectations}
    assert declared - {what for what, _ in DEFECTS} == {"there are rows"}
    assert set(SUITES["comparisons"].columns) <= set(FIELDS)


def test_an_empty_frame_and_a_frame_without_a_column_are_rejected() -> None:
    assert check("comparisons", good().iloc[:0]).stop
    assert check("comparisons", good().drop(columns="verdict")).stop
