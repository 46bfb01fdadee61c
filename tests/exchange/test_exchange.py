"""Rows and pictures through a folder and through a bucket: what was put is what comes back, whole or not at all."""

import hashlib
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from components.errors import UserError
from components.exchange import Parcels, Pictures, Place
from components.exchange.pictures import KEPT_S
from components.records import Feature, Item, Quarantine

ITEM = Item(
    item_id="i1", dataset="d", spec_id="s", source_uri="a.jpg", image_path="/a.jpg", sha256="0" * 64, width=3, height=4,
    text="Zwei Boote, 🛶 und\tein Tab", published_at=datetime(2026, 3, 1, 9, 30, 1, 250, UTC), likes=2**40,
    ingested_at=datetime(2026, 3, 2, tzinfo=UTC),
)  # fmt: skip
FEATURE = Feature(
    feature_id="f1", item_id="i1", spec_id="s", name="clip_image", score=0.1 + 0.2, box=(0.0, 0.25, 1.0, 0.5),
    vector=[0.1, -2.5e-38, 3.0], model="m",
)  # fmt: skip


def test_rows_come_back_as_they_were_put(place: Place) -> None:
    parcels = Parcels(place, "v1/spec/chunk")
    bare = replace(ITEM, item_id="i2", image_path=None, sha256=None, published_at=None, text="")
    parcels.put("items", [ITEM, bare])
    parcels.put("features", [FEATURE])
    parcels.put("refused", [])
    assert parcels.get("items", Item) == [ITEM, bare]
    (back,) = parcels.get("features", Feature)
    assert replace(back, box=tuple(back.box or ())) == FEATURE
    assert parcels.get("refused", Quarantine) == []
    assert parcels.has("refused") and not parcels.has("posts")
    with pytest.raises(FileNotFoundError):
        parcels.get("posts", Item)
    parcels.remove("items", "features", "refused", "never put")
    assert place.names("chunks") == {}


def test_a_place_is_tried_before_it_is_used_and_pruned_by_age(place: Place) -> None:
    place.check()
    assert place.names("") == {}
    place.write("pictures/aa/old", b"1")
    assert place.prune("pictures", older_than_s=3600) == 0
    assert place.prune("pictures", older_than_s=-3600) == 1
    assert place.names("pictures") == {}
    assert place.age_s("pictures/aa/old") is None


def test_a_picture_travels_once_and_only_as_it_was_ingested(place: Place, tmp_path: Path) -> None:
    from PIL import Image

    here, there = tmp_path / "a.png", tmp_path / "there"
    there.mkdir()
    Image.new("RGB", (32, 32), "teal").save(here)
    data = here.read_bytes()
    sha256, pictures = hashlib.sha256(data).hexdigest(), Pictures(place)
    changed, gone = ("1" * 64, str(here)), ("2" * 64, str(tmp_path / "gone.png"))
    said = pictures.put([(sha256, str(here)), changed, gone, (sha256, str(here))])
    assert [error and error.reason for error in said] == [None, "changed", "picture_missing", None]
    assert list(place.names("pictures")) == [f"pictures/{sha256[:2]}/{sha256}"]
    assert pictures.fetch([sha256, sha256], there)[sha256].read_bytes() == data
    with pytest.raises(FileNotFoundError):
        pictures.fetch(["1" * 64], there)


def test_a_picture_that_is_soon_to_be_pruned_is_put_again(tmp_path: Path) -> None:
    from PIL import Image

    path, place = tmp_path / "a.png", Place((tmp_path / "exchange").as_uri())
    Image.new("RGB", (32, 32), "teal").save(path)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    there = tmp_path / "exchange" / "pictures" / sha256[:2] / sha256
    Pictures(place).put([(sha256, str(path))])
    old = there.stat().st_mtime - KEPT_S * 0.6
    os.utime(there, (old, old))
    assert Pictures(place).prune() == 0
    Pictures(place).put([(sha256, str(path))])
    assert there.stat().st_mtime > old + 3600
    os.utime(there, (old - KEPT_S, old - KEPT_S))
    assert Pictures(place).prune() == 1


def test_what_cannot_be_reached_is_told_in_one_line(bucket: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="check POSTWRIGHT_EXCHANGE, that the bucket exists"):
        Place("s3://no-such-bucket/x").check()
    with pytest.raises(UserError, match="POSTWRIGHT_EXCHANGE is nowhere://x, which cannot be opened here"):
        Place("nowhere://x")
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    with pytest.raises(UserError, match="cannot be written in the exchange"):
        Place((blocked / "exchange").as_uri()).check()
