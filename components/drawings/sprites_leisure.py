"""Things people take outdoors: umbrella, board, guitar, basket, kite, skis."""

import math

from components.drawings.colours import INK, WHITE, Colour, darken, lighten
from components.drawings.geometry import oval, spline
from components.drawings.sprite import Sprite

WOOD: Colour = (176, 124, 78)


def umbrella(s: Sprite, colour: Colour) -> None:
    """A beach umbrella with white panels and a towel beneath it."""
    s.shadow(0.6)
    s.poly([(0.1, 0.03), (0.62, 0.03), (0.72, -0.06), (0.12, -0.06)], lighten(colour, 0.4))
    s.line([(0.0, 0.0), (0.0, 0.95)], 0.03, (226, 214, 196))
    dome = oval(0.0, 0.62, 0.56, 0.36, 0, 0, 180, 33)
    s.poly(dome, colour)
    for a, b in ((36, 72), (108, 144)):
        panel = oval(0.0, 0.62, 0.56, 0.36, 0, a, b, 9).tolist()
        foot = [[math.cos(math.radians(end)) * 0.5, 0.62] for end in (b, a)]
        s.poly(panel + foot, WHITE)
    for x in (-0.448, -0.224, 0.0, 0.224, 0.448):
        s.oval(x, 0.62, 0.112, 0.05, WHITE if abs(abs(x) - 0.224) < 0.01 else colour)
    s.oval(0.0, 0.99, 0.028, 0.028, darken(colour, 0.3))


def surfboard(s: Sprite, colour: Colour) -> None:
    """Standing upright in the sand."""
    s.shadow(0.3)
    s.blob([(0.0, 1.0), (0.13, 0.8), (0.165, 0.45), (0.1, 0.02), (-0.1, 0.02), (-0.165, 0.45), (-0.13, 0.8)], colour)
    stripe = WHITE if min(colour[:3]) < 200 else (60, 120, 196)
    s.line([(0.0, 0.96), (0.0, 0.04)], 0.03, stripe)
    s.poly([(-0.165, 0.5), (0.165, 0.5), (0.16, 0.38), (-0.16, 0.38)], stripe)
    s.poly([(-0.16, 0.34), (0.16, 0.34), (0.155, 0.3), (-0.155, 0.3)], darken(colour, 0.35))
    s.oval(-0.08, 0.7, 0.018, 0.16, lighten(colour, 0.4))
    s.oval(0.0, 0.0, 0.2, 0.04, (206, 176, 132))


def guitar(s: Sprite, colour: Colour) -> None:
    """An acoustic guitar, upright; lean it with the sprite's angle."""
    s.shadow(0.35)
    s.line([(0.0, 0.4), (0.0, 0.92)], 0.062, darken(WOOD, 0.45))
    s.rect(-0.05, 0.88, 0.05, 1.02, darken(WOOD, 0.55), 0.02)
    for y in (0.91, 0.95, 0.99):
        for x in (-0.065, 0.065):
            s.oval(x, y, 0.016, 0.013, (230, 224, 210))
    body = [
        (0.0, 0.56),
        (0.14, 0.53),
        (0.165, 0.44),
        (0.13, 0.35),
        (0.21, 0.2),
        (0.17, 0.05),
        (0.0, 0.0),
        (-0.17, 0.05),
        (-0.21, 0.2),
        (-0.13, 0.35),
        (-0.165, 0.44),
        (-0.14, 0.53),
    ]
    s.blob([(x * 1.06, y * 1.03 - 0.01) for x, y in body], darken(colour, 0.45))
    s.blob(body, colour)
    s.oval(0.0, 0.33, 0.075, 0.075, darken(colour, 0.75))
    s.rect(-0.08, 0.13, 0.08, 0.165, darken(colour, 0.65))
    s.rect(-0.028, 0.38, 0.028, 0.9, darken(WOOD, 0.5))
    for x in (-0.014, 0.014):
        s.line([(x, 0.15), (x, 0.96)], 0.008, (240, 232, 214))


