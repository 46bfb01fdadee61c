"""What `postwright review`, `ratings` and `export` do, and their words; as in commands.py, one function per command."""

import argparse
import getpass
import secrets
import threading
import webbrowser
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from components.errors import UserError
from flows.settings import use_home

COMMANDS = ("review", "ratings", "export")
PORT = 8642
SHORTEST_TOKEN = 16


def add_to(command: Callable[..., argparse.ArgumentParser]) -> None:
    """The words of these commands."""
    review = command(
        "review",
        "rate, approve, reject and edit posts on a web page, with the keyboard",
        "examples:\n  postwright review\n  postwright review --campaign demo --rater ann\n"
        "  postwright review --host 0.0.0.0        other machines may open it, with the token it prints\n\n"
        "It may run beside a pipeline on the same home. Ctrl-C ends it; every acknowledged answer is kept.",
    )
    review.add_argument("--host", default="127.0.0.1", metavar="HOST", help="default: this machine only (127.0.0.1)")
    review.add_argument("--port", type=port, default=PORT, metavar="PORT", help=f"default: {PORT}; 0: any that is free")
    review.add_argument("--token", metavar="TOKEN", help="asked of every browser; made up where --host is not loopback")
    review.add_argument("--rater", metavar="NAME", help="who rates (default: the name of your account)")
    review.add_argument("--rubric", default="mpwl", metavar="NAME", help="for posts no judge has read (default: mpwl)")
    review.add_argument(
        "--gate", type=float, metavar="SCORE", help="the overall score from which posts are published (default: 7)"
    )
    review.add_argument(
        "--audit", type=share, metavar="SHARE", help="of posts drawn at random, not by the queue (default: 0.1)"
    )
    review.add_argument("--no-open", action="store_true", help="do not open a browser")
    ratings = command(
        "ratings",
        "how far judges are from people, and people from each other; ratings from and to CSV",
        "examples:\n  postwright ratings\n  postwright ratings calibrate\n  postwright ratings import theirs.csv\n"
        "  postwright ratings export ours.csv\n\n"
        "Judges are compared on posts drawn at random (the audit slice, imported ratings), since the\n"
        "queue shows those on which judges disagree. `calibrate` keeps the maps, which the view\n"
        "calibrated_scores lays over raw scores. A CSV has the columns post_id, rater, aspect, score;\n"
        "and, if known, rubric, rubric_id (which text of it), slice, seconds, saw_judge, created_at.\n"
        "Ratings by two texts of one rubric are two questions, and are told apart. What is exported has,\n"
        "beside what each rater says now, what they said before they saw the judge; no score: taken back.",
    )
    ratings.add_argument("action", nargs="?", choices=("show", "calibrate", "import", "export"), default="show")
    ratings.add_argument("file", nargs="?", type=Path, metavar="FILE.csv")
    export = command(
        "export",
        "approved posts for schedulers, examples for tuning a writer, or any table",
        "examples:\n  postwright export --out posts.csv\n  postwright export --format json --out posts.json\n"
        "  postwright export --layout buffer --pictures-url https://example.org/p --out buffer.csv\n"
        "  postwright export --what sft --holdout-share 0.2 --out sft.jsonl\n"
        "  postwright export --what preferences --out pairs.jsonl\n"
        "  postwright export --table features --where \"name = 'clip_image'\" --out vectors.parquet\n\n"
        "Items that something is measured on, and near-duplicates of them, are left out of sft and preferences.",
    )
    for made in (review, export):
        made.add_argument("--campaign", metavar="NAME", help="only posts of this campaign's runs")
        made.add_argument("--run", metavar="RUN_ID", help="only posts of this run")
    export.add_argument("--what", choices=("posts", "sft", "preferences"), default="posts")
    export.add_argument("--table", metavar="NAME", help="a whole table or view, by --out's ending: parquet, csv, jsonl")
    export.add_argument("--where", metavar="SQL", help="of a table: only rows for which this condition holds")
    export.add_argument("--format", choices=("csv", "json", "jsonl"), help="default: csv for posts, else jsonl")
    export.add_argument(
        "--layout",
        choices=("postwright", "buffer", "hootsuite", "trl", "openai"),
        help="columns of a CSV; form of preferences (default: trl)",
    )
    export.add_argument("--out", type=Path, required=True, metavar="FILE")
    export.add_argument("--start", type=moment, metavar="TIME", help="when the first post is to be published")
    export.add_argument("--every-hours", type=float, default=24, metavar="N", help="then one every N hours (24)")
    export.add_argument(
        "--pictures-url", metavar="URL", help="where the pictures can be fetched; their names are added"
    )
    export.add_argument(
        "--holdout-dataset", action="append", default=[], metavar="NAME", help="measured on, so left out; repeatable"
    )
    export.add_argument("--holdout-share", type=share, default=0.0, metavar="SHARE", help="held out for measuring (0)")
    export.add_argument("--rating-margin", type=float, default=1.0, metavar="POINTS", help="between two ratings (1)")
    export.add_argument("--judge-margin", type=float, default=1.0, metavar="POINTS", help="of judges; 0: no such pairs")


