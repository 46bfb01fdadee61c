"""What each command of `postwright` does; one function per command, named like it.

Each takes the parsed words and a console, shows people what happened, and returns what `--json` prints.
"""

import argparse
import signal
from collections.abc import Callable
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed
from typing import Any

from rich.console import Console

from components.errors import UserError
from components.specs.campaign_file import load_campaign
from flows.settings import Settings, quiet_prefect, use_home, use_runner


def version() -> str:
    try:
        return installed("postwright")
    except PackageNotFoundError:
        return "not installed"


def run(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Run the pipeline on a campaign, here, with progress."""
    campaign = load_campaign(args.campaign, args.overrides)
    kind = args.on.removesuffix("_at")
    window = {f"{kind}_from": args.start, f"{kind}_to": args.end}
    settings = prepared(args, campaign)

    def start() -> Any:
        from flows.pipeline import pipeline

        return pipeline(campaign, limit=args.limit, **window)

    from flows.show import show_summary

    summary = in_this_process(settings, args, console, start)
    show_summary(summary, settings, console)
    return asdict(summary)


demo = run


def plan(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Say what a run would do; nothing is computed or bought."""
    campaign = load_campaign(args.campaign, args.overrides)
    settings = prepared(args, campaign)
    from flows.plan_run import plan_run
    from flows.show import show_plan

    found = plan_run(campaign, settings, args.start, args.end, args.limit, args.on)
    show_plan(found, console)
    return asdict(found)


def report(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Write the report again from the warehouse alone."""
    if args.experiment:
        from flows.experiment_commands import report_experiment

        return report_experiment(args, console)
    if args.backfill is not None:
        from flows.write_report import report_backfill

        path = report_backfill(use_home(args.home).existing(), args.backfill or None)
        console.print(f"report: {path.as_uri()}", soft_wrap=True)
        return {"report": str(path)}
    if args.out:
        raise UserError("--out is for the tables of an experiment: add --experiment NAME")
    from flows.write_report import write_report

    path = write_report(use_home(args.home).existing(), args.run)
    console.print(f"report: {path.as_uri()}", soft_wrap=True)
    return {"report": str(path)}


def spend(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """What was bought so far, by whom or when; a campaign file adds what its cap of the month leaves."""
    from flows.show_spend import read_spend, show_spend

    campaign = load_campaign(args.campaign, []) if args.campaign else None
    store = use_home(args.home).existing().store()
    store.prepare()  # the views were made when the journal was another
    found = read_spend(store, args.by, campaign)
    show_spend(found, console)
    return asdict(found)


def metrics(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """The home's figures in Prometheus' form, on standard output or in a file; with --json as a list."""
    from prometheus_client import CollectorRegistry, generate_latest

    from flows.exposition import write_home
    from flows.home_metrics import HomeMetrics

    settings = use_home(args.home).existing()
    settings.store().prepare()  # the views were made when the journal was another
    if args.out:
        console.print(f"metrics: {write_home(settings, args.out)}", soft_wrap=True, markup=False)
        return {"metrics": str(args.out)}
    registry = CollectorRegistry(auto_describe=False)
    registry.register(HomeMetrics(settings))
    if not args.json:
        console.file.write(generate_latest(registry).decode())
    samples = [sample for family in registry.collect() for sample in family.samples]
    return {"metrics": [{"name": one.name, "labels": one.labels, "value": one.value} for one in samples]}


def doctor(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Check the machine; raises UserError when something that every run needs is missing."""
    from flows.check_machine import check_machine
    from flows.show import show_findings

    findings = check_machine(use_home(args.home))
    show_findings(findings, console)
    broken = [finding.name for finding in findings if finding.state == "broken"]
    if broken:
        raise UserError(f"not ready: {', '.join(broken)} (see above)")
    return {"findings": [asdict(finding) for finding in findings]}


def models(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """List the model sets and what is there of them, or fetch one."""
    from components.features import describe_model_sets, fetch, shipped_sets
    from flows.show import show_model_sets

    settings = use_home(args.home)
    if args.action == "fetch":
        quiet_prefect(settings, args.verbose)
        settings.prepare()
        fetch(args.set, settings.models, console.print)
    trained = sorted(str(file) for file in settings.models.glob("*.yaml"))  # what `postwright train` made
    found = describe_model_sets(settings.models, [*shipped_sets(), *trained])
    show_model_sets(found, console)
    return {"model_sets": found}


def compact(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Pack what the journal's ended writers have left."""
    from components.chat.compaction import compact as pack
    from components.chat.segments import list_segments
    from flows.progress import listening, progress
    from flows.show import show_compacted

    settings = use_home(args.home).existing()
    megabytes = sum(size for _, size in list_segments(settings.calls)) // 1_000_000
    with listening(console, machine=args.json):
        done = pack(settings.calls, args.dry_run, in_millions(progress("pack calls (MB)", megabytes)))
    if not args.dry_run:
        settings.store().prepare()
    show_compacted(done, settings.calls, console)
    return asdict(done)


def in_millions(advance: Callable[[int], None]) -> Callable[[int], None]:
    """Tells whole millions of what it is told in ones."""
    left = 0

    def count(n: int) -> None:
        nonlocal left
        left += n
        if left >= 1_000_000:
            advance(left // 1_000_000)
            left %= 1_000_000

    return count


def prepared(args: argparse.Namespace, campaign: Any) -> Settings:
    """The home, writable and up to date, and a campaign that can run there."""
    from flows.preflight import preflight

    if args.start and args.end and args.start >= args.end:
        raise UserError(f"the window is empty: --from {args.start:%Y-%m-%d} is not before --to {args.end:%Y-%m-%d}")
    use_runner(getattr(args, "runner", None))
    settings = use_home(args.home).prepare()
    preflight(campaign, settings.store())
    return settings


def in_this_process(settings: Settings, args: argparse.Namespace, console: Console, start: Callable[[], Any]) -> Any:
    """Run a flow with a server of Prefect's that is this command's own, or the user's, where one is configured."""
    from flows.own_server import OwnServer
    from flows.progress import listening, say

    if settings.log == "json":
        from flows.run_log import log_json_to_stderr

        log_json_to_stderr()
    environment = quiet_prefect(settings, args.verbose)
    # A terminated run must end like an interrupted one (in-flight answers are journaled on the way out), also where a
    # shell started it in the background and so made it deaf to interrupts.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    with listening(console, machine=args.json or settings.log == "json"):
        say("starting Prefect ...")
        server = None if environment is None else OwnServer(environment)  # before the seconds that imports take
        from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

        import flows.pipeline  # noqa: F401

        # Heartbeats tell a server of a dead worker; waiting for their thread to stop costs a second per flow.
        changed: dict[Any, Any] = {PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}
        if server is not None:
            changed[PREFECT_API_URL] = server.wait()
        with temporary_settings(updates=changed):
            return start()
