"""Vehicles of the streets, side on; each is drawn in a Sprite one unit high."""

from components.drawings.colours import INK, WHITE, Colour, darken, lighten
from components.drawings.geometry import oval
from components.drawings.sprite import Sprite

_TYRE: Colour = (30, 31, 42)
_HUB: Colour = (176, 182, 190)
_LAMP: Colour = (255, 236, 168)
_CHROME: Colour = (198, 204, 212)


def _glass(dark: bool) -> tuple[Colour, Colour]:
    """Window colours, top and bottom: sky by day, lamps inside by night."""
    return ((255, 226, 150), (246, 176, 92)) if dark else ((178, 216, 232), (98, 148, 178))


def _wheel(s: Sprite, x: float, r: float) -> None:
    s.oval(x, r, r, r, _TYRE)
    s.oval(x, r, r * 0.55, r * 0.55, _HUB)
    s.oval(x, r, r * 0.2, r * 0.2, _TYRE)


def _panes(s: Sprite, xs: list[tuple[float, float]], low: float, high: float, dark: bool) -> None:
    """A row of windows with a slanted gleam in each."""
    top, bottom = _glass(dark)
    for x0, x1 in xs:
        s.shade([(x0, low), (x1, low), (x1, high), (x0, high)], top, bottom)
        wide = x1 - x0
        gleam = [(x0 + 0.2 * wide, low), (x0 + 0.4 * wide, low), (x0 + 0.7 * wide, high), (x0 + 0.5 * wide, high)]
        s.poly(gleam, (255, 255, 255, 70))


def bus(s: Sprite, c: Colour, dark: bool) -> None:
    """A city bus heading right."""
    s.shadow(1.0, 0.4)
    s.rect(-0.9, 0.1, 0.9, 1.0, c, 0.1)
    s.rect(-0.9, 0.1, 0.9, 0.32, darken(c, 0.22), 0.04)
    s.rect(-0.84, 0.93, 0.84, 0.98, lighten(c, 0.4), 0.02)
    s.rect(-0.9, 0.37, 0.9, 0.42, lighten(c, 0.65))
    s.rect(-0.84, 0.5, 0.88, 0.88, INK, 0.05)
    panes = [(-0.81 + 0.3 * i, -0.55 + 0.3 * i) for i in range(4)]
    _panes(s, panes, 0.53, 0.85, dark)
    _panes(s, [(0.41, 0.52), (0.54, 0.65)], 0.16, 0.85, dark)
    _panes(s, [(0.7, 0.88)], 0.5, 0.88, dark)
    s.rect(0.36, 0.9, 0.86, 0.97, (255, 190, 70) if dark else INK, 0.01)
    s.oval(0.85, 0.25, 0.05, 0.05, _LAMP)
    s.rect(-0.9, 0.22, -0.86, 0.34, (220, 50, 50))
    for x in (-0.55, 0.22):
        s.oval(x, 0.16, 0.19, 0.19, darken(c, 0.65))
        _wheel(s, x, 0.15)


def tram(s: Sprite, c: Colour, dark: bool) -> None:
    """An old tram with its bow collector up."""
    s.shadow(1.0, 0.4)
    s.line([(-0.1, 0.86), (0.1, 0.94), (-0.06, 1.04)], 0.02, INK)
    s.line([(-0.2, 1.04), (0.08, 1.04)], 0.025, INK)
    s.rect(-0.75, 0.04, 0.75, 0.14, _TYRE, 0.03)
    for x in (-0.5, -0.25, 0.25, 0.5):
        _wheel(s, x, 0.07)
    s.poly([(-0.92, 0.12), (0.92, 0.12), (0.96, 0.46), (0.88, 0.8), (-0.88, 0.8), (-0.96, 0.46)], c)
    s.poly([(-0.92, 0.12), (0.92, 0.12), (0.94, 0.24), (-0.94, 0.24)], darken(c, 0.3))
    s.rect(-0.93, 0.42, 0.93, 0.8, lighten(c, 0.75) if c[0] + c[1] + c[2] < 600 else (236, 226, 200))
    panes = [(-0.6 + 0.24 * i, -0.4 + 0.24 * i) for i in range(5)]
    _panes(s, panes, 0.47, 0.75, dark)
    _panes(s, [(-0.88, -0.66), (0.66, 0.88)], 0.3, 0.75, dark)
    s.rect(-0.9, 0.78, 0.9, 0.87, darken(c, 0.45), 0.04)
    s.rect(-0.3, 0.28, 0.3, 0.36, lighten(c, 0.6), 0.02)
    s.oval(0.9, 0.3, 0.05, 0.06, _LAMP)


