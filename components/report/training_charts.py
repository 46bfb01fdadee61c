"""What was measured becomes shapes: curves, diagonals, dots and heat, as plain figures that the templates draw."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, floor, sqrt
from typing import Any

WIDTH, HEIGHT = 320, 236
LEFT, RIGHT, TOP, BOTTOM = 38, 8, 20, 40
"""The frame of a plot in its own units; what is left inside is where the curves are."""
SHOWN_FROM = 0.05
"""Coverage from which a curve sets the axis: one wrong answer among the three surest would fill the plot."""


@dataclass(frozen=True, slots=True)
class Line:
    """`points` as SVG wants them; `kind` is a class of the style sheet."""

    label: str
    points: str
    kind: str = "main"


@dataclass(frozen=True, slots=True)
class Plot:
    """Positions are in the plot's own units. `note` says in words what the picture shows."""

    title: str
    note: str
    x_title: str
    y_title: str
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    lines: tuple[Line, ...]
    dots: tuple[tuple[float, float, float, str], ...] = ()
    marks: tuple[tuple[float, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Whisker:
    """One row of a forest plot; what ends in `_x` is in per cent of the scale."""

    label: str
    value: float
    low: float | None
    high: float | None
    n: int
    x: float
    low_x: float | None
    high_x: float | None
    main: bool = False


@dataclass(frozen=True, slots=True)
class Forest:
    title: str
    metric: str
    low: float
    high: float
    rows: tuple[Whisker, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Heat:
    """A confusion matrix: per class its row of (count, share of the row)."""

    labels: tuple[str, ...]
    rows: tuple[tuple[str, int, tuple[tuple[int, float], ...], int], ...]
    unanswered: bool


@dataclass(frozen=True, slots=True)
class _Axes:
    x_low: float
    x_high: float
    y_low: float
    y_high: float

    def x(self, value: float) -> float:
        share = (value - self.x_low) / ((self.x_high - self.x_low) or 1)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        share = (min(max(value, self.y_low), self.y_high) - self.y_low) / ((self.y_high - self.y_low) or 1)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    def path(self, points: Sequence[tuple[float, float]]) -> str:
        return " ".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in points)

    def ticks(self, step_x: float, step_y: float, form: str = "{:.1f}", form_x: str = "{:.1f}") -> dict[str, Any]:
        return {
            "x_ticks": tuple((self.x(v), form_x.format(v)) for v in _steps(self.x_low, self.x_high, step_x)),
            "y_ticks": tuple((self.y(v), form.format(v)) for v in _steps(self.y_low, self.y_high, step_y)),
        }


def _steps(low: float, high: float, step: float) -> list[float]:
    return [n * step for n in range(ceil(low / step - 1e-9), floor(high / step + 1e-9) + 1)]


def reliability(title: str, row: Mapping[str, Any], ece: Mapping[str, Any] | None) -> Plot:
    """How often right against how sure; a dot's area is its share of the examples. On the diagonal is calibrated."""
    axes = _Axes(0, 1, 0, 1)
    bins = [one for one in row["detail"].get("bins", []) if one["n"]]
    places = [(one["confidence"], one["accuracy"]) for one in bins]
    most = max((one["n"] for one in bins), default=1)
    dots = tuple(
        (
            axes.x(one["confidence"]),
            axes.y(one["accuracy"]),
            2 + 7 * sqrt(one["n"] / most),
            f"sure {one['confidence']:.2f}, right {one['accuracy']:.2f}, n = {one['n']:,}",
        )
        for one in bins
    )
    error = f"calibration error {_with_interval(ece)}, " if ece is not None else ""
    return Plot(
        title, f"{error}n = {row['n']:,}", "how sure", "how often right",
        lines=(
            Line("perfectly calibrated", axes.path([(0, 0), (1, 1)]), "ideal"),
            *(Line(title, axes.path([(sure, sure), (sure, right)]), "gap") for sure, right in places),
        ),
        dots=dots, **axes.ticks(0.2, 0.2),
    )  # fmt: skip


def abstention(title: str, row: Mapping[str, Any], kept: Mapping[str, Any] | None) -> Plot:
    """Accuracy of the labels that are kept when only so many, the surest, are; with the threshold's place."""
    curve = [(one["coverage"], one["accuracy"]) for one in row["detail"].get("curve", [])]
    shown = [accuracy for coverage, accuracy in curve if coverage >= SHOWN_FROM] or [0.0]
    axes = _Axes(0, 1, min(floor(min(shown) * 10) / 10, 0.9), 1)
    step = 0.02 if axes.y_low > 0.85 else 0.1 if axes.y_low > 0.45 else 0.2
    marks: tuple[tuple[float, str], ...] = ()
    if kept is not None and kept["value"] is not None:
        marks = ((axes.x(kept["value"]), f"{100 * kept['value']:.0f} % kept"),)
    area = f"average error {_with_interval(row)}, " if row["value"] is not None else ""
    return Plot(
        title, f"{area}n = {row['n']:,}", "share of labels kept, surest first", "accuracy of the kept",
        lines=(Line(title, axes.path([(0.0, curve[0][1]), *curve] if curve else [])),),
        marks=marks, **axes.ticks(0.2, step, "{:.2f}" if step < 0.1 else "{:.1f}"),
    )  # fmt: skip


def history(title: str, rows: Sequence[Mapping[str, float]], names: Mapping[str, str], best: int | None) -> Plot | None:
    """Curves over epochs; None where nothing was noted down."""
    known = {name: label for name, label in names.items() if all(name in row for row in rows)}
    values = [row[name] for row in rows for name in known]
    if len(rows) < 2 or not values:
        return None
    step = _round(max((max(values) - min(values)) / 4, 1e-3))
    axes = _Axes(rows[0]["epoch"], rows[-1]["epoch"], floor(min(values) / step) * step, ceil(max(values) / step) * step)
    digits = "{:.2f}" if step < 0.1 else "{:.1f}"
    lines = tuple(
        Line(label, axes.path([(row["epoch"], row[name]) for row in rows]), ("main", "other")[place % 2])
        for place, (name, label) in enumerate(known.items())
    )
    marks = ((axes.x(best), f"best: {best}"),) if best is not None else ()
    return Plot(
        title, f"{len(rows)} epochs", "epoch", "", lines=lines, marks=marks,
        **axes.ticks(_round(max(len(rows) / 6, 1)), step, digits, "{:.0f}"),
    )  # fmt: skip


def _round(wanted: float) -> float:
    """The next of 1, 2, 5 times a power of ten."""
    power = 1e-6
    while True:
        for factor in (1, 2, 5):
            if factor * power >= wanted - 1e-12:
                return factor * power
        power *= 10


def forest(title: str, metric: str, rows: Sequence[Mapping[str, Any]], main: str = "") -> Forest:
    """`rows`: label, value, low, high, n. The scale begins where the lowest interval does, in steps of a tenth."""
    known = [row for row in rows if row["value"] is not None]
    ends = [end for row in known for end in (row["value"], row["low"], row["high"]) if end is not None]
    low = floor(min(ends, default=0) * 10 + 1e-9) / 10
    high = max(ceil(max(ends, default=1) * 10 - 1e-9) / 10, low + 0.1)

    def place(value: float | None) -> float | None:
        return None if value is None else 100 * (value - low) / (high - low)

    return Forest(
        title, metric, low, high,
        tuple(
            Whisker(
                row["label"], row["value"], row["low"], row["high"], row["n"], place(row["value"]) or 0.0,
                place(row["low"]), place(row["high"]), row["label"] == main,
            )
            for row in known
        ),
    )  # fmt: skip


def heat(detail: Mapping[str, Any]) -> Heat:
    labels, matrix = detail["labels"], detail["matrix"]
    missing = detail.get("unanswered") or [0] * len(labels)
    return Heat(
        tuple(labels),
        tuple(
            (label, sum(row) + lost, tuple((n, n / max(sum(row) + lost, 1)) for n in row), lost)
            for label, row, lost in zip(labels, matrix, missing, strict=True)
        ),
        any(missing),
    )


def _with_interval(row: Mapping[str, Any]) -> str:
    if row["value"] is None:
        return "undefined"
    interval = f" ({row['low']:.3f} to {row['high']:.3f})" if row["low"] is not None else ""
    return f"{row['value']:.3f}{interval}"
