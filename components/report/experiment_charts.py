"""Differences between arms become shapes: forest plots around no difference, each on the scale that it needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor

from components.experiments.differences import Difference

LEAST = 0.25
"""Points to each side that a scale has at least: a narrower one would make a hundredth look large."""


@dataclass(frozen=True, slots=True)
class Whisker:
    """One arm. What ends in `_x` is in per cent of the plot; `noise_x` to `noise_end_x`: what re-reading could make."""

    row: Difference
    label: str
    x: float
    low_x: float | None
    high_x: float | None
    noise_x: float | None
    noise_end_x: float | None


@dataclass(frozen=True, slots=True)
class Forest:
    """`low` to `high` in points of the rubric's scale; `zero_x`: where no difference lies."""

    title: str
    low: float
    high: float
    zero_x: float
    rows: tuple[Whisker, ...]
    missing: tuple[str, ...]


def ends_of(rows: Sequence[Difference]) -> tuple[float, float]:
    """The scale of one plot, in quarters of a point: all intervals, and no difference, lie in it."""
    ends = [end for row in rows for end in (row.difference, row.low, row.high) if end is not None]
    low, high = min([*ends, -LEAST]), max([*ends, LEAST])
    return floor(low * 4 - 0.2) / 4, ceil(high * 4 + 0.2) / 4


def forest(title: str, rows: Sequence[Difference]) -> Forest:
    low, high = ends_of(rows)

    def place(value: float | None) -> float | None:
        return None if value is None else 100 * (min(max(value, low), high) - low) / (high - low)

    known = [row for row in rows if row.difference is not None]
    return Forest(
        title, low, high, place(0.0) or 0.0,
        tuple(
            Whisker(
                row, row.arm, place(row.difference) or 0.0, place(row.low), place(row.high),
                place(None if row.noise is None else -row.noise), place(row.noise),
            )
            for row in known
        ),
        tuple(row.arm for row in rows if row.difference is None),
    )  # fmt: skip
