"""What the command line shows at the end, within 80 columns."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from components.posts.choosing import told
from flows.settings import Settings


def table(*columns: str, title: str | None = None) -> Table:
    """A plain table; columns that begin with '#' hold numbers."""
    made = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        made.add_column(column.lstrip("#"), justify="right" if column.startswith("#") else "left", overflow="fold")
    return made


def money(usd: float | None) -> str:
    return "unknown" if usd is None else f"${usd:.4f}" if 0 < usd < 1 else f"${usd:.2f}"


def number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def interval(value: Mapping[str, Any]) -> str:
    return "" if value["low"] is None else f"{value['low']:.2f} to {value['high']:.2f}"


def show_compacted(done: Any, calls: Path, console: Console) -> None:
    """What was packed, what it came to, and what could not be read."""
    counted = f"{several(done.segments, 'segment')}, {several(done.calls, 'call')}, {size(done.bytes_before)}"
    if done.dry_run:
        console.print(f"would pack {counted}")
    elif not done.segments:
        console.print("nothing to pack")
    else:
        share = done.bytes_after / max(done.bytes_before, 1)
        console.print(f"packed {counted} -> {size(done.bytes_after)} ({share:.0%})")
    if done.in_use:
        console.print(f"left as it is, since its writer may be alive: {several(done.in_use, 'segment')}")
    if done.damaged:
        where = ", ".join(str(calls / "packed" / name) for name in done.damaged_files) or "a file beside the packed one"
        console.print(f"[yellow]{several(done.damaged, 'damaged line')}, kept in[/] {escape(where)}", soft_wrap=True)


def several(n: int, thing: str) -> str:
    return f"{n:,} {thing}" if n == 1 else f"{n:,} {thing}s"


def size(n: int) -> str:
    return f"{n / 1e6:,.1f} MB" if n >= 100_000 else f"{n / 1e3:,.1f} kB"


def show_summary(summary: Any, settings: Settings, console: Console) -> None:
    """Counts, scores, time per step, and where the report is."""
    rows = table("step", "#new rows", "#refused", "#bought", "#reused", "#seconds")
    for step in summary.steps:
        rows.add_row(
            step.step, str(step.rows), str(step.quarantined), str(step.bought), str(step.reused), f"{step.seconds:.1f}"
        )
    console.print()
    console.print(rows)
    for step in summary.steps:
        for reason, n in sorted(step.failed.items()):
            console.print(f"[yellow]{step.step}: {n} x {reason}[/]")
    scores = summary.scores
    if scores.get("judged"):
        console.print()
        found = table("aspect", "#n", "#mean", "95 % interval")
        for aspect, value in [*scores["aspects"].items(), ("overall", scores["overall"])]:
            found.add_row(aspect, str(value["n"]), number(value["mean"]), interval(value))
        console.print(found)
    if scores.get("judges"):
        console.print()
        console.print(judges_table(scores["judges"]))
    console.print()
    offline = " (offline writer or judge: marked so in rows and report)" if scores.get("offline") else ""
    console.print(
        f"{scores.get('posts', 0)} posts, {scores.get('judged', 0)} judged, "
        f"{scores.get('without_text', 0)} without text; "
        f"this run cost {money(summary.cost_usd)}{offline}"
    )
    if choice := scores.get("choice"):
        console.print(told(choice))
    for note in summary.notes:
        console.print(f"[yellow]{escape(note)}[/]")
    for line in summary.anchors:
        console.print(line, style="yellow" if "DRIFTED" in line else None, markup=False)
    console.print(f"warehouse: {settings.warehouse}", soft_wrap=True, markup=False)
    if summary.report:
        console.print(f"report:    {Path(summary.report).as_uri()}", soft_wrap=True)


def judges_table(judges: Sequence[Mapping[str, Any]]) -> Table:
    """A line per judge: the mean overall of the posts that `judge` chose, by each of them."""
    found = table("judge", "rubric", "#n", "#failed", "#mean", "95 % interval")
    for judge in judges:
        who = escape(judge["model"]) if judge["name"].startswith("panel") else f"{escape(judge['model'])} (chooses)"
        found.add_row(
            who, escape(judge["rubric"]), str(judge["n"]), str(judge["failed"]), number(judge["mean"]), interval(judge)
        )
    return found


def show_plan(plan: Any, console: Console) -> None:
    rows = table("step", "#to do", "#there")
    for step in plan.steps:
        rows.add_row(step.step, str(step.todo), str(step.there))
    console.print(rows)
    console.print()
    calls = table("stage", "model", "#calls", "#in journal", "#tokens in", "#tokens out", "cost")
    for stage in plan.stages:
        low, high = stage.usd_low, stage.usd_high
        cost = (
            "unknown"
            if low is None or high is None
            else money(high)
            if low == high
            else f"{money(low)} to {money(high)}"
        )
        calls.add_row(
            stage.stage,
            escape(stage.model) + (" (batch)" if stage.mode == "batch" else ""),
            str(stage.calls),
            str(stage.cached),
            f"{stage.input_tokens:,}",
            f"{stage.output_low:,} to {stage.output_high:,}",
            cost,
        )
    console.print(calls)
    if any(stage.batch_prices for stage in plan.stages):
        console.print("batch: at batch prices")
    if waiting := sum(stage.under_way for stage in plan.stages):
        batches = "1 batch" if plan.batches == 1 else f"{plan.batches} batches"
        console.print(f"{waiting} calls more are in {batches} under way: handed in before, so not to be bought")
        if any(stage.under_way and stage.mode == "live" for stage in plan.stages):
            console.print("a live run stops until they are answered: set `mode: batch` to wait for them")
    console.print(f"\nbudget: {money(plan.budget_usd)}. Nothing was bought.")
    console.print(month_line(plan))
    if plan.note:
        console.print(plan.note, markup=False)


def month_line(plan: Any) -> str:
    """What the month has cost so far, and whether its cap leaves room for this plan."""
    said = f"{plan.month} (UTC): {money(plan.month_usd)} spent and held by this home"
    if plan.waiting_usd:
        said += f" ({money(plan.waiting_usd)} of it for batches under way)"
    if plan.month_cap_usd is None:
        return said
    left = max(0.0, plan.month_cap_usd - plan.month_usd)
    dearest = sum(stage.usd_high or 0.0 for stage in plan.stages)
    warning = " - less than this run may cost" if dearest > left else ""
    return f"{said}, {money(left)} left of {money(plan.month_cap_usd)}{warning}"


def show_findings(findings: Sequence[Any], console: Console) -> None:
    colours = {"good": "green", "note": "yellow", "broken": "red"}
    rows = table("", "what", "found")
    for finding in findings:
        rows.add_row(f"[{colours[finding.state]}]{finding.state}[/]", finding.name, escape(finding.detail))
    console.print(rows)


def show_model_sets(sets: Sequence[Mapping[str, Any]], console: Console) -> None:
    rows = table("set", "part", "model", "there")
    for model_set in sets:
        for part in model_set["parts"]:
            rows.add_row(model_set["name"], part["part"], escape(part["model"]), "yes" if part["there"] else "no")
    console.print(rows)
