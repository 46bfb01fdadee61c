"""Boats, vehicles, shelters and sports gear, each 1 tall from the ground or the waterline up."""

import math

import numpy as np

from components.drawings.colours import INK, WHITE, Colour, darken, lighten
from components.drawings.geometry import oval, spline
from components.drawings.sprite import Sprite

WOOD: Colour = (146, 98, 64)


def sailboat(s: Sprite, colour: Colour) -> None:
    """Sails in the colour: at a distance they are what one sees."""
    s.line([(0.0, 0.1), (0.0, 1.0)], 0.022, darken(WOOD, 0.4))
    leech = spline([(0.02, 0.97), (0.3, 0.62), (0.42, 0.22)], 6)
    s.shade(np.vstack([leech, [[0.02, 0.2]]]), lighten(colour, 0.12), darken(colour, 0.06))
    s.poly([(-0.03, 0.9), (-0.03, 0.2), (-0.34, 0.2)], lighten(colour, 0.3))
    s.line([(0.03, 0.5), (0.35, 0.46)], 0.012, darken(colour, 0.2))
    s.blob([(-0.44, 0.14), (-0.3, 0.13), (0.5, 0.15), (0.36, 0.0), (0.1, -0.02), (-0.28, 0.0)], WHITE)
    s.poly([(-0.41, 0.07), (0.42, 0.07), (0.35, 0.0), (-0.33, 0.0)], darken(colour, 0.25))


def rowing_boat(s: Sprite, colour: Colour) -> None:
    s.line([(-0.1, 0.66), (0.75, 0.1)], 0.05, WOOD)
    s.oval(0.8, 0.06, 0.13, 0.06, WOOD, -30)
    s.blob(
        [(-1.0, 0.62), (-0.5, 0.48), (0.5, 0.48), (1.02, 0.66), (0.8, 0.1), (0.3, -0.02), (-0.5, 0.0), (-0.82, 0.14)],
        colour,
    )
    s.poly([(-0.93, 0.58), (-0.5, 0.46), (0.5, 0.46), (0.95, 0.61), (0.5, 0.38), (-0.5, 0.38)], darken(WOOD, 0.35))
    s.curve([(-0.99, 0.62), (-0.5, 0.4), (0.5, 0.4), (1.0, 0.65)], 0.06, lighten(colour, 0.5))
    s.line([(-0.4, 0.46), (-0.36, 0.38)], 0.12, WOOD)
    s.line([(0.1, 0.66), (-0.7, 0.16)], 0.05, lighten(WOOD, 0.15))
    s.oval(-0.78, 0.1, 0.13, 0.06, lighten(WOOD, 0.15), 30)


def kayak(s: Sprite, colour: Colour) -> None:
    """A paddler in a narrow hull."""
    s.blob([(-1.0, 0.22), (-0.4, 0.24), (0.4, 0.24), (1.0, 0.24), (0.6, 0.02), (-0.6, 0.02)], colour)
    s.line([(-0.8, 0.19), (0.8, 0.19)], 0.03, lighten(colour, 0.55))
    s.oval(0.0, 0.24, 0.22, 0.05, darken(colour, 0.6))
    s.blob(
        [(-0.14, 0.24), (-0.15, 0.58), (0.15, 0.58), (0.14, 0.24)], (250, 180, 60) if colour[2] > 150 else (56, 84, 140)
    )
    s.oval(0.02, 0.78, 0.115, 0.13, (236, 190, 156))
    s.oval(0.0, 0.84, 0.13, 0.11, darken(colour, 0.2), 0, 0, 180)
    s.line([(-0.62, 0.16), (0.6, 0.72)], 0.045, (70, 60, 60))
    for x, y in ((-0.68, 0.13), (0.66, 0.75)):
        s.oval(x, y, 0.15, 0.065, lighten(colour, 0.2), 25)
    s.line([(-0.12, 0.5), (-0.25, 0.36), (-0.12, 0.4)], 0.07, (236, 190, 156))
    s.line([(0.12, 0.5), (0.28, 0.46), (0.26, 0.56)], 0.07, (236, 190, 156))


