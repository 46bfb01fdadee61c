"""For a plan: the items that a run would take, before they are read in."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

from components.items import Entry
from components.records import Item
from components.specs import Selection
from components.warehouse.store import Store


def expected_items(fresh: Sequence[Entry], selection: Selection, store: Store) -> tuple[dict[str, Item], list[Item]]:
    """The items a run would take, by id, and those of them that are not in the warehouse yet.

    An input whose row and picture were met under another name is the item that it was there; any other new input
    replaces the item that its place held before. Which of the new ones a sample would take shows when they are read:
    until then as many others stand for them.
    """
    window = selection.model_copy(update={"limit": None, "sample": None})
    sql = "SELECT stamp, item_id FROM inputs WHERE dataset = $dataset AND item_id IS NOT NULL"
    by_stamp = {row["stamp"]: row["item_id"] for row in store.query(sql, {"dataset": selection.dataset})}
    stays = {by_stamp[entry.stamp] for entry in fresh if entry.stamp in by_stamp}
    replaced = {entry.source_uri for entry in fresh if not entry.problem and entry.stamp not in by_stamp}
    kept = [item for item in store.items(window) if item.source_uri not in replaced or item.item_id in stays]
    new = [expected_item(entry, selection) for entry in fresh if not entry.problem and entry.stamp not in by_stamp]
    coming = [item for item in new if inside(item, selection)]
    met = sampled([*kept, *coming], selection)
    ordered = sorted(met, key=lambda i: (i.published_at is None, i.published_at, i.source_uri))
    chosen = {item.item_id: item for item in ordered[: selection.limit]}
    return chosen, [item for item in coming if item.item_id in chosen]


def sampled(items: list[Item], selection: Selection) -> list[Item]:
    """As components.warehouse.selected has it."""
    if selection.sample is None:
        return items

    def place(item: Item) -> str:
        return hashlib.md5(f"{selection.seed} {item.item_id}".encode()).hexdigest()

    return sorted(items, key=place)[: selection.sample]


def expected_item(entry: Entry, selection: Selection) -> Item:
    """The item an input will probably become; pictures are not opened: a broken one is counted here, refused later."""
    return Item(
        item_id=f"expected {entry.source_uri}",
        dataset=selection.dataset,
        spec_id="",
        source_uri=entry.source_uri,
        image_path=entry.image_path,
        text=entry.text,
        author=entry.author,
        language=entry.language,
        published_at=entry.published_at,
        ingested_at=datetime.now(UTC),
    )


def inside(item: Item, selection: Selection) -> bool:
    (start, end), on = selection.window, selection.on
    if on is None:
        return True
    at: datetime | None = getattr(item, on)
    return at is not None and (start is None or at >= start) and (end is None or at < end)
