"""Label maps: what a source calls a thing, and what we call it.

Read: YAML files, the shipped ones in `label_maps/` beside this module or a user's own. Each says whose decision it is
(`source: paper | ours`): the class lists of the MPWL paper are not public, so ours must not pass for the paper's.

    source: ours
    note: Why these and not others.
    tasks:
      sentiment:                  # our task
        from: emotion             # what the source calls it; left out where both call it the same
        labels: {awe: positive, fear: negative, surprise: null}   # null: no counterpart among ours
        unlisted: unknown         # other labels have none either; by default they are refused
      mood:
        bounds: {low: [0, 50], high: [50, 100]}   # numbers: from the first (included) to the second (excluded)

The YAML is read as nodes, not as values: `no`, `0` and `0.5` stay the words they are, and every complaint has a line.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal, cast

import yaml

from components.errors import UserError
from components.items.values import BadValue, clean_text, shown
from components.learning.sources.entry import Label

FOLDER = Path(__file__).with_name("label_maps")
_NULL = "tag:yaml.org,2002:null"
_NUMBER = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*")
_FIELDS = ("source", "note", "tasks")
_TASK_FIELDS = ("from", "labels", "bounds", "unlisted")


@dataclass(frozen=True, slots=True)
class Bound:
    """Numbers from `low` (included) to `high` (excluded; included where nothing follows)."""

    label: str
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class TaskMap:
    """How one task is read: `labels` by folded foreign name, or `bounds` in rising order."""

    origin: str
    labels: Mapping[str, str | None]
    bounds: tuple[Bound, ...] = ()
    unlisted: Literal["refuse", "unknown"] = "refuse"

    def translate(self, value: Label) -> str | None:
        """Our label, or None for what is known to have no counterpart. BadValue for what the map does not know, and
        for a row with several labels that become different ones of ours."""
        if self.bounds:
            return self._place(number(value, self.origin))
        ours = {self._one(text) for text in (value if isinstance(value, tuple) else (as_text(value),))} - {None}
        if len(ours) > 1:
            found = " and ".join(sorted(str(label) for label in ours))
            raise BadValue("several_labels", f"{self.origin} is {found} at once; a task takes one label")
        return ours.pop() if ours else None

    def _one(self, text: str) -> str | None:
        if fold(text) in self.labels:
            return self.labels[fold(text)]
        if self.unlisted == "unknown":
            return None
        raise BadValue("unknown_label", f"{self.origin} is {shown(text)}, which the label map does not list; add it")

    def _place(self, value: float) -> str | None:
        low, high = self.bounds[0].low, self.bounds[-1].high
        if not low <= value <= high:
            raise BadValue("unknown_label", f"{self.origin} is {value:g}, outside {low:g} to {high:g} of the label map")
        for bound in self.bounds:
            if bound.low <= value < bound.high or (value == bound.high == high):
                return bound.label
        return None  # a gap that the map leaves on purpose


@dataclass(frozen=True, slots=True)
class LabelMap:
    """A label map; tasks that are not in it keep the source's labels."""

    name: str
    source: Literal["paper", "ours"]
    note: str
    tasks: Mapping[str, TaskMap]


def shipped_maps() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def label_map_text(name: str) -> str:
    """The text of a shipped map, or of the YAML file that `name` is the path of; UserError when there is none."""
    shipped = FOLDER / f"{name}.yaml"
    own = name.endswith((".yaml", ".yml")) or "/" in name or "\\" in name
    path = Path(name) if own else shipped
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"label map {path}: not UTF-8 text (byte {error.start}); save it as UTF-8") from None
    except OSError as error:
        hint = f"shipped are {', '.join(shipped_maps())}; your own is named by its path, e.g. my_labels.yaml"
        raise UserError(f"label map {name!r}: {error.strerror}; {hint}") from None


def load_label_map(name: str) -> LabelMap:
    """A shipped map by name, or a file by path. UserError names the file, the line and the key that is wrong."""
    return parse_label_map(label_map_text(name), name)


def parse_label_map(text: str, name: str) -> LabelMap:
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise UserError(f"label map {name}{line}: {getattr(error, 'problem', None) or 'not YAML'}") from None
    if root is None:
        raise UserError(f"label map {name}: is empty; it needs source, note and tasks")
    file = _File(name)
    fields = file.mapping(root, "the file", _FIELDS)
    for field in _FIELDS:
        if field not in fields:
            raise file.wrong(root, f"{field} is missing")
    source = file.text(fields["source"], "source")
    if source not in ("paper", "ours"):
        raise file.wrong(fields["source"], f"source is {source!r}; write paper or ours")
    tasks = {task: file.task(node, task) for task, node in file.mapping(fields["tasks"], "tasks").items()}
    if not tasks:
        raise file.wrong(fields["tasks"], "tasks is empty")
    return LabelMap(name, cast(Literal["paper", "ours"], source), file.text(fields["note"], "note"), tasks)


