"""What a comparison comes to, from the warehouse alone, and how the command line shows it within 80 columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.markup import escape

from components.judgments.families import kinship
from components.pairwise import Figures, PairwiseSpec, aspects_of, figures
from components.pairwise.agreement import told as told_of_pairs
from components.pairwise.rates import Rate
from components.specs import Selection
from components.warehouse.store import Store
from flows.contests import Arm, comparisons_of, contest_of, writers_of
from flows.publish import StepResult
from flows.show import money, number, several, table
from flows.show_agreement import show_agreement

MOST_ROWS = 12
"""Of win rates; all are in --json, and so are the aspects."""


@dataclass
class Comparisons:
    """`figures`: overall first, then the aspects where the rubric asks for them. `cost_usd`: of all verdicts counted
    here, whenever they were bought; None where a price is unknown. `absent`: arm -> items without a post of it;
    `left_out`: arm -> the one whose posts are its own.
    `notes`: what speaks against this judge for these posts; `agreement`: how far it can be believed."""

    judge: str
    spec_id: str
    by: str
    offline: bool
    figures: list[Figures]
    absent: dict[str, int]
    left_out: dict[str, str]
    cost_usd: float | None
    notes: list[str]
    agreement: dict[str, Any] | None = None


def read_comparison(store: Store, spec: PairwiseSpec, arms: Sequence[Arm], selection: Selection) -> Comparisons:
    """All that this judge has said of these posts, by whatever design they were paired."""
    contest = contest_of(store, arms, selection)
    rows, entrants = comparisons_of(store, spec.id, contest), contest.entrants()
    costs = [row.cost_usd for row in rows if row.call_key is not None]
    known = [cost for cost in costs if cost is not None]
    found = [figures(rows, entrants, contest.names, aspect) for aspect in aspects_of(rows)]
    return Comparisons(
        judge=spec.model,
        spec_id=spec.id,
        by=contest.by,
        offline=spec.model.startswith("offline/"),
        figures=found,
        left_out=dict(contest.left_out),
        absent={name: n for name, n in contest.absent.items() if n},
        cost_usd=round(sum(known), 9) if len(known) == len(costs) else None,
        notes=[note for writer in writers_of(store, contest) if (note := kinship(spec.model, writer))],
        agreement=told_of_pairs(store, spec.id, entrants, found[0].flips) if found else None,
    )


def show_comparison(found: Comparisons, step: StepResult, console: Console) -> None:
    if not found.figures:
        console.print("no verdict yet")
        return
    overall = found.figures[0]
    rows = table(found.by, "#place", "#w-t-l", "#points", "95 %", "#strength", "95 %")
    for standing in overall.standings:
        rows.add_row(
            escape(standing.name), str(standing.place), f"{standing.wins}-{standing.ties}-{standing.losses}",
            number(standing.points.value), between(standing.points.low, standing.points.high),
            f"{standing.strength:+.2f}", between(standing.low, standing.high),
        )  # fmt: skip
    console.print()
    console.print(rows)
    shown = [rate for rate in overall.win_rates if rate.name < rate.other][:MOST_ROWS]
    if len(overall.standings) > 2 and shown:
        pairs = table("pair", "#w-t-l", "#win rate", "95 %")
        for rate in shown:
            pairs.add_row(
                escape(f"{rate.name} - {rate.other}"), f"{rate.wins}-{rate.ties}-{rate.losses}",
                number(rate.rate.value), between(rate.rate.low, rate.rate.high),
            )  # fmt: skip
        console.print()
        console.print(pairs)
    console.print()
    for line in told(found, overall):
        console.print(line, markup=False)
    if found.agreement:
        console.print()
        show_agreement(found.agreement, console, "pairs")
        console.print()
    offline = " (offline: counted, not an opinion)" if found.offline else ""
    console.print(
        f"{several(step.bought, 'call')} bought, {step.reused:,} reused, {several(step.already, 'pair')} known before; "
        f"all verdicts cost {money(found.cost_usd)}"
    )
    console.print(f"judge: {escape(found.judge)}{offline}")


def told(found: Comparisons, overall: Figures) -> list[str]:
    """What stands behind the table, and what speaks against it."""
    lines = [
        f"{several(overall.complete, 'pair')} in both orders, {overall.pairs - overall.complete} incomplete",
        f"{several(overall.ties, 'tie')}; the orders disagreed {overall.inconsistent} x, the texts were equal "
        f"{overall.same} x",
        f"the order changed the verdict in {percent(overall.flips)}",
        f"the first place won {percent(overall.first_place)}; 50% if places mean nothing",
    ]
    if overall.failed:
        failed = ", ".join(f"{n} x {error}" for error, n in overall.failed.items())
        lines.append(f"failed, and counted for nobody: {failed}")
    if found.absent:
        absent = ", ".join(f"{name} on {several(n, 'item')}" for name, n in found.absent.items())
        lines.append(f"no post to compare: {absent}")
    lines += [f"{name} has the posts of {other}, so it is left out" for name, other in found.left_out.items()]
    if overall.cycles:
        shown = "; ".join(" > ".join((*cycle, cycle[0])) for cycle in overall.cycles[:3])
        lines.append(f"{several(len(overall.cycles), 'cycle')}, which no order of places fits: {shown}")
    if len({standing.group for standing in overall.standings}) > 1:
        lines.append("not all were compared, even through others: places across groups mean nothing")
    return lines + found.notes


def between(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{low:.2f} to {high:.2f}"


def percent(rate: Rate) -> str:
    if rate.value is None:
        return "none"
    interval = "" if rate.low is None or rate.high is None else f" [{rate.low:.0%} to {rate.high:.0%}]"
    return f"{rate.value:.0%} of {rate.n:,}{interval}"
