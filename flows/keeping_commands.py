"""What `postwright snapshot`, `backup`, `restore` and `prune` do, and their words; as in commands.py, one function per
command."""

import argparse
import re
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console

from components.errors import UserError
from flows.settings import use_home

COMMANDS = ("snapshot", "backup", "restore", "prune")
_DAYS = {"d": 1, "w": 7, "m": 30, "y": 365}


def add_to(command: Callable[..., argparse.ArgumentParser]) -> None:
    """The words of these commands."""
    snapshot = command(
        "snapshot",
        "a copy of the warehouse to read while runs go on; from then on runs renew it",
        "examples:\n  postwright snapshot\n  postwright snapshot --out friday.duckdb     one copy, elsewhere\n"
        "  postwright snapshot --off                   no longer\n\n"
        "While it is there, runs renew it every minute and at their end. Notebooks may hold it open as\n"
        "long as they like: it is replaced, not changed, so who opens it anew sees what is new.",
    )
    snapshot.add_argument("--out", type=Path, metavar="FILE", help="make one copy there; it is not renewed")
    snapshot.add_argument("--off", action="store_true", help="delete the copy; runs no longer make it")
    backup = command(
        "backup",
        "all of the home that cannot be had again, in one file or folder; runs may go on",
        "examples:\n  postwright backup\n  postwright backup /mnt/backups/monday.tar.zst\n"
        "  postwright backup /mnt/backups/monday       a folder of plain files\n\n"
        "The warehouse, the journal with its pictures, batches, what people said, trained models, prices.\n"
        "It is read again and compared before it gets its name.",
    )
    backup.add_argument(
        "to", nargs="?", type=Path, metavar="FILE.tar.zst", help="or a folder's name; default: HOME-TIME.tar.zst, here"
    )
    restore = command(
        "restore",
        "make a home of a backup, verified file by file",
        "example:\n  postwright restore monday.tar.zst --home restored\n\n"
        "The home must not exist, or be empty. A run in it buys nothing that was bought before the backup.",
    )
    restore.add_argument("file", type=Path, metavar="BACKUP", help="a file or folder that `postwright backup` made")
    prune = command(
        "prune",
        "what may go when it is old: says what, how much, and what is lost; --yes does it",
        "examples:\n  postwright prune\n  postwright prune --older-than 1y --what calls pictures\n"
        "  postwright prune --older-than 90d --yes\n\n"
        "results    of Prefect's tasks: computed again if a run still needs one\n"
        "reports    but the newest: `postwright report` writes them again\n"
        "logs       of runs, line by line: how they ended stays in the table `runs`\n"
        "pictures   that no kept call was asked with: nothing is lost\n"
        "calls      only when named: texts of packed calls go, money and counts stay. Rows of the\n"
        "           warehouse stay, so the same campaign buys nothing; the same question elsewhere is\n"
        "           bought again. `postwright compact` packs calls first.",
    )
    prune.add_argument("--older-than", type=age, default=age("90d"), metavar="AGE", help="90d (default), 12w, 6m, 2y")
    prune.add_argument(
        "--what",
        nargs="+",
        choices=("results", "reports", "logs", "pictures", "calls"),
        default=["results", "reports", "logs", "pictures"],
        metavar="KIND",
        help="results, reports, logs, pictures (default), calls",
    )
    prune.add_argument("--yes", action="store_true", help="do it; without, nothing is changed")


def age(value: str) -> timedelta:
    found = re.fullmatch(r"(\d{1,4})([dwmy])", value)
    if found is None or not int(found[1]):
        raise argparse.ArgumentTypeError(f"{value!r} is no age: write 90d, 12w, 6m or 2y")
    return timedelta(days=int(found[1]) * _DAYS[found[2]])


def snapshot(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Make the copy for readers, or one elsewhere."""
    from flows.show import size

    store = use_home(args.home).existing().store()
    kept = store.copy_for_readers
    if args.off:
        if args.out:
            raise UserError("snapshot: give --out or --off, not both")
        was = kept.exists()
        kept.unlink(missing_ok=True)
        console.print(f"deleted {kept}; runs no longer make it" if was else f"there is no {kept}", soft_wrap=True)
        return {"deleted": was}
    if args.out and args.out.exists():
        raise UserError(f"{args.out} is there already: choose another name, or move it away")
    store.prepare()
    made = store.copy(args.out or kept)
    console.print(f"{made} ({size(made.stat().st_size)})", soft_wrap=True, markup=False)
    if not args.out:
        console.print("runs renew it every minute, and at their end")
    return {"copy": str(made), "bytes": made.stat().st_size}


def backup(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Write a backup of the home."""
    from components.keeping import back_up, default_name
    from components.keeping.contents import parts
    from flows.commands import in_millions, version
    from flows.progress import listening, progress
    from flows.show_keeping import show_backup

    settings = use_home(args.home).existing()
    to = args.to or Path(default_name(settings.home, datetime.now(UTC)))
    megabytes = sum(part.size for part in parts(settings.home, settings.warehouse)) // 1_000_000
    with listening(console, machine=args.json):
        made = back_up(settings.home, settings.store(), to, version(), in_millions(progress("back up (MB)", megabytes)))
    show_backup(made, to, console)
    return {"backup": str(to), "bytes": made.bytes, "on_disk": on_disk(to), **asdict(made)}


def on_disk(place: Path) -> int:
    files = place.rglob("*") if place.is_dir() else [place]
    return sum(path.stat().st_size for path in files if path.is_file())


def restore(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Make a home of a backup."""
    from components.keeping import restore as restored
    from flows.show_keeping import show_restored

    settings = use_home(args.home)
    manifest = restored(args.file, settings.home)
    settings.prepare()
    show_restored(manifest, settings.home, console)
    return {"home": str(settings.home), "files": len(manifest["files"]), "made_at": manifest["made_at"]}


def prune(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Say what is old and may go, or let it go."""
    from components.chat.batch import Register
    from components.keeping import prune as pruned
    from flows.show_keeping import show_pruned

    settings = use_home(args.home).existing()
    batches = Register(settings.batches)
    done = pruned(settings.home, args.older_than, args.what, not args.yes, lambda: len(batches.open_entries()))
    if args.yes:
        settings.store().prepare()
    show_pruned(done, console)
    return {"pruned": [asdict(one) for one in done]}
