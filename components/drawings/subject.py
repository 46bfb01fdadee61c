"""What a picture can be about."""

from dataclasses import dataclass

BRIGHT = ("red", "yellow", "blue", "white", "green", "orange")
"""The colours a subject takes unless its own nature says otherwise."""


@dataclass(frozen=True)
class Subject:
    """One kind of main object: its name, the topic it implies, the colours it comes in."""

    name: str
    plural: str
    topic: str
    colours: tuple[str, ...] = BRIGHT
    counts: tuple[int, ...] = (1, 1, 2, 3)  # drawn from evenly: repeats are weights
