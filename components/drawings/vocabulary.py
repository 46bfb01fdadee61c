"""The closed set of labels a drawing can carry, and which seeds serve which purpose."""

from components.drawings.subject import Subject
from components.drawings.subjects_urban import URBAN_SUBJECTS

SCENES = (
    "beach",
    "mountains",
    "forest",
    "snow",
    "desert",
    "field",
    "lake",
    "harbour",
    "city by day",
    "city by night",
    "stadium",
    "kitchen",
    "cafe",
    "concert",
)
TOPICS = ("travel", "nature", "food", "sport", "music", "city life", "animals")
SENTIMENTS = ("positive", "neutral", "negative")
LIGHTS = ("morning", "day", "sunset", "night")
WEATHERS = ("clear", "cloudy", "rain", "fog", "snowfall")

TRAIN_SEEDS = range(8_000_000)
VALIDATION_SEEDS = range(8_000_000, 8_500_000)
TEST_SEEDS = range(8_500_000, 9_000_000)
SAMPLE_SEEDS = range(9_000_000, 9_500_000)
"""The ranges do not meet, so no model is ever measured on, or shown off with, a picture it saw."""

_OUTDOOR: dict[str, tuple[Subject, ...]] = {
    "beach": (
        Subject("sailboat", "sailboats", "travel"),
        Subject("umbrella", "umbrellas", "travel", ("red", "yellow", "blue", "green", "orange")),
        Subject("surfboard", "surfboards", "sport"),
        Subject("dog", "dogs", "animals", ("brown", "black", "white")),
        Subject("guitar", "guitars", "music", ("red", "orange", "blue"), (1, 1, 2)),
        Subject("palm tree", "palm trees", "nature", ("green",)),
    ),
    "mountains": (
        Subject("tent", "tents", "travel"),
        Subject("goat", "goats", "animals", ("white", "brown", "grey")),
        Subject("balloon", "balloons", "travel"),
        Subject("bicycle", "bicycles", "sport", counts=(1, 1, 2)),
        Subject("flower", "flowers", "nature", ("red", "yellow", "blue", "white", "orange"), (2, 3)),
    ),
    "forest": (
        Subject("deer", "deer", "animals", ("brown",)),
        Subject("fox", "foxes", "animals", ("orange",)),
        Subject("mushroom", "mushrooms", "nature", ("red", "orange", "white")),
        Subject("tent", "tents", "travel"),
        Subject("picnic basket", "picnic baskets", "food", ("red", "yellow", "blue"), (1, 1, 2)),
        Subject("guitar", "guitars", "music", ("red", "orange", "blue"), (1, 1, 2)),
    ),
    "snow": (
        Subject("skier", "skiers", "sport", ("red", "yellow", "blue", "green", "orange")),
        Subject("sled", "sleds", "sport", ("red", "yellow", "blue", "green", "orange")),
        Subject("snowman", "snowmen", "nature", ("white",)),
        Subject("cabin", "cabins", "travel", ("red", "brown", "yellow", "blue"), (1, 1, 2)),
        Subject("fox", "foxes", "animals", ("orange",)),
        Subject("pine tree", "pine trees", "nature", ("green",)),
    ),
    "desert": (
        Subject("camel", "camels", "animals", ("brown",)),
        Subject("cactus", "cacti", "nature", ("green",)),
        Subject("van", "vans", "travel", counts=(1, 1, 2)),
        Subject("balloon", "balloons", "travel"),
        Subject("bicycle", "bicycles", "sport", counts=(1, 1, 2)),
    ),
    "field": (
        Subject("cow", "cows", "animals", ("brown", "white", "black")),
        Subject("horse", "horses", "animals", ("brown", "white", "black")),
        Subject("sunflower", "sunflowers", "nature", ("yellow",)),
        Subject("pumpkin", "pumpkins", "food", ("orange",)),
        Subject("kite", "kites", "sport", ("red", "yellow", "blue", "green", "orange")),
        Subject("guitar", "guitars", "music", ("red", "orange", "blue"), (1, 1, 2)),
    ),
    "lake": (
        Subject("kayak", "kayaks", "sport", ("red", "yellow", "blue", "green", "orange")),
        Subject("duck", "ducks", "animals", ("brown", "white", "yellow")),
        Subject("swan", "swans", "animals", ("white",)),
        Subject("rowing boat", "rowing boats", "travel"),
        Subject("water lily", "water lilies", "nature", ("pink", "white", "yellow")),
        Subject("picnic basket", "picnic baskets", "food", ("red", "yellow", "blue"), (1, 1, 2)),
    ),
    "harbour": (
        Subject("sailboat", "sailboats", "travel"),
        Subject("fishing boat", "fishing boats", "food", counts=(1, 1, 2)),
        Subject("lighthouse", "lighthouses", "travel", ("red", "blue", "white"), (1,)),
        Subject("seagull", "seagulls", "animals", ("white",)),
        Subject("bicycle", "bicycles", "city life", counts=(1, 1, 2)),
    ),
}

SUBJECTS: dict[str, tuple[Subject, ...]] = _OUTDOOR | URBAN_SUBJECTS
"""Scene to what can be its main object."""


def subject_of(scene: str, name: str) -> Subject:
    """The subject called `name` in a scene."""
    return next(s for s in SUBJECTS[scene] if s.name == name)
