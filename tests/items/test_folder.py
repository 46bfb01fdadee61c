"""Folders of pictures with what lies beside them; every file ends as an item or in quarantine."""

import builtins
import io
import json
import os
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image

from components.errors import UserError
from components.items import list_entries, read_entries
from components.items.entries import Entry
from components.records import Item, Quarantine
from components.specs import DatasetSpec
from tests.items.listing import listed

Save = Callable[..., Path]


def ingest(path: Path, **options: object) -> tuple[list[Entry], dict[str, Item], dict[str, Quarantine]]:
    """Entries, and items and refusals by the last part of their uri."""
    spec = DatasetSpec(source="folder", path=path, **options)  # type: ignore[arg-type]
    entries = listed(spec)
    items, refused = read_entries(entries, spec)
    assert len(items) + len(refused) == len(entries) == len({entry.source_uri for entry in entries})
    by_name = {item.source_uri.rsplit("/", 1)[1]: item for item in items}
    return entries, by_name, {row.source_uri.rsplit("/", 1)[1]: row for row in refused}


def test_pictures_with_sidecars_and_a_table(tmp_path: Path, save: Save) -> None:
    for name in ("row.jpg", "SIDE.JPG", "deep/er/both.png", "bare.webp"):
        save(f"in/{name}", format={"G": "JPEG"}.get(name[-1]))
    (tmp_path / "in/samples.csv").write_text(
        "image,text,author,language,published_at,likes,replies,reposts,views\n"
        "row.jpg,From the row,ann,en,2024-02-09 12:00:00,1,2,3,4\n"
        "both.png,From the row,bob,en,2024-02-09 12:00:00,1,2,3,4\n"
    )
    (tmp_path / "in/SIDE.txt").write_text("From the text file\n")
    (tmp_path / "in/deep/er/both.json").write_text(json.dumps({"caption": "From JSON", "likes": 99, "author": None}))
    _, items, refused = ingest(tmp_path / "in", timezone="Europe/Berlin")
    assert refused == {} and list(items) == ["SIDE.JPG", "bare.webp", "both.png", "row.jpg"]
    row = items["row.jpg"]
    assert (row.text, row.author, row.likes, row.replies, row.reposts, row.views) == ("From the row", "ann", 1, 2, 3, 4)
    assert row.published_at == datetime(2024, 2, 9, 11, tzinfo=UTC) and (row.width, row.height) == (96, 64)
    assert items["SIDE.JPG"].text == "From the text file" and items["bare.webp"].text == ""
    assert (items["both.png"].text, items["both.png"].likes, items["both.png"].author) == ("From JSON", 99, "bob")
    assert items["both.png"].image_path == str(tmp_path / "in/deep/er/both.png")


def test_every_oddity_ends_as_an_item_or_with_its_reason(tmp_path: Path, save: Save, jpeg: bytes) -> None:
    folder = tmp_path / "in"
    exif = Image.Exif()
    exif[0x0112] = 6
    good = {
        "turned.jpg": save("in/turned.jpg", exif=exif), "cmyk.jpg": save("in/cmyk.jpg", Image.new("CMYK", (40, 40))),
        "palette.png": save("in/palette.png", Image.new("P", (40, 40))),
        "deep.png": save("in/deep.png", Image.new("I;16", (40, 40))),
        "moving.gif": save("in/moving.gif", save_all=True, append_images=[Image.new("RGB", (96, 64))]),
        "png_called.jpg": save("in/png_called.jpg", format="PNG"), "no_suffix": save("in/no_suffix", format="PNG"),
    }  # fmt: skip
    save("in/dot.png", Image.new("RGB", (1, 1)))
    save("in/.hidden.png")
    save("in/.cache/a.png")
    save("in/huge.png", Image.new("1", (20_000, 20_000)))
    bad = {
        "cut.jpg": (jpeg[:700], "truncated"), "empty.jpg": (b"", "empty"), "page.jpg": (b"<html>", "not_a_picture"),
        "film.mp4": (b"\0\0\0 ftypisom", "not_a_picture"), "README.md": (b"# hi", "not_a_picture"),
        "alone.txt": (b"text", "picture_missing"), "numbers.csv": (b"a,b\n1,2\n", "not_a_picture"),
        "Thumbs.db": (b"x", None),
    }  # fmt: skip
    for name, (data, _) in bad.items():
        (folder / name).write_bytes(data)
    (folder / "nowhere.jpg").symlink_to(tmp_path / "missing.jpg")
    (folder / "round").symlink_to(folder)
    os.mkfifo(folder / "pipe.jpg")
    _, items, refused = ingest(folder)
    assert set(items) == set(good)
    assert (items["turned.jpg"].width, items["turned.jpg"].height) == (64, 96)
    expected = {name: reason for name, (_, reason) in bad.items() if reason}
    expected |= {
        "dot.png": "too_small",
        "huge.png": "too_large",
        "nowhere.jpg": "picture_missing",
        "pipe.jpg": "not_a_picture",
    }
    assert {name: row.reason for name, row in refused.items()} == expected
    for row in refused.values():
        assert row.step == "ingest_items" and row.stamp and "\n" not in row.detail and len(row.detail) > 10


