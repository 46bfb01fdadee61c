"""What city pictures are made of: skylines, house fronts, an avenue, lamps and trees."""

from dataclasses import dataclass

import numpy as np

from components.drawings.canvas import Canvas
from components.drawings.colours import (
    Colour,
    Stops,
    darken,
    fade,
    jitter,
    lighten,
    mix,
)
from components.drawings.geometry import oval
from components.drawings.light import Mood
from components.drawings.sprite import Sprite

FRONTS: tuple[tuple[Colour, ...], ...] = (
    ((226, 164, 128), (240, 206, 160), (176, 196, 188), (214, 124, 104), (236, 224, 204)),
    ((140, 176, 196), (214, 222, 222), (240, 190, 130), (104, 140, 170), (232, 208, 190)),
    ((190, 140, 160), (238, 214, 200), (150, 160, 190), (222, 176, 120), (126, 150, 150)),
    ((178, 98, 80), (206, 150, 116), (150, 86, 76), (226, 200, 170), (190, 120, 92)),
)
"""Palettes of house colours that go together."""

LAMPLIGHT: Colour = (255, 214, 130)
NEONS: tuple[Colour, ...] = ((255, 70, 140), (60, 220, 240), (255, 170, 50), (140, 110, 255), (80, 240, 160))


@dataclass(frozen=True)
class Front:
    """One house front, and how its windows look."""

    x0: float
    x1: float
    top: float
    base: float
    colour: Colour
    glass: Colour
    lit: float  # the share of windows with a lamp behind them


def skyline(
    canvas: Canvas,
    rng: np.random.Generator,
    base: float,
    tall: float,
    colour: Colour,
    lit: float = 0.0,
    low: float = 0.3,
) -> None:
    """A layer of towers in one colour; `lit` is the share of windows with light."""
    x = -0.05
    while x < 1.0:
        wide = float(rng.uniform(0.06, 0.13))
        top = base - tall * float(rng.uniform(low, 1.0))
        shape, tone = int(rng.integers(4)), jitter(rng, colour, 4)
        canvas.rect(x, top, x + wide, base + 0.01, tone)
        canvas.rect(x + wide * 0.62, top, x + wide, base + 0.01, darken(tone, 0.1))
        if shape == 0:
            canvas.polygon([(x, top), (x + wide * 0.5, top - wide * 0.55), (x + wide, top)], tone)
        elif shape == 1:
            canvas.rect(x + wide * 0.2, top - wide * 0.35, x + wide * 0.7, top, tone)
            canvas.line([(x + wide * 0.45, top - wide * 0.9), (x + wide * 0.45, top)], 0.004, tone)
        rows = rng.random((14, 4))
        warm = (mix(LAMPLIGHT, tone, 0.15), mix((255, 240, 200), tone, 0.3))
        for row in range(14):
            y = top + 0.018 + row * 0.028
            if lit == 0 or y > base - 0.02:
                break
            for k in range(4):
                if rows[row, k] < lit:
                    left = x + wide * (0.12 + 0.21 * k)
                    canvas.rect(left, y, left + wide * 0.12, y + 0.014, warm[(row + k) % 2])
        x += wide * float(rng.uniform(0.8, 1.15))


def front(canvas: Canvas, rng: np.random.Generator, house: Front, shop: bool = True) -> None:
    """A house front with a cornice, rows of windows and, at street level, a shop with an awning."""
    x0, x1, wide = house.x0, house.x1, house.x1 - house.x0
    dark, pale = darken(house.colour, 0.22), lighten(house.colour, 0.3)
    stops: Stops = [(0.0, lighten(house.colour, 0.06)), (1.0, darken(house.colour, 0.1))]
    canvas.gradient_polygon([(x0, house.top), (x1, house.top), (x1, house.base), (x0, house.base)], stops)
    canvas.rect(x0 - 0.006, house.top - 0.012, x1 + 0.006, house.top + 0.01, pale)
    canvas.rect(x0, house.top + 0.01, x1, house.top + 0.018, dark)
    canvas.rect(x1 - wide * 0.07, house.top, x1, house.base, fade((20, 20, 50), 0.12))
    street = house.base - (0.13 if shop else 0.02)
    columns = max(2, round(wide / 0.065))
    rows = max(1, int((street - house.top - 0.03) / 0.085))
    cell, glow = wide / columns, rng.random((rows, columns))
    for row in range(rows):
        y = house.top + 0.035 + row * (street - house.top - 0.04) / rows
        for k in range(columns):
            left, right = x0 + cell * (k + 0.24), x0 + cell * (k + 0.76)
            pane = LAMPLIGHT if glow[row, k] < house.lit else house.glass
            canvas.rect(left - 0.005, y - 0.005, right + 0.005, y + 0.055, pale)
            canvas.rect(left, y, right, y + 0.05, pane)
            canvas.polygon([(left, y), (right, y), (left, y + 0.03)], fade(lighten(pane, 0.5), 0.4))
            canvas.rect(left - 0.008, y + 0.053, right + 0.008, y + 0.06, dark)
    if shop:
        _shop(canvas, rng, house, street)


