"""What is found in pictures and texts: captions, topic, sentiment, scene, keywords, vectors.

Importing this is cheap; torch and the models' libraries are imported when models are loaded.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from components.features.hub import fetch
from components.features.model_set import describe_model_sets, model_set_fingerprint, shipped_sets
from components.items.pictures import PictureError
from components.records import Feature, Item, Quarantine
from components.specs import FeatureSpec

if TYPE_CHECKING:
    from components.features.models import Models

__all__ = [
    "counting_passes", "describe_model_sets", "extract", "fetch", "forward_passes", "load_models",
    "model_set_fingerprint", "refuse_item", "shipped_sets",
]  # fmt: skip


def load_models(spec: FeatureSpec, models_folder: Path | None = None) -> "Models":
    """The models of `spec`, loaded once per process. UserError in one line when one is not on this machine."""
    from components.features.models import load_models

    return load_models(spec, models_folder)


def extract(
    items: Sequence[Item], spec: FeatureSpec, models_folder: Path | None = None
) -> tuple[list[Feature], list[Quarantine]]:
    """The features of `items` in their order, and the items whose picture cannot be read (any more)."""
    from components.features.extraction import extract

    return extract(items, spec, models_folder)


def refuse_item(item: Item, error: PictureError) -> Quarantine:
    """The row of `quarantine` for an item whose picture cannot be read (any more)."""
    from components.features.extraction import refuse_item

    return refuse_item(item, error)


def forward_passes() -> Counter[str]:
    """Forward passes of this process so far, per part; empty when no model has been used."""
    from components.features.models import passes

    return Counter(passes)


@contextmanager
def counting_passes() -> Iterator[Counter[str]]:
    """Those that are made within the block, by what it calls, per part."""
    from components.features.models import counting

    with counting() as found:
        yield found
