"""`postwright spend`: what was bought, for whom, and what this month's cap leaves. Reads the warehouse's views."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.markup import escape

from components.specs import Campaign
from components.warehouse.store import Store
from flows.show import money, table

BY = ("stage", "model", "spec", "run", "day", "month")
BAR = 12
"""Cells of the longest bar, so that all fits into 80."""

NAMED = {
    "stage": "stage AS name",
    "model": "model || CASE WHEN mode = 'batch' THEN ' (batch)' ELSE '' END AS name",
    "spec": "nullif(coalesce(step || ' ', '') || coalesce(spec_id, ''), '') AS name",
    "run": "coalesce(campaign || ' ', '') || run_id AS name",
    "day": "strftime(day, '%Y-%m-%d') AS name",
    "month": "month AS name",
}
LOST = "in flight at a kill"


@dataclass
class Spend:
    """Rows of one view, dearest first (by time where `by` is day or month), and sums over all."""

    by: str
    rows: list[dict[str, Any]]
    calls: int
    cost_usd: float | None
    held_usd: float
    unpriced_calls: int
    month: str
    month_usd: float
    month_cap_usd: float | None = None


def read_spend(store: Store, by: str, campaign: Campaign | None = None, now: datetime | None = None) -> Spend:
    """`campaign` tells the month's cap, which is the campaign's and not the home's."""
    order = "name" if by in ("day", "month") else "coalesce(cost_usd, 0) + held_usd DESC, calls DESC, name"
    rows = store.query(f"SELECT {NAMED[by]}, * FROM spend_by_{by} ORDER BY {order}")
    for row in rows:
        row["name"] = LOST if row["name"] == "lost" else row["name"] or "unknown"
    month = f"{now or datetime.now(UTC):%Y-%m}"
    sql = "SELECT coalesce(sum(cost_usd), 0) + sum(held_usd) AS usd FROM spend_by_month WHERE month = $month"
    priced = [row["cost_usd"] for row in rows if row["cost_usd"] is not None]
    return Spend(
        by,
        rows,
        calls=sum(row["calls"] for row in rows),
        cost_usd=sum(priced) if priced or not rows else None,
        held_usd=sum(row["held_usd"] for row in rows),
        unpriced_calls=sum(row["unpriced_calls"] for row in rows),
        month=month,
        month_usd=store.query(sql, {"month": month})[0]["usd"] or 0.0,
        month_cap_usd=None if campaign is None else campaign.budget.usd_per_month,
    )


def show_spend(spend: Spend, console: Console) -> None:
    """A table with a bar per row, what is not known about it, and the month."""
    if not spend.rows:
        console.print("nothing was bought in this home yet")
        return
    rows = table(spend.by, "#calls", "#tokens in", "#out", "#cost", "")
    most = max((row["cost_usd"] or 0.0) + row["held_usd"] for row in spend.rows)
    for row in spend.rows:
        usd, held = row["cost_usd"], row["held_usd"]
        mark = "*" if row["unpriced_calls"] and usd is not None else ""
        rows.add_row(
            escape(row["name"]),
            f"{row['calls']:,}",
            short(row["input_tokens"]),
            short(row["output_tokens"]),
            "-" if usd is None and not row["unpriced_calls"] else money(usd) + mark,
            bar(usd or 0.0, held, most),
        )
    console.print(rows)
    console.print()
    priced = spend.calls - spend.unpriced_calls
    of = "" if not spend.unpriced_calls else f" for {priced:,} of them" if priced else ""
    console.print(f"{spend.calls:,} calls, {money(spend.cost_usd)}{of}")
    if spend.held_usd:
        console.print(f"[yellow]{money(spend.held_usd)} more may have been billed[/]: answers lost on the way (▒)")
    if spend.unpriced_calls:
        star = " (*)" if priced else ""
        console.print(f"[yellow]{spend.unpriced_calls:,} calls have no known price[/]: it is in no sum{star}")
    cap = spend.month_cap_usd
    left = "" if cap is None else f" of {money(cap)}; {money(max(0.0, cap - spend.month_usd))} left"
    console.print(f"{spend.month} (UTC), spent and held: {money(spend.month_usd)}{left}")


def bar(usd: float, held: float, most: float) -> str:
    """Full cells for what was billed, grey ones for what may have been."""
    if most <= 0:
        return ""
    full = round(BAR * usd / most)
    grey = round(BAR * (usd + held) / most) - full
    return "█" * full + "▒" * grey or ("▏" if usd or held else "")


def short(tokens: int) -> str:
    for unit, size in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if tokens >= 10 * size:
            return f"{tokens / size:,.0f} {unit}"
    return f"{tokens:,}"