def picnic_basket(s: Sprite, colour: Colour) -> None:
    """Wicker, on a cloth in the colour, with bread and apples on top."""
    s.poly([(-1.0, 0.14), (0.8, 0.14), (1.15, -0.14), (-1.2, -0.14)], colour)
    for k in range(5):
        x = -0.9 + 0.42 * k
        s.poly(
            [(x, 0.14), (x + 0.17, 0.14), (x + 0.17 + 0.12 * (x + 0.2), -0.14), (x + 0.12 * (x - 0.2), -0.14)],
            (*WHITE, 150),
        )
    s.line(oval(0.0, 0.52, 0.5, 0.44, 0, 0, 180, 25), 0.07, darken(WOOD, 0.25))
    s.oval(-0.22, 0.66, 0.3, 0.1, (214, 150, 78), -14)
    s.oval(0.12, 0.64, 0.12, 0.12, (206, 52, 52))
    s.oval(0.32, 0.62, 0.11, 0.11, (112, 168, 70))
    s.poly([(-0.62, 0.6), (0.62, 0.6), (0.52, 0.04), (-0.52, 0.04)], WOOD)
    for y in (0.16, 0.3, 0.44):
        s.line([(-0.56, y), (0.56, y)], 0.03, darken(WOOD, 0.22))
    for x in (-0.36, -0.12, 0.12, 0.36):
        s.line([(x, 0.06), (x * 1.1, 0.58)], 0.025, darken(WOOD, 0.3))
    s.poly([(0.06, 0.64), (0.66, 0.64), (0.54, 0.3), (0.34, 0.42)], colour)
    s.line([(-0.64, 0.6), (0.64, 0.6)], 0.07, lighten(WOOD, 0.2))


def kite(s: Sprite, colour: Colour) -> None:
    """A diamond kite in the air; its tail hangs from the lower corner to the origin."""
    tail = spline([(0.0, 0.36), (0.1, 0.26), (-0.04, 0.16), (0.06, 0.04)], 7)
    s.line(tail, 0.018, INK)
    for x, y in ((0.09, 0.27), (-0.03, 0.17), (0.05, 0.06)):
        s.poly(
            [(x - 0.06, y + 0.03), (x + 0.06, y - 0.03), (x + 0.06, y + 0.03), (x - 0.06, y - 0.03)],
            lighten(colour, 0.3),
        )
    s.poly([(0.0, 1.0), (0.3, 0.74), (0.0, 0.34)], darken(colour, 0.16))
    s.poly([(0.0, 1.0), (-0.3, 0.74), (0.0, 0.34)], colour)
    s.poly([(0.0, 1.0), (-0.3, 0.74), (0.0, 0.74)], lighten(colour, 0.35))
    s.poly([(0.3, 0.74), (0.0, 0.74), (0.0, 0.34)], lighten(colour, 0.2))
    s.line([(0.0, 1.0), (0.0, 0.34)], 0.014, darken(colour, 0.5))


def skier(s: Sprite, colour: Colour) -> None:
    """A skier in a coloured suit, crouched, going right."""
    s.shadow(0.7)
    s.line([(-0.66, 0.06), (0.6, 0.0), (0.74, 0.06)], 0.045, darken(colour, 0.35))
    s.line([(-0.56, 0.12), (0.66, 0.06), (0.8, 0.12)], 0.045, INK)
    s.line([(-0.14, 0.42), (0.1, 0.3), (-0.06, 0.1)], 0.15, (52, 58, 84))
    s.line([(-0.08, 0.42), (0.18, 0.3), (0.06, 0.08)], 0.15, (64, 72, 104))
    s.line([(-0.02, 0.08), (0.14, 0.07)], 0.09, INK)
    s.blob([(-0.2, 0.44), (-0.12, 0.64), (0.08, 0.82), (0.28, 0.74), (0.2, 0.54), (0.02, 0.38)], colour)
    s.line([(0.16, 0.72), (0.3, 0.54), (0.46, 0.58)], 0.105, darken(colour, 0.15))
    s.line([(0.46, 0.6), (0.14, 0.34), (-0.5, 0.26)], 0.022, (70, 74, 90))
    s.oval(0.47, 0.59, 0.055, 0.055, INK)
    s.oval(0.28, 0.89, 0.115, 0.115, (236, 196, 164))
    s.oval(0.25, 0.92, 0.13, 0.12, colour, -10, -10, 185)
    s.line([(0.22, 0.9), (0.39, 0.89)], 0.06, (40, 52, 84))
    s.line([(0.06, 0.8), (-0.22, 0.84)], 0.06, WHITE)
