"""One loss out of several tasks' losses, when most rows are labelled for some of the tasks only.

Read: logits and targets with unknown places. Needed: torch, imported when a loss is made. A task without a label in the
batch is left out altogether: its head then has no gradient, and the optimiser does not move it, not even by decay.

- `weighted`: the sum of the tasks' losses times their weights.
- `uncertainty`: each task's loss is divided by a variance that is learned with the network, plus the log of its root,
  so that noisy tasks count less (Kendall, Gal and Cipolla 2018, equation 10, with s = log of the variance).
- `alternating`: each batch serves one task. An epoch shows each label once, as with the others, in more steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from components.learning.encoded import UNKNOWN, Encoded
from components.learning.spec import Task

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class MultiTaskLoss:
    """`balance` weighs the classes of each task (None: all alike), `shares` says which part of the training rows is
    labelled for it. `variances` are the learned logs of variances, None without uncertainty weighting."""

    def __init__(
        self,
        kind: str,
        tasks: Mapping[str, Task],
        balance: Mapping[str, NDArray[np.float64] | None],
        shares: Mapping[str, float],
        device: torch.device,
    ) -> None:
        import torch

        self._weights = {name: task.weight for name, task in tasks.items()}
        self._balance = {
            name: None if values is None else torch.tensor(values, dtype=torch.float32, device=device)
            for name, values in balance.items()
        }
        self._shares = shares
        self.variances: torch.nn.Parameter | None = None
        if kind == "uncertainty":
            self.variances = torch.nn.Parameter(torch.zeros(len(tasks), device=device))

    def __call__(self, logits: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> Tensor | None:
        """The loss of one batch over the tasks in `targets`; None where it holds no label of any."""
        total: Tensor | None = None
        for place, task in enumerate(self._weights):
            if task not in targets:
                continue
            loss = self.of_task(task, logits[task], targets[task])
            if loss is None:
                continue
            if self.variances is not None:
                s = self.variances[place]
                scale = 1.0 if task in self._balance else 0.5
                loss = scale * (-s).exp() * loss + 0.5 * s
            loss = self._weights[task] * loss
            total = loss if total is None else total + loss
        return total

    def share(self, task: str) -> float:
        """Of the training rows that are labelled for the task."""
        return self._shares[task]

    def of_task(self, task: str, logits: Tensor, targets: Tensor) -> Tensor | None:
        """The task's loss summed over the labelled rows, divided by how many a batch of this size has on average:
        dividing by this batch's own count would let the one labelled row of a batch weigh as much as forty of another.
        """
        from torch.nn import functional as F

        number = targets.is_floating_point()
        known = ~targets.isnan() if number else targets != UNKNOWN
        if not bool(known.any()):
            return None
        # Huber's loss for numbers: what people like or share has a long tail that squares would let rule.
        each = (
            F.smooth_l1_loss(logits[known].float(), targets[known], reduction="none")
            if number
            else F.cross_entropy(logits[known].float(), targets[known], weight=self._balance[task], reduction="none")
        )
        return each.sum() / max(1e-9, self._shares[task] * len(targets))


def class_weights(targets: NDArray[Any], labels: int, balance: bool) -> NDArray[np.float64] | None:
    """(labels,) weights by the root of the classes' rarity, 1 on average over the rows: rare ones up, but not so far
    that a class of three examples rules. None when not asked for."""
    if not balance:
        return None
    counts = np.bincount(targets[targets != UNKNOWN], minlength=labels).astype(np.float64)
    weights = np.divide(1.0, np.sqrt(counts), out=np.zeros(labels), where=counts > 0)
    scaled: NDArray[np.float64] = weights * (float(counts.sum()) / max(1e-12, float((weights * counts).sum())))
    return scaled


def shares_of(train: Encoded, tasks: Mapping[str, Task], alternating: bool) -> dict[str, float]:
    """Which part of a batch's rows is labelled for a task, on average: all of them where each batch serves one task."""
    return {task: 1.0 if alternating else float(train.known(task).mean()) for task in tasks}
