"""What the models find in one batch of items: vectors, captions, labels, keywords, and the rows they become.

Read: what `extraction` has prepared of each item. Nothing here opens a file; what a row holds does not depend on which
other items are in the batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from components.features.keyword_ranking import rank, ranked_by
from components.features.keywords import candidates, sentence_of
from components.features.models import Models
from components.records import Feature, Item
from components.specs import FeatureSpec

if TYPE_CHECKING:
    from torch import Tensor

    from components.features.crops import Crop
    from components.features.labels import Ranked

LABELS_KEPT = 5
CROP_TASKS = ("topic", "scene")
"""What is read of a part of a picture; the sentiment is the post's, not a part's."""
NEARLY_AS_SURE = 0.9
"""A part's caption has to fit part and picture nearly as well as the picture's caption fits the picture to be told. By
eye, on drawn pictures; a share, because each CLIP has a range of cosines of its own."""

Scored = tuple[str, float]


@dataclass
class Prepared:
    """An item on its way: what the models will read of it, and what they found. `described` has, per crop of which
    anything can be said, its caption and its labels."""

    item: Item
    text: str
    pixels: Mapping[str, Tensor] | None
    crops: Sequence[Crop] = ()
    captions: Sequence[Scored] = ()
    labels: Ranked | None = None
    keywords: Sequence[Scored] = ()
    described: Sequence[tuple[Crop, Scored, Ranked]] = ()


def find(batch: list[Prepared], models: Models, spec: FeatureSpec, spec_id: str) -> list[Feature]:
    vectors = _vectors(batch, models)
    pictured = [i for i, p in enumerate(batch) if p.pixels]
    seen = [(p.item.sha256 or p.item.item_id, p.pixels["captioner"]) for p in batch if p.pixels]
    for i, captions in zip(pictured, _captions(seen, vectors["clip_image"][pictured], models, spec), strict=True):
        batch[i].captions = captions
    _label(batch, vectors, models)
    _find_keywords(batch, models, spec)
    _describe_crops(batch, vectors["clip_image"], models, spec)
    of_item = [{name: rows[i] for name, rows in vectors.items()} for i in range(len(batch))]
    return [row for p, own in zip(batch, of_item, strict=True) for row in _rows(p, own, models, spec, spec_id)]


def _vectors(batch: Sequence[Prepared], models: Models) -> dict[str, Tensor]:
    """Each kind as (n, dim), with zeros for items that have no picture or no text."""
    import torch

    with_picture = [i for i, p in enumerate(batch) if p.pixels]
    with_text = [i for i, p in enumerate(batch) if p.text]
    found: dict[str, tuple[list[int], Tensor]] = {}
    if with_picture:
        of_pictures = _picture_vectors([p.pixels for p in batch if p.pixels], models)
        found |= {name: (with_picture, rows) for name, rows in of_pictures.items()}
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


def _picture_vectors(pixels: Sequence[Mapping[str, Tensor]], models: Models) -> dict[str, Tensor]:
    import torch

    stacked = {name: torch.stack([seen[name] for seen in pixels]) for name in ("clip", "picture_encoder")}
    return {
        "clip_image": models.clip.pictures(stacked["clip"]),
        "picture": models.picture_encoder(stacked["picture_encoder"]),
    }


def _captions(
    seen: Sequence[tuple[str, Tensor]], clip_image: Tensor, models: Models, spec: FeatureSpec
) -> list[list[Scored]]:
    """Per (name, pixels) the candidates, ranked by their cosine with the picture; equal ones stay as they were made."""
    import torch

    if not seen:
        return []
    made = models.captioner(
        torch.stack([pixels for _, pixels in seen]), [name for name, _ in seen],
        spec.captions, spec.temperature, spec.top_p, spec.seed, spec.decoding,
    )  # fmt: skip
    different = list(dict.fromkeys(text for texts in made for text in texts if text))
    rows = {text: i for i, text in enumerate(different)}
    vectors = models.clip.texts(different)
    scored = [
        [(text, round(float(vectors[rows[text]] @ picture), 6)) for text in texts if text]
        for texts, picture in zip(made, clip_image, strict=True)
    ]
    return [sorted(pairs, key=lambda pair: -round(pair[1], 5)) for pairs in scored]


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
    for p, found in zip(batch, rank(asked, spec.keyword_method, models.text_encoder, spec.keywords), strict=True):
        p.keywords = found


def _describe_crops(batch: Sequence[Prepared], of_pictures: Tensor, models: Models, spec: FeatureSpec) -> None:
    """A part is described as a picture without text would be; one of which nothing can be said is dropped.

    Its captions are ranked by the mean of their cosines with the part and with the whole picture: captioners know whole
    pictures, and make up surroundings for a part that the picture gives the lie to.
    """
    import torch

    waiting = [(i, crop) for i, p in enumerate(batch) for crop in p.crops]
    size = spec.batch_size or models.batch
    for start in range(0, len(waiting), size):
        part = waiting[start : start + size]
        vectors = _picture_vectors([crop.pixels for _, crop in part], models)
        both = torch.stack([vectors["clip_image"], of_pictures[[i for i, _ in part]]]).mean(0)
        items = [batch[i].item for i, _ in part]
        names = [f"{item.sha256 or item.item_id} {crop.part.box}" for item, (_, crop) in zip(items, part, strict=True)]
        seen = [(name, crop.pixels["captioner"]) for name, (_, crop) in zip(names, part, strict=True)]
        captions = _captions(seen, both, models, spec)
        for (i, crop), found, labels in zip(part, captions, _labels_of_pictures(vectors, models), strict=True):
            batch[i].described = [*batch[i].described, *([(crop, found[0], labels)] if found else [])]


def _labels_of_pictures(vectors: Mapping[str, Tensor], models: Models) -> list[Ranked]:
    import torch

    n = len(vectors["picture"])
    no_text = {"clip_text": torch.zeros(n, models.clip.width), "text": torch.zeros(n, models.text_encoder.width)}
    return models.labeller({**vectors, **no_text}, torch.ones(n, dtype=torch.bool), torch.zeros(n, dtype=torch.bool))


def _rows(p: Prepared, vectors: Mapping[str, Tensor], models: Models, spec: FeatureSpec, spec_id: str) -> list[Feature]:
    """Captions, labels, keywords, parts of the picture, vectors; each name's ranks from 0."""
    labels, thresholds, revisions = p.labels or {}, models.labeller.thresholds, models.revisions
    named: list[tuple[str, str, Sequence[Scored]]] = [("caption", revisions["captioner"], p.captions)]
    tasks = ("topic", "sentiment", "scene") if p.pixels else ("topic", "sentiment")
    named += [(task, revisions[models.labeller.part], labels[task][:LABELS_KEPT]) for task in tasks if task in labels]
    named.append(("keyword", ranked_by(spec.keyword_method, revisions["text_encoder"]), p.keywords))
    rows = [
        _feature(p.item, spec_id, name, model, place, text=text, score=score, threshold=thresholds.get(name))
        for name, model, found in named
        for place, (text, score) in enumerate(found)
    ]
    rows += _rows_of_crops(p, models, spec_id)
    kinds = [("clip_image", "clip"), ("picture", "picture_encoder")] if p.pixels else []
    kinds += [("clip_text", "clip"), ("text", "text_encoder")] if p.text else []
    rows += [
        _feature(p.item, spec_id, name, revisions[part], 0, vector=[round(x, 6) for x in vectors[name].tolist()])
        for name, part in kinds
    ]
    return rows


