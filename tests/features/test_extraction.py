"""One pass over items: rows, ranks, ids, what is left out, and that neither batch nor order changes anything."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from components.features import extract, forward_passes
from components.records import Feature, Item
from tests.features.tiny_models import Tiny

VECTORS = {"clip_image", "clip_text", "picture", "text"}
Items = Callable[[int], list[Item]]


def of(features: list[Feature], item: Item, name: str) -> list[Feature]:
    return [f for f in features if f.item_id == item.item_id and f.name == name]


def test_an_item_with_picture_and_text_has_everything(tiny: Tiny, items: Items) -> None:
    spec, [item] = tiny.spec(), items(1)
    features, refused = extract([item], spec)
    assert not refused
    assert {f.name for f in features} == VECTORS | {"caption", "topic", "sentiment", "scene", "keyword"}
    for name, count in {"caption": 4, "topic": 5, "sentiment": 3, "scene": 3, "keyword": 6}.items():
        rows = of(features, item, name)
        assert [f.rank for f in rows] == list(range(count)), name
        assert all(f.text and f.score is not None and f.vector is None for f in rows)
        assert [f.score for f in rows] == sorted((f.score for f in rows if f.score is not None), reverse=True)
    for name in VECTORS:
        [row] = of(features, item, name)
        assert row.vector and len(row.vector) == 32 and row.text is None and row.score is None
    assert sum(f.score or 0 for f in of(features, item, "sentiment")) == pytest.approx(1, abs=1e-4)
    assert all(f.feature_id == Feature.make_id(item.item_id, spec.id, f.name, f.rank) for f in features)
    models = {f.name: f.model.split("@")[0] for f in features}
    assert models == {
        "caption": "tiny/captioner", "topic": "tiny/network", "sentiment": "tiny/network", "scene": "tiny/network",
        "keyword": "tiny/text_encoder", "clip_image": "tiny/clip", "clip_text": "tiny/clip",
        "picture": "tiny/picture_encoder", "text": "tiny/text_encoder",
    }  # fmt: skip


def test_a_captions_score_is_its_cosine_with_the_picture(tiny: Tiny, items: Items) -> None:
    from components.features import load_models

    features, _ = extract(items(1), tiny.spec())
    [picture] = [f.vector for f in features if f.name == "clip_image"]
    captions = [f for f in features if f.name == "caption"]
    vectors = load_models(tiny.spec()).clip.texts([str(f.text) for f in captions])
    for row, vector in zip(captions, vectors.tolist(), strict=True):
        assert row.score == pytest.approx(sum(a * b for a, b in zip(vector, picture or [], strict=True)), abs=1e-5)


def test_a_text_alone_and_a_picture_alone(tiny: Tiny, items: Items) -> None:
    five = items(5)
    picture_only, text_only = five[1], five[4]
    assert picture_only.text == "" and text_only.image_path is None
    features, refused = extract(five, tiny.spec())
    assert not refused
    assert {f.name for f in features if f.item_id == text_only.item_id} == {
        "topic", "sentiment", "keyword", "clip_text", "text",
    }  # fmt: skip
    assert {f.name for f in features if f.item_id == picture_only.item_id} == {
        "caption", "topic", "sentiment", "scene", "keyword", "clip_image", "picture",
    }  # fmt: skip
    caption = str(of(features, picture_only, "caption")[0].text).lower()
    assert all(str(f.text).lower() in caption for f in of(features, picture_only, "keyword"))


@pytest.mark.parametrize("size", [1, 3, 7])
def test_neither_batch_nor_company_changes_a_row(tiny: Tiny, items: Items, size: int) -> None:
    """ACCEPTANCE F2."""
    twelve = items(12)
    whole, _ = extract(twelve, tiny.spec(batch_size=16))
    parts, _ = extract(twelve, tiny.spec(batch_size=size))
    assert [f.feature_id for f in parts] == [f.feature_id for f in whole]
    same_rows(whole, parts)
    backwards, _ = extract(twelve[::-1], tiny.spec(batch_size=size))
    same_rows(sorted(whole, key=lambda f: f.feature_id), sorted(backwards, key=lambda f: f.feature_id))


def same_rows(one: list[Feature], other: list[Feature]) -> None:
    for a, b in zip(one, other, strict=True):
        assert (a.feature_id, a.text, a.model) == (b.feature_id, b.text, b.model)
        assert a.score == b.score or a.score == pytest.approx(b.score, abs=1e-4)
        assert (a.vector is None) == (b.vector is None)
        assert a.vector is None or list(a.vector) == pytest.approx(b.vector, abs=1e-4)


def test_items_come_out_in_the_order_they_went_in(tiny: Tiny, items: Items) -> None:
    nine = items(9)[::-1]
    features, _ = extract(nine, tiny.spec(batch_size=4))
    assert list(dict.fromkeys(f.item_id for f in features)) == [item.item_id for item in nine]


def test_the_seed_and_the_number_of_captions_matter(tiny: Tiny, items: Items) -> None:
    def captions(**changes: object) -> set[str | None]:
        return {f.text for f in extract(items(1), tiny.spec(**changes))[0] if f.name == "caption"}

    assert captions() == captions() != captions(seed=1)
    assert captions() < captions(captions=6), "the first four candidates stay what they are"


def test_equal_captions_are_all_kept(tiny: Tiny, items: Items) -> None:
    features, _ = extract(items(1), tiny.spec(temperature=0.001))
    rows = [f for f in features if f.name == "caption"]
    assert len({f.text for f in rows}) == 1 and [f.rank for f in rows] == [0, 1, 2, 3]


def test_pictures_that_are_gone_changed_or_broken_are_quarantined(tiny: Tiny, items: Items, tmp_path: Path) -> None:
    good, *_ = items(1)
    gone = replace(good, item_id="gone", image_path=str(tmp_path / "gone.png"))
    changed = replace(good, item_id="changed", sha256="0" * 64)
    broken = replace(good, item_id="broken", image_path=str(tmp_path / "broken.jpg"), sha256=None)
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 not much of a picture")
    empty = replace(good, item_id="empty", image_path=None, sha256=None, text=" ")
    features, refused = extract([gone, changed, good, broken, empty], tiny.spec(batch_size=2))
    assert {f.item_id for f in features} == {good.item_id}
    assert [(q.item_id, q.step) for q in refused] == [
        (i, "extract_features") for i in ("gone", "changed", "broken", "empty")
    ]
    assert [q.reason for q in refused][:2] == ["picture_missing", "changed"] and all(q.detail for q in refused)


def test_hard_texts_go_through(tiny: Tiny, items: Items) -> None:
    texts = ["🔥🔥🔥", "https://t.co/a", "half \ud83d pair", "word " * 2000, "海辺の夕日", "\u202eabc", "#", "a"]
    hard = [
        replace(items(1)[0], item_id=f"hard {i}", image_path=None, sha256=None, text=text)
        for i, text in enumerate(texts)
    ]
    features, refused = extract(hard, tiny.spec(batch_size=3))
    assert not refused
    assert len({f.item_id for f in features}) == len(texts)


def test_no_item_no_model(tiny: Tiny) -> None:
    before = forward_passes()
    assert extract([], tiny.spec()) == ([], [])
    assert forward_passes() == before


def test_forward_passes_are_counted(tiny: Tiny, items: Items) -> None:
    before = forward_passes()
    extract(items(2), tiny.spec())
    used = forward_passes() - before
    assert set(used) == {"captioner", "clip_image", "clip_text", "picture_encoder", "text_encoder", "network"}


def test_bfloat16_weights_give_nearly_the_same_vectors(tiny: Tiny, items: Items) -> None:
    exact, _ = extract(items(3), tiny.spec())
    rough, _ = extract(items(3), tiny.spec(dtype="bfloat16"))
    assert tiny.spec().id == tiny.spec(dtype="float32").id != tiny.spec(dtype="bfloat16").id
    ours, theirs = ({(f.item_id, f.name): f.vector for f in features if f.vector} for features in (exact, rough))
    assert ours.keys() == theirs.keys()
    for key, vector in ours.items():
        other = theirs[key] or []
        assert vector != other
        product = sum(a * b for a, b in zip(vector, other, strict=True))
        lengths = sum(a * a for a in vector) * sum(b * b for b in other)
        assert product / lengths**0.5 > 0.99
