"""What stands out in a picture, without any model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.features.crops.boxes import Part

if TYPE_CHECKING:
    from PIL import Image

METHOD = "spectral_residual@1"


def salient_parts(image: Image.Image) -> list[Part]:
    return []
