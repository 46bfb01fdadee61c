"""Painter of the stadium."""

import numpy as np

from components.drawings.canvas import Canvas
from components.drawings.colours import Colour, darken, fade, lighten, mix
from components.drawings.crowds import confetti, spectators
from components.drawings.effects import puddles
from components.drawings.geometry import oval
from components.drawings.light import Mood, mood_of, paint_sky
from components.drawings.plan import Plan
from components.drawings.urban_air import sunbeam, weather_before, weather_behind
from components.drawings.urban_layout import paint_subjects, spots, subject_light


def paint_stadium(canvas: Canvas, plan: Plan, rng: np.random.Generator) -> None:
    """A stand full of people, floodlights, and the field or the running track in front."""
    mood = mood_of(plan, rng)
    stand = 0.30 + float(rng.uniform(-0.03, 0.03))
    edge = 0.60 + float(rng.uniform(-0.02, 0.02))
    sun_x, _ = paint_sky(canvas, plan, mood, rng, 0.46)
    _floodlights(canvas, rng, mood, stand, plan.light in ("night",) or plan.weather in ("rain", "fog"))
    _stand(canvas, rng, mood, plan, stand, edge)
    light = subject_light(mood, 0.94)
    track = plan.subject in ("runner",) or bool(rng.random() < 0.15)
    _field(canvas, rng, mood, edge, track)
    sunbeam(canvas, plan, mood, edge, sun_x < 0.5)
    if plan.light == "night":
        canvas.glow(0.5, 0.85, 0.7, (236, 246, 226), 0.4, squash=0.4)
    if plan.weather == "rain":
        puddles(canvas, rng, edge + 0.05, mood.sky[-1][1])
    if plan.sentiment == "positive":
        confetti(canvas, rng, 0.9)
    places = spots(plan, rng, 0.93)
    weather_behind(canvas, plan, mood, rng, 0.4)
    paint_subjects(canvas, plan, rng, places, light, mood.dark)
    weather_before(canvas, plan, rng)


