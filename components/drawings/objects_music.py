"""Instruments and what else makes music; each is drawn in a Sprite one unit high."""

from components.drawings.colours import INK, WHITE, Colour, darken, lighten
from components.drawings.geometry import oval
from components.drawings.sprite import Sprite

_WOOD: Colour = (124, 78, 46)
_STEEL: Colour = (196, 202, 212)
_BRASS: Colour = (250, 204, 92)


def guitar(s: Sprite, c: Colour, dark: bool) -> None:
    """A guitar upright on its stand."""
    s.shadow(0.28, 0.4)
    s.line([(-0.16, 0.0), (0.0, 0.16), (0.16, 0.0)], 0.025, INK)
    outline = [
        (0, 0.04),
        (-0.2, 0.08),
        (-0.25, 0.22),
        (-0.18, 0.33),
        (-0.13, 0.38),
        (-0.17, 0.48),
        (-0.12, 0.57),
        (0, 0.58),
        (0.12, 0.57),
        (0.17, 0.48),
        (0.13, 0.38),
        (0.18, 0.33),
        (0.25, 0.22),
        (0.2, 0.08),
    ]
    s.blob([(x * 1.08 + 0.015, y) for x, y in outline], darken(c, 0.5))
    s.blob(outline, c)
    s.blob([(x * 0.6 - 0.05, 0.3 + (y - 0.3) * 0.75) for x, y in outline], lighten(c, 0.22))
    s.rect(-0.03, 0.36, 0.03, 0.86, _WOOD)
    s.oval(0, 0.38, 0.085, 0.085, lighten(c, 0.6))
    s.oval(0, 0.38, 0.068, 0.068, (44, 30, 34))
    s.rect(-0.09, 0.15, 0.09, 0.19, (60, 40, 36), 0.01)
    s.poly([(-0.03, 0.84), (0.03, 0.84), (0.06, 0.99), (-0.06, 0.99)], (78, 48, 34))
    for y in (0.88, 0.92, 0.96):
        s.oval(-0.07, y, 0.018, 0.014, _STEEL)
        s.oval(0.07, y, 0.018, 0.014, _STEEL)
    for x in (-0.014, 0.014):
        s.line([(x, 0.17), (x, 0.86)], 0.007, (240, 232, 214))


def saxophone(s: Sprite, c: Colour, dark: bool) -> None:
    """A tenor saxophone: body tube, bow, and a wide bell."""
    s.shadow(0.32, 0.4)
    edge = darken(c, 0.42)
    tube = [
        (-0.12, 0.98),
        (-0.02, 0.95),
        (-0.03, 0.6),
        (-0.05, 0.3),
        (0.02, 0.12),
        (0.16, 0.1),
        (0.25, 0.24),
        (0.29, 0.46),
    ]
    for extra, colour in ((0.035, edge), (0.0, c)):
        s.curve(tube[:4], 0.075 + extra, colour)
        s.curve(tube[2:6], 0.12 + extra, colour)
        s.curve(tube[4:], 0.155 + extra, colour)
    s.poly([(0.17, 0.34), (0.32, 0.32), (0.47, 0.62), (0.15, 0.62)], c)
    s.oval(0.31, 0.62, 0.16, 0.05, edge)
    s.oval(0.31, 0.615, 0.12, 0.03, darken(c, 0.7))
    s.curve([(-0.06, 0.82), (-0.07, 0.55), (-0.08, 0.32)], 0.018, lighten(c, 0.6))
    s.curve([(0.09, 0.1), (0.2, 0.2), (0.24, 0.45)], 0.025, lighten(c, 0.6))
    for i in range(6):
        s.oval(0.03 - 0.008 * i, 0.84 - 0.095 * i, 0.045, 0.04, edge)
        s.oval(0.035 - 0.008 * i, 0.845 - 0.095 * i, 0.03, 0.026, lighten(c, 0.5))
    s.curve([(-0.02, 0.95), (-0.1, 1.0), (-0.2, 0.93)], 0.045, edge)
    s.line([(-0.19, 0.94), (-0.26, 0.88)], 0.06, (40, 36, 44))


