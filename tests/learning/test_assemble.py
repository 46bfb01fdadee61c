"""Labels become arrays, unknown ones stay unknown, and an id says which examples were met."""

import json

import numpy as np
import pytest

from components.errors import UserError
from components.learning.assemble import encoded, labels_of, targets_of, training_id
from components.learning.encoded import UNKNOWN
from components.learning.spec import Task
from components.learning.vectors import Vectors
from components.records import Example


def example(name: str, **labels: str | float) -> Example:
    return Example(example_id=name, dataset="d", source_uri=name, text=name, labels=json.dumps(labels))


TASKS = {"mood": Task(), "reach": Task(kind="regression")}
ROWS = [example("a", mood="glad", reach=2.5), example("b", reach=1), example("c", mood="sad")]


def vectors(ids: list[str]) -> Vectors:
    rows = np.zeros((len(ids), 2), dtype=np.float32)
    return Vectors(ids, {"picture": rows, "text": rows}, np.zeros(len(ids), bool), np.ones(len(ids), bool))


def test_labels_are_those_that_occur_unless_they_are_given() -> None:
    assert labels_of(ROWS, TASKS) == {"mood": ("glad", "sad")}
    given = Task(labels=("sad", "glad", "angry"))
    assert labels_of(ROWS, {"mood": given}) == {"mood": ("sad", "glad", "angry")}


def test_a_task_with_one_label_cannot_be_learned() -> None:
    with pytest.raises(UserError, match=r"tasks\.mood.*only 'glad'"):
        labels_of(ROWS[:2], TASKS)
    with pytest.raises(UserError, match=r"tasks\.mood.*none at all"):
        labels_of(ROWS[1:2], TASKS)


def test_a_row_counts_only_for_the_tasks_it_is_labelled_for() -> None:
    data = encoded(ROWS, vectors(["a", "b", "c"]), TASKS, {"mood": ("glad", "sad")}, ["x", "y", "z"])
    assert data.targets["mood"].tolist() == [0, UNKNOWN, 1]
    assert data.known("mood").tolist() == [True, False, True]
    assert data.known("reach").tolist() == [True, True, False]
    assert data.rows(data.known("mood")).ids == ["a", "c"]


def test_a_label_outside_the_list_is_unknown_rather_than_wrong() -> None:
    targets = targets_of([example("a", mood="bored")], {"mood": Task()}, {"mood": ("glad", "sad")})
    assert targets["mood"].tolist() == [UNKNOWN]


def test_vectors_of_other_examples_are_refused() -> None:
    with pytest.raises(ValueError, match="another order"):
        encoded(ROWS, vectors(["b", "a", "c"]), TASKS, {"mood": ("glad", "sad")}, ["x", "y", "z"])


def test_the_id_of_a_training_depends_on_the_examples_and_not_on_their_order() -> None:
    assert training_id("s", ROWS) == training_id("s", ROWS[::-1])
    assert training_id("s", ROWS) != training_id("s", ROWS[:2])
    assert training_id("s", ROWS) != training_id("t", ROWS)
