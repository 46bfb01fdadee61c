"""From a post to the pixels: one query says which model found each word, where, how surely, and if it is told."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from components.prompts import build
from components.records import Feature, Item, Post
from components.specs import FeatureSpec, PromptSpec
from components.warehouse.store import Store

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
BOX = (0.125, 0.25, 0.5, 0.75)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "warehouse.duckdb")
    made.prepare()
    yield made


def found(spec_id: str) -> list[Feature]:
    rows: list[tuple[str, int, str, float, float | None, tuple[float, ...] | None, str]] = [
        ("caption", 0, "two dogs on a beach", 0.31, None, None, "starter/captioner@aaa"),
        ("caption", 1, "a dog", 0.22, None, None, "starter/captioner@aaa"),
        ("topic", 0, "animals", 0.91, 0.55, None, "starter/network@bbb"),
        ("topic", 1, "travel", 0.05, 0.55, None, "starter/network@bbb"),
        ("sentiment", 0, "negative", 0.41, 0.55, None, "starter/network@bbb"),
        ("scene", 0, "beach", 0.8, None, None, "starter/network@bbb"),
        ("keyword", 0, "dogs", 0.2, None, None, "starter/text_encoder@ccc"),
        ("keyword", 1, "sand", 0.1, None, None, "yake@0.4.8"),
        ("crop", 0, "salient part", 0.6, None, BOX, "spectral_residual@1"),
        ("crop_caption", 0, "a red ball", 0.3, 0.28, BOX, "starter/captioner@aaa"),
        ("crop", 1, "salient part", 0.2, None, (0.5, 0.5, 0.75, 0.75), "spectral_residual@1"),
        ("crop_caption", 1, "a bus", 0.1, 0.28, (0.5, 0.5, 0.75, 0.75), "starter/captioner@aaa"),
        ("crop", 2, "salient part", 0.1, None, (0.0, 0.5, 0.25, 0.75), "spectral_residual@1"),
        ("crop_caption", 2, "Two dogs on a beach", 0.3, 0.28, (0.0, 0.5, 0.25, 0.75), "starter/captioner@aaa"),
    ]
    return [
        Feature(
            feature_id=Feature.make_id("i1", spec_id, name, rank), item_id="i1", spec_id=spec_id, name=name, rank=rank,
            text=text, score=score, threshold=threshold, box=box, model=model,
        )
        for name, rank, text, score, threshold, box, model in rows
    ]  # fmt: skip


def trace(store: Store, spec: PromptSpec) -> dict[tuple[str, int], dict[str, Any]]:
    """Builds the prompt of the one item, has a post written, and asks where its words come from."""
    features = FeatureSpec(crops="saliency")
    item = Item(
        item_id="i1", dataset="d", spec_id="D", source_uri="u", image_path="/a.jpg", sha256="5" * 64, width=8, height=8,
        ingested_at=NOW,
    )  # fmt: skip
    rows = found(features.id)
    [prompt], _ = build([item], {"i1": rows}, spec)
    post = Post(
        post_id=f"post {spec.id}", prompt_id=prompt.prompt_id, spec_id="G", platform="x", text="Hi", created_at=NOW
    )
    store.register(features, spec)
    store.append({"items": [item], "features": rows, "prompts": [prompt], "posts": [post]})
    answer = store.query("SELECT * FROM prompt_word_sources WHERE post_id = $post", {"post": post.post_id})
    return {(row["word"], row["rank"]): row for row in answer}


def test_one_query_goes_from_a_post_to_pixels_boxes_models_revisions_and_probabilities(store: Store) -> None:
    rows = trace(store, PromptSpec())
    assert {key for key, row in rows.items() if row["used"]} == {
        ("caption", 0), ("topic", 0), ("scene", 0), ("keywords", 0), ("keywords", 1), ("details", 0),
    }  # fmt: skip
    assert all(row["sha256"] == "5" * 64 and row["image_path"] == "/a.jpg" for row in rows.values())
    prints = FeatureSpec().resolved()["model_set"]
    topic, detail = rows["topic", 0], rows["details", 0]
    assert (topic["text"], topic["probability"], topic["threshold"], topic["box"]) == ("animals", 0.91, 0.55, None)
    assert topic["revision"] == prints["network"] and topic["model"] == "starter/network@bbb"
    assert detail["box"] == list(BOX) and detail["revision"] == prints["captioner"] and detail["probability"] is None
    assert (detail["box_label"], detail["box_score"]) == ("salient part", 0.6)
    assert (detail["box_model"], detail["box_revision"]) == ("spectral_residual@1", "1")
    assert rows["keywords", 1]["revision"] == "0.4.8", "what is no part of the model set"


def test_what_was_left_out_says_why(store: Store) -> None:
    reasons = {key: row["reason"] for key, row in trace(store, PromptSpec()).items() if not row["used"]}
    assert reasons == {
        ("caption", 1): "outranked", ("topic", 1): "outranked", ("sentiment", 0): "abstained",
        ("details", 1): "abstained", ("details", 2): "repeated",
    }  # fmt: skip


def test_ablated_words_bold_prompts_and_templates_without_words(store: Store, tmp_path: Path) -> None:
    ablated = trace(store, PromptSpec(words=("caption", "sentiment"), abstain=False))
    assert {row["reason"] for (word, _), row in ablated.items() if word in ("topic", "scene", "keywords")} == {
        "ablated"
    }
    assert ablated["sentiment", 0]["used"] and ablated["details", 0]["reason"] == "ablated"
    plain = trace(store, PromptSpec(template="plain"))
    assert not any(row["used"] for row in plain.values())
    assert plain["topic", 0]["reason"] == "not_in_template" and plain["sentiment", 0]["reason"] == "abstained"


def test_used_and_reason_always_agree_with_what_the_prompt_holds(store: Store) -> None:
    for spec in (PromptSpec(), PromptSpec(words=("details",)), PromptSpec(abstain=False), PromptSpec(template="plain")):
        for row in trace(store, spec).values():
            assert row["used"] == (row["reason"] is None)
    only_details = trace(store, PromptSpec(words=("details",)))
    assert only_details["details", 2]["used"], "without the caption it repeats nothing"


def test_features_of_another_spec_are_not_the_posts(store: Store) -> None:
    before = trace(store, PromptSpec())
    store.append({"features": [replace(row, feature_id=f"x{n}", spec_id="other") for n, row in enumerate(found("F"))]})
    assert trace(store, PromptSpec()) == before
