"""What `postwright rejudge` does; as in `commands.py`, one function per command."""

import argparse
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from components.specs.campaign_file import load_campaign
from flows.commands import in_this_process
from flows.settings import use_home

EPILOG = """\
examples:
  postwright rejudge mine.yaml --from 2026-01-01 --to 2026-04-01 --set judge.model=openai/gpt-5 --dry-run
  postwright rejudge mine.yaml --from 2026-01-01 --to 2026-04-01 --set judge.model=openai/gpt-5
  postwright rejudge mine.yaml --from 2026-01-01 --to 2026-04-01 --set judge.model=openai/gpt-5 \\
      --compare 2026-04-01 2026-07-01     how much of the change between the quarters is the judge's

The posts of the window are read by `judge` as the file and --set name it, whoever wrote them; nothing is written but
judgments, those that are there stay, and a second run buys nothing. Then both judges are compared on the same posts."""


def add_to(
    command: Callable[[str, str, str], argparse.ArgumentParser],
    time: Callable[[str], datetime],
    count: Callable[[str], int],
) -> None:
    """The parsers of these commands."""
    made = command("rejudge", "judge posts that are there again, by another judge; how much of a change is its", EPILOG)
    made.add_argument("campaign", type=Path, metavar="CAMPAIGN.yaml")
    made.add_argument("--from", dest="start", type=time, metavar="DATE", required=True, help="published at or after")
    made.add_argument("--to", dest="end", type=time, metavar="DATE", required=True, help="published before (UTC)")
    made.add_argument("--by", choices=("day", "week", "month"), default="month", help="windows (default: month)")
    made.add_argument("--parallel", type=count, default=1, metavar="N", help="windows at a time")
    made.add_argument(
        "--set",
        dest="overrides",
        action="append",
        default=[],
        metavar="SECTION.FIELD=VALUE",
        help="override the file; repeatable",
    )
    made.add_argument(
        "--against", default="", metavar="JUDGE", help="a spec id or a model (default: who has read most of them)"
    )
    made.add_argument(
        "--compare", type=time, nargs=2, metavar="DATE", help="another period, which the new judge has read already"
    )
    made.add_argument("--dry-run", action="store_true", help="say what would be judged and what it costs; buy nothing")


def rejudge(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Judge again what stands in the warehouse."""
    campaign = load_campaign(args.campaign, args.overrides)
    settings = use_home(args.home).existing().prepare()
    period, compared = (args.start, args.end), tuple(args.compare) if args.compare else None
    if args.dry_run:
        from flows.plan_rejudging import plan_rejudging
        from flows.show import show_plan

        plan = plan_rejudging(campaign, settings, period, args.by)
        show_plan(plan, console)
        return asdict(plan)

    from flows.rejudging import check_rejudging

    check_rejudging(campaign, settings.store(), period, compared, args.against)

    def start() -> Any:
        from flows.rejudge_posts import rejudge_posts

        start, end = compared or (None, None)
        return rejudge_posts(campaign, *period, args.by, args.parallel, args.against, start, end)

    from flows.show_judging import show_rejudged

    found = in_this_process(settings, args, console, start)
    show_rejudged(found, console)
    return asdict(found)
