"""Numbers become shapes: bars and intervals as plain figures that the templates draw. Every chart carries its n."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from math import ceil, floor
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from components.statistics import Mean, differs, mean_with_interval


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a histogram; positions and sizes in per cent of the plot."""

    label: str
    n: int
    x: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Histogram:
    """`mean`, `low` and `high` in the data's unit; what ends in `_x` is in per cent of the plot."""

    title: str
    n: int
    columns: tuple[Column, ...]
    mean: float | None = None
    low: float | None = None
    high: float | None = None
    mean_x: float | None = None
    low_x: float | None = None
    high_x: float | None = None
    limit: int | None = None
    limit_x: float | None = None
    ticks: tuple[tuple[float, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Bar:
    label: str
    n: int
    share: float
    width: float


@dataclass(frozen=True, slots=True)
class Interval:
    """A group's mean with its interval; positions in per cent of the scale. `level`: no further from the best group
    than the judge's noise."""

    label: str
    n: int
    mean: float
    low: float | None
    high: float | None
    x: float
    low_x: float | None
    high_x: float | None
    level: bool = False


def scores(title: str, values: ArrayLike, low: float, high: float) -> Histogram:
    """Scores in columns around each whole number of the scale; the mean with its 95 % interval above them."""
    first, last = floor(low), ceil(high)
    slots = last - first + 1
    known = np.asarray(values, dtype=np.float64)
    marks = np.clip(np.floor(known + 0.5), first, last).astype(np.int64)
    found = np.bincount(marks - first, minlength=slots).tolist()
    most = max(1, *found)
    columns = tuple(
        Column(str(first + n), found[n], 100 * n / slots, 100 / slots, 100 * found[n] / most) for n in range(slots)
    )
    mean = mean_with_interval(known)

    def place(value: float | None) -> float | None:
        return None if value is None else 100 * (value - first + 0.5) / slots

    return Histogram(
        title, len(known), columns, mean["mean"], mean["low"], mean["high"],
        place(mean["mean"]), place(mean["low"]), place(mean["high"]),
        ticks=tuple((column.x + column.width / 2, column.label) for column in columns),
    )  # fmt: skip


def lengths(title: str, values: ArrayLike, limit: int | None) -> Histogram:
    """Lengths of posts in about twenty columns, with the platform's limit where it is not far away."""
    known = np.asarray(values, dtype=np.int64)
    longest = int(known.max(initial=0))
    near = limit is not None and limit <= 4 * max(longest, 1)
    end = max(longest, limit or 0) if near else longest
    step = _round_step(max(end, 1) / 20)
    slots = max(1, end // step + 1)
    found = np.bincount(known // step, minlength=slots).tolist()
    most = max(1, *found)
    columns = tuple(
        Column(f"{n * step} to {(n + 1) * step - 1}", found[n], 100 * n / slots, 100 / slots, 100 * found[n] / most)
        for n in range(slots)
    )
    marks = _round_step(slots * step / 5)
    mean = mean_with_interval(known)
    return Histogram(
        title,
        len(known),
        columns,
        mean["mean"],
        mean["low"],
        mean["high"],
        limit=limit,
        limit_x=100 * limit / (slots * step) if near and limit else None,
        ticks=tuple((100 * mark / (slots * step), f"{mark:,}") for mark in range(0, slots * step, marks)),
    )


def counts(values: Iterable[str | None], most: int = 16) -> list[Bar]:
    """How often each value occurs, most frequent first; the tail is put together."""
    found = Counter("none found" if pd.isna(value) else value for value in values)
    total = sum(found.values())
    ranked = sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))
    if len(ranked) > most:
        rest = ranked[most - 1 :]
        ranked = [*ranked[: most - 1], (f"{len(rest)} others", sum(n for _, n in rest))]
    top = max((n for _, n in ranked), default=1)
    return [Bar(label, n, n / total, 100 * n / top) for label, n in ranked]


Floor = Callable[[int, int], float | None]


def by_group(
    labels: "pd.Series[Any]",
    scores: "pd.Series[Any]",
    low: float,
    high: float,
    floor: Floor = lambda n, other: None,
) -> list[Interval]:
    """The mean score of each group with its 95 % interval, best first, of labels and scores that may be missing.
    `floor`: the smallest difference of two means over so many posts that is more than the judge's noise, where that is
    known."""
    there = scores[scores.notna() & labels.notna()].astype("float64")
    found = [
        interval(str(label), mean_with_interval(its.to_numpy()), low, high)
        for label, its in there.groupby(labels, observed=True)
    ]
    found = sorted(found, key=lambda group: (-group.mean, group.label))[:16]
    return [
        replace(group, level=at > 0 and differs(found[0].mean - group.mean, floor(found[0].n, group.n)) is False)
        for at, group in enumerate(found)
    ]


def interval(label: str, mean: Mean, low: float, high: float) -> Interval:
    """A mean with its interval, on the scale from low to high; it is of one value at least."""

    def place(value: float | None) -> float | None:
        return None if value is None else 100 * (value - low) / (high - low)

    centre = mean["mean"] or 0.0
    return Interval(
        label, mean["n"], centre, mean["low"], mean["high"],
        place(centre) or 0.0, place(mean["low"]), place(mean["high"]),
    )  # fmt: skip


def _round_step(wanted: float) -> int:
    """The next of 1, 2, 5, 10, 20, 50, ..."""
    base = 1
    while True:
        for factor in (1, 2, 5):
            if base * factor >= wanted:
                return base * factor
        base *= 10
