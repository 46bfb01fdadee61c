"""What the names of Instagram's files say."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from PIL import Image

from components.items import read_entries, split_duplicates
from components.items.instagram import posted_at
from components.specs import DatasetSpec
from tests.items.listing import listed

Save = Callable[..., Path]


def test_names(tmp_path: Path, save: Save) -> None:
    for number, name in enumerate(
        ["1031526209068373158_173560420_small.jpeg", "2533661668880987304_18070405647_1.jpg",
         "2533661668880987304_18070405647_2.jpg", "holiday.jpg", "20240101_123456.jpg", "99999999999999999999_1.jpg"]
    ):  # fmt: skip
        save(f"in/{name}", Image.new("RGB", (40, 40 + number)))
    (tmp_path / "in/1031526209068373158_173560420_small.txt").write_text("with a text")
    spec = DatasetSpec(source="instagram", path=tmp_path / "in")
    entries = listed(spec)
    items, refused = read_entries(entries, spec)
    assert [(item.source_id, item.author) for item in items] == [
        ("1031526209068373158_173560420", "173560420"), ("2533661668880987304_18070405647_1", "18070405647"),
        ("2533661668880987304_18070405647_2", "18070405647"),
    ]  # fmt: skip
    assert (
        items[0].published_at == datetime(2015, 7, 18, 2, 45, 28, 257000, tzinfo=UTC) and items[0].text == "with a text"
    )
    assert [(Path(row.source_uri).name, row.reason) for row in refused] == [
        ("20240101_123456.jpg", "bad_name"), ("99999999999999999999_1.jpg", "bad_name"), ("holiday.jpg", "bad_name"),
    ]  # fmt: skip
    assert split_duplicates(items, {}, {})[1] == [], "the pictures of a carousel are no duplicates"


def test_a_table_of_descriptions_with_windows_paths_and_orphans(tmp_path: Path, save: Save) -> None:
    save("in/2461451681406233413_18070405647.jpg")
    (tmp_path / "in/descriptions.csv").write_text(
        "image_path,description\ndata\\in\\2461451681406233413_18070405647.jpg,Two heroes\n"
        "data\\in\\2534386528749411705_18070405647.jpg,A shield\n"
    )
    spec = DatasetSpec(source="instagram", path=tmp_path / "in")
    items, refused = read_entries(listed(spec), spec)
    assert [(item.text, item.image_path is not None) for item in items] == [("Two heroes", True), ("A shield", False)]
    assert items[1].published_at == posted_at(2534386528749411705) and refused == []
