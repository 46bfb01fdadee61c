"""The two encoders of a model set while they learn, and how they are written back.

Read: examples' pictures and texts, prepared as when features are extracted, and the directory each encoder began as.
Written: directories in the same layout. Needed: torch, transformers. The vectors are those of `features/encoders.py`
(a picture's first token, the mean of a text's), with their gradients.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from components.errors import UserError
from components.features.keywords import readable
from components.features.pixels import DECODED, eye_of
from components.items.pictures import PictureError, open_picture
from components.records import Example

if TYPE_CHECKING:
    import torch
    from torch import Tensor

CACHE_BYTES = 1 << 30
"""Prepared pictures that are kept in memory between epochs; the rest is decoded again."""
READERS = 4
_WEIGHTS = (".safetensors", ".bin", ".h5", ".msgpack", ".ot", ".onnx", ".pt", ".md", ".index.json")


class Tunable(Protocol):
    """An encoder that learns: `module` in torch, the part's folder, and vectors with their gradients."""

    module: Any
    folder: Path

    def __call__(self, examples: Sequence[Example], rng: np.random.Generator | None) -> Tensor: ...


@dataclass
class TunablePictures:
    """Vectors of pictures; in training half of them are seen in a mirror."""

    module: Any
    folder: Path
    device: torch.device
    kept: dict[str, Tensor] = field(default_factory=dict)
    kept_bytes: int = 0

    def __post_init__(self) -> None:
        self.eye = eye_of(self.folder)

    def __call__(self, examples: Sequence[Example], rng: np.random.Generator | None) -> Tensor:
        import torch

        with ThreadPoolExecutor(READERS) as pool:
            pixels = torch.stack(list(pool.map(self._prepared, examples)))
        if rng is not None:
            mirrored = torch.from_numpy(rng.random(len(pixels)) < 0.5)[:, None, None, None]
            pixels = torch.where(mirrored, pixels.flip(-1), pixels)
        vectors: Tensor = self.module(pixel_values=pixels.to(self.device)).last_hidden_state[:, 0]
        return vectors

    def _prepared(self, example: Example) -> Tensor:
        if (found := self.kept.get(example.example_id)) is not None:
            return found
        try:
            image = open_picture(str(example.image_path), sha256=example.sha256, short_side=DECODED * self.eye.side)
        except PictureError as error:
            raise UserError(f"{example.image_path}: {error}; read the examples again") from None
        pixels = self.eye.see(image)
        size = pixels.numel() * pixels.element_size()
        if self.kept_bytes + size <= CACHE_BYTES:
            self.kept[example.example_id] = pixels
            self.kept_bytes += size
        return pixels


@dataclass
class TunableTexts:
    """Vectors of texts: the mean over a text's tokens."""

    module: Any
    folder: Path
    device: torch.device

    def __post_init__(self) -> None:
        from transformers import AutoTokenizer

        self.tokenizer: Any = AutoTokenizer.from_pretrained(self.folder, local_files_only=True)
        self.longest = min(int(self.tokenizer.model_max_length), int(self.module.config.max_position_embeddings))

    def __call__(self, examples: Sequence[Example], rng: np.random.Generator | None) -> Tensor:
        texts = [readable(example.text) for example in examples]
        tokens = self.tokenizer(
            texts, padding=True, truncation=True, max_length=self.longest, return_tensors="pt"
        ).to(self.device)  # fmt: skip
        ids, mask = tokens["input_ids"], tokens["attention_mask"]
        states = self.module(input_ids=ids, attention_mask=mask).last_hidden_state.float()
        there = mask.unsqueeze(-1).float()
        vectors: Tensor = (states * there).sum(1) / there.sum(1).clamp(min=1)
        return vectors


def write_encoder(module: Any, origin: Path, folder: Path) -> Path:
    """A directory of the hub's layout: the encoder's weights, and processor or tokenizer as they are in `origin`."""
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()  # a bar for one file, in the midst of ours
    module.to("cpu").float().save_pretrained(folder)
    for file in sorted(origin.iterdir()):
        if file.is_file() and file.name != "config.json" and not file.name.endswith(_WEIGHTS):
            shutil.copyfile(file, folder / file.name)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config.pop("_name_or_path", None)  # a folder of the machine that trained it
    (folder / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return folder
