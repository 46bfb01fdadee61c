"""A language model captions pictures inside a run, and describes classes: bought once, inside the budget, or not."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from components.errors import BudgetExceeded, UserError
from components.features.class_descriptions import DescriptionSpec
from components.specs import Budget, Campaign, DatasetSpec, FeatureSpec, GenerationSpec, PromptSpec, Selection
from flows.build_prompts import build_prompts
from flows.describe_classes import describe_classes
from flows.extract_features import extract_features
from flows.generate_posts import generate_posts
from flows.ingest_items import ingest_items
from flows.pipeline import pipeline
from flows.plan_run import plan_run
from flows.settings import Settings
from tests.fake_provider import FakeProvider
from tests.fake_provider.replies import default_reply

SEEN = "A quiet beach with gentle waves and soft yellow sand"
FREE = Budget(usd=1, allow_unpriced=True)
EVERYTHING = Selection(dataset="posts")


def said(body: dict[str, Any]) -> str:
    """One caption for every picture; a fusion repeats the first of the two captions it is given."""
    return SEEN


def told(server: FakeProvider, **changes: Any) -> FeatureSpec:
    return FeatureSpec(told={"model": "openai/m", "endpoint": server.url, "max_attempts": 1, **changes})


def captions(home: Settings, spec: FeatureSpec) -> list[dict[str, Any]]:
    sql = """SELECT item_id, rank, text, model FROM features WHERE spec_id = $id AND name = 'caption'
        ORDER BY item_id, rank"""
    return home.store().query(sql, {"id": spec.id})


def test_told_captions_stand_among_the_others_and_are_bought_once(home: Settings, pictures: Path) -> None:
    ingest_items(DatasetSpec(source="csv", path=pictures / "posts.csv"))
    with FakeProvider(reply=said) as server:
        spec = told(server)
        result = extract_features(spec, EVERYTHING, FREE)
        assert (result.bought, result.failed) == (6, {})
        rows = captions(home, spec)
        mine = [row for row in rows if row["model"] == "told/openai/m"]
        assert len(mine) == 6 and {row["text"] for row in mine} == {SEEN}
        for item in {row["item_id"] for row in rows}:
            assert [r["rank"] for r in rows if r["item_id"] == item] == list(range(5)), (
                "four of its own and the told one"
            )
        again = extract_features(spec, EVERYTHING, FREE)
        assert (again.rows, again.bought, server.stats["requests"]) == (0, 0, 6)
        assert home.store().query("SELECT DISTINCT stage, status FROM calls") == [{"stage": "caption", "status": "ok"}]


def test_a_refusal_is_told_and_an_unreachable_model_is_asked_again(home: Settings, pictures: Path) -> None:
    ingest_items(DatasetSpec(source="csv", path=pictures / "posts.csv"))
    with FakeProvider(reply=said, faults=["503", "refusal"]) as server:
        spec = told(server, max_concurrency=1)
        result = extract_features(spec, EVERYTHING, FREE)
        assert result.failed == {"server_error": 1, "refusal": 1}
        store = home.store()
        (row,) = store.query("SELECT item_id, reason FROM quarantine")
        assert row["reason"] == "caption_refusal"
        own = [caption for caption in captions(home, spec) if caption["item_id"] == row["item_id"]]
        assert len(own) == 4, "it goes on with the captioner's"
        assert len(store.items_without_features(EVERYTHING, spec.id)) == 1

        again = extract_features(spec, EVERYTHING, FREE)
        assert (again.bought, again.failed) == (1, {}), "the refusal is final, the outage was not"
        assert store.items_without_features(EVERYTHING, spec.id) == []


def test_captions_count_against_the_budget(home: Settings, pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from components.chat import prices

    ingest_items(DatasetSpec(source="csv", path=pictures / "posts.csv"))
    with FakeProvider(reply=said) as server:
        _, listed = prices._load(prices.FILE)
        monkeypatch.setitem(listed, f"openai/m@{server.url}", {"input": 0.0, "output": 1000.0})
        spec = told(server, max_output_tokens=100, max_concurrency=1)
        with pytest.raises(BudgetExceeded):
            extract_features(spec, EVERYTHING, Budget(usd=0.15))
        assert 0 < server.stats["requests"] < 6
        home.store().prepare()  # the view of calls was made before there were any
        assert 0 < home.store().query("SELECT sum(cost_usd) AS usd FROM calls")[0]["usd"] <= 0.15
        assert captions(home, spec) == [], "half a chunk is not published"


def test_a_plan_counts_what_would_be_told(home: Settings, pictures: Path) -> None:
    with FakeProvider(reply=said) as server:
        chat = {"model": "openai/m", "endpoint": server.url}
        campaign = Campaign.model_validate({
            "name": "p", "dataset": {"source": "csv", "path": str(pictures / "posts.csv")},
            "features": {"told": {**chat, "fuse": True}},
            "generation": {**chat, "alt_text": "model"}, "budget": {"allow_unpriced": True},
        })  # fmt: skip
        found = {stage.stage: stage.calls for stage in plan_run(campaign, home, None, None, None).stages}
        assert (found["caption"], found["fuse_captions"], found["alt_text"]) == (6, 6, 6)
        assert server.stats["requests"] == 0


def test_a_plan_knows_the_alternative_texts_that_are_bought(home: Settings, pictures: Path) -> None:
    alt = "Waves roll onto an empty beach under a pale sky."

    def reply(body: dict[str, Any]) -> str:
        return alt if isinstance(body["messages"][-1]["content"], list) else default_reply(body)

    with FakeProvider(reply=reply) as server:
        writer = {"model": "openai/m", "endpoint": server.url, "alt_text": "model"}
        content = {"name": "p", "dataset": {"source": "csv", "path": str(pictures / "posts.csv")}}
        one, two = (
            Campaign.model_validate(
                {**content, "generation": {**writer, "candidates": n}, "budget": {"allow_unpriced": True}}
            )
            for n in (1, 2)
        )
        pipeline(one)
        bought = server.stats["requests"]
        plan = {stage.stage: (stage.calls, stage.cached) for stage in plan_run(two, home, None, None, None).stages}
        assert plan["alt_text"] == (0, 6) and plan["generate"] == (7, 7)
        pipeline(two)
        assert server.stats["requests"] - bought == 7


def test_the_writer_tells_alt_texts_and_captions_stand_in_where_it_declines(home: Settings, pictures: Path) -> None:
    ingest_items(DatasetSpec(source="csv", path=pictures / "posts.csv"))
    extract_features(FeatureSpec(), EVERYTHING)
    build_prompts(PromptSpec(), FeatureSpec(), EVERYTHING)
    alt = "Waves roll onto an empty beach under a pale sky."
    asked: list[bool] = []

    def reply(body: dict[str, Any]) -> str:
        asked.append(isinstance(body["messages"][-1]["content"], list))  # a picture is sent
        if not asked[-1]:
            return "A day by the sea #Waves"
        return alt if sum(asked) < 6 else "I'm sorry, I can't help with that."

    with FakeProvider(reply=reply) as server:
        spec = GenerationSpec(model="openai/m", endpoint=server.url, alt_text="model", max_concurrency=1)
        result = generate_posts(spec, PromptSpec(), FeatureSpec(), EVERYTHING, FREE)
        assert result.bought == 7 + 6, "seven posts, one of them without a picture"
    rows = home.store().query("SELECT alt_text, image_path FROM judged_posts")
    alts = [row["alt_text"] for row in rows if row["image_path"]]
    assert len(alts) == 6 and alts.count(alt) == 5 and all(alts)
    assert [row["alt_text"] for row in rows if not row["image_path"]] == [None]


def test_an_offline_writer_sees_no_pictures() -> None:
    with pytest.raises(ValueError, match="sees no pictures"):
        GenerationSpec(alt_text="model")


LABELS = {
    "mood": {
        "prompts": ["a photo that feels {}."],
        "text_prompts": ["I feel {}."],
        "classes": {"glad": ["happy"], "sad": ["unhappy"]},
    }
}


def test_classes_are_described_once_and_the_file_can_be_used(home: Settings, tmp_path: Path) -> None:
    labels, out = tmp_path / "moods.yaml", tmp_path / "described.yaml"
    labels.write_text(yaml.safe_dump(LABELS), encoding="utf-8")

    def reply(body: dict[str, Any]) -> str:
        return "1. People laugh under a bright summer sky.\n2. A dog jumps into the lake with joy."

    with FakeProvider(reply=reply) as server:
        spec = DescriptionSpec(model="openai/m", endpoint=server.url, sentences=2)
        found = describe_classes(labels, out, spec, FREE)
        assert found.bought == server.stats["requests"] == 10, "two classes, five questions each"
        again = describe_classes(labels, out, spec, FREE)
        assert (again.bought, again.reused, server.stats["requests"]) == (0, 10, 10)
    written = yaml.safe_load(out.read_text("utf-8"))
    assert written["mood"]["sentences"]["glad"] == [
        "People laugh under a bright summer sky.",
        "A dog jumps into the lake with joy.",
    ]
    assert written["described"]["model"] == "openai/m"


def test_a_labels_file_that_is_not_there_is_one_clear_line(home: Settings, tmp_path: Path) -> None:
    with FakeProvider() as server, pytest.raises(UserError, match=r"no\.yaml"):
        spec = DescriptionSpec(model="openai/m", endpoint=server.url)
        describe_classes(tmp_path / "no.yaml", tmp_path / "out.yaml", spec, FREE)
