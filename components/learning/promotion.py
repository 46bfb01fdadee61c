"""Compares a new network with the one in use, on the new one's test examples.

Read: both model sets, and the test examples where a set has other encoders than the training's. The one in use may have
learned from some of them, so the comparison can only be too kind to it: what is put to use is not worse than what was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.errors import UserError
from components.features.model_set import LocalPart, model_set_fingerprint, read_model_set
from components.features.network import PromptWordsNetwork
from components.learning.calibration import predictions
from components.learning.encoded import Encoded
from components.learning.metrics import measure, paired_difference
from components.learning.spec import TrainingSpec
from components.learning.vectors import vectors
from components.records import Example

ENCODERS = ("picture_encoder", "text_encoder")


@dataclass(frozen=True)
class Compared:
    """Rows of the suite `promotions`, one per task that both know. `lost`: what the one in use reads and the new one
    does not, or with other labels; `reason` says why it could not be asked at all."""

    rows: list[dict[str, Any]]
    lost: tuple[str, ...] = ()
    reason: str = ""


def is_in_use(model_set: Path, folder: Path) -> bool:
    """Whether `model_set` is there and its network is the one in `folder`."""
    if not model_set.is_file():
        return False
    chosen = read_model_set(str(model_set))
    return isinstance(chosen.network, LocalPart) and chosen.local(chosen.network.path) == folder.resolve()


def against_incumbent(
    new_set: Path,
    incumbent_set: Path,
    models_folder: Path,
    examples: Sequence[Example],
    test: Encoded,
    spec: TrainingSpec,
) -> Compared:
    """Per task: task, metric, new, incumbent, difference and its interval, n. `examples` are those of `test`, in order,
    whose vectors come from the encoders that `spec` names."""
    new_labels, new = _answers(new_set, models_folder, examples, test, spec)
    try:
        old_labels, old = _answers(incumbent_set, models_folder, examples, test, spec)
    except UserError as error:
        return Compared([], reason=f"the network in use cannot be asked ({error})")
    shared = [task for task in new if task in old and new_labels.get(task) == old_labels.get(task)]
    lost = tuple(task for task in old if task not in shared)
    return Compared([_row(task, new_labels, new[task], old[task], test, spec) for task in shared], lost)


def _answers(
    model_set: Path, models_folder: Path, examples: Sequence[Example], test: Encoded, spec: TrainingSpec
) -> tuple[Mapping[str, tuple[str, ...]], dict[str, NDArray[Any]]]:
    """The labels and the predictions of a set's network; UserError where it, or a picture, is gone."""
    chosen = read_model_set(str(model_set))
    if not isinstance(chosen.network, LocalPart):
        raise UserError(f"{model_set} has no network of its own")
    network = PromptWordsNetwork.load(chosen.local(chosen.network.path))
    own, base = model_set_fingerprint(str(model_set)), model_set_fingerprint(spec.models)
    if any(own[part] != base[part] for part in ENCODERS):
        read, refused = vectors(examples, str(model_set), models_folder, ("picture", "text"), spec.step)
        if refused:
            raise UserError(f"{refused[0].detail}; read the dataset again")
        test = replace(test, picture=read.kinds["picture"], text=read.kinds["text"])
    return network.config.tasks, predictions(network, test)


def _row(
    task: str,
    labels: Mapping[str, tuple[str, ...]],
    new: NDArray[Any],
    old: NDArray[Any],
    test: Encoded,
    spec: TrainingSpec,
) -> dict[str, Any]:
    metric = "macro_f1" if new.ndim == 2 else "spearman"
    difference = paired_difference(task, metric, new, old, test, resamples=spec.resamples, seed=spec.seed)
    known = {task: labels[task]} if task in labels else {}
    values = [
        next(m.value for m in measure({task: answers}, test, known, resamples=100) if m.metric == metric)
        for answers in (new, old)
    ]
    return {
        "task": task, "metric": metric, "new": values[0], "incumbent": values[1], "difference": difference.value,
        "low_of_difference": difference.low, "high": difference.high, "n": int(np.count_nonzero(test.known(task))),
    }  # fmt: skip
