"""The offline writer at work on one post: what is asked, the dice, and the words that were already used.

Reads `phrases.yaml`, which holds everything that the writer can say by itself.
"""

import functools
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import regex
import yaml

from components.chat.offline.brief import Brief, content_words

PHRASES = Path(__file__).parent / "phrases.yaml"
_SKIES = {
    "rain": r"rain|rainy|drizzle|wet|storm|stormy",
    "fog": r"fog|foggy|mist|misty",
    "snowfall": r"snowfall|snow falls|snowy (?:day|morning|night|sunset)|falling snow|snowing",
    "sunset": r"sunset|dusk|evening light",
    "night": r"night|starry|stars",
    "morning": r"morning|sunrise|dawn",
    "clouds": r"cloudy|clouds|overcast",
    "clear": r"sunny|clear|blue sky|daylight",
}
"""What a caption says about weather and light, the more telling first."""


@functools.cache
def phrases() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(PHRASES.read_text("utf-8"))
    return loaded


@dataclass
class Desk:
    """`said` are the content words of all lines so far, so that a post does not say a thing twice."""

    brief: Brief
    dice: random.Random
    said: set[str] = field(default_factory=set)

    def pick(
        self, options: Sequence[str], fits: Callable[[str], bool] = lambda line: True, needed: bool = False
    ) -> str | None:
        """An option that repeats nothing said before (if `needed`, rather one that does than none); the warmer, the
        further down the list it may stand."""
        reach = max(1, round(len(options) * self.brief.warmth))
        near = list(options[:reach])
        if self.brief.warmth > 0:
            self.dice.shuffle(near)
        for line in (*near, *options[reach:]):
            if fits(line) and not content_words(line) & self.said:
                return line
        return next(filter(fits, near), None) if needed else None

    def say(self, options: Sequence[str], needed: bool = False) -> str | None:
        return self.note(self.pick(options, needed=needed))

    def note(self, line: str | None) -> str | None:
        """`line`, remembered as said."""
        self.said |= content_words(line or "")
        return line

    def chance(self, probability: float) -> bool:
        return self.dice.random() < probability if self.brief.warmth > 0 else probability >= 0.5


def sky_of(brief: Brief) -> str | None:
    said = brief.caption or ""
    found = next((sky for sky, pattern in _SKIES.items() if regex.search(rf"\b(?:{pattern})\b", said)), None)
    if brief.scene in ("kitchen", "cafe", "concert") or " outside" in said:
        return "rain_outside" if found == "rain" else None
    return None if brief.scene == "city by night" and found == "night" else found
