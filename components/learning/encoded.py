"""Examples as arrays: what the network is trained and measured on, once the encoders have read them.

Read: nothing. Needed: numpy. A row without a picture (or text) holds zeros there and False in its mask; a row without a
label of a task holds -1 (or NaN, for a number): it counts for the other tasks, not for this one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

UNKNOWN = -1


@dataclass(frozen=True)
class Encoded:
    """n examples. `picture` (n, picture_dim) and `text` (n, text_dim) in float32; the masks (n,) of bool; `targets` per
    task (n,) int64 places in the task's labels with -1 for unknown, or float64 with NaN; `clusters` names what is
    resampled together, `together` what was kept together when the examples were split, `twins` the near-duplicates
    (where they are empty: the same)."""

    ids: Sequence[str]
    picture: NDArray[np.float32]
    text: NDArray[np.float32]
    has_picture: NDArray[np.bool_]
    has_text: NDArray[np.bool_]
    targets: Mapping[str, NDArray[Any]]
    datasets: Sequence[str]
    clusters: Sequence[str]
    together: Sequence[str] = ()
    twins: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.ids)

    def rows(self, chosen: NDArray[Any]) -> "Encoded":
        """The rows of a mask (n,) of bool, or of places (k,)."""
        places: NDArray[np.int64] = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
        return Encoded(
            [self.ids[int(i)] for i in places],
            self.picture[places],
            self.text[places],
            self.has_picture[places],
            self.has_text[places],
            {task: values[places] for task, values in self.targets.items()},
            [self.datasets[int(i)] for i in places],
            [self.clusters[int(i)] for i in places],
            [self.together[int(i)] for i in places] if self.together else (),
            [self.twins[int(i)] for i in places] if self.twins else (),
        )

    def known(self, task: str) -> NDArray[np.bool_]:
        """Where the task is labelled, (n,)."""
        values = self.targets[task]
        there: NDArray[np.bool_] = ~np.isnan(values) if values.dtype.kind == "f" else values != UNKNOWN
        return there


@dataclass(frozen=True, slots=True)
class Measured:
    """One metric of one task: `value` with its 95 % interval over n examples; `detail` can become JSON."""

    task: str
    metric: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    detail: Mapping[str, Any]
