"""What posts are measured against: the other posts of their dataset and specs, their pictures, what was asked for.

Read: prompts, the prompt words among features, CLIP's vectors of the pictures. No picture is opened.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import regex
from numpy.typing import NDArray

from components.posts.clip_scores import readable
from components.records import Post
from components.warehouse.store import Store

Floats = NDArray[np.float32]
TASKS = ("topic", "scene", "sentiment")
_WORD = regex.compile(r"[\p{L}\p{N}]")

_ASKED = """SELECT p.prompt_id, p.item_id, f.name, f.text
    FROM (SELECT prompt_id, item_id, unnest(words) AS feature_id FROM prompts
          WHERE prompt_id IN (SELECT unnest($ids::VARCHAR[]))) p
    JOIN features f USING (feature_id) WHERE f.name IN ('topic', 'scene', 'sentiment') AND f.text IS NOT NULL
    ORDER BY p.prompt_id, f.name"""
_ITEMS = "SELECT prompt_id, item_id FROM prompts WHERE prompt_id IN (SELECT unnest($ids::VARCHAR[]))"
_PICTURES = """SELECT f.item_id, coalesce(i.sha256, f.item_id) AS sha256, f.vector
    FROM features f JOIN items i USING (item_id)
    WHERE f.spec_id = $spec_id AND f.name = 'clip_image' AND f.item_id IN (SELECT unnest($ids::VARCHAR[]))
    ORDER BY f.item_id"""


@dataclass(frozen=True)
class Found:
    """One measure of one post, before it is a row; `value` is None exactly when `error` says why."""

    post_id: str
    name: str
    model: str
    value: float | None = None
    label: str | None = None
    detail: Mapping[str, object] = field(default_factory=dict)
    error: str | None = None


@dataclass(frozen=True)
class Pictures:
    """CLIP's vectors of different pictures, (n, dim) of length 1, in the order of the items' ids; `place` finds that of
    an item. Items with the same bytes share one."""

    vectors: Floats
    ids: tuple[str, ...]
    place: Mapping[str, int]

    @classmethod
    def of(cls, rows: Sequence[tuple[str, str, Sequence[float]]]) -> "Pictures":
        """`rows`: item_id, sha256, vector."""
        first: dict[str, int] = {}
        ids: list[str] = []
        kept: list[Sequence[float]] = []
        place = {}
        for item_id, sha256, vector in rows:
            if sha256 not in first:
                first[sha256] = len(kept)
                kept.append(vector)
                ids.append(item_id)
            place[item_id] = first[sha256]
        array = np.asarray(kept, dtype=np.float32) if kept else np.zeros((0, 1), dtype=np.float32)
        lengths = np.linalg.norm(array, axis=1, keepdims=True)
        unit = (array / np.where(lengths > 0, lengths, 1)).astype(np.float32)
        return cls(unit, tuple(ids), place)


@dataclass(frozen=True)
class Batch:
    """`posts` have a text and are worth judging, in the order of time; those of one prompt are candidates of each other
    and never compared. `asked`: prompt_id -> task -> the word in its prompt. `language`: a BCP 47 tag."""

    posts: tuple[Post, ...]
    item_of: Mapping[str, str]
    asked: Mapping[str, Mapping[str, str]]
    pictures: Pictures
    language: str = "en"

    @cached_property
    def texts(self) -> dict[str, str]:
        """post_id -> what models read of it: without hashtags and links, which say little and push out what does; ""
        where no word is left."""
        texts = {post.post_id: readable(post.text or "") for post in self.posts}
        return {post_id: text if _WORD.search(text) else "" for post_id, text in texts.items()}

    @cached_property
    def position(self) -> dict[str, int]:
        return {post.post_id: at for at, post in enumerate(self.posts)}

    @property
    def is_english(self) -> bool:
        return self.language.lower().split("-")[0] == "en"

    def item(self, post: Post) -> str:
        return self.item_of.get(post.prompt_id, post.prompt_id)


def read_batch(store: Store, posts: Sequence[Post], feature_spec_id: str, language: str) -> Batch:
    """The batch of `posts` (in the order of time), whose features were found under `feature_spec_id`."""
    ids = sorted({post.prompt_id for post in posts})
    item_of = {row["prompt_id"]: row["item_id"] for row in store.query(_ITEMS, {"ids": ids})}
    asked: dict[str, dict[str, str]] = {}
    for row in store.query(_ASKED, {"ids": ids}):
        asked.setdefault(row["prompt_id"], {})[row["name"]] = row["text"]
    found = store.frame(_PICTURES, {"spec_id": feature_spec_id, "ids": sorted(set(item_of.values()))})
    rows = list(zip(found["item_id"], found["sha256"], found["vector"], strict=True))
    return Batch(tuple(posts), item_of, asked, Pictures.of(rows), language)
