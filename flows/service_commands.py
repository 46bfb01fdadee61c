"""What `postwright up`, `down` and `status` do, and their words; as in commands.py, one function per command."""

import argparse
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from components.errors import HomeUnusable, PostwrightError, UserError
from flows.prefect_file import ROOT
from flows.settings import Settings, database_url, speak_to_service, use_home

COMMANDS = ("up", "down", "status")
LOOK_EVERY_S = 2.0
RESTARTS, WITHIN_S = 5, 600.0


def add_to(command: Callable[..., argparse.ArgumentParser], count: Callable[[str], int]) -> None:
    """The words of these commands."""
    up = command(
        "up",
        "start Prefect's server, its UI, a worker, and all deployments of prefect.yaml",
        "examples:\n  postwright up\n  postwright up --port 4300 --limit 4\n"
        "  postwright up --notify https://hooks.slack.com/services/...   failed and late runs are told there\n"
        "  postwright up --secret OPENAI_API_KEY=openai                  the key comes from a Secret block\n"
        "  postwright up --foreground                                    for systemd and containers\n\n"
        "It may be repeated: what runs is left alone, what was killed starts again, and runs whose process\n"
        "is gone go on. All of it lies in the home; what was said once holds until something else is said.",
    )
    up.add_argument("--port", type=port, metavar="PORT", help="default: 4200; 0: any that is free")
    up.add_argument("--limit", type=count, metavar="N", help="runs at a time (default: 2)")
    up.add_argument(
        "--foreground", action="store_true", help="stay, start again what dies, stop all at Ctrl-C or SIGTERM"
    )
    up.add_argument(
        "--file", type=Path, default=ROOT / "prefect.yaml", metavar="FILE", help="default: the checkout's prefect.yaml"
    )
    up.add_argument(
        "--database",
        metavar="URL",
        help="PostgreSQL for Prefect's own data, or sqlite; better in PREFECT_API_DATABASE_CONNECTION_URL",
    )
    up.add_argument(
        "--secret",
        action="append",
        default=[],
        metavar="ENV=BLOCK",
        help="runs have this environment variable from a Secret block; repeatable; ENV= takes it away",
    )
    up.add_argument(
        "--variable", action="append", default=[], metavar="ENV=NAME", help="the same from a variable of Prefect's"
    )
    up.add_argument("--notify", metavar="TARGET", help="http(s) address, TYPE/NAME of a block, or none")
    command(
        "down",
        "stop the runs, the worker and the server of this home",
        "example:\n  postwright down\n\n"
        "Runs are asked to stop: calls in flight may arrive, and the runs go on at the next up.",
    )
    command(
        "status",
        "what of `up` is up, when each deployment runs next, how the last runs ended",
        "examples:\n  postwright status\n  postwright status --json",
    )


def port(value: str) -> int:
    if not value.isdigit() or int(value) > 65535:
        raise argparse.ArgumentTypeError(f"{value!r} is no port: 1 to 65535, or 0 for any that is free")
    return int(value)


def up(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Bring all up; in the foreground until it is told to stop."""
    from flows.service import Asked, bring_up
    from flows.show_service import show_up, teller

    settings = use_home(args.home).prepare()
    asked = Asked(
        file=args.file.expanduser().resolve(),
        port=args.port,
        limit=args.limit,
        database=args.database or database_url(),
        notify=args.notify,
        environment=dict(
            reference(kind, words)
            for kind, given in (("secret", args.secret), ("variable", args.variable))
            for words in given
        ),
    )
    speak_to_service(settings)
    if args.foreground:
        return stay(settings, asked, console)
    done = bring_up(settings, asked, teller(console))
    show_up(done, console)
    return asdict(done)


def reference(kind: Any, words: str) -> tuple[str, Any]:
    from flows.service import Reference

    variable, is_there, name = words.partition("=")
    if not is_there:
        raise UserError(f"--{kind} {words}: write ENV=NAME, such as OPENAI_API_KEY=openai")
    return variable, Reference(kind, name)


def stay(settings: Settings, asked: Any, console: Console) -> dict[str, Any]:
    """Until SIGINT or SIGTERM: look after the server and the worker, and bring up again what has died."""
    from components.keeping import leave
    from flows.service import Asked, bound_logs, bring_down, bring_up, server_of, worker_of
    from flows.show_service import show_up, teller

    told, stop = teller(console), threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        done = bring_up(settings, asked, told)
    except PostwrightError:
        if stop.is_set():
            bring_down(settings, told)
        raise
    show_up(done, console)
    told("logs", f"{settings.service}/server.log and worker.log")
    leave(settings.home)  # what is looked after works there by itself; else nobody could prune while this stays
    again = Asked(asked.file, database=asked.database)
    restarts: list[float] = []
    try:
        while not stop.wait(LOOK_EVERY_S):
            bound_logs(settings)
            dead = [part.name for part in (server_of(settings), worker_of(settings)) if part.running() is None]
            if not dead:
                continue
            restarts = [at for at in restarts if time.monotonic() - at < WITHIN_S] + [time.monotonic()]
            if len(restarts) > RESTARTS:
                raise HomeUnusable(
                    f"the {' and the '.join(dead)} died {RESTARTS} times within {WITHIN_S / 60:g} minutes; "
                    f"see the logs in {settings.service}"
                )
            told("died", f"the {' and the '.join(dead)}; starting again")
            done.went_on += bring_up(settings, again, told).went_on
    finally:
        bring_down(settings, told)
    return asdict(done)


def down(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Stop all; what is down already is no error."""
    from flows.service import bring_down
    from flows.show_service import teller

    settings = use_home(args.home)
    speak_to_service(settings)
    return asdict(bring_down(settings, teller(console)))


def status(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Look, and change nothing."""
    from flows.service_status import read_status
    from flows.show_service import show_status

    settings = use_home(args.home)
    speak_to_service(settings)
    found = read_status(settings)
    show_status(found, console)
    return asdict(found)
