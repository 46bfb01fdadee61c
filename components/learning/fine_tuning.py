"""Lets the encoders learn too, end to end from pictures and texts, and writes them as directories that a set can name.

Read: the examples' files, and the encoders of the spec's model set. Written: `picture_encoder/` and `text_encoder/` in
the layout of the hub, with the processor or tokenizer of the encoder they began as. Needed: torch, transformers; a GPU
for anything but small encoders. An encoder that does not learn gives the vectors it has given before.

What comes back are the rows under the new encoders: the network itself is then trained on them like any other, so that
all arms of a comparison stand on the same vectors. (These encoders learned from all tasks; a single-task arm on them
is single-task in its network only.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from components.errors import UserError
from components.features.encoders import load_transformer
from components.features.model_set import folder_of, read_model_set
from components.features.network import PromptWordsNetwork
from components.learning.encoded import Encoded
from components.learning.fitting import Batch, Track, choose_device, fit, precision
from components.learning.spec import TrainingSpec
from components.learning.trainer import Tensors, batches, drop, fitted, logits_of, make_loss, network_config, validated
from components.learning.tunable import Tunable, TunablePictures, TunableTexts, write_encoder
from components.records import Example

if TYPE_CHECKING:
    import torch
    from torch import Tensor

ENCODE_AT_ONCE = 32


@dataclass(frozen=True)
class FineTuned:
    """`folders`: the encoders that learned, per part; `data`: the splits with their vectors; `history`: per epoch."""

    folders: Mapping[str, Path]
    data: Mapping[str, Encoded]
    history: Sequence[Mapping[str, float]]
    best_epoch: int


def fine_tune(
    examples: Mapping[str, Example],
    data: Mapping[str, Encoded],
    labels: Mapping[str, Sequence[str]],
    spec: TrainingSpec,
    models_folder: Path | None,
    out: Path,
    track: Track | None = None,
) -> FineTuned:
    """The encoders named by `spec.train_encoders` learn on `data["train"]` until validation makes no more progress.

    `examples` by id hold the files of all rows in `data`, whose vectors come from the encoders as they were. Raises
    UserError when an encoder, or the picture of an example, is not on this machine (any more).
    """
    import torch

    device = choose_device(spec.device)
    train, validation = data["train"], data["validation"]
    own = network_config(spec, labels, train.picture.shape[1], train.text.shape[1])
    config = fitted(own, train)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(spec.seed)
        rng = np.random.default_rng(spec.seed)
        network = PromptWordsNetwork(config)
        network.module.to(device)
        encoders = _encoders(spec, models_folder, device)
        loss = make_loss(spec, config, train, device)
        rows = Tensors.of(train, config, device)
        cast, _ = precision(device, spec.amp)

        def loss_of(batch: Batch) -> Tensor | None:
            places, tasks = batch
            at = torch.from_numpy(places).to(device)
            masks = drop(train.has_picture[places], train.has_text[places], spec.drop_modality, rng)
            sides = []
            for part, fixed, there in zip(("picture", "text"), (rows.picture, rows.text), masks, strict=True):
                encoder = encoders.get(f"{part}_encoder")
                some = [examples[train.ids[i]] for i in places[there]]
                if encoder is None or not some:
                    sides.append(fixed[at])
                else:
                    sides.append(_placed(encoder(some, rng), there, device))
            logits = network.module(*sides, *(torch.from_numpy(mask).to(device) for mask in masks))
            return loss(logits, {task: rows.targets[task][at] for task in tasks})

        def validate() -> tuple[float, float]:
            seen = Tensors.of(encoded_again(validation, examples, encoders, cast), config, device)
            return validated(logits_of(network, seen), seen.targets, loss)

        modules = [(network.module, spec.learning_rate)]
        modules += [(encoder.module, spec.encoder_learning_rate) for encoder in encoders.values()]
        history, best = fit(
            modules, loss, spec, lambda: batches(train, config, spec, rng), loss_of, validate, device, track
        )
        folders = {
            part: write_encoder(encoder.module, encoder.folder, out / part) for part, encoder in encoders.items()
        }
        # Without mixed precision: these are the vectors that a run will make.
        again = {split: encoded_again(part, examples, encoders, None) for split, part in data.items()}
    return FineTuned(folders, again, history, best)


def encoder_folders(models: str, models_folder: Path | None) -> dict[str, Path]:
    """Where the two encoders of a model set lie on this machine."""
    chosen = read_model_set(models)
    return {n: folder_of(chosen, n, p, models_folder) for n, p in chosen.parts() if n.endswith("_encoder")}


def _encoders(spec: TrainingSpec, models_folder: Path | None, device: torch.device) -> dict[str, Tunable]:
    """Those that learn, ready to."""
    import torch

    if spec.train_encoders == "none":
        raise UserError("train_encoders: none; there is no encoder to fine-tune, use picture, text or both")
    folders = encoder_folders(spec.models, models_folder)
    found: dict[str, Tunable] = {}
    if spec.train_encoders in ("picture", "both"):
        folder = folders["picture_encoder"]
        found["picture_encoder"] = TunablePictures(load_transformer(folder, device, torch.float32), folder, device)
    if spec.train_encoders in ("text", "both"):
        folder = folders["text_encoder"]
        found["text_encoder"] = TunableTexts(load_transformer(folder, device, torch.float32), folder, device)
    return found


def _placed(vectors: Tensor, there: NDArray[np.bool_], device: torch.device) -> Tensor:
    """(n, dim) with the vectors where `there` is, zeros elsewhere; gradients flow through."""
    import torch

    rows = torch.zeros(len(there), vectors.shape[1], device=device, dtype=torch.float32)
    return rows.index_copy(0, torch.from_numpy(np.flatnonzero(there)).to(device), vectors.float())


def encoded_again(
    rows: Encoded, examples: Mapping[str, Example], encoders: Mapping[str, Tunable], cast: Any
) -> Encoded:
    """`rows` with the vectors that the encoders give now, in evaluation mode."""
    import contextlib

    import torch

    for part, encoder in encoders.items():
        name = part.removesuffix("_encoder")
        there = np.flatnonzero(rows.has_picture if name == "picture" else rows.has_text)
        vectors = np.zeros_like(getattr(rows, name))
        encoder.module.eval()
        with torch.inference_mode(), cast() if cast else contextlib.nullcontext():
            for start in range(0, len(there), ENCODE_AT_ONCE):
                at = there[start : start + ENCODE_AT_ONCE]
                vectors[at] = encoder([examples[rows.ids[i]] for i in at], None).float().cpu().numpy()
        rows = replace(rows, **{name: vectors})
    return rows
