"""The last runs of a campaign beside each other: quality, cost, failures, and what had to be bought.

Each run stands with what it said when it ended, so a later run changes no earlier point. Where a spec changed from one
run to the next stands a mark: across another judge scores are not comparable, and no line is drawn; across another
writer, prompt, features or dataset they are, and a step in them has a reason that the mark names.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil, floor, log10
from typing import Any

from components.report.formats import day, usd, whole

Row = dict[str, Any]

LAST = 24
"""Runs that are drawn at most, this one the last."""
RUNS = """
    SELECT run_id, started_at, window_from, window_to, state, "rows", cost_usd, spec_ids, scores FROM runs
    WHERE campaign = $campaign AND (started_at, run_id) <= ($started_at, $run_id)
      AND (ended_at IS NOT NULL OR run_id = $run_id) AND state <> 'empty'
    ORDER BY started_at DESC, run_id DESC LIMIT $last"""
SPECS = "SELECT spec_id, params FROM specs WHERE spec_id IN (SELECT unnest($ids::VARCHAR[]))"
PLACES = {
    "ingest_items": "dataset",
    "extract_features": "features",
    "build_prompts": "prompt",
    "generate_posts": "writer",
    "judge_posts": "judge",
}
"""The steps whose specs decide what the scores are scores of."""
LEFT, RIGHT, TOP, BOTTOM = 40.0, 256.0, 18.0, 122.0
"""The plot within a picture of 260 by 150."""
LEAST_SPAN = 0.5
"""Points that the axis of scores has at least: a narrower one would make a hundredth look large."""


@dataclass(frozen=True, slots=True)
class Past:
    """Runs, the oldest first, the one that is reported last; and what their specs say."""

    runs: list[Row]
    specs: dict[str, Row]


@dataclass(frozen=True, slots=True)
class Mark:
    """Between two runs: what changed. `breaks`: scores before and after are scores by different measures."""

    letter: str
    x: float
    when: str
    parts: tuple[tuple[str, str], ...]
    breaks: bool


@dataclass(frozen=True, slots=True)
class Dot:
    x: float
    y: float
    low_y: float | None
    high_y: float | None
    told: str
    here: bool


@dataclass(frozen=True, slots=True)
class Block:
    """A column, or the part of one that is `kept`: answers that were there."""

    x: float
    y: float
    width: float
    height: float
    told: str
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """One small picture; `said` is its gist in words, `aria` all of its values."""

    title: str
    said: str
    aria: str
    ticks: tuple[tuple[float, str], ...]
    dots: tuple[Dot, ...] = ()
    lines: tuple[str, ...] = ()
    blocks: tuple[Block, ...] = ()
    legend: bool = False


@dataclass(frozen=True, slots=True)
class Trend:
    """Panels with one axis of runs; `halts`: where a run did not end as done, and how it ended."""

    panels: tuple[Panel, ...]
    marks: tuple[Mark, ...]
    halts: tuple[tuple[float, str], ...]
    ends: tuple[str, str]
    n: int
    unknown: int


def past(ask: Callable[..., list[Row]], run: Row) -> Past:
    """The last runs of the run's campaign up to it."""
    found = ask(RUNS, campaign=run["campaign"], started_at=run["started_at"], run_id=run["run_id"], last=LAST)[::-1]
    for row in found:
        row.update({name: json.loads(row[name] or "{}") for name in ("rows", "spec_ids", "scores")})
    ids = sorted({spec_id for row in found for name, spec_id in row["spec_ids"].items() if name in PLACES})
    return Past(found, {row["spec_id"]: json.loads(row["params"]) for row in ask(SPECS, ids=ids)})


def trend_of(found: Past, scale: tuple[float, float]) -> Trend | None:
    """None where there is nothing to compare with yet."""
    runs = found.runs
    if len(runs) < 2:
        return None
    width = (RIGHT - LEFT) / len(runs)
    xs = [LEFT + width * (place + 0.5) for place in range(len(runs))]
    names = [_name(run) for run in runs]
    marks = _marks(found, xs, names)
    panels = (
        _quality(runs, xs, names, marks, scale),
        _cost(runs, xs, names),
        _failures(runs, xs, names, width),
        _calls(runs, xs, names, width),
    )
    halts = tuple(
        (x, f"{name}: {run['state'].replace('_', ' ')}")
        for x, name, run in zip(xs, names, runs, strict=True)
        if run["state"] != "done"
    )
    unknown = sum(not run["scores"] for run in runs[:-1])
    return Trend(panels, marks, halts, (_short(runs[0]), _short(runs[-1])), len(runs), unknown)


