"""Finds the files of a source and notes their state, without opening any."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FileState = tuple[int, int, bool]
"""Size, mtime in ns, and whether we may read it: chmod mends a file without touching the other two."""

_LITTER = frozenset({"thumbs.db", "desktop.ini", "__macosx", "@eadir"})
"""Left behind by file managers, as good as hidden."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file below a folder, or the (reason, detail) why something there cannot be an input."""

    path: Path
    state: FileState | None = None
    problem: tuple[str, str] | None = None


def file_state(path: str | Path, status: os.stat_result) -> FileState:
    return status.st_size, status.st_mtime_ns, os.access(path, os.R_OK)


def walk(folder: Path, _above: frozenset[tuple[int, int]] = frozenset()) -> Iterator[Found]:
    """All files below `folder` by name, without hidden ones. Links are followed, but not in circles."""
    try:
        here = folder.stat()
        paths = sorted(folder.iterdir(), key=lambda path: path.name)  # five times as fast as comparing paths
    except OSError as error:
        problem = "unreadable", f"{printable(folder)}: the folder cannot be listed ({error.strerror})"
        yield Found(folder, None, problem)
        return
    above = _above | {(here.st_dev, here.st_ino)}
    for path in paths:
        if path.name.startswith(".") or path.name.lower() in _LITTER:
            continue
        try:
            status = path.stat()
        except OSError as error:
            reason = "picture_missing" if path.is_symlink() else "unreadable"
            yield Found(path, None, (reason, f"{printable(path)}: cannot be looked at ({error.strerror})"))
            continue
        if not stat.S_ISDIR(status.st_mode):
            yield Found(path, file_state(path, status))
        elif (status.st_dev, status.st_ino) not in above:
            yield from walk(path, above)


def printable(path: str | Path) -> str:
    """A path as text that can be stored: names that are not UTF-8 with their odd bytes written out."""
    return str(path).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
