"""The picture encoder (a ViT) and the text encoder (a BERT): one vector per picture, one per text.

Read: directories in the layout of the hub (`config.json`, weights, `preprocessor_config.json` or a tokenizer). The
vectors are those the network is trained on: a picture's first token after the last layer norm, the mean of a text's.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from components.features.models import count_passes

if TYPE_CHECKING:
    import torch
    from PIL import Image
    from torch import Tensor

TEXT_BATCH = 64


class PictureEncoder:
    def __init__(self, folder: Path, device: torch.device, dtype: torch.dtype) -> None:
        from transformers import AutoImageProcessor

        self._processor: Any = AutoImageProcessor.from_pretrained(folder, local_files_only=True)
        self._model = load_transformer(folder, device, dtype)
        self._device, self._dtype = device, dtype
        self.width = int(self._model.config.hidden_size)
        count_passes("picture_encoder", self._model)

    def prepare(self, image: Image.Image) -> Tensor:
        """(3, height, width) as the model wants it."""
        return cast("Tensor", self._processor(image, return_tensors="pt")["pixel_values"][0])

    def __call__(self, pixels: Tensor) -> Tensor:
        """(n, 3, h, w) -> (n, dim), float32 on the CPU."""
        import torch

        with torch.inference_mode():
            states = self._model(pixel_values=pixels.to(self._device, self._dtype)).last_hidden_state
            return cast("Tensor", states[:, 0].float().cpu())


class TextEncoder:
    def __init__(self, folder: Path, device: torch.device, dtype: torch.dtype) -> None:
        from transformers import AutoTokenizer

        self._tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self._model = load_transformer(folder, device, dtype)
        self._device = device
        self._longest = min(int(self._tokenizer.model_max_length), int(self._model.config.max_position_embeddings))
        self.width = int(self._model.config.hidden_size)
        count_passes("text_encoder", self._model)

    def __call__(self, texts: Sequence[str]) -> Tensor:
        """n texts -> (n, dim), float32 on the CPU: the mean over a text's tokens; longer texts are cut."""
        import torch

        if not texts:
            return torch.zeros(0, self.width)
        # Of equal length together: padding costs time, and the order of the output is restored below.
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        rows: dict[int, Tensor] = {}
        with torch.inference_mode():
            for start in range(0, len(order), TEXT_BATCH):
                part = order[start : start + TEXT_BATCH]
                tokens = self._tokenizer(
                    [texts[i] for i in part],
                    padding=True,
                    truncation=True,
                    max_length=self._longest,
                    return_tensors="pt",
                ).to(self._device)
                states = self._model(
                    input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"]
                ).last_hidden_state.float()
                mask = tokens["attention_mask"].unsqueeze(-1).float()
                means = (states * mask).sum(1) / mask.sum(1).clamp(min=1)
                rows.update(zip(part, means.cpu(), strict=True))
        return torch.stack([rows[i] for i in range(len(texts))])


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
