"""What rooms are made of: the view through a window, walls, shelves, lamps, tables, the stage."""

import numpy as np

from components.drawings.canvas import Canvas
from components.drawings.colours import Colour, darken, fade, lighten, mix
from components.drawings.effects import rain
from components.drawings.geometry import below, hills, oval
from components.drawings.light import Mood, paint_sky
from components.drawings.plan import Plan
from components.drawings.sprite import Light, Sprite
from components.drawings.streets import skyline

Box = tuple[float, float, float, float]

_ROOM: dict[str, Light] = {
    "morning": (1.02, 0.99, 0.95),
    "day": (1.0, 1.0, 1.0),
    "sunset": (1.0, 0.88, 0.8),
    "night": (0.66, 0.6, 0.72),
}


def room_light(plan: Plan) -> Light:
    """The light on the walls: the hour's, a little dimmer when the sky is covered."""
    dim = {"clear": 1.0, "cloudy": 0.93}.get(plan.weather, 0.86)
    r, g, b = _ROOM[plan.light]
    return (r * dim, g * dim, b * dim)


def table_light(plan: Plan) -> Light:
    """The light on what stands in front: never so dim that its colour is lost."""
    return {"sunset": (1.0, 0.94, 0.9), "night": (0.98, 0.92, 0.88)}.get(plan.light, (1.0, 1.0, 1.0))


def lamps_on(plan: Plan) -> bool:
    """Whether the room needs its lamps."""
    return plan.light in ("sunset", "night") or plan.weather == "rain"


def view(canvas: Canvas, plan: Plan, mood: Mood, rng: np.random.Generator, window: Box, city: bool) -> None:
    """What the window shows.  Painted first and across the picture: the wall then covers the rest."""
    x0, y0, x1, y1 = window
    paint_sky(canvas, plan, mood, rng, y1, x0 + (x1 - x0) * float(rng.uniform(0.25, 0.75)))
    if city:
        skyline(canvas, rng, y1, (y1 - y0) * 0.7, mood.far((110, 124, 156), 0.55), 0.35 if mood.dark else 0.05)
        skyline(canvas, rng, y1, (y1 - y0) * 0.42, mood.far((90, 96, 122), 0.2), 0.45 if mood.dark else 0.08)
    else:
        canvas.polygon(below(hills(rng, y1 - 0.09, 0.08), y1), mood.far((104, 150, 112), 0.45))
        canvas.polygon(below(hills(rng, y1 - 0.04, 0.05), y1), mood.far((84, 140, 84), 0.12))
    if plan.weather == "rain":
        rain(canvas, rng, (176, 192, 216), 150)
        for x, y, r in rng.random((34, 3)):
            px, py, size = x0 + x * (x1 - x0), y0 + y * (y1 - y0), 0.003 + 0.004 * r
            canvas.line([(px, py - size * 5), (px, py)], size * 0.7, (224, 236, 246, 120), caps=False)
            canvas.ellipse(px, py, size, size * 1.3, (232, 242, 250, 210))


def wall_around(canvas: Canvas, window: Box, bottom: float, top: Colour, low: Colour) -> None:
    """A wall with a hole where the window is."""
    x0, y0, x1, y1 = window
    at = [(0.0, top), (1.0, low)]
    mid_top, mid_low = mix(top, low, y0 / bottom), mix(top, low, y1 / bottom)
    canvas.gradient([at[0], (1.0, mid_top)], 0.0, y0)
    canvas.gradient_polygon([(0, y0), (x0, y0), (x0, y1), (0, y1)], [(0.0, mid_top), (1.0, mid_low)])
    canvas.gradient_polygon([(x1, y0), (1, y0), (1, y1), (x1, y1)], [(0.0, mid_top), (1.0, mid_low)])
    canvas.gradient([(0.0, mid_low), at[1]], y1, bottom)


def window_frame(canvas: Canvas, window: Box, colour: Colour, columns: int, rows: int) -> None:
    """Frame, glazing bars, sill and the gleam on the glass."""
    x0, y0, x1, y1 = window
    wide = x1 - x0
    for share in (0.12, 0.62):
        a = x0 + wide * share
        gleam = [(a, y1), (a + wide * 0.07, y1), (a + wide * 0.24, y0), (a + wide * 0.17, y0)]
        canvas.polygon(gleam, (255, 255, 255, 34))
    t = 0.011
    for i in range(columns + 1):
        x = x0 + wide * i / columns
        canvas.rect(x - t, y0 - t, x + t, y1 + t, colour)
        canvas.rect(x + t * 0.4, y0 - t, x + t, y1 + t, darken(colour, 0.14))
    for i in range(rows + 1):
        y = y0 + (y1 - y0) * i / rows
        canvas.rect(x0 - t, y - t, x1 + t, y + t, colour)
    canvas.rect(x0 - 0.03, y1 + t, x1 + 0.03, y1 + 0.032, lighten(colour, 0.15))
    canvas.rect(x0 - 0.02, y1 + 0.032, x1 + 0.02, y1 + 0.045, (20, 16, 40, 60))


