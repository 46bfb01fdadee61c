"""Several judges in one run: they read the same posts, by the same budget, and one of them chooses."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.errors import BatchPending, UserError
from components.specs import Campaign, Selection
from flows.check_warehouse import check_tables
from flows.judges import notes_on
from flows.pipeline import pipeline
from flows.plan_run import plan_run
from flows.settings import Settings
from tests.fake_provider import FakeProvider
from tests.steps import ROWS, Steps, campaign_of

pytestmark = [pytest.mark.slow]
N = len(ROWS)


@pytest.fixture
def written(home: Settings, tmp_path: Path) -> Callable[..., Campaign]:
    """A campaign whose posts are written, so that a run only judges: no model is loaded."""

    def made(**sections: Any) -> Campaign:
        campaign = campaign_of(tmp_path, budget={"usd": 1.0, "allow_unpriced": True}, **sections)
        steps = Steps(home, campaign)
        for step in (steps.ingest, steps.describe, steps.build, steps.write):
            step()
        return campaign

    return made


def test_a_panel_reads_what_the_judge_reads(home: Settings, written: Callable[..., Campaign]) -> None:
    with FakeProvider() as server:
        panel = [
            {"rubric": "persuasion"},
            {"model": "openai/gpt-4o-2024-08-06", "endpoint": server.url, "rubric": "brand", "brief": "Calm and dry."},
        ]
        campaign = written(panel=panel)
        planned = plan_run(campaign, home, None, None, None)
        assert {step.step: step.todo for step in planned.steps[-3:]} == {"judge_posts": N, "panel 1": N, "panel 2": N}
        assert [(stage.stage, stage.calls) for stage in planned.stages[-3:]] == [
            ("judge", N), ("panel 1", N), ("panel 2", N),
        ]  # fmt: skip
        summary = pipeline(campaign)
        assert server.stats["requests"] == N
        assert {step.step: step.rows for step in summary.steps[-3:]} == {
            "judge_posts": N * 4, "panel 1": N * 5, "panel 2": N * 5,
        }  # fmt: skip
        assert all(step.bought == 0 for step in pipeline(campaign).steps) and server.stats["requests"] == N
        assert all("Calm and dry." in body["messages"][1]["content"] for body in server.seen)
    judges = summary.scores["judges"]
    assert [(one["name"], one["rubric"], one["n"]) for one in judges] == [
        ("judge_posts", "mpwl", N), ("panel 1", "persuasion", N), ("panel 2", "brand", N),
    ]  # fmt: skip
    assert judges[0]["mean"] == summary.scores["overall"]["mean"], "the judge's scores stand in tables, nobody else's"
    rows = home.store().query("SELECT judge, count(*) AS n FROM judged_posts GROUP BY judge ORDER BY judge")
    assert rows == [{"judge": "offline/judge", "n": 2 * N}, {"judge": "openai/gpt-4o-2024-08-06", "n": N}]
    (run, again) = home.store().query("SELECT * FROM runs ORDER BY started_at")
    ids = json.loads(run["spec_ids"])
    assert set(ids) >= {"judge_posts", "panel 1", "panel 2"} and len(set(ids.values())) == 7
    assert json.loads(run["rows"])["panel 2"]["bought"] == N
    assert (again["state"], again["calls"]) == ("done", 0)
    page = Path(summary.report or "").read_text()
    assert "What each judge found" in page and "Judging, panel 2" in page and "Calm and dry." in page


def test_the_whole_table_check_reads_every_judges_rows(home: Settings, written: Callable[..., Campaign]) -> None:
    campaign = written(panel=[{"rubric": "accessibility"}])
    Steps(home, campaign).judge()
    Steps(home, campaign.model_copy(update={"judge": campaign.panel[0]})).judge()
    store = home.store()
    store.query("UPDATE judgments SET score = 11 WHERE aspect = 'hashtags'")
    results = check_tables(store, campaign, Selection(dataset=campaign.dataset.name), "r")
    assert [one.success for one in results if one.expectation == "scores lie in 1 to 10"] == [False]


def test_judges_that_cannot_be_trusted_are_refused_before_any_spending(
    home: Settings, written: Callable[..., Campaign]
) -> None:
    with FakeProvider() as server:
        chat = {"model": "openai/gpt-4o", "endpoint": server.url}
        campaign = campaign_of(home.home, generation=chat, budget={"allow_unpriced": True})
        for panel, told in (
            ([chat | {"model": "openai/gpt-4o-2024-08-06"}], r"panel\.0\.model: .*panel\.0\.allow_own_model"),
            ([{"rubric": "persuasion"}, {"rubric": "persuasion"}], r"panel\.1 is the same judge as panel\.0"),
            ([{"rubric": "mpwl"}], r"panel\.0 is the same judge as judge; .* set judge\.repeats"),
            ([chat | {"model": "openai/m", "rubric": "brand"}], r"panel\.0\.brief is missing"),
            ([{"model": "offline/nobody"}], r"panel\.0: unknown model 'offline/nobody'"),
        ):  # fmt: skip
            judges = Campaign.model_validate(campaign.model_dump(mode="json") | {"panel": panel}).panel
            with pytest.raises(UserError, match=told):
                pipeline(campaign.model_copy(update={"panel": judges}))
        assert server.stats["requests"] == 0
        own = campaign.model_copy(update={"judge": campaign.judge.model_copy(update=chat | {"allow_own_model": True})})
        assert "openai/gpt-4o judges what openai/gpt-4o wrote, its own model" in notes_on(own)[0]
    assert home.store().query("SELECT count(*) AS n FROM runs") == [{"n": 0}]


def test_an_allowed_own_model_is_told_in_summary_and_report(home: Settings, written: Callable[..., Campaign]) -> None:
    with FakeProvider() as server:
        chat = {"model": "openai/gpt-4o", "endpoint": server.url}
        campaign = written(generation=chat, judge=chat | {"allow_own_model": True})
        summary = pipeline(campaign)
    (note,) = summary.notes
    assert "its own model, which was allowed: self-preference is likely" in note
    assert note in Path(summary.report or "").read_text()
    assert note in (plan_run(campaign, home, None, None, None).note or "")


def test_batches_of_all_judges_are_handed_in_before_one_is_waited_for(
    home: Settings, written: Callable[..., Campaign]
) -> None:
    with FakeProvider() as server:
        server.batches.hold = True
        chat = {"endpoint": server.url, "mode": "batch", "batch_wait_h": 0}
        campaign = written(judge=chat | {"model": "openai/a"}, panel=[chat | {"model": "openai/b"}])
        with pytest.raises(BatchPending):
            pipeline(campaign)
        assert server.stats["batches"]["created"] == 2, server.stats
        server.batches.hold = False
        summary = pipeline(campaign)
        assert summary.state == "done" and {step.rows for step in summary.steps[-2:]} == {4 * N}
        assert server.stats["batches"]["created"] == 2 and server.stats["requests"] == 0
