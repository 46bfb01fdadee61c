"""What `postwright train` and `postwright evaluate` show at the end, within 80 columns."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from flows.settings import Settings
from flows.show import table

SHOWN = ("accuracy", "macro_f1", "mae", "spearman")
TITLES = {"macro_f1": "macro-F1", "mae": "mean error"}


def show_evaluation(result: Any, settings: Settings, console: Console) -> None:
    """Per task and metric every method, best first."""
    console.print()
    show_metrics(result.evaluations, console)
    closing(result, settings, console)


def show_training(result: Any, settings: Settings, console: Console) -> None:
    """The main network beside those it is compared with; then what became of it."""
    console.print()
    show_metrics(result.evaluations, console, first="multi-task")
    if result.differences:
        rows = table("compared with the main one", "task", "#macro-F1", "95 % interval", "#p (Holm)")
        for row in result.differences:
            p = "" if row["p_holm"] is None else f"{row['p_holm']:.3f}"
            rows.add_row(escape(row["subject"]), row["task"], signed(row["value"]), interval(row, sign=True), p)
        console.print()
        console.print(rows)
    console.print()
    console.print(result.message, markup=False, soft_wrap=True)
    closing(result, settings, console)


def show_metrics(evaluations: Sequence[Mapping[str, Any]], console: Console, first: str = "") -> None:
    for task in dict.fromkeys(row["task"] for row in evaluations):
        for metric in SHOWN:
            found = [row for row in evaluations if row["task"] == task and row["metric"] == metric]
            if not found:
                continue
            best = -1 if metric != "mae" else 1
            found.sort(key=lambda row: (row["subject"] != first, row["value"] is None, best * (row["value"] or 0)))
            rows = table(f"{task}: {TITLES.get(metric, metric)}", "#n", "#estimate", "95 % interval")
            for row in found:
                rows.add_row(escape(row["subject"]), str(row["n"]), number(row["value"]), interval(row))
            console.print(rows)
            console.print()


def closing(result: Any, settings: Settings, console: Console) -> None:
    reading = result.reading
    console.print(f"{reading.rows} new examples, {reading.quarantined} refused, in {result.seconds:.0f} s")
    console.print(f"warehouse: {settings.warehouse}", soft_wrap=True, markup=False)
    if result.report:
        console.print(f"report:    {Path(result.report).as_uri()}", soft_wrap=True)


def number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def signed(value: float | None) -> str:
    return "" if value is None else f"{value:+.3f}"


def interval(row: Mapping[str, Any], sign: bool = False) -> str:
    if row["low"] is None or row["high"] is None:
        return ""
    form = signed if sign else number
    return f"{form(row['low'])} to {form(row['high'])}"
