"""A square picture to draw on in coordinates 0..1, whatever its size in pixels.

All shapes are vector outlines, all soft things (glows, blurs, textures) live on a fixed
coarse grid that is scaled up, and line widths are shares of the picture: so one seed
drawn at 128 pixels and at 768 pixels is one picture.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from components.drawings.colours import Colour, Stops, fade
from components.drawings.geometry import Outline, oval, rounded

SOFT_GRID = 160
"""Cells per picture side on which blurred shapes are drawn: cheap, and the same at all sizes."""

_BICUBIC = Image.Resampling.BICUBIC


def gradient_rows(stops: Stops, rows: int) -> NDArray[np.uint8]:
    """A vertical gradient as a (rows, 1, 3) array."""
    at = np.linspace(0, 1, max(rows, 1))
    places = [p for p, _ in stops]
    channels = [np.interp(at, places, [c[i] for _, c in stops]) for i in range(3)]
    return np.stack(channels, axis=-1)[:, None, :].round().astype(np.uint8)


class Canvas:
    """A picture of `size` x `size` pixels, drawn larger and reduced at the end."""

    def __init__(self, size: int, background: Colour = (200, 210, 220)) -> None:
        self.size = size
        # Small pictures need more samples: their lines are a fraction of a pixel wide.
        self.px = size * (3 if size <= 192 else 2)
        self.image = Image.new("RGB", (self.px, self.px), background[:3])
        # Mode "RGBA" over an RGB image makes Pillow blend fills that carry an alpha.
        self.pen = ImageDraw.Draw(self.image, "RGBA")

    # -- outlines -----------------------------------------------------------------

    def _pixels(self, points: Outline) -> list[tuple[float, float]]:
        scaled = np.asarray(points, dtype=float) * self.px
        return [(x, y) for x, y in scaled.tolist()]

    def _box(self, points: Outline, margin: float = 0.0) -> tuple[int, int, int, int] | None:
        """The pixel box around an outline, clipped; None when it lies outside."""
        xy = np.asarray(points, dtype=float)
        low = np.floor((xy.min(axis=0) - margin) * self.px).astype(int)
        high = np.ceil((xy.max(axis=0) + margin) * self.px).astype(int) + 1
        x0, y0 = max(0, int(low[0])), max(0, int(low[1]))
        x1, y1 = min(self.px, int(high[0])), min(self.px, int(high[1]))
        return (x0, y0, x1, y1) if x1 > x0 and y1 > y0 else None

    def polygon(self, points: Outline, fill: Colour) -> None:
        """A filled outline; a fourth colour channel is its alpha."""
        self.pen.polygon(self._pixels(points), fill=fill)

    def gradient_polygon(self, points: Outline, stops: Stops) -> None:
        """An outline filled with a vertical gradient over its own height."""
        xy = np.asarray(points, dtype=float)
        box = self._box(xy)
        if box is None:
            return
        x0, y0, x1, y1 = box
        mask = Image.new("L", (x1 - x0, y1 - y0), 0)
        shifted = xy * self.px - (x0, y0)
        ImageDraw.Draw(mask).polygon([(x, y) for x, y in shifted.tolist()], fill=255)
        top, height = float(xy[:, 1].min()), max(float(np.ptp(xy[:, 1])), 1e-6)
        visible = [(y / self.px - top) / height for y in (y0, y1)]
        full = gradient_rows(stops, 512)
        rows = np.linspace(visible[0], visible[1], y1 - y0).clip(0, 1) * 511
        column = Image.fromarray(full[rows.round().astype(int)])
        self.image.paste(column.resize(mask.size, Image.Resampling.NEAREST), (x0, y0), mask)

    def gradient(self, stops: Stops, top: float = 0.0, bottom: float = 1.0) -> None:
        """A vertical gradient over the full width, from `top` to `bottom`."""
        y0, y1 = max(0, round(top * self.px)), min(self.px, round(bottom * self.px))
        if y1 > y0:
            column = Image.fromarray(gradient_rows(stops, y1 - y0))
            self.image.paste(column.resize((self.px, y1 - y0), Image.Resampling.NEAREST), (0, y0))

    def ellipse(self, cx: float, cy: float, rx: float, ry: float, fill: Colour, angle: float = 0.0) -> None:
        """A filled ellipse; `angle` in degrees, clockwise."""
        if angle:
            self.polygon(oval(cx, cy, rx, ry, angle), fill)
        else:
            p = self.px
            box = ((cx - rx) * p, (cy - ry) * p, (cx + rx) * p, (cy + ry) * p)
            self.pen.ellipse(box, fill=fill)

    def rect(self, x0: float, y0: float, x1: float, y1: float, fill: Colour, radius: float = 0.0) -> None:
        """A filled rectangle, with round corners of `radius` if given."""
        if radius:
            self.polygon(rounded(x0, y0, x1, y1, radius), fill)
        else:
            self.polygon([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], fill)

    def line(self, points: Outline, width: float, fill: Colour, caps: bool = True) -> None:
        """A polyline `width` wide (share of the picture) with round joints and caps."""
        xy, wide = self._pixels(points), width * self.px
        if wide < 1:  # thinner than a sample: keep its weight by fading it instead
            fill, wide = fade(fill, wide), 1.0
        self.pen.line(xy, fill=fill, width=max(1, round(wide)), joint="curve")
        if caps and wide >= 3:
            for x, y in (xy[0], xy[-1]):
                r = wide / 2 - 0.5
                self.pen.ellipse((x - r, y - r, x + r, y + r), fill=fill)

    # -- soft things --------------------------------------------------------------

    def veil(
        self,
        alpha: NDArray[np.float64],
        colour: Colour,
        box: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0),
    ) -> None:
        """One colour laid over `box` (x0, y0, x1, y1) through an alpha grid (any shape, 0..1)."""
        x0, y0, x1, y1 = (round(v * self.px) for v in box)
        if x1 <= x0 or y1 <= y0:
            return
        mask = Image.fromarray((np.clip(alpha, 0, 1) * 255).round().astype(np.uint8))
        self.image.paste(colour[:3], (x0, y0, x1, y1), mask.resize((x1 - x0, y1 - y0), _BICUBIC))

    def glow(
        self,
        cx: float,
        cy: float,
        radius: float,
        colour: Colour,
        strength: float = 1.0,
        squash: float = 1.0,
        power: float = 2.0,
    ) -> None:
        """Light around a point, fading out at `radius`; `squash` < 1 flattens it."""
        ry = radius * squash
        x0, y0 = max(0.0, cx - radius), max(0.0, cy - ry)
        x1, y1 = min(1.0, cx + radius), min(1.0, cy + ry)
        if x1 <= x0 or y1 <= y0:
            return
        x, y = (np.linspace(x0, x1, 64) - cx) / radius, (np.linspace(y0, y1, 64) - cy) / ry
        distance = np.sqrt(x[None, :] ** 2 + y[:, None] ** 2)
        self.veil(strength * np.clip(1 - distance, 0, 1) ** power, colour, (x0, y0, x1, y1))

    def soft(self, shapes: Sequence[Outline], blur: float, fill: Colour) -> None:
        """Outlines blurred together by `blur` (share of the picture): clouds, shadows, mist."""
        everything = np.vstack([np.asarray(shape, dtype=float) for shape in shapes])
        margin = 2.5 * blur
        low = np.clip(np.floor((everything.min(axis=0) - margin) * SOFT_GRID), 0, SOFT_GRID)
        high = np.clip(np.ceil((everything.max(axis=0) + margin) * SOFT_GRID), 0, SOFT_GRID)
        wide, tall = (high - low).astype(int).tolist()
        if wide < 1 or tall < 1:
            return
        # Drawn with its margin even where that lies outside, or edges would darken.
        mask = Image.new("L", (wide, tall), 0)
        draw = ImageDraw.Draw(mask)
        alpha = fill[3] if len(fill) > 3 else 255
        for shape in shapes:
            local = np.asarray(shape, dtype=float) * SOFT_GRID - low
            draw.polygon([(x, y) for x, y in local.tolist()], fill=alpha)
        mask = mask.filter(ImageFilter.GaussianBlur(blur * SOFT_GRID))
        x0, y0, x1, y1 = (round(v / SOFT_GRID * self.px) for v in (*low, *high))
        self.image.paste(fill[:3], (x0, y0, x1, y1), mask.resize((x1 - x0, y1 - y0), _BICUBIC))

    def shadow(self, cx: float, cy: float, rx: float, ry: float, alpha: float = 0.35) -> None:
        """A soft dark oval on the ground, under something that stands there."""
        self.soft([oval(cx, cy, rx, ry)], max(0.006, ry * 0.5), (16, 18, 40, round(alpha * 255)))

    def reflect(
        self,
        shore: float,
        depth: float,
        strength: float = 0.5,
        ripple: float = 0.006,
        waves: float = 26.0,
        left: float = 0.0,
        right: float = 1.0,
    ) -> None:
        """Mirror what stands above `shore` into the water below it, down to `shore + depth`.

        Rows are shifted sideways by a sine that widens with distance, which reads as ripples.
        Between `left` and `right` only: the mirror then fades out at both sides.
        """
        y0, x0, x1 = round(shore * self.px), max(0, round(left * self.px)), round(right * self.px)
        x1 = min(self.px, x1)
        rows = min(round(depth * self.px), y0, self.px - y0)
        if rows < 2 or x1 - x0 < 4:
            return
        pixels = np.asarray(self.image.crop((x0, y0 - rows, x1, y0)))[::-1]
        down = np.arange(rows) / self.px
        phase = 2 * math.pi * waves * np.sqrt(down + 0.002) * 2
        shift = (np.sin(phase) * ripple * (0.3 + 3 * down) * self.px).round().astype(int)
        columns = (np.arange(x1 - x0)[None, :] + shift[:, None]).clip(0, x1 - x0 - 1)
        mirrored = Image.fromarray(pixels[np.arange(rows)[:, None], columns])
        alpha = 255 * strength * (1 - down / max(depth, 1e-6)).clip(0, 1)[:, None] ** 0.8
        sides = np.ones((1, x1 - x0))
        if right - left < 1:
            sides = np.minimum(1, 6 * (0.5 - np.abs(np.linspace(-0.5, 0.5, x1 - x0))))[None, :]
        mask = Image.fromarray((alpha * sides).astype(np.uint8))
        self.image.paste(mirrored, (x0, y0), mask)

    def finished(self) -> Image.Image:
        """The picture at its final size."""
        return self.image.resize((self.size, self.size), Image.Resampling.LANCZOS, reducing_gap=None)
