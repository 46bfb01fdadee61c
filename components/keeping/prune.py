"""What may go from a home when it is old, and what goes with it. The warehouse is not pruned: its rows are the work."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from components.chat.compaction import Compaction, at_work
from components.chat.pruning import newest_call, pictures_named, prunable, prune_file, sweep
from components.chat.segments import list_segments
from components.errors import HomeUnusable
from components.keeping.in_use import alone

Kind = Literal["results", "reports", "logs", "calls", "pictures"]
KINDS: tuple[Kind, ...] = ("results", "reports", "logs", "calls", "pictures")
LOSES: dict[Kind, str] = {
    "results": "computed again, if a step that never came to its rows asks for one",
    "reports": "`postwright report --run RUN_ID` writes one again from the warehouse",
    "logs": "what happened in old runs, line by line; how they ended and what their checks found stays",
    "calls": "questions and answers; whoever asks the same again buys it again. Money and counts stay",
    "pictures": "nothing: no call that is kept was asked with them",
}


@dataclass(kw_only=True)
class Pruned:
    """What went, or (`dry_run`) would go, of one kind. `bytes` of calls are an upper bound in a dry run, as their money
    stays; `kept`: why nothing of it may go now."""

    kind: Kind
    files: int = 0
    bytes: int = 0
    oldest: datetime | None = None
    kept: str | None = None
    dry_run: bool = True


def prune(
    home: Path,
    older_than: timedelta,
    kinds: Sequence[Kind] = KINDS,
    dry_run: bool = True,
    open_batches: Callable[[], int] = lambda: 0,
) -> list[Pruned]:
    """One entry per kind. UserError where a process is at work in the home (but in a dry run), HomeUnusable where the
    disk fails; what went until then is gone, and the rest can be pruned again."""
    before = datetime.now(UTC) - older_than
    calls = home / "calls"
    try:
        with ExitStack() as held:
            if not dry_run:
                held.enter_context(alone(home))
                held.enter_context(at_work(calls))
                Compaction(calls, lambda n: None, quiet_s=float("inf")).sweep()
                sweep(calls)
            old_calls = prunable(calls, before) if "calls" in kinds else []
            found = {kind: _old(home, kind, before, old_calls, open_batches) for kind in KINDS if kind in kinds}
            done = []
            for kind, (files, kept) in found.items():
                one = Pruned(kind=kind, files=len(files), kept=kept, dry_run=dry_run)
                age = newest_call if kind == "calls" else _changed
                one.oldest = min((age(path) for path in files), default=None)
                if dry_run:
                    one.bytes = sum(path.stat().st_size for path in files)
                elif kind == "calls":
                    one.bytes = sum(prune_file(path) for path in files)
                else:
                    one.bytes = sum(_deleted(path) for path in files)
                done.append(one)
    except OSError as error:
        raise HomeUnusable(
            f"cannot prune {error.filename or home}: {error.strerror or error}; unlock it and prune again"
        ) from error
    return done


def _old(
    home: Path, kind: Kind, before: datetime, old_calls: list[Path], open_batches: Callable[[], int]
) -> tuple[list[Path], str | None]:
    """The files that may go, and why none may."""
    if kind == "calls":
        loose = list_segments(home / "calls")
        hint = f"{len(loose)} segments are not packed yet: postwright compact" if loose and not old_calls else None
        return old_calls, hint
    if kind == "pictures":
        if n := open_batches():
            return [], f"{n} batches are under way, and their questions are not in the journal yet"
        named = pictures_named(home / "calls", but=old_calls)
        pictures = _older(home / "calls" / "pictures", "*", before)
        return [path for path in pictures if path.name.partition(".")[0] not in named], None
    if kind == "reports":
        newest = max(
            (path for path in (home / "reports").glob("*.html") if path.name != "latest.html"),
            key=lambda path: path.stat().st_mtime,
            default=None,
        )
        reports = _older(home / "reports", "*.html", before)
        return [path for path in reports if path.name != "latest.html" and path != newest], None
    if kind == "logs":  # and the marks of backfills that were killed
        return [
            *_older(home / "logs", "*.jsonl*", before), *_older(home / "calls" / "shared", "*.running", before)
        ], None  # fmt: skip
    return _older(home / "results", "**/*", before), None


def _older(folder: Path, pattern: str, before: datetime) -> list[Path]:
    return [path for path in sorted(folder.glob(pattern)) if path.is_file() and _changed(path) < before]


def _changed(path: Path) -> datetime:
    """A clock that was set back leaves files from the future: they are young."""
    return datetime.fromtimestamp(min(path.stat().st_mtime, time.time()), UTC)


def _deleted(path: Path) -> int:
    size = path.stat().st_size
    path.unlink()
    return size
