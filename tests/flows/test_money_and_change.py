"""What must hold while money is spent and files change: one purse over restarts, no mixed rows, no stale cache."""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from components.chat import prices
from components.errors import BudgetExceeded, UserError
from components.records import TABLES
from components.specs import Campaign, PromptSpec, Selection
from components.specs.windows import edges_of
from flows import buying, caching, progress
from flows.backfill import backfill, id_of
from flows.extract_features import extract_features
from flows.ingest_items import ingest_items
from flows.pipeline import Summary, pipeline
from flows.progress import Advance, Part
from flows.publish import StepResult
from flows.settings import Settings
from tests.fake_provider import FakeProvider

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

FROM, TO = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 8, tzinfo=UTC)
REPLY = "A quiet boat on a calm sea, and nobody in a hurry. " * 4
DEAREST = 0.10
"""USD: what each call to the fake model could cost; REPLY costs about half of it."""
CAP = 2.2 * DEAREST


def campaign_of(pictures: Path, **sections: Any) -> Campaign:
    return Campaign.model_validate({"name": "test", "dataset": {"source": "folder", "path": pictures}, **sections})


@pytest.fixture
def priced(monkeypatch: pytest.MonkeyPatch) -> Callable[[FakeProvider], dict[str, Any]]:
    """A generation section for a server whose model has a line in the list of prices, as users add one."""

    def generation(server: FakeProvider) -> dict[str, Any]:
        _, listed = prices._load(prices.FILE)
        monkeypatch.setitem(listed, f"openai/fake@{server.url}", {"input": 0.0, "output": 1000.0})
        return {"model": "openai/fake", "endpoint": server.url, "max_output_tokens": 100, "max_concurrency": 1}

    return generation


