"""The forest and the snow."""

import numpy as np

from components.drawings.canvas import Canvas
from components.drawings.colours import Colour, darken, fade, jitter, lighten, mix
from components.drawings.geometry import below, height_at, hills, noise, ridge, spline
from components.drawings.light import Mood, mood_of, paint_sky
from components.drawings.plan import Plan
from components.drawings.sprite import Sprite
from components.drawings.sprites_nature import grass, pine_tree
from components.drawings.staging import act, story, weather_over, wet_ground


def paint_forest(canvas: Canvas, plan: Plan, rng: np.random.Generator) -> None:
    """Trunks in layers that fade into the light between them, a clearing in front."""
    mood = mood_of(plan, rng)
    floor = float(rng.uniform(0.64, 0.7))
    leaf = jitter(rng, ((62, 132, 80), (88, 140, 66), (46, 118, 98))[int(rng.integers(3))], 10)
    if plan.light == "sunset" and rng.random() < 0.5:
        leaf = jitter(rng, (196, 120, 52), 12)  # autumn
    sun_x = float(rng.uniform(0.2, 0.8))
    low = mix(mood.sky[-1][1], mood.haze, 0.4)
    canvas.gradient(
        [(0, mix(mood.lit(leaf), mood.sky[0][1], 0.45)), (0.6, mix(low, mood.lit(leaf), 0.25)), (1, low)],
        0,
        floor + 0.02,
    )
    canvas.glow(sun_x, 0.36, 0.6, mood.sun, 0.75 * mood.glow)
    for count, distance, wide in ((15, 0.72, 0.011), (11, 0.48, 0.018), (7, 0.22, 0.028)):
        _trunks(canvas, mood, rng, count, wide, distance, floor - 0.03 + 0.05 * (1 - distance), leaf)
    if mood.clear and not mood.dark:
        _shafts(canvas, mood, rng, sun_x)
    ground = hills(rng, floor, 0.04, 4)
    moss = mood.lit(mix(leaf, (104, 112, 66), 0.4))
    canvas.gradient_polygon(below(ground), [(0, mix(moss, mood.haze, 0.3)), (0.35, moss), (1, darken(moss, 0.4))])
    bend = float(rng.uniform(-0.2, 0.2))
    earth = mood.lit((186, 150, 106))
    path = spline([(sun_x, floor + 0.01), (0.5 + bend, floor + 0.12), (0.5, 1.03)], 10)
    span = np.linspace(0.012, 0.3, len(path))[:, None] * (1.0, 0.0)
    canvas.gradient_polygon(
        np.vstack([path - span, (path + span)[::-1]]), [(0, mix(earth, mood.haze, 0.3)), (1, darken(earth, 0.15))]
    )
    canvas.veil(np.clip(noise(rng, 6, 14, 3) - 0.52, 0, 1), darken(moss, 0.5), (0, floor + 0.02, 1, 1))
    for x in (*rng.uniform(-0.02, 0.28, 9), *rng.uniform(0.72, 1.02, 9)):
        y = float(rng.uniform(floor + 0.03, 1.0))
        grass(Sprite(canvas, float(x), y, 0.03 + 0.08 * (y - floor), mood.light), darken(leaf, 0.1))
    wet_ground(canvas, plan, mood, rng, floor + 0.08)
    _frame(canvas, mood, rng, leaf)
    taken = act(canvas, plan, mood, rng, float(rng.uniform(0.88, 0.93)), 0.04)
    story(canvas, plan, mood, rng, taken, 0.92)
    weather_over(canvas, plan, mood, rng, floor - 0.1)


def _trunks(
    canvas: Canvas,
    mood: Mood,
    rng: np.random.Generator,
    count: int,
    wide: float,
    distance: float,
    foot: float,
    leaf: Colour,
) -> None:
    """One layer of trees: straight trunks with crowns that close above the picture."""
    bark = mood.far(jitter(rng, (96, 70, 58), 6), distance)
    crown = mood.far(darken(leaf, 0.2), distance)
    for x in (np.arange(count) + rng.uniform(0.1, 0.9, count)) / count:
        lean, y = float(rng.normal(0, 0.012)), foot + float(rng.uniform(0, 0.03))
        canvas.polygon(
            [(x - wide, y), (x + wide, y), (x + lean + wide * 0.6, -0.02), (x + lean - wide * 0.6, -0.02)], bark
        )
        canvas.polygon(
            [(x + wide * 0.3, y), (x + wide, y), (x + lean + wide * 0.6, -0.02), (x + lean + wide * 0.2, -0.02)],
            darken(bark, 0.2),
        )
        for _ in range(3):
            r = wide * float(rng.uniform(2.5, 4.5)) + 0.02
            cx, cy = x + float(rng.normal(0, 0.05)), float(rng.uniform(-0.02, 0.2))
            canvas.ellipse(cx, cy, r * 1.2, r * 0.8, mix(crown, lighten(crown, 0.3), float(rng.random()) * 0.6))
    for x in rng.uniform(0, 1, count):
        r = wide * 2.2
        canvas.ellipse(float(x), foot + 0.015, r * 1.6, r, darken(crown, 0.08))


