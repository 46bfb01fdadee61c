"""An arm of other features is judged against the words that the baseline's features found."""

from datetime import UTC, datetime
from pathlib import Path

from components.records import Feature, Item, Prompt
from components.warehouse.store import Store
from flows.judge_posts import words_of

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def test_the_words_shown_are_those_of_the_features_that_are_named(tmp_path: Path) -> None:
    store = Store(tmp_path / "warehouse.duckdb")
    store.prepare()
    item = Item(item_id="i1", dataset="d", spec_id="s", source_uri="u", text="", ingested_at=NOW)
    captions = {"plain": "two dogs", "crops": "two dogs and a very long caption of every part", "untold": "a cat"}
    features = [
        Feature(
            feature_id=f"f-{spec_id}", item_id="i1", spec_id=spec_id, name="caption", text=text, score=0.3, model="m"
        )
        for spec_id, text in captions.items()
    ]
    store.append({"items": [item], "features": features})
    prompts = {
        spec_id: Prompt(
            prompt_id=spec_id, item_id="i1", spec_id="p", feature_spec_id=spec_id, platform="x", template="mpwl",
            system="s", user="u",
        )
        for spec_id in ("plain", "crops")
    }  # fmt: skip
    own = words_of(store, prompts)
    assert {key: words["caption"] for key, words in own.items()} == {
        "plain": ["two dogs"], "crops": [captions["crops"]],
    }  # fmt: skip
    alike = words_of(store, prompts, "plain")
    assert alike["plain"] == alike["crops"] == {"caption": ["two dogs"]}
    assert words_of(store, prompts, "not run") == {"plain": None, "crops": None}, "nobody looked: no empty yardstick"
