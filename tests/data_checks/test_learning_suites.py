"""The suites of learning: each accepts a good frame, and rejects each single planted defect of it, and an empty one."""

from dataclasses import fields

import pytest

from components.records import Evaluation, Example
from data_checks.suite import Suite
from data_checks.validate import SUITES
from tests.data_checks.learning_frames import GOOD
from tests.data_checks.planted_learning import DEFECTS
from tests.data_checks.planting import Change, check, failed


@pytest.mark.parametrize("table", GOOD)
def test_a_good_frame_is_accepted(table: str) -> None:
    frame = GOOD[table]()
    columns = list(frame.columns)
    verdict = check(table, frame)
    assert failed(verdict) == set(), [row for row in verdict.results if not row.success]
    assert not verdict.stop and verdict.quarantined == {}
    assert [row.expectation for row in verdict.results] == [e.what for e in SUITES[table].expectations]
    assert list(frame.columns) == columns


@pytest.mark.parametrize(
    ("table", "what", "defect"),
    [
        pytest.param(table, what, defect, id=f"{table}-{n}-{what}")
        for table, defects in DEFECTS.items()
        for n, (what, defect) in enumerate(defects)
    ],
)
def test_every_single_defect_is_rejected(table: str, what: str, defect: Change) -> None:
    verdict = check(table, defect(GOOD[table]()))
    assert what in failed(verdict)
    (row,) = [row for row in verdict.results if row.expectation == what]
    (declared,) = [e for e in SUITES[table].expectations if e.what == what]
    assert row.severity == declared.severity
    assert not row.observed.startswith("could not be computed"), row.observed
    if row.severity == "stop":
        assert verdict.stop
    elif row.severity == "quarantine":
        assert any(what in reason for reason in verdict.quarantined.values())


@pytest.mark.parametrize("table", GOOD)
def test_every_expectation_has_a_planted_defect(table: str) -> None:
    declared = {e.what for e in SUITES[table].expectations}
    assert declared - {what for what, _ in DEFECTS[table]} == {"there are rows"}


@pytest.mark.parametrize("table", GOOD)
def test_an_empty_frame_is_rejected(table: str) -> None:
    verdict = check(table, GOOD[table]().iloc[:0])
    assert verdict.stop and failed(verdict) == {"there are rows"}


@pytest.mark.parametrize("table", GOOD)
def test_a_frame_without_a_column_is_rejected(table: str) -> None:
    suite: Suite = SUITES[table]
    verdict = check(table, GOOD[table]().drop(columns=suite.columns[-1]))
    assert verdict.stop and [row.observed for row in verdict.results] == [f"missing: {suite.columns[-1]}"]
    assert not set(suite.derived) & set(GOOD[table]().columns)
    names = [e.what for e in suite.expectations]
    assert len(names) == len(set(names)) and names[0] == "there are rows"


def test_columns_are_those_of_the_records() -> None:
    for table, record in (("examples", Example), ("evaluations", Evaluation)):
        assert set(SUITES[table].columns) <= {f.name for f in fields(record)}
