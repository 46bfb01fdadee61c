"""Examples as methods of reading labels see them; see `methods.py`.

Read: nothing. Needed: numpy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from components.learning.vectors import Vectors


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
