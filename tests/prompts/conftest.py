"""Items and features to build prompts from."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import pytest

from components.records import Feature, Item

MakeItem = Callable[..., Item]
MakeFeatures = Callable[..., list[Feature]]


@pytest.fixture
def make_item() -> MakeItem:
    def make(item_id: str = "i1", text: str = "", image_path: str | None = "/pictures/a.jpg") -> Item:
        return Item(
            item_id=item_id, dataset="d", spec_id="s", source_uri=f"/pictures/{item_id}", stamp="st", text=text,
            image_path=image_path, ingested_at=datetime(2026, 3, 1, tzinfo=UTC),
        )  # fmt: skip

    return make


@pytest.fixture
def make_features() -> MakeFeatures:
    def make(item_id: str = "i1", keywords: Sequence[str] = (), **texts: Sequence[str]) -> list[Feature]:
        named = {**texts, "keyword": keywords}
        return [
            Feature(
                feature_id=f"{item_id}-{name}{rank}",
                item_id=item_id,
                spec_id="f",
                name=name,
                rank=rank,
                text=text,
                score=0.9 - rank / 10,
                model="starter/test@1",
            )
            for name, ranked in named.items()
            for rank, text in enumerate(ranked)
        ]

    return make
