"""Plants, snow things and other still objects, each 1 tall from the ground up."""

import math

from components.drawings.colours import INK, WHITE, Colour, darken, lighten, mix
from components.drawings.geometry import oval, spline
from components.drawings.sprite import Sprite

TRUNK: Colour = (122, 84, 60)
LEAF: Colour = (58, 132, 84)


def palm_tree(s: Sprite, colour: Colour) -> None:
    s.shadow(0.3)
    trunk = spline([(-0.06, 0.0), (-0.02, 0.3), (0.06, 0.55), (0.04, 0.8)])
    s.line(trunk, 0.055, TRUNK)
    for x, y in trunk[3::4].tolist():
        s.line([(x - 0.025, y), (x + 0.025, y + 0.01)], 0.012, darken(TRUNK, 0.35))
    crown = (0.04, 0.8)
    for k, (dx, dy, droop) in enumerate(
        (
            (-0.34, 0.06, 0.22),
            (0.34, 0.04, 0.22),
            (-0.24, 0.17, 0.12),
            (0.26, 0.16, 0.14),
            (0.02, 0.2, 0.0),
            (-0.22, -0.1, 0.12),
            (0.22, -0.12, 0.12),
        )
    ):
        tip = (crown[0] + dx * 1.25, crown[1] + dy - droop)
        bend = (crown[0] + dx * 0.62, crown[1] + dy + 0.06)
        upper = spline([crown, bend, tip], 8).tolist()
        lower = spline([tip, (bend[0] * 0.96, bend[1] - 0.13), crown], 8).tolist()
        s.poly(upper + lower, mix(colour, (150, 190, 70), 0.12 * (k % 3)) if k % 2 else darken(colour, 0.18))
    for x in (0.0, 0.07):
        s.oval(x, 0.775, 0.035, 0.035, darken(TRUNK, 0.3))


def pine_tree(s: Sprite, colour: Colour, snowy: bool = True) -> None:
    s.shadow(0.3)
    s.rect(-0.045, 0.0, 0.045, 0.16, TRUNK)
    deep = darken(colour, 0.25)
    for k in range(4):
        y, wide, tall = 0.1 + 0.2 * k, 0.34 - 0.065 * k, 0.34
        s.poly([(-wide, y), (wide, y), (0.0, y + tall)], deep)
        s.poly([(-wide, y), (wide * 0.25, y), (0.0, y + tall)], colour)
        if snowy:
            edge = [
                (-wide * 0.52, y + tall * 0.48),
                (-wide * 0.2, y + tall * 0.36),
                (0.05, y + tall * 0.5),
                (wide * 0.3, y + tall * 0.4),
                (wide * 0.52, y + tall * 0.48),
            ]
            s.poly([(0.0, y + tall), *edge], (246, 250, 255))


def leafy_tree(s: Sprite, colour: Colour) -> None:
    """A round-crowned tree for backgrounds."""
    s.shadow(0.32)
    s.poly([(-0.05, 0.0), (0.05, 0.0), (0.03, 0.5), (-0.03, 0.5)], TRUNK)
    for x, y, r in ((-0.16, 0.56, 0.2), (0.17, 0.58, 0.19), (0.0, 0.74, 0.25)):
        s.oval(x, y, r, r, darken(colour, 0.18))
    for x, y, r in ((-0.19, 0.62, 0.15), (0.08, 0.66, 0.14), (-0.05, 0.8, 0.18)):
        s.oval(x, y, r, r, colour)
    s.oval(-0.1, 0.86, 0.09, 0.08, lighten(colour, 0.15))


def cactus(s: Sprite, colour: Colour) -> None:
    s.shadow(0.35)
    for arm in ([(0.0, 0.42), (0.27, 0.42), (0.27, 0.74)], [(0.0, 0.3), (-0.25, 0.32), (-0.25, 0.6)]):
        s.line(spline(arm, 6), 0.125, darken(colour, 0.1))
    s.line([(0.0, 0.0), (0.0, 0.92)], 0.2, colour)
    for x in (-0.045, 0.045):
        s.line([(x, 0.02), (x, 0.92)], 0.014, darken(colour, 0.3))
    s.line([(-0.08, 0.1), (-0.08, 0.88)], 0.03, lighten(colour, 0.25))
    for x, y in ((0.0, 1.0), (0.27, 0.8), (-0.25, 0.66)):
        s.oval(x, y, 0.05, 0.04, (240, 110, 140))


