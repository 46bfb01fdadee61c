"""Painter of the concert."""

import numpy as np

from components.drawings.canvas import Canvas
from components.drawings.colours import Colour, darken, fade, lighten, mix
from components.drawings.crowds import audience, confetti
from components.drawings.light import mood_of, paint_sky
from components.drawings.people import person
from components.drawings.plan import Plan
from components.drawings.sprite import Sprite
from components.drawings.streets import NEONS
from components.drawings.urban_layout import paint_subjects, spots


def paint_concert(canvas: Canvas, plan: Plan, rng: np.random.Generator) -> None:
    """An open-air stage before the sky, or by night a hall: beams, loudspeakers, an audience."""
    mood = mood_of(plan, rng)
    hall = mood.dark and bool(rng.random() < 0.5)
    back, front = 0.6, 0.8
    glare = 1.0 if mood.dark else 0.6 if plan.light == "sunset" else 0.34
    if hall:
        canvas.gradient([(0, (16, 10, 36)), (1, (54, 26, 84))], 0, back)
    else:
        paint_sky(canvas, plan, mood, rng, back)
    order = rng.permutation(len(NEONS))
    hues = [NEONS[int(i)] for i in order[:3]]
    _backdrop(canvas, rng, hues, back, glare)
    _truss(canvas, mood.dark, back)
    _beams(canvas, rng, hues, glare)
    _stage(canvas, mix((62, 50, 84), mood.haze, 0.0 if mood.dark else 0.18), hues, back, front, glare)
    for x in (0.09, 0.91):
        _speakers(canvas, x, back + 0.03, hues[0], mood.dark)
    hanging = plan.subject == "disco ball"
    if hanging or plan.sentiment == "positive":
        _musicians(canvas, plan, rng, back + 0.1, hanging)
    if plan.sentiment == "positive":
        confetti(canvas, rng, 0.8, 46)
    places = spots(plan, rng, 0.54 if hanging else 0.83, 0.74 if plan.count > 1 else 0.66)
    for x, y, tall in places:
        canvas.glow(x, y - tall * 0.45, tall * 1.2, (255, 244, 220), 0.5 * glare + 0.1)
    paint_subjects(canvas, plan, rng, places, (1.0, 0.98, 1.0), mood.dark)
    dark = (18, 14, 34) if mood.dark else mix((44, 38, 66), mood.haze, 0.12)
    audience(canvas, rng, 0.88, dark, hues[1] if mood.dark else mood.sun, plan.sentiment)


def _backdrop(canvas: Canvas, rng: np.random.Generator, hues: list[Colour], back: float, glare: float) -> None:
    """The wall of lights behind the band: bars, rings or a sunburst."""
    kind, top = int(rng.integers(3)), 0.36
    canvas.rect(0.17, top, 0.83, back, (26, 18, 52))
    if kind == 0:
        for i, level in enumerate(rng.uniform(0.15, 0.95, 22)):
            x = 0.18 + 0.029 * i
            canvas.rect(x, back - (back - top) * level, x + 0.02, back, mix(hues[0], hues[2], i / 21))
    elif kind == 1:
        for k in range(5, 0, -1):
            canvas.ellipse(0.5, back, 0.062 * k, 0.046 * k, mix(hues[k % 3], (26, 18, 52), 0.25))
    else:
        for k in range(9):
            a0, a1 = np.pi * (k + 0.1) / 9, np.pi * (k + 0.6) / 9
            ray = [(0.5, back)] + [(0.5 + 0.33 * np.cos(a), back - 0.23 * np.sin(a)) for a in (a0, a1)]
            canvas.polygon(ray, hues[k % 2])
        canvas.ellipse(0.5, back, 0.11, 0.09, hues[2])
    canvas.glow(0.5, back - 0.06, 0.5, hues[0], 0.35 * glare, squash=0.6)


