"""The harbour: coloured houses along the quay, masts, a stone pier."""

import numpy as np

from components.drawings.canvas import Canvas
from components.drawings.colours import (
    Colour,
    darken,
    fade,
    jitter,
    lighten,
)
from components.drawings.geometry import below, hills
from components.drawings.light import Mood, mood_of, paint_sky
from components.drawings.plan import Plan
from components.drawings.scenes_water import paint_water
from components.drawings.sprite import Sprite
from components.drawings.sprites_travel import lighthouse
from components.drawings.staging import act, storm, story, weather_over, wet_ground

_HOUSES: tuple[Colour, ...] = (
    (224, 122, 95),
    (242, 204, 143),
    (129, 178, 154),
    (236, 228, 214),
    (106, 146, 186),
    (204, 92, 92),
)


def paint_harbour(canvas: Canvas, plan: Plan, rng: np.random.Generator) -> None:
    """Coloured houses along the quay, masts, and a stone pier in front."""
    mood = mood_of(plan, rng)
    shore = float(rng.uniform(0.46, 0.52))
    sun_x, _ = paint_sky(canvas, plan, mood, rng, shore)
    storm(canvas, plan, rng, shore)
    back = hills(rng, shore - 0.12, 0.12, 4)
    canvas.gradient_polygon(
        below(back, shore), [(0, mood.far((96, 130, 112), 0.5)), (1, mood.far((96, 130, 112), 0.75))]
    )
    left = bool(rng.random() < 0.5)
    _houses(canvas, mood, rng, shore - 0.012, left)
    canvas.rect(-0.02, shore - 0.014, 1.02, shore + 0.02, mood.far((134, 124, 116), 0.2))
    paint_water(canvas, mood, rng, shore + 0.02, 1.0, sun_x, jitter(rng, (40, 110, 138), 8))
    canvas.reflect(shore + 0.02, 0.2, 0.5, 0.006, 30)
    if plan.subject not in ("sailboat", "fishing boat"):
        for x in rng.uniform(0.05, 0.95, 4):
            _mast(canvas, mood, float(x), shore + 0.05)
    if plan.subject != "lighthouse" and rng.random() < 0.6:
        x = 0.93 if left else 0.07
        canvas.rect(x - 0.09, shore + 0.0, x + 0.09, shore + 0.035, mood.far((96, 92, 96), 0.1), 0.01)
        lighthouse(Sprite(canvas, x, shore + 0.005, 0.24, mood.light), (206, 70, 62))
    afloat = plan.subject in ("sailboat", "fishing boat")
    quay = 0.93 if afloat else float(rng.uniform(0.74, 0.78))
    if afloat:
        taken = act(canvas, plan, mood, rng, float(rng.uniform(0.76, 0.82)), 0.04, water=True)
    _pier(canvas, mood, rng, quay)
    wet_ground(canvas, plan, mood, rng, quay)
    if not afloat:
        taken = act(canvas, plan, mood, rng, float(rng.uniform(0.88, 0.93)), 0.03)
    story(canvas, plan, mood, rng, taken if not afloat else [], 0.97 if afloat else 0.94, 0.2)
    weather_over(canvas, plan, mood, rng, shore)


def _houses(canvas: Canvas, mood: Mood, rng: np.random.Generator, ground: float, left: bool) -> None:
    """A row of gabled fronts from one side to past the middle, windows lit in the dark."""
    x, end = (-0.03, 0.72) if left else (0.28, 1.03)
    previous = -1
    while x < end:
        wide, tall = float(rng.uniform(0.075, 0.115)), float(rng.uniform(0.12, 0.22))
        pick = int(rng.integers(len(_HOUSES)))
        pick = (pick + 1) % len(_HOUSES) if pick == previous else pick
        wall, previous = mood.far(jitter(rng, _HOUSES[pick], 6), 0.15), pick
        canvas.rect(x, ground - tall, x + wide, ground, wall)
        canvas.rect(x + wide * 0.8, ground - tall, x + wide, ground, fade(darken(wall, 0.5), 0.25))
        roof = mood.far((150, 82, 66), 0.15)
        canvas.polygon(
            [(x - 0.006, ground - tall), (x + wide + 0.006, ground - tall), (x + wide / 2, ground - tall - 0.05)], roof
        )
        glass: Colour = (255, 216, 120) if mood.dark else mood.far((84, 110, 134), 0.1)
        for row in range(int(tall / 0.05)):
            for column in (0.2, 0.6):
                y = ground - tall + 0.016 + row * 0.05
                if y + 0.028 < ground - 0.006:
                    canvas.rect(x + wide * column, y, x + wide * (column + 0.24), y + 0.028, glass)
        x += wide


def _mast(canvas: Canvas, mood: Mood, x: float, y: float) -> None:
    """A small moored boat with its sail down."""
    wood = mood.far((238, 232, 222), 0.1)
    canvas.line([(x, y), (x, y - 0.17)], 0.005, mood.far((92, 84, 86), 0.1))
    canvas.line([(x, y - 0.16), (x + 0.035, y - 0.01)], 0.002, mood.far((92, 84, 86), 0.3))
    canvas.polygon([(x - 0.05, y - 0.018), (x + 0.06, y - 0.022), (x + 0.04, y + 0.008), (x - 0.036, y + 0.008)], wood)
    canvas.line([(x + 0.004, y - 0.045), (x + 0.045, y - 0.04)], 0.011, mood.far((70, 98, 140), 0.1))


def _pier(canvas: Canvas, mood: Mood, rng: np.random.Generator, top: float) -> None:
    """The stone quay in front, its joints in perspective, and bollards."""
    stone = mood.lit(jitter(rng, (176, 164, 152), 7))
    canvas.rect(-0.02, top - 0.012, 1.02, top + 0.012, lighten(stone, 0.25))
    canvas.gradient_polygon(
        [(-0.02, top + 0.01), (1.02, top + 0.01), (1.02, 1.02), (-0.02, 1.02)], [(0, stone), (1, darken(stone, 0.22))]
    )
    joint = fade(darken(stone, 0.5), 0.4)
    for k in range(-6, 7):
        canvas.line([(0.5 + 0.11 * k, top + 0.012), (0.5 + 0.2 * k, 1.02)], 0.003, joint)
    for step in (0.22, 0.52, 0.86):
        y = top + (1 - top) * step
        canvas.line([(-0.02, y), (1.02, y)], 0.003, joint)
    for x in (0.16, 0.84):
        canvas.rect(x - 0.016, top - 0.05, x + 0.016, top + 0.02, mood.lit((62, 62, 74)), 0.008)
        canvas.ellipse(x, top - 0.05, 0.026, 0.012, mood.lit((84, 84, 98)))
