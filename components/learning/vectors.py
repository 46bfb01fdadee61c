"""What the encoders of a model set make of examples: one array per kind of vector.

Read: each example's picture, once, and its text, prepared exactly as when features are extracted: a network must meet
in a run what it met in training. Vectors do not depend on which examples are read together, so chunks can be kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from components.features.extraction import read_ahead
from components.features.keywords import readable
from components.features.models import Models, load_models
from components.items.pictures import PictureError, open_picture
from components.records import Example, Quarantine
from components.specs import FeatureSpec

if TYPE_CHECKING:
    from torch import Tensor

Device = Literal["auto", "cpu", "cuda"]

PICTURES = {"picture": "picture_encoder", "clip_image": "clip"}
TEXTS = {"text": "text_encoder", "clip_text": "clip"}


@dataclass(frozen=True)
class Vectors:
    """Of n examples that could be read: per kind (n, dim) float32 with zeros where an example has no picture (or text),
    and the masks (n,) that say where it has one."""

    ids: list[str]
    kinds: dict[str, NDArray[np.float32]]
    has_picture: NDArray[np.bool_]
    has_text: NDArray[np.bool_]

    def of(self, ids: Sequence[str]) -> Vectors:
        """The same for some of the examples, in the order of `ids`."""
        place = {name: i for i, name in enumerate(self.ids)}
        rows = np.array([place[name] for name in ids], dtype=np.int64)
        kinds = {kind: array[rows] for kind, array in self.kinds.items()}
        return Vectors(list(ids), kinds, self.has_picture[rows], self.has_text[rows])


def vectors(
    examples: Sequence[Example],
    models: str,
    models_folder: Path | None,
    kinds: Sequence[str],
    step: str,
    device: Device = "auto",
) -> tuple[Vectors, list[Quarantine]]:
    """The vectors of `examples` in their order, and a row of `step` for each whose picture is gone or changed.

    `kinds`: of picture, text (the encoders of the network), clip_image, clip_text. UserError when a model is missing.
    """
    loaded = load_models(FeatureSpec(models=models, device=device), models_folder)
    kept: list[Example] = []
    refused: list[Quarantine] = []
    found: dict[str, list[NDArray[np.float32]]] = {kind: [] for kind in kinds}
    batch: list[tuple[Example, dict[str, Tensor]]] = []

    def read(some: list[tuple[Example, dict[str, Tensor]]]) -> None:
        kept.extend(example for example, _ in some)
        with loaded.lock:
            for kind in kinds:
                found[kind].append(_read([e for e, _ in some], [p for _, p in some], kind, loaded))

    with closing(read_ahead(lambda example: _prepare(example, loaded, kinds), examples, 2 * loaded.batch)) as reading:
        for example, prepared in reading:
            if isinstance(prepared, PictureError):
                refused.append(_refuse(example, prepared, step))
                continue
            batch.append((example, prepared))
            if len(batch) == loaded.batch:
                read(batch)
                batch = []
    read(batch)
    return Vectors(
        [example.example_id for example in kept],
        {kind: np.concatenate(parts) for kind, parts in found.items()},
        np.array([example.image_path is not None for example in kept], dtype=bool),
        np.array([bool(readable(example.text)) for example in kept], dtype=bool),
    ), refused


def joined(parts: Sequence[Vectors]) -> Vectors:
    """Chunks one after the other."""
    if not any(part.ids for part in parts):
        return Vectors([], {}, np.zeros(0, dtype=bool), np.zeros(0, dtype=bool))
    return Vectors(
        [i for part in parts for i in part.ids],
        {kind: np.concatenate([part.kinds[kind] for part in parts if part.ids]) for kind in parts[0].kinds},
        np.concatenate([part.has_picture for part in parts]),
        np.concatenate([part.has_text for part in parts]),
    )


def _prepare(example: Example, models: Models, kinds: Sequence[str]) -> dict[str, Tensor] | PictureError:
    """The pixels that each wanted model sees; nothing for an example without a picture."""
    if example.image_path is None or not any(kind in PICTURES for kind in kinds):
        return {}
    try:
        image = open_picture(example.image_path, sha256=example.sha256, short_side=models.short_side)
    except PictureError as error:
        return error
    return models.prepare(image)


def _read(
    examples: Sequence[Example], pixels: Sequence[dict[str, Tensor]], kind: str, models: Models
) -> NDArray[np.float32]:
    """(n, dim) of one kind, zeros where there is nothing to read."""
    import torch

    part = PICTURES.get(kind) or TEXTS[kind]
    model: Any = getattr(models, part)
    rows = np.zeros((len(examples), model.width), dtype=np.float32)
    if kind in PICTURES:
        places = [i for i, seen in enumerate(pixels) if part in seen]
        if places:
            read = model.pictures if part == "clip" else model
            rows[places] = read(torch.stack([pixels[i][part] for i in places])).numpy()
    else:
        texts = [readable(example.text) for example in examples]
        places = [i for i, text in enumerate(texts) if text]
        if places:
            read = model.texts if part == "clip" else model
            rows[places] = read([texts[i] for i in places]).numpy()
    return rows


def _refuse(example: Example, error: PictureError, step: str) -> Quarantine:
    return Quarantine(
        quarantine_id=Quarantine.make_id(step, example.dataset, example.source_uri, example.example_id, error.reason),
        step=step,
        dataset=example.dataset,
        source_uri=example.source_uri,
        stamp=example.example_id,
        image_path=example.image_path,
        item_id=None,
        reason=error.reason,
        detail=error.detail,
        at=datetime.now(UTC),
    )
