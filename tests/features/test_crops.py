"""Parts of pictures: what stands out is found, boxes are worth a look, and each part is captioned and classified."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image, ImageDraw

from components.errors import UserError
from components.features import extract, forward_passes, load_models, model_set_fingerprint
from components.features.crops import crop_pixels
from components.features.crops.boxes import Part, padded, pixels_of, same_place, settle
from components.features.crops.detector import Detector
from components.features.crops.saliency import LABEL, METHOD, salient_parts
from components.features.extraction import PARTS_SIDE
from components.features.findings import NEARLY_AS_SURE
from components.items.pictures import open_picture
from components.records import Feature, Item
from tests.features.tiny_detectors import make_grounding_dino, make_owlvit
from tests.features.tiny_models import Tiny, write_set

Box = tuple[float, float, float, float]


def landscape(width: int = 400, height: int = 300) -> Image.Image:
    """A sky that darkens upwards, over grass."""
    rows = np.linspace(120, 230, height)[:, None, None] * np.ones((1, width, 3)) * [0.7, 0.85, 1.0]
    rows[height * 3 // 4 :] = [70, 120, 60]
    return Image.fromarray(rows.astype("uint8"))


def with_balls(*boxes: Box, image: Image.Image | None = None) -> Image.Image:
    image = image or landscape()
    for left, top, right, bottom in boxes:
        place = (left * image.width, top * image.height, right * image.width, bottom * image.height)
        ImageDraw.Draw(image).ellipse(place, fill=(220, 40, 30))
    return image


def shared(one: Box, other: Box) -> float:
    wide = max(0.0, min(one[2], other[2]) - max(one[0], other[0]))
    high = max(0.0, min(one[3], other[3]) - max(one[1], other[1]))
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return wide * high / (sum(areas) - wide * high)


def covered(inner: Box, outer: Box) -> float:
    """The share of one box that lies in another."""
    wide = max(0.0, min(inner[2], outer[2]) - max(inner[0], outer[0]))
    high = max(0.0, min(inner[3], outer[3]) - max(inner[1], outer[1]))
    return round(wide * high / ((inner[2] - inner[0]) * (inner[3] - inner[1])), 9)


def found_in(image: Image.Image, keep: int = 3) -> list[Part]:
    return settle(salient_parts(image), image.width, image.height, keep)


@pytest.mark.parametrize("box", [(0.1, 0.2, 0.3, 0.45), (0.6, 0.3, 0.85, 0.6), (0.4, 0.65, 0.6, 0.95)])
def test_the_one_thing_in_a_landscape_stands_out(box: Box) -> None:
    [part] = found_in(with_balls(box))
    assert covered(box, part.box) == 1 and shared(part.box, box) > 0.25
    assert part.label == LABEL and part.score > 0.4


def test_two_things_are_two_parts_and_the_larger_share_comes_first() -> None:
    boxes: list[Box] = [(0.1, 0.2, 0.3, 0.45), (0.65, 0.4, 0.9, 0.7)]
    parts = found_in(with_balls(*boxes))
    assert len(parts) == 2 and parts[0].score >= parts[1].score
    assert all(max(shared(part.box, box) for part in parts) > 0.25 for box in boxes)
    assert len(found_in(with_balls(*boxes), keep=1)) == 1


@pytest.mark.parametrize(
    "image",
    [
        Image.new("RGB", (300, 200), (90, 140, 200)),
        Image.new("L", (300, 200), 0),
        Image.new("RGB", (2, 900)),
        Image.fromarray(np.tile(np.linspace(0, 255, 400)[None, :, None], (300, 1, 3)).astype("uint8")),
        Image.fromarray(np.tile(np.linspace(0, 255, 300)[:, None, None], (1, 400, 3)).astype("uint8")),
        Image.fromarray(np.random.default_rng(0).integers(0, 256, (300, 400, 3)).astype("uint8")),
        Image.fromarray((np.kron(np.indices((12, 16)).sum(0) % 2, np.ones((25, 25))) * 255).astype("uint8")),
    ],
    ids=["one colour", "black", "a line", "from left to right", "from top to bottom", "noise", "chequered"],
)
def test_where_nothing_stands_out_there_is_no_part(image: Image.Image) -> None:
    assert found_in(image) == []


def test_saliency_is_the_same_twice_and_on_any_scale() -> None:
    image = with_balls((0.6, 0.3, 0.85, 0.6))
    assert salient_parts(image) == salient_parts(image.copy())
    [small], [large] = found_in(image), found_in(image.resize((1600, 1200), Image.Resampling.BICUBIC))
    assert shared(small.box, large.box) > 0.8


def part(score: float, *box: float, label: str = "x") -> Part:
    return Part(label, score, (box[0], box[1], box[2], box[3]))


def test_boxes_too_small_too_large_or_of_one_place_are_left_out() -> None:
    good, elsewhere = part(0.5, 0.1, 0.1, 0.4, 0.5), part(0.3, 0.6, 0.5, 0.9, 0.9)
    others = [
        part(0.9, 0.0, 0.0, 1.0, 0.9),  # nearly all
        part(0.8, 0.5, 0.5, 0.55, 0.9),  # a line
        part(0.45, 0.12, 0.1, 0.4, 0.5),  # the same again
        part(0.44, 0.2, 0.2, 0.35, 0.4),  # inside
    ]
    kept = settle([elsewhere, *others, good], 1000, 800, 8)
    assert [p.score for p in kept] == [0.5, 0.3]
    assert [p.score for p in settle([elsewhere, *others, good], 1000, 800, 1)] == [0.5]
    assert settle([good], 120, 100, 8, least=45) == [] and settle([good], 240, 200, 8, least=45) != []


def test_settled_boxes_are_padded_inside_the_picture_and_scores_are_shares() -> None:
    [kept] = settle([part(1.0000001, 0.0, 0.2, 0.5, 0.7)], 1000, 1000, 2)
    assert kept.box == (0.0, 0.16, 0.54, 0.74) and kept.score == 1.0
    assert padded((0.9, 0.9, 1.0, 1.0))[2:] == (1.0, 1.0)


def test_equal_scores_go_by_place_whatever_the_order() -> None:
    one, other = part(0.5, 0.1, 0.1, 0.4, 0.5), part(0.5, 0.6, 0.5, 0.9, 0.9)
    assert settle([one, other], 1000, 1000, 1) == settle([other, one], 1000, 1000, 1)


def test_overlap() -> None:
    assert same_place((0, 0, 0.5, 0.5), (0.05, 0.05, 0.5, 0.5)) and same_place((0, 0, 1, 1), (0.4, 0.4, 0.5, 0.5))
    assert not same_place((0, 0, 0.5, 0.5), (0.4, 0.4, 0.9, 0.9)) and not same_place((0, 0, 0.5, 1), (0.5, 0, 1, 1))


def test_a_box_is_never_less_than_a_pixel() -> None:
    assert pixels_of((0.25, 0.5, 0.75, 1.0), 400, 300) == (100, 150, 300, 300)
    assert pixels_of((0.999, 0.999, 1.0, 1.0), 10, 10) == (9, 9, 10, 10)


@pytest.fixture
def pictures(items: Callable[[int], list[Item]], tmp_path: Path) -> list[Item]:
    """Six items: four with balls, one picture where nothing stands out, one text."""
    made = []
    places: list[list[Box]] = [
        [(0.1, 0.2, 0.4, 0.6)], [(0.6, 0.3, 0.9, 0.7)], [(0.1, 0.2, 0.35, 0.5), (0.6, 0.4, 0.9, 0.8)],
        [(0.4, 0.5, 0.7, 0.9)],
    ]  # fmt: skip
    for i, boxes in enumerate(places):
        with_balls(*boxes, image=landscape(400 + 40 * i)).save(tmp_path / f"{i}.png")
        made.append(replace(items(1)[0], item_id=f"ball{i}", image_path=str(tmp_path / f"{i}.png"), sha256=None))
    Image.new("RGB", (300, 200), (90, 140, 200)).save(tmp_path / "flat.png")
    flat = replace(made[0], item_id="flat", image_path=str(tmp_path / "flat.png"))
    return [*made, flat, replace(made[0], item_id="text", image_path=None)]


def of(features: list[Feature], item_id: str, name: str) -> list[Feature]:
    return [f for f in features if f.item_id == item_id and f.name == name]


def test_parts_are_captioned_and_classified_and_share_rank_and_box(tiny: Tiny, pictures: list[Item]) -> None:
    spec = tiny.spec(crops="saliency", crops_kept=3)
    features, refused = extract(pictures, spec)
    assert not refused
    assert {f.item_id for f in features if f.name.startswith("crop")} == {"ball0", "ball1", "ball2", "ball3"}
    assert len(of(features, "ball2", "crop")) == 2
    for item_id in ("ball0", "ball1", "ball2", "ball3"):
        crops = of(features, item_id, "crop")
        scores = [f.score or 0 for f in crops]
        assert [f.rank for f in crops] == list(range(len(crops))) and scores == sorted(scores, reverse=True)
        assert {(f.text, f.model) for f in crops} == {(LABEL, METHOD)}
        for name, model in (
            ("crop_caption", "tiny/captioner@"), ("crop_topic", "tiny/network@"), ("crop_scene", "tiny/network@"),
        ):  # fmt: skip
            rows = of(features, item_id, name)
            assert [(f.rank, f.box) for f in rows] == [(f.rank, f.box) for f in crops]
            assert all(f.text and f.score is not None and f.vector is None for f in rows)
            assert all(f.model.startswith(model) for f in rows)
            assert all(f.feature_id == Feature.make_id(item_id, spec.id, name, f.rank) for f in rows)
        best = max(0.0, of(features, item_id, "caption")[0].score or 0)
        assert [f.threshold for f in of(features, item_id, "crop_caption")] == pytest.approx(
            [NEARLY_AS_SURE * best] * len(crops), abs=1e-6
        )


def test_a_part_is_described_like_a_picture_of_it_alone(tiny: Tiny, pictures: list[Item], tmp_path: Path) -> None:
    spec = tiny.spec(crops="saliency")
    features, _ = extract(pictures[:1], spec)
    [crop] = of(features, "ball0", "crop")
    image = Image.open(str(pictures[0].image_path))
    left, top, right, bottom = crop.box or (0, 0, 0, 0)
    image.crop(pixels_of((left, top, right, bottom), *image.size)).save(tmp_path / "alone.png")
    alone = replace(pictures[0], item_id="alone", image_path=str(tmp_path / "alone.png"), text="")
    of_alone, _ = extract([alone], tiny.spec())
    for task in ("topic", "scene"):
        [ours] = of(features, "ball0", f"crop_{task}")
        theirs = of(of_alone, "alone", task)[0]
        assert ours.text == theirs.text and ours.score == pytest.approx(theirs.score, abs=1e-5)


def test_a_parts_caption_is_scored_by_the_part_and_the_whole(tiny: Tiny, pictures: list[Item]) -> None:
    spec = tiny.spec(crops="saliency", crops_kept=1)
    features, _ = extract(pictures[:1], spec)
    [told], [whole] = of(features, "ball0", "crop_caption"), of(features, "ball0", "clip_image")
    models = load_models(spec)
    image = open_picture(str(pictures[0].image_path), short_side=PARTS_SIDE * models.short_side)
    [crop] = crop_pixels(image, models, spec)
    text = models.clip.texts([str(told.text)])[0]
    cosines = text @ models.clip.pictures(crop.pixels["clip"][None])[0], text @ torch.tensor(list(whole.vector or []))
    assert told.score == pytest.approx(float(sum(cosines)) / 2, abs=1e-5)


def test_crops_change_nothing_else_and_neither_batch_nor_company_changes_them(tiny: Tiny, pictures: list[Item]) -> None:
    def content(features: list[Feature], crops: bool) -> list[tuple[object, ...]]:
        return sorted(
            (f.item_id, f.name, f.rank, f.text, f.box, f.model, round(f.score, 4) if f.score is not None else None)
            for f in features
            if f.name.startswith("crop") == crops
        )

    without, _ = extract(pictures, tiny.spec())
    whole, _ = extract(pictures, tiny.spec(crops="saliency", batch_size=16))
    assert content(without, False) == content(whole, False) and not content(without, True)
    assert {f.box for f in without} == {None}
    for size, order in ((1, pictures), (2, pictures[::-1])):
        parts, _ = extract(order, tiny.spec(crops="saliency", batch_size=size))
        assert content(parts, True) == content(whole, True)


@pytest.fixture(scope="module")
def detecting(tiny: Tiny) -> Tiny:
    """The tiny set with a detector, whose random scores lie above any threshold."""
    make_grounding_dino(tiny.folder / "detector")
    return beside(tiny, "detecting", detector={"path": "detector"}, detector_prompts=["a person", "a red ball"])


def beside(tiny: Tiny, name: str, **parts: object) -> Tiny:
    """Another set of the same parts, and more."""
    file = tiny.folder / f"{name}.yaml"
    file.write_text(yaml.safe_dump(yaml.safe_load(tiny.file.read_text()) | parts))
    return Tiny(file, tiny.folder)


@pytest.mark.parametrize("make", [make_grounding_dino, make_owlvit])
def test_a_detector_of_either_kind_gives_names_scores_and_boxes(make: Callable[[Path], None], tmp_path: Path) -> None:
    make(tmp_path / "detector")
    device = torch.device("cpu")
    detector = Detector(["A person", "a red ball"], tmp_path / "detector", device, torch.bfloat16, least=0.0)
    before, image = forward_passes(), with_balls((0.6, 0.3, 0.9, 0.7))
    parts = detector(image)
    assert (forward_passes() - before)["detector"] == 1
    assert parts and {p.label for p in parts} <= {"a person", "a red ball", "part"}
    assert all(0 <= p.score <= 1 for p in parts)
    assert all(0 <= p.box[0] < p.box[2] <= 1 and 0 <= p.box[1] < p.box[3] <= 1 for p in parts)
    assert parts == detector(image.copy())
    most = Detector(["a person"], tmp_path / "detector", device, torch.float32, least=1.0)
    assert most(image) == []


def test_boxes_are_shares_of_the_picture_whatever_its_size(tmp_path: Path) -> None:
    make_grounding_dino(tmp_path / "detector")
    detector = Detector(["a person"], tmp_path / "detector", torch.device("cpu"), torch.float32, least=0.0)
    image = with_balls((0.6, 0.3, 0.9, 0.7))
    once, twice = detector(image), detector(image.resize((800, 600), Image.Resampling.NEAREST))
    assert [p.box for p in once] == [pytest.approx(p.box, abs=0.02) for p in twice]


def test_what_the_detector_finds_is_described(detecting: Tiny, pictures: list[Item]) -> None:
    spec = detecting.spec(crops="detector")
    features, refused = extract(pictures, spec)
    crops = [f for f in features if f.name == "crop"]
    assert not refused and crops and all(f.model.startswith("detecting/detector@") for f in crops)
    assert {f.text for f in crops} <= {"a person", "a red ball", "part"}
    assert len({f.item_id for f in crops}) >= 3 and all(f.rank < spec.crops_kept for f in crops)
    alone, _ = extract(pictures[2:3], spec)
    assert [f.box for f in of(alone, "ball2", "crop")] == [f.box for f in of(features, "ball2", "crop")]


def test_a_detector_is_only_loaded_where_it_is_asked_for(detecting: Tiny, pictures: list[Item]) -> None:
    assert load_models(detecting.spec()).detector is None
    assert load_models(detecting.spec(crops="detector")).detector is not None
    prints = model_set_fingerprint(str(detecting.file))
    assert prints["detector"].startswith("sha256:") and prints["detector_prompts"] == "a person. a red ball"


def test_other_prompts_are_another_spec(detecting: Tiny) -> None:
    before = detecting.spec(crops="detector").id
    text = detecting.file.read_text()
    detecting.file.write_text(text.replace("red ball", "dog"))
    assert detecting.spec(crops="detector").id != before
    detecting.file.write_text(text)
    assert detecting.spec(crops="detector").id == before


def test_a_set_without_a_detector_says_what_to_add(tiny: Tiny, pictures: list[Item]) -> None:
    with pytest.raises(
        UserError, match=r"features\.crops: detector, .*tiny.* has none; give .*tiny\.yaml .*detector:"
    ) as e:
        extract(pictures, tiny.spec(crops="detector"))
    assert "\n" not in str(e.value) and "grounding-dino" in str(e.value)


@pytest.mark.parametrize("prompts", [[], ["a cat. a dog"], [" "]])
def test_prompts_that_cannot_be_told_apart_are_refused(tmp_path: Path, prompts: list[str]) -> None:
    broken = write_set(tmp_path, detector={"path": "detector"}, detector_prompts=prompts)
    with pytest.raises(UserError, match="detector_prompts"):
        model_set_fingerprint(str(broken.file))


def test_another_kind_of_model_is_no_detector(tiny: Tiny, pictures: list[Item]) -> None:
    wrong = beside(tiny, "wrong", detector={"path": "text_encoder"})
    with pytest.raises(UserError, match=r"detector in .*text_encoder cannot be loaded"):
        extract(pictures, wrong.spec(crops="detector"))