def fishing_boat(s: Sprite, colour: Colour) -> None:
    """A trawler: a high bow, a wheelhouse, a mast with gear, fish boxes on deck."""
    s.line([(-0.1, 0.5), (-0.1, 1.0)], 0.03, (84, 70, 64))
    s.line([(-0.1, 0.96), (-0.62, 0.5)], 0.016, (84, 70, 64))
    s.line([(-0.1, 0.96), (0.68, 0.42)], 0.012, (84, 70, 64))
    s.rect(0.0, 0.36, 0.36, 0.72, WHITE)
    s.rect(-0.04, 0.7, 0.4, 0.76, darken(colour, 0.2))
    for x in (0.06, 0.21):
        s.rect(x, 0.52, x + 0.1, 0.64, (74, 110, 140))
    for i, x in enumerate((-0.5, -0.36, -0.22)):
        s.rect(x, 0.36, x + 0.12, 0.46, ((240, 176, 60), (90, 150, 190), (240, 176, 60))[i])
        s.oval(x + 0.06, 0.465, 0.05, 0.02, (196, 208, 216))
    s.blob(
        [(-0.7, 0.38), (-0.2, 0.34), (0.4, 0.36), (0.82, 0.54), (0.62, 0.06), (0.4, 0.0), (-0.5, 0.0), (-0.66, 0.1)],
        colour,
    )
    s.line([(-0.68, 0.34), (-0.1, 0.31), (0.4, 0.33), (0.76, 0.48)], 0.035, WHITE)
    s.poly([(-0.63, 0.09), (0.63, 0.1), (0.58, 0.0), (-0.55, 0.0)], darken(colour, 0.5))
    for x in (-0.4, -0.1, 0.2):
        s.oval(x, 0.2, 0.055, 0.055, INK)
        s.oval(x, 0.2, 0.025, 0.025, lighten(colour, 0.3))


def lighthouse(s: Sprite, colour: Colour) -> None:
    """Banded in its colour; a white one gets grey bands."""
    band = colour if min(colour[:3]) < 200 else (150, 162, 176)

    def side(y: float) -> float:
        return 0.17 - 0.07 * y

    for i in range(5):
        y0, y1 = i * 0.15, (i + 1) * 0.15
        fill = band if i % 2 == 0 and band is colour else WHITE
        if band is not colour:
            fill = colour if i % 2 == 0 else lighten(band, 0.35)
        s.poly([(-side(y0), y0), (side(y0), y0), (side(y1), y1), (-side(y1), y1)], fill)
    s.poly([(0.04, 0.0), (0.17, 0.0), (0.118, 0.75), (0.04, 0.75)], (*darken(band, 0.6), 46))
    s.rect(-0.17, 0.74, 0.17, 0.775, INK)
    s.rect(-0.085, 0.775, 0.085, 0.9, (255, 232, 140))
    s.line([(0.0, 0.775), (0.0, 0.9)], 0.014, INK)
    s.poly([(-0.12, 0.895), (0.12, 0.895), (0.0, 1.0)], band)
    s.rect(-0.04, 0.0, 0.04, 0.1, darken(band, 0.55), 0.03)
    s.rect(-0.025, 0.36, 0.025, 0.42, INK)


def tent(s: Sprite, colour: Colour) -> None:
    s.shadow(0.95)
    s.line([(-0.7, 0.5), (-1.1, 0.0)], 0.02, lighten(WOOD, 0.4))
    s.poly([(-0.42, 1.0), (0.28, 0.96), (0.98, 0.0), (0.16, 0.0)], darken(colour, 0.22))
    s.shade([(-0.42, 1.0), (0.2, 0.0), (-1.0, 0.0)], lighten(colour, 0.16), colour)
    s.poly([(-0.42, 0.86), (-0.14, 0.0), (-0.62, 0.0)], (62, 44, 46))
    s.poly([(-0.42, 0.86), (-0.14, 0.0), (0.04, 0.0)], lighten(colour, 0.42))
    s.line([(-0.42, 1.0), (0.28, 0.96)], 0.03, lighten(colour, 0.3))


def cabin(s: Sprite, colour: Colour) -> None:
    s.rect(0.3, 0.66, 0.46, 1.0, (120, 92, 88))
    s.shade([(-0.62, 0.0), (0.62, 0.0), (0.62, 0.52), (-0.62, 0.52)], colour, darken(colour, 0.18))
    for y in (0.1, 0.2, 0.3, 0.4):
        s.line([(-0.6, y), (0.6, y)], 0.012, darken(colour, 0.3))
    s.poly([(-0.76, 0.46), (-0.42, 0.88), (0.42, 0.88), (0.76, 0.46)], darken(colour, 0.55))
    s.poly(
        [(-0.78, 0.5), (-0.44, 0.94), (0.44, 0.94), (0.78, 0.5), (0.66, 0.55), (0.2, 0.5), (-0.3, 0.56), (-0.66, 0.53)],
        (248, 250, 255),
    )
    s.rect(-0.13, 0.0, 0.13, 0.36, darken(colour, 0.6))
    for x in (-0.42, 0.28):
        s.rect(x, 0.16, x + 0.2, 0.36, (255, 220, 128))
        s.line([(x + 0.1, 0.16), (x + 0.1, 0.36)], 0.016, darken(colour, 0.5))
        s.line([(x, 0.26), (x + 0.2, 0.26)], 0.016, darken(colour, 0.5))