def mushroom(s: Sprite, colour: Colour) -> None:
    s.shadow(0.45)
    s.blob([(-0.14, 0.02), (-0.12, 0.3), (-0.1, 0.56), (0.1, 0.56), (0.12, 0.3), (0.14, 0.02)], (240, 228, 206))
    s.oval(0.0, 0.5, 0.36, 0.07, (222, 204, 178))
    s.blob([(-0.5, 0.5), (-0.42, 0.78), (0.0, 1.0), (0.42, 0.78), (0.5, 0.5), (0.2, 0.46), (-0.2, 0.46)], colour)
    spot = WHITE if min(colour[:3]) < 200 else (214, 180, 150)
    for x, y, r in (
        (-0.24, 0.68, 0.07),
        (0.06, 0.82, 0.08),
        (0.28, 0.64, 0.06),
        (-0.02, 0.6, 0.05),
        (-0.38, 0.56, 0.04),
    ):
        s.oval(x, y, r, r * 0.8, spot)


def flower(s: Sprite, colour: Colour) -> None:
    """A large alpine flower with two leaves."""
    s.curve([(0.0, 0.0), (0.03, 0.3), (0.0, 0.66)], 0.05, LEAF)
    s.blob([(0.01, 0.12), (0.2, 0.34), (0.34, 0.36), (0.2, 0.16)], LEAF)
    s.blob([(0.01, 0.18), (-0.2, 0.36), (-0.3, 0.36), (-0.18, 0.2)], darken(LEAF, 0.2))
    for ring, fill in ((0.0, darken(colour, 0.16)), (30.0, colour)):
        for k in range(6):
            a = math.radians(60 * k + ring)
            s.oval(0.17 * math.cos(a), 0.72 + 0.17 * math.sin(a), 0.13, 0.085, fill, 60 * k + ring)
    s.oval(0.0, 0.72, 0.09, 0.09, (250, 206, 70) if colour[2] > 60 or colour[1] < 120 else (150, 84, 40))


def sunflower(s: Sprite, colour: Colour) -> None:
    s.curve([(0.0, 0.0), (0.03, 0.3), (0.0, 0.66)], 0.05, LEAF)
    s.blob([(0.02, 0.2), (0.2, 0.38), (0.38, 0.34), (0.22, 0.18)], LEAF)
    s.blob([(0.02, 0.32), (-0.16, 0.48), (-0.34, 0.42), (-0.2, 0.28)], darken(LEAF, 0.2))
    for ring, fill in ((0.0, mix(colour, (236, 130, 30), 0.5)), (11.0, colour)):
        for k in range(16):
            a = math.radians(22.5 * k + ring)
            s.oval(0.2 * math.cos(a), 0.74 + 0.2 * math.sin(a), 0.11, 0.042, fill, 22.5 * k + ring)
    s.oval(0.0, 0.74, 0.14, 0.14, (110, 66, 38))
    s.oval(0.0, 0.74, 0.08, 0.08, (76, 44, 32))


def water_lily(s: Sprite, colour: Colour) -> None:
    """A bloom on its leaf, seen from a low boat: wider than tall."""
    s.oval(0.0, 0.08, 1.15, 0.2, darken(LEAF, 0.1))
    s.oval(-0.1, 0.11, 0.9, 0.13, LEAF)
    for k, a in enumerate((-62, 62, -40, 40, -18, 18, 0)):
        r = math.radians(a)
        tip = (0.95 * math.sin(r), 0.2 + 0.8 * math.cos(r))
        side = (0.2 * math.cos(r), -0.2 * math.sin(r))
        middle = (tip[0] * 0.5, 0.12 + (tip[1] - 0.12) * 0.5)
        s.blob(
            [(0.0, 0.12), (middle[0] - side[0], middle[1] - side[1]), tip, (middle[0] + side[0], middle[1] + side[1])],
            lighten(colour, 0.1 * (k % 2) + 0.04 * k) if k < 6 else lighten(colour, 0.35),
        )
    s.oval(0.0, 0.24, 0.16, 0.12, (252, 204, 64))


def pumpkin(s: Sprite, colour: Colour) -> None:
    s.shadow(0.65)
    s.curve([(0.0, 0.78), (0.02, 0.92), (0.12, 1.0)], 0.1, (86, 112, 60))
    for x, wide, fill in ((-0.38, 0.26, 0.22), (0.38, 0.26, 0.28), (-0.2, 0.28, 0.08), (0.2, 0.28, 0.12)):
        s.oval(x, 0.42, wide, 0.4, darken(colour, fill))
    s.oval(0.0, 0.42, 0.24, 0.42, colour)
    s.oval(-0.1, 0.56, 0.06, 0.2, lighten(colour, 0.3))
    s.curve([(0.06, 0.84), (0.3, 0.98), (0.44, 0.86)], 0.03, LEAF)


