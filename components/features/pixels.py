"""How a model looks at a picture: resized, cut and scaled as its `preprocessor_config.json` says.

Models that look alike share what they see. transformers' processor spends most of its time on finding out what to do;
where resizing and scaling is all that is to be done, it is done here directly, if a probe shows that nothing changes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor

SAME = 1e-5
DECODED = 2
"""The shorter side of a decoded picture, in sides of what models see: decoding to 1/n of a size blurs a little."""
_BILINEAR, _BICUBIC = 2, 3  # Pillow's numbers, in which the files state the kind of resizing


@dataclass(frozen=True)
class Eye:
    """`see` gives (3, height, width) float32; two eyes with equal `settings` see the same."""

    settings: str
    see: Callable[[Image.Image], Tensor]

    @cached_property
    def side(self) -> int:
        """Pixels of the longer side of what it sees: more than that in a picture is decoded in vain."""
        return max(self.see(probe(64, 48)).shape[-2:])


def eye_of(folder: Path) -> Eye:
    """By the image processor in `folder`, a directory in the layout of the hub."""
    from transformers import AutoImageProcessor

    processor: Any = AutoImageProcessor.from_pretrained(folder, local_files_only=True)
    settings = processor.to_dict()

    def see(image: Image.Image) -> Tensor:
        return cast("Tensor", processor(image, return_tensors="pt")["pixel_values"][0])

    direct = _direct(settings)
    same = direct is not None and _same(see, direct)
    return Eye(json.dumps(settings, sort_keys=True, default=str), direct if direct and same else see)


def _direct(settings: dict[str, Any]) -> Callable[[Image.Image], Tensor] | None:
    """Resized to one size, scaled, normalised; whether that is all is for the caller to probe."""
    import torch
    from torchvision.transforms.v2.functional import InterpolationMode, resize

    size, kind = settings.get("size") or {}, settings.get("resample")
    if not {"height", "width"} <= set(size) or kind not in (_BILINEAR, _BICUBIC):
        return None
    wanted = [int(size["height"]), int(size["width"])]
    mode = InterpolationMode.BILINEAR if kind == _BILINEAR else InterpolationMode.BICUBIC
    mean, std = (torch.tensor(settings.get(name) or [0.5] * 3).view(3, 1, 1) for name in ("image_mean", "image_std"))
    per_step = float(settings.get("rescale_factor") or 1 / 255)
    shift, scale = mean / per_step, std / per_step

    def see(image: Image.Image) -> Tensor:
        pixels = resize(_uint8(image), wanted, mode, antialias=True)
        return cast("Tensor", (pixels.float() - shift) / scale)

    return see


def _uint8(image: Image.Image) -> Tensor:
    """(3, height, width)"""
    import numpy as np
    import torch

    return torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous()


def _same(one: Callable[[Image.Image], Tensor], other: Callable[[Image.Image], Tensor]) -> bool:
    """On pictures that are larger and smaller than what models see, wide and high."""
    for width, height in ((401, 300), (90, 633), (50, 40)):
        picture = probe(width, height)
        expected, found = one(picture), other(picture)
        if expected.shape != found.shape or float((expected - found).abs().max()) > SAME:
            return False
    return True


def probe(width: int, height: int) -> Image.Image:
    """Noise, in which every pixel counts."""
    import numpy as np
    from PIL import Image

    noise = np.random.default_rng(width).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(noise)