def _floodlights(canvas: Canvas, rng: np.random.Generator, mood: Mood, stand: float, on: bool) -> None:
    inset = float(rng.uniform(0.1, 0.2))
    for x in (inset, 1 - inset):
        top, tilt = stand - 0.2, 0.1 if x < 0.5 else -0.1
        steel = mood.far((90, 98, 112), 0.3)
        canvas.line([(x, stand + 0.1), (x, top)], 0.014, steel)
        if on:
            canvas.glow(x, top, 0.3, (244, 250, 255), 0.85)
            beam = [(x - 0.05, top), (x + 0.05, top), (0.5 + tilt * 2 + 0.3, 0.9), (0.5 + tilt * 2 - 0.3, 0.9)]
            canvas.soft([beam], 0.02, (236, 244, 255, 34))
        canvas.rect(x - 0.075, top - 0.045, x + 0.075, top + 0.03, darken(steel, 0.4), 0.008)
        for i in range(10):
            cx, cy = x - 0.056 + 0.028 * (i % 5), top - 0.025 + 0.034 * (i // 5)
            canvas.ellipse(cx, cy, 0.011, 0.011, (255, 255, 240) if on else mix((226, 230, 232), steel, 0.25))


def _stand(canvas: Canvas, rng: np.random.Generator, mood: Mood, plan: Plan, top: float, bottom: float) -> None:
    """A roof on a curve, the crowd under it, flags above and the hoardings below."""
    seats: Colour = ((62, 92, 150), (150, 62, 72), (66, 122, 112))[int(rng.integers(3))]
    seats = mood.lit(seats)
    across = np.linspace(-0.05, 1.05, 23)
    bow = 0.05 * (1 - (2 * across - 1) ** 2)
    roof = np.column_stack([across, top + bow])
    shell = mood.far((226, 228, 232), 0.15)
    bowl = np.vstack([roof, [(1.05, bottom), (-0.05, bottom)]])
    canvas.gradient_polygon(bowl, [(0, darken(seats, 0.45)), (1, seats)])
    if plan.light == "night":
        canvas.glow(0.5, bottom, 0.8, (200, 214, 240), 0.25, squash=0.35)
    spectators(canvas, rng, mood, top + 0.085, bottom - 0.05, plan.sentiment)
    down = np.array([0.0, 1.0])
    canvas.polygon(np.vstack([roof - 0.035 * down, (roof + 0.028 * down)[::-1]]), shell)
    canvas.polygon(np.vstack([roof + 0.018 * down, (roof + 0.034 * down)[::-1]]), darken(shell, 0.3))
    flags = {"positive": 9, "neutral": 5, "negative": 2}[plan.sentiment]
    for x in np.linspace(0.06, 0.94, flags):
        y = float(np.interp(x, roof[:, 0], roof[:, 1])) - 0.03
        hue: Colour = ((226, 70, 66), (250, 204, 80), (70, 130, 200), (244, 242, 236))[int(rng.integers(4))]
        canvas.line([(x, y), (x, y - 0.07)], 0.004, darken(shell, 0.5))
        canvas.polygon([(x, y - 0.07), (x + 0.045, y - 0.062), (x, y - 0.04)], mood.lit(hue))
    for i in range(8):
        board: Colour = ((240, 238, 230), (236, 180, 70), (80, 150, 190), (214, 90, 84))[int(rng.integers(4))]
        canvas.rect(i / 8, bottom - 0.035, (i + 1) / 8, bottom + 0.012, mood.lit(board))
        canvas.rect(i / 8 + 0.02, bottom - 0.02, (i + 1) / 8 - 0.025, bottom - 0.006, mood.lit(darken(board, 0.35)))


def _field(canvas: Canvas, rng: np.random.Generator, mood: Mood, edge: float, track: bool) -> None:
    """A mown pitch in stripes with a goal, or the lanes of a running track."""
    base = mood.lit((192, 92, 66) if track else (86, 160, 78))
    if max(mood.light) < 0.85:
        base = lighten(base, 0.12)
    canvas.gradient([(0, darken(base, 0.15)), (1, lighten(base, 0.08))], edge, 1.0)
    chalk = mix(mood.lit((250, 248, 240)), base, 0.1)
    if track:
        canvas.rect(0, edge, 1, edge + 0.05, mood.lit((86, 156, 84)))
        for i in range(1, 6):
            y = edge + 0.05 + (0.95 - edge) * (i / 5.5) ** 1.5
            canvas.line([(0, y), (1, y - 0.01)], 0.003 + 0.0012 * i, chalk, caps=False)
        return
    centre = float(rng.uniform(0.3, 0.7))
    for i in range(-6, 7, 2):
        a, b = i * 0.1, (i + 1) * 0.1
        canvas.polygon(
            [(centre + a, edge), (centre + b, edge), (centre + b * 3.2, 1.0), (centre + a * 3.2, 1.0)],
            fade(lighten(base, 0.3), 0.4),
        )
    canvas.line([(0, edge + 0.03), (1, edge + 0.03)], 0.004, chalk, caps=False)
    _goal(canvas, centre, edge, chalk)


def _goal(canvas: Canvas, x: float, edge: float, chalk: Colour) -> None:
    """The goal with its net, and the box before it."""
    thread, top, line = fade(chalk, 0.6), edge - 0.09, edge + 0.03
    for k in range(-5, 6):
        canvas.line([(x + k * 0.022, top), (x + k * 0.022, edge + 0.025)], 0.0016, thread, caps=False)
    for k in range(5):
        y = edge - 0.085 + 0.025 * k
        canvas.line([(x - 0.11, y), (x + 0.11, y)], 0.0016, thread, caps=False)
    canvas.line([(x - 0.115, line), (x - 0.115, top), (x + 0.115, top), (x + 0.115, line)], 0.008, chalk)
    near = edge + 0.14
    canvas.line([(x - 0.22, line), (x - 0.36, near), (x + 0.36, near), (x + 0.22, line)], 0.006, chalk)
    canvas.line(oval(x, near, 0.12, 0.035, 0, 0, 180), 0.006, chalk)