def _shop(canvas: Canvas, rng: np.random.Generator, house: Front, top: float) -> None:
    x0, x1, wide = house.x0 + 0.012, house.x1 - 0.012, house.x1 - house.x0 - 0.024
    glass = LAMPLIGHT if house.lit > 0.25 else mix(house.glass, (60, 70, 90), 0.4)
    canvas.rect(x0, top + 0.025, x1, house.base, darken(house.colour, 0.5))
    canvas.rect(x0 + 0.01, top + 0.05, x0 + wide * 0.64, house.base - 0.022, glass)
    canvas.rect(x0 + wide * 0.7, top + 0.05, x1 - 0.01, house.base, lighten(glass, 0.12))
    awning: Colour = ((206, 72, 66), (56, 120, 116), (228, 164, 62), (70, 96, 150))[int(rng.integers(4))]
    if house.lit > 0.25:
        awning = darken(awning, 0.3)
    stripes = 6
    for i in range(stripes):
        tone = awning if i % 2 == 0 else mix((250, 244, 232), awning, 0.12)
        a, b = x0 + wide * i / stripes, x0 + wide * (i + 1) / stripes
        canvas.polygon([(a, top), (b, top), (b + 0.004, top + 0.04), (a - 0.004, top + 0.04)], tone)
        canvas.ellipse((a + b) / 2, top + 0.04, (b - a) / 2, 0.008, tone)


def row_of_fronts(
    canvas: Canvas,
    rng: np.random.Generator,
    mood: Mood,
    base: float,
    tall: float,
    lit: float,
    dim: float = 0.0,
) -> None:
    """A street of house fronts side by side across the picture; `dim` darkens them for night."""
    palette = FRONTS[int(rng.integers(len(FRONTS)))]
    x, last = float(rng.uniform(-0.1, 0.0)), -1
    while x < 1.0:
        wide = float(rng.uniform(0.17, 0.27))
        pick = int(rng.integers(len(palette)))
        last = pick = (pick + 1) % len(palette) if pick == last else pick
        colour = mix(mood.lit(jitter(rng, palette[pick], 6)), (34, 34, 74), dim)
        glass = mix(mood.lit((150, 186, 204)), mood.sky[-1][1], 0.35)
        house = Front(
            x,
            x + wide,
            base - tall * float(rng.uniform(0.66, 1.0)),
            base,
            colour,
            mix(glass, (30, 36, 70), min(1.0, dim * 1.3)),
            lit,
        )
        if rng.random() < 0.4:
            chimney = x + wide * float(rng.uniform(0.2, 0.7))
            canvas.rect(chimney, house.top - 0.05, chimney + 0.03, house.top, darken(colour, 0.3))
        front(canvas, rng, house)
        x += wide


def avenue(canvas: Canvas, rng: np.random.Generator, mood: Mood, horizon: float, lit: float, dim: float = 0.0) -> None:
    """Two walls of houses running to a vanishing point in the middle."""
    palette = FRONTS[int(rng.integers(len(FRONTS)))]
    centre = 0.5
    edges = (0.5, 0.37, 0.27, 0.19, 0.13, 0.09)  # half-width of the gap at every house corner
    for side in (-1, 1):
        for i in range(len(edges) - 2, -1, -1):
            near, far = edges[i] * 1.12, edges[i + 1] * 1.12
            rise = float(rng.uniform(1.0, 1.6))
            tone = mix(mood.lit(jitter(rng, palette[int(rng.integers(len(palette)))], 6)), (34, 34, 74), dim)
            tone = mix(tone, mood.haze, 0.11 * i + (0.06 if side < 0 else 0.0))
            if side > 0:
                tone = darken(tone, 0.14)
            _wall(
                canvas,
                rng,
                (centre + side * near, centre + side * far),
                (near, far),
                horizon,
                rise,
                tone,
                lit,
                mix(mix(mood.lit((150, 186, 204)), mood.haze, 0.12 * i), (30, 36, 70), dim),
            )


