"""Light and weather as colours: the sky, the sun or moon, the haze, the tint on everything."""

from dataclasses import dataclass, replace

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
    tint,
)
from components.drawings.effects import clouds, stars
from components.drawings.geometry import noise
from components.drawings.plan import Plan


@dataclass(frozen=True)
class Mood:
    """The colours one light and weather give a picture."""

    sky: Stops  # from the top of the picture to the horizon
    light: tuple[float, float, float]  # factor per channel on whatever is drawn
    haze: Colour  # what distance fades towards
    sun: Colour
    glow: float  # strength of the light around the sun or moon, 0..1
    cloud: Colour
    dark: bool
    clear: bool

    def lit(self, colour: Colour) -> Colour:
        """A surface near by, in this light."""
        return tint(colour, self.light)

    def far(self, colour: Colour, distance: float) -> Colour:
        """A surface at `distance` (0 near .. 1 at the horizon): light, then air in between."""
        return mix(self.lit(colour), self.haze, distance)


_CLEAR = {
    "morning": Mood(
        [(0, (126, 182, 222)), (0.55, (196, 216, 222)), (1, (255, 222, 186))],
        (1.02, 0.98, 0.94),
        (236, 216, 204),
        (255, 244, 206),
        0.75,
        (255, 240, 228),
        False,
        True,
    ),
    "day": Mood(
        [(0, (40, 128, 214)), (0.6, (110, 184, 238)), (1, (206, 232, 244))],
        (1.0, 1.0, 1.0),
        (190, 218, 236),
        (255, 250, 220),
        0.55,
        (255, 255, 255),
        False,
        True,
    ),
    "sunset": Mood(
        [(0, (74, 60, 128)), (0.4, (204, 92, 122)), (0.75, (250, 150, 84)), (1, (255, 212, 116))],
        (1.0, 0.82, 0.74),
        (246, 160, 112),
        (255, 236, 160),
        0.95,
        (255, 172, 130),
        False,
        True,
    ),
    "night": Mood(
        [(0, (10, 14, 44)), (0.6, (26, 38, 88)), (1, (58, 76, 134))],
        (0.50, 0.56, 0.78),
        (58, 72, 122),
        (240, 240, 220),
        0.5,
        (70, 82, 130),
        True,
        True,
    ),
}

_VEILED = {  # weather: the grey a sky is drawn towards by day, and how far
    "cloudy": ((168, 178, 190), 0.76, (0.88, 0.9, 0.93)),
    "rain": ((98, 112, 132), 0.78, (0.72, 0.76, 0.84)),
    "fog": ((204, 208, 210), 0.72, (0.88, 0.89, 0.90)),
    "snowfall": ((176, 188, 206), 0.74, (0.9, 0.93, 0.98)),
}


def mood_of(plan: Plan, rng: np.random.Generator) -> Mood:
    """The plan's light and weather, with a palette slightly its own."""
    base = _CLEAR[plan.light]
    sky = [(p, jitter(rng, c, 9 if not base.dark else 5)) for p, c in base.sky]
    if plan.weather == "clear" or plan.weather not in _VEILED:
        return replace(base, sky=sky, haze=jitter(rng, base.haze, 6))
    veil, share, dim = _VEILED[plan.weather]
    grey: Colour = veil
    if base.dark:
        grey = tint(grey, (0.30, 0.34, 0.46))
        dim = tuple(0.5 + d * 0.5 for d in dim)  # type: ignore[assignment]
    elif plan.light == "sunset":
        grey, share = mix(grey, (232, 150, 140), 0.45), share * 0.72
    elif plan.light == "morning":
        grey = mix(grey, (226, 206, 190), 0.25)
    lower = lighten(grey, 0.18) if not base.dark else grey
    sky = [(p, mix(c, mix(grey, lower, p), share)) for p, c in sky]
    light = tuple(a * b for a, b in zip(base.light, dim, strict=True))
    return replace(
        base,
        sky=sky,
        light=(light[0], light[1], light[2]),
        haze=mix(base.haze, lower, 0.85),
        glow=base.glow * 0.3,
        cloud=mix(darken(grey, 0.12), base.cloud, 0.3),
        clear=False,
    )


def paint_sky(
    canvas: Canvas,
    plan: Plan,
    mood: Mood,
    rng: np.random.Generator,
    horizon: float,
    sun_x: float | None = None,
) -> tuple[float, float]:
    """The sky down to `horizon` with its sun, moon, stars and clouds; returns where the sun is."""
    canvas.gradient(mood.sky, 0.0, horizon + 0.01)
    low = {"sunset": 0.16, "morning": 0.34}.get(plan.light, 0.66)
    x = float(rng.uniform(0.15, 0.85)) if sun_x is None else sun_x
    y = horizon - low * min(horizon, 0.62) * float(rng.uniform(0.85, 1.15))
    size = float(rng.uniform(0.045, 0.06)) * (1.35 if plan.light == "sunset" else 1.0)
    if mood.dark and mood.clear:
        stars(canvas, rng, horizon)
    if plan.light == "sunset":
        canvas.glow(x, horizon, 0.95, mood.sun, 0.55 * mood.glow, squash=0.42)
    canvas.glow(x, y, 0.55 if not mood.dark else 0.3, mood.sun, 0.8 * mood.glow, power=2.4)
    if mood.clear or plan.weather == "cloudy":
        disc = mood.sun if mood.clear else fade(mood.sun, 0.4)
        canvas.ellipse(x, y, size, size, disc)
        if mood.dark and mood.clear:  # the moon: a few soft seas, so it is not a lamp
            for dx, dy, r in ((-0.3, -0.1, 0.26), (0.25, 0.3, 0.18), (0.2, -0.4, 0.14)):
                canvas.ellipse(x + dx * size, y + dy * size, r * size, r * size, (214, 214, 204))
    high = noise(rng, 2, 7, 4)
    canvas.veil(np.clip(high - 0.5, 0, 1) * (0.7 if mood.clear else 1.1), lighten(mood.cloud, 0.15), (0, 0, 1, horizon))
    if plan.weather in ("cloudy", "rain", "snowfall"):
        clouds(canvas, rng, horizon, mood.cloud, int(rng.integers(5, 8)), heavy=True)
    elif plan.weather == "clear" and not mood.dark:
        clouds(canvas, rng, horizon, mood.cloud, int(rng.integers(1, 4)), heavy=False)
    return x, y
