"""Posts and batches by hand, for measures that need no model."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from components.measures.batch import Batch, Found, Pictures
from components.records import Post, content_id

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def a_post(n: int, text: str, **more: Any) -> Post:
    row = {"prompt_id": content_id("prompt", n), "spec_id": content_id("g"), "platform": "x", "created_at": NOW}
    return Post(post_id=content_id("post", n, more.get("candidate", 0)), text=text, **(row | more))


def a_batch(
    posts: Sequence[Post],
    asked: Mapping[str, Mapping[str, str]] | None = None,
    pictures: Sequence[tuple[str, str, Sequence[float]]] = (),
    language: str = "en",
) -> Batch:
    """Each prompt is about an item of its own; `pictures` are by prompt_id."""
    items = {post.prompt_id: post.prompt_id for post in posts}
    return Batch(tuple(posts), items, asked or {}, Pictures.of(pictures), language)


def values_of(found: Iterable[Found]) -> dict[str, Any]:
    """Name -> value, or the reason why there is none."""
    return {one.name: one.value if one.error is None else one.error for one in found}