def _wall(
    canvas: Canvas,
    rng: np.random.Generator,
    xs: tuple[float, float],
    size: tuple[float, float],
    horizon: float,
    rise: float,
    tone: Colour,
    lit: float,
    glass: Colour,
) -> None:
    """One house of the avenue: heights shrink with `size`, the gap's half-width at each end."""

    def at(t: float, level: float) -> tuple[float, float]:
        s = size[0] + (size[1] - size[0]) * t
        return xs[0] + (xs[1] - xs[0]) * t, horizon + 0.26 * s - level * rise * s

    canvas.polygon([at(0, 0), at(1, 0), at(1, 1), at(0, 1)], tone)
    canvas.polygon([at(0, 0.97), at(1, 0.97), at(1, 1.01), at(0, 1.01)], lighten(tone, 0.25))
    canvas.polygon([at(0, 0), at(1, 0), at(1, 0.16), at(0, 0.16)], darken(tone, 0.3))
    lamps = rng.random((5, 3))
    for row in range(5):
        low, high = 0.22 + 0.15 * row, 0.31 + 0.15 * row
        for k in range(3):
            a, b = (k + 0.25) / 3, (k + 0.75) / 3
            pane = LAMPLIGHT if lamps[row, k] < lit else glass
            canvas.polygon([at(a, low), at(b, low), at(b, high), at(a, high)], pane)
    for k in range(2):
        a, b = (k + 0.15) / 2, (k + 0.85) / 2
        shop = LAMPLIGHT if lit > 0.2 else darken(glass, 0.25)
        canvas.polygon([at(a, 0.02), at(b, 0.02), at(b, 0.11), at(a, 0.11)], shop)


def lamp_post(canvas: Canvas, x: float, ground: float, tall: float, on: bool, iron: Colour) -> None:
    """A street lamp, glowing when it is on."""
    top = ground - tall
    canvas.line([(x, ground), (x, top)], tall * 0.03, iron)
    canvas.rect(x - tall * 0.04, ground - tall * 0.12, x + tall * 0.04, ground, iron, 0.004)
    canvas.polygon(
        [
            (x - tall * 0.05, top),
            (x + tall * 0.05, top),
            (x + tall * 0.035, top + tall * 0.12),
            (x - tall * 0.035, top + tall * 0.12),
        ],
        (255, 236, 176) if on else (214, 222, 222),
    )
    canvas.polygon([(x - tall * 0.065, top), (x + tall * 0.065, top), (x, top - tall * 0.06)], iron)
    if on:
        canvas.glow(x, top + tall * 0.06, tall * 0.55, (255, 216, 140), 0.75)


def street_tree(canvas: Canvas, rng: np.random.Generator, mood: Mood, x: float, ground: float, tall: float) -> None:
    """A round plane tree in its grate."""
    s = Sprite(canvas, x, ground, tall, mood.light)
    green = jitter(rng, (84, 146, 88) if rng.random() < 0.75 else (216, 150, 66), 10)
    s.shadow(0.3, 0.25)
    s.rect(-0.03, 0, 0.03, 0.5, (104, 76, 60))
    lumps = [
        (-0.16, 0.56, 0.17),
        (0.16, 0.56, 0.17),
        (0.0, 0.5, 0.17),
        (-0.12, 0.74, 0.17),
        (0.13, 0.75, 0.16),
        (0.0, 0.85, 0.15),
    ]
    for dx, dy, r in lumps:
        s.oval(dx, dy, r, r, darken(green, 0.16))
    for dx, dy, r in lumps:
        s.oval(dx - 0.03, dy + 0.03, r * 0.72, r * 0.68, green)
    for dx, dy, r in lumps[3:]:
        s.oval(dx - 0.05, dy + 0.05, r * 0.35, r * 0.3, lighten(green, 0.2))


def neon_sign(canvas: Canvas, rng: np.random.Generator, x: float, y: float, size: float) -> Colour:
    """A glowing sign: a bordered box, an arrow, a ring or a zigzag; returns its colour."""
    colour = NEONS[int(rng.integers(len(NEONS)))]
    kind, hot = int(rng.integers(4)), lighten(colour, 0.45)
    canvas.glow(x, y, size * 2.4, colour, 0.75)
    canvas.rect(x - size * 0.5, y - size * 0.8, x + size * 0.5, y + size * 0.8, (26, 20, 52), size * 0.15)
    canvas.line(
        [
            (x - size * 0.4, y - size * 0.7),
            (x + size * 0.4, y - size * 0.7),
            (x + size * 0.4, y + size * 0.7),
            (x - size * 0.4, y + size * 0.7),
            (x - size * 0.4, y - size * 0.7),
        ],
        size * 0.09,
        colour,
    )
    if kind == 0:
        for k in (-1, 0, 1):
            level = y + k * size * 0.38
            canvas.line([(x - size * 0.2, level), (x + size * 0.2, level)], size * 0.14, hot)
    elif kind == 1:
        canvas.line(
            [(x - size * 0.18, y - size * 0.2), (x, y - size * 0.45), (x + size * 0.18, y - size * 0.2)],
            size * 0.12,
            hot,
        )
        canvas.line([(x, y - size * 0.4), (x, y + size * 0.45)], size * 0.12, hot)
    elif kind == 2:
        canvas.line(oval(x, y, size * 0.2, size * 0.34), size * 0.12, hot)
    else:
        canvas.line(
            [
                (x + size * 0.12, y - size * 0.48),
                (x - size * 0.14, y + 0.02 * size),
                (x + size * 0.14, y - 0.02 * size),
                (x - size * 0.1, y + size * 0.48),
            ],
            size * 0.11,
            hot,
        )
    return colour
