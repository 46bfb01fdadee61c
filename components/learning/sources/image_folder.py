"""Source image_folder: one folder per class, pictures in it or below it, as torchvision's ImageFolder has them.

Folders named after the sets of a benchmark (train, val, test, ...) may stand above or are passed over: splits are made
anew, because a benchmark's own do not know near-duplicates. Other sources list class folders through here.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

from components.errors import UserError
from components.items.files import Found, printable, walk
from components.learning.sources.entry import LabelledEntry, Maker
from components.learning.spec import LabelledSource

SETS = frozenset({"train", "training", "val", "valid", "validation", "dev", "test", "testing"})
_NO_PICTURES = frozenset(
    {".txt", ".md", ".csv", ".tsv", ".json", ".jsonl", ".parquet", ".mat", ".html", ".xml", ".pdf", ".zip", ".tar"}
)
"""What lies beside pictures in published sets and needs no opening to be told from one."""

ClassOf = Callable[[tuple[str, ...]], str]
"""The folders between the root and a picture -> its class, "" where there is none."""


def list_image_folder(source: LabelledSource) -> list[LabelledEntry]:
    """The label is of `source.task`, or of `label` where none is named."""
    return list_class_folders(source, source.task or "label", lambda folders: folders[0] if folders else "")


def list_class_folders(source: LabelledSource, task: str, class_of: ClassOf) -> list[LabelledEntry]:
    root = folder_of(source)
    maker = Maker.of(source)
    entries = [picture_entry(maker, found, task, _class(root, found.path, class_of)) for found in walk(root)]
    if not any(entry.labels for entry in entries):
        raise UserError(f"datasets.path: {root} has no folders of pictures; it needs one folder per class")
    return entries


def folder_of(source: LabelledSource) -> Path:
    root = source.path.expanduser().resolve()
    if not root.is_dir():
        raise UserError(f"datasets.path: {root} is no folder; name the one that holds the data of {source.source}")
    return root


def picture_entry(maker: Maker, found: Found, task: str, label: str) -> LabelledEntry:
    """The entry of a picture's file; what cannot be one becomes a problem."""
    uri = printable(found.path)
    if found.problem is not None:
        return maker.stray(uri, found.problem)
    if found.path.suffix.lower() in _NO_PICTURES:
        return maker.stray(uri, ("not_a_picture", f"{uri}: no picture; take it out of the folder if it disturbs"))
    if found.state is None or uri != str(found.path):
        return maker.stray(uri, ("bad_name", f"{uri}: its name is not UTF-8; rename it"))
    problem = None if label else ("no_label", f"{uri}: lies in no class's folder; move it into one")
    return maker.entry(
        uri, {task: label}, {"image": found.path.name}, picture=(str(found.path), found.state), problem=problem
    )


def by_name(files: Iterable[Found]) -> dict[str, list[Found]]:
    """Files by their name without case, for lists that name them without their folder."""
    found: dict[str, list[Found]] = {}
    for file in files:
        found.setdefault(file.path.name.casefold(), []).append(file)
    return found


def _class(root: Path, path: Path, class_of: ClassOf) -> str:
    folders = path.relative_to(root).parts[:-1]
    while folders and folders[0].casefold() in SETS:
        folders = folders[1:]
    return class_of(folders)
