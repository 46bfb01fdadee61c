"""The plan of an experiment says what its arms then buy, calls that they share counted once."""

from pathlib import Path

import pytest
from rich.console import Console

from components.errors import UserError
from components.experiments import arms_of
from flows.contests import between_arms, entrants_of
from flows.plan_experiment import plan_experiment
from flows.settings import Settings
from flows.show_experiment import show_experiment_plan
from tests.experiments.homes import ARMS, run, spec_of
from tests.steps import ROWS, Steps


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("POSTWRIGHT_HOME", str(tmp_path / "home"))
    return Settings.from_environment().prepare()


def test_the_plan_is_what_is_bought_then_and_afterwards_nothing(settings: Settings, tmp_path: Path) -> None:
    arms = {**ARMS, "again": {"generation": {"rpm": 9}}, "seeded": {"generation": {"seed": 1}}}
    spec, n = spec_of(tmp_path, arms=arms), len(ROWS)
    first = Steps(settings, spec.campaign)
    first.ingest(), first.describe()
    before = plan_experiment(spec, settings)
    by_name = {arm.name: arm for arm in before.arms}
    assert before.items == n and before.alone == 2 * n * 5 + n
    assert (by_name["full"].calls, by_name["full"].shared) == (2 * n, 0)
    assert (by_name["human"].calls, by_name["human"].shared) == (n, 0), "what a person wrote is only judged"
    assert (by_name["again"].calls, by_name["again"].shared) == (0, 2 * n), "the same questions"
    assert by_name["seeded"].calls == 2 * n
    assert before.calls + before.shared == before.alone and before.cached == 0
    assert any("again is the same as full" in note for note in before.notes)
    run(settings, spec)
    (bought,) = settings.store().query("SELECT count(*) AS n FROM calls")
    # Each post is judged alone, so whatever two arms wrote alike was judged once: never more than was planned.
    assert before.calls * 0.85 <= bought["n"] <= before.calls
    after = plan_experiment(spec, settings)
    assert (after.calls, after.usd_high) == (0, 0.0)


def test_the_pairs_are_a_stage_of_the_plan(settings: Settings, tmp_path: Path) -> None:
    arms, n = {**ARMS, "again": {"generation": {"rpm": 9}}}, len(ROWS)
    alone = plan_experiment(spec_of(tmp_path, arms=arms), settings)
    spec = spec_of(tmp_path, arms=arms, pairwise={"repeats": 2})
    plan = plan_experiment(spec, settings)
    assert plan.pairs is not None and alone.pairs is None
    assert plan.pairs.calls == 2 * 2 * n * 6 == plan.calls - alone.calls, "4 arms, and one whose posts are another's"
    assert plan.pairs.input_tokens > 500 * plan.pairs.calls, "the rubric, the material and two posts each"
    run(settings, spec)
    there = plan_experiment(spec, settings)
    contest = between_arms(settings.store(), entrants_of(arms_of(spec)), spec.selection)
    met = [contest.posts_of(match) for of in contest.tournaments[0].matches(0).values() for match in of]
    assert there.pairs is not None and there.calls == there.pairs.calls
    assert there.pairs.calls == 2 * 2 * sum(one.text != other.text for one, other in met), "equal texts are a tie"
    assert there.pairs.calls * 0.85 <= plan.pairs.calls <= there.pairs.calls * 1.15
    assert there.pairs.input_tokens * 0.85 <= plan.pairs.input_tokens <= there.pairs.input_tokens * 1.15
    few = plan_experiment(spec_of(tmp_path, arms=arms, pairwise={"design": "swiss", "pairs": 7}), settings)
    assert few.pairs is not None and few.pairs.calls == 2 * 7
    console = Console(width=80, record=True)
    show_experiment_plan(few, console)
    assert "the arms in pairs" in console.export_text()


def test_before_anything_is_read_a_sample_is_counted_too(settings: Settings, tmp_path: Path) -> None:
    spec = spec_of(tmp_path, items={"sample": 4, "seed": 3})
    assert plan_experiment(spec, settings).items == 4
    Steps(settings, spec.campaign).ingest()
    planned = plan_experiment(spec, settings)
    assert planned.items == 4 == len(settings.store().items(spec.selection))
    assert plan_experiment(spec_of(tmp_path, items={"sample": 4, "limit": 2}), settings).items == 2


def test_an_unknown_price_is_unknown_and_no_items_are_told(settings: Settings, tmp_path: Path) -> None:
    arms = {"full": {}, "priced": {"generation": {"model": "openai/nobody-knows", "endpoint": "http://127.0.0.1:1/v1"}}}
    plan = plan_experiment(spec_of(tmp_path, arms=arms), settings)
    assert plan.usd_high is None and plan.arms[0].usd_high == 0.0 and plan.arms[1].usd_high is None
    with pytest.raises(UserError, match="has no items"):
        plan_experiment(spec_of(tmp_path, items={"published_from": "2027-01-01T00:00:00Z"}), settings)
