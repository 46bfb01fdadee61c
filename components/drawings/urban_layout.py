"""Where the subjects of a built scene stand, and in which light."""

import numpy as np

from components.drawings.canvas import Canvas
from components.drawings.colours import SUBJECT_COLOURS
from components.drawings.light import Mood
from components.drawings.objects_urban import THINGS
from components.drawings.plan import Plan
from components.drawings.sprite import Light, Sprite

Spot = tuple[float, float, float]
"""x and y of the ground point, and the height."""


def spots(plan: Plan, rng: np.random.Generator, ground: float, room: float = 0.94) -> list[Spot]:
    """One spot per subject, side by side within `room` of the width and never overlapping.

    They stand alternately nearer and further, because a straight row looks like a shop window.
    """
    thing, n = THINGS[plan.subject], plan.count
    step = room / n
    tall = min(thing.tall * (1.0, 0.9, 0.8)[n - 1] * float(rng.uniform(0.98, 1.12)), step * 0.96 / thing.width)
    slack = max(0.0, step - tall * thing.width)
    near = float(rng.choice([-1.0, 1.0]))
    found = []
    for i in range(n):
        x = 0.5 - room / 2 + step * (i + 0.5) + float(rng.uniform(-0.4, 0.4)) * slack
        depth = 0.018 * near * (-1) ** i if n > 1 else 0.0
        found.append((x, ground + depth, tall * (1 + 1.6 * depth)))
    return sorted(found, key=lambda spot: spot[1])


def subject_light(mood: Mood, least: float = 0.86) -> Light:
    """The picture's light at half its tint and no darker than `least`.

    The subject's colour has to carry at any hour: white must not pass for orange at sunset.
    """
    brightest = max(mood.light)
    r, g, b = (max(least, brightest) * (0.5 + 0.5 * c / brightest) for c in mood.light)
    return (r, g, b)


def paint_subjects(
    canvas: Canvas,
    plan: Plan,
    rng: np.random.Generator,
    places: list[Spot],
    light: Light,
    dark: bool,
    turn: bool = True,
) -> None:
    """Draws the plan's subject at every place, all heading the same way."""
    flip = bool(rng.random() < 0.5) and turn
    colour = SUBJECT_COLOURS[plan.colour]
    for x, y, tall in places:
        THINGS[plan.subject].draw(Sprite(canvas, x, y, tall, light, flip), colour, dark)