def balloon(s: Sprite, colour: Colour) -> None:
    """A hot-air balloon; its origin is under the basket."""
    for x in (-1, 1):
        s.line([(0.07 * x, 0.13), (0.2 * x, 0.36)], 0.012, (110, 84, 66))
    s.rect(-0.075, 0.0, 0.075, 0.14, WOOD, 0.02)
    shape = [
        (0.0, 1.0),
        (0.26, 0.92),
        (0.36, 0.7),
        (0.26, 0.46),
        (0.09, 0.28),
        (-0.09, 0.28),
        (-0.26, 0.46),
        (-0.36, 0.7),
        (-0.26, 0.92),
    ]
    s.blob(shape, colour)
    pale = lighten(colour, 0.55) if min(colour[:3]) < 200 else (196, 204, 216)
    for squeeze, fill in ((0.72, pale), (0.38, colour)):
        s.blob([(x * squeeze, y) for x, y in shape], fill)
    s.blob([(x, y) for x, y in shape if x > 0.05], (*darken(colour, 0.6), 34))
    s.poly([(-0.1, 0.3), (0.1, 0.3), (0.08, 0.26), (-0.08, 0.26)], darken(colour, 0.4))


def bicycle(s: Sprite, colour: Colour) -> None:
    s.shadow(0.9)
    tyre = (52, 52, 62)
    for x in (-0.55, 0.55):
        s.line(oval(x, 0.34, 0.31, 0.31), 0.06, tyre)
        for k in range(4):
            a = k * math.pi / 4
            s.line(
                [
                    (x - 0.28 * math.cos(a), 0.34 - 0.28 * math.sin(a)),
                    (x + 0.28 * math.cos(a), 0.34 + 0.28 * math.sin(a)),
                ],
                0.012,
                (160, 164, 172),
            )
        s.oval(x, 0.34, 0.04, 0.04, tyre)
    w = 0.085
    s.line([(-0.55, 0.34), (-0.2, 0.74), (-0.02, 0.34), (-0.55, 0.34)], w, colour)
    s.line([(-0.2, 0.74), (0.38, 0.76), (-0.02, 0.34)], w, colour)
    s.line([(0.55, 0.34), (0.36, 0.84), (0.34, 0.94)], w, colour)
    s.line([(-0.2, 0.74), (-0.24, 0.86)], 0.05, tyre)
    s.line([(-0.38, 0.88), (-0.12, 0.87)], 0.085, (96, 62, 48))
    s.curve([(0.24, 0.99), (0.34, 0.95), (0.5, 0.92), (0.48, 0.82)], 0.05, tyre)
    s.oval(-0.02, 0.34, 0.09, 0.09, tyre)
    s.line([(-0.08, 0.22), (0.05, 0.47)], 0.03, (160, 164, 172))


def van(s: Sprite, colour: Colour) -> None:
    """A round camper van, white above and coloured below."""
    s.shadow(1.05)
    top = WHITE if min(colour[:3]) < 200 else (206, 214, 220)
    s.blob(
        [
            (-0.98, 0.2),
            (-1.0, 0.6),
            (-0.88, 0.92),
            (-0.5, 1.0),
            (0.5, 1.0),
            (0.8, 0.92),
            (0.98, 0.56),
            (1.02, 0.24),
            (0.6, 0.16),
            (-0.6, 0.16),
        ],
        top,
    )
    s.blob(
        [(-1.0, 0.18), (-1.01, 0.56), (-0.4, 0.54), (0.5, 0.54), (0.98, 0.52), (1.03, 0.24), (0.6, 0.14), (-0.6, 0.14)],
        colour,
    )
    glass = (124, 172, 196)
    for x in (-0.82, -0.34, 0.14):
        s.rect(x, 0.6, x + 0.4, 0.86, glass, 0.06)
    s.poly([(0.62, 0.6), (0.9, 0.6), (0.78, 0.86), (0.62, 0.86)], glass)
    s.line([(-0.96, 0.36), (0.98, 0.36)], 0.03, lighten(colour, 0.5))
    s.rect(-0.7, 1.0, 0.3, 1.06, WOOD)
    s.rect(-0.5, 1.06, -0.1, 1.18, darken(colour, 0.35), 0.03)
    s.oval(0.96, 0.42, 0.06, 0.075, (255, 236, 160))
    for x in (-0.58, 0.58):
        s.oval(x, 0.16, 0.19, 0.19, INK)
        s.oval(x, 0.16, 0.09, 0.09, (206, 210, 216))
