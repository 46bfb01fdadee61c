"""The shipped starter models on the shipped sample pictures: what a newcomer sees first must be right."""

import csv
from datetime import UTC, datetime
from pathlib import Path

import pytest

from components.features import extract
from components.items.pictures import inspect_picture
from components.records import Feature, Item
from components.specs import FeatureSpec

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "campaigns/samples"


@pytest.fixture(scope="module")
def found() -> dict[str, list[Feature]]:
    """Features of two pictures per scene, by the picture's name."""
    texts = {row["image"]: row["text"] for row in csv.DictReader((SAMPLES / "samples.csv").open(encoding="utf-8"))}
    items = []
    for path in sorted(path for path in SAMPLES.glob("*.jpg") if path.stem.endswith(("-01", "-02"))):
        facts = inspect_picture(path)
        items.append(
            Item(
                item_id=path.stem, dataset="samples", spec_id="s", source_uri=str(path), image_path=str(path),
                sha256=facts.sha256, width=facts.width, height=facts.height, text=texts[path.name], language="en",
                ingested_at=datetime.now(UTC),
            )
        )  # fmt: skip
    features, refused = extract(items, FeatureSpec(device="cpu"))
    assert not refused
    return {item.item_id: [f for f in features if f.item_id == item.item_id] for item in items}


def test_scenes_are_named(found: dict[str, list[Feature]]) -> None:
    best = {name: next(f.text for f in rows if f.name == "scene") for name, rows in found.items()}
    wrong = {name: scene for name, scene in best.items() if scene != name[:-3].replace("-", " ")}
    assert len(wrong) <= 0.1 * len(best), wrong


def test_captions_are_good_english_and_ranked(found: dict[str, list[Feature]]) -> None:
    for name, rows in found.items():
        captions = [f for f in rows if f.name == "caption"]
        assert [f.rank for f in captions] == [0, 1, 2, 3], name
        assert all(f.text and 2 <= len(f.text.split()) <= 32 for f in captions), name


def test_every_item_has_keywords(found: dict[str, list[Feature]]) -> None:
    assert all(len([f for f in rows if f.name == "keyword"]) >= 2 for rows in found.values())
