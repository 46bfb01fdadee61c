"""Animals, people at sport, and what they play with; each is drawn in a Sprite one unit high."""

import math

from components.drawings.colours import INK, WHITE, Colour, darken, lighten
from components.drawings.geometry import oval
from components.drawings.sprite import Sprite

_SKIN: tuple[Colour, ...] = ((240, 194, 158), (196, 140, 100), (122, 80, 58))


def cat(s: Sprite, c: Colour, dark: bool) -> None:
    """A sitting cat, tail curled, looking at us."""
    s.shadow(0.45, 0.35)
    pale, deep = lighten(c, 0.45), darken(c, 0.28)
    s.curve([(0.2, 0.06), (0.46, 0.08), (0.54, 0.28), (0.44, 0.46)], 0.1, deep)
    s.blob([(-0.3, 0.02), (-0.32, 0.2), (-0.2, 0.5), (0, 0.62), (0.2, 0.5), (0.32, 0.2), (0.3, 0.02)], c)
    s.blob([(0.1, 0.02), (0.12, 0.36), (0.2, 0.5), (0.32, 0.2), (0.3, 0.02)], deep)
    s.blob([(-0.1, 0.1), (-0.13, 0.34), (0, 0.5), (0.13, 0.34), (0.1, 0.1)], pale)
    for x in (-0.12, 0.12):
        s.rect(x - 0.07, 0.0, x + 0.07, 0.26, c, 0.06)
        s.oval(x, 0.04, 0.085, 0.045, pale)
    for k in (-1, 1):
        s.poly([(k * 0.28, 0.74), (k * 0.27, 1.02), (k * 0.06, 0.9)], deep)
        s.poly([(k * 0.25, 0.8), (k * 0.245, 0.96), (k * 0.12, 0.88)], (236, 154, 150))
    s.oval(0, 0.72, 0.31, 0.235, c)
    for x in (-0.06, 0.0, 0.06):
        s.line([(x, 0.94), (x * 0.8, 0.86)], 0.025, deep)
    s.oval(0, 0.64, 0.14, 0.1, pale)
    for k in (-1, 1):
        s.oval(k * 0.13, 0.75, 0.065, 0.06, (206, 226, 96))
        s.oval(k * 0.13, 0.75, 0.025, 0.055, (20, 22, 30))
        s.line([(k * 0.12, 0.65), (k * 0.36, 0.67)], 0.01, WHITE)
        s.line([(k * 0.12, 0.63), (k * 0.35, 0.6)], 0.01, WHITE)
    s.poly([(-0.04, 0.69), (0.04, 0.69), (0, 0.645)], (220, 110, 116))


def dog(s: Sprite, c: Colour, dark: bool) -> None:
    """A sitting dog with hanging ears and a red collar."""
    s.shadow(0.42, 0.35)
    pale, deep = lighten(c, 0.5), darken(c, 0.35)
    s.curve([(0.22, 0.08), (0.42, 0.16), (0.48, 0.36)], 0.09, c)
    s.blob([(-0.28, 0.02), (-0.26, 0.3), (-0.15, 0.54), (0.13, 0.54), (0.28, 0.3), (0.32, 0.02)], c)
    s.oval(0.22, 0.12, 0.17, 0.13, deep)
    s.oval(-0.04, 0.32, 0.13, 0.18, pale)
    for x in (-0.15, 0.06):
        s.rect(x - 0.075, 0.0, x + 0.075, 0.32, c, 0.06)
        s.oval(x - 0.01, 0.04, 0.1, 0.05, pale)
    s.rect(-0.2, 0.5, 0.17, 0.58, (222, 54, 52), 0.03)
    s.oval(-0.02, 0.5, 0.04, 0.04, (250, 206, 80))
    s.oval(-0.02, 0.76, 0.26, 0.235, c)
    for k in (-1, 1):
        s.blob(
            [(-0.02 + k * 0.2, 0.96), (-0.02 + k * 0.36, 0.84), (-0.02 + k * 0.35, 0.6), (-0.02 + k * 0.24, 0.66)], deep
        )
    s.rect(-0.07, 0.68, 0.03, 0.97, pale, 0.04)
    s.oval(-0.02, 0.66, 0.155, 0.12, pale)
    s.oval(-0.02, 0.585, 0.05, 0.05, (232, 110, 120))
    s.oval(-0.02, 0.71, 0.065, 0.045, (28, 26, 34))
    for k in (-1, 1):
        s.oval(-0.02 + k * 0.125, 0.8, 0.04, 0.045, WHITE)
        s.oval(-0.02 + k * 0.12, 0.8, 0.03, 0.036, (28, 26, 34))


