"""Experiments by batches, with a panel, and with pairs that the budget cuts short: on texts, by a scripted provider."""

import csv
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from components.chat import prices
from components.errors import BatchPending, BudgetExceeded
from components.experiments import ExperimentSpec, arms_of, purse_of
from components.experiments.export import export
from components.experiments.read import begun_by, read_experiment
from flows import buying
from flows.experiment_results import ExperimentResult, finish_experiment, result_of
from flows.plan_experiment import plan_experiment
from flows.run_experiment import run_experiment
from flows.settings import Settings
from tests.fake_provider import FakeProvider
from tests.fake_provider.pairwise_judge import BiasedJudge
from tests.fake_provider.replies import default_reply
from tests.steps import ROWS, Steps, campaign_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

N = len(ROWS)
ARMS: dict[str, Any] = {"full": {}, "minus-topic": {"without": ["topic"]}}
Made = Callable[..., ExperimentSpec]


@pytest.fixture
def described(tmp_path: Path) -> Made:
    """An experiment over texts whose words are there, so that no model is loaded."""

    def made(home: Settings, arms: dict[str, Any] | None = None, **more: Any) -> ExperimentSpec:
        campaign = campaign_of(tmp_path, **{"budget": {"usd": 1.0, "allow_unpriced": True}} | more.pop("sections", {}))
        steps = Steps(home, campaign)
        steps.ingest()
        steps.describe()
        return ExperimentSpec.model_validate(
            {"name": "modes", "campaign": campaign, "arms": arms or ARMS, "baseline": "full", **more}
        )

    return made


def by_server(server: FakeProvider, **chat: Any) -> dict[str, Any]:
    section = {"model": "openai/fake", "endpoint": server.url, **chat}
    return {"generation": section, "judge": section | {"allow_own_model": True}}


def tables(result: ExperimentResult) -> dict[str, Any]:
    """All that depends on posts and scores; how long a call took, and whether it was bought now, does not."""
    found = {name: value for name, value in asdict(result).items() if name not in ("bought", "seconds", "report")}
    found["arms"] = [{k: v for k, v in arm.items() if "latency" not in k} for arm in found["arms"]]
    return found


