"""What a good batch of items looks like: identified by content, with material to write about, of a plausible time."""

import pandas as pd

from data_checks.suite import Suite, between, content_ids, given, has_rows, has_text, holds, matching, unique

SMALLEST_SIDE = 16
EARLIEST = pd.Timestamp("2000-01-01", tz="UTC")


def _has_material(frame: pd.DataFrame) -> pd.Series:
    return has_text(frame["image_path"]) | has_text(frame["text"])


def _picture_is_whole(frame: pd.DataFrame) -> pd.Series:
    """Path, hash, width and height come together or not at all."""
    facts = frame[["sha256", "width", "height"]].notna()
    pictured = has_text(frame["image_path"])
    return (pictured & facts.all(axis=1)) | (~pictured & ~facts.any(axis=1))


def _time_is_plausible(frame: pd.DataFrame) -> pd.Series:
    """Not before social media, not more than a day (clocks, zones) after it was read."""
    published = pd.to_datetime(frame["published_at"], utc=True, errors="coerce")
    read = pd.to_datetime(frame["ingested_at"], utc=True, errors="coerce")
    return frame["published_at"].isna() | ((published >= EARLIEST) & (published <= read + pd.Timedelta(days=1)))


SUITE = Suite(
    table="items",
    columns=(
        "item_id", "dataset", "spec_id", "source_uri", "image_path", "sha256", "width", "height", "text",
        "published_at", "likes", "replies", "reposts", "views", "ingested_at",
    ),
    derived={
        "has_material": _has_material,
        "picture_is_whole": _picture_is_whole,
        "time_is_plausible": _time_is_plausible,
    },
    expectations=(
        has_rows(),
        given("item_id"),
        unique("item_id"),
        content_ids("item_id"),
        given("dataset"),
        matching("dataset has a name", "dataset", r"\S"),
        given("source_uri"),
        matching("source_uri says where it comes from", "source_uri", r"\S"),
        given("ingested_at"),
        holds("there is a picture or a text", "has_material", "quarantine", "nothing can be written about nothing"),
        holds("a picture has path, hash, width and height", "picture_is_whole"),
        matching("sha256 is 64 hex digits", "sha256", r"^[0-9a-f]{64}$"),
        between("width is 16 pixels or more", "width", SMALLEST_SIDE, None, "quarantine", "smaller ones are icons"),
        between("height is 16 pixels or more", "height", SMALLEST_SIDE, None, "quarantine", "smaller ones are icons"),
        holds("published between 2000 and now", "time_is_plausible", "quarantine", "windows would select it wrongly"),
        *(between(f"{count} are not negative", count, 0, None, "quarantine") for count in
          ("likes", "replies", "reposts", "views")),
    ),
)  # fmt: skip
