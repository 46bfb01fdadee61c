"""The main job on a real Prefect server: what is done once, what is done again after a change, and how a run stops."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from components.errors import BudgetExceeded, CheckFailed, ProviderStopped, UserError
from components.specs import Campaign, FeatureSpec, GenerationSpec, PromptSpec, Selection
from flows.generate_posts import generate_posts
from flows.pipeline import Summary, pipeline
from flows.settings import Settings
from tests.fake_provider import FakeProvider

pytestmark = [pytest.mark.slow]
TABLES = ("items", "features", "prompts", "posts", "judgments", "quarantine")
SECRET = "sk-never-to-be-found-on-any-disk-0123456789"


def campaign_of(path: Path, **sections: Any) -> Campaign:
    return Campaign.model_validate({"name": "test", "dataset": {"source": "folder", "path": path}, **sections})


def counts(settings: Settings) -> dict[str, int]:
    sql = " UNION ALL ".join(f"SELECT '{table}' AS name, count(*) AS n FROM {table}" for table in TABLES)
    return {row["name"]: row["n"] for row in settings.store().query(sql)}


def new_rows(summary: Summary) -> dict[str, int]:
    return {step.step: step.rows for step in summary.steps}


@pytest.fixture
def run(home: Settings, pictures: Path) -> Callable[..., Summary]:
    def start(path: Path = pictures, limit: int | None = None, **sections: Any) -> Summary:
        return pipeline(campaign_of(path, **sections), limit=limit)

    return start


def test_pictures_become_judged_posts(run: Callable[..., Summary], home: Settings) -> None:
    summary = run()
    assert summary.state == "done"
    assert new_rows(summary)["ingest_items"] == 7
    there = counts(home)
    assert there["prompts"] == there["posts"] == 7
    assert there["judgments"] == 7 * 4
    assert there["quarantine"] == 0
    rows = home.store().query("SELECT * FROM judged_posts")
    assert all(row["text"] and row["error"] is None and 1 <= row["overall"] <= 10 for row in rows)
    assert all(row["writer"] == "offline/writer" and row["judge"] == "offline/judge" for row in rows)
    pictured = [row for row in rows if row["image_path"]]
    assert len(pictured) == 6
    assert all(row["words"]["caption"] and row["words"]["scene"] for row in pictured)
    (text_only,) = [row for row in rows if not row["image_path"]]
    assert "caption" not in text_only["words"] and "scene" not in text_only["words"]
    checked = home.store().query("SELECT DISTINCT table_name FROM checks")
    assert {row["table_name"] for row in checked} >= {"items", "features", "prompts", "posts", "judgments"}
    assert Path(summary.report or "").stat().st_size > 10_000
    found = summary.scores["overall"]
    shown = f"95 % interval {found['low']:.2f} to {found['high']:.2f}, n = {found['n']}"
    assert shown in Path(summary.report or "").read_text(), "the command line and the report say the same"
    (ended,) = home.store().query("SELECT state, calls, cost_usd, rows FROM runs")
    assert (ended["state"], ended["calls"], ended["cost_usd"]) == ("done", 14, 0.0)
    assert json.loads(ended["rows"])["judge_posts"]["rows"] == 28


def test_one_query_leads_from_a_post_to_the_pixels_and_the_models(run: Callable[..., Summary], home: Settings) -> None:
    run(limit=1, generation={"seed": 3})
    rows = home.store().query(
        """SELECT po.text, i.sha256, f.name, f.text AS word, f.score, f.model
        FROM posts po JOIN prompts p USING (prompt_id) JOIN items i USING (item_id),
        unnest(p.words) AS w(feature_id) JOIN features f USING (feature_id)"""
    )
    assert {row["name"] for row in rows} >= {"caption", "topic", "sentiment", "scene", "keyword"}
    assert all(len(row["sha256"]) == 64 and row["model"].startswith("starter/") for row in rows)


def test_a_second_run_does_nothing(run: Callable[..., Summary], home: Settings) -> None:
    run()
    before, calls = counts(home), home.store().query("SELECT count(*) AS n FROM calls")
    again = run()
    assert counts(home) == before
    assert home.store().query("SELECT count(*) AS n FROM calls") == calls
    assert all((step.rows, step.passes, step.bought, step.quarantined) == (0, 0, 0, 0) for step in again.steps)


def test_a_change_recomputes_what_depends_on_it_and_nothing_else(
    run: Callable[..., Summary], home: Settings, tmp_path: Path
) -> None:
    run(limit=3)
    rubric = tmp_path / "own.yaml"
    shipped = Path("components/judgments/rubrics/mpwl.yaml").resolve().read_text()
    rubric.write_text(shipped + "\n# another file, another rubric\n")
    assert new_rows(run(limit=3, judge={"rubric": str(rubric)})) == {
        "ingest_items": 0, "extract_features": 0, "build_prompts": 0, "generate_posts": 0, "judge_posts": 12,
    }  # fmt: skip
    plain = run(limit=3, prompt={"template": "plain"})
    n = new_rows(plain)["build_prompts"]  # an item without a text has nothing a plain prompt could say
    assert 2 <= n <= 3
    assert new_rows(plain) == {
        "ingest_items": 0, "extract_features": 0, "build_prompts": n, "generate_posts": n, "judge_posts": n * 4,
    }  # fmt: skip
    assert all(step.passes == 0 for step in plain.steps)
    captioner = run(limit=3, features={"temperature": 0.6})
    assert new_rows(captioner)["ingest_items"] == 0
    assert captioner.steps[1].passes > 0
    assert new_rows(captioner)["build_prompts"] == 3


def test_added_items_buy_only_their_own_calls(run: Callable[..., Summary]) -> None:
    run(limit=4)
    added = run(limit=6)
    assert {step.step: step.bought for step in added.steps}["generate_posts"] == 2
    assert {step.step: step.bought for step in added.steps}["judge_posts"] == 2


def test_a_window_takes_what_was_published_in_it(home: Settings, pictures: Path) -> None:
    summary = pipeline(
        campaign_of(pictures),
        published_from=datetime(2026, 3, 2, tzinfo=UTC),
        published_to=datetime(2026, 3, 4, tzinfo=UTC),
    )
    assert new_rows(summary)["build_prompts"] == 2


def through(server: FakeProvider, **more: Any) -> dict[str, Any]:
    return {"model": "openai/fake", "endpoint": server.url, "timeout_s": 2.0, **more}


def test_a_bad_endpoint_leaves_every_post_judged_or_with_a_stated_error(
    run: Callable[..., Summary], home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_KEY", SECRET)
    with FakeProvider(latency=0.02, fail=0.25, key=SECRET) as server:
        chat = through(server, api_key_env="TEST_KEY")
        summary = run(generation=chat, judge=chat | {"allow_own_model": True}, budget={"allow_unpriced": True})
        assert server.stats["requests"] > 0
    rows = home.store().query("SELECT text, error, overall, failed_readings FROM judged_posts")
    assert len(rows) == 7
    assert all((row["text"] and (row["overall"] or row["failed_readings"])) or row["error"] for row in rows)
    assert summary.cost_usd is None, "an unknown price is never shown as 0"
    for file in home.home.rglob("*"):
        if file.is_file():
            assert SECRET.encode() not in file.read_bytes(), file


def test_a_dead_provider_stops_the_run_and_the_same_command_resumes_it(
    run: Callable[..., Summary], home: Settings
) -> None:
    with FakeProvider(faults=["401"] * 200) as server:
        chat = through(server)
        with pytest.raises(ProviderStopped):
            run(generation=chat, budget={"allow_unpriced": True})
        (stopped,) = home.store().query("SELECT state, message, cost_usd FROM runs")
        assert stopped["state"] == "provider_stopped" and stopped["message"]
        assert stopped["cost_usd"] is None, "the price is unknown, also of the first calls of a home"
        assert counts(home)["features"] > 0 and counts(home)["posts"] == 0
    with FakeProvider() as server:
        summary = run(generation=through(server), budget={"allow_unpriced": True})
    assert summary.steps[1].passes == 0, "features are kept"
    assert counts(home)["posts"] >= 7


def test_the_budget_stops_a_run_before_it_is_passed(
    run: Callable[..., Summary], home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_KEY", SECRET)
    # OpenAI itself, whose prices are known: the cap stops the first call before anything goes out.
    chat = {"model": "openai/gpt-4o-mini", "api_key_env": "TEST_KEY"}
    with pytest.raises(BudgetExceeded):
        run(generation=chat, budget={"usd": 0.000001})
    (stopped,) = home.store().query("SELECT state, cost_usd FROM runs")
    assert stopped["state"] == "budget_exceeded" and (stopped["cost_usd"] or 0) <= 0.000001


def test_steps_that_are_started_alone_do_not_share_a_budget(
    run: Callable[..., Summary], home: Settings, pictures: Path
) -> None:
    run(limit=1)
    for seed in (1, 2):
        result = generate_posts(
            GenerationSpec(seed=seed), PromptSpec(), FeatureSpec(), Selection(dataset=pictures.stem, limit=1)
        )
        assert result.bought == 1
    bought_by = {row["run_id"] for row in home.store().query("SELECT DISTINCT run_id FROM calls")}
    assert len(bought_by) == 3 and "" not in bought_by


def test_wrong_inputs_are_refused_before_anything_is_computed(home: Settings, pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for path, sections, said in (
        (tmp_path / "gone", {}, "gone"),
        (tmp_path / "empty", {}, "empty"),
        (pictures, {"features": {"models": "no-such-set"}}, "no-such-set"),
        (pictures, {"generation": {"model": "nobody/model"}}, "nobody/model"),
        (pictures, {"judge": {"model": "offline/nobody"}}, "offline/nobody"),
        (pictures, {"prompt": {"template": "none-such"}}, "none-such"),
        (pictures, {"prompt": {"platform": "none-such"}}, "none-such"),
        (pictures, {"judge": {"rubric": "none-such"}}, "none-such"),
        (
            pictures,
            {"generation": {"model": "openai/gpt-4o-mini", "api_key_env": "NOT_SET_ANYWHERE"}},
            "NOT_SET_ANYWHERE",
        ),
    ):
        with pytest.raises(UserError, match=said) as caught:
            pipeline(campaign_of(path, **sections))
        assert "\n" not in str(caught.value)
    assert set(counts(home).values()) == {0}


def test_a_failed_check_publishes_nothing_of_the_chunk_and_stops_what_depends_on_it(
    home: Settings, pictures: Path, tmp_path: Path
) -> None:
    from dataclasses import replace

    from components.features import extract
    from components.items import list_entries, read_entries
    from flows.publish import publish

    campaign = campaign_of(pictures)
    items, _ = read_entries(list(list_entries(campaign.dataset)), campaign.dataset)
    store = home.store()
    store.append({"items": items})
    features, _ = extract(items[:2], campaign.features, home.models)
    broken = [replace(feature, name="smell") if feature.name == "scene" else feature for feature in features]
    with pytest.raises(CheckFailed, match="Nothing of this chunk was published"):
        publish(store, "features", broken, [], chunk="c", run_id="r", dataset="pictures")
    assert counts(home)["features"] == 0
    (kept,) = store.query("SELECT count(*) AS n FROM checks WHERE NOT success AND severity = 'stop'")
    assert kept["n"] >= 1
    assert store.items_without_prompts(Selection(dataset=campaign.dataset.name), "P", campaign.features.id) == []
