"""What a backfill shows on a terminal, within 80 columns: its plan, and how its windows stand."""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from flows.show import money, several, show_plan, table

FEW = 40
"""Windows that are all listed; of more, those in a row that are of no interest share a line."""

COLOURS = {"done": "green", "empty": "dim", "running": "cyan", "waiting": "yellow", "failed": "red", "to do": ""}
DULL = ("done", "empty", "not started")


def folded(windows: Sequence[Any], is_dull: Callable[[Any], str]) -> Iterator[list[Any]]:
    """Windows in the order of time; those in a row of which `is_dull` says the same, unless that is nothing, as one."""
    if len(windows) <= FEW:
        yield from ([window] for window in windows)
        return
    for dull, of_kind in groupby(windows, key=is_dull):
        rows = list(of_kind)
        yield from [rows] if dull else ([row] for row in rows)


def name_of_row(rows: Sequence[Any]) -> str:
    return str(rows[0].name) if len(rows) == 1 else f"{rows[0].name} to {rows[-1].name}"


def coloured(kind: str, said: str) -> str:
    colour = COLOURS.get(kind, "")
    return f"[{colour}]{said}[/]" if colour else said


def added(costs: Sequence[float | None]) -> float | None:
    known = [cost for cost in costs if cost is not None]
    return sum(known) if len(known) == len(costs) else None


def show_backfill(found: Any, report: Path, console: Console) -> None:
    """A line per window or row of dull ones, why any of them stopped, and the sums."""
    rows = table("window", "state", "#items", "#posts", "#calls", "#cost")

    def is_dull(window: Any) -> str:
        return window.kind if window.kind in DULL and not window.calls else ""

    for part in folded(found.windows, is_dull):
        n = f" ({len(part)})" if len(part) > 1 else ""
        rows.add_row(
            name_of_row(part),
            coloured(part[0].kind, part[0].state.replace("_", " ")) + n,
            *(f"{sum(getattr(one, name) for one in part):,}" for name in ("items", "posts", "calls")),
            money(added([one.cost_usd for one in part])),
        )
    rows.add_row(
        "all",
        several(len(found.windows), "window"),
        *(f"{found.total(name):,}" for name in ("items", "posts", "calls")),
        money(found.cost_usd),
        style="bold",
    )
    console.print()
    console.print(rows)
    stops: dict[str, list[str]] = {}
    for window in found.windows:
        if window.kind in ("failed", "waiting") and window.message:
            stops.setdefault(window.message, []).append(window.name)
    for message, names in stops.items():
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        console.print(f"[yellow]{names[0]}{more}: {escape(message)}[/]")
    console.print(", ".join(f"{n:,} {kind}" for kind, n in found.kinds.items()))
    if report.exists():
        console.print(f"report:    {report.as_uri()}", soft_wrap=True)


def show_backfill_plan(plan: Any, console: Console) -> None:
    """A line per window or row of dull ones, then all of them together."""
    rows = table("window", "state", "#items", "#to write", "#calls", "#in journal", "#cost")

    def is_dull(window: Any) -> str:
        return window.state if window.state in DULL else ""

    for part in folded(plan.windows, is_dull):
        n = f" ({len(part)})" if len(part) > 1 else ""
        rows.add_row(
            name_of_row(part),
            coloured(part[0].state, part[0].state) + n,
            *(f"{sum(getattr(one, name) for one in part):,}" for name in ("items", "posts", "calls", "cached")),
            span([one.usd_low for one in part], [one.usd_high for one in part]),
        )
    low, high = ([getattr(s, name) for s in plan.stages if s.calls] for name in ("usd_low", "usd_high"))
    rows.add_row(
        "all",
        several(len(plan.windows), "window"),
        *(f"{sum(getattr(one, name) for one in plan.windows):,}" for name in ("items", "posts")),
        *(f"{sum(getattr(stage, name) for stage in plan.stages):,}" for name in ("calls", "cached")),
        span(low, high),
        style="bold",
    )
    console.print(rows)
    console.print()
    show_plan(plan, console)


def span(low: Sequence[float | None], high: Sequence[float | None]) -> str:
    least, most = added(low), added(high)
    if least is None or most is None:
        return "unknown"
    return money(most) if least == most else f"{money(least)} to {money(most)}"
