"""Labels that need no labelled rows: a model set's own labeller, and comparison with descriptions of the classes.

Read: vectors that the encoders made, and a labels file. Each answers over the labels that are asked for, whatever
others the model or the file knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from components.errors import UserError
from components.features.labels_file import read_labels
from components.features.model_set import SHIPPED, read_model_set
from components.features.model_set import ZeroShot as ZeroShotPart
from components.features.zero_shot import ZeroShot, match_shares, mixed, shifted
from components.learning import baselines
from components.learning.inputs import Inputs
from components.learning.spec import Method

if TYPE_CHECKING:
    from components.features.models import Models


def by_model_set(method: Method, task: str, labels: Sequence[str], test: Inputs, models: Models) -> NDArray[np.float64]:
    """The set's own labeller; a label that it does not know has probability 0."""
    import torch

    vectors = {kind: torch.from_numpy(rows) for kind, rows in test.vectors.items()}
    answers = models.labeller.answers(vectors, torch.from_numpy(test.has_picture), torch.from_numpy(test.has_text))
    if task not in answers:
        raise UserError(f"evaluation: model set {method.models} knows no task {task}; it knows {', '.join(answers)}")
    own, probabilities = answers[task]
    if not set(own) & set(labels):
        raise UserError(
            f"evaluation: model set {method.models} knows none of the labels {', '.join(labels)} of {task}; its labels "
            f"are {', '.join(own)}: map yours to them with a label map"
        )
    return _columns(probabilities.double().numpy(), own, labels)


def by_description(
    method: Method, task: str, labels: Sequence[str], test: Inputs, models: Models, train: Inputs | None
) -> NDArray[np.float64]:
    """CLIP on pictures and texts, or sentence vectors on texts; shares are matched per reading, over its rows."""
    import torch

    file = Path(method.labels) if method.labels else _labels_of(method.models)
    described = read_labels(file, (task,))
    if missing := [label for label in labels if label not in described[task].classes]:
        raise UserError(
            f"labels file {file}: {task} does not describe {missing[0]!r}; add it under {task}.classes, or name "
            f"another file as `labels` of method {method.kind}"
        )
    zero_shot = ZeroShot(described, models.clip, models.text_encoder)
    shares = np.full(len(labels), 1 / len(labels))
    if train is not None and train.targets is not None and (train.targets >= 0).any():
        shares = baselines.smoothed_shares(train.targets, len(labels))

    def read(reading: str) -> NDArray[np.float64]:
        rows = torch.from_numpy(test.vectors[reading])
        found = zero_shot.probabilities(task, reading, rows).double().numpy()
        found = _columns(found, list(described[task].classes), labels)
        there = test.has_picture if reading == "clip_image" else test.has_text
        return shifted(found, match_shares(found[there], shares)) if method.prior_matching else found

    text_readings = ("text",) if method.kind == "text_zero_shot" else described[task].text_readings()
    text: NDArray[np.float64] = np.mean([read(reading) for reading in text_readings], axis=0)
    if method.kind == "text_zero_shot":
        return text
    sides = (torch.from_numpy(read("clip_image")), torch.from_numpy(text))
    there = (torch.from_numpy(test.has_picture), torch.from_numpy(test.has_text))
    return np.asarray(mixed(*sides, *there).numpy(), dtype=np.float64)


def _labels_of(models: str) -> Path:
    """The labels file that the set reads by itself, or the shipped one."""
    chosen = read_model_set(models)
    return (
        chosen.local(chosen.network.labels)
        if isinstance(chosen.network, ZeroShotPart)
        else SHIPPED / "pretrained_labels.yaml"
    )


def _columns(probabilities: NDArray[np.float64], own: Sequence[str], labels: Sequence[str]) -> NDArray[np.float64]:
    """(n, k): the columns of `labels` among `own`, scaled to add up to 1; uniform where nothing of it is left."""
    places = {label: i for i, label in enumerate(own)}
    found = np.zeros((len(probabilities), len(labels)))
    for column, label in enumerate(labels):
        if label in places:
            found[:, column] = probabilities[:, places[label]]
    total = found.sum(1, keepdims=True)
    return np.where(total > 0, found / np.where(total > 0, total, 1), 1 / len(labels))
