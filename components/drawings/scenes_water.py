"""The beach and the lake, and the water of both."""

import numpy as np

from components.drawings.canvas import Canvas
from components.drawings.colours import (
    WHITE,
    Colour,
    darken,
    fade,
    jitter,
    lighten,
    mix,
)
from components.drawings.geometry import below, hills, noise, ridge
from components.drawings.light import Mood, mood_of, paint_sky
from components.drawings.plan import Plan
from components.drawings.sprite import Sprite
from components.drawings.sprites_nature import palm_tree, reeds
from components.drawings.sprites_travel import sailboat
from components.drawings.staging import act, storm, story, weather_over, wet_ground

LAND_OF_BEACH: Colour = (236, 208, 156)


def paint_water(
    canvas: Canvas,
    mood: Mood,
    rng: np.random.Generator,
    top: float,
    bottom: float,
    sun_x: float,
    base: Colour,
) -> None:
    """Water that takes the sky's colours, with streaks of light and a path under the sun."""
    near = mix(mood.lit(base), mood.sky[0][1], 0.25)
    far = mix(mood.lit(base), mood.sky[-1][1], 0.6)
    canvas.gradient([(0, far), (0.35, mix(far, near, 0.6)), (1, near)], top, bottom)
    streaks = noise(rng, 3, 22, 3)
    canvas.veil(np.clip(streaks - 0.55, 0, 1) * 1.1, lighten(mood.haze, 0.35), (0, top, 1, bottom))
    canvas.veil(np.clip(0.42 - streaks, 0, 1) * 1.0, darken(near, 0.35), (0, top, 1, bottom))
    if not mood.clear:
        return
    canvas.glow(sun_x, top, 0.34, mood.sun, 0.4 * mood.glow, squash=0.9)
    for y in np.linspace(top + 0.008, bottom, 16):
        spread = 0.02 + 0.22 * (y - top)
        wide = float(rng.uniform(0.3, 1.0)) * spread + 0.012
        x = sun_x + float(rng.normal(0, 0.35)) * spread
        glint = fade(mood.sun, 0.75 - 0.9 * (y - top))
        canvas.ellipse(x, float(y), wide, 0.0025 + 0.008 * (y - top), glint)


def paint_beach(canvas: Canvas, plan: Plan, rng: np.random.Generator) -> None:
    """Sea and sky over a curved strip of sand."""
    mood = mood_of(plan, rng)
    horizon, on_water = float(rng.uniform(0.38, 0.5)), plan.subject == "sailboat"
    shore = float(rng.uniform(0.74, 0.8)) if on_water else float(rng.uniform(0.6, 0.68))
    sun_x, _ = paint_sky(canvas, plan, mood, rng, horizon)
    storm(canvas, plan, rng, horizon)
    paint_water(canvas, mood, rng, horizon, min(1.0, shore + 0.12), sun_x, jitter(rng, (36, 150, 182), 10))
    side = bool(rng.random() < 0.5)
    if rng.random() < 0.7:  # a headland closes the bay on one side
        land = ridge(rng, horizon, 0.06, 0.5, 5)
        land[:, 1] = horizon - np.clip((0.55 - land[:, 0]) * 0.22, 0, None) * (1 + 4 * (horizon - land[:, 1]))
        land[:, 0] = 1 - land[:, 0] if side else land[:, 0]
        canvas.polygon(below(land[::-1] if side else land, horizon + 0.004), mood.far((74, 122, 96), 0.45))
    if not on_water and rng.random() < 0.45:
        boat = Sprite(canvas, 0.2 if side else 0.8, horizon + 0.035, 0.1, mood.light, side)
        sailboat(boat, WHITE)
    _sand(canvas, mood, rng, shore)
    wet_ground(canvas, plan, mood, rng, shore + 0.05)
    if plan.subject != "palm tree" and rng.random() < 0.45:
        tree = Sprite(canvas, 0.93 if side else 0.07, shore + 0.12, float(rng.uniform(0.4, 0.52)), mood.light, side)
        palm_tree(tree, (58, 148, 84))
    if on_water:
        taken = act(canvas, plan, mood, rng, (horizon + shore) / 2 + 0.05, 0.05, water=True)
    else:
        taken = act(canvas, plan, mood, rng, float(rng.uniform(0.86, 0.92)), 0.05)
    story(canvas, plan, mood, rng, taken, 0.93)
    weather_over(canvas, plan, mood, rng, horizon)


