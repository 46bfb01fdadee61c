"""Boxes around parts of a picture: which of them are worth a look, with some surroundings.

Read and written: shares of the picture's width and height, (left, top, right, bottom), as features store them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

Box = tuple[float, float, float, float]

SMALLEST_SIDE = 0.1
"""Of the picture's."""
LARGEST_AREA = 0.7
"""From here on a part is nearly the whole, and its caption would say the picture's again."""
PADDING = 0.08
"""Of the part's own sides, on each side: what a thing stands on helps to name it."""
MOST_OVERLAP = 0.4
"""Intersection over union from which two boxes are of one thing."""
MOST_INSIDE = 0.8
"""Share of the smaller box inside the larger from which it is a part of the part."""


@dataclass(frozen=True)
class Part:
    """`label` says what it is, in words; `score` lies in 0 to 1 and says how much it stands out or is that thing."""

    label: str
    score: float
    box: Box


def settle(found: Sequence[Part], width: int, height: int, keep: int, least: float = 0) -> list[Part]:
    """At most `keep` of `found` for a picture of so many pixels, best first: padded, at least `least` pixels wide
    and high, not nearly all of the picture, each of another place. Scores have 6 digits, boxes 4."""
    kept: list[Part] = []
    # By place where scores are equal: the order in which a model lists its boxes is not part of the answer.
    for part in sorted(found, key=lambda part: (-round(part.score, 6), part.box, part.label)):
        box = padded(part.box)
        sides = (box[2] - box[0], box[3] - box[1])
        if min(sides) < SMALLEST_SIDE or min(sides[0] * width, sides[1] * height) < least:
            continue
        if sides[0] * sides[1] > LARGEST_AREA or any(same_place(box, other.box) for other in kept):
            continue
        kept.append(replace(part, score=round(min(1.0, max(0.0, part.score)), 6), box=box))
        if len(kept) == keep:
            break
    return kept


def padded(box: Box) -> Box:
    """With some surroundings, inside the picture."""
    left, top, right, bottom = box
    x, y = (right - left) * PADDING, (bottom - top) * PADDING
    wide = (max(0.0, left - x), max(0.0, top - y), min(1.0, right + x), min(1.0, bottom + y))
    return (round(wide[0], 4), round(wide[1], 4), round(wide[2], 4), round(wide[3], 4))


def same_place(one: Box, other: Box) -> bool:
    """Whether two boxes overlap so much, or one holds so much of the other, that both show one thing."""
    shared = max(0.0, min(one[2], other[2]) - max(one[0], other[0])) * max(
        0.0, min(one[3], other[3]) - max(one[1], other[1])
    )
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return shared > MOST_OVERLAP * (sum(areas) - shared) or shared > MOST_INSIDE * min(areas)


def pixels_of(box: Box, width: int, height: int) -> tuple[int, int, int, int]:
    """The box in whole pixels of a picture, at least one wide and high."""
    left, top = min(width - 1, round(box[0] * width)), min(height - 1, round(box[1] * height))
    return left, top, max(left + 1, round(box[2] * width)), max(top + 1, round(box[3] * height))