def test_names_of_every_kind_are_joined(tmp_path: Path, save: Save) -> None:
    save("in/a/same.png")
    save("in/b/same.png", Image.new("RGB", (30, 30)))
    save("in/Cafe\u0301.png", Image.new("RGB", (31, 31)))
    save("in/IMG_1.JPG", Image.new("RGB", (32, 32)), format="JPEG")
    save("in/Case.png", Image.new("RGB", (33, 33)))
    save("in/case.png", Image.new("RGB", (34, 34)))
    (tmp_path / "in/t.csv").write_text(
        "image,text\na/same.png,exact path\nsame.png,which one\nb\\same.png,windows\nCaf\u00e9.png,composed\n"
        "img_1.jpg,any case\nCase.png,upper\nelse/where/case.png,lower\nIMG_1.JPG,a second text\n"
        "gone.png,carried\ngone2.png,\n,only text\n",
        encoding="utf-8",
    )
    entries, items, refused = ingest(tmp_path / "in")
    assert {entry.source_uri.rsplit("/in/", 1)[1]: entry.text for entry in entries} == {
        "a/same.png": "exact path", "b/same.png": "windows", "Cafe\u0301.png": "composed", "IMG_1.JPG": "any case",
        "Case.png": "upper", "case.png": "lower", "t.csv#2": "which one", "t.csv#8": "a second text",
        "t.csv#9": "carried", "t.csv#10": "", "t.csv#11": "only text",
    }  # fmt: skip
    assert {name: row.reason for name, row in refused.items()} == {
        "t.csv#2": "ambiguous_picture",
        "t.csv#10": "picture_missing",
    }
    assert (
        items["t.csv#8"].sha256 == items["IMG_1.JPG"].sha256 and items["t.csv#8"].item_id != items["IMG_1.JPG"].item_id
    )
    assert items["t.csv#9"].image_path is None


def test_a_bad_row_or_sidecar_refuses_its_picture(tmp_path: Path, save: Save) -> None:
    """An item without the text that was meant for it would be silent loss."""
    for name in "abcdef":
        save(f"in/{name}.png", Image.new("RGB", (30, 30 + ord(name))))
    (tmp_path / "in/t.csv").write_text("image,text,likes\na.png,x,many\nb.png\nf.png,fine,1\n")
    (tmp_path / "in/c.json").write_text("{broken")
    (tmp_path / "in/d.json").write_text("[1]")
    (tmp_path / "in/e.json").write_text('{"created_at": "soon"}')
    entries, items, refused = ingest(tmp_path / "in")
    assert set(items) == {"f.png"}
    assert {name: row.reason for name, row in refused.items()} == {
        "a.png": "bad_number", "b.png": "bad_row", "c.png": "bad_sidecar", "d.png": "bad_sidecar", "e.png": "bad_time",
    }  # fmt: skip
    assert "t.csv row 2" in refused["b.png"].detail and "c.json" in refused["c.png"].detail
    (tmp_path / "in/c.json").write_text("{}")
    mended = {entry.source_uri: entry.stamp for entry in listed(DatasetSpec(source="folder", path=tmp_path / "in"))}
    changed = [entry.source_uri for entry in entries if mended[entry.source_uri] != entry.stamp]
    assert [Path(uri).name for uri in changed] == ["c.png"], "only what was mended is read again"


