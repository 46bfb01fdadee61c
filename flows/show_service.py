"""What `postwright up`, `down` and `status` show, within 80 columns."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.markup import escape

from flows.service import Up, at_a_time
from flows.service_status import Status
from flows.show import table

COLOURS = {"Completed": "green", "Running": "cyan", "Failed": "red", "Crashed": "red", "Lost": "red", "up": "green"}
MESSAGE = 300


def teller(console: Console) -> Callable[[str, str], None]:
    def told(part: str, words: str) -> None:
        console.print(f"{part:<12} {escape(words)}", soft_wrap=True)

    return told


def show_up(up: Up, console: Console) -> None:
    console.print()
    console.print(f"{up.url}    [dim]runs, schedules, forms[/]", soft_wrap=True)
    console.print("postwright status    what is up, what runs next, how runs ended")
    console.print("postwright down      stops it; runs that were stopped go on at the next up")


def show_status(status: Status, console: Console) -> None:
    """The parts, the deployments, the last runs, and what to do about them."""
    server, worker, pool = status.server, status.worker, status.pool
    up = server["state"] == "up"
    at = f"{server['url']}, since {local(server['since'])}, pid {server['pid']}" if up else server["log"]
    console.print(f"{'server':<12} {coloured(server['state'])}  {escape(at)}", soft_wrap=True)
    what = f"{worker['name']}, since {local(worker['since'])}, pid {worker['pid']}"
    console.print(
        f"{'worker':<12} {coloured(worker['state'])}  {escape(what if worker['state'] == 'up' else worker['log'])}",
        soft_wrap=True,
    )
    if pool:
        filled = ", ".join(f"{name} from {source}" for name, source in pool["environment"].items())
        state = "paused" if pool["paused"] else pool["status"]
        what = f"{pool['name']} ({pool['type']}), {at_a_time(pool['limit'])}, {state}"
        console.print(f"{'work pool':<12} {what}{f'; {filled}' if filled else ''}")
        console.print(f"{'notified':<12} {escape(status.notifies) or 'nobody'}")
    if status.deployments:
        show_deployments(status, console)
    if status.runs:
        show_runs(status, console)
    if status.state != "up":
        console.print()
        console.print("[yellow]down[/]: postwright up" if status.state == "down" else "[red]broken[/]: postwright up")


def show_deployments(status: Status, console: Console) -> None:
    rows = table("deployment", "schedule", "next run")
    for one in status.deployments:
        plans = [
            f"{plan['when']} {plan['timezone'] or ''}{'' if plan['active'] else ' (off)'}" for plan in one["schedules"]
        ]
        rows.add_row(escape(one["name"]), escape("\n".join(plans)), local(one["next_run"]))
    console.print()
    console.print(rows)


def show_runs(status: Status, console: Console) -> None:
    rows = table("last runs", "deployment", "began", "#took", "state")
    for run in status.runs:
        state = "[red]lost[/]" if run["is_lost"] else coloured(run["state"])
        rows.add_row(escape(run["name"]), escape(run["deployment"]), local(run["started"]), took(run), state)
    console.print()
    console.print(rows)
    for run in status.runs:
        if run["message"] and run["state"] in ("Failed", "Crashed", "Lost"):
            console.print(f"  {escape(run['name'])}: {escape(run['message'][:MESSAGE])}", style="dim")
    if any(run["is_lost"] for run in status.runs):
        console.print("[yellow]the process of a lost run is gone[/]: postwright up lets it go on")


def coloured(state: str) -> str:
    colour = COLOURS.get(state, "yellow")
    return f"[{colour}]{escape(state)}[/]"


def local(time: datetime | str | None) -> str:
    """In this machine's time zone, as the person who looks has it."""
    if time is None:
        return ""
    found = datetime.fromisoformat(time) if isinstance(time, str) else time
    return f"{found.astimezone():%m-%d %H:%M}"


def took(run: dict[str, Any]) -> str:
    if run["started"] is None or run["ended"] is None:
        return ""
    seconds = (run["ended"] - run["started"]).total_seconds()
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
