"""The words that go with a picture: its reference captions and its author's own text."""

import numpy as np

from components.drawings.captions import captions, things
from components.drawings.phrases import (
    EMOJI,
    FRAMES,
    MENTIONS,
    SAYS_NOTHING,
    SKIES,
    TAGS,
    THINGS,
)
from components.drawings.plan import INDOORS, Plan

__all__ = ["accompanying_text", "captions"]

SILENT_SHARE = 0.10
"""Share of texts that say nothing."""


def _pick(rng: np.random.Generator, options: tuple[str, ...]) -> str:
    return options[int(rng.integers(len(options)))]


def _told(plan: Plan, rng: np.random.Generator) -> str:
    """The frame of the sentiment around a thing of the topic."""
    thing = _pick(rng, THINGS[plan.topic])
    return _pick(rng, FRAMES[plan.sentiment]).format(thing=thing, Thing=thing[0].upper() + thing[1:])


def _seen(plan: Plan, rng: np.random.Generator) -> str:
    """A sentence on what is in the picture."""
    what = things(plan)
    capital = what[0].upper() + what[1:]
    forms = (
        f"{capital}, right in front of me.",
        f"In the picture: {what}.",
        f"You can spot {what}.",
        f"{capital} included.",
    )
    return _pick(rng, forms)


def accompanying_text(plan: Plan, rng: np.random.Generator) -> str:
    """What the author wrote under the picture: 0 to about 30 words.

    Topic and sentiment can be read from it, except in the share that says nothing.
    """
    if rng.random() < SILENT_SHARE:
        return _pick(rng, SAYS_NOTHING)
    parts = [_told(plan, rng)]
    if rng.random() < 0.3:
        parts.insert(int(rng.integers(2)), _seen(plan, rng))
    if plan.scene not in INDOORS and rng.random() < 0.3:
        parts.append(_pick(rng, SKIES[plan.sentiment][plan.weather]))
    if rng.random() < 0.12:
        parts.append(f"With {_pick(rng, MENTIONS)}.")
    text = " ".join(parts)
    if rng.random() < 0.15:
        text = text.lower().rstrip(".")
    if rng.random() < 0.4:
        text += " " + _pick(rng, EMOJI[plan.sentiment])
    if rng.random() < 0.35:
        tags = TAGS[plan.topic]
        start = int(rng.integers(len(tags)))
        text += " " + " ".join((tags * 2)[start : start + int(rng.integers(1, 3))])
    return text
