"""Image folders, Scene-15, Places365, FI and drawings, each in a small set of its exact form on disk."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image

from components.drawings.drawing import draw
from components.drawings.vocabulary import SCENES, SENTIMENTS, TOPICS
from components.errors import UserError
from components.items.pictures import open_picture
from components.learning.examples import list_examples, read_examples, settle
from components.learning.sources.drawings import SIDE
from components.learning.spec import LabelledSource, Task
from components.records import Example, Quarantine

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SCENE = {"scene": Task(labels=SCENES)}


def picture(path: Path, shade: int = 100) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (32, 24), (shade % 256, shade // 256, 50)).save(path, "JPEG")
    return path


def pictures(root: Path, *names: str) -> None:
    for shade, name in enumerate(names):
        picture(root / name, shade * 7)


def read(source: LabelledSource, tasks: Mapping[str, Task]) -> tuple[list[Example], list[Quarantine]]:
    entries = list_examples(source)
    examples, refused = read_examples(entries, source, tasks, NOW)
    assert len(examples) + len(refused) == len(entries)
    return examples, refused


def by_name(examples: Sequence[Example]) -> dict[str, dict[str, str | float]]:
    return {Path(example.source_uri).name: json.loads(example.labels) for example in examples}


def test_image_folder_as_torchvision_has_it(tmp_path: Path) -> None:
    pictures(tmp_path, "train/cat/a.jpg", "train/cat/deep/b.jpg", "val/dog/c.JPEG", "loose.jpg")
    (tmp_path / "train/dog").mkdir()
    (tmp_path / "train/dog/fake.jpg").write_bytes(b"<html>404</html>")
    (tmp_path / "classes.txt").write_text("cat\ndog\n", encoding="utf-8")
    (tmp_path / "train/cat/.DS_Store").write_bytes(b"x")
    examples, refused = read(LabelledSource(source="image_folder", path=tmp_path, task="animal"), {"animal": Task()})
    assert by_name(examples) == {"a.jpg": {"animal": "cat"}, "b.jpg": {"animal": "cat"}, "c.JPEG": {"animal": "dog"}}
    assert {Path(row.source_uri).name: row.reason for row in refused} == {
        "loose.jpg": "no_label",
        "fake.jpg": "not_a_picture",
        "classes.txt": "not_a_picture",
    }


def test_a_folder_without_class_folders_is_the_users_error(tmp_path: Path) -> None:
    source = LabelledSource(source="image_folder", path=tmp_path / "none")
    with pytest.raises(UserError, match="is no folder"):
        list_examples(source)
    picture(tmp_path / "none" / "a.jpg")
    with pytest.raises(UserError, match="one folder per class"):
        list_examples(source)


@pytest.mark.parametrize(
    "folders", [("MITcoast", "PARoffice", "MITtallbuilding"), ("05", "13", "12"), ("coast", "office", "tall building")]
)
def test_scene15_by_its_three_kinds_of_names(tmp_path: Path, folders: Sequence[str]) -> None:
    pictures(tmp_path, *(f"{folder}/image_{number:04}.jpg" for number, folder in enumerate(folders, 1)))
    source = LabelledSource(source="places", path=tmp_path, label_map="scene15")
    examples, refused = read(source, SCENE)
    assert by_name(examples) == {"image_0001.jpg": {"scene": "beach"}, "image_0003.jpg": {"scene": "city by day"}}
    assert [row.reason for row in refused] == ["no_label"]
    assert "counterpart in label map scene15" in refused[0].detail


CATEGORIES = "/a/airfield 0\n/a/apartment_building/outdoor 8\n/b/beach 48\n/c/coffee_shop 99\n/d/desert/sand 116\n"


def test_places_train_list(tmp_path: Path) -> None:
    (tmp_path / "categories_places365.txt").write_text(CATEGORIES, encoding="utf-8")
    listed = [
        "/a/airfield/00000001.jpg 0", "/b/beach/00000001.jpg 48", "/d/desert/sand/00000002.jpg 116",
        "/c/coffee_shop/00000009.jpg 99", "/c/coffee_shop/00000010.jpg 400", "no number",
    ]  # fmt: skip
    (tmp_path / "places365_train_standard.txt").write_text("\n".join(listed) + "\n", encoding="utf-8")
    root = tmp_path / "data_256_standard"
    pictures(root, "a/airfield/00000001.jpg", "b/beach/00000001.jpg", "d/desert/sand/00000002.jpg")
    source = LabelledSource(source="places", path=tmp_path, label_map="places")
    examples, refused = read(source, SCENE)
    assert [json.loads(example.labels)["scene"] for example in examples] == ["beach", "desert"]
    assert examples[0].image_path == str(root / "b/beach/00000001.jpg")
    assert [row.reason for row in refused] == ["no_label", "picture_missing", "unknown_label", "bad_row"]


def test_places_val_list_and_folders(tmp_path: Path) -> None:
    lists = tmp_path / "filelists"
    lists.mkdir()
    (tmp_path / "categories_places365.txt").write_text(CATEGORIES, encoding="utf-8")
    (lists / "places365_val.txt").write_text("Places365_val_00000001.jpg 48\n", encoding="utf-8")
    (lists / "places365_test.txt").write_text("Places365_test_00000001.jpg\n", encoding="utf-8")
    source = LabelledSource(source="places", path=lists, label_map="places")
    with pytest.raises(UserError, match="none of its first 1 pictures"):
        list_examples(source)
    picture(lists / "val_256" / "Places365_val_00000001.jpg")
    assert by_name(read(source, SCENE)[0]) == {"places365_val.txt#1": {"scene": "beach"}}
    (tmp_path / "categories_places365.txt").unlink()
    with pytest.raises(UserError, match="categories_places365"):
        list_examples(source)
    folders = tmp_path / "folders"
    pictures(folders, "train/a/apartment_building/outdoor/1.jpg", "train/d/desert/sand/2.jpg", "val/b/beach/3.jpg")
    source = LabelledSource(source="places", path=folders)
    assert by_name(read(source, {"scene": Task()})[0]) == {
        "1.jpg": {"scene": "apartment_building/outdoor"},
        "2.jpg": {"scene": "desert/sand"},
        "3.jpg": {"scene": "beach"},
    }


def test_fi_by_folders(tmp_path: Path) -> None:
    root = tmp_path / "emotion_dataset"
    pictures(root, "train/amusement/11.jpg", "train/Fear/12.jpg", "test/awe/13.jpg", "train/other/14.jpg")
    source = LabelledSource(source="fi", path=root, label_map="fi")
    tasks = {"sentiment": Task(labels=SENTIMENTS), "emotion": Task()}
    examples, refused = read(source, tasks)
    assert by_name(examples) == {
        "11.jpg": {"sentiment": "positive", "emotion": "amusement"},
        "12.jpg": {"sentiment": "negative", "emotion": "fear"},
        "13.jpg": {"sentiment": "positive", "emotion": "awe"},
    }
    assert [row.reason for row in refused] == ["no_label"]


def test_fi_by_tables_of_addresses_with_votes(tmp_path: Path) -> None:
    """Hosts hand out one placeholder for all pictures that are gone: it must not teach two emotions."""
    rows = {
        "amusement": [("https://farm1.staticflickr.com/1/11_a.jpg", 1, 4), ("https://x/12%20b.jpg?w=1", 3, 2)],
        "sadness": [("https://x/13.jpg", 0, 5), ("https://x/14.jpg", 2, 3), ("https://x/15.jpg", 2, 3)],
    }
    for emotion, pairs in rows.items():
        body = "".join(f"{url},{against},{votes}\n" for url, against, votes in pairs)
        (tmp_path / f"{emotion}.csv").write_text("url,disagree,agree\n" + body, encoding="utf-8")
    picture(tmp_path / "pictures" / "amusement" / "11_a.jpg", 1)
    picture(tmp_path / "pictures" / "amusement" / "12 b.jpg", 2)
    picture(tmp_path / "pictures" / "sadness" / "13.jpg", 3)
    picture(tmp_path / "pictures" / "sadness" / "14.jpg", 1)
    source = LabelledSource(source="fi", path=tmp_path, label_map="fi")
    examples, refused = read(source, {"sentiment": Task(labels=SENTIMENTS)})
    assert by_name(examples) == {
        "amusement.csv#1": {"sentiment": "positive"},
        "sadness.csv#1": {"sentiment": "negative"},
        "sadness.csv#2": {"sentiment": "negative"},
    }
    assert [row.reason for row in refused] == ["no_majority", "picture_missing"]
    assert "2 of 5 people say amusement" in refused[0].detail
    kept, out = settle(examples, NOW)
    assert [Path(example.source_uri).name for example in kept] == ["sadness.csv#1"]
    assert [row.reason for row in out] == ["conflicting_labels"] * 2
    (tmp_path / "amusement.csv").write_text("picture_id,votes\n1,2\n", encoding="utf-8")
    with pytest.raises(UserError, match="needs a column url"):
        list_examples(source)


def test_drawings_are_drawn_once_and_carry_what_they_were_planned_with(tmp_path: Path) -> None:
    source = LabelledSource(source="drawings", seeds=(20_000_000, 20_000_004), limit=3)
    tasks = {"topic": Task(labels=TOPICS), "sentiment": Task(labels=SENTIMENTS), "scene": Task(labels=SCENES)}
    entries = list_examples(source, tmp_path)
    examples, refused = read_examples(entries, source, tasks, NOW)
    assert len(entries) == len(examples) == 3 and not refused and source.name == "drawings"
    for seed, example in enumerate(examples, 20_000_000):
        drawing = draw(seed, SIDE)
        assert json.loads(example.labels) == {name: getattr(drawing.plan, name) for name in tasks}
        assert example.text == drawing.text.strip()
        assert example.image_path is not None and open_picture(example.image_path).size == (SIDE, SIDE)
    drawn = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert len(drawn) == 3
    assert list_examples(source, tmp_path) == entries
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == drawn
    Path(examples[1].image_path or "").unlink()
    assert list_examples(source, tmp_path) == entries, "a drawing that is drawn again is the same"
    assert read_examples(entries, source, tasks, NOW)[0] == examples


def test_many_drawings_are_drawn_side_by_side_and_alike(tmp_path: Path) -> None:
    few = LabelledSource(source="drawings", seeds=(20_000_000, 20_000_002))
    many = LabelledSource(source="drawings", seeds=(20_000_000, 20_000_018))
    alone = [Path(entry.image_path or "") for entry in list_examples(few, tmp_path / "few")]
    together = [Path(entry.image_path or "") for entry in list_examples(many, tmp_path / "many")]
    assert len(together) == 18 and [path.name for path in together[:2]] == [path.name for path in alone]
    assert [path.read_bytes() for path in together[:2]] == [path.read_bytes() for path in alone]


def test_drawings_need_a_folder_and_seeds(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="folder"):
        list_examples(LabelledSource(source="drawings"))
    with pytest.raises(UserError, match="seeds"):
        list_examples(LabelledSource(source="drawings", seeds=(5, 5)), tmp_path)
