"""Food, and what stands on a table; each is drawn in a Sprite one unit high."""

import math

from components.drawings.colours import INK, WHITE, Colour, darken, lighten
from components.drawings.geometry import oval
from components.drawings.sprite import Sprite

_CRUST: Colour = (226, 164, 88)
_CHINA: Colour = (244, 240, 232)


def pizza(s: Sprite, c: Colour, dark: bool) -> None:
    """A pizza seen from a high chair, one slice pulled out; `c` is what it is topped with."""
    s.shadow(1.05, 0.35)
    s.oval(0, 0.44, 1.02, 0.44, (126, 84, 54))
    s.oval(0, 0.49, 1.02, 0.44, (178, 126, 80))
    s.oval(0, 0.53, 0.92, 0.4, darken(_CRUST, 0.3))
    s.oval(0, 0.57, 0.92, 0.4, _CRUST)
    s.oval(0, 0.57, 0.8, 0.33, c)
    s.oval(-0.06, 0.585, 0.7, 0.27, lighten(c, 0.16))
    contrast: Colour = (196, 44, 40) if c[0] < 200 or c[1] > 150 else (252, 222, 130)
    for i, (x, y) in enumerate(
        [(-0.5, 0.56), (-0.22, 0.72), (0.2, 0.74), (0.52, 0.62), (-0.3, 0.42), (0.06, 0.55), (0.1, 0.36), (-0.02, 0.8)]
    ):
        s.oval(x, y, 0.12, 0.055, darken(contrast, 0.25))
        s.oval(x, y + 0.012, 0.11, 0.048, contrast)
        s.oval(x + 0.15, y - 0.05, 0.055, 0.022, (52, 140, 64), 25.0 * (i % 3))
    for a in (12, 62, 110, 160):
        x, y = 0.92 * math.cos(math.radians(a)), 0.4 * math.sin(math.radians(a))
        s.line([(-x, 0.57 - y), (x, 0.57 + y)], 0.018, darken(c, 0.3))
    s.poly([(0.1, 0.5), (0.86, 0.42), (0.5, 0.2)], (178, 126, 80))
    s.poly([(0.26, 0.44), (1.0, 0.34), (0.68, 0.1)], darken(_CRUST, 0.3))
    s.poly([(0.26, 0.48), (1.0, 0.38), (0.68, 0.14)], _CRUST)
    s.poly([(0.27, 0.475), (0.88, 0.385), (0.63, 0.2)], c)
    s.oval(0.62, 0.35, 0.1, 0.045, contrast)


def cake(s: Sprite, c: Colour, dark: bool) -> None:
    """A two-tier cake on a stand, frosting dripping, candles lit."""
    s.shadow(0.5, 0.35)
    s.poly([(-0.07, 0.14), (0.07, 0.14), (0.2, 0.0), (-0.2, 0.0)], _CHINA)
    s.oval(0, 0.15, 0.58, 0.07, darken(_CHINA, 0.2))
    s.oval(0, 0.175, 0.58, 0.07, _CHINA)
    sponge: Colour = (236, 196, 136)
    for half, low, high in ((0.46, 0.19, 0.47), (0.3, 0.5, 0.74)):
        s.rect(-half, low, half, high, sponge)
        s.oval(0, low, half, 0.06, sponge)
        s.rect(-half, low + 0.06, half, low + 0.1, darken(c, 0.1))
        s.rect(half * 0.6, low + 0.02, half, high, (178, 134, 96))
        s.oval(half * 0.8, low + 0.02, half * 0.2, 0.035, (178, 134, 96))
        s.rect(-half, high - 0.1, half, high, c)
        for i in range(5):
            x = -half + half * 0.4 * (i + 0.5)
            s.oval(x, high - 0.1, half * 0.2, 0.05 + 0.035 * (i % 2), c)
        s.oval(0, high, half, 0.075, lighten(c, 0.3))
    for x in (-0.14, 0.0, 0.14):
        s.rect(x - 0.02, 0.76, x + 0.02, 0.92, WHITE)
        s.line([(x - 0.02, 0.82), (x + 0.02, 0.86)], 0.015, (226, 70, 80))
        s.oval(x, 0.96, 0.028, 0.045, (255, 170, 50))
        s.oval(x, 0.955, 0.014, 0.026, (255, 240, 170))
    for x in (-0.36, 0.36):
        s.oval(x, 0.5, 0.05, 0.048, (214, 38, 58))


