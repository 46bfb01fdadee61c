"""Parts of a picture are outlined where they are, and what was too uncertain to be told says so."""

from collections.abc import Callable
from typing import Any

from components.records import Feature, Item
from components.report import render
from components.report.cards import parts_of

EVIL = '"><script>alert(1)</script>'


def rows_of_parts(item: Item, like: Feature) -> list[Feature]:
    """A certain part and an uncertain one, of the features that `like` belongs to."""
    found: list[tuple[str, int, str, float, float | None, tuple[float, ...]]] = [
        ("crop", 0, "salient part", 0.62, None, (0.25, 0.5, 0.75, 1.0)),
        ("crop_caption", 0, f"a red ball {EVIL}", 0.33, 0.3, (0.25, 0.5, 0.75, 1.0)),
        ("crop", 1, "salient part", 0.21, None, (0.0, 0.0, 0.5, 0.25)),
        ("crop_caption", 1, "a white bus", 0.12, 0.3, (0.0, 0.0, 0.5, 0.25)),
    ]
    return [
        Feature(
            feature_id=Feature.make_id(item.item_id, like.spec_id, name, rank), item_id=item.item_id,
            spec_id=like.spec_id, name=name, rank=rank, text=text, score=score, threshold=threshold, box=box,
            model="starter/captioner@0a1b2c3d4e5f",
        )
        for name, rank, text, score, threshold, box in found
    ]  # fmt: skip


def test_parts_are_outlined_and_uncertain_words_say_so(empty_home: Callable[[], Any], pictures: list[Any]) -> None:
    home = empty_home()
    item = home.item(1, picture=pictures[0][0], text="hi")
    features = home.features(item, "beach", "travel", "negative", ("a quiet beach",))
    parts = rows_of_parts(item, features[0])
    home.add("features", *parts)
    doubted = next(f for f in features if f.name == "sentiment")
    home.post(item, [f for f in features if f is not doubted] + parts, "Quiet. #Beach")
    home.run()
    with home.store.connect() as db:
        db.execute("UPDATE features SET threshold = 0.95 WHERE name = 'sentiment'")
    html = render(home.store, "run-1")
    width, height = item.width or 0, item.height or 0
    assert f'viewBox="0 0 {width} {height}"' in html
    box = (width // 4, height // 2, width // 2, height // 2)
    assert '<rect x="{}" y="{}" width="{}" height="{}"/>'.format(*box) in html
    assert html.count('class="out"/>') == 1 and "too uncertain to be told: below 0.300" in html
    assert 'class="chip main out unsure" title="too uncertain to be told: below 0.95"' in html
    assert EVIL not in html and "a white bus" in html


def test_without_parts_nothing_is_drawn(home: Any) -> None:
    html = render(home.store, "run-1")
    assert 'class="parts"' not in html and "too uncertain to be told: below" not in html


def test_a_part_needs_its_box_and_the_pictures_size() -> None:
    crop = {"rank": 0, "text": "salient part", "score": 0.6, "box": [0.0, 0.25, 0.5, 1.0]}
    caption = {"rank": 0, "text": "a ball", "score": 0.3, "box": crop["box"]}
    common: dict[str, Any] = {"item_id": "i", "dataset": "d", "spec_id": "s", "source_uri": "u", "ingested_at": None}
    [part] = parts_of([crop], [caption], Item(**common, width=400, height=200))
    assert part["box"] == (0, 50, 200, 150) and part["found"] == crop
    assert parts_of([], [caption], Item(**common, width=400, height=200)) == ()
    assert parts_of([crop], [caption], Item(**common)) == ()
