"""Labelled sources become examples: listed whole and cheaply, read in chunks, settled together.

Read: the files of a LabelledSource, its label map, and each picture once. Every entry ends as one Example or as one
Quarantine row. A row may be labelled for one task only: a task it says nothing usable about is left out of its labels,
and only a row that none of the tasks can learn from is refused.
"""

import json
import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from components.errors import UserError
from components.items.pictures import PictureError, inspect_picture
from components.items.values import BadValue, shown
from components.learning.label_maps import LabelMap, as_text, fold, label_map_text, load_label_map, number
from components.learning.settling import settle
from components.learning.sources.drawings import Progress, list_drawings
from components.learning.sources.entry import LabelledEntry
from components.learning.sources.fi import list_fi
from components.learning.sources.image_folder import list_image_folder
from components.learning.sources.mvsa import list_mvsa
from components.learning.sources.places import list_places
from components.learning.sources.table import list_table
from components.learning.sources.tweeteval import list_tweeteval
from components.learning.sources.tweettopic import list_tweettopic
from components.learning.spec import LabelledSource, Task, TrainingSpec
from components.records import Example, Quarantine, content_id

__all__ = ["SOURCES", "LabelledEntry", "list_examples", "read_examples", "settle"]

log = logging.getLogger(__name__)

SOURCES: Mapping[str, Callable[[LabelledSource], list[LabelledEntry]]] = {
    "table": list_table,
    "image_folder": list_image_folder,
    "mvsa": list_mvsa,
    "fi": list_fi,
    "places": list_places,
    "tweeteval": list_tweeteval,
    "tweettopic": list_tweettopic,
}


def list_examples(
    source: LabelledSource, drawings_folder: Path | None = None, drawn: Progress | None = None
) -> list[LabelledEntry]:
    """Every input of the source, in a stable order, without opening a picture; UserError where there is none.

    `drawings_folder`: where source `drawings` keeps what it draws; `drawn` is told how far it is.
    """
    if source.source == "drawings":
        entries = list_drawings(source, drawings_folder, drawn)
    else:
        entries = SOURCES[source.source](source)[: source.limit]
    if not entries:
        raise UserError(f"datasets.path: {source.path} has no examples")
    map_text = label_map_text(source.label_map) if source.label_map else ""
    reading = content_id(source.source, source.task, sorted(source.columns.items()), source.timezone, map_text)
    author = source.author or None
    return [
        replace(entry, author=entry.author or author, stamp=content_id(entry.stamp, reading, author))
        for entry in entries
    ]


def read_examples(
    entries: Sequence[LabelledEntry], source: LabelledSource, tasks: Mapping[str, Task], now: datetime
) -> tuple[list[Example], list[Quarantine]]:
    """Exactly one Example or Quarantine per entry, each list in the order of the entries. Only labels of `tasks` are
    kept. A label that cannot be used leaves its task unknown where another task is labelled, and a line of the log
    counts such; else the entry is refused for it. UserError where the label map does not fit the tasks."""
    label_map = load_label_map(source.label_map) if source.label_map else None
    _check(tasks, label_map)
    examples: list[Example] = []
    refused: list[Quarantine] = []
    left_out: Counter[str] = Counter()
    for entry in entries:
        try:
            if entry.problem is not None:
                raise BadValue(*entry.problem)
            labels, unusable = _labels(entry, tasks, label_map)
            examples.append(_example(entry, source, labels))
            left_out.update(f"{task} ({reason})" for task, reason in unusable)
        except (BadValue, PictureError) as error:
            refused.append(_refuse(entry, source.name, error.reason, error.detail, now))
    for what, count in sorted(left_out.items()):
        log.warning("%s: %s left unknown in %d examples that are labelled for another task", source.name, what, count)
    return examples, refused


def _check(tasks: Mapping[str, Task], label_map: LabelMap | None) -> None:
    for name, task in tasks.items():
        if task.kind == "regression" and label_map is not None and name in label_map.tasks:
            raise UserError(f"tasks.{name}: is a regression, but label map {label_map.name} turns it into labels")


def _labels(
    entry: LabelledEntry, tasks: Mapping[str, Task], label_map: LabelMap | None
) -> tuple[dict[str, str | float], list[tuple[str, str]]]:
    """The labels that can be used, and (task, reason) of those that cannot. BadValue when none can."""
    labels: dict[str, str | float] = {}
    unusable: list[tuple[str, BadValue]] = []
    for name, task in tasks.items():
        try:
            label = _label(name, task, entry, label_map)
        except BadValue as error:
            unusable.append((name, error))
            continue
        if label is not None:
            labels[name] = label
    if labels:
        return labels, [(name, error.reason) for name, error in unusable]
    if unusable:
        raise unusable[0][1]
    has = ", ".join(f"{name} {shown(value)}" for name, value in entry.labels.items()) or "nothing"
    which = f" with a counterpart in label map {label_map.name}" if label_map else ""
    raise BadValue("no_label", f"has no {' or '.join(tasks)}{which}; the source gives {has}")


def _label(name: str, task: Task, entry: LabelledEntry, label_map: LabelMap | None) -> str | float | None:
    task_map = label_map.tasks.get(name) if label_map else None
    origin = task_map.origin if task_map else name
    if origin in entry.withheld:
        raise BadValue(*entry.withheld[origin])
    value = entry.labels.get(origin)
    if value is None:
        return None
    if task.kind == "regression":
        return number(value, origin)
    if task_map is not None:
        label = task_map.translate(value)
    elif isinstance(value, tuple):
        if len(value) > 1:
            raise BadValue("several_labels", f"{origin} is {shown(' and '.join(value))}; a label map can make them one")
        label = value[0]
    else:
        label = as_text(value)
        if not task.labels and "." in label and _is_number(label):
            hint = "give the source a label map with bounds, or make the task a regression"
            raise BadValue("unknown_label", f"{origin} is {label}, a number and no class; {hint}")
    if label is None or not task.labels:
        return label
    ours = {fold(known): known for known in task.labels}
    if fold(label) not in ours:
        hint = f"add it to tasks.{name}.labels ({', '.join(task.labels)}) or to a label map"
        raise BadValue("unknown_label", f"{name} is {shown(label)}, which is no label of the task; {hint}")
    return ours[fold(label)]


def _is_number(text: str) -> bool:
    try:
        number(text, "")
    except BadValue:
        return False
    return True


def _example(entry: LabelledEntry, source: LabelledSource, labels: Mapping[str, str | float]) -> Example:
    sha256 = inspect_picture(entry.image_path).sha256 if entry.image_path else None
    text = json.dumps(labels, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return Example(
        example_id=Example.make_id(source.name, sha256, entry.text, text, entry.author, entry.published_at),
        dataset=source.name,
        source_uri=entry.source_uri,
        image_path=entry.image_path,
        sha256=sha256,
        text=entry.text,
        author=entry.author,
        language=entry.language,
        published_at=entry.published_at,
        labels=text,
    )


def _refuse(entry: LabelledEntry, dataset: str, reason: str, detail: str, at: datetime) -> Quarantine:
    step = TrainingSpec.step
    return Quarantine(
        quarantine_id=Quarantine.make_id(step, dataset, entry.source_uri, entry.stamp, reason),
        step=step,
        dataset=dataset,
        source_uri=entry.source_uri,
        stamp=entry.stamp,
        image_path=entry.image_path,
        reason=reason,
        detail=detail,
        at=at,
    )
