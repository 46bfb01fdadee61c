"""Source fi: Flickr & Instagram pictures by emotion (You et al. 2016, AAAI): eight emotions after Mikels.

Given out as one folder per emotion, with or without sets above them (`emotion_dataset/train/amusement/x.jpg`), or, as
pictures may not be passed on, as tables of addresses with the votes of five people: columns `url` (or `image`),
`emotion` (or one table per emotion: amusement.csv), `agree` and `disagree`. A picture is found by the last part of its
address. As in the paper a label counts from three of five on. Many addresses have died: the hosts' "no longer
available" picture then stands for hundreds, which `settle` finds. The label is `emotion`; label map `fi` makes it
polarity.
"""

from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from components.errors import UserError
from components.items.files import FileState, Found, printable, walk
from components.items.readers import SUFFIXES, Row, Table, read_table
from components.items.values import BadValue, clean_text, parse_count
from components.learning.sources.entry import LabelledEntry, Maker, Problem
from components.learning.sources.image_folder import by_name, list_class_folders
from components.learning.spec import LabelledSource

EMOTIONS = ("amusement", "anger", "awe", "contentment", "disgust", "excitement", "fear", "sadness")
ENOUGH = 3
"""People who must agree."""

_TABLES = tuple(suffix for suffixes in SUFFIXES.values() for suffix in suffixes)
_COLUMNS = {
    "image": ("url", "image_url", "image", "image_path", "path", "file", "filename"),
    "emotion": ("emotion", "label", "category"),
    "agree": ("agree", "agrees", "agreement", "votes"),
    "disagree": ("disagree", "disagrees"),
}


def list_fi(source: LabelledSource) -> list[LabelledEntry]:
    """From the tables where there are some, else from the folders; the label is of `source.task` or `emotion`."""
    path = source.path.expanduser().resolve()
    task = source.task or "emotion"
    if not path.exists():
        raise UserError(f"datasets.path: {path} does not exist; name the folder with the emotions' folders or tables")
    root = path if path.is_dir() else path.parent
    files = list(walk(root))
    tables = [path] if path.is_file() else [found.path for found in files if found.path.suffix.lower() in _TABLES]
    if not tables:
        return list_class_folders(source, task, emotion_of)
    pictures = by_name(found for found in files if found.state is not None and found.path not in tables)
    maker = Maker.of(source)
    return [entry for table in tables for entry in _entries(read_table(table), maker, task, pictures)]


def emotion_of(folders: tuple[str, ...]) -> str:
    """The nearest folder that is called like an emotion."""
    return next((name.casefold() for name in reversed(folders) if name.casefold() in EMOTIONS), "")


def _entries(table: Table, maker: Maker, task: str, pictures: dict[str, list[Found]]) -> list[LabelledEntry]:
    there = {column.casefold().replace(" ", "_"): column for column in table.columns}
    names = {field: next((there[word] for word in words if word in there), "") for field, words in _COLUMNS.items()}
    in_name = next((emotion for emotion in EMOTIONS if emotion in table.path.stem.casefold()), "")
    if not names["image"] or not (names["emotion"] or in_name):
        raise UserError(
            f"{table.path}: needs a column url or image, and emotion unless the file is named after one; "
            f"found {', '.join(table.columns)}"
        )
    return [_entry(row, names, in_name, table, maker, task, pictures) for row in table.rows]


def _entry(
    row: Row,
    names: dict[str, str],
    emotion: str,
    table: Table,
    maker: Maker,
    task: str,
    pictures: dict[str, list[Found]],
) -> LabelledEntry:
    where = f"row {row.number}"
    named = clean_text(row.values.get(names["image"]))
    label = clean_text(row.values.get(names["emotion"])).casefold() if names["emotion"] else emotion
    problem = row.problem
    withheld: dict[str, Problem] = {}
    try:
        votes = parse_count(row.values.get(names["agree"]), "agree") if names["agree"] else None
        against = parse_count(row.values.get(names["disagree"]), "disagree") if names["disagree"] else None
        if votes is not None and votes < ENOUGH:
            of = f" of {votes + against}" if against is not None else ""
            withheld[task] = "no_majority", f"{where}: {votes}{of} people say {label}; {ENOUGH} are needed"
    except BadValue as error:
        problem = problem or (error.reason, error.detail)
    return maker.entry(
        f"{printable(table.path)}#{row.number}",
        {} if withheld else {task: label},
        {"image": named},
        picture=_picture(named, label, pictures),
        withheld=withheld,
        problem=problem and (problem[0], f"{where}: {problem[1]}"),
    )


def _picture(named: str, label: str, pictures: dict[str, list[Found]]) -> tuple[str, FileState] | None:
    """The file of that name, rather the one in the emotion's folder where several have it."""
    name = unquote(PurePosixPath(urlsplit(named).path).name).casefold()
    fitting = pictures.get(name, [])
    inside = [found for found in fitting if emotion_of(found.path.parts[:-1]) == label]
    best = (inside or fitting)[:1]
    return (str(best[0].path), best[0].state) if best and best[0].state is not None else None
