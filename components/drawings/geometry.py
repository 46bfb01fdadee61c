"""Curves and outlines in picture coordinates: x to the right, y downwards, both 0..1.

Every function returns an (n, 2) float array.  Nothing here knows how many pixels the
picture has, so one seed gives the same outline at every size.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
Outline = Points | Sequence[tuple[float, float]]


def spline(points: Outline, per_segment: int = 8, closed: bool = False) -> Points:
    """A smooth (Catmull-Rom) curve through every one of `points`."""
    knots = np.asarray(points, dtype=float)
    if closed:
        knots = np.vstack([knots[-1:], knots, knots[:2]])
    else:
        knots = np.vstack([2 * knots[0] - knots[1], knots, 2 * knots[-1] - knots[-2]])
    t = np.linspace(0, 1, per_segment, endpoint=False)[:, None]
    a, b, c, d = (knots[i : len(knots) - 3 + i, None, :] for i in range(4))
    curve = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    flat = curve.reshape(-1, 2)
    return flat if closed else np.vstack([flat, knots[-2]])


def ridge(rng: np.random.Generator, y: float, height: float, roughness: float = 0.55, levels: int = 6) -> Points:
    """A skyline by midpoint displacement, from x = -0.02 to x = 1.02.

    `y` is its mean level, `height` the size of the first displacement, `roughness` the
    factor from level to level: about 0.35 gives hills, 0.6 gives rock.
    """
    heights = rng.uniform(-0.5, 0.5, 2) * height
    step = height
    for _ in range(levels):
        middle = (heights[:-1] + heights[1:]) / 2 + rng.uniform(-0.5, 0.5, len(heights) - 1) * step
        merged = np.empty(len(heights) + len(middle))
        merged[0::2], merged[1::2] = heights, middle
        heights, step = merged, step * roughness
    return np.column_stack([np.linspace(-0.02, 1.02, len(heights)), y - heights])


def hills(rng: np.random.Generator, y: float, height: float, bumps: int = 4) -> Points:
    """A soft rolling skyline: a spline through `bumps` + 2 random levels around `y`."""
    x = np.linspace(-0.1, 1.1, bumps + 2)
    return spline(np.column_stack([x, y + rng.uniform(-0.5, 0.5, len(x)) * height]), 12)


def height_at(skyline: Points, x: float) -> float:
    """The y of a skyline (sorted by x) at one x: where something stands on it."""
    return float(np.interp(x, skyline[:, 0], skyline[:, 1]))


def below(skyline: Points, bottom: float = 1.02) -> Points:
    """The closed outline of everything under a skyline, down to `bottom`."""
    ends = np.array([[skyline[-1, 0], bottom], [skyline[0, 0], bottom]])
    return np.vstack([skyline, ends])


def oval(
    cx: float,
    cy: float,
    rx: float,
    ry: float,
    angle: float = 0.0,
    start: float = 0.0,
    end: float = 360.0,
    steps: int = 40,
) -> Points:
    """An ellipse or an arc of one; `angle` turns it (degrees, clockwise on screen)."""
    t = np.radians(np.linspace(start, end, steps))
    x, y = rx * np.cos(t), ry * np.sin(t)
    a = math.radians(angle)
    return np.column_stack([cx + x * math.cos(a) - y * math.sin(a), cy + x * math.sin(a) + y * math.cos(a)])


def rounded(x0: float, y0: float, x1: float, y1: float, radius: float) -> Points:
    """A rectangle with round corners."""
    r = min(radius, abs(x1 - x0) / 2, abs(y1 - y0) / 2)
    corners = [(x1 - r, y1 - r, 0), (x0 + r, y1 - r, 90), (x0 + r, y0 + r, 180), (x1 - r, y0 + r, 270)]
    return np.vstack([oval(cx, cy, r, r, 0, a, a + 90, 7) for cx, cy, a in corners])


def noise(rng: np.random.Generator, across: int = 4, down: int = 4, octaves: int = 4) -> Points:
    """Cloudy noise, (128, 128) in 0..1, on a fixed grid whatever the picture's size.

    `across` and `down` count the lumps of the coarsest octave: few across and many down
    makes streaks, as on water or in high cloud.
    """
    from PIL import Image

    total = np.zeros((128, 128))
    for octave in range(octaves):
        shape = (min(128, down * 2**octave) + 1, min(128, across * 2**octave) + 1)
        coarse = Image.fromarray(rng.random(shape).astype(np.float32))
        total += np.asarray(coarse.resize((128, 128), Image.Resampling.BICUBIC)) / 2**octave
    low, high = float(total.min()), float(total.max())
    return (total - low) / max(high - low, 1e-9)
