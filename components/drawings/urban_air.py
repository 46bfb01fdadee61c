"""Weather and low sun in the built scenes, arranged around the subject."""

import numpy as np

from components.drawings.canvas import Canvas
from components.drawings.colours import fade
from components.drawings.effects import fog, rain
from components.drawings.light import Mood
from components.drawings.plan import Plan


def weather_behind(canvas: Canvas, plan: Plan, mood: Mood, rng: np.random.Generator, level: float) -> None:
    """What falls or drifts between the subject and the rest, so that the subject stays clear."""
    if plan.weather == "rain":
        rain(canvas, rng, (126, 142, 184) if mood.dark else (204, 216, 232), 110)
    elif plan.weather == "fog":
        fog(canvas, rng, mood.haze, 0.4, level, 0.3)


def weather_before(canvas: Canvas, plan: Plan, rng: np.random.Generator) -> None:
    """The few nearest streaks of rain, in front of everything."""
    if plan.weather != "rain":
        return
    slant = float(rng.uniform(-0.2, 0.2))
    for x, y in rng.random((26, 2)):
        canvas.line([(x, y), (x + slant * 0.12, y + 0.12)], 0.0034, (226, 234, 246, 150), caps=False)


def sunbeam(canvas: Canvas, plan: Plan, mood: Mood, kerb: float, from_left: bool) -> None:
    """The long bands of low sun across the ground, in the morning and at sunset."""
    if plan.light not in ("morning", "sunset") or not mood.clear:
        return
    sign = 1.0 if from_left else -1.0
    start = 0.0 if from_left else 1.0
    for a, b in ((0.05, 0.3), (0.42, 0.56)):
        band = [
            (start + sign * a, kerb),
            (start + sign * b, kerb),
            (start + sign * (b + 0.5), 1.0),
            (start + sign * (a + 0.3), 1.0),
        ]
        canvas.polygon(band, fade(mood.sun, 0.22))