def test_an_experiment_by_batches_gives_the_tables_of_a_live_one(
    home: Settings, described: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeProvider() as server:
        live = run_experiment(described(home, sections=by_server(server)))
        assert live.partial is None and live.calls == server.stats["requests"] == 4 * N
        other = Settings(tmp_path / "batches").prepare()
        monkeypatch.setenv("POSTWRIGHT_HOME", str(other.home))
        server.batches.hold = True
        hasty = described(other, sections=by_server(server, mode="batch", batch_wait_h=0))
        with pytest.raises(BatchPending, match="2 of 2 arms stopped, first full: "):
            run_experiment(hasty)
        assert server.stats["batches"]["created"] == 2, "all arms are handed in before one is waited for"
        made = begun_by(other.store(), purse_of(hasty, arms_of(hasty)))
        assert made is not None
        partial = result_of(read_experiment(other.store(), made)).partial
        assert partial and "full: waiting; minus-topic: waiting" in partial
        server.batches.hold = False
        monkeypatch.setattr(buying, "_ledgers", {})  # as the next command begins
        result = run_experiment(described(other, sections=by_server(server, mode="batch")))
        assert server.stats["requests"] == 4 * N, "nothing was bought live"
        assert [job.total for job in server.batches.jobs.values()] == [N] * 4
        assert server.stats["batches"]["most_answered"] == 1
        assert result.experiment_id == made == live.experiment_id
        assert tables(result) == tables(live) and result.overall[0]["n"] == N


def test_a_panel_reads_every_arm_and_stands_beside_the_tables(home: Settings, described: Made, tmp_path: Path) -> None:
    with FakeProvider() as server:
        chat = {"endpoint": server.url}
        panel = [chat | {"model": "openai/second", "repeats": 2}]
        sections = {"judge": chat | {"model": "openai/first"}, "panel": panel}
        result = run_experiment(described(home, sections=sections), parallel=2)
        assert result.partial is None
        assert server.stats["requests"] == 2 * N + 2 * N * 2, "one reading by the judge, two by the panel's"
    (judge,) = result.second
    assert judge == "2: openai/second" and [row["n"] for row in result.second[judge]] == [N]
    assert {row["judge"] for row in home.store().query("SELECT DISTINCT judge FROM judged_posts")} == {
        "openai/first", "openai/second",
    }  # fmt: skip
    found = {
        (row["whom"], row["figure"]): row for row in (result.agreement or {})["rows"] if row["aspect"] == "Overall"
    }
    assert found["2 judges", "alpha"]["n"] == 2 * N and found["openai/second", "difference"]["low"] is not None
    page = Path(result.report or "").read_text("utf-8")
    assert "By a further judge: 2: openai/second" in page and "How far to believe the judge" in page
    (file,) = [file for file in export(asdict(result), tmp_path) if file.name == "agreement.csv"]
    rows = list(csv.DictReader(file.open(encoding="utf-8")))
    assert {row["whom"] for row in rows if row["figure"] == "icc_2_k"} == {"2 judges"}
    assert any("Nobody has rated these posts" in row["note"] for row in rows)


def test_a_budget_that_ends_in_the_pairs_keeps_what_was_found_and_goes_on(
    home: Settings, described: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The arms are done, and so are their tables, the report and the pairs that were paid for."""

    def reply(body: dict[str, Any]) -> str:
        return judge(body) if "<post_" in json.dumps(body) else default_reply(body)

    judge = BiasedJudge(quality=len)
    with FakeProvider(reply=reply) as server:
        _, listed = prices._load(prices.FILE)
        monkeypatch.setitem(listed, f"openai/fake@{server.url}", {"input": 0.0, "output": 1000.0})
        pairs = {"model": "openai/fake", "endpoint": server.url, "max_output_tokens": 100, "max_concurrency": 1}

        def spec(usd: float) -> ExperimentSpec:
            monkeypatch.setattr(buying, "_ledgers", {})  # as the next command does not know it
            return described(home, pairwise=pairs, sections={"budget": {"usd": usd}})

        def planned(usd: float) -> tuple[int, int]:
            plan = plan_experiment(spec(usd), home)
            assert plan.pairs is not None and plan.calls == plan.pairs.calls + sum(arm.calls for arm in plan.arms)
            assert plan.usd_high == plan.pairs.usd_high, "the writer and the judge cost nothing"
            return plan.pairs.calls, plan.pairs.cached

        assert planned(0.25) == (2 * N, 0), "as many as are bought in the end, before a post is written"
        with pytest.raises(BudgetExceeded) as stopped:
            run_experiment(spec(0.25))
        assert stopped.value.exit_code == 4 and 0 < server.stats["requests"] < 2 * N
        bought = server.stats["requests"]
        made = begun_by(home.store(), purse_of(spec(1), arms_of(spec(1))))
        assert made is not None
        left, cached = planned(9)
        assert left == 2 * N - bought and cached <= bought, "what the journal or the warehouse holds is taken off"
        kept = result_of(read_experiment(home.store(), made))
        assert kept.partial == "not all pairs are compared yet (budget exceeded); the same command goes on"
        assert [arm["scored"] for arm in kept.arms] == [N, N] and kept.overall[0]["n"] == N
        page = (home.home / "reports" / f"modes-{made}.html").read_text("utf-8")
        assert "not all pairs are compared yet" in page
        result = run_experiment(spec(9))
        assert server.stats["requests"] == 2 * N, "what was bought before is not bought again"
        assert result.partial is None and result.experiment_id == made and bought < 2 * N
        assert result.pairs is not None and result.pairs["complete"] == N
        assert result.overall == kept.overall
        assert planned(9) == (0, 0)
        again = finish_experiment(made, home)
        assert again.pairs == result.pairs and again.agreement == result.agreement
