"""People in numbers: a stand full of spectators, and an audience seen from behind."""

import numpy as np

from components.drawings.canvas import Canvas
from components.drawings.colours import Colour, mix
from components.drawings.geometry import oval
from components.drawings.light import Mood

_SHIRTS: tuple[Colour, ...] = (
    (222, 86, 76),
    (66, 116, 190),
    (246, 206, 98),
    (240, 238, 230),
    (92, 160, 120),
    (238, 150, 84),
    (150, 112, 176),
)
_FACES: tuple[Colour, ...] = ((246, 208, 178), (212, 160, 122), (146, 98, 70))


def spectators(canvas: Canvas, rng: np.random.Generator, mood: Mood, top: float, bottom: float, sentiment: str) -> None:
    """Rows of heads and shirts; a happy crowd is full and waves, an unhappy one leaves gaps."""
    rows, share = 6, {"positive": 1.0, "neutral": 0.85, "negative": 0.5}[sentiment]
    lit = max(mood.light)
    dim = 0.0 if lit > 0.85 else 0.3
    for row in range(rows):
        near = row / (rows - 1)
        y = top + (bottom - top) * (row + 0.6) / rows
        size = 0.0115 + 0.004 * near
        for x in np.arange(-0.02, 1.03, size * 2.5) + (row % 2) * size * 1.2:
            there, pick, jump = rng.random(3)
            if there > share:
                continue
            shirt = mix(_SHIRTS[int(pick * len(_SHIRTS))], (30, 34, 80), dim)
            face = mix(_FACES[int(pick * 77) % 3], (30, 34, 80), dim)
            y1 = y - (0.012 * jump if sentiment == "positive" else 0.0)
            canvas.ellipse(x, y1 + size * 1.3, size, size * 1.2, shirt)
            canvas.ellipse(x, y1 - size * 0.2, size * 0.62, size * 0.7, face)
            if sentiment == "positive" and jump > 0.75:
                for k in (-1, 1):
                    arm = [(x + k * size * 0.6, y1 + size * 0.8), (x + k * size, y1 - size * 1.3)]
                    canvas.line(arm, size * 0.45, face)


def audience(canvas: Canvas, rng: np.random.Generator, top: float, colour: Colour, rim: Colour, sentiment: str) -> None:
    """Dark heads and arms along the bottom, edged by the light they look at."""
    arms = {"positive": 0.6, "neutral": 0.22, "negative": 0.04}[sentiment]
    for row in range(2):
        size = 0.034 + 0.012 * row
        base = top + 0.055 * row
        tone = colour if row else mix(colour, rim, 0.18)
        xs = np.arange(-0.02, 1.06, size * 2.5) + rng.uniform(-0.012, 0.012)
        for x in xs:
            dx, dy, lift, lean = rng.uniform(-1, 1, 4)
            px, py = x + dx * 0.01, base + 0.014 * dy
            if abs(lift) < arms:
                for k in (-1, 1):
                    hand = (px + k * size * (1.0 + 0.3 * lean), py - size * (2.0 + abs(lean)))
                    canvas.line([(px + k * size * 0.9, py + size * 1.2), hand], size * 0.42, tone)
            canvas.ellipse(px, py - 0.004, size * 0.64, size * 0.76, mix(tone, rim, 0.6))
            canvas.ellipse(px, py, size * 0.64, size * 0.76, tone)
            canvas.polygon(oval(px, py + size * 2.4, size * 1.25, size * 1.75), tone)
        canvas.rect(0, base + size * 2.2, 1, 1.01, tone)


def confetti(canvas: Canvas, rng: np.random.Generator, bottom: float, count: int = 60) -> None:
    """Paper in the air, for a day that went well."""
    for x, y, turn, pick in rng.random((count, 4)):
        r, a = 0.0085, turn * 6.3
        dx, dy = r * np.cos(a), r * np.sin(a)
        y *= bottom
        corners = [(x - dx, y - dy), (x + dy * 0.5, y - dx * 0.5), (x + dx, y + dy), (x - dy * 0.5, y + dx * 0.5)]
        canvas.polygon(corners, _SHIRTS[int(pick * len(_SHIRTS))])