def curtains(canvas: Canvas, window: Box, colour: Colour) -> None:
    """A curtain at each side, drawn aside, in three folds."""
    x0, y0, x1, y1 = window
    drop = y1 + 0.06
    for side, edge in ((-1, x0), (1, x1)):
        for k in range(3):
            a, b = edge + side * (0.055 - 0.034 * k), edge + side * (0.02 - 0.034 * k)
            tone = (colour, darken(colour, 0.12), lighten(colour, 0.14))[k]
            canvas.polygon([(a, y0 - 0.03), (b, y0 - 0.03), (b + side * 0.012, drop), (a + side * 0.012, drop)], tone)
    canvas.line([(x0 - 0.08, y0 - 0.035), (x1 + 0.08, y0 - 0.035)], 0.011, (92, 66, 54))


def light_patch(canvas: Canvas, plan: Plan, mood: Mood, window: Box, bottom: float) -> None:
    """The slanting bright shape that low sun throws from the window onto the table."""
    if not mood.clear or plan.light == "night":
        return
    x0, _, x1, _ = window
    lean = 0.22 if (x0 + x1) / 2 < 0.5 else -0.22
    strength = {"morning": 0.34, "day": 0.2, "sunset": 0.42}[plan.light]
    mid = (x0 + x1) / 2
    for a, b in ((x0, mid - 0.015), (mid + 0.015, x1)):
        pane = [(a + lean * 0.5, bottom), (b + lean * 0.5, bottom), (b + lean * 1.5, 1.0), (a + lean * 1.5, 1.0)]
        canvas.polygon(pane, fade(mix(mood.sun, (255, 190, 110), 0.35), strength))


def pendant(canvas: Canvas, x: float, y: float, size: float, shade: Colour, on: bool) -> None:
    """A hanging lamp; lit, it throws a cone."""
    canvas.line([(x, 0), (x, y - size * 0.5)], 0.005, (54, 46, 52))
    if on:
        cone = [(x - size * 0.8, y), (x + size * 0.8, y), (x + size * 2.6, y + 0.55), (x - size * 2.6, y + 0.55)]
        canvas.soft([cone], 0.03, (255, 216, 140, 46))
        canvas.glow(x, y + 0.01, size * 3.2, (255, 214, 136), 0.75)
        canvas.ellipse(x, y + size * 0.06, size * 0.42, size * 0.34, (255, 248, 214))
    canvas.polygon(np.vstack([oval(x, y, size, size * 0.72, 0, 180, 360, 24)]), shade)
    canvas.polygon(oval(x, y, size * 0.5, size * 0.72, 0, 270, 360, 16), darken(shade, 0.15))
    canvas.ellipse(x, y, size, size * 0.12, (255, 240, 190) if on else darken(shade, 0.35))


def shelf(canvas: Canvas, rng: np.random.Generator, x0: float, x1: float, y: float, light: Light, kind: str) -> None:
    """A board with jars, cups, bottles or books in a row."""
    wood: Colour = (150, 102, 66)
    s = Sprite(canvas, 0.0, 0.0, 1.0, light)
    x = x0 + 0.015
    while x < x1 - 0.03:
        wide, tall = float(rng.uniform(0.025, 0.045)), float(rng.uniform(0.045, 0.085))
        tones: tuple[Colour, ...] = ((206, 104, 84), (232, 186, 96), (98, 142, 140), (236, 226, 206), (120, 96, 130))
        tone, shape = tones[int(rng.integers(5))], int(rng.integers(3))
        if kind == "bottles" and shape != 2:
            s.rect(x, -y, x + wide * 0.8, -y + tall * 0.7, tone, 0.006)
            s.rect(x + wide * 0.28, -y + tall * 0.65, x + wide * 0.52, -y + tall * 1.15, tone)
        elif shape == 0:
            s.rect(x, -y, x + wide, -y + tall, lighten(tone, 0.1), 0.007)
            s.rect(x, -y + tall * 0.85, x + wide, -y + tall * 1.05, darken(tone, 0.4), 0.004)
            s.rect(x + wide * 0.15, -y + tall * 0.25, x + wide * 0.85, -y + tall * 0.6, (246, 240, 224))
        elif shape == 1:
            s.oval(x + wide * 0.5, -y + tall * 0.6, wide * 0.7, tall * 0.5, (92, 150, 92))
            s.rect(x + wide * 0.05, -y, x + wide * 0.95, -y + tall * 0.5, (204, 122, 88))
        else:
            s.rect(x, -y, x + wide, -y + wide, tone, 0.005)
            s.rect(x, -y + wide, x + wide, -y + wide * 2, lighten(tone, 0.3), 0.005)
        x += wide + float(rng.uniform(0.008, 0.02))
    s.rect(x0, -y - 0.018, x1, -y, wood)
    s.rect(x0, -y - 0.018, x1, -y - 0.012, darken(wood, 0.3))


def string_lights(canvas: Canvas, rng: np.random.Generator, y: float, on: bool) -> None:
    """Bulbs on a sagging wire."""
    sag = float(rng.uniform(0.03, 0.06))
    xs = np.linspace(-0.02, 1.02, 27)
    wave = y + sag * np.abs(np.sin(xs * 3 * np.pi))
    canvas.line(np.column_stack([xs, wave]), 0.004, (50, 44, 54), caps=False)
    for x, top in zip(xs[1::2], wave[1::2], strict=True):
        if on:
            canvas.glow(x, top + 0.018, 0.06, (255, 206, 120), 0.8)
        canvas.ellipse(x, top + 0.016, 0.0095, 0.012, (255, 238, 186) if on else (226, 216, 196))