def taxi(s: Sprite, c: Colour, dark: bool) -> None:
    """A cab with a lit roof sign and a chequered band."""
    s.shadow(1.2, 0.45)
    cabin = [(-0.62, 0.52), (-0.5, 0.82), (-0.38, 0.9), (0.18, 0.9), (0.34, 0.84), (0.62, 0.52)]
    s.poly(cabin, c)
    s.rect(-1.12, 0.14, 1.12, 0.56, c, 0.16)
    s.rect(-1.12, 0.14, 1.12, 0.26, darken(c, 0.4), 0.05)
    top, bottom = _glass(dark)
    s.shade([(-0.5, 0.54), (-0.41, 0.78), (-0.33, 0.83), (-0.1, 0.83), (-0.1, 0.54)], top, bottom)
    s.shade([(-0.04, 0.54), (-0.04, 0.83), (0.16, 0.83), (0.28, 0.78), (0.5, 0.54)], top, bottom)
    for i in range(18):
        s.rect(-0.9 + 0.1 * i, 0.4 + 0.045 * (i % 2), -0.8 + 0.1 * i, 0.445 + 0.045 * (i % 2), INK)
    s.line([(-0.07, 0.24), (-0.07, 0.52)], 0.015, darken(c, 0.4))
    s.rect(-0.3, 0.89, 0.16, 1.02, (255, 246, 200) if dark else WHITE, 0.03)
    s.rect(-0.22, 0.93, 0.08, 0.975, INK)
    s.oval(1.03, 0.43, 0.07, 0.06, _LAMP)
    s.rect(-1.12, 0.38, -1.04, 0.48, (226, 48, 48), 0.02)
    for x in (-0.65, 0.66):
        s.oval(x, 0.18, 0.23, 0.23, darken(c, 0.7))
        _wheel(s, x, 0.18)


def food_truck(s: Sprite, c: Colour, dark: bool) -> None:
    """A van with an open hatch, a striped awning and a menu board."""
    s.shadow(0.95, 0.4)
    s.poly([(0.5, 0.14), (0.92, 0.14), (0.92, 0.44), (0.8, 0.78), (0.5, 0.82)], c)
    s.rect(-0.85, 0.14, 0.55, 0.96, c, 0.06)
    s.rect(-0.85, 0.14, 0.92, 0.28, darken(c, 0.28), 0.03)
    top, bottom = _glass(dark)
    s.shade([(0.6, 0.48), (0.86, 0.48), (0.77, 0.73), (0.6, 0.73)], top, bottom)
    inside: tuple[Colour, Colour] = ((255, 222, 140), (240, 160, 80)) if dark else ((92, 74, 66), (58, 48, 52))
    s.shade([(-0.7, 0.42), (0.36, 0.42), (0.36, 0.74), (-0.7, 0.74)], *inside)
    s.oval(-0.28, 0.55, 0.07, 0.08, (214, 160, 124))  # the cook
    s.rect(-0.4, 0.42, -0.16, 0.5, WHITE, 0.04)
    s.rect(-0.36, 0.59, -0.2, 0.7, WHITE, 0.03)
    s.rect(-0.76, 0.38, 0.42, 0.43, (150, 104, 66))
    for i in range(8):
        x, stripe = -0.78 + 0.152 * i, WHITE if i % 2 else darken(c, 0.12)
        if c[0] + c[1] + c[2] > 660 and not i % 2:
            stripe = (220, 60, 56)  # white stripes on a white truck would not read
        s.poly([(x, 0.68), (x + 0.152, 0.68), (x * 0.94 + 0.14, 0.86), (x * 0.94, 0.86)], stripe)
        s.oval(x + 0.076, 0.68, 0.076, 0.04, stripe, start=180, end=360)
    s.rect(-0.5, 0.98, 0.2, 1.06, (250, 196, 70), 0.03)
    s.oval(0.87, 0.36, 0.04, 0.05, _LAMP)
    for x in (-0.5, 0.6):
        s.oval(x, 0.15, 0.18, 0.18, darken(c, 0.7))
        _wheel(s, x, 0.14)


