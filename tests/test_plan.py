"""A plan says what a run then does. The runs are real: the same components, by the offline writer and judge, in order
and into a warehouse, only without Prefect."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from flows.buying import journal_of
from flows.plan_run import RunPlan
from flows.settings import Settings
from tests.steps import ROWS, Steps, campaign_of


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("POSTWRIGHT_HOME", str(tmp_path / "home"))
    return Settings.from_environment().prepare()


def todo(plan: RunPlan) -> list[int]:
    return [step.todo for step in plan.steps]


def there(plan: RunPlan) -> list[int]:
    return [step.there for step in plan.steps]


def calls(plan: RunPlan) -> list[tuple[int, int]]:
    """(to be bought, in the journal) of writing and judging."""
    return [(stage.calls, stage.cached) for stage in plan.stages]


SELECTIONS: list[dict[str, Any]] = [
    {},
    {"limit": 4},
    {"published_from": datetime(2026, 3, 2, tzinfo=UTC), "published_to": datetime(2026, 3, 5, tzinfo=UTC)},
    {"published_from": datetime(2026, 3, 2, tzinfo=UTC), "limit": 2},
]


@pytest.mark.parametrize("selection", SELECTIONS)
def test_the_plan_of_a_first_run_and_of_the_one_after_it(
    settings: Settings, tmp_path: Path, selection: dict[str, Any]
) -> None:
    run = Steps(settings, campaign_of(tmp_path), **selection)
    n = {0: 6, 1: 4, 2: 3, 3: 2}[SELECTIONS.index(selection)]
    before = run.plan()
    assert todo(before) == [6, n, n, n, n] and calls(before) == [(n, 0), (n, 0)]
    run.all()
    after = run.plan()
    assert todo(after) == [0, 0, 0, 0, 0] and there(after) == [6, n, n, n, n]
    assert calls(after) == [(0, 0), (0, 0)]


@pytest.mark.parametrize("selection", SELECTIONS)
def test_what_was_answered_before_a_kill_is_in_the_journal(
    settings: Settings, tmp_path: Path, selection: dict[str, Any]
) -> None:
    run = Steps(settings, campaign_of(tmp_path), **selection)
    n = {0: 6, 1: 4, 2: 3, 3: 2}[SELECTIONS.index(selection)]
    run.ingest(), run.describe(), run.build()
    run.write(1, publish=False)
    killed = run.plan()
    assert todo(killed) == [0, 0, 0, n, n] and calls(killed) == [(n - 1, 1), (n, 0)]
    run.write()
    run.judge(2, publish=False)
    killed = run.plan()
    assert todo(killed) == [0, 0, 0, 0, n] and calls(killed) == [(0, 0), (n - 2, 2)]
    run.judge(1)
    killed = run.plan()
    assert todo(killed)[-1] == n - 1 and there(killed)[-1] == 1 and calls(killed)[1] == (n - 2, 1)
    run.judge()
    assert calls(run.plan()) == [(0, 0), (0, 0)]


def test_a_lost_warehouse_costs_nothing_where_the_journal_is_kept(settings: Settings, tmp_path: Path) -> None:
    run = Steps(settings, campaign_of(tmp_path, generation={"candidates": 2}, judge={"repeats": 2}))
    run.all()
    settings.warehouse.unlink()
    again = Steps(settings.prepare(), run.c)
    again.ingest(), again.describe()
    plan = again.plan()
    assert todo(plan) == [0, 0, 6, 12, 24] and calls(plan) == [(0, 12), (0, 24)]
    again.all()
    assert calls(again.plan()) == [(0, 0), (0, 0)]


def test_one_more_item_is_one_more_post(settings: Settings, tmp_path: Path) -> None:
    Steps(settings, campaign_of(tmp_path, ROWS[:5])).all()
    plan = Steps(settings, campaign_of(tmp_path, [ROWS[5], *ROWS[:5]])).plan()  # as its first line: all others move
    assert todo(plan) == [6, 1, 1, 1, 1] and calls(plan) == [(1, 0), (1, 0)]


def test_an_edited_input_takes_the_place_of_what_it_was(settings: Settings, tmp_path: Path) -> None:
    edited = ("Three boats left the harbour before breakfast.", ROWS[0][1])
    Steps(settings, campaign_of(tmp_path)).all()
    run = Steps(settings, campaign_of(tmp_path, [edited, *ROWS[1:]]), limit=3)
    assert todo(run.plan()) == [1, 1, 1, 1, 1]
    run.all()
    assert [item.text for item in run.store.items(run.selection)] == [edited[0], ROWS[1][0], ROWS[2][0]]
    assert there(run.plan())[1:] == [3, 3, 3, 3]
    back = Steps(settings, campaign_of(tmp_path), limit=3)
    for at in (ROWS[0][0], edited[0], ROWS[0][0]):  # back and forth: what stands there now counts
        campaign_of(tmp_path, [(at, ROWS[0][1]), *ROWS[1:]])
        back.ingest()
        assert back.store.items(back.selection)[0].text == at
        assert todo(back.plan())[:4] == [0, 0, 0, 0]


def test_a_moved_line_keeps_its_item(settings: Settings, tmp_path: Path) -> None:
    run = Steps(settings, campaign_of(tmp_path, ROWS[:5]))
    run.ingest()
    campaign_of(tmp_path, [ROWS[5], *ROWS[:5]])
    run.ingest()
    assert {item.text for item in run.store.items(run.selection)} == {text for text, _ in ROWS}


def test_a_window_that_leaves_out_undated_items_says_so(settings: Settings, tmp_path: Path) -> None:
    campaign = campaign_of(tmp_path, [*ROWS[:2], ("Nobody knows when this was written.", "")])
    said = "1 of 3 items of dataset 'texts' have no published_at"
    assert Steps(settings, campaign).plan().note is None
    assert said in str(Steps(settings, campaign, published_from=datetime(2026, 3, 1, tzinfo=UTC)).plan().note)
    run = Steps(settings, campaign)
    run.ingest()
    assert run.store.undated("texts") == (1, 3)


def test_different_views_of_a_picture_are_told_before_anything_is_bought(settings: Settings, tmp_path: Path) -> None:
    chat = {"model": "openai/m", "endpoint": "http://127.0.0.1:1/v1", "picture": True}
    judge = chat | {"model": "openai/other"}
    same = campaign_of(tmp_path, generation=chat, judge=judge, budget={"allow_unpriced": True})
    apart = campaign_of(tmp_path, generation=chat, judge=judge | {"picture_px": 512}, budget={"allow_unpriced": True})
    assert Steps(settings, same).plan().note is None
    assert "picture_px 768 and 512" in str(Steps(settings, apart).plan().note)


@pytest.mark.parametrize(("choose", "judged"), [("all", 18), ("judge", 18), ("clip", 6)])
def test_what_is_judged_depends_on_how_candidates_are_chosen(
    settings: Settings, tmp_path: Path, choose: str, judged: int
) -> None:
    run = Steps(settings, campaign_of(tmp_path, generation={"candidates": 3, "choose": choose}))
    plan = run.plan()
    assert todo(plan)[3:] == [18, judged] and calls(plan) == [(18, 0), (judged, 0)]
    assert ("at its most" in str(plan.note)) == (choose != "clip") and plan.note
    run.all()
    after = run.plan()
    assert todo(after) == [0] * 5 and there(after)[3:] == [18, judged] and after.note is None
    assert calls(after) == [(0, 0), (0, 0)]


@pytest.mark.parametrize("publish", [True, False])
def test_candidates_that_say_the_same_are_planned_once_they_are_known(
    settings: Settings, tmp_path: Path, publish: bool
) -> None:
    """At temperature 0 the offline writer has one text: known from rows, or from answers of a run that was killed."""
    generation = {"candidates": 3, "temperature": 0.0, "choose": "judge"}
    run = Steps(settings, campaign_of(tmp_path, generation=generation))
    before = run.plan()
    assert todo(before)[4] == 18 and "at its most" in str(before.note)
    run.ingest(), run.describe(), run.build()
    run.write(publish=publish)
    plan = run.plan()
    assert todo(plan)[4] == 6 and calls(plan)[1] == (6, 0) and plan.note is None
    run.all()
    assert run.store.query("SELECT count(*) AS n FROM judged_posts WHERE overall IS NOT NULL") == [{"n": 6}]


@pytest.mark.parametrize("then", [{"choose": "judge"}, {"choose": "clip"}, {"choose": "all"}])
def test_another_choice_of_candidates_buys_no_call_again(
    settings: Settings, tmp_path: Path, then: dict[str, Any]
) -> None:
    first = Steps(settings, campaign_of(tmp_path, generation={"candidates": 3}))
    first.all()
    run = Steps(settings, campaign_of(tmp_path, generation={"candidates": 3, **then}))
    assert [stage.calls for stage in run.plan().stages] == [0, 0]
    before = {record["call_key"] for record in journal_of(settings).records()}
    run.all()
    assert {record["call_key"] for record in journal_of(settings).records()} == before
    assert (run.c.generation.id == first.c.generation.id) == (then["choose"] == "all")


def test_one_more_candidate_is_one_more_call_of_each_step(settings: Settings, tmp_path: Path) -> None:
    Steps(settings, campaign_of(tmp_path, generation={"candidates": 2})).all()
    more = Steps(settings, campaign_of(tmp_path, generation={"candidates": 3}))
    assert calls(more.plan()) == [(6, 12), (6, 12)]
    more.all()
    assert len({record["call_key"] for record in journal_of(settings).records()}) == 2 * 18
