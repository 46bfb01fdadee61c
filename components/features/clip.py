"""CLIP: pictures and texts as vectors in one space, so that their cosine says how well they fit.

Read: a directory with `open_clip_config.json` and `open_clip_model.safetensors` (or `open_clip_pytorch_model.bin`), as
in open_clip's repositories on the hub; the tokenizer is open_clip's own unless the config names another, whose files
then lie in the directory.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from components.features.models import count_passes
from components.features.pixels import Eye
from components.features.runtime import Runtime, TorchRuntime, as_module, by_length

if TYPE_CHECKING:
    import torch
    from PIL import Image
    from torch import Tensor


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
        preprocessing = self._model.visual.preprocess_cfg
        self.eye = Eye(f"open_clip {preprocessing}", image_transform_v2(PreprocessCfg(**preprocessing), is_train=False))
        self._tokenizer: Any = open_clip.get_tokenizer(name)
        self.logit_scale = float(self._model.logit_scale.detach().exp())
        self.width = int(_config(folder)["model_cfg"]["embed_dim"])
        self.longest = int(self._model.context_length)
        self._length_of = cut_lengths(self._model)
        count_passes("clip_image", self._model.visual)
        count_passes("clip_text", self._model.transformer if hasattr(self._model, "transformer") else self._model.text)
        self.module = as_module(self._model.visual, lambda visual, pixels: visual(pixels))
        read = read_cut if self._length_of else lambda model, tokens: model.encode_text(tokens)
        self.text_module = as_module(self._model, read)
        self.runtime: Runtime = TorchRuntime(self.module, device, dtype)
        self.text_runtime: Runtime = TorchRuntime(self.text_module, device, dtype)

    @property
    def text_tower(self) -> tuple[Any, Any]:
        """open_clip's model and tokenizer, for those who learn through the frozen tower (learning/few_shot.py)."""
        return self._model, self._tokenizer

    def prepare(self, image: Image.Image) -> Tensor:
        """(3, height, width) as the model wants it."""
        return self.eye.see(image)

    def pictures(self, pixels: Tensor) -> Tensor:
        """(n, 3, h, w) -> (n, dim) of length 1, float32 on the CPU."""
        import torch

        return torch.nn.functional.normalize(self.runtime(pixels).float(), dim=-1).cpu()

    def texts(self, texts: Sequence[str]) -> Tensor:
        """n texts -> (n, dim) of length 1, float32 on the CPU; longer ones are cut at the model's length."""
        import torch

        if not texts:
            return torch.zeros(0, self.width)
        tokens = self._tokenizer(list(texts))
        if self._length_of is None:
            found = self.text_runtime(tokens)
        else:
            found = by_length(self.text_runtime, (tokens,), self._length_of(tokens), tokens.shape[1])
        return torch.nn.functional.normalize(found.float(), dim=-1).cpu()


def cut_lengths(model: Any) -> Callable[[Tensor], Tensor] | None:
    """For a text tower of `model` in which nothing behind a text's end can matter, where each text's end is.

    open_clip computes all 77 places of every text; a caption has 15. With a causal mask the vector is that of the end
    token, which looks at no later place. Tried out before it is believed.
    """
    import torch

    if getattr(model, "attn_mask", None) is None or getattr(model, "text_pool_type", "") not in ("argmax", "eos"):
        return None

    def lengths(tokens: Tensor) -> Tensor:
        ends = tokens == model.text_eos_id if model.text_pool_type == "eos" else tokens
        return ends.int().argmax(1) + 1

    place = model.positional_embedding.device
    probe = torch.zeros(2, model.context_length, dtype=torch.long, device=place)
    last = model.vocab_size - 1 if model.text_pool_type == "argmax" else model.text_eos_id
    probe[:, :5] = torch.tensor([[1, 2, 3, 4, last], [5, 6, last, 0, 0]], device=place)
    with torch.inference_mode():
        whole, cut = model.encode_text(probe).float(), read_cut(model, probe[:, :5]).float()
    close = 1e-4 if model.positional_embedding.dtype == torch.float32 else 5e-2
    return lengths if float((whole - cut).abs().max()) <= close * float(whole.abs().max()) else None


def read_cut(model: Any, tokens: Tensor) -> Tensor:
    """(n, length) -> (n, dim): open_clip's `encode_text` for texts that are cut to fewer places than the model has."""
    from open_clip.transformer import text_global_pool

    length, dtype = tokens.shape[1], model.transformer.get_cast_dtype()
    states = model.token_embedding(tokens).to(dtype) + model.positional_embedding[:length].to(dtype)
    states = model.ln_final(model.transformer(states, attn_mask=model.attn_mask[:length, :length]))
    ends = text_global_pool(states, tokens, model.text_pool_type, eos_token_id=getattr(model, "text_eos_id", None))
    projection = model.text_projection
    if projection is None:
        return cast("Tensor", ends)
    return cast("Tensor", projection(ends) if callable(projection) else ends @ projection)


def _config(folder: Path) -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads((folder / "open_clip_config.json").read_text(encoding="utf-8")))
