"""Pictures inside the page: small JPEGs as data URIs, made from the file that was ingested or not at all."""

import base64
from dataclasses import dataclass

from components.items.pictures import PictureError, jpeg_for_model
from components.records import Item

SIDES = ((60, 560), (120, 440), (10**9, 360))
"""Longest side in pixels by how many pictures there are: 200 photographs at 360 px are about 9 MB."""
BUDGET = 13_000_000
"""Characters of data URIs in one page: what a phone still opens at once."""


@dataclass(frozen=True, slots=True)
class Shown:
    """Either `uri`, or `missing`: why there is no picture, in words."""

    uri: str | None = None
    missing: str | None = None


_WORDS = {
    "picture_missing": "The picture file is gone",
    "changed": "The picture file has changed since it was read",
    "unreadable": "The picture file cannot be read",
}


def embed(items: dict[str, Item]) -> dict[str, Shown]:
    """Each item's picture by item id, in the order given; none for items that are texts only."""
    count = sum(item.image_path is not None for item in items.values())
    side = next(side for most, side in SIDES if count <= most)
    shown, used = {}, 0
    for item_id, item in items.items():
        if item.image_path is None:
            continue
        if used > BUDGET:
            shown[item_id] = Shown(missing="Left out to keep this page small")
            continue
        shown[item_id] = one(item.image_path, item.sha256, side)
        used += len(shown[item_id].uri or "")
    return shown


def one(path: str, sha256: str | None, side: int) -> Shown:
    try:
        data = jpeg_for_model(path, sha256=sha256, max_side=side)
    except PictureError as error:
        return Shown(missing=_WORDS.get(error.reason, f"The picture cannot be shown ({error.reason})"))
    return Shown(uri="data:image/jpeg;base64," + base64.b64encode(data).decode("ascii"))