def fruit_bowl(s: Sprite, c: Colour, dark: bool) -> None:
    """A wide bowl heaped with fruit."""
    s.shadow(0.6, 0.35)
    s.curve([(-0.34, 0.56), (-0.5, 0.86), (-0.3, 1.0)], 0.1, (246, 206, 66))
    s.curve([(-0.26, 0.56), (-0.4, 0.84), (-0.2, 0.96)], 0.08, (232, 184, 48))
    fruit: list[tuple[float, float, float, Colour]] = [
        (-0.16, 0.66, 0.19, (122, 176, 62)),
        (0.4, 0.6, 0.18, (236, 134, 44)),
        (0.14, 0.74, 0.2, (206, 48, 48)),
        (-0.42, 0.56, 0.15, (236, 134, 44)),
        (0.24, 0.52, 0.17, (240, 152, 56)),
    ]
    for x, y, r, colour in fruit:
        s.oval(x, y, r, r * 0.97, darken(colour, 0.12))
        s.oval(x - r * 0.12, y + r * 0.1, r * 0.82, r * 0.8, colour)
        s.oval(x - r * 0.35, y + r * 0.4, r * 0.24, r * 0.18, lighten(colour, 0.5))
    s.line([(0.14, 0.92), (0.18, 1.0)], 0.025, (96, 64, 40))
    for i, (x, y) in enumerate([(-0.02, 0.52), (-0.1, 0.54), (-0.06, 0.46), (0.04, 0.47)]):
        s.oval(x, y, 0.065, 0.065, (110, 60, 130 + 10 * i))
    s.oval(0, 0.08, 0.22, 0.06, darken(c, 0.45))
    s.oval(0, 0.46, 0.66, 0.42, c, start=180, end=360)
    s.oval(0.1, 0.46, 0.56, 0.4, darken(c, 0.22), start=270, end=360)
    s.rect(-0.68, 0.42, 0.68, 0.49, lighten(c, 0.35), 0.03)
    s.curve([(-0.5, 0.34), (-0.4, 0.2), (-0.26, 0.13)], 0.035, lighten(c, 0.5))


def coffee_cup(s: Sprite, c: Colour, dark: bool) -> None:
    """A wide cup on its saucer, steam above."""
    s.shadow(0.66, 0.35)
    s.oval(0, 0.07, 0.62, 0.07, darken(c, 0.4))
    s.oval(0, 0.1, 0.62, 0.07, lighten(c, 0.25))
    s.oval(0, 0.1, 0.4, 0.04, darken(c, 0.15))
    s.line(oval(0.44, 0.42, 0.17, 0.14), 0.075, darken(c, 0.12))
    body = [
        (-0.46, 0.6),
        (-0.42, 0.36),
        (-0.28, 0.16),
        (-0.16, 0.1),
        (0.16, 0.1),
        (0.28, 0.16),
        (0.42, 0.36),
        (0.46, 0.6),
    ]
    s.poly(body, c)
    s.poly([(0.14, 0.1), (0.28, 0.16), (0.42, 0.36), (0.46, 0.6), (0.26, 0.6)], darken(c, 0.2))
    s.curve([(-0.36, 0.52), (-0.32, 0.34), (-0.24, 0.22)], 0.05, lighten(c, 0.5))
    s.oval(0, 0.6, 0.46, 0.09, lighten(c, 0.45))
    s.oval(0, 0.595, 0.4, 0.068, (84, 50, 36))
    s.oval(-0.04, 0.59, 0.2, 0.03, (214, 170, 122))
    for i, x in enumerate((-0.17, 0.02, 0.2)):
        top = 1.0 - 0.07 * (i % 2)
        s.curve([(x, 0.66), (x + 0.06, 0.74), (x - 0.05, 0.84), (x + 0.03, top)], 0.04, (252, 250, 248))


