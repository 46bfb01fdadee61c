"""Numbers become shapes: bars and intervals as plain figures that the templates draw. Every chart carries its n."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from math import ceil, floor

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


def scores(title: str, values: Sequence[float], low: float, high: float) -> Histogram:
    """Scores in columns around each whole number of the scale; the mean with its 95 % interval above them."""
    first, last = floor(low), ceil(high)
    slots = last - first + 1
    found = Counter(min(max(floor(value + 0.5), first), last) for value in values)
    most = max(found.values(), default=1)
    columns = tuple(
        Column(str(mark), found[mark], 100 * n / slots, 100 / slots, 100 * found[mark] / most)
        for n, mark in enumerate(range(first, last + 1))
    )
    mean = mean_with_interval(values)

    def place(value: float | None) -> float | None:
        return None if value is None else 100 * (value - first + 0.5) / slots

    return Histogram(
        title, len(values), columns, mean["mean"], mean["low"], mean["high"],
        place(mean["mean"]), place(mean["low"]), place(mean["high"]),
        ticks=tuple((column.x + column.width / 2, column.label) for column in columns),
    )  # fmt: skip


def lengths(title: str, values: Sequence[int], limit: int | None) -> Histogram:
    """Lengths of posts in about twenty columns, with the platform's limit where it is not far away."""
    longest = max(values, default=0)
    near = limit is not None and limit <= 4 * max(longest, 1)
    end = max(longest, limit or 0) if near else longest
    step = _round_step(max(end, 1) / 20)
    slots = max(1, end // step + 1)
    found = Counter(value // step for value in values)
    most = max(found.values(), default=1)
    columns = tuple(
        Column(f"{n * step} to {(n + 1) * step - 1}", found[n], 100 * n / slots, 100 / slots, 100 * found[n] / most)
        for n in range(slots)
    )
    marks = _round_step(slots * step / 5)
    mean = mean_with_interval(values)
    return Histogram(
        title,
        len(values),
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
    found = Counter(value if value is not None else "none found" for value in values)
    total = sum(found.values())
    ranked = sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))
    if len(ranked) > most:
        rest = ranked[most - 1 :]
        ranked = [*ranked[: most - 1], (f"{len(rest)} others", sum(n for _, n in rest))]
    top = max((n for _, n in ranked), default=1)
    return [Bar(label, n, n / total, 100 * n / top) for label, n in ranked]


Floor = Callable[[int, int], float | None]


def by_group(
    pairs: Iterable[tuple[str | None, float | None]], low: float, high: float, floor: Floor = lambda n, other: None
) -> list[Interval]:
    """The mean score of each group with its 95 % interval, best first. `floor`: the smallest difference of two means
    over so many posts that is more than the judge's noise, where that is known."""
    groups: dict[str, list[float]] = {}
    for label, score in pairs:
        if label is not None and score is not None:
            groups.setdefault(label, []).append(score)

    found = [interval(label, mean_with_interval(values), low, high) for label, values in groups.items()]
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
