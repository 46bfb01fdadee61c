"""Painters of the kitchen and the cafe."""

import numpy as np

from components.drawings.canvas import Canvas
from components.drawings.colours import Colour, darken, fade, jitter, lighten, mix, tint
from components.drawings.geometry import oval
from components.drawings.interiors import (
    Box,
    curtains,
    lamps_on,
    light_patch,
    pendant,
    room_light,
    shelf,
    string_lights,
    table_light,
    view,
    wall_around,
    window_frame,
)
from components.drawings.light import mood_of
from components.drawings.people import person
from components.drawings.plan import Plan
from components.drawings.sprite import Light, Sprite
from components.drawings.urban_layout import paint_subjects, spots

_KITCHENS: tuple[tuple[Colour, Colour, Colour], ...] = (  # wall, tiles or panels, cloth
    ((236, 216, 184), (246, 240, 228), (206, 92, 84)),
    ((176, 206, 196), (238, 240, 232), (238, 196, 110)),
    ((150, 184, 206), (240, 236, 226), (232, 226, 214)),
    ((238, 196, 160), (250, 236, 218), (96, 142, 140)),
    ((216, 208, 226), (244, 240, 246), (226, 150, 110)),
)
_CAFES: tuple[tuple[Colour, Colour], ...] = (  # wall, floor
    ((92, 122, 116), (150, 108, 78)),
    ((178, 104, 82), (126, 92, 76)),
    ((66, 82, 112), (160, 120, 90)),
    ((222, 198, 168), (140, 100, 76)),
    ((128, 92, 112), (150, 112, 92)),
)


def paint_kitchen(canvas: Canvas, plan: Plan, rng: np.random.Generator) -> None:
    """A table by a kitchen window that shows the hour and the weather."""
    mood, light = mood_of(plan, rng), room_light(plan)
    wall, tiles, cloth = _KITCHENS[int(rng.integers(len(_KITCHENS)))]
    edge = 0.64 + float(rng.uniform(-0.02, 0.03))
    x0 = (0.08, 0.26, 0.46)[int(rng.integers(3))] + float(rng.uniform(-0.02, 0.02))
    window: Box = (x0, 0.1, x0 + 0.46, 0.5)
    view(canvas, plan, mood, rng, window, city=False)
    wall = jitter(rng, wall, 6)
    wall_around(canvas, window, edge, tint(wall, light), tint(darken(wall, 0.08), light))
    _tiles(canvas, window, edge, tint(tiles, light))
    window_frame(canvas, window, tint((248, 244, 236), light), 2, 2)
    if rng.random() < 0.7:
        curtains(canvas, window, tint(jitter(rng, cloth, 12), light))
    for left, right in ((0.02, x0 - 0.09), (x0 + 0.55, 0.98)):
        if right - left > 0.14:
            for y in (0.24, 0.42):
                shelf(canvas, rng, left, right, y, light, "jars")
    _kitchen_table(canvas, rng, edge, cloth, light)
    light_patch(canvas, plan, mood, window, edge)
    hang = 0.5 + float(rng.uniform(-0.12, 0.12))
    if lamps_on(plan) or rng.random() < 0.4:
        pendant(canvas, hang, 0.14, 0.085, tint(jitter(rng, (206, 84, 70), 30), light), lamps_on(plan))
    if plan.light == "night":
        canvas.glow(hang, 0.8, 0.6, (255, 206, 130), 0.28, squash=0.5)
    if plan.sentiment == "positive":
        _bunting(canvas, rng, light)
    places = spots(plan, rng, 0.9, 0.92)
    paint_subjects(canvas, plan, rng, places, table_light(plan), mood.dark, turn=plan.subject in ("cat", "fruit bowl"))


def _tiles(canvas: Canvas, window: Box, edge: float, colour: Colour) -> None:
    """A splashback of tiles between window and table."""
    top = window[3] + 0.045
    canvas.rect(0, top, 1, edge, colour)
    line = darken(colour, 0.16)
    rows = 2
    for row in range(rows + 1):
        y = top + (edge - top) * row / rows
        canvas.line([(0, y), (1, y)], 0.003, line, caps=False)
        for i in range(14):
            x = (i + 0.5 * (row % 2)) / 13
            canvas.line([(x, y), (x, y + (edge - top) / rows)], 0.003, line, caps=False)


