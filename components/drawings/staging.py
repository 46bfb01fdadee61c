"""Where the main objects stand, how large, and what happens around them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from components.drawings import sprites_animals as animals
from components.drawings import sprites_leisure as leisure
from components.drawings import sprites_nature as nature
from components.drawings import sprites_travel as travel
from components.drawings.canvas import Canvas
from components.drawings.colours import SUBJECT_COLOURS, Colour, darken, jitter, lighten
from components.drawings.effects import fog, puddles, rain, snowfall
from components.drawings.light import Mood
from components.drawings.people import person
from components.drawings.plan import Plan
from components.drawings.sprite import Sprite


@dataclass(frozen=True)
class Cast:
    """How one subject is drawn: by what, how tall (share of the picture), how wide for its height."""

    paint: Callable[[Sprite, Colour], None]
    height: float
    half_width: float
    lean: float = 0.0  # largest turn, in degrees


CAST: dict[str, Cast] = {
    "sailboat": Cast(travel.sailboat, 0.44, 0.46, 3),
    "umbrella": Cast(leisure.umbrella, 0.40, 0.6, 5),
    "surfboard": Cast(leisure.surfboard, 0.44, 0.2, 9),
    "dog": Cast(animals.dog, 0.32, 0.72),
    "guitar": Cast(leisure.guitar, 0.46, 0.26, 13),
    "palm tree": Cast(nature.palm_tree, 0.60, 0.42),
    "tent": Cast(travel.tent, 0.28, 1.05),
    "goat": Cast(animals.goat, 0.34, 0.58),
    "balloon": Cast(travel.balloon, 0.42, 0.38),
    "bicycle": Cast(travel.bicycle, 0.32, 0.88),
    "flower": Cast(nature.flower, 0.44, 0.34, 8),
    "deer": Cast(animals.deer, 0.44, 0.46),
    "fox": Cast(animals.fox, 0.31, 0.92),
    "mushroom": Cast(nature.mushroom, 0.34, 0.52, 5),
    "picnic basket": Cast(leisure.picnic_basket, 0.28, 1.15),
    "skier": Cast(leisure.skier, 0.36, 0.78, 6),
    "sled": Cast(nature.snow_sled, 0.24, 1.15, 4),
    "snowman": Cast(nature.snowman, 0.40, 0.44),
    "cabin": Cast(travel.cabin, 0.36, 0.8),
    "pine tree": Cast(nature.pine_tree, 0.52, 0.36),
    "camel": Cast(animals.camel, 0.40, 0.7),
    "cactus": Cast(nature.cactus, 0.48, 0.36),
    "van": Cast(travel.van, 0.29, 1.05),
    "cow": Cast(animals.cow, 0.34, 0.74),
    "horse": Cast(animals.horse, 0.40, 0.62),
    "sunflower": Cast(nature.sunflower, 0.54, 0.38, 6),
    "pumpkin": Cast(nature.pumpkin, 0.30, 0.66),
    "kite": Cast(leisure.kite, 0.46, 0.34, 24),
    "kayak": Cast(travel.kayak, 0.24, 1.02),
    "duck": Cast(animals.duck, 0.28, 0.78),
    "swan": Cast(animals.swan, 0.34, 0.66),
    "rowing boat": Cast(travel.rowing_boat, 0.25, 1.05),
    "water lily": Cast(nature.water_lily, 0.24, 1.15),
    "fishing boat": Cast(travel.fishing_boat, 0.36, 0.82),
    "lighthouse": Cast(travel.lighthouse, 0.60, 0.2),
    "seagull": Cast(animals.seagull, 0.32, 0.8),
}
_SHARE = {1: 1.0, 2: 0.82, 3: 0.68}


@dataclass(frozen=True)
class Spot:
    """One place to stand: the ground point and the height there."""

    x: float
    y: float
    size: float


def spots(cast: Cast, count: int, y: float, rng: np.random.Generator, depth: float = 0.05) -> list[Spot]:
    """Places for `count` objects around ground level `y`, far ones first and a little smaller."""
    room = 0.96 / count
    size = min(cast.height * _SHARE[count], room / (1.86 * cast.half_width)) * float(rng.uniform(0.92, 1.05))
    reach = min(cast.half_width * size, 0.47)
    if count == 1:
        x = float(rng.uniform(0.28, 0.72))
        return [Spot(min(max(x, reach + 0.02), 0.98 - reach), y, size)]
    slack = max(0.0, room / 2 - reach)
    found = []
    for i in range(count):
        x = 0.02 + room * (i + 0.5) + float(rng.uniform(-0.6, 0.6)) * slack
        away = float(rng.uniform(-1, 1)) if count > 1 else 0.0
        found.append(Spot(x, y + away * depth, size * (1 + 0.12 * away)))
    return sorted(found, key=lambda spot: spot.y)


def act(
    canvas: Canvas,
    plan: Plan,
    mood: Mood,
    rng: np.random.Generator,
    y: float,
    depth: float = 0.05,
    water: bool = False,
) -> list[Spot]:
    """Draw the plan's subjects around ground (or water) level `y`; returns where they stand."""
    cast = CAST[plan.subject]
    colour = jitter(rng, SUBJECT_COLOURS[plan.colour], 5)
    flip = bool(rng.random() < 0.5)
    # The subject keeps more of its own colour than its surroundings, or it sinks into the night.
    light = (0.5 + 0.5 * mood.light[0], 0.5 + 0.5 * mood.light[1], 0.5 + 0.5 * mood.light[2])
    places = spots(cast, plan.count, y, rng, depth)
    for spot in places:
        angle = float(rng.uniform(-1, 1)) * cast.lean
        turned = flip if rng.random() < 0.75 else not flip
        if water:
            canvas.shadow(spot.x, spot.y, cast.half_width * spot.size, 0.015, 0.35)
        cast.paint(Sprite(canvas, spot.x, spot.y, spot.size, light, turned, angle), colour)
        if water:
            reach = cast.half_width * spot.size * 1.25
            canvas.reflect(spot.y, spot.size * 0.6, 0.5, 0.004, 30, spot.x - reach, spot.x + reach)
            ripples(canvas, rng, spot, reach, mood.haze)
    return places