def drum_kit(s: Sprite, c: Colour, dark: bool) -> None:
    """Bass drum in front, toms on top, cymbals left and right."""
    s.shadow(0.8, 0.45)
    for x, y, foot in ((-0.62, 0.9, -0.7), (0.62, 0.96, 0.7)):
        s.line([(x, y), (x * 0.95, 0.3), (foot, 0.0)], 0.022, _STEEL)
        s.line([(x * 0.95, 0.3), (foot * 0.8, 0.0)], 0.022, _STEEL)
        s.oval(x, y, 0.28, 0.05, _BRASS, 14 if x < 0 else -14)
        s.oval(x, y + 0.012, 0.2, 0.022, lighten(_BRASS, 0.55), 14 if x < 0 else -14)
    for x, w in ((-0.56, 0.2), (0.56, 0.22)):
        s.rect(x - w, 0.12, x + w, 0.46, c, 0.03)
        s.rect(x - w, 0.12, x - w * 0.5, 0.46, lighten(c, 0.3))
        s.oval(x, 0.46, w, 0.06, WHITE)
        s.rect(x - w, 0.26, x + w, 0.29, _STEEL)
    for x in (-0.2, 0.2):
        s.rect(x - 0.17, 0.6, x + 0.17, 0.82, c, 0.03)
        s.rect(x - 0.17, 0.6, x - 0.08, 0.82, lighten(c, 0.3))
        s.oval(x, 0.82, 0.17, 0.055, WHITE)
    s.oval(0, 0.34, 0.38, 0.36, darken(c, 0.35))
    s.oval(0, 0.34, 0.35, 0.33, c)
    s.oval(0, 0.34, 0.29, 0.275, WHITE)
    s.oval(0, 0.34, 0.15, 0.14, c)
    s.oval(-0.05, 0.38, 0.05, 0.045, lighten(c, 0.5))


def piano(s: Sprite, c: Colour, dark: bool) -> None:
    """A grand piano with its lid up."""
    s.shadow(0.75, 0.45)
    side, edge = darken(c, 0.22), darken(c, 0.5)
    lid = [(-0.2, 0.52), (0.62, 0.5), (0.52, 0.78), (0.3, 0.86), (0.12, 1.0), (-0.3, 0.98)]
    s.poly(lid, edge)
    s.poly([(x * 0.94 + 0.01, 0.03 + y * 0.95) for x, y in lid], (206, 160, 94))
    for i in range(7):
        s.line([(-0.12 + 0.09 * i, 0.54), (-0.2 + 0.09 * i, 0.86 - 0.03 * i)], 0.008, (150, 104, 56))
    s.line([(0.36, 0.5), (0.28, 0.84)], 0.02, INK)
    for x in (-0.55, -0.1, 0.56):
        s.poly([(x - 0.045, 0.34), (x + 0.045, 0.34), (x + 0.02, 0.03), (x - 0.02, 0.03)], edge)
        s.oval(x, 0.03, 0.035, 0.03, _BRASS)
    s.poly([(-0.7, 0.3), (0.68, 0.3), (0.7, 0.52), (-0.3, 0.54), (-0.7, 0.42)], c)
    s.poly([(-0.7, 0.3), (0.68, 0.3), (0.69, 0.37), (-0.7, 0.36)], side)
    s.poly([(-0.8, 0.4), (-0.34, 0.4), (-0.3, 0.47), (-0.76, 0.47)], WHITE)
    for i in range(6):
        x = -0.7 + 0.07 * i
        s.poly([(x, 0.43), (x + 0.032, 0.43), (x + 0.042, 0.47), (x + 0.01, 0.47)], (20, 20, 28))
    s.rect(-0.82, 0.3, -0.3, 0.4, c, 0.02)
    s.rect(-0.82, 0.3, -0.3, 0.335, side)
    s.line([(-0.28, 0.52), (0.66, 0.5)], 0.018, lighten(c, 0.45))


