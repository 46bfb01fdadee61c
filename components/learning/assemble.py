"""Examples and their vectors become arrays to learn from: labels as places in a list, unknown ones as such.

Read: examples' labels (JSON), the vectors of an encoder, who was kept together. Needed: numpy.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.errors import UserError
from components.learning.encoded import UNKNOWN, Encoded
from components.learning.spec import Task
from components.learning.vectors import Vectors
from components.records import Example, content_id


def labels_of(examples: Sequence[Example], tasks: Mapping[str, Task]) -> dict[str, tuple[str, ...]]:
    """Per classification task its labels: as given, else all that occur, sorted. UserError where there are not two."""
    found: dict[str, set[str]] = {name: set() for name, task in tasks.items() if task.kind == "classification"}
    for example in examples:
        for name, label in json.loads(example.labels).items():
            if name in found:
                found[name].add(str(label))
    chosen = {name: tasks[name].labels or tuple(sorted(found[name])) for name in found}
    for name, labels in chosen.items():
        if len(found[name]) < 2:
            only = f"only {min(found[name])!r}" if found[name] else "none at all"
            raise UserError(
                f"tasks.{name}: the examples have {only} of the labels {', '.join(labels) or '(none given)'}; "
                "a task needs examples of two labels or more"
            )
    return chosen


def targets_of(
    examples: Sequence[Example], tasks: Mapping[str, Task], labels: Mapping[str, Sequence[str]]
) -> dict[str, NDArray[Any]]:
    """Per task (n,): places in its labels with -1 for unknown, or numbers with NaN for unknown."""
    known = [json.loads(example.labels) for example in examples]
    targets: dict[str, NDArray[Any]] = {}
    for name, task in tasks.items():
        if task.kind == "regression":
            targets[name] = np.array([float(row.get(name, np.nan)) for row in known], dtype=np.float64)
        else:
            place = {label: i for i, label in enumerate(labels[name])}
            targets[name] = np.array([place.get(str(row.get(name)), UNKNOWN) for row in known], dtype=np.int64)
    return targets


def encoded(
    examples: Sequence[Example],
    read: Vectors,
    tasks: Mapping[str, Task],
    labels: Mapping[str, Sequence[str]],
    clusters: Sequence[str],
    together: Sequence[str] = (),
    twins: Sequence[str] = (),
) -> Encoded:
    """The examples in their order, which is that of `read`, `clusters`, `together` and `twins`."""
    if [example.example_id for example in examples] != read.ids:
        raise ValueError("vectors of other examples, or in another order")
    return Encoded(
        read.ids,
        read.kinds["picture"],
        read.kinds["text"],
        read.has_picture,
        read.has_text,
        targets_of(examples, tasks, labels),
        [example.dataset for example in examples],
        clusters,
        together,
        twins,
    )


def training_id(spec_id: str, examples: Sequence[Example]) -> str:
    """A spec and the examples that it met: the same file may bring other examples tomorrow."""
    return content_id("training", spec_id, sorted(example.example_id for example in examples))
