"""The mountains and the field."""

import numpy as np

from components.drawings.canvas import Canvas
from components.drawings.colours import Colour, darken, fade, jitter, lighten, mix
from components.drawings.geometry import (
    Points,
    below,
    height_at,
    hills,
    noise,
    spline,
)
from components.drawings.light import Mood, mood_of, paint_sky
from components.drawings.plan import Plan
from components.drawings.sprite import Sprite
from components.drawings.sprites_nature import grass, leafy_tree
from components.drawings.staging import act, storm, story, weather_over, wet_ground


def _peak(
    canvas: Canvas,
    mood: Mood,
    rng: np.random.Generator,
    x: float,
    foot: float,
    tall: float,
    rock: Colour,
    distance: float,
    sunny_left: bool,
) -> None:
    """One mountain with a lit and a shaded face and a cap of snow with a ragged edge."""
    wide = tall * float(rng.uniform(0.85, 1.15))
    top = (x, foot - tall)

    def side(sign: float) -> list[tuple[float, float]]:
        return [
            (x + sign * wide * t + float(rng.normal(0, 0.012)), foot - tall * (1 - t) + float(rng.normal(0, 0.012)))
            for t in (0.18, 0.4, 0.62, 0.82)
        ] + [(x + sign * wide, foot)]

    left, right = side(-1.0), side(1.0)
    spine = [(x + float(rng.normal(0, 0.03)) * (1 + t), foot - tall * (1 - t)) for t in (0.25, 0.5, 0.75)] + [(x, foot)]
    bright, shade = mood.far(lighten(rock, 0.12), distance), mood.far(darken(rock, 0.3), distance)
    lit, dim = (left, right) if sunny_left else (right, left)
    base = mix(shade, mood.haze, 0.5)
    canvas.gradient_polygon([top, *dim, *spine[::-1]], [(0, shade), (1, base)])
    canvas.gradient_polygon([top, *lit, *spine[::-1]], [(0, bright), (1, mix(bright, mood.haze, 0.5))])
    snow = mood.far((250, 251, 255), distance * 0.5)
    for face, fill in ((lit, snow), (dim, mix(snow, shade, 0.32))):
        a, b = face[0], face[1]
        end = ((a[0] + b[0]) / 2, (a[1] + b[1]) / 2)
        zigzag = [
            (
                end[0] + (spine[0][0] - end[0]) * t,
                end[1] + (spine[0][1] - end[1]) * t + (0.05 if i % 2 else -0.015) * tall * 3,
            )
            for i, t in enumerate((0.2, 0.4, 0.6, 0.8))
        ]
        canvas.polygon([top, a, end, *zigzag, spine[0]], fill)


def _firs(
    canvas: Canvas, mood: Mood, rng: np.random.Generator, line: Points, count: int, tall: float, distance: float
) -> None:
    """A loose row of firs along a skyline."""
    for x in np.sort(rng.uniform(-0.02, 1.02, count)):
        y, h = height_at(line, float(x)), tall * float(rng.uniform(0.6, 1.2))
        fill = mood.far(jitter(rng, (40, 92, 72), 6), distance)
        for k in range(3):
            w = h * (0.3 - 0.07 * k)
            base = y + 0.01 - h * 0.27 * k
            canvas.polygon([(x - w, base), (x + w, base), (float(x), base - h * 0.46)], fill)


def paint_mountains(canvas: Canvas, plan: Plan, rng: np.random.Generator) -> None:
    """Snowy peaks over forested slopes, an alpine meadow in front."""
    mood = mood_of(plan, rng)
    meadow = float(rng.uniform(0.66, 0.72))
    sun_x, _ = paint_sky(canvas, plan, mood, rng, meadow - 0.06)
    storm(canvas, plan, rng, 0.4)
    rock = jitter(rng, ((112, 118, 148), (124, 112, 118), (96, 118, 134))[int(rng.integers(3))], 8)
    shift = float(rng.uniform(-0.12, 0.12))
    for x, tall, distance in (
        (0.05, 0.34, 0.55),
        (0.92, 0.36, 0.5),
        (0.55, 0.42, 0.4),
        (0.26, 0.46, 0.2),
        (0.8, 0.34, 0.15),
    ):
        height = tall * float(rng.uniform(0.85, 1.12))
        _peak(canvas, mood, rng, x + shift, meadow - 0.03, height, rock, distance, sun_x < x)
    haze = fade(mood.haze, 0.6)
    canvas.soft([[(-0.2, meadow - 0.14), (1.2, meadow - 0.14), (1.2, meadow), (-0.2, meadow)]], 0.04, haze)
    green = jitter(rng, (98, 152, 84), 12)
    slope = hills(rng, meadow - 0.05, 0.09, 4)
    canvas.polygon(below(slope), mood.far(darken(green, 0.2), 0.35))
    _firs(canvas, mood, rng, slope, 26, 0.085, 0.25)
    front = hills(rng, meadow + 0.03, 0.06, 3)
    _ground(canvas, mood, rng, front, green)
    wet_ground(canvas, plan, mood, rng, meadow + 0.06)
    if plan.subject == "balloon":
        taken = act(canvas, plan, mood, rng, float(rng.uniform(0.5, 0.6)), 0.1)
        story(canvas, plan, mood, rng, [], 0.93)
    else:
        taken = act(canvas, plan, mood, rng, float(rng.uniform(0.88, 0.94)), 0.04)
        story(canvas, plan, mood, rng, taken, 0.92)
    weather_over(canvas, plan, mood, rng, meadow - 0.1)