def _sand(canvas: Canvas, mood: Mood, rng: np.random.Generator, shore: float) -> None:
    """Foam, wet sand and dry sand along one curved line."""
    tone = jitter(rng, LAND_OF_BEACH, 7)
    edge = hills(rng, shore, 0.09, 3)
    foam = mix(mood.lit(WHITE), mood.haze, 0.15)
    for lift, fill in (
        (-0.035, fade(foam, 0.4)),
        (-0.026, fade(mood.lit((70, 176, 190)), 0.5)),
        (0.0, foam),
        (0.014, mood.lit(darken(tone, 0.28))),
    ):
        canvas.polygon(below(edge + np.array([0.0, lift])), fill)
    dry = hills(rng, 0.0, 0.02, 4)
    dry[:, 1] += np.interp(dry[:, 0], edge[:, 0], edge[:, 1]) + 0.055
    canvas.gradient_polygon(below(dry), [(0, mood.lit(tone)), (1, mood.lit(darken(tone, 0.12)))])
    canvas.veil(np.clip(noise(rng, 6, 18, 3) - 0.6, 0, 1) * 0.9, mood.lit(darken(tone, 0.35)), (0, shore + 0.12, 1, 1))
    for x, y in zip(rng.random(9), rng.uniform(shore + 0.14, 0.99, 9), strict=True):
        canvas.ellipse(x, y, 0.008, 0.005, mood.lit(lighten(tone, 0.5)))


def paint_lake(canvas: Canvas, plan: Plan, rng: np.random.Generator) -> None:
    """Still water under wooded slopes that it mirrors, reeds or a bank in front."""
    mood = mood_of(plan, rng)
    shore = float(rng.uniform(0.42, 0.5))
    sun_x, _ = paint_sky(canvas, plan, mood, rng, shore)
    storm(canvas, plan, rng, shore)
    tone = jitter(rng, (60, 112, 108), 12)
    far = ridge(rng, shore - 0.15, 0.2, 0.5)
    canvas.gradient_polygon(
        below(far, shore), [(0, mood.far(mix(tone, (92, 104, 150), 0.5), 0.5)), (1, mood.far(tone, 0.85))]
    )
    slope = ridge(rng, shore - 0.075, 0.13, 0.42)
    canvas.gradient_polygon(below(slope, shore), [(0, mood.far(tone, 0.28)), (1, mood.far(tone, 0.6))])
    _shore_trees(canvas, mood, rng, shore, jitter(rng, (44, 96, 70), 10))
    paint_water(canvas, mood, rng, shore, 1.0, sun_x, jitter(rng, (58, 118, 146), 8))
    canvas.reflect(shore, 0.3, 0.62, 0.005, 30)
    canvas.soft(
        [[(-0.1, shore - 0.004), (1.1, shore - 0.004), (1.1, shore + 0.006), (-0.1, shore + 0.006)]],
        0.006,
        fade(lighten(mood.haze, 0.3), 0.6),
    )
    bank = plan.subject == "picnic basket"
    if bank:
        edge = hills(rng, 0.74, 0.06, 3)
        grass = mood.lit(jitter(rng, (104, 150, 76), 10))
        canvas.polygon(below(edge - (0.0, 0.012)), darken(grass, 0.45))
        canvas.gradient_polygon(below(edge), [(0, lighten(grass, 0.1)), (1, darken(grass, 0.2))])
        wet_ground(canvas, plan, mood, rng, 0.78)
    taken = act(canvas, plan, mood, rng, 0.9 if bank else float(rng.uniform(0.74, 0.82)), 0.05, water=not bank)
    for x in (0.03, 0.12, 0.9, 0.98):
        if rng.random() < 0.55:
            plant = Sprite(canvas, x, 1.02, float(rng.uniform(0.16, 0.26)), mood.light)
            reeds(plant, jitter(rng, (92, 132, 74), 10))
    if bank:
        story(canvas, plan, mood, rng, taken, 0.92)
    else:  # someone on the far shore
        story(canvas, plan, mood, rng, [], shore + 0.012, 0.1)
    weather_over(canvas, plan, mood, rng, shore)


def _shore_trees(canvas: Canvas, mood: Mood, rng: np.random.Generator, shore: float, tone: Colour) -> None:
    """A dark row of firs along the far shore, higher at one side."""
    high = bool(rng.random() < 0.5)
    for x in np.linspace(-0.02, 1.02, 46):
        share = x if high else 1 - x
        tall = (0.025 + 0.075 * share**2) * float(rng.uniform(0.6, 1.2))
        fill = mood.far(tone, 0.3 + 0.2 * float(rng.random()))
        canvas.polygon([(x - 0.016, shore), (x + 0.016, shore), (float(x), shore - tall)], fill)
