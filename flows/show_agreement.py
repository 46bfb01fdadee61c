"""How far the judge of a table can be believed, as the command line shows it below the table, within 80 columns."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape

from flows.show import number, table

ALIKE = {"within_1": "within 1", "same_verdict": "same verdict"}
APART = ("sd", "difference", "bias")


def show_agreement(found: Mapping[str, Any], console: Console, unit: str = "posts") -> None:
    """Overall figures; those of the aspects are in --json, in CSV files and on the page."""
    rows = [row for row in found["rows"] if row["aspect"] == "Overall"]
    if rows:
        alike = next((title for name, title in ALIKE.items() if any(row["figure"] == name for row in rows)), "within 1")
        shown = table("the judge agrees with", f"#{unit}", "#alpha", "95 %", f"#{alike}", "95 %", "#apart")
        for whom in dict.fromkeys(row["whom"] for row in rows):
            of = {row["figure"]: row for row in rows if row["whom"] == whom}
            alpha, share = of.get("alpha"), next((of[name] for name in ALIKE if name in of), None)
            apart = next(((name, of[name]["value"]) for name in APART if name in of), None)
            shown.add_row(
                escape(whom), str(next(iter(of.values()))["n"]), number(alpha["value"] if alpha else None), ends(alpha),
                percent(share["value"] if share else None), ends(share, percent), _apart(apart),
            )  # fmt: skip
        console.print(shown)
    for line in found["said"]:
        console.print(line, markup=False)


def ends(row: Mapping[str, Any] | None, form: Any = number) -> str:
    return "" if row is None or row["low"] is None else f"{form(row['low'])} to {form(row['high'])}"


def percent(share: float | None) -> str:
    return "" if share is None else f"{share:.0%}"


def _apart(found: tuple[str, float | None] | None) -> str:
    if found is None or found[1] is None:
        return ""
    name, value = found
    return f"sd {value:.2f}" if name == "sd" else f"{value:+.2f}"
