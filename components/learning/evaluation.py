"""Asks one method for its answers on every row, learning only from rows that it is not asked about.

Read: what the encoders made of the examples, and who is asked and who teaches in each round. Needed: numpy. With
folds there is one round per fold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from components.learning.encoded import UNKNOWN
from components.learning.methods import Inputs, predict
from components.learning.spec import Method

if TYPE_CHECKING:
    from components.features.models import Models


@dataclass(frozen=True)
class Round:
    """Who is asked and who may teach, (n,) of bool each; the rest is near-duplicates of those asked, or not wanted."""

    asked: NDArray[np.bool_]
    teaching: NDArray[np.bool_]

    @classmethod
    def of(cls, parts: Sequence[str]) -> Round:
        """From where each example went: test is asked, train and validation teach."""
        where = np.array(parts)
        return cls(where == "test", (where == "train") | (where == "validation"))


def answers(
    method: Method,
    task: str,
    labels: Sequence[str],
    inputs: Inputs,
    rounds: Sequence[Round],
    models: Models | None,
    seed: int,
) -> NDArray[Any]:
    """(n, k) probabilities or (n,) places in `labels`, in the order of the rows; NaN or -1 where nobody is asked."""
    if inputs.targets is None:
        raise ValueError("an evaluation needs targets")
    known = inputs.targets != UNKNOWN
    result: NDArray[Any] | None = None
    for one in rounds:
        places = np.flatnonzero(one.asked)
        teaching = inputs.rows(one.teaching & ~one.asked & known)
        found = predict(method, task, labels, inputs.rows(places), train=teaching, models=models, seed=seed)
        if result is None:
            blank = np.nan if found.ndim == 2 else UNKNOWN
            result = np.full((len(inputs), *found.shape[1:]), blank, dtype=found.dtype)
        result[places] = found
    if result is None:
        raise ValueError("an evaluation without rounds asks nobody")
    return result
