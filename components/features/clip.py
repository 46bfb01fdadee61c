"""CLIP: pictures and texts as vectors in one space, so that their cosine says how well they fit.

Read: a directory with `open_clip_config.json` and `open_clip_model.safetensors` (or `open_clip_pytorch_model.bin`), as
in open_clip's repositories on the hub; the tokenizer is open_clip's own unless the config names another, whose files
then lie in the directory.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from components.features.models import count_passes

if TYPE_CHECKING:
    import torch
    from PIL import Image
    from torch import Tensor

TEXT_BATCH = 64


class Clip:
    def __init__(self, folder: Path, device: torch.device, dtype: torch.dtype) -> None:
        import open_clip
        import torch
        from open_clip.transform import PreprocessCfg, image_transform_v2

        name = f"local-dir:{folder}"
        # require_pretrained: without it a directory with no weights gives a model of random numbers.
        self._model: Any = open_clip.create_model(
            name, precision="pure_bf16" if dtype == torch.bfloat16 else "fp32", device=device, require_pretrained=True
        ).eval()
        self._preprocess: Any = image_transform_v2(PreprocessCfg(**self._model.visual.preprocess_cfg), is_train=False)
        self._tokenizer: Any = open_clip.get_tokenizer(name)
        self._device, self._dtype = device, dtype
        self.logit_scale = float(self._model.logit_scale.detach().exp())
        self.width = int(_config(folder)["model_cfg"]["embed_dim"])
        count_passes("clip_image", self._model.visual)
        count_passes("clip_text", self._model.transformer if hasattr(self._model, "transformer") else self._model.text)

    @property
    def text_tower(self) -> tuple[Any, Any]:
        """open_clip's model and tokenizer, for those who learn through the frozen tower (learning/few_shot.py)."""
        return self._model, self._tokenizer

    def prepare(self, image: Image.Image) -> Tensor:
        """(3, height, width) as the model wants it."""
        return cast("Tensor", self._preprocess(image))

    def pictures(self, pixels: Tensor) -> Tensor:
        """(n, 3, h, w) -> (n, dim) of length 1, float32 on the CPU."""
        import torch

        with torch.inference_mode():
            vectors = self._model.encode_image(pixels.to(self._device, self._dtype))
            return torch.nn.functional.normalize(vectors.float(), dim=-1).cpu()

    def texts(self, texts: Sequence[str]) -> Tensor:
        """n texts -> (n, dim) of length 1, float32 on the CPU; longer ones are cut at the model's length."""
        import torch

        if not texts:
            return torch.zeros(0, self.width)
        parts = []
        with torch.inference_mode():
            for start in range(0, len(texts), TEXT_BATCH):
                tokens = self._tokenizer(list(texts[start : start + TEXT_BATCH])).to(self._device)
                parts.append(torch.nn.functional.normalize(self._model.encode_text(tokens).float(), dim=-1).cpu())
        return torch.cat(parts)


def _config(folder: Path) -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads((folder / "open_clip_config.json").read_text(encoding="utf-8")))
