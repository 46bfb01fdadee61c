"""The picture encoder (a ViT) and the text encoder (a BERT): one vector per picture, one per text.

Read: directories in the layout of the hub (`config.json`, weights, `preprocessor_config.json` or a tokenizer). The
vectors are those the network is trained on: a picture's first token after the last layer norm, the mean of a text's.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from components.features.models import count_passes
from components.features.pixels import eye_of
from components.features.runtime import Runtime, TorchRuntime, as_module, by_length

if TYPE_CHECKING:
    import torch
    from PIL import Image
    from torch import Tensor


class PictureEncoder:
    def __init__(self, folder: Path, device: torch.device, dtype: torch.dtype) -> None:
        self.eye = eye_of(folder)
        model = load_transformer(folder, device, dtype)
        self.width = int(model.config.hidden_size)
        count_passes("picture_encoder", model)
        self.module = as_module(model, lambda model, pixels: model(pixel_values=pixels).last_hidden_state[:, 0])
        self.runtime: Runtime = TorchRuntime(self.module, device, dtype)

    def prepare(self, image: Image.Image) -> Tensor:
        """(3, height, width) as the model wants it."""
        return self.eye.see(image)

    def __call__(self, pixels: Tensor) -> Tensor:
        """(n, 3, h, w) -> (n, dim), float32 on the CPU."""
        return self.runtime(pixels).float().cpu()


class TextEncoder:
    def __init__(self, folder: Path, device: torch.device, dtype: torch.dtype) -> None:
        from transformers import AutoTokenizer

        self._tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        model = load_transformer(folder, device, dtype)
        self.longest = min(int(self._tokenizer.model_max_length), int(model.config.max_position_embeddings))
        self.width = int(model.config.hidden_size)
        count_passes("text_encoder", model)
        self.module = as_module(model, mean_of_states)
        self.runtime: Runtime = TorchRuntime(self.module, device, dtype)

    def __call__(self, texts: Sequence[str]) -> Tensor:
        """n texts -> (n, dim), float32 on the CPU: the mean over a text's tokens; longer texts are cut."""
        import torch

        if not texts:
            return torch.zeros(0, self.width)
        tokens = self._tokenizer(
            list(texts), padding=True, truncation=True, max_length=self.longest, return_tensors="pt"
        )
        ids, mask = tokens["input_ids"], tokens["attention_mask"]
        return by_length(self.runtime, (ids, mask), mask.sum(1), self.longest).float().cpu()


def mean_of_states(model: Any, ids: Tensor, mask: Tensor) -> Tensor:
    """(n, length) twice -> (n, dim), over the tokens that are no padding."""
    states = model(input_ids=ids, attention_mask=mask).last_hidden_state.float()
    wanted = mask.unsqueeze(-1).float()
    return cast("Tensor", (states * wanted).sum(1) / wanted.sum(1).clamp(min=1))


def load_transformer(folder: Path, device: torch.device, dtype: torch.dtype) -> Any:
    """A model of transformers from `folder`, without network, in evaluation mode.

    safetensors where there is one, else `pytorch_model.bin`, which transformers reads with `weights_only`. Raises
    ValueError when weights are missing: transformers would fill them with random numbers and only log it.
    """
    from transformers import AutoModel

    model, report = AutoModel.from_pretrained(folder, local_files_only=True, dtype=dtype, output_loading_info=True)
    check_complete(report)
    return model.to(device).eval()


def check_complete(report: dict[str, Any]) -> None:
    """`report` is transformers' loading info. Weights left over (heads, old buffers) do no harm, nor does a missing
    pooler: it is never asked for."""
    lost = [str(key) for key in report["missing_keys"]] + [str(entry[0]) for entry in report["mismatched_keys"]]
    lost = sorted(key for key in lost if "pooler." not in key)
    if lost:
        raise ValueError(f"{len(lost)} weights are missing or of another shape, {lost[0]} among them")
