"""What a picture will show, decided from its seed before anything is drawn."""

from dataclasses import dataclass

import numpy as np

from components.drawings.vocabulary import SCENES, SUBJECTS

INDOORS = ("kitchen", "cafe", "concert")

_LIGHT_SHARES = {"morning": 0.22, "day": 0.36, "sunset": 0.24, "night": 0.18}
_WEATHER_SHARES = {"clear": 0.45, "cloudy": 0.2, "rain": 0.2, "fog": 0.15}
_FIXED_LIGHT = {"city by night": ("night",), "city by day": ("morning", "day", "sunset")}
_FIXED_WEATHER = {
    "desert": ("clear", "clear", "cloudy", "fog"),
    "snow": ("clear", "clear", "cloudy", "fog", "snowfall", "snowfall"),
    "kitchen": ("clear", "cloudy", "rain"),
    "cafe": ("clear", "cloudy", "rain"),
    "concert": ("clear",),
}
"""Where only some values make sense: a value is drawn evenly, repeats are weights.

Indoors the weather is what the window shows.
"""

_MOODS = {
    "clear": (0.66, 0.24, 0.10),
    "cloudy": (0.24, 0.48, 0.28),
    "rain": (0.10, 0.25, 0.65),
    "fog": (0.14, 0.36, 0.50),
    "snowfall": (0.46, 0.32, 0.22),
}
"""Weather to the shares of positive, neutral and negative."""


@dataclass(frozen=True)
class Plan:
    """The labels of one picture; the painter and the words both follow it."""

    seed: int
    scene: str
    light: str
    weather: str
    subject: str
    count: int
    colour: str
    topic: str
    sentiment: str


def _pick(rng: np.random.Generator, options: tuple[str, ...]) -> str:
    return options[int(rng.integers(len(options)))]


def _weighted(rng: np.random.Generator, shares: dict[str, float]) -> str:
    names = tuple(shares)
    weights = np.array([shares[name] for name in names])
    return names[int(rng.choice(len(names), p=weights / weights.sum()))]


def _sentiment(rng: np.random.Generator, scene: str, light: str, weather: str) -> str:
    """Weather decides most; golden light lifts a clear sky and a dark one lowers it a little."""
    positive, neutral, negative = _MOODS[weather]
    if scene == "concert":  # no weather to go by: concerts are mostly enjoyed
        positive, neutral, negative = 0.5, 0.25, 0.25
    if light == "sunset":
        positive += 0.12
    if light == "night" and scene not in ("concert", "city by night"):
        negative += 0.12
    shares = {"positive": positive, "neutral": neutral, "negative": negative}
    return _weighted(rng, shares)


def plan(seed: int, scene: str | None = None) -> Plan:
    """The plan of one seed; `scene` fixes the scene and leaves the rest to the seed."""
    rng = np.random.Generator(np.random.PCG64([seed, 1]))
    drawn = _pick(rng, SCENES)
    place = scene if scene is not None else drawn
    free = place not in _FIXED_LIGHT
    light = _weighted(rng, _LIGHT_SHARES) if free else _pick(rng, _FIXED_LIGHT[place])
    free = place not in _FIXED_WEATHER
    weather = _weighted(rng, _WEATHER_SHARES) if free else _pick(rng, _FIXED_WEATHER[place])
    subjects = SUBJECTS[place]
    subject = subjects[int(rng.integers(len(subjects)))]
    return Plan(
        seed=seed,
        scene=place,
        light=light,
        weather=weather,
        subject=subject.name,
        count=subject.counts[int(rng.integers(len(subject.counts)))],
        colour=_pick(rng, subject.colours),
        topic=subject.topic,
        sentiment=_sentiment(rng, place, light, weather),
    )
