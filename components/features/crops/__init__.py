"""Parts of a picture that deserve a closer look: what stands out in it, or what a detector finds.

Read: the decoded picture, while `extraction` has it. A part's pixels are made here, at once, so that no decoded picture
waits in memory for the models; its caption and labels are found later, with those of the other items.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from components.features.crops.boxes import Part, pixels_of, settle
from components.features.crops.saliency import METHOD, salient_parts
from components.specs import FeatureSpec

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor

    from components.features.models import Models

SMALLEST = 0.1
"""Of the shorter side that models want of a picture, which is twice what they see: of less they make nothing."""


@dataclass(frozen=True)
class Crop:
    """A part of a picture on its way: `pixels` is what each picture model will see of it; `model` found it."""

    part: Part
    pixels: Mapping[str, Tensor]
    model: str


def crop_pixels(image: Image.Image, models: Models, spec: FeatureSpec) -> list[Crop]:
    """Up to `spec.crops_kept` parts of the upright, decoded `image`, the best first; none where nothing stands out.

    Safe to call from several threads; the detector sees one picture at a time.
    """
    if spec.crops == "none":
        return []
    if spec.crops == "saliency":
        found, model = salient_parts(image), METHOD
    else:
        assert models.detector is not None, "load_models loads it for a spec that detects"
        found, model = models.detector(image), models.revisions["detector"]
    kept = settle(found, image.width, image.height, spec.crops_kept, SMALLEST * models.short_side)
    return [
        Crop(part, models.prepare(image.crop(pixels_of(part.box, image.width, image.height))), model) for part in kept
    ]
