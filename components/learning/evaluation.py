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

from components.errors import UserError
from components.learning.encoded import UNKNOWN
from components.learning.methods import Inputs, predict
from components.learning.near_duplicates import author_key
from components.learning.spec import Method
from components.records import Example

if TYPE_CHECKING:
    from components.features.models import Models


MOST_AUTHORS = 30


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


def author_rounds(examples: Sequence[Example], clusters: Sequence[str]) -> list[Round]:
    """Each author once: asked about their examples, taught by the others' that are no near-duplicates of those.

    UserError unless there are 2 to MOST_AUTHORS authors.
    """
    authors = np.array([author_key(example.author) or "" for example in examples])
    known = sorted(set(authors.tolist()) - {""})
    if not 2 <= len(known) <= MOST_AUTHORS:
        raise UserError(
            f"folds: author needs 2 to {MOST_AUTHORS} authors, and the examples name {len(known)}; use folds: random, "
            "which keeps authors whole too"
        )
    groups = np.array(clusters)
    rounds = []
    for author in known:
        asked = authors == author
        rounds.append(Round(asked, ~np.isin(groups, groups[asked])))
    return rounds


def fold_rounds(numbers: Sequence[int], clusters: Sequence[str]) -> list[Round]:
    """Each fold once, taught by what is in other folds and no near-duplicate of anything in this one."""
    fold, groups = np.array(numbers), np.array(clusters)
    return [
        Round(asked, ~asked & ~np.isin(groups, groups[asked]))
        for asked in (fold == number for number in sorted(set(numbers)))
    ]


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
