"""The oddities of tweet exports, one by one, on rows made up here; test_real_data reads the real ones."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from components.errors import UserError
from components.items import read_entries, split_duplicates
from components.items.x_export import EPOCH_MS, posted_at
from components.records import Item, Quarantine
from components.specs import DatasetSpec
from tests.items.listing import listed

HEADER = (
    "tweet_id,text,language,type,bookmark_count,favorite_count,retweet_count,reply_count,view_count,created_at,client,"
    "hashtags,urls,media_type,media_urls"
)
WHEN = datetime(2024, 2, 9, 12, 0, 0, 250_000, tzinfo=UTC)


def tweet_id(when: datetime = WHEN) -> int:
    return ((round(when.timestamp() * 1000) - EPOCH_MS) << 22) + 77


def row(
    text: str = "Hello", id: object = None, when: datetime = WHEN, zone: str = "America/New_York", **more: object
) -> str:
    wall = when.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S")
    cells = dict.fromkeys(HEADER.split(","), "") | {
        "tweet_id": tweet_id(when) if id is None else id, "text": text, "language": "en", "type": "Tweet",
        "favorite_count": 12, "retweet_count": 4, "reply_count": 3, "view_count": 1500, "created_at": wall,
    } | more  # fmt: skip
    return ",".join('"' + str(cell).replace('"', '""') + '"' for cell in cells.values())


def ingest(path: Path, *rows: str, **options: object) -> tuple[list[Item], list[Quarantine]]:
    path.write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8-sig")
    spec = DatasetSpec(source="x_export", path=path, **options)  # type: ignore[arg-type]
    entries = listed(spec)
    items, refused = read_entries(entries, spec)
    assert len(items) + len(refused) == len(rows) == len({entry.source_uri for entry in entries})
    return items, refused


@pytest.fixture
def export(tmp_path: Path) -> Path:
    return tmp_path / "TwExportly_some_body_tweets_2025_01_30.csv"


def test_a_tweet(export: Path) -> None:
    items, _ = ingest(export, row("Fish &amp; chips &lt;3\nüber “alles” 🚀", id=f"'{tweet_id()}'"))
    item = items[0]
    assert item.text == "Fish & chips <3\nüber “alles” 🚀"
    assert (item.author, item.language, item.source_id) == ("some_body", "en", str(tweet_id()))
    assert (item.likes, item.replies, item.reposts, item.views) == (12, 3, 4, 1500)
    assert item.published_at == WHEN and item.source_uri == f"{export}#id={tweet_id()}"


def test_time_comes_from_the_id_even_in_the_hour_that_autumn_repeats(export: Path) -> None:
    first = datetime(2024, 11, 3, 5, 30, tzinfo=UTC)
    items, _ = ingest(export, row("a", when=first), row("b", when=first + timedelta(hours=1)))
    assert [item.published_at for item in items] == [first, first + timedelta(hours=1)]


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Berlin"])
def test_ids_from_before_snowflakes_are_dated_in_the_zone_of_their_file(export: Path, zone: str) -> None:
    old = datetime(2009, 7, 1, 12, 0, tzinfo=UTC)
    assert posted_at("2410000000") is None
    items, _ = ingest(export, row("old", id=2410000000, when=old, zone=zone), row("new", zone=zone), timezone=zone)
    assert [item.published_at for item in items] == [old, WHEN]
    items, _ = ingest(export, row("old", id=2410000000, when=old), row("new"), timezone=zone)
    assert items[0].published_at == old, "the file's own ids know better than the campaign"


def test_retweets_deleted_and_damaged_rows_are_refused(export: Path) -> None:
    items, refused = ingest(
        export,
        row("RT @other: their words", type="Retweet"), row("their words", type="Retweet", id=tweet_id() + 1),
        row("", id="''"), row("RT @undefined: undefined", id="''", type="Retweet"), row("rounded", id="1.88411E+18"),
        row("shifted", created_at="2019-01-01 00:00:00", id=tweet_id() + 2),
        row("late", created_at="soon", id=tweet_id() + 3),
        row("odd", favorite_count="lots", id=tweet_id() + 4), row("no time", created_at="", id=tweet_id() + 5),
    )  # fmt: skip
    assert [(item.text, item.published_at) for item in items] == [("no time", WHEN)]
    assert [entry.reason for entry in refused] == [
        "retweet", "retweet", "deleted", "deleted", "bad_id", "bad_time", "bad_time", "bad_number",
    ]  # fmt: skip


def test_media_that_nobody_has(export: Path) -> None:
    media = {"media_type": "photo", "media_urls": "https://pbs.twimg.com/media/a.jpg,https://pbs.twimg.com/media/b.jpg"}
    link = "https://t.co/AbCdEf1234"
    items, refused = ingest(
        export,
        row(f"Look {link}", id=tweet_id() + 1, **media),
        row(f"Read https://t.co/1 {link}", id=tweet_id() + 2, urls="http://a.org/x,y", **media),
        row(f"Their page: {link}", id=tweet_id() + 3, urls="http://a.org", **media),
        row("x" * 400 + f" {link}", id=tweet_id() + 4, **media),
        row(link, id=tweet_id() + 5, **media), row(f"@ann {link}", id=tweet_id() + 6, **media),
        row(link, id=tweet_id() + 7),
    )  # fmt: skip
    assert [item.text[-26:] for item in items] == [
        "Look", "Read https://t.co/1", "age: https://t.co/AbCdEf1234"[-26:], ("xx " + link)[-26:],
    ]  # fmt: skip
    assert [entry.reason for entry in refused] == ["picture_missing", "picture_missing", "empty"]
    assert all(item.image_path is None for item in items)


def test_languages_and_empty_views(export: Path) -> None:
    codes = ["qme", "und", "zxx", "art", "in", "iw", "de", ""]
    items, _ = ingest(
        export, *(row(f"t{n}", id=tweet_id() + n, language=code, view_count="") for n, code in enumerate(codes))
    )
    assert [item.language for item in items] == [None, None, None, None, "id", "he", "de", None]
    assert {item.views for item in items} == {None}


def test_duplicates_in_a_file(export: Path) -> None:
    retweeted = row("mine", type="Retweet")
    items, refused = ingest(
        export, retweeted, row("mine"), row("mine", favorite_count=13), row("mine", id=tweet_id() + 1)
    )
    kept, duplicates = split_duplicates(items, {}, {})
    assert [entry.reason for entry in refused] == ["retweet"], "a self-retweet never hides the tweet"
    assert len(kept) == 1 and kept[0].likes == 12
    assert [one.source_uri.split("#")[1] for one in duplicates] == [f"id={tweet_id()}(3)", f"id={tweet_id() + 1}"]


def test_a_folder_of_exports_and_what_is_none(tmp_path: Path, export: Path) -> None:
    ingest(export, row("one"))
    ingest(tmp_path / "TwExportly_other_tweets_2024_01_01.csv", row("two", id=tweet_id() + 1))
    spec = DatasetSpec(source="x_export", path=tmp_path)
    assert [(entry.text, entry.author) for entry in listed(spec)] == [("two", "other"), ("one", "some_body")]
    (tmp_path / "z.csv").write_text("text\nx\n")
    with pytest.raises(UserError, match=r"z\.csv: not a tweet export, it has no column tweet_id, type, created_at"):
        listed(spec)
