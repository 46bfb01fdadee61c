"""The desert: dunes, table mountains, cacti."""

import numpy as np

from components.drawings.canvas import Canvas
from components.drawings.colours import Colour, darken, fade, jitter, lighten, mix
from components.drawings.geometry import (
    below,
    hills,
    spline,
)
from components.drawings.light import Mood, mood_of, paint_sky
from components.drawings.plan import Plan
from components.drawings.sprite import Sprite
from components.drawings.sprites_nature import cactus
from components.drawings.staging import act, story, weather_over


def paint_desert(canvas: Canvas, plan: Plan, rng: np.random.Generator) -> None:
    """Dunes with a lit and a shaded side, table mountains far off."""
    mood = mood_of(plan, rng)
    horizon = float(rng.uniform(0.5, 0.58))
    sun_x, _ = paint_sky(canvas, plan, mood, rng, horizon)
    sand = jitter(rng, ((232, 176, 104), (226, 152, 96), (236, 196, 132))[int(rng.integers(3))], 8)
    for _ in range(int(rng.integers(1, 4))):
        _mesa(canvas, mood, rng, horizon, mix(sand, (172, 84, 66), 0.65))
    far = hills(rng, horizon, 0.05, 4)
    canvas.gradient_polygon(below(far), [(0, mood.far(sand, 0.45)), (1, mood.far(sand, 0.2))])
    for level, distance in ((horizon + 0.07, 0.22), (horizon + 0.17, 0.08)):
        _dune(canvas, mood, rng, level, sand, distance, sun_x < 0.5)
    front = hills(rng, 0.8, 0.05, 3)
    near = mood.lit(sand)
    canvas.gradient_polygon(below(front), [(0, lighten(near, 0.16)), (1, darken(near, 0.16))])
    for k in range(7):  # wind ripples
        line = hills(rng, 0.84 + 0.026 * k, 0.014, 6)
        canvas.line(line, 0.003, fade(darken(near, 0.35), 0.35), caps=False)
    if plan.subject != "cactus":
        for x in rng.uniform(0.05, 0.95, 2):
            cactus(Sprite(canvas, float(x), horizon + 0.15, float(rng.uniform(0.08, 0.12)), mood.light), (84, 132, 88))
    if plan.subject == "balloon":
        act(canvas, plan, mood, rng, float(rng.uniform(0.48, 0.56)), 0.08)
        story(canvas, plan, mood, rng, [], 0.94)
    else:
        taken = act(canvas, plan, mood, rng, float(rng.uniform(0.88, 0.94)), 0.04)
        story(canvas, plan, mood, rng, taken, 0.92)
    weather_over(canvas, plan, mood, rng, horizon)


def _dune(
    canvas: Canvas, mood: Mood, rng: np.random.Generator, y: float, sand: Colour, distance: float, sunny_left: bool
) -> None:
    """A dune whose crest splits it into a bright and a dark side."""
    x, tall = float(rng.uniform(0.2, 0.8)), float(rng.uniform(0.08, 0.15))
    crest = spline(
        [(-0.1, y + 0.04), (x - 0.25, y - tall * 0.35), (x, y - tall), (x + 0.3, y - tall * 0.3), (1.1, y + 0.05)], 12
    )
    bright, shade = mood.far(lighten(sand, 0.12), distance), mood.far(darken(sand, 0.26), distance)
    canvas.gradient_polygon(below(crest), [(0, bright), (1, mood.far(sand, distance))])
    sign = 1.0 if sunny_left else -1.0
    edge = spline(
        [(x, y - tall), (x + sign * 0.05, y - tall * 0.3), (x - sign * 0.04, y + 0.1), (x + sign * 0.06, y + 0.32)], 10
    )
    face = crest[crest[:, 0] >= x] if sunny_left else crest[crest[:, 0] <= x][::-1]
    outline = np.vstack([face, [[face[-1, 0], y + 0.32]], edge[::-1]])
    canvas.gradient_polygon(outline, [(0, shade), (1, mix(shade, mood.far(sand, distance), 0.75))])


def _mesa(canvas: Canvas, mood: Mood, rng: np.random.Generator, horizon: float, rock: Colour) -> None:
    """A table mountain with bands of rock."""
    x, wide, tall = float(rng.uniform(0, 1)), float(rng.uniform(0.08, 0.18)), float(rng.uniform(0.07, 0.17))
    fill = mood.far(rock, 0.45)
    top = horizon + 0.02 - tall
    canvas.polygon(
        [(x - wide, horizon + 0.03), (x - wide * 0.7, top), (x + wide * 0.66, top), (x + wide, horizon + 0.03)], fill
    )
    canvas.polygon(
        [(x + wide * 0.3, top), (x + wide * 0.66, top), (x + wide, horizon + 0.03), (x + wide * 0.5, horizon + 0.03)],
        darken(fill, 0.16),
    )
    for band in (0.3, 0.5):
        canvas.line(
            [(x - wide * 0.78, top + tall * band), (x + wide * 0.78, top + tall * band)],
            0.005,
            fade(darken(fill, 0.3), 0.5),
            caps=False,
        )