def snowman(s: Sprite, colour: Colour) -> None:
    s.shadow(0.5)
    cool = mix(colour, (170, 194, 226), 0.55)
    for y, r in ((0.25, 0.27), (0.58, 0.2), (0.82, 0.14)):
        s.oval(0.0, y, r, r, cool)
        s.oval(-0.03, y + 0.025, r * 0.9, r * 0.9, colour)
    s.line([(-0.16, 0.6), (-0.42, 0.74)], 0.025, TRUNK)
    s.line([(0.16, 0.6), (0.42, 0.7)], 0.025, TRUNK)
    s.line([(-0.15, 0.715), (0.15, 0.715)], 0.07, (214, 60, 60))
    s.line([(0.1, 0.7), (0.14, 0.5)], 0.06, (190, 48, 52))
    s.poly([(0.0, 0.85), (0.24, 0.81), (0.0, 0.8)], (244, 138, 40))
    for x, y in ((-0.05, 0.88), (0.06, 0.88), (0.0, 0.62), (0.0, 0.53)):
        s.oval(x, y, 0.02, 0.02, INK)
    s.rect(-0.16, 0.93, 0.16, 0.955, INK)
    s.rect(-0.1, 0.94, 0.1, 1.08, INK)


def snow_sled(s: Sprite, colour: Colour) -> None:
    """A wooden-runner sled with a coloured seat."""
    s.shadow(1.1)
    s.curve([(-0.95, 0.05), (0.6, 0.05), (1.0, 0.25), (1.0, 0.6), (0.8, 0.66)], 0.09, (120, 78, 54))
    for x in (-0.6, 0.0, 0.55):
        s.line([(x, 0.08), (x, 0.5)], 0.07, (120, 78, 54))
    for k, y in enumerate((0.5, 0.62, 0.74)):
        s.rect(-0.95 + 0.06 * k, y - 0.05, 0.8, y + 0.06, colour if k != 1 else lighten(colour, 0.3), 0.05)
    s.curve([(0.9, 0.66), (1.2, 0.5), (1.3, 0.1)], 0.03, (210, 190, 160))


def campfire(s: Sprite) -> None:
    """Logs and flames, drawn with their own light."""
    s.canvas.glow(s.x, s.y - 0.3 * s.size, s.size * 2.6, (255, 170, 70), 0.6)
    s.line([(-0.4, 0.02), (0.4, 0.14)], 0.12, TRUNK)
    s.line([(0.4, 0.02), (-0.4, 0.14)], 0.12, darken(TRUNK, 0.2))
    for scale, fill in ((1.0, (240, 92, 40)), (0.68, (252, 160, 50)), (0.4, (255, 232, 140))):
        shape = [(0.0, 0.1), (0.3, 0.3), (0.16, 0.66), (0.04, 1.0), (-0.1, 0.62), (-0.28, 0.36)]
        flame = spline([(x * scale, 0.1 + (y - 0.1) * scale) for x, y in shape], 7, closed=True)
        s.canvas.polygon(s.place(flame), fill)  # fire is not dimmed by the night


def grass(s: Sprite, colour: Colour) -> None:
    """A tuft."""
    for k, lean in enumerate((-0.5, -0.25, 0.0, 0.25, 0.5)):
        s.poly(
            [(lean * 0.3 - 0.06, 0.0), (lean, 0.7 + 0.3 * (k % 2)), (lean * 0.3 + 0.06, 0.0)],
            darken(colour, 0.1 * (k % 3)),
        )


def reeds(s: Sprite, colour: Colour) -> None:
    for x, tall, lean in ((-0.2, 0.8, -0.1), (-0.08, 1.0, -0.02), (0.05, 0.9, 0.06), (0.18, 0.7, 0.14)):
        s.curve([(x, 0.0), (x + lean * 0.4, tall * 0.5), (x + lean, tall)], 0.03, colour)
        s.line([(x + lean, tall - 0.04), (x + lean * 1.1, tall + 0.08)], 0.06, TRUNK)


def bird(s: Sprite, colour: Colour) -> None:
    """A far bird in flight: two strokes."""
    for x in (-0.5, 0.5):
        s.line(oval(x, 0.0, 0.5, 0.32, 0, 10, 170, 9), 0.11, colour)
