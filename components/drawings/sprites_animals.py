"""Animals.  Each is drawn 1 tall from its feet up, looking right, in a given main colour."""

from dataclasses import dataclass

from components.drawings.colours import INK, WHITE, Colour, darken, lighten, mix
from components.drawings.geometry import spline
from components.drawings.sprite import Sprite


@dataclass(frozen=True)
class _Build:
    """Proportions of a four-legged animal, in units of its whole height."""

    back: float  # height of the back
    belly: float  # height of the belly
    length: float  # half the body's length
    neck: tuple[float, float]  # where the head sits
    head: tuple[float, float]  # half length and half height of the head
    leg: float  # leg width
    neck_width: float


def _beast(s: Sprite, build: _Build, coat: Colour, points: Colour | None = None) -> None:
    """Far legs, body, neck, head, near legs; `points` colours the feet."""
    b, far, feet = build, darken(coat, 0.28), points or darken(coat, 0.5)
    s.shadow(b.length * 1.5)
    for x in (-b.length * 0.62, b.length * 0.62):
        s.line([(x, b.belly + 0.05), (x + 0.02, 0.03)], b.leg * 0.9, far)
    s.line([(b.length * 0.72, b.back - 0.1), b.neck], b.neck_width, coat)
    s.blob(
        [
            (-b.length, b.back - 0.04),
            (-b.length * 0.3, b.back),
            (b.length * 0.5, b.back),
            (b.length, b.back - 0.06),
            (b.length * 0.96, b.belly + 0.04),
            (0.0, b.belly - 0.01),
            (-b.length * 0.96, b.belly + 0.03),
        ],
        coat,
    )
    s.oval(0.0, b.belly + 0.035, b.length * 0.7, 0.045, darken(coat, 0.12))
    for x in (-b.length * 0.82, b.length * 0.8):
        s.line([(x, b.belly + 0.1), (x, 0.03)], b.leg, coat)
        s.line([(x, 0.05), (x + 0.015, 0.025)], b.leg, feet)
    hx, hy = b.neck
    s.oval(hx + b.head[0] * 0.4, hy, b.head[0], b.head[1], coat, -18)


def _eye(s: Sprite, x: float, y: float, size: float = 0.022) -> None:
    s.oval(x, y, size, size, INK)
    s.oval(x + size * 0.3, y + size * 0.35, size * 0.35, size * 0.35, WHITE)


def dog(s: Sprite, colour: Colour) -> None:
    s.curve([(-0.38, 0.56), (-0.54, 0.72), (-0.52, 0.9)], 0.075, colour)
    _beast(s, _Build(0.64, 0.32, 0.4, (0.46, 0.78), (0.19, 0.145), 0.115, 0.24), colour)
    s.oval(0.68, 0.74, 0.12, 0.085, lighten(colour, 0.14), -8)
    s.oval(0.785, 0.775, 0.04, 0.033, INK)
    s.blob([(0.38, 0.92), (0.47, 0.88), (0.46, 0.68), (0.36, 0.62), (0.31, 0.74)], darken(colour, 0.42))
    _eye(s, 0.57, 0.845, 0.027)
    s.line([(0.33, 0.64), (0.5, 0.6)], 0.05, (214, 60, 56))


def fox(s: Sprite, colour: Colour) -> None:
    s.blob([(-0.36, 0.48), (-0.6, 0.34), (-0.88, 0.46), (-1.0, 0.7), (-0.78, 0.72), (-0.52, 0.6)], colour)
    s.blob([(-0.88, 0.48), (-1.0, 0.72), (-0.8, 0.7)], WHITE)
    _beast(s, _Build(0.56, 0.3, 0.4, (0.42, 0.7), (0.2, 0.15), 0.085, 0.22), colour, (62, 40, 40))
    s.poly([(0.28, 0.76), (0.3, 1.02), (0.44, 0.86)], colour)
    s.poly([(0.46, 0.86), (0.54, 1.02), (0.6, 0.82)], darken(colour, 0.15))
    s.poly([(0.32, 0.82), (0.33, 0.95), (0.4, 0.86)], (62, 40, 40))
    s.blob([(0.4, 0.62), (0.58, 0.72), (0.82, 0.64), (0.6, 0.56)], WHITE)
    s.blob([(0.52, 0.78), (0.6, 0.8), (0.82, 0.67), (0.64, 0.66)], colour)
    s.oval(0.82, 0.66, 0.035, 0.03, INK)
    _eye(s, 0.56, 0.76, 0.025)
    s.oval(0.36, 0.46, 0.1, 0.12, WHITE)


