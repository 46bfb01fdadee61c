"""What `postwright ratings` and `postwright export` show, within 80 columns."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from components.people.opinions import by_text
from flows.show import several, table

SHOWN = 5
Row = Mapping[str, Any]


def show_opinions(found: Row, console: Console, kept: bool) -> None:
    """Raters, people with each other, judges with people."""
    if not found["raters"]:
        console.print("nobody has rated yet; start with: postwright review, or postwright ratings import FILE.csv")
        return
    rows = table("rater", "#posts", "#approved", "#edited", "#rejected", "#s per post")
    for rater in found["raters"]:
        seconds = "" if rater["seconds"] is None else f"{rater['seconds']:.0f}"
        counts = [str(rater[name]) for name in ("posts", "approved", "edited", "rejected")]
        rows.add_row(escape(rater["name"]), *counts, seconds)
    console.print(rows)
    _agreements(found, console)
    _calibrations(found, console)
    if kept:
        maps = sum(row["map"] is not None for row in found["calibrations"])
        console.print(f"\n{several(maps, 'map')} kept; see the view calibrated_scores")


def _agreements(found: Row, console: Console) -> None:
    console.print()
    if not found["agreements"]:
        console.print("people with each other: no post drawn at random has two raters yet")
        return
    for by in dict.fromkeys(row["by"] for row in found["agreements"]):
        console.print(f"people with each other, {by}", highlight=False, markup=False)
        rows = table("aspect", "#raters", "#posts", "#alpha", "95 % interval", "#within 1")
        for row in found["agreements"]:
            if row["by"] == by:
                alpha = row["alpha"]
                within = row["within_one"]["value"]
                share = "" if within is None else f"{within:.0%}"
                rows.add_row(
                    row["aspect"], str(row["raters"]), str(row["n"]), number(alpha["value"]), interval(alpha), share
                )
        console.print(rows)


def _calibrations(found: Row, console: Console) -> None:
    """Three figures take two lines each at 80 columns, so intervals stand below their values."""
    names = ("judge", "judge_spec_id", "by")
    for key in dict.fromkeys(tuple(row[name] for name in names) for row in found["calibrations"]):
        same = [row for row in found["calibrations"] if tuple(row[name] for name in names) == key]
        console.print()
        judge, spec_id, by = key
        console.print(f"[bold]{escape(judge)}[/] against people, {by} (spec {spec_id[:8]})", highlight=False)
        refused = {row["refused"] for row in same if row["refused"]}
        if any(row["bias"]["value"] is not None for row in same):
            rows = table("aspect", "#posts", "#bias", "#error", "#kappa", "#error, mapped")
            for row in same:
                mapped = "" if row["map"] is None else f"{row['map']['mae_after']:.2f}"
                values = (signed(row["bias"]["value"]), number(row["mae"]["value"]), number(row["kappa"]["value"]))
                rows.add_row(row["aspect"], str(row["n"]), *values, mapped)
                ends = (interval(row["bias"], signed), interval(row["mae"]), interval(row["kappa"]))
                rows.add_row("", "", *(f"[dim]{end}[/]" for end in ends), "")
            console.print(rows)
        left_out = max(row["left_out"] for row in same)
        for why in sorted(refused):
            console.print(f"no figures: {why}" if "drawn" in why else why, markup=False)
        if refused and left_out:
            line = f"{several(left_out, 'rated post')} of the queue left out: it was chosen by scores"
            console.print(f"{line}; more by chance: postwright review --audit 1", markup=False)


def show_imported(done: Any, path: Path, console: Console) -> None:
    console.print(
        f"{several(done.lines, 'line')}: {done.new} new, {done.known} known before, {len(done.refused)} refused"
    )
    for rubric, text in done.assumed.items():
        console.print(f"taken to be by {by_text(rubric, text)}: give a column rubric_id to say otherwise", markup=False)
    for refusal in done.refused[:SHOWN]:
        console.print(f"  line {refusal.line}: {refusal.detail}", markup=False, soft_wrap=True)
    if len(done.refused) > SHOWN:
        console.print(f"  and {len(done.refused) - SHOWN} more: see `quarantine`, step import_ratings", markup=False)


def show_exported(done: Any, console: Console) -> None:
    things = {"posts": "post", "sft": "example", "preferences": "pair"}[done.what]
    made = ", ".join(f"{n} by {source}" for source, n in done.sources.items())
    console.print(
        f"{several(done.rows, things)}{f' ({made})' if made else ''} in {done.file}", soft_wrap=True, markup=False
    )
    for reason, n in sorted(done.left_out.items()):
        console.print(f"  left out, {reason.replace('_', ' ')}: {n}", markup=False)
    if done.what != "posts":
        known = several(done.measured, "evaluation item") if done.measured else "no evaluation item is"
        console.print(f"  leak check: {known} known; --holdout-dataset and --holdout-share name more", markup=False)
    if done.held_out:
        console.print(f"  held out: {done.held_out}", soft_wrap=True, markup=False)


def number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def signed(value: float | None) -> str:
    return "" if value is None else f"{value:+.2f}"


def interval(row: Row, form: Any = number) -> str:
    return "" if row["low"] is None or row["high"] is None else f"{form(row['low'])} to {form(row['high'])}"
