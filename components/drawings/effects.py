"""What lies in the air or over the whole picture: clouds, stars, rain, snow, fog, grain."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from components.drawings.canvas import Canvas
from components.drawings.colours import Colour, darken, fade, lighten
from components.drawings.geometry import noise, oval

RGBFactors = tuple[float, float, float]
_GRAIN_GRID = 512


def clouds(
    canvas: Canvas,
    rng: np.random.Generator,
    horizon: float,
    colour: Colour,
    count: int,
    heavy: bool,
) -> None:
    """Heaped clouds with a shaded base; `heavy` ones are wide and hang from the top."""
    for _ in range(count):
        x, scale = float(rng.uniform(0, 1)), float(rng.uniform(0.09, 0.15))
        y = horizon * float(rng.uniform(0.12, 0.55))
        if heavy:
            scale, y = scale * 2.0, horizon * float(rng.uniform(-0.02, 0.4))
        lumps = [
            oval(x + dx * scale, y - h * scale * 0.3, r * scale, r * scale * 0.62)
            for dx, h, r in zip(
                np.linspace(-1, 1, 5),
                rng.uniform(0.1, 1.0, 5),
                rng.uniform(0.32, 0.6, 5),
                strict=True,
            )
        ]
        base = oval(x, y, scale * 1.35, scale * 0.26)
        alpha = 0.75 if heavy else 0.85
        below = [lump + np.array([0.0, scale * 0.12]) for lump in [*lumps, base]]
        canvas.soft(below, 0.012, fade(darken(colour, 0.16 if heavy else 0.08), alpha * 0.8))
        canvas.soft([*lumps, base], 0.010, fade(lighten(colour, 0.08), alpha))


def stars(canvas: Canvas, rng: np.random.Generator, bottom: float, count: int = 70) -> None:
    """Stars, thinner towards the horizon."""
    for x, y, size in zip(rng.random(count), rng.random(count) ** 1.5, rng.uniform(0.0012, 0.0032, count), strict=True):
        canvas.ellipse(x, y * bottom, size, size, (255, 252, 236, 225))
        if size > 0.0028:
            canvas.glow(x, y * bottom, 0.02, (255, 250, 230), 0.5)


def rain(canvas: Canvas, rng: np.random.Generator, colour: Colour = (222, 232, 244), count: int = 130) -> None:
    """Slanting streaks, the near ones long and bright, over a light veil of spray."""
    canvas.veil(np.array([[0.06], [0.14], [0.2]]), colour)
    slant = float(rng.uniform(-0.3, 0.3))
    near = rng.random(count)
    for x, y, n in zip(rng.uniform(-0.15, 1.15, count), rng.uniform(-0.1, 1, count), near, strict=True):
        length = 0.05 + 0.08 * n
        tip = (x + slant * length, y + length)
        canvas.line([(x, y), tip], 0.0022 + 0.0024 * n, fade(colour, 0.35 + 0.35 * n), caps=False)


def snowfall(canvas: Canvas, rng: np.random.Generator, count: int = 150) -> None:
    """Flakes of three depths; the nearest few are large and out of focus."""
    for x, y, n in zip(rng.random(count), rng.random(count), rng.random(count) ** 2, strict=True):
        r = 0.003 + 0.0075 * n
        canvas.ellipse(x, y, r, r, (252, 253, 255, int(235 - 70 * n)))
    for x, y in rng.random((8, 2)):
        canvas.glow(x, y, 0.03, (255, 255, 255), 0.7, power=1.2)


def fog(
    canvas: Canvas,
    rng: np.random.Generator,
    colour: Colour,
    strength: float = 0.7,
    level: float = 0.55,
    spread: float = 0.35,
) -> None:
    """A bank of mist thickest at height `level`, in drifting streaks."""
    rows = np.linspace(0, 1, 128)[:, None]
    bank = np.exp(-(((rows - level) / spread) ** 2))
    canvas.veil(strength * bank * (0.55 + 0.45 * noise(rng, 2, 6, 4)), colour)


def puddles(canvas: Canvas, rng: np.random.Generator, top: float, colour: Colour) -> None:
    """Pools of rain on the ground below `top`, lying flatter the further off they are."""
    for _ in range(6):
        y = float(rng.uniform(top + 0.04, 0.98))
        wide = float(rng.uniform(0.06, 0.16)) * (0.5 + (y - top))
        x = float(rng.uniform(0, 1))
        canvas.ellipse(x, y, wide, wide * 0.16, fade(colour, 0.55))
        canvas.ellipse(x - wide * 0.2, y - wide * 0.03, wide * 0.5, wide * 0.05, fade(lighten(colour, 0.4), 0.5))


def graded(
    image: Image.Image,
    rng: np.random.Generator,
    saturation: float = 1.0,
    vignette: float = 0.18,
    grain: float = 0.015,
    factors: RGBFactors = (1.0, 1.0, 1.0),
) -> Image.Image:
    """The last touch: saturation, darker corners and paper grain.

    The grain has a fixed grid, so on a small picture it averages out as it would by shrinking.
    """
    size = image.size[0]
    pixels: NDArray[np.float32] = np.asarray(image, dtype=np.float32)
    if saturation != 1.0:
        grey = pixels @ np.array([0.3, 0.59, 0.11], dtype=np.float32)
        pixels = grey[..., None] + (pixels - grey[..., None]) * np.float32(saturation)
    at = np.linspace(-1, 1, size).astype(np.float32) ** 2
    corners = (at[:, None] + at[None, :]) / 2
    noisy = rng.standard_normal((_GRAIN_GRID, _GRAIN_GRID), dtype=np.float32)
    speckle = Image.fromarray(noisy).resize(
        (size, size), Image.Resampling.BILINEAR if size >= _GRAIN_GRID else Image.Resampling.BOX
    )
    shade = 1 - np.float32(vignette) * corners**1.5 + np.float32(grain) * np.asarray(speckle)
    factor = (shade[..., None] * np.array(factors)).astype(np.float32)
    pixels = pixels * factor
    return Image.fromarray(np.clip(pixels + 0.5, 0, 255).astype(np.uint8))
