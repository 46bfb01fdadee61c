"""What `postwright experiment` and `postwright report --experiment` do, and the words they take."""

import argparse
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from components.errors import PostwrightError, UserError
from flows.settings import Settings, use_home

ABOUT = """\
examples:
  postwright experiment campaigns/mpwl-ablation.yaml --plan
  postwright experiment campaigns/mpwl-ablation.yaml --limit 20 --parallel 2
  postwright experiment mine.yaml --set generation.model=openai/gpt-4o-mini --out tables/

The file names a campaign and arms, each with what is different. Arms share every call they can and one budget. Options
of --set that are no field of the experiment are of its campaign. The same command goes on where it stopped."""


def add_to(command: Callable[..., argparse.ArgumentParser], count: Callable[[str], int]) -> None:
    """The words of `postwright experiment`."""
    made = command("experiment", "run a campaign in several arms over the same items, and compare them", ABOUT)
    made.add_argument("file", type=Path, metavar="EXPERIMENT.yaml")
    made.add_argument("--plan", action="store_true", help="say calls and money with sharing counted; buys nothing")
    made.add_argument("--limit", type=count, metavar="N", help="only the N earliest items")
    made.add_argument("--parallel", type=count, default=1, metavar="N", help="arms at a time")
    made.add_argument("--out", type=Path, metavar="DIR", help="also write the tables as CSV files")
    made.add_argument(
        "--set", dest="overrides", action="append", default=[], metavar="FIELD=VALUE", help="override; repeatable"
    )


def experiment(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Run an experiment, here, with progress; or say what it would cost."""
    from components.experiments import arms_of, load_experiment, pairwise_of, purse_of
    from flows.commands import in_this_process
    from flows.preflight import preflight_arms

    limit = [f"items.limit={args.limit}"] if args.limit else []
    spec = load_experiment(args.file, [*args.overrides, *limit])
    arms = arms_of(spec)
    settings = use_home(args.home).prepare()
    preflight_arms(arms, pairwise_of(spec, arms), settings.store())
    writable(args.out)
    if args.plan:
        from flows.plan_experiment import plan_experiment
        from flows.show_experiment import show_experiment_plan

        plan = plan_experiment(spec, settings)
        show_experiment_plan(plan, console)
        return asdict(plan)

    def start() -> Any:
        from flows.run_experiment import run_experiment

        return run_experiment(spec, parallel=args.parallel)

    from flows.show_experiment import show_experiment

    try:
        result = in_this_process(settings, args, console, start)
    except PostwrightError:
        show_what_is_there(purse_of(spec, arms), settings, args, console)
        raise
    show_experiment(result, settings, console)
    exported(result, args.out, console)
    return asdict(result)


def show_what_is_there(purse: str, settings: Settings, args: argparse.Namespace, console: Console) -> None:
    """The tables of a stopped experiment, which say that they are partial; nothing where it stopped before any item."""
    from components.experiments.read import begun_by
    from flows.experiment_results import finish_experiment
    from flows.show_experiment import show_experiment

    made = begun_by(settings.store(), purse)
    if made is None:
        return
    result = finish_experiment(made, settings)
    show_experiment(result, settings, console)
    exported(result, args.out, console)


def report_experiment(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Make tables and report of an experiment again, from the warehouse alone."""
    from components.experiments.read import find_experiment
    from flows.experiment_results import finish_experiment
    from flows.show_experiment import show_experiment

    settings = use_home(args.home).existing()
    writable(args.out)
    settings.store().prepare()
    result = finish_experiment(find_experiment(settings.store(), args.experiment), settings)
    show_experiment(result, settings, console)
    exported(result, args.out, console)
    return asdict(result)


def writable(folder: Path | None) -> None:
    """Tell of a folder that cannot take the tables before anything is bought."""
    if folder is None:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--out {folder}: {error.strerror}; name a folder that can be written") from None


def exported(result: Any, folder: Path | None, console: Console) -> None:
    from components.experiments.export import export

    if folder is None:
        return
    try:
        files = export(asdict(result), folder)
    except OSError as error:
        raise UserError(f"--out {folder}: {error.strerror}; the tables are in the report and in --json too") from None
    console.print(f"tables:    {', '.join(file.name for file in files)} in {folder}", soft_wrap=True, markup=False)
