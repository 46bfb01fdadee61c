"""A good frame of items, and every single defect of it."""

from datetime import UTC, datetime, timedelta

from components.records import content_id
from tests.data_checks.planting import NOW, Change, Frame, frame_of, ids, put


def good() -> Frame:
    common = {"dataset": "d", "spec_id": content_id("s"), "ingested_at": NOW}
    picture = {"image_path": "/a.jpg", "sha256": "a" * 64, "width": 768, "height": 512}
    return frame_of("items", [
        {**common, **picture, "item_id": content_id(1), "source_uri": "/a.jpg", "published_at": NOW, "likes": 0},
        {**common, **picture, "item_id": content_id(2), "source_uri": "/b.jpg", "text": "And a text.", "views": 10**9},
        {**common, "item_id": content_id(3), "source_uri": "/c.csv#3", "text": "A text alone.", "replies": 1},
        {**common, "item_id": content_id(4), "source_uri": "/c.csv#4", "text": "Again.", "reposts": 3,
         "published_at": datetime(2009, 1, 1, tzinfo=UTC)},
    ])  # fmt: skip


NEGATIVE_COUNTS = [(f"{count} are not negative", put(count, -1)) for count in ("likes", "replies", "reposts", "views")]
DEFECTS: list[tuple[str, Change]] = [
    *ids("item_id"),
    *NEGATIVE_COUNTS,
    ("item_id is unique", put("item_id", content_id(2))),
    ("dataset is given", put("dataset", None)),
    ("dataset has a name", put("dataset", " ")),
    ("source_uri is given", put("source_uri", None)),
    ("source_uri says where it comes from", put("source_uri", "")),
    ("ingested_at is given", put("ingested_at", None)),
    ("there is a picture or a text", put("text", "  ", row=2)),
    ("a picture has path, hash, width and height", put("sha256", None)),
    ("a picture has path, hash, width and height", put("width", None)),
    ("a picture has path, hash, width and height", put("image_path", None, row=1)),
    ("sha256 is 64 hex digits", put("sha256", "A" * 64)),
    ("width is 16 pixels or more", put("width", 15)),
    ("height is 16 pixels or more", put("height", 1)),
    ("published between 2000 and now", put("published_at", NOW + timedelta(days=2))),
    ("published between 2000 and now", put("published_at", datetime(1970, 1, 1, tzinfo=UTC))),
    ("published between 2000 and now", put("published_at", "yesterday")),
]  # fmt: skip