def scooter(s: Sprite, c: Colour, dark: bool) -> None:
    """A motor scooter with a round front shield."""
    s.shadow(0.7, 0.4)
    for x in (-0.42, 0.46):
        _wheel(s, x, 0.18)
    s.blob([(-0.68, 0.3), (-0.66, 0.5), (-0.4, 0.62), (-0.12, 0.58), (-0.06, 0.3), (-0.3, 0.2)], c)
    s.blob([(-0.62, 0.34), (-0.5, 0.46), (-0.24, 0.44), (-0.2, 0.3), (-0.4, 0.24)], lighten(c, 0.3))
    s.rect(-0.2, 0.17, 0.34, 0.26, darken(c, 0.25), 0.03)
    s.poly([(0.3, 0.17), (0.44, 0.22), (0.32, 0.84), (0.22, 0.84)], c)
    s.poly([(0.4, 0.2), (0.44, 0.22), (0.32, 0.84), (0.28, 0.84)], lighten(c, 0.4))
    s.oval(0.44, 0.3, 0.17, 0.13, c, start=0, end=180)
    s.rect(-0.6, 0.57, -0.04, 0.67, (66, 48, 46), 0.05)
    s.line([(0.26, 0.82), (0.28, 0.94), (0.12, 0.97)], 0.045, _TYRE)
    s.oval(0.34, 0.88, 0.08, 0.08, _CHROME)
    s.oval(0.37, 0.88, 0.055, 0.06, _LAMP)
    s.line([(0.24, 0.94), (0.2, 1.06)], 0.02, _CHROME)
    s.oval(0.19, 1.06, 0.05, 0.04, _CHROME)
    s.oval(-0.68, 0.44, 0.035, 0.045, (236, 56, 50))


def bicycle(s: Sprite, c: Colour, dark: bool) -> None:
    """A town bicycle: thick frame, so that its colour carries."""
    s.shadow(0.8, 0.3)
    for x in (-0.5, 0.5):
        for k in range(4):
            ends = oval(x, 0.32, 0.28, 0.28, 0, 45 * k + 20, 45 * k + 200, 2)
            s.line(ends, 0.012, _CHROME)
        s.line(oval(x, 0.32, 0.3, 0.3), 0.055, _TYRE)
        s.oval(x, 0.32, 0.05, 0.05, _CHROME)
    crank, seat, head = (-0.05, 0.32), (-0.2, 0.78), (0.34, 0.78)
    for a, b in (
        (crank, seat),
        (crank, head),
        ((-0.18, 0.72), (0.34, 0.74)),
        ((-0.5, 0.32), crank),
        ((-0.5, 0.32), (-0.17, 0.7)),
        ((0.5, 0.32), head),
    ):
        s.line([a, b], 0.075, c)
    s.line([head, (0.32, 0.94), (0.18, 0.97)], 0.04, _CHROME)
    s.line([(0.24, 0.965), (0.14, 0.97)], 0.06, (92, 60, 44))
    s.line([seat, (-0.22, 0.87)], 0.04, _CHROME)
    s.line([(-0.36, 0.9), (-0.1, 0.89)], 0.075, (92, 60, 44))
    s.oval(-0.05, 0.32, 0.09, 0.09, _CHROME)
    s.oval(-0.05, 0.32, 0.05, 0.05, _TYRE)
    s.line([(-0.05, 0.32), (0.02, 0.17)], 0.03, _TYRE)
    s.poly([(0.36, 0.66), (0.68, 0.66), (0.63, 0.88), (0.4, 0.88)], (186, 138, 84))
    for i in range(3):
        s.line([(0.39, 0.71 + 0.06 * i), (0.65, 0.71 + 0.06 * i)], 0.012, (134, 92, 52))
