"""Painters of the city by day and the city by night."""

import numpy as np

from components.drawings.canvas import Canvas
from components.drawings.colours import Colour, darken, fade, lighten, mix
from components.drawings.effects import fog, puddles
from components.drawings.light import Mood, mood_of, paint_sky
from components.drawings.people import person
from components.drawings.plan import Plan
from components.drawings.sprite import Sprite
from components.drawings.streets import (
    avenue,
    lamp_post,
    neon_sign,
    row_of_fronts,
    skyline,
    street_tree,
)
from components.drawings.urban_air import sunbeam, weather_before, weather_behind
from components.drawings.urban_layout import Spot, paint_subjects, spots, subject_light

_ARMS = {"positive": ("wave", "up"), "neutral": ("down", "swing"), "negative": ("sad", "sad")}


def _passers_by(
    canvas: Canvas, plan: Plan, rng: np.random.Generator, mood: Mood, ground: float, places: list[Spot]
) -> None:
    """One or two people on the pavement, off to the side of the subject; their arms tell the mood."""
    light = subject_light(mood, 0.75)
    for side in range(int(rng.integers(1, 3))):
        x = float(rng.uniform(0.04, 0.16))
        x = x if (side == 0) == (places[0][0] > 0.5) else 1 - x
        arms = _ARMS[plan.sentiment][int(rng.integers(2))]
        s = Sprite(canvas, x, ground, 0.17, light, flip=bool(rng.random() < 0.5))
        s.shadow(0.2, 0.25)
        person(s, rng, "walk" if arms in ("swing", "sad") else "stand", arms)
        if plan.weather == "rain":
            dome: Colour = ((214, 74, 70), (60, 110, 180), (240, 190, 80))[int(rng.integers(3))]
            s.line([(0.14, 0.55), (0.14, 1.2)], 0.03, (50, 44, 52))
            s.oval(0.1, 1.06, 0.42, 0.26, dome, 0, 0, 180)
            s.oval(0.1, 1.06, 0.14, 0.26, lighten(dome, 0.25), 0, 0, 180)


def _road(canvas: Canvas, mood: Mood, rng: np.random.Generator, kerb: float, dim: float, square: bool) -> None:
    """Pavement, kerb and road; a `square` is paved all over instead."""
    stone = mix(mood.lit((196, 188, 180)), (40, 40, 80), dim)
    asphalt = mix(mood.lit((104, 108, 120)), (26, 26, 58), dim)
    if square:
        canvas.gradient([(0, darken(stone, 0.05)), (1, lighten(stone, 0.14))], kerb, 1.0)
        joint = fade(darken(stone, 0.3), 0.6)
        for i in range(1, 7):
            y = kerb + (1 - kerb) * (i / 7) ** 1.6
            canvas.line([(0, y), (1, y)], 0.0025, joint, caps=False)
        for i in range(-8, 9):
            canvas.line([(0.5 + i * 0.07, kerb), (0.5 + i * 0.2, 1.0)], 0.0025, joint, caps=False)
        return
    canvas.gradient([(0, darken(stone, 0.04)), (1, lighten(stone, 0.08))], kerb, kerb + 0.07)
    canvas.rect(0, kerb + 0.065, 1, kerb + 0.082, darken(stone, 0.3))
    canvas.gradient([(0, darken(asphalt, 0.12)), (1, lighten(asphalt, 0.08))], kerb + 0.08, 1.0)
    shift = float(rng.uniform(0, 0.2))
    for i in range(-1, 6):
        x = i * 0.22 + shift
        dash = [(x, 0.955), (x + 0.12, 0.955), (x + 0.125, 0.97), (x, 0.97)]
        canvas.polygon(dash, mix((240, 236, 224), asphalt, 0.25))


