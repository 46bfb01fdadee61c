"""What `postwright experiment` shows at the end, within 80 columns."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from flows.settings import Settings
from flows.show import money, number, several, table
from flows.show_agreement import show_agreement

WORDS = {"higher": "[green]higher[/]", "lower": "[yellow]lower[/]", "not told apart": "not told apart"}


def show_experiment(result: Any, settings: Settings, console: Console) -> None:
    """The overall differences, those of each aspect, the claims, the failures; then what it cost."""
    console.print()
    if result.partial:
        console.print(f"[yellow]partial:[/] {escape(result.partial)}\n")
    show_overall(result, console)
    if result.aspects:
        console.print()
        show_aspects(result, console)
    if result.claims:
        console.print()
        show_claims(result.claims, console)
    for judge, rows in result.second.items():
        console.print()
        show_second(judge, rows, console)
    if result.pairs:
        console.print()
        show_pairs(result.pairs, result.arms[0]["arm"], console)
    if result.agreement:
        console.print()
        show_agreement(result.agreement, console)
    for line in result.arms:
        for kind, n in line["failures"].items():
            console.print(f"[yellow]{escape(line['arm'])}: {n} x {escape(kind)}[/]")
    console.print()
    for note in result.notes:
        console.print(note, markup=False)
    offline = f" ({' and '.join(result.offline)} by the offline stand-ins)" if result.offline else ""
    calls = "calls unknown" if result.calls is None else several(result.calls, "call")
    console.print(
        f"{several(result.items, 'item')}, {several(len(result.arms), 'arm')}, {calls} in all, "
        f"{several(result.bought, 'call')} now; cost so far {money(result.cost_usd)}{offline}"
    )
    console.print(f"warehouse: {settings.warehouse}", soft_wrap=True, markup=False)
    if result.report:
        console.print(f"report:    {Path(result.report).as_uri()}", soft_wrap=True)


def show_overall(result: Any, console: Console) -> None:
    """Every arm's mean, and its difference to the baseline."""
    baseline = result.arms[0]["arm"]
    rows = table("overall score", "#n", "#mean", f"#minus {baseline[:12]}", "95 % interval", "#p (Holm)", "so")
    by_arm = {row["arm"]: row for row in result.overall}
    for line in result.arms:
        mean, row = line["means"]["overall"], by_arm.get(line["arm"])
        cells = ["", "", "", "baseline"]
        if row is not None:
            cells = [signed(row["difference"]), signed_interval(row), p_value(row["p_holm"]), so(row)]
        rows.add_row(escape(line["arm"]), str(mean["n"]), number(mean["mean"]), *cells)
    console.print(rows)
    if any(row["below_noise"] for row in result.overall):
        console.print("~ within what the judge's own noise could make of it")


def show_aspects(result: Any, console: Console) -> None:
    """Differences by aspect; what is told apart carries a star."""
    titles = result.aspect_titles
    rows = table("by aspect", *(f"#{title}" for title in titles.values()))
    for arm in dict.fromkeys(row["arm"] for row in result.aspects):
        found = {row["aspect"]: row for row in result.aspects if row["arm"] == arm}
        rows.add_row(escape(arm), *(starred(found[name]) for name in titles))
    console.print(rows)
    console.print("* told apart: p < 0.05 after Holm's correction over this table, 0 outside the interval")


def show_claims(claims: Sequence[Mapping[str, Any]], console: Console) -> None:
    """What was claimed beside what was found; nobody else's figures."""
    for by in dict.fromkeys(claim["by"] for claim in claims):
        rows = table(f"claimed by {escape(by)}", "direction", "#found", "95 % interval", "beyond chance")
        for claim in (one for one in claims if one["by"] == by):
            aspect = "" if claim["aspect"] == "overall" else f" ({claim['aspect'].replace('_', ' ')})"
            said, gap = f"{claim['better']} > {claim['than']}{aspect}", claim["difference"]
            cells = (signed(gap["difference"]), signed_interval(gap), "yes" if claim["found"] else "no")
            rows.add_row(escape(said), claim["direction"], *cells)
        console.print(rows)