def _truss(canvas: Canvas, dark: bool, back: float) -> None:
    """Two towers and a lattice bridge that carries the lamps."""
    steel: Colour = (70, 66, 96) if dark else (120, 124, 140)
    for y in (0.17, 0.22):
        canvas.line([(0.1, y), (0.9, y)], 0.008, steel, caps=False)
    for i in range(20):
        x = 0.1 + 0.04 * i
        canvas.line([(x, 0.17 + 0.05 * (i % 2)), (x + 0.04, 0.22 - 0.05 * (i % 2))], 0.005, steel, caps=False)
    for x in (0.1, 0.9):
        for k in (-1, 1):
            canvas.line([(x + k * 0.022, 0.14), (x + k * 0.022, back + 0.03)], 0.008, steel, caps=False)
        for i in range(11):
            y = 0.15 + 0.043 * i
            canvas.line([(x - 0.022, y), (x + 0.022, y + 0.043)], 0.005, steel, caps=False)


def _beams(canvas: Canvas, rng: np.random.Generator, hues: list[Colour], glare: float) -> None:
    """Spotlights on the bridge, crossing cones in the colours of the show."""
    for i, x in enumerate(np.linspace(0.18, 0.82, 6)):
        lean, wide = float(rng.uniform(-0.3, 0.3)), float(rng.uniform(0.06, 0.11))
        hue = hues[i % 3]
        foot = 0.5 + (x - 0.5) * 0.6 + lean
        cone = [(x - 0.01, 0.24), (x + 0.01, 0.24), (foot + wide, 0.8), (foot - wide, 0.8)]
        canvas.soft([cone], 0.008, fade(lighten(hue, 0.25), 0.42 * glare))
        canvas.polygon([(x - 0.02, 0.215), (x + 0.02, 0.215), (x + 0.015, 0.25), (x - 0.015, 0.25)], (30, 28, 44))
        canvas.glow(x, 0.25, 0.07, lighten(hue, 0.5), 0.6 + 0.4 * glare)
        canvas.ellipse(x, 0.25, 0.013, 0.009, lighten(hue, 0.8))


def _stage(canvas: Canvas, boards: Colour, hues: list[Colour], back: float, front: float, glare: float) -> None:
    """The boards, shining with the show's colours, and the edge towards the audience."""
    canvas.gradient([(0, darken(boards, 0.3)), (1, lighten(boards, 0.12))], back, front + 0.06)
    for i in range(-7, 8):
        canvas.line([(0.5 + i * 0.08, back), (0.5 + i * 0.12, front + 0.06)], 0.003, darken(boards, 0.35), caps=False)
    for x, hue in zip((0.25, 0.5, 0.75), hues, strict=True):
        canvas.glow(x, front - 0.03, 0.26, hue, 0.5 * glare + 0.08, squash=0.35)
    canvas.rect(0, front + 0.05, 1, 1, darken(boards, 0.6))
    canvas.rect(0, front + 0.048, 1, front + 0.058, lighten(hues[1], 0.3))


def _speakers(canvas: Canvas, x: float, base: float, hue: Colour, dark: bool) -> None:
    """A tower of three loudspeakers."""
    box: Colour = (24, 22, 38) if dark else (46, 46, 60)
    for k in range(3):
        y = base + 0.14 - 0.11 * k
        canvas.rect(x - 0.06, y - 0.105, x + 0.06, y, box, 0.006)
        canvas.ellipse(x, y - 0.046, 0.04, 0.04, lighten(box, 0.22))
        canvas.ellipse(x, y - 0.046, 0.026, 0.026, darken(box, 0.4))
        canvas.ellipse(x, y - 0.046, 0.01, 0.01, hue)


def _musicians(canvas: Canvas, plan: Plan, rng: np.random.Generator, ground: float, more: bool) -> None:
    """One or more players at the back of the stage."""
    arms = {"positive": "up", "neutral": "reach", "negative": "sad"}[plan.sentiment]
    for x in (0.24, 0.5, 0.76) if more else (0.24, 0.76):
        s = Sprite(canvas, x, ground, 0.2, (0.95, 0.9, 1.0), flip=x > 0.5)
        s.shadow(0.2, 0.3)
        person(s, rng, "stand", arms)
