"""Colours as (r, g, b) or (r, g, b, alpha) in 0..255, and sums on them."""

import numpy as np

Colour = tuple[int, ...]
Stops = list[tuple[float, Colour]]
"""A gradient: (position 0..1, colour), in rising order."""

WHITE: Colour = (250, 248, 244)
INK: Colour = (34, 36, 52)

SUBJECT_COLOURS: dict[str, Colour] = {
    "red": (221, 52, 50),
    "orange": (242, 128, 36),
    "yellow": (248, 200, 48),
    "green": (58, 148, 84),
    "blue": (44, 104, 206),
    "white": (246, 244, 238),
    "brown": (142, 92, 56),
    "black": (48, 48, 58),
    "grey": (138, 144, 152),
    "pink": (238, 120, 160),
}
"""How each colour word of the vocabulary is painted."""


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """`a` with `share` (0..1) of `b` in it; keeps a's alpha."""
    s = min(max(share, 0.0), 1.0)
    return tuple(round(x + (y - x) * s) for x, y in zip(a[:3], b[:3], strict=True)) + a[3:]


def lighten(colour: Colour, share: float) -> Colour:
    """Towards white by `share`."""
    return mix(colour, (255, 255, 255), share)


def darken(colour: Colour, share: float) -> Colour:
    """Towards a cool dark by `share`: pure black looks dead in an illustration."""
    return mix(colour, (18, 20, 44), share)


def tint(colour: Colour, factors: tuple[float, float, float]) -> Colour:
    """Each channel times its factor: a surface under coloured light."""
    lit = tuple(min(255, max(0, round(c * f))) for c, f in zip(colour[:3], factors, strict=True))
    return lit + colour[3:]


def fade(colour: Colour, alpha: float) -> Colour:
    """The colour at `alpha` (0..1), times what alpha it has already."""
    own = colour[3] if len(colour) > 3 else 255
    return (*colour[:3], max(0, min(255, round(own * alpha))))


def jitter(rng: np.random.Generator, colour: Colour, amount: float = 10.0) -> Colour:
    """A neighbouring colour, so that no two pictures share a palette exactly."""
    shift = rng.normal(0, amount, 3) * 0.6 + rng.normal(0, amount) * 0.5
    return tuple(int(min(255, max(0, c + s))) for c, s in zip(colour[:3], shift, strict=True))