def new_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget what this process knows of money, as the next command does not know it."""
    monkeypatch.setattr(buying, "_ledgers", {})


def runs(settings: Settings) -> list[dict[str, Any]]:
    return settings.store().query("SELECT * FROM runs ORDER BY started_at, run_id")


def spent(settings: Settings) -> float:
    return float(settings.store().query("SELECT coalesce(sum(cost_usd), 0) AS usd FROM calls")[0]["usd"])


def counts(settings: Settings) -> dict[str, int]:
    sql = " UNION ALL ".join(f"SELECT '{table}' AS name, count(*) AS n FROM {table}" for table in TABLES)
    return {row["name"]: row["n"] for row in settings.store().query(sql)}


def test_a_spent_purse_stops_again_without_spending_and_a_raised_cap_goes_on(
    home: Settings, pictures: Path, priced: Callable[[FakeProvider], dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeProvider(reply=lambda _: REPLY) as server:

        def run(usd: float) -> Summary:
            new_process(monkeypatch)
            campaign = campaign_of(pictures, generation=priced(server), budget={"usd": usd}, judge={"batch_context": 0})
            return pipeline(campaign, limit=4)

        with pytest.raises(BudgetExceeded) as first:
            run(CAP)
        bought, cost = server.stats["requests"], spent(home)
        assert 1 <= bought < 4 and 0 < cost <= CAP < cost + DEAREST, "it stopped where the next call could pass the cap"
        with pytest.raises(BudgetExceeded) as again:
            run(CAP)
        assert str(again.value) == str(first.value), "it tells what the purse spent, not what this run did"
        assert (server.stats["requests"], spent(home)) == (bought, cost)
        assert run(10.0).state == "done"
        assert server.stats["requests"] == 4, "what was bought is not bought again"
        assert counts(home)["posts"] == 4
        found = runs(home)
        assert [row["state"] for row in found] == ["budget_exceeded"] * 2 + ["done"]
        assert {row["purse"] for row in found} == {found[0]["run_id"]}
        assert run(10.0).state == "done"
        assert runs(home)[-1]["purse"] == runs(home)[-1]["run_id"] and server.stats["requests"] == 4


def purse_of(campaign: Campaign, by: str) -> str:
    return id_of(campaign, edges_of(FROM, TO, by), "published_at")


def test_a_backfill_has_one_purse_for_all_its_windows_whenever_it_is_started(
    home: Settings, pictures: Path, priced: Callable[[FakeProvider], dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeProvider(reply=lambda _: REPLY) as server:
        campaign = campaign_of(pictures, generation=priced(server), budget={"usd": CAP})
        purse = purse_of(campaign, "week")
        for _ in range(2):
            new_process(monkeypatch)
            with pytest.raises(BudgetExceeded, match="1 of 1 windows stopped"):
                backfill(campaign, FROM, TO, by="week")
        bought, cost = server.stats["requests"], spent(home)
        assert 1 <= bought < 6 and cost <= CAP
        assert {row["purse"] for row in runs(home)} == {purse}
        assert purse != purse_of(campaign, "day"), "another backfill, another purse"
        changed = campaign.model_copy(update={"prompt": PromptSpec(template="plain")})
        assert purse != purse_of(changed, "week")
        raised = campaign.model_copy(update={"budget": campaign.budget.model_copy(update={"usd": 10.0})})
        assert purse == purse_of(raised, "week"), "a raised cap is no other backfill"
        new_process(monkeypatch)
        [window] = backfill(raised, FROM, TO, by="week")
        assert window.summary and window.summary.state == "done" and server.stats["requests"] == counts(home)["posts"]


MARK = "Mark of the second version."


def own(folder: Path, shipped: str) -> Path:
    copy = folder / Path(shipped).name
    copy.write_text((Path(__file__).parents[2] / shipped).read_text())
    return copy


def edit(file: Path) -> None:
    if MARK not in (text := file.read_text()):
        file.write_text(text.replace("{% block user %}\n", f"{{% block user %}}\n{MARK}\n") + f"\n# {MARK}\n")


class Editing(progress.Silence):
    """Somebody saves another version of `file` when the step `label` has begun."""

    def __init__(self, label: str, file: Path) -> None:
        self.label, self.file = label, file

    def start(self, label: str, total: int, part: Part | None = None) -> Advance:
        if label == self.label:
            edit(self.file)
        return super().start(label, total, part)


def test_a_template_that_is_edited_meanwhile_stops_the_run_and_mixes_no_rows(
    home: Settings, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = own(tmp_path, "components/prompts/templates/mpwl.j2")
    campaign = campaign_of(pictures, prompt={"template": str(template)})
    old = campaign.prompt.id
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(progress, "_listener", Editing("build prompts", template))
        with pytest.raises(UserError, match="changed while the run was going on") as stopped:
            pipeline(campaign, limit=2)
    assert str(template) in str(stopped.value) and "\n" not in str(stopped.value)
    assert campaign.prompt.id != old
    assert counts(home)["features"] > 0 and counts(home)["prompts"] == counts(home)["posts"] == 0
    assert runs(home)[-1]["state"] == "refused"
    assert pipeline(campaign, limit=2).state == "done"
    rows = home.store().query("SELECT spec_id, user FROM prompts")
    assert [(row["spec_id"], MARK in row["user"]) for row in rows] == [(campaign.prompt.id, True)] * 2


def test_a_rubric_that_is_edited_meanwhile_leaves_no_judgment_of_either_version(
    home: Settings, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rubric = own(tmp_path, "components/judgments/rubrics/mpwl.yaml")
    campaign = campaign_of(pictures, judge={"rubric": str(rubric)})
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(progress, "_listener", Editing("judge posts", rubric))
        with pytest.raises(UserError, match="changed while the run was going on"):
            pipeline(campaign, limit=2)
    assert counts(home)["posts"] == 2 and counts(home)["judgments"] == 0
    assert pipeline(campaign, limit=2).state == "done"
    found = home.store().query("SELECT DISTINCT spec_id FROM judgments")
    assert found == [{"spec_id": campaign.judge.id}]


def test_cached_rows_are_those_of_this_version_only(
    home: Settings, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose_the_warehouse() -> None:
        for file in home.home.glob("warehouse.duckdb*"):
            file.unlink()

    campaign = campaign_of(pictures)
    selection = Selection(dataset=campaign.dataset.name, limit=2)

    def extracted() -> StepResult:
        ingest_items(campaign.dataset)
        return extract_features(campaign.features, selection)

    first = extracted()
    assert first.rows > 0 and first.passes > 0
    lose_the_warehouse()
    again = extracted()
    assert again.rows == first.rows and again.passes == 0, "Prefect kept the rows"
    lose_the_warehouse()
    monkeypatch.setattr(caching, "version", lambda name: "999.0")
    assert caching.rows_version() != caching.ROWS
    monkeypatch.setattr(caching, "ROWS", caching.rows_version())
    other = extracted()
    assert other.rows == first.rows and other.passes > 0, "rows of another version are not taken"


def test_a_new_field_of_a_record_is_another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import dataclass

    from components.records import Feature

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Richer(Feature):
        mood: str = ""

    Richer.__name__ = Feature.__name__
    before = caching.rows_version()
    monkeypatch.setattr(caching, "TABLES", {**TABLES, "features": Richer})
    assert caching.rows_version() != before


def test_progress_is_told_in_the_log_of_the_flow_run(
    home: Settings, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where people look in the UI: the lines are asked back from the server."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import (
        FlowRunFilter,
        FlowRunFilterName,
        FlowRunFilterParentFlowRunId,
        LogFilter,
        LogFilterFlowRunId,
    )
    from prefect.logging.handlers import APILogHandler

    logger = logging.getLogger("prefect.flow_runs")
    monkeypatch.setattr(logger, "level", logging.INFO)
    logger.manager._clear_cache()  # type: ignore[attr-defined]
    campaign = campaign_of(pictures).model_copy(update={"name": "told-in-the-log"})
    pipeline(campaign, limit=1)
    APILogHandler().flush()
    with get_client(sync_client=True) as client:
        named = FlowRunFilter(name=FlowRunFilterName(like_="told-in-the-log"))
        [parent] = client.read_flow_runs(flow_run_filter=named)
        steps = FlowRunFilter(parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=[parent.id]))
        ids = [parent.id, *(run.id for run in client.read_flow_runs(flow_run_filter=steps))]
        wanted = LogFilter(flow_run_id=LogFilterFlowRunId(any_=ids))
        deadline, told = time.monotonic() + 20, ""
        while not ("judge posts: 1/1 in" in told and "writing the report" in told) and time.monotonic() < deadline:
            told = "\n".join(log.message for log in client.read_logs(log_filter=wanted))
            time.sleep(0.3)
    for line in ("extract features: 0/1", "extract features: 1/1 in", "write posts: 1/1 in", "judge posts: 1/1 in"):
        assert line in told, told
    assert "writing the report ..." in told