def drum(s: Sprite, c: Colour, dark: bool) -> None:
    """A marching drum with zigzag cords and two sticks."""
    s.shadow(0.55, 0.4)
    s.rect(-0.5, 0.12, 0.5, 0.72, c)
    s.oval(0, 0.12, 0.5, 0.12, c)
    s.rect(-0.5, 0.12, -0.3, 0.72, lighten(c, 0.25))
    s.rect(0.3, 0.12, 0.5, 0.72, darken(c, 0.25))
    rim = (246, 214, 120)
    for i in range(5):
        x = -0.5 + 0.2 * i
        s.line([(x, 0.64 - 0.06), (x + 0.1, 0.12), (x + 0.2, 0.58)], 0.03, WHITE if c[1] < 230 else INK)
    s.line(oval(0, 0.14, 0.5, 0.12, 0, 0, -180), 0.06, rim)
    s.oval(0, 0.7, 0.53, 0.15, rim)
    s.oval(0, 0.72, 0.47, 0.12, (250, 244, 230))
    s.oval(0.06, 0.7, 0.36, 0.08, (232, 222, 204))
    for x0, x1 in ((-0.5, 0.08), (0.5, -0.06)):
        s.line([(x0, 1.0), (x1, 0.74)], 0.045, (192, 132, 76))
        s.oval(x1, 0.74, 0.045, 0.04, (226, 178, 118))


def disco_ball(s: Sprite, c: Colour, dark: bool) -> None:
    """A ball of mirror tiles, each row its own width, on a short rod."""
    s.line([(0, 0.9), (0, 3.0)], 0.03, (120, 120, 140))
    s.rect(-0.07, 0.86, 0.07, 0.95, _STEEL, 0.02)
    s.oval(0, 0.45, 0.45, 0.45, darken(c, 0.55))
    for row in range(7):
        y = 0.45 + (row - 3) * 0.122
        half = (0.43**2 - (y - 0.45) ** 2) ** 0.5
        tiles = 8
        for k in range(tiles):
            # Equal steps in angle, so tiles narrow towards the rim as on a real sphere.
            x0, x1 = (-half * _COSINES[k], -half * _COSINES[k + 1])
            bright = 1.1 - 0.16 * abs(k - 2.4) - 0.12 * abs(row - 4.4) + 0.3 * ((k * 5 + row * 3) % 4 == 0)
            tile = lighten(c, min(0.85, bright - 0.45)) if bright > 0.45 else darken(c, 0.45 - bright)
            s.rect(x0 + 0.006, y - 0.054, x1 - 0.006, y + 0.054, tile)


_COSINES = tuple(float(x) for x in oval(0, 0, 1, 1, 0, 0, 180, 9)[:, 0])


def radio(s: Sprite, c: Colour, dark: bool) -> None:
    """A round-cornered kitchen radio with a big loudspeaker."""
    s.shadow(0.75, 0.4)
    s.line(oval(0, 0.76, 0.38, 0.22, 0, 0, 180), 0.06, (110, 72, 50))
    s.line([(0.5, 0.74), (0.66, 1.12)], 0.025, _STEEL)
    s.rect(-0.7, 0.02, 0.7, 0.82, darken(c, 0.35), 0.14)
    s.rect(-0.68, 0.06, 0.68, 0.82, c, 0.13)
    s.rect(-0.6, 0.72, 0.6, 0.77, lighten(c, 0.4), 0.02)
    s.oval(-0.3, 0.4, 0.3, 0.3, (238, 226, 200))
    s.oval(-0.3, 0.4, 0.25, 0.25, (66, 56, 60))
    for r in (0.19, 0.13, 0.07):
        s.line(oval(-0.3, 0.4, r, r), 0.018, (150, 134, 120))
    s.rect(0.08, 0.44, 0.6, 0.66, (255, 226, 150), 0.03)
    for i in range(6):
        s.line([(0.14 + 0.08 * i, 0.5), (0.14 + 0.08 * i, 0.6)], 0.012, (110, 70, 40))
    s.line([(0.36, 0.46), (0.36, 0.64)], 0.025, (214, 50, 44))
    for x in (0.18, 0.5):
        s.oval(x, 0.26, 0.1, 0.1, (238, 226, 200))
        s.line([(x, 0.26), (x + 0.04, 0.33)], 0.025, (66, 56, 60))