def croissant(s: Sprite, c: Colour, dark: bool) -> None:
    """A crescent of five ridges on a small plate."""
    s.shadow(1.05, 0.35)
    s.oval(0, 0.14, 1.02, 0.17, (206, 204, 204))
    s.oval(0, 0.19, 1.02, 0.17, _CHINA)
    s.oval(0, 0.18, 0.76, 0.1, (222, 218, 212))
    crust, shade, shine = (206, 132, 60), (148, 84, 36), (244, 190, 112)
    parts = [
        (-0.72, 0.26, 0.16, 0.13, 40),
        (0.72, 0.26, 0.16, 0.13, -40),
        (-0.5, 0.42, 0.24, 0.24, 22),
        (0.5, 0.42, 0.24, 0.24, -22),
        (-0.25, 0.54, 0.26, 0.35, 8),
        (0.25, 0.54, 0.26, 0.35, -8),
        (0.0, 0.58, 0.22, 0.4, 0),
    ]
    for x, y, rx, ry, angle in parts:
        s.oval(x, y, rx, ry, shade, -angle)
        s.oval(x - 0.015, y + 0.03, rx * 0.86, ry * 0.86, crust, -angle)
        s.oval(x - 0.03, y + ry * 0.4, rx * 0.45, ry * 0.3, shine, -angle)
    s.oval(0, 0.12, 0.36, 0.12, _CHINA, start=0, end=180)


def popcorn_box(s: Sprite, c: Colour, dark: bool) -> None:
    """A striped box running over with popcorn."""
    s.shadow(0.4, 0.35)
    for x, y, r in (
        (-0.3, 0.7, 0.1),
        (0.3, 0.7, 0.1),
        (-0.16, 0.8, 0.12),
        (0.17, 0.8, 0.12),
        (0, 0.72, 0.13),
        (0.02, 0.9, 0.11),
        (-0.34, 0.8, 0.07),
        (0.33, 0.83, 0.07),
    ):
        s.oval(x, y, r, r, (244, 206, 118))
        s.oval(x - 0.02, y + 0.03, r * 0.75, r * 0.7, (255, 246, 214))
        s.oval(x + r * 0.3, y - r * 0.2, r * 0.25, r * 0.25, (226, 168, 70))
    for i in range(5):
        x0, x1 = -1 + 0.4 * i, -0.6 + 0.4 * i
        strip = [(x0 * 0.29, 0.0), (x1 * 0.29, 0.0), (x1 * 0.42, 0.66), (x0 * 0.42, 0.66)]
        s.poly(strip, WHITE if i % 2 else c)
        s.oval((x0 + x1) * 0.21, 0.66, 0.084, 0.04, WHITE if i % 2 else c)
    s.poly([(0.17, 0), (0.29, 0.0), (0.42, 0.66), (0.25, 0.66)], (30, 20, 50, 50))
    s.oval(0, 0.34, 0.17, 0.14, c)
    s.oval(0, 0.34, 0.13, 0.1, (255, 240, 190))


