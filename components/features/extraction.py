"""The one pass over items: captions, topic, sentiment, scene, keywords and vectors, batch by batch.

Read: each item's picture, once, and its text. Written: nothing; rows are returned. An item without a picture has no
captions, no scene and no picture vectors; one without a text has no text vectors, and its keywords come from its
caption. What a row holds does not depend on which other items are in its batch.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from components.features.crops import crop_pixels
from components.features.findings import Prepared, find
from components.features.keywords import readable
from components.features.models import Models, load_models
from components.items.pictures import PictureError, open_picture
from components.records import Feature, Item, Quarantine
from components.specs import FeatureSpec

READERS = 4
READ_AHEAD = 2
"""Batches: one that is computed next, one on its way. What waits is 1 to 2 MB per picture."""
PARTS_SIDE = 2
"""How much more of a picture is decoded where parts of it are looked at, too."""

Given = TypeVar("Given")
Made = TypeVar("Made")

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
    batch_size = spec.batch_size or models.batch
    spec = spec.model_copy(update={"batch_size": batch_size})  # which is no part of what rows are
    batch: list[Prepared] = []
    reading = read_ahead(lambda item: _prepare(item, models, spec), items, READ_AHEAD * batch_size)
    with closing(reading):  # an error in `find` ends the readers before it leaves this function
        for item, prepared in reading:
            if isinstance(prepared, PictureError):
                refused.append(refuse_item(item, prepared))
            else:
                batch.append(prepared)
            if len(batch) == batch_size:
                features += _find(batch, models, spec, spec_id)
                batch = []
    if batch:
        features += _find(batch, models, spec, spec_id)
    seconds = time.monotonic() - started
    speed = len(items) / seconds
    logger.info("features of %d items in %.1f s (%.1f/s), %d refused", len(items), seconds, speed, len(refused))
    return features, refused


def read_ahead(
    make: Callable[[Given], Made], given: Iterable[Given], ahead: int, readers: int = READERS
) -> Generator[tuple[Given, Made], None, None]:
    """(x, make(x)) for each x in order, made by `readers` threads while the caller works; at most `ahead` more than
    the caller has taken are begun. Close it to end the threads early; an exception in `make` rises here."""
    waiting: deque[tuple[Given, Future[Made]]] = deque()
    pool = ThreadPoolExecutor(readers, thread_name_prefix="reader")
    try:
        for each in given:
            waiting.append((each, pool.submit(make, each)))
            if len(waiting) > ahead:
                first, made = waiting.popleft()
                yield first, made.result()
        while waiting:
            first, made = waiting.popleft()
            yield first, made.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _find(batch: list[Prepared], models: Models, spec: FeatureSpec, spec_id: str) -> list[Feature]:
    with models.lock:
        return find(batch, models, spec, spec_id)


def _prepare(item: Item, models: Models, spec: FeatureSpec) -> Prepared | PictureError:
    """Reads the picture and leaves only what the models see of it: so that what waits is small."""
    text = readable(item.text)
    if item.image_path is None:
        return Prepared(item, text, None) if text else PictureError("empty", "neither a picture nor a text")
    try:
        image = open_picture(item.image_path, sha256=item.sha256, short_side=models.short_side)
        pixels = models.prepare(image)
        if spec.crops != "none":  # decoded once more: what is seen of the whole must not depend on its parts
            image = open_picture(item.image_path, sha256=item.sha256, short_side=PARTS_SIDE * models.short_side)
    except PictureError as error:
        return error
    return Prepared(item, text, pixels, crop_pixels(image, models, spec))


def refuse_item(item: Item, error: PictureError) -> Quarantine:
    """An item whose picture cannot be read (any more)."""
    step = FeatureSpec.step
    return Quarantine(
        quarantine_id=Quarantine.make_id(step, item.dataset, item.source_uri, item.stamp, error.reason),
        step=step, dataset=item.dataset, source_uri=item.source_uri, stamp=item.stamp, image_path=item.image_path,
        item_id=item.item_id, reason=error.reason, detail=error.detail, at=datetime.now(UTC),
    )  # fmt: skip
