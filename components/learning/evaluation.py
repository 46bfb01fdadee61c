"""Asks one method for its answers on every row, learning only from rows that it is not asked about.

Read: what the encoders made of the examples, and which fold each example is in. Needed: numpy. A method that learns is
taught once per fold, with all other folds; one that does not is asked once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from components.learning.encoded import UNKNOWN
from components.learning.methods import Inputs, predict
from components.learning.spec import Method

if TYPE_CHECKING:
    from components.features.models import Models

LEARN_ONLY = -1
"""The fold of rows that are there to learn from and are never asked about."""


def answers(
    method: Method,
    task: str,
    labels: Sequence[str],
    inputs: Inputs,
    folds: NDArray[np.int64],
    models: Models | None,
    seed: int,
) -> NDArray[Any]:
    """(n, k) probabilities or (n,) places in `labels`, in the order of the rows; NaN or -1 where nobody is asked.

    `folds` (n,): a method never learns from a row of the fold that it answers for.
    """
    if inputs.targets is None:
        raise ValueError("an evaluation needs targets")
    known = inputs.targets != UNKNOWN
    result: NDArray[Any] | None = None
    for fold in np.unique(folds[folds != LEARN_ONLY]):
        asked = np.flatnonzero(folds == fold)
        teaching = inputs.rows((folds != fold) & known)
        found = predict(method, task, labels, inputs.rows(asked), train=teaching, models=models, seed=seed)
        if result is None:
            blank = np.nan if found.ndim == 2 else UNKNOWN
            result = np.full((len(inputs), *found.shape[1:]), blank, dtype=found.dtype)
        result[asked] = found
    return np.zeros((len(inputs), len(labels))) if result is None else result
