"""The audit of a judge and the reading of anchors on a real Prefect server, bought from an endpoint."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from components.audit import planted
from components.audit.spec import AuditSpec
from components.errors import CheckFailed, UserError
from components.report.audit import render_audit
from components.report.render import render
from components.specs import AnchorSpec, Budget, JudgeSpec
from flows.audit_judge import audit_judge
from flows.pipeline import pipeline
from flows.read_anchors import AnchorStep, names_of, read_anchors
from flows.settings import Settings
from flows.show_audit import show_audit
from tests.fake_provider import FakeProvider
from tests.flows.test_pipeline import campaign_of

pytestmark = [pytest.mark.slow]
FREE = Budget(allow_unpriced=True)
START = datetime(2026, 3, 2, 6, tzinfo=UTC)


def as_planted(fault: str) -> Callable[[dict[str, Any]], str]:
    """A server whose model is a planted judge."""
    return lambda body: planted.complete({**body, "model": f"planted-{fault}"})


def test_a_judge_behind_an_endpoint_is_audited_once(home: Settings) -> None:
    with FakeProvider(reply=as_planted("length")) as server:
        spec = AuditSpec(judge=JudgeSpec(model="openai/fake", endpoint=server.url))
        result = audit_judge(spec, FREE)
        asked = server.stats["requests"]
        again = audit_judge(spec, FREE)
        assert server.stats["requests"] == asked
    assert (again.bought, again.effects, again.audit_id) == (0, result.effects, spec.id)
    assert asked == result.bought > 300
    states = {effect["probe"]: effect["state"] for effect in result.effects}
    assert states["length"] == "ALARM" and states["own_family"] == "not measured"
    rows = home.store().query("SELECT * FROM evaluations WHERE spec_id = $id", {"id": spec.id})
    assert {(row["subject"], row["split"], row["metric"]) for row in rows} == {("openai/fake", "audit", "effect")}
    (length,) = [row for row in rows if row["task"] == "length"]
    assert length["low"] > 0.3 and json.loads(length["detail"])["alarm"] is True
    (stages,) = home.store().query("SELECT list(DISTINCT stage) AS stages FROM calls")
    assert stages["stages"] == ["audit"]
    console = Console(width=80, record=True, force_terminal=False)
    show_audit(result, home, console)
    shown = console.export_text()
    assert "ALARM gives" in shown.replace("\n", " ") and "padded with 48 empty" in " ".join(shown.split())
    assert max(len(line) for line in shown.splitlines() if "file://" not in line and "warehouse" not in line) <= 80
    html = Path(result.report or "").read_text("utf-8")
    assert html == render_audit(home.store(), spec.id) and "What to do." in html
    assert "<script" not in html


def test_an_audit_says_what_failed_and_is_completed_later(home: Settings) -> None:
    answer = as_planted("clean")

    def reticent(body: dict[str, Any]) -> str:
        user = str(body["messages"][1]["content"])
        return '{"note": "I would rather not say."}' if "Ignore the rubric" in user else answer(body)

    with FakeProvider(reply=reticent, faults=["500"] * 3) as server:
        judge = JudgeSpec(model="openai/fake", endpoint=server.url, max_attempts=1, max_concurrency=1)
        spec = AuditSpec(judge=judge)
        first = audit_judge(spec, FREE)
        again = audit_judge(spec, FREE)
        with pytest.raises(UserError, match="no such file"):
            audit_judge(spec.model_copy(update={"posts": "gone.yaml"}), FREE)
    lost = {"injected:order": {"missing_aspect": 12 * 4}}
    assert again.failed == lost and again.bought == 3
    states = [state for arm, found in first.failed.items() if arm not in lost for state in found]
    assert set(states) == {"server_error"}
    assert first.audit_id != spec.id == again.audit_id  # what is refused for good is an answer
    (injection,) = [effect for effect in again.effects if effect["probe"] == "injection"]
    assert injection["failed"] == 48 and injection["detail"]["by_kind"]["order"] is None and injection["n"] == 12


@pytest.fixture
def watched(home: Settings) -> Callable[..., AnchorStep]:
    def read(judge: JudgeSpec, day: int, **spec: Any) -> AnchorStep:
        return read_anchors(AnchorSpec(count=8, baseline=4, **spec), (judge,), FREE, at=START + timedelta(days=day))

    return read


def test_a_judge_that_drifts_is_caught_and_each_period_is_bought_once(
    home: Settings, watched: Callable[..., AnchorStep]
) -> None:
    shift = 0.0

    def drifting(body: dict[str, Any]) -> str:
        scores = json.loads(planted.complete({**body, "model": "planted-clean"}))
        for one in scores.values():
            one["score"] = min(10, one["score"] + shift)
        return json.dumps(scores)

    with FakeProvider(reply=drifting) as server:
        judge = JudgeSpec(model="openai/fake", endpoint=server.url)
        steps = []
        for day in range(8):
            shift = 1.5 if day >= 5 else 0.0
            steps.append(watched(judge, day))
        assert watched(judge, 7).bought == 0 == watched(judge, 2).bought
        assert server.stats["requests"] == 8 * 8
        assert [step.rows for step in steps] == [8 * 4] * 8
        assert [step.drift["openai/fake"]["state"] for step in steps] == [
            *["collecting"] * 4, "steady", *["drifted"] * 3,
        ]  # fmt: skip
        assert "THE JUDGE HAS DRIFTED since about 2026-03-07" in steps[-1].said[0]
        with pytest.raises(CheckFailed, match="openai/fake has drifted on its anchors"):
            watched(judge, 8, stop=True)
        fresh = watched(judge, 8, since=(START + timedelta(days=5)).date())
        assert fresh.drift["openai/fake"]["state"] == "collecting" and fresh.bought == 0
    sql = """SELECT count(*) AS n, count(DISTINCT call_key) AS calls, count(DISTINCT period) AS periods,
        count(DISTINCT spec_id) AS judges FROM anchor_readings WHERE error IS NULL"""
    assert home.store().query(sql) == [{"n": 9 * 8 * 4, "calls": 9 * 8, "periods": 9, "judges": 1}]
    sql = "SELECT severity, success, count(*) AS n FROM checks WHERE expectation LIKE 'the judge has not%' GROUP BY ALL"
    found = {(row["severity"], row["success"]): row["n"] for row in home.store().query(sql)}
    assert found == {("warn", True): 5, ("warn", False): 3, ("stop", False): 1}


def test_a_reading_that_failed_is_tried_again_in_its_period_and_is_no_score(
    home: Settings, watched: Callable[..., AnchorStep]
) -> None:
    with FakeProvider(reply=as_planted("clean"), faults=["500"] * 2) as server:
        judge = JudgeSpec(model="openai/fake", endpoint=server.url, max_attempts=1, max_concurrency=1)
        first = watched(judge, 0)
        assert first.failed == {"server_error": 2 * 4}
        second = watched(judge, 0)
        assert (second.bought, second.failed) == (2, {})
    sql = "SELECT count(score) AS scores, count(error) AS errors FROM anchor_readings"
    assert home.store().query(sql) == [{"scores": 8 * 4, "errors": 2 * 4}]


def test_judges_of_one_model_have_names_of_their_own() -> None:
    one, other, third = JudgeSpec(), JudgeSpec(rubric="brand"), JudgeSpec(model="openai/gpt-4o")
    assert list(names_of((one, third)).values()) == ["offline/judge", "openai/gpt-4o"]
    assert list(names_of((one, other)).values()) == ["offline/judge by mpwl", "offline/judge by brand"]
    again = JudgeSpec(repeats=3)
    assert len(set(names_of((one, again, other)).values())) == 3


def test_a_campaign_with_anchors_has_them_read_and_shown(home: Settings, pictures: Path) -> None:
    campaign = campaign_of(pictures, anchors={"count": 6})
    summary = pipeline(campaign, limit=2)
    (step,) = [step for step in summary.steps if step.step == "read_anchors"]
    assert (step.rows, step.bought) == (6 * 4, 6)
    assert summary.anchors == ["anchors: period 1 of 8 of the judge's baseline; then it is watched"]
    html = Path(summary.report or "").read_text("utf-8")
    assert "The judge, watched" in html and "period 1 of 8" in html
    (run,) = home.store().query("SELECT run_id, rows FROM runs")
    assert json.loads(run["rows"])["read_anchors"]["drift"]["offline/judge"]["state"] == "collecting"
    assert html == render(home.store(), run["run_id"])
