"""No method learns from the rows it is asked about."""

import numpy as np
import pytest

from components.errors import UserError
from components.learning.evaluation import Round, answers, author_rounds, fold_rounds
from components.learning.methods import Inputs
from components.learning.spec import Method
from components.records import Example

LABELS = ("no", "yes")


def inputs(targets: list[int]) -> Inputs:
    n = len(targets)
    return Inputs([f"text {i}" for i in range(n)], {}, np.zeros(n, bool), np.ones(n, bool), np.array(targets))


def test_the_majority_is_that_of_the_other_folds() -> None:
    """Within each fold the other label is the frequent one, so an answer learned from its own fold would be wrong."""
    data = inputs([0, 0, 0, 1, 1, 1, 1])
    first = np.array([True] * 3 + [False] * 4)
    rounds = [Round(first, ~first), Round(~first, first)]
    found = answers(Method(kind="majority"), "t", LABELS, data, rounds, None, seed=0)
    best = found if found.ndim == 1 else found.argmax(1)
    assert best.tolist() == [1, 1, 1, 0, 0, 0, 0]


def test_rows_that_only_teach_get_no_answer_and_neither_asked_nor_unknown_rows_teach() -> None:
    data = inputs([1, 1, -1, -1, -1, 0])
    everybody = np.ones(6, dtype=bool)
    last = np.array([False] * 5 + [True])
    found = answers(Method(kind="majority"), "t", LABELS, data, [Round(last, everybody)], None, seed=0)
    assert (found if found.ndim == 1 else found.argmax(1))[-1] == 1
    blank = found[:5]
    assert np.isnan(blank).all() if found.ndim == 2 else (blank == -1).all()


def test_what_is_unused_is_neither_asked_nor_taught() -> None:
    one = Round.of(["train", "validation", "test", "unused"])
    assert one.asked.tolist() == [False, False, True, False]
    assert one.teaching.tolist() == [True, True, False, False]


def test_an_author_is_not_taught_by_twins_of_what_they_wrote() -> None:
    def by(author: str | None) -> Example:
        return Example(example_id="e", dataset="d", source_uri="u", text="t", author=author, labels="{}")

    examples = [by("Ann"), by("@ann"), by("bob"), by("bob"), by(None)]
    first, second = author_rounds(examples, ["a", "b", "b", "c", "d"])
    assert first.asked.tolist() == [True, True, False, False, False]
    assert first.teaching.tolist() == [False, False, False, True, True], "bob's first is ann's second again"
    assert second.asked.tolist() == [False, False, True, True, False]
    assert second.teaching.tolist() == [True, False, False, False, True]


def test_a_fold_is_not_taught_by_twins_of_what_it_is_asked() -> None:
    first, second = fold_rounds([0, 0, 1, 1], ["a", "b", "b", "c"])
    assert first.asked.tolist() == [True, True, False, False]
    assert first.teaching.tolist() == [False, False, False, True]
    assert second.teaching.tolist() == [True, False, False, False]


def test_folds_of_one_author_are_refused() -> None:
    one = Example(example_id="e", dataset="d", source_uri="u", text="t", author="ann", labels="{}")
    with pytest.raises(UserError, match="needs 2 to 30 authors, and the examples name 1"):
        author_rounds([one, one], ["a", "b"])