def _shafts(canvas: Canvas, mood: Mood, rng: np.random.Generator, sun_x: float) -> None:
    """Sunbeams falling through the crowns."""
    for _ in range(5):
        top, foot = sun_x + float(rng.normal(0, 0.12)), 0.74
        end = top + (top - sun_x) * 1.8 + float(rng.normal(0, 0.06))
        half = float(rng.uniform(0.015, 0.04))
        beam = [(top - half * 0.4, 0.02), (top + half * 0.4, 0.02), (end + half * 2, foot), (end - half * 2, foot)]
        canvas.soft([beam], 0.02, fade(mood.sun, 0.32))


def _frame(canvas: Canvas, mood: Mood, rng: np.random.Generator, leaf: Colour) -> None:
    """A near, dark tree at one or both sides and leaves hanging in from above."""
    bark, dark = mood.lit((70, 50, 46)), mood.lit(darken(leaf, 0.5))
    for side in (0.0, 1.0):
        if rng.random() < 0.6:
            sign, foot = (1 if side == 0 else -1), float(rng.uniform(0.86, 0.95))
            canvas.polygon(
                [
                    (side - sign * 0.02, foot + 0.02),
                    (side + sign * 0.09, foot),
                    (side + sign * 0.055, 0.5),
                    (side + sign * 0.06, -0.02),
                    (side - sign * 0.02, -0.02),
                ],
                bark,
            )
    for x in np.linspace(-0.02, 1.02, 14):
        r = float(rng.uniform(0.05, 0.095))
        canvas.ellipse(
            float(x), float(rng.uniform(-0.03, 0.01)), r * 1.2, r, mix(dark, mood.lit(leaf), float(rng.random()) * 0.4)
        )


def paint_snow(canvas: Canvas, plan: Plan, rng: np.random.Generator) -> None:
    """White slopes with blue shadows, firs under snow, a ridge behind."""
    mood = mood_of(plan, rng)
    horizon = float(rng.uniform(0.48, 0.56))
    sun_x, _ = paint_sky(canvas, plan, mood, rng, horizon)
    far = ridge(rng, horizon - 0.13, 0.24, 0.52)
    canvas.gradient_polygon(
        below(far, horizon + 0.05), [(0, mood.far((232, 238, 250), 0.3)), (1, mood.far((150, 170, 206), 0.6))]
    )
    shade = far + np.array([0.02 if sun_x < 0.5 else -0.02, 0.035])
    canvas.polygon(below(shade, horizon + 0.05), fade(mood.far((128, 152, 200), 0.4), 0.55))
    white, blue = mood.lit((246, 249, 255)), mood.lit((176, 198, 232))
    for level, distance in ((horizon, 0.45), (horizon + 0.08, 0.25), (horizon + 0.17, 0.1)):
        line = hills(rng, level, 0.08, 3)
        if plan.subject != "pine tree":
            _snowy_firs(canvas, mood, rng, line, distance)
        top = mix(white, mood.haze, distance * 0.8)
        canvas.gradient_polygon(below(line), [(0, top), (0.35, mix(top, blue, 0.55)), (1, blue)])
    front = hills(rng, 0.79, 0.05, 3)
    canvas.gradient_polygon(below(front), [(0, white), (0.5, mix(white, blue, 0.3)), (1, mix(blue, white, 0.2))])
    canvas.veil(np.clip(noise(rng, 4, 12, 3) - 0.55, 0, 1) * 0.7, blue, (0, 0.83, 1, 1))
    if plan.light == "sunset" or plan.light == "morning":
        canvas.glow(sun_x, horizon + 0.1, 0.5, mood.sun, 0.22 * mood.glow, squash=0.5)
    if plan.subject == "skier":
        for k in (0.0, 0.03):
            track = spline([(sun_x + k, horizon + 0.12), (0.5 + k, 0.78), (0.25 + k * 2, 1.02)], 10)
            canvas.line(track, 0.006, fade(mood.lit((140, 166, 210)), 0.7))
    taken = act(canvas, plan, mood, rng, float(rng.uniform(0.88, 0.93)), 0.04)
    story(canvas, plan, mood, rng, taken, 0.92)
    weather_over(canvas, plan, mood, rng, horizon)


def _snowy_firs(canvas: Canvas, mood: Mood, rng: np.random.Generator, line: np.ndarray, distance: float) -> None:
    """Firs along a slope, smaller the further off."""
    tall = 0.21 - 0.3 * distance
    for x in rng.uniform(0.0, 1.0, int(4 + 14 * distance)):
        if abs(x - 0.5) < 0.18 and distance < 0.2:
            continue  # leave the middle to the main object
        y = height_at(line, float(x)) + 0.01
        tree = Sprite(canvas, float(x), y, tall * float(rng.uniform(0.7, 1.15)), mood.light)
        pine_tree(tree, mix((52, 112, 92), mood.haze, distance))
