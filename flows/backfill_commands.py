"""What `postwright backfill` does; as in `commands.py`, one function per command."""

import argparse
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from components.errors import PostwrightError, UserError
from components.specs.campaign_file import load_campaign
from components.specs.windows import edges_of, length_of
from flows.commands import in_this_process, prepared
from flows.settings import Settings

EPILOG = """\
examples:
  postwright backfill mine.yaml --from 2026-03-02 --to 2026-03-16 --by week --parallel 2
  postwright backfill mine.yaml --from 2025-01-01 --to 2026-01-01 --dry-run
  postwright backfill mine.yaml --from 2026-03-28 --to 2026-03-31 --by 6h --timezone Europe/Berlin
  postwright backfill mine.yaml --from 2026-11-01 --to 2026-12-01 --on ingested_at

The same command goes on where it stopped, and does only what is missing: repeated, it buys nothing. Days, weeks and
months are those of the time zone; a length such as 6h, 90min or P3D is elapsed time."""


def add_to(
    command: Callable[[str, str, str], argparse.ArgumentParser], count: Callable[[str], int]
) -> argparse.ArgumentParser:
    """The parser of this command."""
    made = command("backfill", "one pipeline run per window of time, out of one budget", EPILOG)
    made.add_argument("campaign", type=Path, metavar="CAMPAIGN.yaml")
    made.add_argument("--from", dest="start", type=moment, metavar="DATE", required=True, help="the first day")
    made.add_argument("--to", dest="end", type=moment, metavar="DATE", required=True, help="the day after the last")
    made.add_argument(
        "--by", type=by, default="day", metavar="WINDOW", help="day, week, month, or 6h, P3D (default: day)"
    )
    made.add_argument(
        "--on", choices=("published_at", "ingested_at"), default="published_at",
        help="whose time a window is: the source's, or when items were read in",
    )  # fmt: skip
    made.add_argument("--timezone", default="UTC", metavar="ZONE", help="whose days: Europe/Berlin (default: UTC)")
    made.add_argument("--parallel", type=count, default=1, metavar="N", help="windows at a time")
    made.add_argument(
        "--set",
        dest="overrides",
        action="append",
        default=[],
        metavar="SECTION.FIELD=VALUE",
        help="override the file; repeatable",
    )
    made.add_argument("--dry-run", action="store_true", help="say what every window would do and cost; buy nothing")
    return made


def moment(value: str) -> datetime:
    """A time without a zone is meant in --timezone."""
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{value!r} is no date; write 2026-03-02 or 2026-03-02T18:00+01:00") from None


def by(value: str) -> str:
    try:
        length_of(value)
    except UserError as error:
        raise argparse.ArgumentTypeError(str(error).removeprefix("by: ")) from None
    return value


def backfill(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Run the pipeline once per window in which something is left to do."""
    campaign = load_campaign(args.campaign, args.overrides)
    edges = edges_of(args.start, args.end, args.by, args.timezone)
    args.start, args.end = edges[0], edges[-1]
    settings = prepared(args, campaign)
    window = {"by": args.by, "on": args.on, "timezone": args.timezone}
    if args.dry_run:
        from flows.plan_backfill import plan_backfill
        from flows.show_backfill import show_backfill_plan

        plan = plan_backfill(campaign, settings, args.start, args.end, **window)
        show_backfill_plan(plan, console)
        return asdict(plan)

    def start() -> Any:
        from flows.backfill import backfill as flow

        return flow(campaign, args.start, args.end, parallel=args.parallel, **window)

    try:
        in_this_process(settings, args, console, start)
    except PostwrightError:
        show(settings, campaign, edges, args.on, console)
        raise
    return show(settings, campaign, edges, args.on, console)


def show(settings: Settings, campaign: Any, edges: list[datetime], on: Any, console: Console) -> dict[str, Any]:
    """How the windows stand now, whether it was stopped or not."""
    from components.report.backfills import read_backfill
    from flows.backfill import id_of
    from flows.show_backfill import show_backfill

    store, backfill_id = settings.store(), id_of(campaign, edges, on)
    if not store.query("SELECT 1 FROM backfills WHERE backfill_id = $id", {"id": backfill_id}):
        return {}  # refused before it began
    found = read_backfill(store, backfill_id)
    report = settings.backfill_report(found.campaign, backfill_id)
    show_backfill(found, report, console)
    totals = {name: found.total(name) for name in ("items", "posts", "judged", "calls")}
    counted = {"kinds": found.kinds, **totals, "cost_usd": found.cost_usd}
    return {**asdict(found), **counted, "report": str(report) if report.exists() else None}
