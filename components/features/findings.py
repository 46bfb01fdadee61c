"""What the models find in one batch of items: vectors, captions, labels, keywords, and the rows they become.

Read: what `extraction` has prepared of each item. Nothing here opens a file; what a row holds does not depend on which
other items are in the batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from components.features.keywords import candidates, rank_keywords, sentence_of
from components.features.models import Models
from components.records import Feature, Item
from components.spec import FeatureSpec

if TYPE_CHECKING:
    from torch import Tensor

    from components.features.crops import Crop
    from components.features.labels import Ranked

LABELS_KEPT = 5


@dataclass
class Prepared:
    """An item on its way: what the models will read of it, and what they found."""

    item: Item
    text: str
    pixels: Mapping[str, Tensor] | None
    crops: Sequence[Crop] = ()
    captions: Sequence[tuple[str, float]] = ()
    labels: Ranked | None = None
    keywords: Sequence[tuple[str, float]] = ()


def find(batch: list[Prepared], models: Models, spec: FeatureSpec, spec_id: str) -> list[Feature]:
    vectors = _vectors(batch, models)
    pictured = [i for i, p in enumerate(batch) if p.pixels]
    _caption([batch[i] for i in pictured], vectors["clip_image"][pictured], models, spec)
    _label(batch, vectors, models)
    _find_keywords(batch, models, spec)
    of_item = [{name: rows[i] for name, rows in vectors.items()} for i in range(len(batch))]
    return [row for p, own in zip(batch, of_item, strict=True) for row in _rows(p, own, models, spec_id)]


def _vectors(batch: Sequence[Prepared], models: Models) -> dict[str, Tensor]:
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


def _caption(pictured: Sequence[Prepared], clip_image: Tensor, models: Models, spec: FeatureSpec) -> None:
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


def _label(batch: Sequence[Prepared], vectors: Mapping[str, Tensor], models: Models) -> None:
    import torch

    has_picture = torch.tensor([p.pixels is not None for p in batch])
    has_text = torch.tensor([bool(p.text) for p in batch])
    for p, labels in zip(batch, models.labeller(vectors, has_picture, has_text), strict=True):
        p.labels = labels


def _find_keywords(batch: Sequence[Prepared], models: Models, spec: FeatureSpec) -> None:
    asked = []
    for p in batch:
        caption = p.captions[0][0] if p.captions else ""
        # A language that the source states is the text's; the caption's is the captioner's.
        asked.append((sentence_of(p.text, caption), candidates(p.text, caption, p.item.language)))
    for p, found in zip(batch, rank_keywords(asked, models.text_encoder, spec.keywords), strict=True):
        p.keywords = found


def _rows(p: Prepared, vectors: Mapping[str, Tensor], models: Models, spec_id: str) -> list[Feature]:
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
