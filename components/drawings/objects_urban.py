"""Which function draws which subject of the built scenes, and how wide it is."""

from collections.abc import Callable
from dataclasses import dataclass

from components.drawings import objects_food as food
from components.drawings import objects_living as living
from components.drawings import objects_music as music
from components.drawings import objects_vehicles as vehicles
from components.drawings.colours import Colour
from components.drawings.sprite import Sprite


@dataclass(frozen=True)
class Thing:
    """A drawing function, the object's width for a height of 1, and how tall one alone stands."""

    draw: Callable[[Sprite, Colour, bool], None]
    width: float
    tall: float = 0.38


THINGS: dict[str, Thing] = {
    "bus": Thing(vehicles.bus, 1.85, 0.36),
    "tram": Thing(vehicles.tram, 1.95, 0.36),
    "taxi": Thing(vehicles.taxi, 2.3, 0.3),
    "food truck": Thing(vehicles.food_truck, 1.8, 0.38),
    "scooter": Thing(vehicles.scooter, 1.3, 0.38),
    "bicycle": Thing(vehicles.bicycle, 1.6, 0.38),
    "guitar": Thing(music.guitar, 0.55, 0.5),
    "saxophone": Thing(music.saxophone, 0.8, 0.48),
    "drum kit": Thing(music.drum_kit, 1.65, 0.4),
    "piano": Thing(music.piano, 1.6, 0.42),
    "drum": Thing(music.drum, 1.1, 0.36),
    "disco ball": Thing(music.disco_ball, 0.95, 0.38),
    "radio": Thing(music.radio, 1.45, 0.36),
    "pizza": Thing(food.pizza, 2.1, 0.32),
    "cake": Thing(food.cake, 1.2, 0.42),
    "fruit bowl": Thing(food.fruit_bowl, 1.4, 0.36),
    "coffee cup": Thing(food.coffee_cup, 1.3, 0.38),
    "croissant": Thing(food.croissant, 2.1, 0.28),
    "popcorn box": Thing(food.popcorn_box, 0.9, 0.42),
    "houseplant": Thing(food.houseplant, 1.0, 0.46),
    "laptop": Thing(food.laptop, 1.75, 0.36),
    "suitcase": Thing(food.suitcase, 0.85, 0.44),
    "cat": Thing(living.cat, 0.95, 0.4),
    "dog": Thing(living.dog, 0.85, 0.42),
    "pigeon": Thing(living.pigeon, 1.35, 0.32),
    "football": Thing(living.football, 1.05, 0.32),
    "runner": Thing(living.runner, 1.0, 0.46),
    "trophy": Thing(living.trophy, 0.95, 0.42),
}
"""Subject name to how it is drawn."""