def paint_city_by_day(canvas: Canvas, plan: Plan, rng: np.random.Generator) -> None:
    """A street of house fronts, an avenue towards the sun, or a square with the skyline behind."""
    mood = mood_of(plan, rng)
    kind = ("fronts", "avenue", "square")[int(rng.integers(3))]
    kerb = {"fronts": 0.70, "avenue": 0.60, "square": 0.66}[kind] + float(rng.uniform(-0.02, 0.02))
    sun_x, _ = paint_sky(canvas, plan, mood, rng, kerb, 0.5 if kind == "avenue" else None)
    lit = {"morning": 0.12, "day": 0.0, "sunset": 0.42}[plan.light] + (0.2 if plan.weather == "rain" else 0.0)
    skyline(canvas, rng, kerb, 0.42, mood.far((120, 140, 170), 0.72), lit * 0.3)
    if kind == "fronts":
        skyline(canvas, rng, kerb, 0.34, mood.far((110, 124, 156), 0.45), lit * 0.5, 0.6)
        row_of_fronts(canvas, rng, mood, kerb, float(rng.uniform(0.34, 0.44)), lit)
    elif kind == "square":
        skyline(canvas, rng, kerb, 0.36, mood.far((116, 126, 150), 0.5), lit * 0.6, 0.5)
        canvas.glow(sun_x, kerb, 0.5, mood.haze, 0.5, squash=0.35)
        skyline(canvas, rng, kerb, 0.2, mood.far((98, 104, 130), 0.22), lit, 0.5)
    if plan.weather == "fog":
        fog(canvas, rng, mood.haze, 0.75, kerb - 0.18, 0.22)
    _road(canvas, mood, rng, kerb, 0.0, kind == "square")
    if kind == "avenue":
        asphalt = mood.lit((112, 114, 126))
        canvas.polygon([(0.42, kerb), (0.58, kerb), (1.3, 1.0), (-0.3, 1.0)], asphalt)
        for i in range(5):
            y0, y1 = kerb + 0.4 * (i / 5) ** 1.7, kerb + 0.4 * ((i + 0.5) / 5) ** 1.7
            wide = 0.002 + 0.02 * (y0 - kerb)
            canvas.polygon(
                [(0.5 - wide, y0), (0.5 + wide, y0), (0.5 + wide * 1.4, y1), (0.5 - wide * 1.4, y1)],
                mood.lit((236, 230, 214)),
            )
        avenue(canvas, rng, mood, kerb, lit)
    sunbeam(canvas, plan, mood, kerb, sun_x < 0.5)
    _street_furniture(canvas, plan, rng, mood, kerb, kind, lit)
    if plan.weather == "rain":
        canvas.reflect(kerb + 0.08, 0.2, 0.22, 0.004)
        puddles(canvas, rng, kerb + 0.08, mood.sky[-1][1])
    places = spots(plan, rng, 0.93 if kind != "avenue" else 0.92)
    _passers_by(canvas, plan, rng, mood, kerb + 0.07, places)
    weather_behind(canvas, plan, mood, rng, kerb - 0.05)
    paint_subjects(canvas, plan, rng, places, subject_light(mood), False)
    weather_before(canvas, plan, rng)


def _street_furniture(
    canvas: Canvas, plan: Plan, rng: np.random.Generator, mood: Mood, kerb: float, kind: str, lit: float
) -> None:
    """Trees and lamps along the kerb."""
    iron, on = mood.lit((52, 56, 72)), lit > 0.3
    if kind == "avenue":
        for x, tall in ((0.3, 0.15), (0.7, 0.15), (0.15, 0.27), (0.85, 0.27)):
            street_tree(canvas, rng, mood, x, kerb + tall * 0.35, tall)
        return
    for x in (float(rng.uniform(0.02, 0.3)), float(rng.uniform(0.7, 0.98))):
        if rng.random() < 0.7:
            street_tree(canvas, rng, mood, x, kerb + 0.03, float(rng.uniform(0.24, 0.34)))
        else:
            lamp_post(canvas, x, kerb + 0.04, float(rng.uniform(0.28, 0.36)), on, iron)
    if kind == "square":
        x = float(rng.uniform(0.38, 0.62))
        stone = mood.lit((206, 200, 192))
        canvas.ellipse(x, kerb + 0.05, 0.17, 0.026, darken(stone, 0.2))
        canvas.ellipse(x, kerb + 0.043, 0.155, 0.02, mood.lit((120, 180, 206)))
        canvas.rect(x - 0.014, kerb - 0.06, x + 0.014, kerb + 0.045, stone)
        canvas.ellipse(x, kerb - 0.06, 0.06, 0.012, stone)
        for k in (-1, 1):
            jet = [(x, kerb - 0.1), (x + k * 0.05, kerb - 0.09), (x + k * 0.09, kerb + 0.035)]
            canvas.line(jet, 0.006, fade((240, 250, 255), 0.8))