def ripples(canvas: Canvas, rng: np.random.Generator, spot: Spot, reach: float, colour: Colour) -> None:
    """Light strokes on the water around what floats there."""
    for _ in range(5):
        x, y = spot.x + float(rng.uniform(-1, 1)) * reach, spot.y + float(rng.uniform(0.0, 0.06))
        wide = float(rng.uniform(0.2, 0.5)) * reach
        canvas.line([(x - wide, y), (x + wide, y)], 0.0045, (*lighten(colour, 0.4), 150))


def birds(canvas: Canvas, rng: np.random.Generator, colour: Colour, top: float, bottom: float) -> None:
    """A few far birds in the sky."""
    cx, cy = float(rng.uniform(0.2, 0.8)), float(rng.uniform(top, bottom))
    for _ in range(int(rng.integers(3, 6))):
        x, y = cx + float(rng.normal(0, 0.08)), cy + float(rng.normal(0, 0.04))
        nature.bird(Sprite(canvas, x, y, float(rng.uniform(0.014, 0.024))), colour)


def story(
    canvas: Canvas,
    plan: Plan,
    mood: Mood,
    rng: np.random.Generator,
    taken: list[Spot],
    y: float,
    tall: float = 0.22,
) -> None:
    """What tells the mood: a cheering or a slumped person at the side, birds, lightning."""
    reach = CAST[plan.subject].half_width if plan.subject in CAST else 0.5
    edges = [(s.x - reach * s.size, s.x + reach * s.size) for s in taken]
    free = [x for x in (0.09, 0.91) if all(x < a - 0.05 or x > b + 0.05 for a, b in edges)]
    chance = rng.random()
    sprite = Sprite(
        canvas, free[int(rng.integers(len(free)))] if free else 0.0, y, tall, mood.light, bool(rng.random() < 0.5)
    )
    if plan.sentiment == "positive":
        if not mood.dark:
            birds(canvas, rng, darken(mood.haze, 0.55), 0.08, 0.3)
        if free and chance < 0.75:
            sprite.shadow(0.2)
            person(sprite, rng, "stand", "up" if chance < 0.5 else "wave")
    elif plan.sentiment == "negative":
        if free and chance < 0.75:
            sprite.shadow(0.2)
            person(sprite, rng, "stand", "sad", (92, 98, 116), (58, 62, 78))
    elif free and chance < 0.2:
        sprite.shadow(0.2)
        person(sprite, rng, "walk", "swing")


def lightning(canvas: Canvas, rng: np.random.Generator, bottom: float) -> None:
    """A forked flash down to the horizon."""
    x = float(rng.uniform(0.2, 0.8))
    steps = 7
    path = [(x + float(rng.normal(0, 0.03)) + 0.02 * i, bottom * (0.12 + 0.88 * i / steps)) for i in range(steps + 1)]
    canvas.glow(path[3][0], path[3][1], 0.35, (220, 226, 255), 0.45)
    canvas.line(path, 0.008, (250, 250, 255))
    canvas.line([path[3], (path[3][0] - 0.06, path[4][1]), (path[3][0] - 0.08, path[5][1])], 0.005, (240, 244, 255))


def weather_over(canvas: Canvas, plan: Plan, mood: Mood, rng: np.random.Generator, ground: float = 0.6) -> None:
    """The weather between the picture and the eye; `ground` is where the mist lies."""
    if plan.weather == "rain":
        rain(canvas, rng, (190, 204, 226) if mood.dark else (228, 236, 246))
    elif plan.weather == "fog":
        fog(canvas, rng, lighten(mood.haze, 0.12), 0.48 if mood.dark else 0.62, ground, 0.3)
    elif plan.weather == "snowfall":
        snowfall(canvas, rng)


def storm(canvas: Canvas, plan: Plan, rng: np.random.Generator, horizon: float) -> None:
    """Lightning behind the land, in some of the rainy pictures of a bad mood."""
    if plan.weather == "rain" and plan.sentiment == "negative" and rng.random() < 0.6:
        lightning(canvas, rng, horizon)


def wet_ground(canvas: Canvas, plan: Plan, mood: Mood, rng: np.random.Generator, top: float) -> None:
    """Puddles where it rains."""
    if plan.weather == "rain":
        puddles(canvas, rng, top, mood.haze)
