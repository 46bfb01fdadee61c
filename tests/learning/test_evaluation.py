"""No method learns from the rows it is asked about."""

import numpy as np

from components.learning.evaluation import LEARN_ONLY, answers
from components.learning.methods import Inputs
from components.learning.spec import Method

LABELS = ("no", "yes")


def inputs(targets: list[int]) -> Inputs:
    n = len(targets)
    return Inputs([f"text {i}" for i in range(n)], {}, np.zeros(n, bool), np.ones(n, bool), np.array(targets))


def test_the_majority_is_that_of_the_other_folds() -> None:
    """Within each fold the other label is the frequent one, so an answer learned from its own fold would be wrong."""
    data = inputs([0, 0, 0, 1, 1, 1, 1])
    folds = np.array([0, 0, 0, 1, 1, 1, 1])
    found = answers(Method(kind="majority"), "t", LABELS, data, folds, None, seed=0)
    best = found if found.ndim == 1 else found.argmax(1)
    assert best.tolist() == [1, 1, 1, 0, 0, 0, 0]


def test_rows_to_learn_from_only_get_no_answer_and_unknown_rows_teach_nothing() -> None:
    data = inputs([1, 1, -1, -1, -1, 0])
    folds = np.array([LEARN_ONLY, LEARN_ONLY, LEARN_ONLY, LEARN_ONLY, LEARN_ONLY, 0])
    found = answers(Method(kind="majority"), "t", LABELS, data, folds, None, seed=0)
    assert (found if found.ndim == 1 else found.argmax(1))[-1] == 1
    blank = found[:5]
    assert np.isnan(blank).all() if found.ndim == 2 else (blank == -1).all()