def paint_city_by_night(canvas: Canvas, plan: Plan, rng: np.random.Generator) -> None:
    """Lit windows and neon over a glossy road that mirrors them."""
    mood = mood_of(plan, rng)
    fronts = bool(rng.random() < 0.55)
    kerb = 0.66 + float(rng.uniform(-0.02, 0.02))
    paint_sky(canvas, plan, mood, rng, kerb)
    hues: tuple[Colour, ...] = ((206, 70, 150), (60, 120, 210), (236, 120, 70), (110, 70, 210))
    hue = hues[int(rng.integers(4))]  # the colour of all the signs together, on the haze above
    canvas.glow(float(rng.uniform(0.2, 0.8)), kerb, 1.0, hue, 0.75, squash=0.62, power=1.4)
    skyline(canvas, rng, kerb, 0.52, mix((46, 54, 104), hue, 0.35), 0.25, 0.45)
    canvas.glow(0.5, kerb, 0.8, hue, 0.45, squash=0.4)
    skyline(canvas, rng, kerb, 0.42, mix((34, 38, 84), hue, 0.12), 0.36, 0.35)
    canvas.glow(0.5, kerb, 0.8, hue, 0.35, squash=0.3)
    if plan.weather == "fog":
        fog(canvas, rng, (120, 124, 160), 0.8, kerb - 0.25, 0.25)
    if fronts:
        row_of_fronts(canvas, rng, mood, kerb, float(rng.uniform(0.3, 0.38)), 0.5, 0.45)
    else:
        skyline(canvas, rng, kerb, 0.26, (24, 24, 58), 0.5, 0.5)
    signs: list[tuple[float, Colour]] = []
    for x in rng.permutation([0.1, 0.3, 0.52, 0.72, 0.9])[: int(rng.integers(3, 5))]:
        at = float(x + rng.uniform(-0.05, 0.05))
        up, size = float(rng.uniform(0.19, 0.3)), float(rng.uniform(0.075, 0.11))
        signs.append((at, neon_sign(canvas, rng, at, kerb - up, size)))
    for x in (float(rng.uniform(0.02, 0.12)), float(rng.uniform(0.88, 0.98))):
        lamp_post(canvas, x, kerb + 0.03, 0.36, True, (28, 28, 48))
    _road(canvas, mood, rng, kerb, 0.7, False)
    wet = plan.weather == "rain"
    canvas.reflect(kerb + 0.08, 1 - kerb - 0.08, 0.62 if wet else 0.3, 0.012 if wet else 0.006)
    for x, colour in signs:
        canvas.glow(x, kerb + 0.2, 0.17, colour, 0.5 if wet else 0.3, squash=0.9)
        canvas.glow(x, kerb + 0.2, 0.05, lighten(colour, 0.2), 0.9 if wet else 0.6, squash=3.0, power=1.3)
    places = spots(plan, rng, 0.93)
    _passers_by(canvas, plan, rng, mood, kerb + 0.07, places)
    weather_behind(canvas, plan, mood, rng, kerb - 0.1)
    for x, y, tall in places:  # a pool of lamplight, so the subject is not lost in the dark
        canvas.glow(x, y - tall * 0.3, tall * 1.5, (255, 214, 150), 0.3, squash=0.7)
    paint_subjects(canvas, plan, rng, places, (0.94, 0.9, 0.97), True)
    weather_before(canvas, plan, rng)