def _marks(found: Past, xs: Sequence[float], names: Sequence[str]) -> tuple[Mark, ...]:
    marks: list[Mark] = []
    for place in range(1, len(found.runs)):
        before, after = found.runs[place - 1]["spec_ids"], found.runs[place]["spec_ids"]
        parts = tuple(
            (part, difference(found.specs.get(before[step]), found.specs.get(after[step])))
            for step, part in PLACES.items()
            if step in before and step in after and before[step] != after[step]
        )
        if parts:
            letter = chr(ord("A") + len(marks))
            breaks = any(part == "judge" for part, _ in parts)
            marks.append(Mark(letter, (xs[place - 1] + xs[place]) / 2, names[place], parts, breaks))
    return tuple(marks)


def difference(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> str:
    """The fields of a spec that are not the same, with their values where these are short."""
    if before is None or after is None:
        return "other settings"
    fields = [name for name in sorted({*before, *after}) if before.get(name) != after.get(name)]
    told = [_told(name, before.get(name), after.get(name)) for name in fields[:4]]
    return ", ".join(told) + (f" and {len(fields) - 4} more" if len(fields) > 4 else "")


def _told(name: str, before: Any, after: Any) -> str:
    values = ["none" if value is None else str(value) for value in (before, after)]
    word = name.replace("_", " ")
    return f"{word} {values[0]} → {values[1]}" if all(len(value) <= 40 for value in values) else f"{word} changed"


def _quality(
    runs: Sequence[Row], xs: Sequence[float], names: Sequence[str], marks: Sequence[Mark], scale: tuple[float, float]
) -> Panel:
    overall = [run["scores"].get("overall") or {} for run in runs]
    known = [one for one in overall if one.get("mean") is not None]
    ends = [one[name] for one in known for name in ("low", "mean", "high") if one.get(name) is not None]
    low, high, step = _axis(min(ends, default=scale[0]), max(ends, default=scale[1]), LEAST_SPAN, scale[1])
    place = _placer(low, high)
    dots, told = [], []
    for x, name, run, one in zip(xs, names, runs, overall, strict=True):
        if one.get("mean") is None:
            told.append(f"{name}: no score")
            continue
        interval = "" if one["low"] is None else f" ({one['low']:.2f} to {one['high']:.2f})"
        told.append(f"{name}: {one['mean']:.2f}{interval}, n = {one['n']}")
        low_y, high_y = (None if one[end] is None else place(one[end]) for end in ("low", "high"))
        dots.append(Dot(x, place(one["mean"]), low_y, high_y, told[-1], run is runs[-1]))
    here = overall[-1]
    said = "mean of the judged posts with its 95 % interval"
    said += f"; {here['mean']:.2f} in this run" if here.get("mean") is not None else "; none in this run"
    ticks = tuple((place(value), f"{value:.1f}") for value in _ticks(low, high, step))
    return Panel("Overall score", said, "; ".join(told), ticks, tuple(dots), _lines(dots, marks))


def _cost(runs: Sequence[Row], xs: Sequence[float], names: Sequence[str]) -> Panel:
    """Of the posts that a run wrote; one that wrote none has no cost per post, whatever it spent on judging."""
    costs, told = [], []
    for name, run in zip(names, runs, strict=True):
        written = run["rows"].get("generate_posts", {}).get("rows", 0)
        known = written and run["cost_usd"] is not None
        costs.append(run["cost_usd"] / written if known else None)
        why = "price unknown" if written else "no new post"
        told.append(f"{name}: {usd(costs[-1]) if costs[-1] is not None else why}")
    low, high, _ = _axis(0.0, max((cost for cost in costs if cost is not None), default=0.0), 0.0)
    place = _placer(low, high)
    dots = [
        Dot(x, place(cost), None, None, said, run is runs[-1])
        for x, cost, said, run in zip(xs, costs, told, runs, strict=True)
        if cost is not None
    ]
    free = all(cost in (None, 0) for cost in costs)
    said = "what a run spent, over the posts it wrote, in USD"
    said += "; nothing was paid" if dots and free else f"; {told[-1].rpartition(': ')[2]} in this run"
    ticks = tuple((place(value), f"${value:.4g}") for value in ((0.0,) if free else (0.0, high)))
    return Panel("Cost per post", said, "; ".join(told), ticks, tuple(dots), _lines(dots, ()))


def _failures(runs: Sequence[Row], xs: Sequence[float], names: Sequence[str], width: float) -> Panel:
    counts = [sum(sum(step.get("failed", {}).values()) for step in run["rows"].values()) for run in runs]
    told = [f"{name}: {n} failed" for name, n in zip(names, counts, strict=True)]
    said = f"answers of this run that are no post or no score: {whole(counts[-1])}"
    return _columns("Failures", said, told, [(n, 0) for n in counts], xs, width)


def _calls(runs: Sequence[Row], xs: Sequence[float], names: Sequence[str], width: float) -> Panel:
    pairs = [
        (_sum(run["rows"], "bought"), _sum(run["rows"], "reused")) for run in runs
    ]  # as the steps count them: calls, not attempts
    told = [f"{name}: {n} bought, {kept} from the journal" for name, (n, kept) in zip(names, pairs, strict=True)]
    said = f"this run bought {whole(pairs[-1][0])} and had {whole(pairs[-1][1])} in the journal"
    return _columns("Calls", said, told, pairs, xs, width, legend=True)


def _sum(steps: Mapping[str, Mapping[str, Any]], name: str) -> int:
    return sum(step.get(name, 0) for step in steps.values())


def _columns(
    title: str,
    said: str,
    told: Sequence[str],
    pairs: Sequence[tuple[int, int]],
    xs: Sequence[float],
    width: float,
    legend: bool = False,
) -> Panel:
    low, high, _ = _axis(0.0, float(max(map(sum, pairs))), 0.0)
    place, thick, blocks = _placer(low, high), min(22.0, 0.7 * width), []
    for x, words, (first, second) in zip(xs, told, pairs, strict=True):
        top = place(first)
        if first:
            blocks.append(Block(x - thick / 2, top, thick, BOTTOM - top, words))
        if second:
            end = place(first + second)
            blocks.append(Block(x - thick / 2, end, thick, top - end, words, kept=True))
    ticks = tuple((place(value), whole(value)) for value in ((0.0, high) if any(map(sum, pairs)) else (0.0,)))
    return Panel(title, said, "; ".join(told), ticks, blocks=tuple(blocks), legend=legend)


def _lines(dots: Sequence[Dot], marks: Sequence[Mark]) -> tuple[str, ...]:
    """From dot to dot, but not across another judge."""
    breaks = [mark.x for mark in marks if mark.breaks]
    parts: list[list[Dot]] = []
    for dot in dots:
        if not parts or any(parts[-1][-1].x < x < dot.x for x in breaks):
            parts.append([])
        parts[-1].append(dot)
    return tuple(" ".join(f"{dot.x:.1f},{dot.y:.1f}" for dot in part) for part in parts if len(part) > 1)


def _axis(low: float, high: float, least: float, most: float = float("inf")) -> tuple[float, float, float]:
    """Round ends that hold both values, not beyond `most`, and the step of its ticks."""
    middle = (low + high) / 2
    low, high = min(low, middle - least / 2), max(high, middle + least / 2)
    if high > most:
        low, high = low - (high - most), most
    if high <= low:
        return low, low + 1.0, 1.0
    size = 10.0 ** floor(log10((high - low) / 2))
    step = next(size * factor for factor in (1, 2, 5, 10) if size * factor * 3 >= high - low)
    return floor(low / step + 1e-9) * step, ceil(high / step - 1e-9) * step, step


def _ticks(low: float, high: float, step: float) -> list[float]:
    return [low + step * n for n in range(round((high - low) / step) + 1)]


def _placer(low: float, high: float) -> Callable[[float], float]:
    return lambda value: BOTTOM - (BOTTOM - TOP) * (value - low) / (high - low)


def _name(run: Row) -> str:
    started: datetime = run["started_at"]
    window = f", published from {day(run['window_from'])}" if run["window_from"] else ""
    return f"{day(started)} {started:%H:%M}{window}"


def _short(run: Row) -> str:
    return day(run["started_at"])
