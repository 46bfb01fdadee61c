"""The one pass over items: captions, topic, sentiment, scene, keywords and vectors, batch by batch.

Read: each item's picture, once, and its text. Written: nothing; rows are returned. An item without a picture has no
captions, no scene and no picture vectors; one without a text has no text vectors, and its keywords come from its
caption. What a row holds does not depend on which other items are in its batch.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from components.features.crops import crop_pixels
from components.features.findings import Prepared, find
from components.features.keywords import readable
from components.features.models import Models, load_models
from components.items.pictures import PictureError, open_picture
from components.records import Feature, Item, Quarantine
from components.spec import FeatureSpec

WORKING_SIDE = 1024
"""Pixels per side to which pictures are decoded; models see at most 384 of them."""
READERS = 4

logger = logging.getLogger(__name__)


def extract(
    items: Sequence[Item], spec: FeatureSpec, models_folder: Path | None = None
) -> tuple[list[Feature], list[Quarantine]]:
    """The features of `items` in their order, and the items whose picture cannot be read (any more).

    Raises UserError when the models are not on this machine.
    """
    if not items:
        return [], []
    models, spec_id = load_models(spec, models_folder), spec.id
    features: list[Feature] = []
    refused: list[Quarantine] = []
    started = time.monotonic()
    with ThreadPoolExecutor(READERS) as pool:
        for start in range(0, len(items), spec.batch_size):
            batch: list[Prepared] = []
            for item, prepared in zip(
                items[start : start + spec.batch_size],
                pool.map(lambda item: _prepare(item, models, spec), items[start : start + spec.batch_size]),
                strict=True,
            ):
                if isinstance(prepared, PictureError):
                    refused.append(_refuse(item, prepared))
                else:
                    batch.append(prepared)
            if batch:
                with models.lock:
                    features += find(batch, models, spec, spec_id)
    seconds = time.monotonic() - started
    speed = len(items) / seconds
    logger.info("features of %d items in %.1f s (%.1f/s), %d refused", len(items), seconds, speed, len(refused))
    return features, refused


def _prepare(item: Item, models: Models, spec: FeatureSpec) -> Prepared | PictureError:
    """Reads the picture and leaves only what the models see of it, so that a batch of large pictures fits in memory."""
    text = readable(item.text)
    if item.image_path is None:
        return Prepared(item, text, None) if text else PictureError("empty", "neither a picture nor a text")
    try:
        image = open_picture(item.image_path, sha256=item.sha256, max_side=WORKING_SIDE)
    except PictureError as error:
        return error
    return Prepared(item, text, models.prepare(image), crop_pixels(image, models, spec))


def _refuse(item: Item, error: PictureError) -> Quarantine:
    step = FeatureSpec.step
    return Quarantine(
        quarantine_id=Quarantine.make_id(step, item.dataset, item.source_uri, item.stamp, error.reason),
        step=step, dataset=item.dataset, source_uri=item.source_uri, stamp=item.stamp, image_path=item.image_path,
        item_id=item.item_id, reason=error.reason, detail=error.detail, at=datetime.now(UTC),
    )  # fmt: skip