def deer(s: Sprite, colour: Colour) -> None:
    _beast(s, _Build(0.56, 0.36, 0.3, (0.36, 0.78), (0.12, 0.075), 0.055, 0.12), colour, (70, 46, 40))
    s.oval(-0.3, 0.52, 0.05, 0.06, WHITE)
    for x, y in ((-0.16, 0.52), (-0.04, 0.5), (-0.1, 0.46), (0.06, 0.52), (0.14, 0.48)):
        s.oval(x, y, 0.017, 0.017, lighten(colour, 0.55))
    horn = (112, 82, 60)
    for lean in (-1, 1):
        x = 0.36 + 0.03 * lean
        s.curve([(x, 0.84), (x + 0.1 * lean, 0.92), (x + 0.08 * lean, 1.04)], 0.028, horn)
        s.line([(x + 0.07 * lean, 0.9), (x + 0.17 * lean, 0.98)], 0.024, horn)
    s.oval(0.27, 0.82, 0.07, 0.03, darken(colour, 0.12), -25)
    s.oval(0.515, 0.755, 0.025, 0.025, INK)
    _eye(s, 0.41, 0.805, 0.018)


def goat(s: Sprite, colour: Colour) -> None:
    horn = (120, 100, 82)
    _beast(s, _Build(0.66, 0.34, 0.4, (0.44, 0.78), (0.16, 0.1), 0.085, 0.2), colour, (80, 70, 66))
    s.poly([(0.48, 0.72), (0.6, 0.68), (0.55, 0.54)], lighten(colour, 0.25))
    s.curve([(0.44, 0.86), (0.38, 1.0), (0.2, 1.0)], 0.05, horn)
    s.curve([(0.38, 0.86), (0.3, 0.97), (0.14, 0.94)], 0.045, darken(horn, 0.2))
    s.oval(0.33, 0.8, 0.09, 0.035, darken(colour, 0.2), 20)
    s.line([(-0.38, 0.6), (-0.48, 0.7)], 0.06, colour)
    s.oval(0.645, 0.735, 0.03, 0.025, (90, 70, 70))
    _eye(s, 0.52, 0.81, 0.022)


def cow(s: Sprite, colour: Colour) -> None:
    patch = (248, 244, 236) if max(colour[:3]) < 200 else (52, 46, 50)
    s.curve([(-0.52, 0.78), (-0.62, 0.6), (-0.6, 0.36)], 0.03, darken(colour, 0.3))
    _beast(s, _Build(0.84, 0.38, 0.52, (0.58, 0.82), (0.19, 0.13), 0.12, 0.26), colour)
    s.blob([(-0.36, 0.8), (-0.1, 0.8), (-0.04, 0.62), (-0.2, 0.52), (-0.38, 0.62)], patch)
    s.blob([(0.12, 0.66), (0.3, 0.72), (0.34, 0.56), (0.2, 0.48)], patch)
    s.oval(-0.22, 0.36, 0.1, 0.06, (240, 172, 164))
    s.oval(0.79, 0.77, 0.09, 0.095, (240, 190, 178), -18)
    s.oval(0.82, 0.79, 0.014, 0.02, (150, 96, 96))
    for x, lean in ((0.5, -0.08), (0.64, 0.06)):
        s.line([(x, 0.92), (x + lean, 1.02)], 0.045, (232, 222, 200))
    s.oval(0.46, 0.87, 0.09, 0.04, darken(colour, 0.25), 15)
    _eye(s, 0.66, 0.87, 0.024)


def horse(s: Sprite, colour: Colour) -> None:
    mane = darken(colour, 0.6) if max(colour[:3]) > 90 else (104, 88, 78)
    if min(colour[:3]) > 220:
        mane = (176, 168, 164)
    s.curve([(-0.38, 0.64), (-0.52, 0.58), (-0.56, 0.26)], 0.1, mane)
    _beast(s, _Build(0.68, 0.42, 0.38, (0.48, 0.9), (0.16, 0.08), 0.085, 0.2), colour, (54, 46, 48))
    s.blob([(0.44, 1.0), (0.3, 0.9), (0.2, 0.68), (0.3, 0.66), (0.4, 0.82)], mane)
    s.oval(0.6, 0.84, 0.1, 0.07, colour, 28)
    s.poly([(0.4, 0.95), (0.43, 1.06), (0.5, 0.96)], colour)
    _eye(s, 0.52, 0.92, 0.018)
    s.oval(0.66, 0.82, 0.012, 0.012, INK)


