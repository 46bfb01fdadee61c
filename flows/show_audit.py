"""What `postwright audit` shows, within 80 columns."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
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
        console.print(f"[yellow]failed, and so in no effect: {arm}: {said}[/]", soft_wrap=True)
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
    """Planted judges by probes: the effect that was measured, marked where it raised an alarm; then each fault, and by
    which effect it was seen."""
    rows = table("judge", *(f"#{name}" for name in COLUMNS.values()), "")
    rows.padding = (0, 1, 0, 0)
    for tested in found:
        by_probe = {effect.probe: effect for effect in tested.effects}
        rows.add_row(tested.name, *(cell(by_probe[probe]) for probe in COLUMNS), verdict(tested))
    console.print()
    console.print(rows)
    console.print("\nEffects in points (pair: % of choices, scale: slope, noise: s.d.); * is an alarm.\n")
    for tested in found:
        alarms = [effect for effect in tested.effects if effect.alarm]
        seen = "; ".join(
            f"{effect.probe} {number(effect.value, effect.probe)} ({interval(asdict(effect))})" for effect in alarms
        )
        console.print(f"{tested.name}: {tested.says}\n  {seen or 'no alarm'}", markup=False)


def verdict(tested: Tested) -> str:
    return "[bold red]WRONG[/]" if not tested.good else "[green]seen[/]" if tested.alarms else "[green]clean[/]"


def cell(effect: Effect) -> str:
    """One decimal, so that all probes stand side by side; two of a slope."""
    if effect.value is None:
        return "-"
    unit = RULES[effect.probe].unit
    if unit == "share":
        value = f"{100 * effect.value:+.0f}"
    elif abs(effect.value) < 0.05:
        value = "0.0"
    else:
        value = (
            f"{effect.value:.2f}" if unit == "slope" else f"{effect.value:{'' if effect.probe == 'noise' else '+'}.1f}"
        )
    return f"[bold red]{value}*[/]" if effect.alarm else f"{value} "