def _bunting(canvas: Canvas, rng: np.random.Generator, light: Light) -> None:
    """Paper pennants under the ceiling: something is being celebrated."""
    xs = np.linspace(0, 1, 12)
    ys = 0.03 + 0.035 * np.sin(xs * np.pi)
    canvas.line(np.column_stack([xs, ys]), 0.004, (120, 96, 84), caps=False)
    for x, y in zip(xs, ys, strict=True):
        tone: Colour = ((226, 96, 84), (246, 200, 96), (92, 156, 166), (244, 236, 220))[int(rng.integers(4))]
        canvas.polygon([(x - 0.033, y), (x + 0.033, y), (x, y + 0.06)], tint(tone, light))


def _kitchen_table(canvas: Canvas, rng: np.random.Generator, edge: float, cloth: Colour, light: Light) -> None:
    """A wooden table top, or one under a checked or striped cloth."""
    wood = tint(jitter(rng, (184, 130, 86), 10), light)
    kind = int(rng.integers(3))
    canvas.gradient([(0, darken(wood, 0.12)), (1, lighten(wood, 0.1))], edge, 1.0)
    canvas.rect(0, edge, 1, edge + 0.012, lighten(wood, 0.25))
    if kind == 0:
        for i in range(-7, 8):
            canvas.line([(0.5 + i * 0.11, edge + 0.01), (0.5 + i * 0.19, 1.0)], 0.003, darken(wood, 0.22), caps=False)
        return
    base = mix(tint((248, 240, 226), light), wood, 0.05)
    strong = tint(cloth, light)
    canvas.gradient([(0, darken(base, 0.1)), (1, base)], edge + 0.012, 1.0)
    for i in range(-9, 10, 2):
        quad = [
            (0.5 + i * 0.062, edge + 0.012),
            (0.5 + (i + 1) * 0.062, edge + 0.012),
            (0.5 + (i + 1) * 0.105, 1.0),
            (0.5 + i * 0.105, 1.0),
        ]
        canvas.polygon(quad, fade(strong, 0.45))
    if kind == 1:
        for k in range(4):
            a, b = edge + 0.02 + 0.36 * (k / 4) ** 1.4, edge + 0.02 + 0.36 * ((k + 0.5) / 4) ** 1.4
            canvas.rect(0, a, 1, b, fade(strong, 0.45))


def paint_cafe(canvas: Canvas, plan: Plan, rng: np.random.Generator) -> None:
    """A cafe's big window on the street, string lights, and a table or the floor in front."""
    mood, light = mood_of(plan, rng), room_light(plan)
    wall, floor = _CAFES[int(rng.integers(len(_CAFES)))]
    wall = tint(jitter(rng, wall, 6), light)
    edge, mirrored = 0.66, bool(rng.random() < 0.5)
    window: Box = (0.34, 0.12, 0.95, 0.53) if mirrored else (0.05, 0.12, 0.66, 0.53)
    view(canvas, plan, mood, rng, window, city=True)
    wall_around(canvas, window, edge, wall, darken(wall, 0.15))
    canvas.rect(0, edge - 0.075, 1, edge, darken(wall, 0.3))
    for i in range(13):
        canvas.line([(i / 12, edge - 0.07), (i / 12, edge)], 0.003, darken(wall, 0.45), caps=False)
    window_frame(canvas, window, tint((70, 52, 48), light), 3, 1)
    _cafe_sign(canvas, window, plan)
    left, right = (0.03, 0.29) if mirrored else (0.71, 0.97)
    if rng.random() < 0.5:
        _chalkboard(canvas, rng, left, right, light)
    else:
        shelf(canvas, rng, left, right, 0.28, light, "bottles")
        shelf(canvas, rng, left, right, 0.44, light, "jars")
    standing = plan.subject in ("dog", "suitcase", "guitar")
    _cafe_front(canvas, plan, rng, edge, tint(floor, light), light, standing)
    light_patch(canvas, plan, mood, window, edge)
    string_lights(canvas, rng, 0.03, lamps_on(plan))
    if not standing or rng.random() < 0.5:
        shade = tint(((222, 168, 84), (196, 84, 76), (84, 132, 128))[int(rng.integers(3))], light)
        pendant(canvas, (left + right) / 2, 0.17, 0.07, shade, lamps_on(plan))
    if plan.light == "night":
        canvas.glow(0.5, 0.85, 0.65, (255, 200, 126), 0.28, squash=0.5)
    places = spots(plan, rng, 0.93 if standing else 0.9, 0.9)
    paint_subjects(
        canvas, plan, rng, places, table_light(plan), mood.dark, turn=plan.subject in ("dog", "coffee cup", "suitcase")
    )


