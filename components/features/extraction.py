"""The one pass over items: captions, topic, sentiment, scene, keywords and vectors, batch by batch.

Read: each item's picture, once, and its text. Written: nothing; rows are returned. An item without a picture has no
captions, no scene and no picture vectors; one without a text has no text vectors, and its keywords come from its
caption. What a row holds does not depend on which other items are in its batch.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from components.features.keywords import candidates, clean, rank_keywords, sentence_of
from components.features.models import Models, load_models
from components.items.pictures import PictureError, open_picture
from components.records import Feature, Item, Quarantine
from components.spec import FeatureSpec

if TYPE_CHECKING:
    from torch import Tensor

    from components.features.labels import Ranked

WORKING_SIDE = 1024
"""Pixels per side to which pictures are decoded; models see at most 384 of them."""
LABELS_KEPT = 5
READERS = 4

logger = logging.getLogger(__name__)


@dataclass
class _Prepared:
    """An item on its way: what the models will read of it, and what they found."""

    item: Item
    text: str
    pixels: Mapping[str, Tensor] | None
    captions: Sequence[tuple[str, float]] = ()
    labels: Ranked | None = None
    keywords: Sequence[tuple[str, float]] = ()


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
            batch: list[_Prepared] = []
            for item, prepared in zip(
                items[start : start + spec.batch_size],
                pool.map(lambda item: _prepare(item, models), items[start : start + spec.batch_size]),
                strict=True,
            ):
                if isinstance(prepared, PictureError):
                    refused.append(_refuse(item, prepared))
                else:
                    batch.append(prepared)
            if batch:
                with models.lock:
                    features += _extract_batch(batch, models, spec, spec_id)
    seconds = time.monotonic() - started
    speed = len(items) / seconds
    logger.info("features of %d items in %.1f s (%.1f/s), %d refused", len(items), seconds, speed, len(refused))
    return features, refused


def _prepare(item: Item, models: Models) -> _Prepared | PictureError:
    """Reads the picture and leaves only what the models see of it, so that a batch of large pictures fits in memory."""
    # Only links or emoji: better than nothing. Halves of surrogate pairs would stop the tokenizers.
    text = clean(item.text) or item.text.encode("utf-8", "ignore").decode().strip()
    if item.image_path is None:
        return _Prepared(item, text, None) if text else PictureError("empty", "neither a picture nor a text")
    try:
        image = open_picture(item.image_path, sha256=item.sha256, max_side=WORKING_SIDE)
    except PictureError as error:
        return error
    pixels = {
        "captioner": models.captioner.prepare(image),
        "clip": models.clip.prepare(image),
        "picture_encoder": models.picture_encoder.prepare(image),
    }
    return _Prepared(item, text, pixels)


def _refuse(item: Item, error: PictureError) -> Quarantine:
    step = FeatureSpec.step
    return Quarantine(
        quarantine_id=Quarantine.make_id(step, item.dataset, item.source_uri, item.stamp, error.reason),
        step=step, dataset=item.dataset, source_uri=item.source_uri, stamp=item.stamp, image_path=item.image_path,
        item_id=item.item_id, reason=error.reason, detail=error.detail, at=datetime.now(UTC),
    )  # fmt: skip


def _extract_batch(batch: list[_Prepared], models: Models, spec: FeatureSpec, spec_id: str) -> list[Feature]:
    vectors = _vectors(batch, models)
    pictured = [i for i, p in enumerate(batch) if p.pixels]
    _caption([batch[i] for i in pictured], vectors["clip_image"][pictured], models, spec)
    _label(batch, vectors, models)
    _find_keywords(batch, models, spec)
    of_item = [{name: rows[i] for name, rows in vectors.items()} for i in range(len(batch))]
    return [row for p, own in zip(batch, of_item, strict=True) for row in _rows(p, own, models, spec_id)]


def _vectors(batch: Sequence[_Prepared], models: Models) -> dict[str, Tensor]:
    """Each kind as (n, dim), with zeros for items that have no picture or no text."""
    import torch

    with_picture = [i for i, p in enumerate(batch) if p.pixels]
    with_text = [i for i, p in enumerate(batch) if p.text]
    found: dict[str, tuple[list[int], Tensor]] = {}
    if with_picture:
        pixels = {
            name: torch.stack([p.pixels[name] for p in batch if p.pixels]) for name in ("clip", "picture_encoder")
        }
        found["clip_image"] = with_picture, models.clip.pictures(pixels["clip"])
        found["picture"] = with_picture, models.picture_encoder(pixels["picture_encoder"])
    if with_text:
        texts = [batch[i].text for i in with_text]
        found["clip_text"] = with_text, models.clip.texts(texts)
        found["text"] = with_text, models.text_encoder(texts)
    widths = {
        "clip_image": models.clip.width, "clip_text": models.clip.width,
        "picture": models.picture_encoder.width, "text": models.text_encoder.width,
    }  # fmt: skip
    result = {name: torch.zeros(len(batch), width) for name, width in widths.items()}
    for name, (places, rows) in found.items():
        result[name][places] = rows
    return result


def _caption(pictured: Sequence[_Prepared], clip_image: Tensor, models: Models, spec: FeatureSpec) -> None:
    """Samples captions and ranks them by their cosine with the picture; equal ones stay as they were sampled."""
    import torch

    if not pictured:
        return
    sampled = models.captioner(
        torch.stack([p.pixels["captioner"] for p in pictured if p.pixels]),
        [p.item.sha256 or p.item.item_id for p in pictured],
        spec.captions, spec.temperature, spec.top_p, spec.seed,
    )  # fmt: skip
    different = list(dict.fromkeys(text for texts in sampled for text in texts if text))
    rows = {text: i for i, text in enumerate(different)}
    vectors = models.clip.texts(different)
    for p, texts, picture in zip(pictured, sampled, clip_image, strict=True):
        scored = [(text, round(float(vectors[rows[text]] @ picture), 6)) for text in texts if text]
        p.captions = sorted(scored, key=lambda pair: -round(pair[1], 5))


def _label(batch: Sequence[_Prepared], vectors: Mapping[str, Tensor], models: Models) -> None:
    import torch

    has_picture = torch.tensor([p.pixels is not None for p in batch])
    has_text = torch.tensor([bool(p.text) for p in batch])
    for p, labels in zip(batch, models.labeller(vectors, has_picture, has_text), strict=True):
        p.labels = labels


def _find_keywords(batch: Sequence[_Prepared], models: Models, spec: FeatureSpec) -> None:
    asked = []
    for p in batch:
        caption = p.captions[0][0] if p.captions else ""
        # A language that the source states is the text's; the caption's is the captioner's.
        asked.append((sentence_of(p.text, caption), candidates(p.text, caption, p.item.language)))
    for p, found in zip(batch, rank_keywords(asked, models.text_encoder, spec.keywords), strict=True):
        p.keywords = found


def _rows(p: _Prepared, vectors: Mapping[str, Tensor], models: Models, spec_id: str) -> list[Feature]:
    """Captions, labels, keywords, vectors; each name's ranks from 0."""
    labels = p.labels or {}
    named: list[tuple[str, str, Sequence[tuple[str, float]]]] = [("caption", "captioner", p.captions)]
    tasks = ("topic", "sentiment", "scene") if p.pixels else ("topic", "sentiment")
    named += [(task, models.labeller.part, labels[task][:LABELS_KEPT]) for task in tasks if task in labels]
    named.append(("keyword", "text_encoder", p.keywords))
    rows = [
        _feature(p.item, spec_id, name, models.revisions[part], rank, text=text, score=score)
        for name, part, found in named
        for rank, (text, score) in enumerate(found)
    ]
    kinds = [("clip_image", "clip"), ("picture", "picture_encoder")] if p.pixels else []
    kinds += [("clip_text", "clip"), ("text", "text_encoder")] if p.text else []
    rows += [
        _feature(p.item, spec_id, name, models.revisions[part], 0, vector=[round(x, 6) for x in vectors[name].tolist()])
        for name, part in kinds
    ]
    return rows


def _feature(
    item: Item, spec_id: str, name: str, model: str, rank: int, *,
    text: str | None = None, score: float | None = None, vector: Sequence[float] | None = None,
) -> Feature:  # fmt: skip
    return Feature(
        feature_id=Feature.make_id(item.item_id, spec_id, name, rank), item_id=item.item_id, spec_id=spec_id,
        name=name, rank=rank, text=text, score=score, vector=vector, model=model,
    )  # fmt: skip
