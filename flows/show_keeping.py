"""What `backup`, `restore` and `prune` show."""

from collections import Counter
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from components.keeping import LOSES, Backup, Pruned
from flows.show import several, size, table


def show_backup(made: Backup, to: Path, console: Console) -> None:
    console.print(contents(made.files))
    console.print(f"left out: {', '.join(made.left_out)}")
    console.print(f"backup: {to} (read again: every file is as it was)", soft_wrap=True, markup=False)


def show_restored(manifest: dict[str, Any], home: Path, console: Console) -> None:
    console.print(contents(manifest["files"]))
    console.print(
        f"home: {home}, as it was at {manifest['made_at']} (every file is as it was)", soft_wrap=True, markup=False
    )


def contents(files: dict[str, dict[str, Any]]) -> Any:
    """Files and bytes by where they lie."""
    counts, sums = Counter[str](), Counter[str]()
    for name, file in files.items():
        folder = name.rpartition("/")[0]
        place = f"{'/'.join(folder.split('/')[:2])}/" if folder else name
        counts[place] += 1
        sums[place] += file["bytes"]
    rows = table("what", "#files", "#size")
    for place in counts:
        rows.add_row(escape(place), f"{counts[place]:,}", size(sums[place]))
    rows.add_row("all", f"{sum(counts.values()):,}", size(sum(sums.values())))
    return rows


def show_pruned(done: list[Pruned], console: Console) -> None:
    rows = table("what", "#files", "#size", "oldest", "what is lost")
    for one in done:
        oldest = f"{one.oldest:%Y-%m-%d}" if one.oldest else "-"
        rows.add_row(one.kind, f"{one.files:,}", size(one.bytes), oldest, LOSES[one.kind])
    console.print(rows)
    for one in done:
        if one.kept:
            console.print(f"[yellow]{one.kind}:[/] {one.kept}")
    freed = size(sum(one.bytes for one in done))
    files = several(sum(one.files for one in done), "file")
    if done and done[0].dry_run:
        console.print(f"would delete {files}, {freed}; nothing was changed: --yes does it")
    else:
        console.print(f"deleted {files}, {freed}")
