"""Takes out items that are already there. Reading knows one chunk only: this is decided when a chunk is published."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from components.records import Item, Quarantine
from components.specs import DatasetSpec


def split_duplicates(
    items: Sequence[Item], known_ids: Mapping[str, str], known_source_ids: Mapping[str, str]
) -> tuple[list[Item], list[Quarantine]]:
    """The new items, and a `duplicate` row for each that equals one of the warehouse or an earlier one of the list.

    `known_ids`: item_id -> source_uri, `known_source_ids`: source_id -> item_id, both of the items' dataset. Equal
    means the same item_id (same picture bytes and text) or the same source_id. One exception: the same source_id under
    the same source_uri with other content is an input that was edited, and the edited one is new.
    """
    uris, source_ids = dict(known_ids), dict(known_source_ids)
    kept: list[Item] = []
    refused: list[Quarantine] = []
    for item in items:
        original, detail = _original(item, uris, source_ids)
        if original is not None:
            refused.append(_duplicate(item, original, detail))
            continue
        kept.append(item)
        uris[item.item_id] = item.source_uri
        if item.source_id is not None:
            source_ids[item.source_id] = item.item_id
    return kept, refused


def _original(item: Item, uris: Mapping[str, str], source_ids: Mapping[str, str]) -> tuple[str | None, str]:
    if item.item_id in uris:
        uri = uris[item.item_id]
        same = "picture and text" if item.sha256 and item.text else "picture" if item.sha256 else "text"
        if uri == item.source_uri:
            return item.item_id, f"read before from here, with the same {same}; only its date or counts changed"
        return item.item_id, f"the same {same} as {uri}"
    same_id = source_ids.get(item.source_id) if item.source_id is not None else None
    if same_id is not None and uris.get(same_id) != item.source_uri:
        return same_id, f"the same id ({item.source_id}) as {uris.get(same_id, 'item ' + same_id)}"
    return None, ""


def _duplicate(item: Item, original: str, detail: str) -> Quarantine:
    """The time is part of its id: an input that is edited back and forth is the same duplicate again and again, and
    the latest one says which item it stands for."""
    at = datetime.now(UTC)
    return Quarantine(
        quarantine_id=Quarantine.make_id(
            DatasetSpec.step, item.dataset, item.source_uri, item.stamp, f"duplicate {at.isoformat()}"
        ),
        step=DatasetSpec.step,
        dataset=item.dataset,
        source_uri=item.source_uri,
        stamp=item.stamp,
        image_path=item.image_path,
        item_id=original,
        reason="duplicate",
        detail=detail,
        at=at,
    )
