"""Captions that were told join those the captioner made: CLIP says which fits the picture best.

Read: items' rows and what was told of them. Written: nothing; all rows are returned, captions with new ranks, ids and
scores. Where another caption is now the best, the keywords, which are of text and caption, are found again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from components.features.keyword_ranking import rank, ranked_by
from components.features.keywords import candidates, readable, sentence_of
from components.records import Feature, Item
from components.specs import FeatureSpec

if TYPE_CHECKING:
    from components.features.models import Models


def merge_captions(
    features: Sequence[Feature],
    told: Mapping[str, tuple[str, str]],
    spec: FeatureSpec,
    models: Models,
    items: Mapping[str, Item] | None = None,
) -> list[Feature]:
    """All rows, each item's together. `told`: item_id -> (caption, model that told it).

    A told caption gets the rank that its cosine with the picture gives it, behind one of equal cosine. It is not added
    where the item has no picture vector, or has the same caption already. Keywords follow for items in `items`.
    """
    rows: dict[str, list[Feature]] = {}
    for row in features:
        rows.setdefault(row.item_id, []).append(row)
    joined = {
        item_id: _with_caption(rows[item_id], *told[item_id], cosine)
        for item_id, cosine in _cosines(rows, told, models).items()
    }
    changed = [i for i in joined if i in (items or {}) and _best_caption(joined[i]) != _best_caption(rows[i])]
    asked = []
    for item_id in changed:
        item, caption = (items or {})[item_id], _best_caption(joined[item_id])
        text = readable(item.text)
        asked.append((sentence_of(text, caption), candidates(text, caption, item.language)))
    with models.lock:
        keywords = rank(asked, spec.keyword_method, models.text_encoder, spec.keywords)
    model = ranked_by(spec.keyword_method, models.revisions["text_encoder"])
    for item_id, found in zip(changed, keywords, strict=True):
        joined[item_id] = _replaced(joined[item_id], "keyword", [(*pair, model) for pair in found])
    return [row for item_id in rows for row in joined.get(item_id, rows[item_id])]


def _cosines(
    rows: Mapping[str, Sequence[Feature]], told: Mapping[str, tuple[str, str]], models: Models
) -> dict[str, float]:
    """Of each caption that joins with its picture, in one pass."""
    pictures = {}
    for item_id, (text, _) in told.items():
        own = rows.get(item_id, ())
        vector = next((row.vector for row in own if row.name == "clip_image" and row.vector is not None), None)
        if vector is not None and text not in {row.text for row in own if row.name == "caption"}:
            pictures[item_id] = vector
    with models.lock:
        texts = models.clip.texts([told[item_id][0] for item_id in pictures]).tolist()
    return {
        item_id: round(sum(a * b for a, b in zip(text, picture, strict=True)), 6)
        for text, (item_id, picture) in zip(texts, pictures.items(), strict=True)
    }


def _with_caption(rows: Sequence[Feature], text: str, model: str, cosine: float) -> list[Feature]:
    had = [(str(row.text), row.score or 0.0, row.model) for row in rows if row.name == "caption"]
    return _replaced(rows, "caption", sorted([*had, (text, cosine, model)], key=lambda found: -round(found[1], 5)))


def _replaced(rows: Sequence[Feature], name: str, found: Sequence[tuple[str, float, str]]) -> list[Feature]:
    """`rows` with those of `name` replaced by (text, score, model), best first, in front."""
    pattern = replace(rows[0], name=name, rank=0, text=None, score=None, threshold=None, box=None, vector=None)
    new = [
        replace(
            pattern,
            feature_id=Feature.make_id(pattern.item_id, pattern.spec_id, name, place),
            rank=place,
            text=text,
            score=score,
            model=model,
        )
        for place, (text, score, model) in enumerate(found)
    ]
    return [*new, *(row for row in rows if row.name != name)]


def _best_caption(rows: Sequence[Feature]) -> str:
    return next((str(row.text) for row in rows if row.name == "caption" and row.rank == 0), "")
