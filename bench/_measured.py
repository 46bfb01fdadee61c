"""What the arms of bench/scale.py are made of: its items' words, its campaign, memory and profiles."""

import resource
from collections.abc import Sequence
from pathlib import Path
from typing import Any

CHUNK = 1000


def memory() -> float:
    """The most this process has used, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def words_of(items: Sequence[Any], spec_id: str) -> list[Any]:
    """A topic, a sentiment and three keywords per item, as a model would find them."""
    from components.records import Feature

    return [
        Feature(
            feature_id=Feature.make_id(item.item_id, spec_id, name, rank), item_id=item.item_id, spec_id=spec_id,
            name=name, rank=rank, text=text, score=0.5, model="bench",
        )
        for item in items
        for name, texts in (
            ("topic", ["travel"]), ("sentiment", ["positive"]), ("keyword", item.text.replace(",", "").split()[1:7:2])
        )
        for rank, text in enumerate(texts)
    ]  # fmt: skip


def campaign_of(place: Path) -> Any:
    from components.specs import Campaign

    return Campaign.model_validate({"name": "bench", "dataset": {"source": "jsonl", "path": place / "texts.jsonl"}})


def started_profile(path: str) -> Any:
    if not path:
        return None
    import cProfile

    profile = cProfile.Profile()
    profile.enable()
    return profile


def ended_profile(profile: Any, path: str) -> None:
    if profile is not None:
        profile.disable()
        profile.dump_stats(path)
