"""The `postwright` command, thin: words in, a flow or a reader, words out.

Nothing heavy is imported before a command needs it: `--help` answers at once, and a wrong campaign file is told before
Prefect or torch are loaded. Exit codes: 0 done, 2 wrong input, 3 a check, 4 the budget, 5 the provider.
"""

import argparse
import atexit
import json
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from components.errors import BatchPending, PostwrightError, UserError
from flows import (
    audit_commands,
    backfill_commands,
    commands,
    comparing_commands,
    experiment_commands,
    judging_commands,
    keeping_commands,
    learning_commands,
    people_commands,
    service_commands,
)
from flows.progress import speaking
from flows.settings import use_log

DEMO = Path(__file__).parents[1] / "campaigns" / "demo.yaml"

ELSEWHERE: dict[str, Any] = {
    **dict.fromkeys(("train", "evaluate", "describe"), learning_commands),
    "backfill": backfill_commands,
    "compare": comparing_commands,
    "experiment": experiment_commands,
    "rejudge": judging_commands,
    **dict.fromkeys(people_commands.COMMANDS, people_commands),
    **dict.fromkeys(service_commands.COMMANDS, service_commands),
    **dict.fromkeys(keeping_commands.COMMANDS, keeping_commands),
}
"""Commands whose functions stand in other modules than `commands`."""

EXAMPLES = """\
examples:
  postwright demo                                  the sample campaign: no key, no download, no server
  postwright run mine.yaml --limit 20              your own campaign, the 20 earliest items
  postwright run mine.yaml --set judge.rubric=mpwl --set generation.temperature=0.2
  postwright plan mine.yaml                        rows, calls, tokens and money before they are spent
  postwright backfill mine.yaml --from 2026-03-02 --to 2026-03-16 --by day
  postwright rejudge mine.yaml --from 2026-01-01 --to 2026-04-01 --set judge.model=openai/gpt-5
  postwright report                                the HTML report of the latest run
  postwright review                                rate and approve posts on a web page
  postwright export --out posts.csv                what was approved, for a scheduler
  postwright compare mine.yaml plain.yaml          which posts are better, in pairs, both orders
  postwright spend --by day                        what was bought so far
  postwright metrics                               figures for Prometheus
  postwright train campaigns/train-drawings.yaml   teach topic, sentiment and scene from labelled examples
  postwright evaluate mine.yaml                    compare ways to read labels on labelled examples
  postwright audit mine.yaml                       how far can this campaign's judge be trusted?
  postwright experiment campaigns/mpwl-ablation.yaml    arms of one campaign, compared
  postwright up                                    server, UI, schedules and a worker; then: status, down
  postwright snapshot                              a copy of the warehouse to read beside runs
  postwright backup                                all that cannot be had again, in one file
  postwright doctor                                is this machine ready?

exit codes: 0 done; 2 wrong input; 3 a data check, 4 the budget, 5 the provider stopped the run (resume: same command)
"""


def parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--home", type=Path, metavar="DIR", help="where results live (default: $POSTWRIGHT_HOME or .postwright)"
    )
    common.add_argument("--json", action="store_true", help="one JSON object on standard output, for machines")
    common.add_argument("--log-json", action="store_true", help="progress as lines of JSON on standard error")
    common.add_argument("--verbose", action="store_true", help="show the logs of Prefect and of the models")

    top = argparse.ArgumentParser(
        prog="postwright",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=EXAMPLES,
        description="Pictures and their texts in, judged social-media posts out.",
    )
    top.add_argument("--version", action="version", version=f"postwright {commands.version()}")
    add = top.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def command(name: str, help: str, epilog: str = "") -> argparse.ArgumentParser:
        made = add.add_parser(
            name,
            help=help,
            description=help,
            parents=[common],
            epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        return made

    demo = command("demo", "run the sample campaign", "example:\n  postwright demo --limit 8")
    run = command(
        "run", "run a campaign", "example:\n  postwright run mine.yaml --from 2026-03-02 --to 2026-03-09 --limit 50"
    )
    plan = command(
        "plan", "what a run would do, and what it would cost; buys nothing", "example:\n  postwright plan mine.yaml"
    )
    for made in (run, plan):
        made.add_argument("campaign", type=Path, metavar="CAMPAIGN.yaml")
    for made in (demo, run, plan):
        made.add_argument("--from", dest="start", type=time, metavar="DATE", help="published at or after (UTC)")
        made.add_argument("--to", dest="end", type=time, metavar="DATE", help="published before (UTC)")
        made.add_argument(
            "--on", choices=("published_at", "ingested_at"), default="published_at",
            help="whose time --from and --to are: the source's, or when items were read in",
        )  # fmt: skip
        made.add_argument("--limit", type=count, metavar="N", help="only the N earliest items")
    for made in (demo, run, plan):
        made.add_argument(
            "--set",
            dest="overrides",
            action="append",
            default=[],
            metavar="SECTION.FIELD=VALUE",
            help="override the file; repeatable",
        )
    backfill = backfill_commands.add_to(command, count)
    for made in (demo, run, backfill):
        made.add_argument(
            "--runner",
            metavar="WHERE",
            help="who computes chunks: local (default), dask, ray, dask://HOST:PORT, ray://...",
        )
    report = command(
        "report",
        "write the HTML report of a run from the warehouse",
        "example:\n  postwright report --home .postwright",
    )
    report.add_argument("--run", metavar="RUN_ID", help="default: the latest")
    report.add_argument(
        "--backfill", nargs="?", const="", metavar="ID", help="the page of a backfill instead; default: the latest"
    )
    report.add_argument("--experiment", metavar="NAME", help="the report of an experiment instead")
    report.add_argument("--out", type=Path, metavar="DIR", help="of an experiment: also write its tables as CSV files")
    experiment_commands.add_to(command, count)
    compact = command(
        "compact",
        "pack the journal of calls: finished segments become parquet, at a fifth of the size",
        "examples:\n  postwright compact --dry-run\n  postwright compact --home .postwright\n\n"
        "Runs may go on meanwhile: what they write now is packed next time. It may be interrupted at any moment.",
    )
    compact.add_argument("--dry-run", action="store_true", help="say what would be packed, and change nothing")
    spend = command(
        "spend",
        "what was bought so far: calls, tokens and money",
        "examples:\n  postwright spend\n  postwright spend --by day\n"
        "  postwright spend mine.yaml     (and what its cap of the month leaves)",
    )
    spend.add_argument("campaign", nargs="?", type=Path, metavar="CAMPAIGN.yaml")
    spend.add_argument("--by", choices=("stage", "model", "spec", "run", "day", "month"), default="stage")
    metrics = command(
        "metrics",
        "the home's figures in Prometheus' form: runs, spend, quarantine, age of the last good run",
        "examples:\n  postwright metrics\n  postwright metrics --out /var/lib/node_exporter/postwright.prom\n\n"
        "Runs write them to HOME/metrics/ by themselves; docs/metrics.md says what each means.",
    )
    metrics.add_argument("--out", type=Path, metavar="FILE", help="replace this file instead, in one step")
    comparing_commands.add_to(command, time, count)
    command("doctor", "check this machine: packages, home, models, keys")
    models = command(
        "models",
        "list the model sets, or fetch one from the hub",
        "examples:\n  postwright models\n  postwright models fetch pretrained",
    )
    models.add_argument("action", nargs="?", choices=("list", "fetch"), default="list")
    models.add_argument("set", nargs="?", default="pretrained", help="a model set's name or file")
    audit_commands.add_to(command)
    train = command(
        "train",
        "train the network that reads topic, sentiment and scene; measure, compare, promote it",
        "examples:\n  postwright train campaigns/train-drawings.yaml\n"
        "  postwright train mine.yaml --set network.fusion=attention --set epochs=20\n\n"
        "the model set is written to HOME/models/NAME.yaml; a campaign uses it as features: {models: that file}.\n"
        "A model that is worse than the one in use is kept, but does not replace it (exit code 3).",
    )
    evaluate = command(
        "evaluate",
        "measure ways to read labels (networks, zero-shot, few-shot, lexicon) on labelled examples",
        "example:\n  postwright evaluate campaigns/evaluate-drawings.yaml",
    )
    describe = command(
        "describe",
        "let a language model describe classes, for reading labels without training",
        "example:\n  postwright describe my_labels.yaml --model openai/gpt-4o-mini --out my_described.yaml",
    )
    describe.add_argument("file", type=Path, metavar="LABELS.yaml")
    describe.add_argument("--model", required=True, metavar="PROVIDER/NAME", help="who describes")
    describe.add_argument("--endpoint", metavar="URL", help="of any OpenAI-compatible server; default OpenAI's")
    describe.add_argument("--out", type=Path, metavar="FILE", help="default: LABELS.described.yaml beside the file")
    describe.add_argument("--usd", type=float, default=1.0, metavar="USD", help="the most it may cost (default: 1.00)")
    describe.add_argument("--allow-unpriced", action="store_true", help="also models whose price is unknown")
    for made in (train, evaluate):
        made.add_argument("file", type=Path, metavar="FILE.yaml")
        made.add_argument(
            "--set",
            dest="overrides",
            action="append",
            default=[],
            metavar="FIELD=VALUE",
            help="override the file; repeatable",
        )
    judging_commands.add_to(command, time, count)
    people_commands.add_to(command)
    service_commands.add_to(command, count)
    keeping_commands.add_to(command)
    return top


def time(value: str) -> datetime:
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{value!r} is no date; write 2026-03-02 or 2026-03-02T18:00+01:00") from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def count(value: str) -> int:
    if not value.isdigit() or int(value) < 1:
        raise argparse.ArgumentTypeError(f"{value!r} is no whole number above 0")
    return int(value)


def hush() -> None:
    """The last thing before the interpreter goes: DuckDB's bindings list what they leaked, which helps no user."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    args = parser().parse_args(argv)
    atexit.register(hush)
    console = Console(stderr=args.json, highlight=False)
    if args.command == "demo":
        args.campaign = DEMO
    if args.log_json:
        use_log("json")
    try:
        module = ELSEWHERE.get(args.command, commands)
        with speaking(console, machine=args.json):
            result = (getattr(args, "do", None) or getattr(module, args.command))(args, console)
        if args.json:
            print(json.dumps(result, ensure_ascii=False, default=str))
        return 0
    except PostwrightError as error:
        if args.json:
            print(json.dumps({"error": str(error), "exit_code": error.exit_code}, ensure_ascii=False))
        print(f"postwright: {said(error)}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("postwright: interrupted; run the same command again to resume", file=sys.stderr)
        return 130


def said(error: PostwrightError) -> str:
    """What it says, and, of what the same command resumes, that it does; once."""
    if isinstance(error, UserError | BatchPending) or "same command again" in str(error):
        return str(error)
    return f"{error}; run the same command again to resume"


if __name__ == "__main__":
    sys.exit(main())
