"""The real exports, pictures and tables: every input is an item or in quarantine, and the sums agree with the files."""

import csv
import re
from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest

from components.items import jpeg_for_model, read_entries, split_duplicates
from components.items.entries import Entry
from components.records import Item, Quarantine
from components.specs import DatasetSpec
from tests.items.listing import listed

FOLDERS = ("image_compressed_cristiano", "image_compressed_taylorswift", "officialcaptainamerica")


def ingest(source: str, path: Path) -> tuple[list[Entry], list[Item], list[Quarantine]]:
    spec = DatasetSpec(source=source, path=path)  # type: ignore[arg-type]
    entries = listed(spec)
    items, refused = read_entries(entries, spec)
    assert len(items) + len(refused) == len(entries) == len({entry.source_uri for entry in entries})
    kept, duplicates = split_duplicates(items, {}, {})
    assert len(kept) + len(duplicates) == len(items)
    return entries, kept, [*refused, *duplicates]


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_every_tweet_export_by_an_independent_count(real: Path) -> None:
    total = 0
    for path in sorted((real / "tweets").glob("*.csv")):
        rows = rows_of(path)
        entries, items, refused = ingest("x_export", path)
        reasons = Counter(row.reason for row in refused)
        assert len(items) + len(refused) == len(entries) == len(rows), path.name
        assert reasons["retweet"] == sum(row["type"] == "Retweet" for row in rows)
        assert set(reasons) <= {"retweet", "duplicate", "picture_missing", "empty"}
        own = [row for row in rows if row["type"] != "Retweet"]
        assert {item.source_id for item in items} <= {row["tweet_id"].strip("'") for row in own}
        assert {item.author for item in items} == {re.findall("Exportly_(.*)_tweets", path.name)[0]}
        without_views = {row["tweet_id"].strip("'") for row in rows if not row["view_count"]}
        assert {item.source_id for item in items if item.views is None} <= without_views
        assert not [item for item in items if item.views is not None and item.source_id in without_views]
        for item in items:
            assert item.published_at is not None and item.text and "&amp;" not in item.text
        total += len(rows)
    assert total == 5255


def test_times_agree_with_new_york_wall_time_on_every_row(real: Path) -> None:
    from zoneinfo import ZoneInfo

    for path in sorted((real / "tweets").glob("*.csv")):
        walls = {row["tweet_id"].strip("'"): row["created_at"] for row in rows_of(path)}
        for item in ingest("x_export", path)[1]:
            assert item.published_at is not None
            local = item.published_at.astimezone(ZoneInfo("America/New_York"))
            assert local.strftime("%Y-%m-%d %H:%M:%S") == walls[str(item.source_id)]


def test_all_exports_as_one_dataset(real: Path) -> None:
    entries, items, refused = ingest("x_export", real / "tweets")
    assert len(entries) == 5255 == len(items) + len(refused)
    assert len({item.source_id for item in items}) == len(items) == len({item.item_id for item in items})


@pytest.mark.parametrize("name", FOLDERS)
def test_pictures_agree_with_the_index(real: Path, name: str) -> None:
    index = {Path(row["path"]).name: row for row in rows_of(real / "index/images_index.csv") if name in row["path"]}
    _, items, refused = ingest("instagram", real / "images" / name)
    assert refused == [] and len(items) == len(index)
    for item in items:
        row = index[Path(item.source_uri).name]
        assert (item.sha256, item.width, item.height) == (row["sha256"], int(row["width"]), int(row["height"]))
        assert item.author == row["owner_id"] and item.published_at is not None
        assert item.published_at.replace(microsecond=0) == datetime.fromisoformat(row["posted_at_utc_from_id"])
    assert len(jpeg_for_model(str(items[0].image_path), sha256=items[0].sha256)) > 1000


def test_pictures_with_their_descriptions(real: Path, tmp_path: Path) -> None:
    """46 of the 83 descriptions have their picture; the other 37 carry themselves."""
    for picture in (real / "images/officialcaptainamerica").iterdir():
        (tmp_path / picture.name).symlink_to(picture)
    (tmp_path / "descriptions.csv").symlink_to(real / "captions/officialcaptainamerica_image_descriptions.csv")
    _, items, refused = ingest("instagram", tmp_path)
    assert Counter(item.image_path is not None for item in items) == {True: 46, False: 37} and refused == []
    assert all(item.text and item.published_at for item in items)


def test_tables(real: Path) -> None:
    complaints = real / "complaints/tweet_complaints_att.csv"
    _, items, refused = ingest("csv", complaints)
    with complaints.open(encoding="cp1252", newline="") as file:
        assert len(items) == sum(1 for _ in csv.reader(file)) - 1 == 20
    assert refused == [] and "credit… wtf" in items[0].text
    rows = rows_of(real / "transcripts/debate_biden_trump.csv")
    _, items, refused = ingest("csv", real / "transcripts/debate_biden_trump.csv")
    assert len(items) + len(refused) == len(rows)
    assert not any("\u00a0" in item.text for item in items) and {row.reason for row in refused} == {"duplicate"}
    _, items, refused = ingest("csv", real / "captions/lecture_08_taylorswift_embeddings.csv")
    assert items == [] and Counter(row.reason for row in refused) == {"picture_missing": 40}