def pigeon(s: Sprite, c: Colour, dark: bool) -> None:
    """A plump pigeon heading right."""
    s.shadow(0.5, 0.35)
    deep = darken(c, 0.35)
    for x in (-0.04, 0.12):
        s.line([(x, 0.28), (x + 0.02, 0.03)], 0.035, (226, 96, 78))
        s.line([(x - 0.04, 0.02), (x + 0.12, 0.02)], 0.03, (226, 96, 78))
    s.poly([(-0.3, 0.44), (-0.78, 0.22), (-0.72, 0.36), (-0.34, 0.6)], deep)
    s.blob([(-0.46, 0.4), (-0.2, 0.64), (0.1, 0.74), (0.4, 0.66), (0.42, 0.42), (0.2, 0.24), (-0.14, 0.22)], c)
    s.blob([(0.08, 0.6), (0.14, 0.86), (0.3, 0.98), (0.46, 0.86), (0.46, 0.6), (0.3, 0.48)], darken(c, 0.22))
    s.blob([(0.12, 0.56), (0.2, 0.72), (0.42, 0.72), (0.44, 0.56), (0.3, 0.48)], (92, 158, 140))
    s.blob([(0.18, 0.68), (0.24, 0.76), (0.44, 0.75), (0.44, 0.68)], (150, 100, 170))
    s.blob([(-0.52, 0.36), (-0.22, 0.58), (0.08, 0.62), (0.14, 0.44), (-0.1, 0.32)], lighten(c, 0.3))
    s.line([(-0.34, 0.4), (0.02, 0.55)], 0.05, deep)
    s.line([(-0.22, 0.36), (0.08, 0.48)], 0.05, deep)
    s.poly([(0.45, 0.87), (0.6, 0.8), (0.45, 0.78)], (70, 62, 66))
    s.oval(0.34, 0.86, 0.045, 0.045, (246, 140, 50))
    s.oval(0.345, 0.86, 0.022, 0.022, INK)


def football(s: Sprite, c: Colour, dark: bool) -> None:
    """A ball of pentagons: one facing us, five cut by the rim."""
    s.shadow(0.5, 0.4)
    patch = INK if sum(c[:3]) > 330 else WHITE
    s.oval(0, 0.5, 0.5, 0.5, darken(c, 0.35))
    s.oval(-0.02, 0.52, 0.475, 0.475, c)
    turn = math.radians(100)
    for k in range(5):
        a = turn + k * math.tau / 5
        out = (0.42 * math.cos(a), 0.5 + 0.42 * math.sin(a))
        inner = (0.2 * math.cos(a), 0.5 + 0.2 * math.sin(a))
        s.line([inner, out], 0.025, patch)
        rim = [
            (r * math.cos(a + d), 0.5 + r * math.sin(a + d))
            for r, d in ((0.31, 0.0), (0.4, -0.32), (0.485, -0.25), (0.495, 0.0), (0.485, 0.25), (0.4, 0.32))
        ]
        s.poly(rim, patch)
        b = a + math.tau / 10
        s.line(
            [
                (0.4 * math.cos(a + 0.32), 0.5 + 0.4 * math.sin(a + 0.32)),
                (0.36 * math.cos(b), 0.5 + 0.36 * math.sin(b)),
                (0.4 * math.cos(a + math.tau / 5 - 0.32), 0.5 + 0.4 * math.sin(a + math.tau / 5 - 0.32)),
            ],
            0.02,
            patch,
        )
    s.poly(
        [(0.2 * math.cos(turn + k * math.tau / 5), 0.5 + 0.2 * math.sin(turn + k * math.tau / 5)) for k in range(5)],
        patch,
    )
    s.oval(-0.2, 0.74, 0.14, 0.08, (255, 255, 255, 90), 35)
    s.oval(0.06, 0.16, 0.34, 0.12, (10, 10, 40, 50))


