"""Which items are already there: in the warehouse, in another chunk, or earlier in the same list."""

from dataclasses import replace
from datetime import UTC, datetime

from components.items import split_duplicates
from components.records import Item


def item(name: str, text: str, source_id: str | None = None, sha256: str | None = None) -> Item:
    return Item(
        item_id=Item.make_id("d", sha256, text), dataset="d", spec_id="s", source_uri=name, source_id=source_id,
        text=text, sha256=sha256, stamp=f"stamp of {name}", ingested_at=datetime(2024, 1, 1, tzinfo=UTC),
    )  # fmt: skip


def test_within_a_list_the_first_stays() -> None:
    items = [item("a", "x"), item("b", "x"), item("c", "y", "1"), item("d", "z", "1"), item("e", "z", "2")]
    kept, refused = split_duplicates(items, {}, {})
    assert [one.source_uri for one in kept] == ["a", "c", "e"]
    assert [(row.source_uri, row.reason, row.item_id, row.detail) for row in refused] == [
        ("b", "duplicate", items[0].item_id, "the same text as a"),
        ("d", "duplicate", items[2].item_id, "the same id (1) as c"),
    ]
    assert refused[0].stamp == "stamp of b" and refused[0].at > items[1].ingested_at
    assert refused[0].quarantine_id != refused[1].quarantine_id


def test_against_the_warehouse() -> None:
    old = item("old.jpg", "x", "7", sha256="aa")
    known, known_sources = {old.item_id: "old.jpg"}, {"7": old.item_id}
    moved, same_id, fresh = (
        item("new.jpg", "x", sha256="aa"),
        item("other.jpg", "other", "7"),
        item("fresh.jpg", "fresh", "8"),
    )
    kept, refused = split_duplicates([moved, same_id, fresh], known, known_sources)
    assert kept == [fresh]
    assert [row.detail for row in refused] == ["the same picture and text as old.jpg", "the same id (7) as old.jpg"]
    assert {row.item_id for row in refused} == {old.item_id}


def test_an_input_read_again_is_a_duplicate_of_itself_unless_it_was_edited() -> None:
    old = item("row", "x", "7")
    known, known_sources = {old.item_id: "row"}, {"7": old.item_id}
    touched, edited = replace(old, likes=5), item("row", "x, corrected", "7")
    assert "only its date or counts changed" in split_duplicates([touched], known, known_sources)[1][0].detail
    assert split_duplicates([edited], known, known_sources) == ([edited], [])


def test_nothing_given_is_changed_and_nothing_is_lost() -> None:
    items = [item(str(n), str(n % 7), str(n % 11)) for n in range(100)]
    known: dict[str, str] = {}
    kept, refused = split_duplicates(items, known, {})
    assert len(kept) + len(refused) == 100 and known == {}
    assert split_duplicates(kept, {}, {}) == (kept, [])
