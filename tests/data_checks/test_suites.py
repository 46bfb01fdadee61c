"""Each suite accepts a good frame, and rejects every single planted defect of it, and an empty frame."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from components.chat import Status
from components.records import LEARNING, OPINIONS, TABLES, CheckResult
from data_checks.suite import STATE, Suite
from data_checks.validate import SUITES, CheckRow
from tests.data_checks import planted_features, planted_items, planted_judgments, planted_posts, planted_prompts
from tests.data_checks.planting import NOW, Change, Frame, check, failed, frame_of, named, put

GOOD: dict[str, Callable[[], Frame]] = {
    "items": planted_items.good, "features": planted_features.good, "prompts": planted_prompts.good,
    "posts": planted_posts.good, "judgments": planted_judgments.good,
}  # fmt: skip
DEFECTS: dict[str, list[tuple[str, Change]]] = {
    "items": planted_items.DEFECTS, "features": planted_features.DEFECTS, "prompts": planted_prompts.DEFECTS,
    "posts": planted_posts.DEFECTS, "judgments": planted_judgments.DEFECTS,
}  # fmt: skip


@pytest.mark.parametrize("table", TABLES)
def test_a_good_frame_is_accepted(table: str) -> None:
    frame = GOOD[table]()
    verdict = check(table, frame)
    assert failed(verdict) == set()
    assert not verdict.stop and verdict.quarantined == {}
    assert [row.expectation for row in verdict.results] == [e.what for e in SUITES[table].expectations]
    assert all(
        (row.run_id, row.table_name, row.chunk_id, row.at) == ("r1", table, "c1", NOW) for row in verdict.results
    )
    assert list(frame.columns) == [f.name for f in fields(TABLES[table])]  # nothing was added to the caller's frame


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
        assert len(verdict.quarantined) >= 1 and any(what in reason for reason in verdict.quarantined.values())


@pytest.mark.parametrize("table", TABLES)
def test_every_expectation_has_a_planted_defect(table: str) -> None:
    declared = {e.what for e in SUITES[table].expectations}
    assert declared - {what for what, _ in DEFECTS[table]} == {"there are rows"}


@pytest.mark.parametrize("table", TABLES)
def test_an_empty_frame_is_rejected(table: str) -> None:
    for empty in (GOOD[table]().iloc[:0], frame_of(table, [])):
        verdict = check(table, empty)
        assert verdict.stop and failed(verdict) == {"there are rows"}


@pytest.mark.parametrize("table", TABLES)
def test_a_frame_without_a_column_is_rejected(table: str) -> None:
    last = SUITES[table].columns[-1]
    verdict = check(table, GOOD[table]().drop(columns=last))
    assert verdict.stop and [row.observed for row in verdict.results] == [f"missing: {last}"]
    assert check(table, pd.DataFrame()).stop


@pytest.mark.parametrize("table", TABLES)
def test_suites_name_columns_that_records_have(table: str) -> None:
    suite: Suite = SUITES[table]
    known = {f.name for f in fields(TABLES[table])}
    assert set(suite.columns) <= known
    assert not set(suite.derived) & known
    names = [e.what for e in suite.expectations]
    assert len(names) == len(set(names)) and names[0] == "there are rows"


def test_every_table_has_a_suite_and_no_other() -> None:
    assert set(SUITES) == {*TABLES, *LEARNING, *OPINIONS, "promotions"}


def test_check_rows_fit_the_table_of_checks() -> None:
    assert [f.name for f in fields(CheckRow)] == [f.name for f in fields(CheckResult)]


def test_every_state_of_a_call_is_a_state_to_the_checks() -> None:
    states = [*Status, "unparsable", "missing_aspect", "out_of_range", "empty", "budget", "picture"]
    assert pd.Series([str(state) for state in states]).str.match(STATE).all()


def test_quarantine_names_rows_by_the_frames_own_index_and_all_reasons() -> None:
    frame = planted_items.good()
    frame.index = pd.Index([10, 20, 30, 40])
    frame.loc[20, ["width", "height"]] = [3, 4]
    frame.loc[40, "likes"] = -5
    verdict = check("items", frame)
    assert not verdict.stop
    assert verdict.quarantined == {
        20: "fails: width is 16 pixels or more; fails: height is 16 pixels or more",
        40: "fails: likes are not negative",
    }
    (row,) = [row for row in verdict.results if row.expectation == "likes are not negative"]
    assert row.observed == "1 of 4 rows, such as -5"


def test_small_batches_are_not_called_monotonous() -> None:
    few = planted_posts.good().head(4).assign(text="The same text.", error=None)
    assert failed(check("posts", few)) <= {"post_id is unique"}
    some = planted_judgments.good().head(7 * 8).assign(score=8.0, error=None, reasoning="Seen.")
    assert "scores differ between posts" not in failed(check("judgments", some))


def test_boxes_may_come_as_the_warehouse_gives_them() -> None:
    frame = planted_features.good()
    boxes = [None if box is None else np.asarray(box, dtype=np.float32) for box in frame["box"]]
    frame = frame.assign(box=pd.Series(boxes, index=frame.index, dtype=object))
    assert failed(check("features", frame)) == set()
    flat = put("box", np.asarray([0.5, 0.5, 0.5, 0.9]), where=named("crop"))
    assert "boxes lie in their picture" in failed(check("features", flat(frame)))


def test_old_features_without_parts_and_thresholds_are_good() -> None:
    frame = planted_features.good()
    frame = frame[~frame["name"].str.startswith("crop")].assign(threshold=None, box=None)
    assert failed(check("features", frame)) == set()


def test_nothing_is_printed_and_nothing_is_sent() -> None:
    """In a process of its own, without a test's own data contexts: Great Expectations sends what they do."""
    code = """if True:
        import socket
        def refuse(*args): raise SystemExit(f"a connection to {args[1:]}")
        socket.socket.connect = socket.socket.connect_ex = refuse
        from tests.data_checks import planted_items
        from tests.data_checks.planting import check
        assert not check("items", planted_items.good()).stop
        from great_expectations.data_context.data_context.context_factory import project_manager
        try: project_manager.is_using_cloud()
        except Exception: raise SystemExit(0)
        raise SystemExit("there is a data context")"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