def show_pairs(pairs: Mapping[str, Any], baseline: str, console: Console) -> None:
    """How often each arm's post won against the baseline's when a judge saw both, in both orders."""
    rows = table(f"in pairs with {escape(baseline)}", "#won", "#tied", "#lost", "#win rate", "95 % interval")
    for row in pairs["win_rates"]:
        if row["other"] == baseline:
            rate = row["rate"]
            interval = "" if rate["low"] is None else f"{rate['low']:.2f} to {rate['high']:.2f}"
            cells = (str(row["wins"]), str(row["ties"]), str(row["losses"]), number(rate["value"]), interval)
            rows.add_row(escape(row["name"]), *cells)
    console.print(rows)
    flips = pairs["flips"]["value"]
    said = "" if flips is None else f"; the order changed {flips:.0%} of the verdicts"
    console.print(f"{pairs['complete']} of {pairs['pairs']} pairs complete, each asked in both orders{said}")
    for name, other in pairs["left_out"].items():
        console.print(f"{name} has the posts of {other}, so it is left out of the pairs", markup=False)
    if pairs.get("agreement"):
        show_agreement(pairs["agreement"], console, "pairs")


def show_second(judge: str, rows: Sequence[Mapping[str, Any]], console: Console) -> None:
    found = table(f"overall by judge {escape(judge)}", "#n", "#difference", "95 % interval", "#p (Holm)", "so")
    for row in rows:
        found.add_row(
            escape(row["arm"]), str(row["n"]), signed(row["difference"]), signed_interval(row), p_value(row["p_holm"]),
            so(row),
        )  # fmt: skip
    console.print(found)


def show_experiment_plan(plan: Any, console: Console) -> None:
    """Calls and money per arm, each shared call counted once, with the first arm that asks it."""
    rows = table("arm", "#calls", "#shared", "#in journal", "cost")
    for arm in plan.arms:
        rows.add_row(
            escape(arm.name), str(arm.calls), str(arm.shared), str(arm.cached), cost(arm.usd_low, arm.usd_high)
        )
    if (pairs := plan.pairs) is not None:
        cached = str(pairs.cached + pairs.under_way)
        rows.add_row("the arms in pairs", str(pairs.calls), "", cached, cost(pairs.usd_low, pairs.usd_high))
    rows.add_row("all", str(plan.calls), str(plan.shared), str(plan.cached), cost(plan.usd_low, plan.usd_high))
    console.print(rows)
    once = sum(arm.calls + arm.cached for arm in plan.arms)
    console.print(
        f"\n{several(plan.items, 'item')}; each arm alone: {several(plan.alone, 'call')}, shared: "
        f"{several(once, 'call')}. Budget for all arms: {money(plan.budget_usd)}. "
        "Nothing was bought."
    )
    console.print(f"features are found {plan.features_found}", markup=False)
    for note in plan.notes:
        console.print(note, markup=False)


def cost(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return "unknown"
    return money(high) if low == high else f"{money(low)} to {money(high)}"


def so(row: Mapping[str, Any]) -> str:
    said = "not compared" if not row["n"] else WORDS[row["verdict"]]
    return f"{said} ~" if row["below_noise"] else said


def starred(row: Mapping[str, Any]) -> str:
    return signed(row["difference"]) + ("*" if row["verdict"] != "not told apart" else " ")


def signed(value: float | None) -> str:
    text = "" if value is None else f"{value:+.2f}"
    return "0.00" if text in ("-0.00", "+0.00") else text


def signed_interval(row: Mapping[str, Any]) -> str:
    return "" if row["low"] is None else f"{signed(row['low'])} to {signed(row['high'])}"


def p_value(value: float | None) -> str:
    return "" if value is None else "< 0.001" if value < 0.001 else f"{value:.3f}"
