r"""Source tweeteval: a folder of TweetEval (Barbieri et al. 2020), one text per line and one label per line.

`train_text.txt` and `train_labels.txt`, `val_*`, `test_*`, and `mapping.txt` (`0<tab>anger`) in the same folder, or
above it (stance). Lines are ended by \n alone: tweets hold other characters that some take for line ends. The texts
carry their dirt along: HTML entities, and what an export escaped and nobody undid (`\u2019`, `\n`, `\"`).
The sets are read together, as splits are made anew.
"""

import html
import re
from pathlib import Path

from components.errors import UserError
from components.items.files import printable
from components.items.readers import decode
from components.items.values import shown
from components.learning.sources.entry import LabelledEntry, Maker, Problem
from components.learning.spec import LabelledSource

SETS = ("train", "val", "test")
_ESCAPED = re.compile(r'\\u([0-9a-fA-F]{4})|\\(n|t|"+)')


def list_tweeteval(source: LabelledSource) -> list[LabelledEntry]:
    """The label is of `source.task`, by default of what the folder is called."""
    path = source.path.expanduser().resolve()
    texts = [path] if path.is_file() else [path / f"{name}_text.txt" for name in SETS]
    texts = [file for file in texts if file.name.endswith("_text.txt") and file.is_file()]
    if not texts:
        raise UserError(
            f"datasets.path: {path} has no train_text.txt; name a task's folder, such as datasets/sentiment"
        )
    folder = texts[0].parent
    names = _mapping(folder)
    maker = Maker.of(source)
    return [entry for file in texts for entry in _entries(file, names, source.task or folder.name, maker)]


def unescaped(text: str) -> str:
    """The text as it was tweeted, apart from masked names and addresses."""

    def character(match: re.Match[str]) -> str:
        return chr(int(match[1], 16)) if match[1] else {"n": "\n", "t": " "}.get(match[2], '"')

    return html.unescape(_ESCAPED.sub(character, text))


def _entries(file: Path, names: dict[str, str], task: str, maker: Maker) -> list[LabelledEntry]:
    labels_file = file.with_name(file.name.replace("_text.txt", "_labels.txt"))
    texts = _lines(file)
    there = labels_file.is_file()
    labels = _lines(labels_file) if there else [""] * len(texts)
    if len(texts) != len(labels):
        raise UserError(
            f"{file} has {len(texts)} lines and {labels_file.name} {len(labels)}: no telling which label is whose; "
            "fetch both again"
        )
    entries = []
    for number, (text, label) in enumerate(zip(texts, labels, strict=True), 1):
        name = names.get(label.strip()) if names else label
        problem = _problem(label, names, labels_file, there)
        uri, where = f"{printable(file)}#{number}", f"line {number}"
        values = {"text": unescaped(text), "language": "en"}
        entries.append(maker.entry(uri, {task: name}, values, problem=problem, where=where))
    return entries


def _problem(label: str, names: dict[str, str], file: Path, there: bool) -> Problem | None:
    if not there or not label.strip():
        missing = f"{file.name} is not there" if not there else f"the line is blank in {file.name}"
        return "no_label", f"{missing}; a benchmark may keep its test labels to itself"
    if names and label.strip() not in names:
        return "unknown_label", f"{shown(label)} is not in mapping.txt, which has {', '.join(names)}"
    return None


def _mapping(folder: Path) -> dict[str, str]:
    """Number -> name; empty where no mapping.txt is found, and then the numbers are the labels."""
    path = next((place / "mapping.txt" for place in (folder, folder.parent) if (place / "mapping.txt").is_file()), None)
    if path is None:
        return {}
    pairs = [line.split("\t") for line in _lines(path) if line.strip()]
    if not all(len(pair) == 2 for pair in pairs):
        raise UserError(f"{path}: a line is no number, tab and name, such as 0<tab>negative")
    return {number.strip(): name.strip() for number, name in pairs}


def _lines(path: Path) -> list[str]:
    text = decode(path.read_bytes(), path)
    return text.removesuffix("\n").split("\n") if text else []
