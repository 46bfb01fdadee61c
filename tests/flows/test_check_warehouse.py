"""Whole tables are checked without their vectors in Python, and only when something was written."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from components.records import Feature, Run
from components.report.posts import posts_of, scores_of
from components.specs import Selection
from components.warehouse.store import Store
from data_checks.validate import validate
from flows.check_warehouse import FRAMES, check_tables, frame_of, items_of
from flows.pipeline import begin
from flows.publish import publish
from flows.settings import Settings
from tests.steps import NOW, Steps, campaign_of


@pytest.fixture
def steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Steps:
    monkeypatch.setenv("POSTWRIGHT_HOME", str(tmp_path / "home"))
    plain = {"families": ["wording", "rules"]}  # which need no model
    made = Steps(Settings.from_environment().prepare(), campaign_of(tmp_path, measures=plain))
    made.all()
    made.measure()
    return made


def vector(steps: Steps, n: int, values: list[float] | None, name: str = "clip_text") -> Feature:
    spec_id, item = steps.c.features.id, steps.store.items(steps.selection)[n]
    feature_id = Feature.make_id(item.item_id, spec_id, name, 0)
    return Feature(
        feature_id=feature_id, item_id=item.item_id, spec_id=spec_id, name=name, vector=values, model="starter/clip@1"
    )


def started(steps: Steps, **more: Any) -> str:
    run = replace(begin(steps.c, steps.selection, steps.store, "purse"), **more)
    steps.store.record_run(run)
    return run.run_id


@pytest.mark.parametrize(
    "last", [[0.5, -1.0, 0.0], [0.5, math.nan, 0.0], [0.5, math.inf, -math.inf], [0.0, 0.0, 0.0], [1.0], [], None]
)
def test_a_table_is_judged_as_its_rows_are(steps: Steps, last: list[float] | None) -> None:
    vectors = [vector(steps, n, [0.1, -0.2, float(n)]) for n in range(5)]
    steps.store.append({"features": [*vectors, vector(steps, 5, last)]})
    c = steps.c
    ids: dict[str, Any] = {"features": c.features.id, "prompts": c.prompt.id}
    ids |= {"generation": c.generation.id, "judges": [c.judge.id], "measures": c.measures.id if c.measures else ""}
    items = items_of(steps.store, steps.selection)
    for table in FRAMES:
        lean = frame_of(steps.store, table, items, ids)
        whole = pd.DataFrame(steps.store.query(f"SELECT * FROM {table}"))
        assert len(lean) == len(whole) > 0
        assert "vector" not in lean or lean["vector"].isna().all()
        verdicts = [validate(table, frame, chunk_id="table", run_id="r", now=NOW) for frame in (lean, whole)]
        assert verdicts[0].results == verdicts[1].results
        assert len(verdicts[0].quarantined) == len(verdicts[1].quarantined)


def test_a_large_table_is_checked_in_slices_and_across_them(steps: Steps, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.check_warehouse.SLICE", 2)
    lengths = [2] * 5 + [3]
    steps.store.append({"features": [vector(steps, n, [0.5] * length) for n, length in enumerate(lengths)]})
    results = check_tables(steps.store, steps.c, steps.selection, started(steps))
    for table, rows in (("items", 6), ("posts", 6), ("judgments", 24)):
        counted = [r for r in results if (r.table_name, r.expectation) == (table, "there are rows")]
        assert 1 < len(counted) <= 3 and sum(int(r.observed) for r in counted) == rows
    (across,) = [r for r in results if r.expectation == "vectors of one model have one length"]
    assert not across.success


def test_what_was_checked_is_not_checked_again_until_something_is_written(steps: Steps) -> None:
    def check(run_id: str) -> int:
        return len(check_tables(steps.store, steps.c, steps.selection, run_id))

    assert check(started(steps)) > 50
    assert check(started(steps)) == 0
    assert check(started(steps, spec_ids="{}")) > 50, "another campaign's rows"
    chunk = [vector(steps, n, [0.1, -0.2, 1.0], "text") for n in range(3)]
    publish(steps.store, "features", chunk, [], chunk="c", run_id="r", dataset=steps.selection.dataset)
    assert check(started(steps)) > 50
    assert check(started(steps)) == 0
    with steps.store.connect() as db:
        db.execute("UPDATE checks SET success = false WHERE chunk_id = 'table' AND severity = 'stop'")
    assert check(started(steps)) > 50, "a failure is shown again"


def scores(store: Store, run: Run) -> dict[str, Any]:
    with store.connect() as db:
        return scores_of(store, run.row(), posts_of(db, run.row()))


def test_scores_are_of_the_runs_items_and_judge(steps: Steps) -> None:
    first = begin(steps.c, steps.selection, steps.store, "purse")
    shown = scores(steps.store, first)
    assert (shown["posts"], shown["judged"], shown["overall"]["n"]) == (6, 6, 6)
    limited = scores(steps.store, replace(first, item_limit=2))
    assert (limited["posts"], limited["judged"]) == (2, 2)

    judge = steps.c.judge.model_copy(update={"batch_context": 0})
    other = Steps(steps.settings, steps.c.model_copy(update={"judge": judge}), limit=4)
    second = begin(other.c, other.selection, steps.store, "purse")
    unread = scores(steps.store, second)
    assert (unread["posts"], unread["judged"], unread["aspects"]) == (4, 0, {})
    other.judge(1)
    read = scores(steps.store, second)
    assert (read["posts"], read["judged"]) == (4, 1)
    assert scores(steps.store, first) == shown, "another judge's readings change nothing"


def test_a_run_over_a_window_looks_at_its_own_rows_and_once_a_week_at_all(
    steps: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = first_few(steps, 2)

    def looked_at(selection: Selection, run_id: str) -> dict[str, Any]:
        results = check_tables(steps.store, steps.c, selection, run_id)
        rows = {r.table_name: int(r.observed) for r in results if r.expectation == "there are rows"}
        return {"chunk_id": "".join({r.chunk_id for r in results}), **rows}

    def something_is_written(name: str) -> None:
        chunk = [vector(steps, n, [0.1, -0.2, 1.0], "text") for n in range(3)]
        publish(steps.store, "features", chunk, [], chunk=name, run_id="r", dataset=steps.selection.dataset)

    def started_over(selection: Selection) -> str:
        run = begin(steps.c, selection, steps.store, "")
        steps.store.record_run(run)
        return run.run_id

    first = looked_at(few, started_over(few))
    assert (first["chunk_id"], first["items"], first["judgments"]) == ("table", 6, 24), "nobody had looked at all"
    assert looked_at(few, started_over(few)) == {"chunk_id": ""}
    something_is_written("one")
    second = looked_at(few, started_over(few))
    assert (second["chunk_id"], second["items"], second["posts"], second["judgments"]) == ("window", 2, 2, 8)
    assert looked_at(few, started_over(few)) == {"chunk_id": ""}, "the same window, and nothing was written"
    third = looked_at(steps.selection, started_over(steps.selection))
    assert (third["chunk_id"], third["items"]) == ("table", 6), "a look at a window is none at all"
    assert looked_at(few, started_over(few)) == {"chunk_id": ""}
    other = begin(steps.c, first_few(steps, 3), steps.store, "")
    steps.store.record_run(other)
    something_is_written("bad")
    assert check_tables(steps.store, steps.c, first_few(steps, 3), other.run_id)
    with steps.store.connect() as db:
        db.execute("UPDATE checks SET success = false WHERE run_id = $id AND severity = 'stop'", {"id": other.run_id})
    assert looked_at(few, started_over(few))["chunk_id"] == "table", "what was found bad is looked for by every run"
    something_is_written("two")
    with steps.store.connect() as db:
        db.execute("""UPDATE checks SET "at" = "at" - INTERVAL 8 DAYS WHERE chunk_id = 'table'""")
    assert looked_at(few, started_over(few))["chunk_id"] == "table"
    something_is_written("three")
    with steps.store.connect() as db:
        db.execute("""UPDATE checks SET "at" = "at" + INTERVAL 8 DAYS WHERE chunk_id = 'table'""")
        db.execute("""UPDATE checks SET "at" = "at" + INTERVAL 9 DAYS WHERE chunk_id = 'three'""")
    assert looked_at(few, started_over(few))["chunk_id"] == "table", "a clock that was set back says nothing"


def test_a_look_at_some_tables_is_none_at_all(steps: Steps) -> None:
    """An arm of an experiment looks at what it has written to."""
    arm, after = started(steps), started(steps)
    results = check_tables(steps.store, steps.c, steps.selection, arm, ["judgments"])
    assert {r.chunk_id for r in results} == {"written"}
    assert {r.table_name for r in results if r.expectation == "there are rows"} == {"judgments"}
    assert {r.chunk_id for r in check_tables(steps.store, steps.c, steps.selection, after)} == {"table"}
    assert check_tables(steps.store, steps.c, steps.selection, after) == []
    with steps.store.connect() as db:
        db.execute("UPDATE checks SET success = false WHERE run_id = $id AND chunk_id = 'table'", {"id": after})
    check_tables(steps.store, steps.c, steps.selection, arm, ["judgments"])
    again = check_tables(steps.store, steps.c, steps.selection, after)
    assert {r.chunk_id for r in again} == {"table"}, "a good look at one table takes no bad one at all back"
    assert check_tables(steps.store, steps.c, steps.selection, after) == [], "nor does a bad one of before a good one"


def test_a_run_over_the_earliest_few_says_nothing_of_the_others(steps: Steps) -> None:
    check_tables(steps.store, steps.c, steps.selection, started(steps))
    chunk = [vector(steps, n, [0.1, -0.2, 1.0], "text") for n in range(3)]
    publish(steps.store, "features", chunk, [], chunk="c", run_id="r", dataset=steps.selection.dataset)
    two = steps.selection.model_copy(update={"limit": 2})
    few = check_tables(steps.store, steps.c, two, started(steps, item_limit=2))
    assert {r.chunk_id for r in few} == {"window"}
    assert check_tables(steps.store, steps.c, two, started(steps, item_limit=2)) == []
    every = check_tables(steps.store, steps.c, steps.selection, started(steps))  # by the same purse
    assert {r.chunk_id for r in every} == {"table"}


def first_few(steps: Steps, items: int) -> Selection:
    times = sorted(item.published_at for item in steps.store.items(steps.selection) if item.published_at)
    return Selection(dataset=steps.selection.dataset, published_from=times[0], published_to=times[items])
