"""A seed becomes a picture with its labels, its captions and the text its author gave it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from components.drawings.canvas import Canvas
from components.drawings.effects import graded
from components.drawings.plan import Plan
from components.drawings.scenes_land import paint_desert, paint_field, paint_mountains
from components.drawings.scenes_water import paint_beach, paint_harbour, paint_lake
from components.drawings.scenes_wood import paint_forest, paint_snow

Painter = Callable[[Canvas, Plan, np.random.Generator], None]

PAINTERS: dict[str, Painter] = {
    "beach": paint_beach,
    "mountains": paint_mountains,
    "forest": paint_forest,
    "snow": paint_snow,
    "desert": paint_desert,
    "field": paint_field,
    "lake": paint_lake,
    "harbour": paint_harbour,
}
"""Scene to what paints it."""

_GRADES = {  # sentiment to saturation, vignette and a factor per channel
    "positive": (1.12, 0.16, (1.03, 1.01, 0.98)),
    "neutral": (0.96, 0.2, (1.0, 1.0, 1.0)),
    "negative": (0.68, 0.42, (0.92, 0.94, 0.98)),
}


@dataclass(frozen=True)
class Drawing:
    """One picture (RGB, square) with everything that is known about it."""

    plan: Plan
    image: Image.Image
    captions: tuple[str, ...]
    text: str


def paint(scene_plan: Plan, size: int) -> Image.Image:
    """The picture of a plan, `size` x `size` pixels."""
    rng = np.random.Generator(np.random.PCG64([scene_plan.seed, 2]))
    canvas = Canvas(size)
    PAINTERS[scene_plan.scene](canvas, scene_plan, rng)
    saturation, vignette, factors = _GRADES[scene_plan.sentiment]
    return graded(canvas.finished(), rng, saturation, vignette, factors=factors)
