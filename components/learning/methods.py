"""Every way to read labels behind one function: an evaluation measures a trained network, CLIP without training, a
lexicon and plain guessing alike.

Read: vectors that the encoders made (see `vectors.py`), texts, and for methods that learn the labelled rows they may
learn from. Nothing here opens a picture. A row that a method cannot read (no text for VADER, no picture for few-shot)
is answered like a row about which nothing is known; `readable` says which rows those are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from components.errors import UserError
from components.learning.spec import Method

if TYPE_CHECKING:
    from components.features.models import Models
    from components.learning.vectors import Vectors

LEARNING_KINDS = ("few_shot", "linear_probe", "majority", "prior")
"""Methods that need labelled rows."""

NEEDS: Mapping[str, tuple[str, ...]] = {
    "model_set": ("picture", "text", "clip_image", "clip_text"),
    "zero_shot": ("clip_image", "clip_text"),
    "text_zero_shot": ("text",),
    "few_shot": ("clip_image",),
    "linear_probe": ("picture", "text"),
    "vader": (),
    "majority": (),
    "prior": (),
}
"""The kinds of vectors that each method reads; none of them: no model is needed."""


@dataclass(frozen=True)
class Inputs:
    """n examples as methods see them: their texts, and per kind of vector (n, dim) float32 with zeros where an example
    has no picture (or text). `targets` (n,) holds places in the task's labels, -1 for unknown; None where nobody may
    look."""

    texts: Sequence[str]
    vectors: Mapping[str, NDArray[np.float32]]
    has_picture: NDArray[np.bool_]
    has_text: NDArray[np.bool_]
    targets: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.texts)

    @classmethod
    def of(cls, read: Vectors, texts: Sequence[str], targets: NDArray[np.int64] | None = None) -> Inputs:
        return cls(texts, read.kinds, read.has_picture, read.has_text, targets)

    def rows(self, chosen: NDArray[Any]) -> Inputs:
        """The rows of a mask (n,) of bool, or of places (m,)."""
        places = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
        return Inputs(
            [self.texts[int(i)] for i in places],
            {kind: rows[places] for kind, rows in self.vectors.items()},
            self.has_picture[places],
            self.has_text[places],
            None if self.targets is None else self.targets[places],
        )


def predict(
    method: Method,
    task: str,
    labels: Sequence[str],
    test: Inputs,
    *,
    train: Inputs | None = None,
    models: Models | None = None,
    seed: int = 0,
) -> NDArray[Any]:
    """(n, k) probabilities over `labels`; (n,) places in `labels` from vader and prior, which have no probabilities.

    `train` with its targets is needed by LEARNING_KINDS, and tells the labels' shares where the method matches them;
    `models` by all whose NEEDS are not empty. UserError when one is missing or a label is not described.
    """
    raise UserError(f"evaluation: method {method.kind} is not there yet")
