"""A seed becomes a picture with its labels, its captions and the text its author gave it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from components.drawings.canvas import Canvas
from components.drawings.effects import graded
from components.drawings.plan import Plan, plan
from components.drawings.scenes_concert import paint_concert
from components.drawings.scenes_desert import paint_desert
from components.drawings.scenes_harbour import paint_harbour
from components.drawings.scenes_indoor import paint_cafe, paint_kitchen
from components.drawings.scenes_land import paint_field, paint_mountains
from components.drawings.scenes_stadium import paint_stadium
from components.drawings.scenes_urban import paint_city_by_day, paint_city_by_night
from components.drawings.scenes_water import paint_beach, paint_lake
from components.drawings.scenes_wood import paint_forest, paint_snow
from components.drawings.words import accompanying_text, captions

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
    "city by day": paint_city_by_day,
    "city by night": paint_city_by_night,
    "stadium": paint_stadium,
    "kitchen": paint_kitchen,
    "cafe": paint_cafe,
    "concert": paint_concert,
}
"""Scene to what paints it."""

_GRADES = {  # sentiment to saturation, vignette and a factor per channel
    "positive": (1.12, 0.16, (1.03, 1.01, 0.98)),
    "neutral": (0.96, 0.2, (1.0, 1.0, 1.0)),
    "negative": (0.74, 0.36, (0.96, 0.97, 1.0)),
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


def draw(seed: int, size: int = 768, scene: str | None = None) -> Drawing:
    """The drawing of a seed; `scene` fixes the scene and leaves all else to the seed."""
    scene_plan = plan(seed, scene)
    # Words have a stream of their own: a change to a painter leaves them as they are.
    rng = np.random.Generator(np.random.PCG64([seed, 3]))
    written = captions(scene_plan, rng)
    text = accompanying_text(scene_plan, rng)
    return Drawing(scene_plan, paint(scene_plan, size), written, text)
