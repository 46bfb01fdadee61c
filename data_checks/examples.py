"""What a good batch of labelled examples looks like: identified by content, something to look at or to read, a label.

Whether the labels suit each other and can be learned is asked of the whole set: see splits.py.
"""

import json
import math
from typing import Any

import pandas as pd

from data_checks.suite import Suite, content_ids, given, has_rows, has_text, holds, matching, unique

EARLIEST, LATEST = pd.Timestamp("2000-01-01", tz="UTC"), pd.Timestamp("2100-01-01", tz="UTC")


def labels_of(text: object) -> dict[str, Any] | None:
    """Task -> label or number; None where it is not that."""
    try:
        found = json.loads(text) if isinstance(text, str) else None
    except ValueError:
        return None
    if not isinstance(found, dict):
        return None
    return found if all(name.strip() and _is_label(value) for name, value in found.items()) else None


def _is_label(value: object) -> bool:
    if isinstance(value, str):
        return bool(value.strip())
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _labels_can_be_read(frame: pd.DataFrame) -> pd.Series:
    return frame["labels"].map(lambda text: labels_of(text) is not None).astype(bool)


def _is_labelled(frame: pd.DataFrame) -> pd.Series:
    """What cannot be read is another defect than what is empty."""
    return frame["labels"].map(lambda text: labels_of(text) != {}).astype(bool)


def _has_material(frame: pd.DataFrame) -> pd.Series:
    return has_text(frame["image_path"]) | has_text(frame["text"])


def _picture_is_whole(frame: pd.DataFrame) -> pd.Series:
    return has_text(frame["image_path"]) == has_text(frame["sha256"])


def _time_is_plausible(frame: pd.DataFrame) -> pd.Series:
    published = pd.to_datetime(frame["published_at"], utc=True, errors="coerce", format="ISO8601")
    return frame["published_at"].isna() | ((published >= EARLIEST) & (published < LATEST))


SUITE = Suite(
    table="examples",
    columns=("example_id", "dataset", "source_uri", "image_path", "sha256", "text", "author", "published_at", "labels"),
    derived={
        "labels_can_be_read": _labels_can_be_read,
        "is_labelled": _is_labelled,
        "has_material": _has_material,
        "picture_is_whole": _picture_is_whole,
        "time_is_plausible": _time_is_plausible,
    },
    expectations=(
        has_rows(),
        given("example_id"),
        unique("example_id"),
        content_ids("example_id"),
        given("dataset"),
        matching("dataset has a name", "dataset", r"\S"),
        given("source_uri"),
        matching("source_uri says where it comes from", "source_uri", r"\S"),
        given("labels"),
        holds("labels are tasks with a label or a number each", "labels_can_be_read"),
        holds("there is a label", "is_labelled", "quarantine", "it teaches nothing and tests nothing"),
        holds("there is a picture or a text", "has_material", "quarantine", "nothing can be learned from nothing"),
        holds("a picture has a path and a hash", "picture_is_whole"),
        matching("sha256 is 64 hex digits", "sha256", r"^[0-9a-f]{64}$"),
        holds("published between 2000 and 2100", "time_is_plausible", "quarantine", "splits by time would misplace it"),
    ),
)
