"""Differences between arms become shapes: forest plots around no difference, on one scale for all of a page."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from components.experiments.tables import Difference

LEAST = 0.5
"""A scale narrower than that would make a hundredth look large."""


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


def span_of(rows: Sequence[Difference]) -> float:
    """Half the width of the scale that all plots of a page share, in half points."""
    ends = [abs(end) for row in rows for end in (row.difference, row.low, row.high) if end is not None]
    return max(ceil(max(ends, default=0) * 2 + 1e-9) / 2, LEAST)


def forest(title: str, rows: Sequence[Difference], span: float) -> Forest:
    def place(value: float | None) -> float | None:
        return None if value is None else 100 * (min(max(value, -span), span) + span) / (2 * span)

    known = [row for row in rows if row.difference is not None]
    return Forest(
        title, -span, span, 50.0,
        tuple(
            Whisker(
                row, row.arm, place(row.difference) or 0.0, place(row.low), place(row.high),
                place(None if row.noise is None else -row.noise), place(row.noise),
            )
            for row in known
        ),
        tuple(row.arm for row in rows if row.difference is None),
    )  # fmt: skip