def runner(s: Sprite, c: Colour, dark: bool) -> None:
    """A sprinter in a shirt of the subject's colour, mid-stride to the right."""
    s.shadow(0.4, 0.35)
    # The figure's skin follows where it stands, so a group is not one person repeated.
    skin = _SKIN[int(s.x * 97) % 3]
    shade = darken(skin, 0.15)
    shorts = INK if sum(c[:3]) > 300 else WHITE
    s.line([(0.12, 0.72), (0.32, 0.62), (0.46, 0.74)], 0.07, shade)
    s.line([(0.0, 0.42), (-0.2, 0.3), (-0.44, 0.36)], 0.095, shade)
    s.line([(-0.44, 0.38), (-0.5, 0.28)], 0.08, (240, 90, 60))
    s.line([(0.04, 0.42), (0.26, 0.32), (0.2, 0.06)], 0.1, skin)
    s.line([(0.19, 0.04), (0.32, 0.04)], 0.08, (240, 90, 60))
    s.line([(0.0, 0.44), (-0.14, 0.34)], 0.15, shorts)
    s.line([(0.02, 0.45), (0.2, 0.35)], 0.16, shorts)
    s.blob([(-0.1, 0.42), (-0.06, 0.62), (0.02, 0.79), (0.2, 0.8), (0.22, 0.66), (0.14, 0.42)], c)
    s.poly([(-0.05, 0.62), (0.2, 0.6), (0.19, 0.65), (-0.03, 0.67)], lighten(c, 0.6) if c[1] < 225 else (220, 60, 56))
    s.line([(0.08, 0.75), (-0.16, 0.68), (-0.22, 0.52)], 0.075, skin)
    s.rect(0.1, 0.76, 0.19, 0.84, shade)
    s.oval(0.17, 0.9, 0.1, 0.105, skin)
    s.blob([(0.06, 0.88), (0.06, 0.99), (0.16, 1.02), (0.26, 0.97), (0.16, 0.94)], (48, 34, 38))


def trophy(s: Sprite, c: Colour, dark: bool) -> None:
    """A cup with two handles on a plinth."""
    s.shadow(0.36, 0.4)
    deep = darken(c, 0.35)
    s.rect(-0.28, 0.0, 0.28, 0.13, (60, 46, 52), 0.02)
    s.rect(-0.12, 0.03, 0.12, 0.1, lighten(c, 0.4))
    s.rect(-0.2, 0.13, 0.2, 0.19, deep, 0.02)
    s.poly([(-0.06, 0.44), (0.06, 0.44), (0.14, 0.19), (-0.14, 0.19)], c)
    for k in (-1, 1):
        s.line(oval(k * 0.36, 0.74, 0.13, 0.16), 0.055, deep)
    s.poly([(-0.36, 0.96), (0.36, 0.96), (0.33, 0.66), (0.2, 0.48), (0, 0.42), (-0.2, 0.48), (-0.33, 0.66)], c)
    s.poly([(0.1, 0.96), (0.36, 0.96), (0.33, 0.66), (0.2, 0.48), (0.06, 0.43)], darken(c, 0.22))
    s.poly([(-0.28, 0.93), (-0.2, 0.93), (-0.16, 0.58), (-0.22, 0.6)], lighten(c, 0.65))
    s.rect(-0.39, 0.93, 0.39, 1.0, lighten(c, 0.3), 0.02)
    star = [
        (r * math.sin(k * math.pi / 5), 0.74 + r * math.cos(k * math.pi / 5))
        for k, r in ((k, 0.13 if k % 2 == 0 else 0.055) for k in range(10))
    ]
    s.poly(star, lighten(c, 0.75))