def _rows_of_crops(p: Prepared, models: Models, spec_id: str) -> Iterator[Feature]:
    """The rows of one part share its rank and its box: `crop` says what stands out and how much, `crop_caption`,
    `crop_topic` and `crop_scene` what it shows. Only the ranks of `crop` go by score."""
    for place, (crop, (caption, cosine), labels) in enumerate(p.described):
        box = crop.part.box
        yield _feature(p.item, spec_id, "crop", crop.model, place, text=crop.part.label, score=crop.part.score, box=box)
        least = round(max(0.0, NEARLY_AS_SURE * p.captions[0][1]), 6) if p.captions else None
        yield _feature(
            p.item, spec_id, "crop_caption", models.revisions["captioner"], place, text=caption, score=cosine,
            threshold=least, box=box,
        )  # fmt: skip
        for task in (task for task in CROP_TASKS if task in labels):
            label, probability = labels[task][0]
            yield _feature(
                p.item, spec_id, f"crop_{task}", models.revisions[models.labeller.part], place, text=label,
                score=probability, threshold=models.labeller.thresholds.get(task), box=box,
            )  # fmt: skip


def _feature(
    item: Item, spec_id: str, name: str, model: str, rank: int, *,
    text: str | None = None, score: float | None = None, threshold: float | None = None,
    box: Sequence[float] | None = None, vector: Sequence[float] | None = None,
) -> Feature:  # fmt: skip
    return Feature(
        feature_id=Feature.make_id(item.item_id, spec_id, name, rank), item_id=item.item_id, spec_id=spec_id,
        name=name, rank=rank, text=text, score=score, threshold=threshold, box=box, vector=vector, model=model,
    )  # fmt: skip