@dataclass(frozen=True, slots=True)
class _File:
    """Reads YAML nodes; what is wrong is told with the file's name and the node's line."""

    name: str

    def wrong(self, node: yaml.Node, what: str) -> UserError:
        return UserError(f"label map {self.name}, line {node.start_mark.line + 1}: {what}")

    def mapping(self, node: yaml.Node, what: str, known: tuple[str, ...] = ()) -> dict[str, yaml.Node]:
        if not isinstance(node, yaml.MappingNode):
            raise self.wrong(node, f"{what} is no mapping; write key: value")
        found: dict[str, yaml.Node] = {}
        for key, value in node.value:
            word = self.text(key, f"a key of {what}")
            if word in found:
                raise self.wrong(key, f"{what} has {word!r} twice")
            if known and word not in known:
                raise self.wrong(key, f"{what} has {word!r}, which is none of {', '.join(known)}")
            found[word] = value
        return found

    def text(self, node: yaml.Node, what: str) -> str:
        if not isinstance(node, yaml.ScalarNode) or node.tag == _NULL or not node.value.strip():
            raise self.wrong(node, f"{what} is no text")
        return " ".join(node.value.split())

    def task(self, node: yaml.Node, task: str) -> TaskMap:
        fields = self.mapping(node, task, _TASK_FIELDS)
        if ("labels" in fields) == ("bounds" in fields):
            raise self.wrong(node, f"{task} needs either labels or bounds")
        origin = self.text(fields["from"], f"{task}.from") if "from" in fields else task
        unlisted = self.text(fields["unlisted"], f"{task}.unlisted") if "unlisted" in fields else "refuse"
        if unlisted not in ("refuse", "unknown"):
            raise self.wrong(fields["unlisted"], f"{task}.unlisted is {unlisted!r}; write refuse or unknown")
        if "bounds" in fields:
            return TaskMap(origin, {}, self.bounds(fields["bounds"], f"{task}.bounds"))
        labels: dict[str, str | None] = {}
        for foreign, ours in self.mapping(fields["labels"], f"{task}.labels").items():
            if fold(foreign) in labels:
                raise self.wrong(ours, f"{task}.labels has {foreign!r} twice (case does not count)")
            null = isinstance(ours, yaml.ScalarNode) and ours.tag == _NULL
            labels[fold(foreign)] = None if null else self.text(ours, f"{task}.labels.{foreign}")
        if not any(labels.values()):
            raise self.wrong(fields["labels"], f"{task}.labels gives none of ours")
        return TaskMap(origin, labels, (), cast(Literal["refuse", "unknown"], unlisted))

    def bounds(self, node: yaml.Node, what: str) -> tuple[Bound, ...]:
        found: list[Bound] = []
        for label, pair in self.mapping(node, what).items():
            values = [part.value for part in pair.value] if isinstance(pair, yaml.SequenceNode) else []
            try:
                low, high = (float(value) for value in values)
            except (TypeError, ValueError):
                raise self.wrong(pair, f"{what}.{label} is no pair of numbers such as [0, 40]") from None
            if not (math.isfinite(low) and math.isfinite(high) and low < high):
                raise self.wrong(pair, f"{what}.{label} must rise from a number to a larger one")
            found.append(Bound(label, low, high))
        found.sort(key=lambda bound: bound.low)
        for one, other in pairwise(found):
            if other.low < one.high:
                raise self.wrong(node, f"{what}: {one.label} and {other.label} overlap at {other.low:g}")
        if not found:
            raise self.wrong(node, f"{what} is empty")
        return tuple(found)


def fold(text: str) -> str:
    """Labels are the same word whatever their case and the spaces around them."""
    return " ".join(text.split()).casefold()


def as_text(value: str | float) -> str:
    """A label as text: whole numbers without their point, as parquet and pandas turn 2 into 2.0."""
    return clean_text(value) if isinstance(value, str) else f"{value:.15g}"


def number(value: Label, name: str) -> float:
    """A label as a number; BadValue for words, and for what is not finite."""
    if isinstance(value, tuple) or (isinstance(value, str) and not _NUMBER.fullmatch(value)):
        raise BadValue("bad_number", f"{name} is {shown(value)}, not a number")
    found = float(value)
    if not math.isfinite(found):
        raise BadValue("bad_number", f"{name} is {shown(value)}, not a number that can be learned")
    return found
