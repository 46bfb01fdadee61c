"""Source places: scenes by folder or by file list, as Places365 and Scene-15 are published.

A file list (`places365_val.txt`: `Places365_val_00000001.jpg 165`, `places365_train_standard.txt`:
`/a/airfield/00000001.jpg 0`) stands beside `categories_places365.txt` (`/a/airfield 0`). Its pictures lie in that
folder or in one of its subfolders (val_256, val_large, data_256, ...). Without a list the folders are the classes:
`/a/apartment_building/outdoor/x.jpg` of Places, `MITcoast/x.jpg` or `05/x.jpg` of Scene-15.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from components.errors import UserError
from components.items.files import FileState, file_state, printable
from components.items.readers import decode
from components.items.values import shown
from components.learning.sources.entry import LabelledEntry, Maker
from components.learning.sources.image_folder import list_class_folders
from components.learning.spec import LabelledSource

CATEGORIES = "categories_places365.txt"
_LIST = re.compile(r"places365_\w+\.txt", re.IGNORECASE)
_LINE = re.compile(r"(?P<path>\S.*?)\s+(?P<label>\d+)\s*")
_PROBED = 50
"""So many pictures of a list are looked for before their folder is believed."""


def list_places(source: LabelledSource) -> list[LabelledEntry]:
    """The label is of `source.task`, by default of `scene`."""
    path = source.path.expanduser().resolve()
    task = source.task or "scene"
    if path.is_file():
        return _listed(path, source, task)
    lists = sorted(file for file in path.glob("*.txt") if _LIST.fullmatch(file.name) and "test" not in file.stem)
    if len(lists) > 1:
        raise UserError(f"datasets.path: {path} has {', '.join(file.name for file in lists)}; name one of them")
    return _listed(lists[0], source, task) if lists else list_class_folders(source, task, scene_of)


def scene_of(folders: tuple[str, ...]) -> str:
    """The class in a path: all folders, without the letter that Places sorts them under."""
    if len(folders) > 1 and len(folders[0]) == 1 and folders[1].lower().startswith(folders[0].lower()):
        folders = folders[1:]
    return "/".join(folders)


def _listed(path: Path, source: LabelledSource, task: str) -> list[LabelledEntry]:
    names = _categories(path)
    lines = list(_lines(path))
    if not lines:
        raise UserError(f"{path}: is empty; a list has lines such as /a/airfield/00000001.jpg 0")
    root = _root(path, [match["path"] for _, _, match in lines[:_PROBED] if match])
    maker = Maker.of(source)
    entries = []
    for number, line, match in lines:
        uri, where = f"{printable(path)}#{number}", f"line {number}"
        if match is None:
            detail = f"{where}: {shown(line)} is no picture with the number of its class"
            entries.append(maker.stray(uri, ("bad_row", detail)))
            continue
        named = match["path"].lstrip("/")
        name = names.get(int(match["label"]))
        problem = None if name else ("unknown_label", f"{where}: class {match['label']} is not in {CATEGORIES}")
        picture = _picture(root / named)
        entries.append(maker.entry(uri, {task: name}, {"image": named}, picture=picture, problem=problem, where=where))
    return entries


def _categories(path: Path) -> dict[int, str]:
    """Number -> class, from the file beside the list or in the folder above it."""
    beside = next((folder / CATEGORIES for folder in path.parents[:2] if (folder / CATEGORIES).is_file()), None)
    if beside is None:
        raise UserError(f"{path}: {CATEGORIES} is not beside it; it says which number is which class")
    names = {
        int(match["label"]): scene_of(tuple(match["path"].strip("/").split("/")))
        for _, _, match in _lines(beside)
        if match
    }
    if not names:
        raise UserError(f"{beside}: has no lines such as /a/airfield 0")
    return names


def _lines(path: Path) -> Iterator[tuple[int, str, re.Match[str] | None]]:
    text = decode(path.read_bytes(), path)
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield number, line, _LINE.fullmatch(line.strip())


def _root(path: Path, named: list[str]) -> Path:
    """The folder the list's paths begin in: where most of the first ones are found."""
    folders = [path.parent, *sorted(folder for folder in path.parent.iterdir() if folder.is_dir())]
    there = {folder: sum((folder / name.lstrip("/")).is_file() for name in named) for folder in folders}
    best = max(folders, key=lambda folder: there[folder])
    if not there[best]:
        raise UserError(f"{path}: none of its first {len(named)} pictures lies in {path.parent} or a folder in it")
    return best


def _picture(path: Path) -> tuple[str, FileState] | None:
    try:
        return str(path), file_state(path, path.stat())
    except (OSError, ValueError):
        return None
