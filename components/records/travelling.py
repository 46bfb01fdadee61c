"""Rows that only travel with a chunk to a worker, which has no warehouse to look them up in."""

from collections.abc import Sequence
from dataclasses import dataclass

from components.records.base import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Said(Record):
    """What is said of an item's picture: its kept caption, and what is certain enough of parts of it."""

    item_id: str
    caption: str | None = None
    details: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Yardstick(Record):
    """What the posts of a prompt are judged with, as JSON: words (name to texts; None where they are not there), and
    what is shown beside them."""

    prompt_id: str
    words: str | None = None
    beside: str = "[]"