def camel(s: Sprite, colour: Colour) -> None:
    coat = mix(colour, (206, 152, 92), 0.65)
    s.curve([(-0.4, 0.62), (-0.48, 0.5), (-0.46, 0.4)], 0.03, darken(coat, 0.3))
    s.blob([(-0.34, 0.6), (-0.24, 0.86), (-0.12, 0.88), (-0.02, 0.64)], coat)
    s.blob([(-0.02, 0.62), (0.1, 0.86), (0.2, 0.86), (0.32, 0.6)], coat)
    _beast(s, _Build(0.68, 0.42, 0.4, (0.6, 0.9), (0.13, 0.07), 0.075, 0.1), coat)
    s.line(spline([(0.34, 0.56), (0.5, 0.54), (0.56, 0.74), (0.59, 0.9)]), 0.12, coat)
    s.blob([(-0.08, 0.7), (0.06, 0.72), (0.12, 0.5), (-0.12, 0.48)], (196, 64, 60))
    s.line([(-0.11, 0.52), (0.11, 0.54)], 0.03, (248, 200, 90))
    s.oval(0.53, 0.96, 0.03, 0.05, darken(coat, 0.25))
    _eye(s, 0.65, 0.92, 0.018)


def seagull(s: Sprite, colour: Colour) -> None:
    """A gull standing, its wing folded."""
    s.shadow(0.4)
    for x in (-0.02, 0.1):
        s.line([(x, 0.3), (x + 0.01, 0.03), (x + 0.09, 0.02)], 0.04, (240, 150, 60))
    s.blob([(-0.66, 0.36), (-0.2, 0.62), (0.2, 0.72), (0.36, 0.5), (0.2, 0.3), (-0.2, 0.26)], colour)
    s.blob([(-0.82, 0.38), (-0.3, 0.62), (0.08, 0.6), (0.1, 0.44), (-0.3, 0.36)], (142, 154, 170))
    s.blob([(-0.88, 0.38), (-0.5, 0.52), (-0.5, 0.4)], (54, 58, 72))
    s.line([(0.22, 0.6), (0.28, 0.82)], 0.22, colour)
    s.oval(0.3, 0.86, 0.15, 0.135, colour)
    s.poly([(0.42, 0.89), (0.64, 0.82), (0.43, 0.79)], (248, 176, 52))
    _eye(s, 0.36, 0.9, 0.026)


def duck(s: Sprite, colour: Colour) -> None:
    """A duck afloat: its origin is the waterline."""
    head = (38, 118, 84) if colour[0] < 180 else colour
    s.blob([(-0.72, 0.46), (-0.5, 0.2), (0.0, -0.02), (0.46, 0.1), (0.52, 0.36), (0.1, 0.44), (-0.4, 0.36)], colour)
    s.blob([(-0.5, 0.38), (0.0, 0.42), (0.2, 0.28), (0.0, 0.14), (-0.3, 0.2)], darken(colour, 0.18))
    s.line([(0.38, 0.36), (0.4, 0.7)], 0.22, head)
    s.line([(0.3, 0.44), (0.5, 0.44)], 0.05, WHITE)
    s.oval(0.42, 0.8, 0.19, 0.17, head)
    s.blob([(0.56, 0.84), (0.84, 0.76), (0.82, 0.7), (0.56, 0.7)], (246, 160, 44))
    _eye(s, 0.48, 0.85, 0.034)


def swan(s: Sprite, colour: Colour) -> None:
    """A swan afloat."""
    s.blob([(-0.66, 0.44), (-0.46, 0.12), (0.0, -0.02), (0.4, 0.08), (0.44, 0.3), (0.1, 0.38), (-0.3, 0.42)], colour)
    s.blob([(-0.68, 0.5), (-0.2, 0.54), (0.2, 0.34), (0.1, 0.16), (-0.3, 0.18)], darken(colour, 0.1))
    s.blob([(-0.56, 0.56), (-0.1, 0.56), (0.16, 0.34), (-0.2, 0.3)], lighten(colour, 0.3))
    s.curve([(0.34, 0.2), (0.46, 0.4), (0.28, 0.66), (0.3, 0.88), (0.44, 0.92)], 0.115, colour)
    s.oval(0.44, 0.91, 0.1, 0.075, colour, 10)
    s.poly([(0.5, 0.94), (0.68, 0.84), (0.5, 0.86)], (240, 120, 44))
    s.oval(0.505, 0.92, 0.028, 0.028, INK)
