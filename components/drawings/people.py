"""Simple stylised people, for scale and for a story."""

import numpy as np

from components.drawings.colours import Colour, darken
from components.drawings.sprite import Sprite

SKINS: tuple[Colour, ...] = ((246, 208, 178), (224, 172, 134), (176, 122, 86), (112, 74, 54))
HAIRS: tuple[Colour, ...] = ((48, 36, 34), (92, 58, 38), (196, 148, 82), (150, 148, 150))
CLOTHES: tuple[Colour, ...] = (
    (212, 92, 82),
    (70, 124, 178),
    (240, 190, 84),
    (92, 150, 120),
    (136, 104, 168),
    (230, 226, 214),
)

_LEGS = {  # hip to foot, as (knee, foot) for the left and the right leg
    "stand": (((-0.05, 0.24), (-0.06, 0.0)), ((0.05, 0.24), (0.06, 0.0))),
    "walk": (((-0.06, 0.25), (-0.14, 0.02)), ((0.08, 0.25), (0.10, 0.0))),
    "run": (((-0.06, 0.26), (-0.24, 0.16)), ((0.13, 0.30), (0.14, 0.04))),
    "sit": (((0.12, 0.46), (0.14, 0.2)), ((0.15, 0.44), (0.17, 0.2))),
}
_ARMS = {  # shoulder to hand, as (elbow, hand) for both arms
    "down": (((-0.15, 0.62), (-0.14, 0.46)), ((0.15, 0.62), (0.14, 0.46))),
    "up": (((-0.20, 0.84), (-0.20, 1.02)), ((0.20, 0.84), (0.20, 1.02))),
    "wave": (((-0.15, 0.62), (-0.14, 0.46)), ((0.20, 0.84), (0.24, 1.0))),
    "swing": (((-0.15, 0.62), (-0.06, 0.54)), ((0.13, 0.62), (0.22, 0.66))),
    "reach": (((0.10, 0.66), (0.24, 0.64)), ((0.14, 0.64), (0.28, 0.60))),
    "sad": (((-0.10, 0.58), (-0.06, 0.44)), ((0.10, 0.58), (0.06, 0.44))),
}


def person(
    sprite: Sprite,
    rng: np.random.Generator,
    pose: str = "stand",
    arms: str = "down",
    shirt: Colour | None = None,
    trousers: Colour | None = None,
    hat: Colour | None = None,
) -> None:
    """A person standing at the sprite's origin, 1 tall; looks right unless the sprite is flipped.

    Poses: stand, walk, run, sit (hip at 0.46); arms: down, up, wave, swing, reach, sad.
    """
    skin = SKINS[int(rng.integers(len(SKINS)))]
    hair = HAIRS[int(rng.integers(len(HAIRS)))]
    top = shirt or CLOTHES[int(rng.integers(len(CLOTHES)))]
    legs = trousers or ((52, 58, 84), (88, 76, 72), (60, 84, 110))[int(rng.integers(3))]
    (left, right), head_drop = _ARMS[arms], 0.03 if arms == "sad" else 0.0
    for knee, foot in _LEGS[pose]:
        sprite.line([(0.0, 0.47), knee, foot], 0.095, legs)
        sprite.line([foot, (foot[0] + 0.05, foot[1] - 0.005)], 0.05, darken(legs, 0.5))
    elbow, hand = left
    sprite.line([(-0.08, 0.76), elbow, hand], 0.07, darken(top, 0.18))
    sprite.oval(hand[0], hand[1], 0.04, 0.04, skin)
    sprite.blob([(-0.12, 0.79), (0.12, 0.79), (0.10, 0.6), (0.10, 0.43), (-0.10, 0.43), (-0.10, 0.6)], top)
    elbow, hand = right
    sprite.line([(0.08, 0.76), elbow, hand], 0.07, darken(top, 0.08))
    sprite.oval(hand[0], hand[1], 0.04, 0.04, skin)
    sprite.rect(-0.035, 0.76, 0.035, 0.86, darken(skin, 0.12))
    head = 0.905 - head_drop
    sprite.oval(0.01 + head_drop, head, 0.085, 0.095, skin)
    sprite.oval(-0.01 + head_drop, head + 0.03, 0.095, 0.075, hair, 0, -14, 190)
    if hat:
        sprite.oval(0.0, head + 0.04, 0.095, 0.085, hat, 0, 0, 180)
        sprite.oval(0.0, head + 0.13, 0.03, 0.03, hat)