def houseplant(s: Sprite, c: Colour, dark: bool) -> None:
    """Broad leaves in a clay pot."""
    s.shadow(0.34, 0.35)
    for angle, length, tone in (
        (-62, 0.5, -0.25),
        (62, 0.5, -0.25),
        (-38, 0.62, 0.0),
        (38, 0.62, 0.05),
        (-14, 0.68, 0.15),
        (16, 0.64, 0.22),
        (-78, 0.36, 0.1),
        (78, 0.36, 0.15),
    ):
        a = math.radians(angle)
        dx, dy = math.sin(a), math.cos(a)
        leaf = lighten(c, tone) if tone > 0 else darken(c, -tone)
        mid = (dx * length * 0.62, 0.32 + dy * length * 0.62)
        s.line([(0, 0.3), mid], 0.02, darken(c, 0.3))
        s.oval(*mid, 0.115, length * 0.42, leaf, -angle)
        s.line(
            [(dx * length * 0.3, 0.32 + dy * length * 0.3), (dx * length, 0.32 + dy * length)],
            0.014,
            lighten(leaf, 0.35),
        )
    s.poly([(-0.24, 0.3), (0.24, 0.3), (0.17, 0.0), (-0.17, 0.0)], (196, 104, 70))
    s.poly([(0.08, 0.3), (0.24, 0.3), (0.17, 0.0), (0.06, 0.0)], (164, 80, 58))
    s.rect(-0.27, 0.28, 0.27, 0.37, (214, 124, 86), 0.015)


def laptop(s: Sprite, c: Colour, dark: bool) -> None:
    """An open laptop, screen towards us with a picture on it."""
    s.shadow(0.85, 0.35)
    s.rect(-0.68, 0.2, 0.68, 1.0, c, 0.05)
    s.shade([(-0.58, 0.28), (0.58, 0.28), (0.58, 0.92), (-0.58, 0.92)], (232, 244, 250), (156, 204, 226))
    s.rect(-0.5, 0.74, -0.02, 0.82, (72, 110, 150), 0.01)
    for i in range(3):
        s.rect(-0.5, 0.62 - 0.1 * i, 0.0 - 0.1 * (i % 2), 0.66 - 0.1 * i, (110, 140, 170), 0.01)
    for i, high in enumerate((0.14, 0.26, 0.2, 0.36)):
        s.rect(0.14 + 0.1 * i, 0.38, 0.21 + 0.1 * i, 0.38 + high, (236, 120, 70))
    s.poly([(-0.68, 0.2), (0.68, 0.2), (0.86, 0.03), (-0.86, 0.03)], lighten(c, 0.2))
    s.poly([(-0.6, 0.18), (0.6, 0.18), (0.68, 0.1), (-0.68, 0.1)], INK)
    s.rect(-0.86, 0.0, 0.86, 0.04, darken(c, 0.3), 0.02)
    s.poly([(-0.16, 0.085), (0.16, 0.085), (0.18, 0.05), (-0.18, 0.05)], darken(c, 0.15))


def suitcase(s: Sprite, c: Colour, dark: bool) -> None:
    """A trolley case with straps and a few stickers."""
    s.shadow(0.45, 0.35)
    s.line([(-0.14, 0.76), (-0.14, 0.98), (0.14, 0.98), (0.14, 0.76)], 0.05, (120, 124, 136))
    for x in (-0.26, 0.26):
        s.oval(x, 0.04, 0.055, 0.05, INK)
    s.rect(-0.39, 0.05, 0.39, 0.8, darken(c, 0.4), 0.08)
    s.rect(-0.39, 0.08, 0.39, 0.8, c, 0.08)
    for i in range(4):
        x = -0.24 + 0.16 * i
        s.line([(x, 0.14), (x, 0.74)], 0.028, darken(c, 0.2))
        s.line([(x - 0.025, 0.14), (x - 0.025, 0.74)], 0.014, lighten(c, 0.35))
    s.oval(-0.16, 0.56, 0.12, 0.12, (250, 238, 206))
    s.oval(-0.16, 0.56, 0.08, 0.08, (66, 150, 180))
    s.rect(0.02, 0.24, 0.28, 0.42, (250, 206, 90), 0.02)
    s.line([(0.06, 0.3), (0.24, 0.3)], 0.03, (206, 70, 60))
    s.line([(0.06, 0.36), (0.24, 0.36)], 0.03, (206, 70, 60))
    s.rect(-0.08, 0.78, 0.08, 0.83, INK, 0.01)