def _cafe_sign(canvas: Canvas, window: Box, plan: Plan) -> None:
    """A cup in a ring, stuck on the glass."""
    x, y = (window[0] + window[2]) / 2, window[1] + 0.13
    tone = fade((255, 226, 160) if lamps_on(plan) else (255, 255, 250), 0.85)
    canvas.line(oval(x, y, 0.062, 0.062), 0.007, tone)
    canvas.polygon(oval(x - 0.004, y - 0.004, 0.03, 0.034, 0, 0, 180), tone)
    canvas.line(oval(x + 0.03, y + 0.008, 0.011, 0.01), 0.005, tone)
    for k in (-1, 1):
        canvas.line([(x + k * 0.011, y - 0.014), (x + k * 0.011, y - 0.034)], 0.005, tone)


def _chalkboard(canvas: Canvas, rng: np.random.Generator, x0: float, x1: float, light: Light) -> None:
    """The menu in chalk."""
    s = Sprite(canvas, 0, 0, 1, light)
    s.rect(x0, -0.52, x1, -0.17, (142, 98, 64), 0.01)
    s.rect(x0 + 0.014, -0.506, x1 - 0.014, -0.184, (52, 58, 60))
    s.line([(x0 + 0.06, -0.22), (x1 - 0.06, -0.22)], 0.012, (240, 232, 208))
    for i in range(5):
        y, end = -0.27 - 0.044 * i, float(rng.uniform(0.5, 0.66))
        s.line([(x0 + 0.035, y), (x0 + (x1 - x0) * end, y)], 0.008, (206, 210, 202))
        s.line([(x1 - 0.06, y), (x1 - 0.035, y)], 0.008, (244, 206, 120))


def _cafe_front(
    canvas: Canvas, plan: Plan, rng: np.random.Generator, edge: float, floor: Colour, light: Light, standing: bool
) -> None:
    """The floor with a guest behind, or the near table's round top."""
    canvas.gradient([(0, darken(floor, 0.25)), (1, lighten(floor, 0.06))], edge, 1.0)
    for i in range(-8, 9):
        canvas.line([(0.5 + i * 0.09, edge), (0.5 + i * 0.2, 1.0)], 0.003, darken(floor, 0.35), caps=False)
    arms = {"positive": "wave", "neutral": "reach", "negative": "sad"}[plan.sentiment]
    guest = (0.12, 0.5, 0.88)[int(rng.integers(3))]
    for x in (guest, guest + (0.24 if guest < 0.5 else -0.24)):
        s = Sprite(canvas, x, edge + 0.09, 0.27, tuple(0.92 * c for c in light), flip=x > guest)  # type: ignore[arg-type]
        person(s, rng, "stand", arms)
    top = tint((206, 162, 116), light)
    mid = guest + (0.12 if guest < 0.5 else -0.12)
    canvas.rect(mid - 0.012, edge, mid + 0.012, edge + 0.11, darken(top, 0.6))
    canvas.ellipse(mid, edge + 0.005, 0.1, 0.022, darken(top, 0.35))
    canvas.ellipse(mid, edge - 0.004, 0.1, 0.02, top)
    if standing:
        rug = tint(jitter(rng, (176, 84, 74), 24), light)
        canvas.ellipse(0.5, 0.92, 0.52, 0.085, darken(rug, 0.25))
        canvas.ellipse(0.5, 0.92, 0.47, 0.07, mix(rug, (236, 214, 180), 0.25))
        canvas.ellipse(0.5, 0.92, 0.41, 0.056, rug)
        return
    marble = tint(((238, 232, 224), (160, 108, 70), (196, 150, 104))[int(rng.integers(3))], light)
    canvas.ellipse(0.5, 1.03, 0.86, 0.265, darken(marble, 0.4))
    canvas.ellipse(0.5, 1.01, 0.86, 0.255, marble)
    canvas.ellipse(0.5, 1.02, 0.8, 0.225, lighten(marble, 0.14))