def _ground(canvas: Canvas, mood: Mood, rng: np.random.Generator, line: Points, tone: Colour) -> None:
    """Grass under a skyline: lit at its edge, darker in front, with tufts and small blossoms."""
    near = mood.lit(tone)
    canvas.gradient_polygon(below(line), [(0, lighten(near, 0.14)), (0.4, near), (1, darken(near, 0.28))])
    top = float(line[:, 1].max())
    canvas.veil(np.clip(noise(rng, 5, 14, 3) - 0.55, 0, 1), darken(near, 0.35), (0, top, 1, 1))
    for x, y in zip(rng.uniform(0, 1, 26), np.sort(rng.uniform(top + 0.02, 1.0, 26)), strict=True):
        tuft = Sprite(canvas, x, y, 0.016 + 0.03 * (y - top), mood.light)
        grass(tuft, darken(tone, 0.2))
    for x, y in zip(rng.uniform(0, 1, 16), rng.uniform(top + 0.03, 1.0, 16), strict=True):
        dot = ((250, 240, 220), (246, 206, 96), (226, 132, 150))[int(rng.integers(3))]
        canvas.ellipse(x, y, 0.005, 0.005, mood.lit(dot))


def paint_field(canvas: Canvas, plan: Plan, rng: np.random.Generator) -> None:
    """Rolling farmland: far hills, a copse, crop rows that run to the horizon, a fence."""
    mood = mood_of(plan, rng)
    horizon = float(rng.uniform(0.5, 0.58))
    paint_sky(canvas, plan, mood, rng, horizon)
    storm(canvas, plan, rng, horizon)
    green = jitter(rng, ((126, 168, 78), (170, 172, 82), (204, 178, 92))[int(rng.integers(3))], 10)
    for lift, distance in ((0.07, 0.7), (0.03, 0.45)):
        canvas.polygon(below(hills(rng, horizon - lift, 0.07, 4)), mood.far(mix(green, (70, 120, 110), 0.5), distance))
    _farm(canvas, mood, rng, horizon)
    near = mood.lit(green)
    canvas.gradient([(0, mix(near, mood.haze, 0.35)), (0.4, near), (1, darken(near, 0.2))], horizon, 1.0)
    vanish = float(rng.uniform(0.2, 0.8))
    dark = fade(darken(near, 0.3), 0.55)
    for k in range(-11, 12):
        a = vanish + k * 0.2
        canvas.polygon([(vanish + 0.02 * k, horizon), (a, 1.02), (a + 0.09, 1.02)], dark)
    canvas.veil(np.clip(noise(rng, 5, 12, 3) - 0.5, 0, 1) * 0.9, lighten(near, 0.2), (0, horizon, 1, 1))
    _fence(canvas, mood, horizon + 0.09)
    path = hills(rng, 0.79, 0.04, 3)
    _ground(canvas, mood, rng, path, mix(green, (92, 150, 74), 0.6))
    wet_ground(canvas, plan, mood, rng, 0.8)
    if plan.subject == "kite":
        taken = act(canvas, plan, mood, rng, float(rng.uniform(0.54, 0.62)), 0.08)
        for spot in taken:
            canvas.line(
                spline([(spot.x, spot.y - spot.size * 0.3), (spot.x * 0.7 + 0.1, 0.72), (0.5, 0.86)], 9),
                0.0025,
                fade(darken(mood.haze, 0.6), 0.7),
            )
        story(canvas, plan, mood, rng, [], 0.94)
    else:
        taken = act(canvas, plan, mood, rng, float(rng.uniform(0.88, 0.94)), 0.04)
        story(canvas, plan, mood, rng, taken, 0.92)
    weather_over(canvas, plan, mood, rng, horizon)


def _farm(canvas: Canvas, mood: Mood, rng: np.random.Generator, horizon: float) -> None:
    """A barn and a few trees on the horizon."""
    x = float(rng.uniform(0.12, 0.88))
    if rng.random() < 0.7:
        wall, roof = mood.far((188, 76, 64), 0.2), mood.far((96, 74, 78), 0.2)
        canvas.rect(x - 0.05, horizon - 0.055, x + 0.05, horizon + 0.005, wall)
        canvas.polygon(
            [
                (x - 0.06, horizon - 0.052),
                (x - 0.03, horizon - 0.09),
                (x + 0.03, horizon - 0.09),
                (x + 0.06, horizon - 0.052),
            ],
            roof,
        )
        canvas.rect(
            x - 0.014, horizon - 0.036, x + 0.014, horizon + 0.005, (255, 214, 120) if mood.dark else darken(wall, 0.4)
        )
    for dx in (-0.16, -0.1, 0.1, 0.15, 0.24):
        if rng.random() < 0.75:
            tree = Sprite(canvas, x + dx, horizon + 0.006, float(rng.uniform(0.07, 0.13)), mood.light)
            leafy_tree(tree, mix(jitter(rng, (74, 130, 82), 10), mood.haze, 0.2))


def _fence(canvas: Canvas, mood: Mood, y: float) -> None:
    """Posts and two rails across the picture."""
    wood = mood.lit((146, 112, 82))
    for x in np.arange(0.02, 1.02, 0.12):
        canvas.rect(float(x) - 0.006, y - 0.06, float(x) + 0.006, y + 0.01, wood)
    for lift in (0.046, 0.02):
        canvas.line([(-0.02, y - lift), (1.02, y - lift)], 0.007, darken(wood, 0.12))
