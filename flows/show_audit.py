"""What `postwright audit` shows, within 80 columns."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from components.audit.effects import RULES, Effect
from components.audit.self_test import Tested
from flows.settings import Settings
from flows.show import table

COLUMNS = {
    "pair_position": "pair", "context_position": "place", "length": "length", "style": "style", "leniency": "level",
    "scale": "scale", "halo": "halo", "injection": "inject", "noise": "noise",
}  # fmt: skip
"""Short enough for one table of all planted judges; `own_family` needs posts that others have judged too."""


def show_audit(result: Any, settings: Settings, console: Console) -> None:
    """A line per probe, then what to do about the alarms."""
    rows = table("probe", "#effect", "95 % interval", "what it does")
    for effect in result.effects:
        red = effect["state"] == "ALARM"
        mark = "[bold red]ALARM[/] " if red else ""
        rows.add_row(
            effect["title"], number(effect["value"], effect["probe"]), interval(effect),
            mark + escape(effect["verdict"]), style=None if red or effect["value"] is not None else "dim",
        )  # fmt: skip
    console.print()
    console.print(rows)
    console.print()
    alarms = [effect for effect in result.effects if effect["state"] == "ALARM"]
    for effect in alarms:
        console.print(f"[bold]{effect['title']}[/]: {escape(effect['do'])}")
    if not alarms:
        console.print("No alarm: nothing here says that the judge is moved by more than what posts are worth.")
    for arm, states in sorted(result.failed.items()):
        said = ", ".join(f"{n} x {kind}" for kind, n in sorted(states.items()))
        console.print(f"[yellow]{arm}: {said}[/]", soft_wrap=True)
    if result.failed:
        console.print("Readings that failed are in no effect; the same command asks again for what may pass.")
    console.print(
        f"{escape(result.judge)}: {result.bought} calls bought, {result.reused} reused. An alarm takes p < 0.05 (Holm "
        "over all probes) and an effect that matters."
    )
    console.print(f"warehouse: {settings.warehouse}, evaluations of {result.audit_id}", soft_wrap=True, markup=False)
    if result.report:
        console.print(f"report:    {Path(result.report).as_uri()}", soft_wrap=True)


def number(value: float | None, probe: str) -> str:
    """Points with their sign; choices in per cent of points, a slope and a noise as they are."""
    if value is None:
        return ""
    unit = RULES[probe].unit
    return (
        f"{100 * value:+.0f} %"
        if unit == "share"
        else f"{value:.2f}"
        if unit == "slope" or probe == "noise"
        else f"{value:+.2f}"
    )


def interval(effect: Mapping[str, Any]) -> str:
    if effect["low"] is None:
        return ""
    return f"{number(effect['low'], effect['probe'])} to {number(effect['high'], effect['probe'])}".replace(
        " % to", " to"
    )


def show_self_test(found: Sequence[Tested], console: Console) -> None:
    """Planted judges by probes: the effect that was measured, red where it raised an alarm."""
    rows = table("judge", *(f"#{name}" for name in COLUMNS.values()), "")
    for tested in found:
        by_probe = {effect.probe: effect for effect in tested.effects}
        cells = [cell(by_probe[probe]) for probe in COLUMNS]
        rows.add_row(tested.name, *cells, "[green]seen[/]" if tested.good and tested.alarms else verdict(tested))
    console.print()
    console.print(rows)
    console.print()
    for tested in found:
        console.print(f"{tested.name}: {tested.says}", markup=False)
    console.print()
    console.print(
        "Effects in points (pair: share of choices, scale: slope, noise: s.d.); a * is an alarm. Intervals: --json."
    )


def verdict(tested: Tested) -> str:
    return "[green]clean[/]" if tested.good else "[bold red]WRONG[/]"


def cell(effect: Effect) -> str:
    if effect.value is None:
        return "-"
    value = number(effect.value, effect.probe).replace(" %", "%")
    return f"[bold red]{value}*[/]" if effect.alarm else value
