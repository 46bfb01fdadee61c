"""A small local frame in which one object is drawn, and then placed, scaled, flipped or turned.

Inside the frame the origin is where the object touches the ground, x runs to the right,
y runs UP, and 1 is the object's height.  Colours pass through the picture's light.
"""

import math
from collections.abc import Sequence

import numpy as np

from components.drawings.canvas import Canvas
from components.drawings.colours import Colour, Stops, tint
from components.drawings.geometry import Outline, Points, oval, rounded, spline

Light = tuple[float, float, float]


class Sprite:
    """Draws on `canvas` with the ground point at (x, y) and a height of `size` (0..1)."""

    def __init__(
        self,
        canvas: Canvas,
        x: float,
        y: float,
        size: float,
        light: Light = (1.0, 1.0, 1.0),
        flip: bool = False,
        angle: float = 0.0,
    ) -> None:
        self.canvas, self.x, self.y, self.size, self.light = canvas, x, y, size, light
        self.sign = -1.0 if flip else 1.0
        self.cos, self.sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))

    def place(self, points: Outline) -> Points:
        """Local points to picture coordinates."""
        local = np.asarray(points, dtype=float)
        x, y = local[:, 0] * self.sign, -local[:, 1]
        turned = np.column_stack([x * self.cos - y * self.sin, x * self.sin + y * self.cos])
        return turned * self.size + (self.x, self.y)

    def lit(self, colour: Colour) -> Colour:
        """The colour under the picture's light."""
        return tint(colour, self.light)

    def poly(self, points: Outline, fill: Colour) -> None:
        self.canvas.polygon(self.place(points), self.lit(fill))

    def shade(self, points: Outline, top: Colour, bottom: Colour) -> None:
        """An outline filled from `top` to `bottom` colour."""
        stops: Stops = [(0.0, self.lit(top)), (1.0, self.lit(bottom))]
        self.canvas.gradient_polygon(self.place(points), stops)

    def blob(self, points: Sequence[tuple[float, float]], fill: Colour) -> None:
        """A smooth closed shape through the points."""
        self.poly(spline(points, 7, closed=True), fill)

    def oval(
        self,
        cx: float,
        cy: float,
        rx: float,
        ry: float,
        fill: Colour,
        angle: float = 0.0,
        start: float = 0.0,
        end: float = 360.0,
    ) -> None:
        """An ellipse, or the segment of one between two angles (0 right, 90 up)."""
        self.poly(oval(cx, cy, rx, ry, angle, start, end, 32), fill)

    def rect(self, x0: float, y0: float, x1: float, y1: float, fill: Colour, radius: float = 0.0) -> None:
        corners: Outline = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
        self.poly(rounded(x0, min(y0, y1), x1, max(y0, y1), radius) if radius else corners, fill)

    def line(self, points: Outline, width: float, fill: Colour) -> None:
        """A stroke; `width` in local units."""
        self.canvas.line(self.place(points), width * self.size, self.lit(fill))

    def curve(self, points: Sequence[tuple[float, float]], width: float, fill: Colour) -> None:
        """A smooth stroke through the points."""
        self.line(spline(points, 7), width, fill)

    def shadow(self, width: float = 0.4, alpha: float = 0.3, shift: float = 0.0) -> None:
        """A soft shadow on the ground; `width` is half its extent in local units."""
        x = self.x + shift * self.size
        self.canvas.shadow(x, self.y, width * self.size, width * self.size * 0.16, alpha)