def test_tables_of_other_kinds_and_two_of_them(tmp_path: Path, save: Save) -> None:
    save("in/a.png")
    (tmp_path / "in/t.jsonl").write_text('{"photo": "a.png", "body": "from jsonl"}\n')
    assert ingest(tmp_path / "in")[1]["a.png"].text == "from jsonl"
    (tmp_path / "in/u.csv").write_text("image,text\na.png,x\n")
    with pytest.raises(UserError, match=r"2 tables in .* name pictures \(t\.jsonl, u\.csv\); keep one"):
        ingest(tmp_path / "in")
    (tmp_path / "in/t.jsonl").unlink()
    with pytest.raises(UserError, match="image is to come from 'foto'"):
        ingest(tmp_path / "in", columns={"image": "foto"})


def test_user_errors(tmp_path: Path, save: Save) -> None:
    with pytest.raises(UserError, match="does not exist"):
        ingest(tmp_path / "missing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="has no pictures"):
        ingest(tmp_path / "empty")
    (tmp_path / "t.csv").write_text("image\na.png\n")
    with pytest.raises(UserError, match="is a table; use its kind"):
        ingest(tmp_path / "t.csv")
    with pytest.raises(UserError, match="'colour' is no field"):
        ingest(tmp_path / "empty", columns={"colour": "x"})


def test_a_single_picture(tmp_path: Path, save: Save) -> None:
    save("a.png")
    save("b.png")
    (tmp_path / "a.txt").write_text("its text")
    _, items, _ = ingest(tmp_path / "a.png")
    assert [item.text for item in items.values()] == ["its text"]


def test_a_name_that_is_not_utf8_is_refused_and_can_be_stored(tmp_path: Path, save: Save) -> None:
    save("in/ok.png")
    save("in/x.png").rename(os.fsdecode(os.fsencode(tmp_path / "in") + b"/caf\xe9.png"))
    _, items, refused = ingest(tmp_path / "in")
    assert set(items) == {"ok.png"} and {name: row.reason for name, row in refused.items()} == {
        "caf\\xe9.png": "bad_name"
    }
    refused["caf\\xe9.png"].detail.encode("utf-8")


def test_moving_or_renaming_keeps_the_item(tmp_path: Path, save: Save) -> None:
    save("in/a.png")
    before = ingest(tmp_path / "in", name="d")[1]["a.png"]
    (tmp_path / "in/a.png").rename(tmp_path / "in/b.png")
    after = ingest(tmp_path / "in", name="d")[1]["b.png"]
    assert before.item_id == after.item_id and before.source_uri != after.source_uri
    image = Image.open(tmp_path / "in/b.png")
    image.putpixel((0, 0), (9, 9, 9))
    image.save(tmp_path / "in/b.png")
    assert ingest(tmp_path / "in", name="d")[1]["b.png"].item_id != after.item_id, "one changed pixel"


def test_listing_opens_no_picture_and_every_other_file_once_but_a_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(500):
        (folder / f"{number}.jpg").touch()
        (folder / f"{number}.txt").write_text("text")
    (folder / "t.csv").write_text("image,likes\n" + "".join(f"{number}.jpg,{number}\n" for number in range(500)))
    opened: Counter[str] = Counter()

    def counted(file: object, *others: object, really: Callable[..., object] = io.open, **named: object) -> object:
        opened[Path(str(file)).name] += 1
        return really(file, *others, **named)

    monkeypatch.setattr(io, "open", counted)
    monkeypatch.setattr(builtins, "open", counted)
    entries = list(list_entries(DatasetSpec(source="folder", path=folder)))
    for_encoding_columns_and_rows = 3
    assert opened == {"t.csv": for_encoding_columns_and_rows} | {f"{number}.txt": 1 for number in range(500)}
    assert Counter(entry.problem for entry in entries) == {None: 500}