def port(value: str) -> int:
    if not value.isdigit() or int(value) > 65535:
        raise argparse.ArgumentTypeError(f"{value!r} is no port: 0 to 65535")
    return int(value)


def share(value: str) -> float:
    try:
        found = float(value)
    except ValueError:
        found = -1.0
    if not 0 <= found <= 1:
        raise argparse.ArgumentTypeError(f"{value!r} is no share: 0 to 1")
    return found


def moment(value: str) -> datetime:
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{value!r} is no time; write 2026-03-02T18:00 or with +01:00") from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def review(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Serve the review page until Ctrl-C."""
    from components.people.desk import Refused, rater_of
    from components.people.doors import is_loopback
    from components.people.order import AUDIT
    from components.people.teaching import GATE
    from flows.review_posts import Asked, prepared, review_posts

    settings = use_home(args.home).existing()
    if args.campaign and args.run:
        raise UserError("review: give --campaign or --run, not both")
    if args.token is not None and len(args.token) < SHORTEST_TOKEN:
        raise UserError(f"--token is {len(args.token)} characters long: give {SHORTEST_TOKEN} or more, or leave it out")
    token = args.token or (None if is_loopback(args.host) else secrets.token_urlsafe(24))
    try:
        rater = rater_of(args.rater or account())
    except Refused as error:
        raise UserError(f"--rater {args.rater!r}: {error}") from None
    gate, audit = args.gate if args.gate is not None else GATE, args.audit if args.audit is not None else AUDIT
    asked = Asked(args.campaign, args.run, args.rubric, gate, audit)
    prepared(settings, asked)

    def told(address: str) -> None:
        console.print(f"review page: {address}", soft_wrap=True, markup=False)
        console.print(f"rating as {rater}; Ctrl-C ends it", soft_wrap=True, markup=False)
        if not args.no_open and console.is_terminal:
            threading.Thread(target=open_page, args=(address,), daemon=True).start()

    kept = review_posts(settings, asked, args.host, args.port, token, rater, told)
    console.print(f"{kept} answer{'' if kept == 1 else 's'} kept; see them with: postwright ratings")
    return {"answers": kept}


def account() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name, in a container
        return "rater"


def open_page(address: str) -> None:
    """In a browser with windows: one within the terminal would take it over."""
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return
    if type(browser) is not webbrowser.GenericBrowser:
        browser.open(address)


def ratings(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Show, calibrate, import or export what people said."""
    from flows import fold_ratings
    from flows.read_opinions import read, store_calibrations
    from flows.show_people import show_imported, show_opinions

    if args.action in ("import", "export") and args.file is None:
        raise UserError(f"ratings {args.action}: which file? postwright ratings {args.action} FILE.csv")
    if args.action in ("show", "calibrate") and args.file is not None:
        raise UserError(f"ratings {args.action} takes no file; did you mean: postwright ratings import {args.file}")
    settings = use_home(args.home).existing()
    store = settings.store()
    store.prepare()
    if args.action == "import":
        done = fold_ratings.import_ratings(settings, args.file)
        show_imported(done, args.file, console)
        return asdict(done)
    if args.action == "export":
        n = fold_ratings.export_ratings(settings, args.file)
        console.print(f"{n} rating{'' if n == 1 else 's'} in {args.file}", soft_wrap=True, markup=False)
        return {"ratings": n, "file": str(args.file)}
    fold_ratings.fold(settings, store)
    if args.action == "calibrate":
        store_calibrations(store)
    found = read(store)
    show_opinions(found, console, kept=args.action == "calibrate")
    return found


def export(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Write a file of approved posts or of examples."""
    from pydantic import ValidationError

    from components.people.exports import ExportSpec
    from components.specs.campaign_file import describe
    from flows.settings import quiet_prefect
    from flows.show_people import show_exported

    settings = use_home(args.home).existing()
    if args.table:
        return _export_table(args, settings.store(), console)
    if args.where:
        raise UserError("--where is for a table: add --table NAME")
    try:
        spec = ExportSpec(
            what=args.what,
            out=args.out,
            format=args.format,
            layout=args.layout,
            campaign=args.campaign,
            run_id=args.run,
            start=args.start,
            every_hours=args.every_hours,
            pictures_url=args.pictures_url,
            holdout_datasets=tuple(args.holdout_dataset),
            holdout_share=args.holdout_share,
            rating_margin=args.rating_margin,
            judge_margin=args.judge_margin or None,
        )
    except ValidationError as error:
        raise UserError(f"export: {describe(error)}") from None
    quiet_prefect(settings, args.verbose)
    from flows.export_posts import export_posts

    done = export_posts.fn(spec)  # as a plain function: a file takes less time than starting a server for it
    show_exported(done, console)
    return asdict(done)


def _export_table(args: argparse.Namespace, store: Any, console: Console) -> dict[str, Any]:
    from flows.export_table import export_table
    from flows.show import several

    store.prepare()  # the views were made when the journal was another
    done = export_table(store, args.table, args.out, args.where)
    console.print(f"{several(done.rows, 'row')} of {done.table}: {done.file}", soft_wrap=True, markup=False)
    return asdict(done)
