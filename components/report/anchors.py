"""The judge on its anchors: readings over periods between limits, and how much of a change of the posts is its own.

Made of what the run has kept of it (`runs.rows`), so the page says what the run said.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

WIDTH, HEIGHT = 640, 190
LEFT, RIGHT, TOP, BOTTOM = 40, 10, 12, 28


@dataclass(frozen=True, slots=True)
class Spot:
    """A period's value; positions in the chart's own units."""

    x: float
    y: float
    said: str
    is_baseline: bool
    is_out: bool


@dataclass(frozen=True, slots=True)
class Anchors:
    """One judge. `limit_ys`: where a value is so far off that it alone would be an alarm; none during the baseline."""

    model: str
    state: str
    said: str
    spots: tuple[Spot, ...]
    points: str
    zero_y: float
    baseline_x: float
    limit_ys: tuple[float, ...]
    limit: float | None
    alarm_x: float | None
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    change: Mapping[str, Any] | None


def anchors_of(rows: Mapping[str, Any]) -> list[Anchors]:
    """`rows`: what each step of the run did. None for a run without anchors."""
    drift: Mapping[str, Mapping[str, Any]] = (rows.get("read_anchors") or {}).get("drift") or {}
    return [_drawn(model, found) for model, found in drift.items() if found.get("periods")]


def _drawn(model: str, found: Mapping[str, Any]) -> Anchors:
    values: list[float] = [float(value) for value in found["values"]]
    sd, slack, first = found.get("sd"), found.get("slack"), found.get("first", 0)
    limit = None if sd is None or slack is None else sd * (slack + found["threshold"])
    reach: float = max([abs(value) for value in values] + [limit or 0.0, 0.5])
    top: float = ceil(reach * 1.05 * 2) / 2

    def x(place: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (place + 0.5) / len(values)

    def y(value: float) -> float:
        return TOP + float(HEIGHT - TOP - BOTTOM) * (top - value) / (2 * top)

    alarm = found.get("alarm_at")
    spots = tuple(
        Spot(
            x(n), y(value), f"{period}: {value:+.2f} points over {count} anchors",
            n + first < found["needed"], alarm is not None and n + first >= (found.get("since") or alarm),
        )
        for n, (period, value, count) in enumerate(zip(found["periods"], values, found["anchors"], strict=True))
    )  # fmt: skip
    every = max(1, ceil(len(values) / 7))
    return Anchors(
        model, found["state"], found["said"], spots, " ".join(f"{s.x:.1f},{s.y:.1f}" for s in spots), y(0),
        x(min(max(found["needed"] - first, 0), len(values)) - 0.5),
        () if limit is None else (y(limit), y(-limit)), limit,
        None if alarm is None or alarm < first else x(alarm - first),
        tuple((x(n), found["periods"][n]) for n in range(0, len(values), every)),
        tuple((y(value), f"{value:+.1f}" if value else "0") for value in (-top, -top / 2, 0, top / 2, top)),
        found.get("change"),
    )  # fmt: skip
