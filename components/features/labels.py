"""Topic, sentiment and scene: by the fused network where a set has one, else by CLIP without training.

Read: the network's directory (see `network.py`), or a labels file: per task, how a class is named in prompts and the
descriptions of each class (see `model_sets/pretrained_labels.yaml`). Both answer with probabilities over all labels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from components.errors import UserError
from components.features.models import count_passes
from components.features.network import PromptWordsNetwork

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from components.features.clip import Clip

TASKS = ("topic", "sentiment", "scene")

Ranked = dict[str, list[tuple[str, float]]]
"""Per task (label, probability), the most probable first."""


class Labeller(Protocol):
    part: str

    def __call__(self, vectors: Mapping[str, Tensor], has_picture: Tensor, has_text: Tensor) -> list[Ranked]:
        """`vectors` holds picture, text, clip_image and clip_text, each (n, dim) with zeros where a row has none."""


class NetworkLabeller:
    part = "network"

    def __init__(self, folder: Path, device: torch.device, dtype: torch.dtype) -> None:
        self._network = PromptWordsNetwork.load(folder)
        # float32 whatever the encoders use: it is tiny, and probabilities near 0 matter.
        self._network.module.to(device)
        self._device = device
        count_passes("network", self._network.module)

    def __call__(self, vectors: Mapping[str, Tensor], has_picture: Tensor, has_text: Tensor) -> list[Ranked]:
        put = [t.to(self._device) for t in (vectors["picture"], vectors["text"], has_picture, has_text)]
        found = self._network.probabilities(put[0], put[1], put[2], put[3])
        return ranked({task: (self._network.config.tasks[task], p.cpu()) for task, p in found.items()}, len(has_text))


class _Task(BaseModel):
    model_config = ConfigDict(extra="forbid")
    prompts: Annotated[list[str], Field(min_length=1)]
    text_prompts: Annotated[list[str], Field(min_length=1)]
    classes: Annotated[dict[str, list[str]], Field(min_length=2)]


class ZeroShotLabeller:
    """Cosine with the mean of a class's prompts (Radford et al. 2021, prompt ensembles), once for the picture and once
    for the text; an item with both gets the mean of the two answers."""

    part = "network"

    def __init__(self, clip: Clip, file: Path) -> None:
        self._clip = clip
        self._tasks = read_labels(file)
        self._embedded: dict[tuple[str, str], Tensor] = {}

    def __call__(self, vectors: Mapping[str, Tensor], has_picture: Tensor, has_text: Tensor) -> list[Ranked]:
        import torch

        answers = {}
        for task, described in self._tasks.items():
            picture = self._answer(task, "prompts", vectors["clip_image"])
            text = self._answer(task, "text_prompts", vectors["clip_text"])
            weight = torch.stack([has_picture, has_text]).float()
            mixed = (torch.stack([picture, text]) * weight[..., None]).sum(0) / weight.sum(0).clamp(min=1)[:, None]
            answers[task] = (tuple(described.classes), mixed)
        return ranked(answers, len(has_text))

    def _answer(self, task: str, kind: str, vectors: Tensor) -> Tensor:
        """(n, classes) probabilities; the prompts of a task are embedded once."""
        import torch

        if (task, kind) not in self._embedded:
            described = self._tasks[task]
            rows = []
            for name, descriptions in described.classes.items():
                texts = [prompt.format(text) for prompt in getattr(described, kind) for text in descriptions or [name]]
                rows.append(torch.nn.functional.normalize(self._clip.texts(texts).mean(0), dim=0))
            self._embedded[task, kind] = torch.stack(rows)
        return (vectors @ self._embedded[task, kind].T * self._clip.logit_scale).softmax(-1)


def read_labels(file: Path) -> dict[str, _Task]:
    """The tasks of a labels file; UserError names what is wrong in it."""
    try:
        data = yaml.safe_load(file.read_text(encoding="utf-8"))
        tasks = {str(name): _Task.model_validate(task) for name, task in dict(data).items()}
    except (OSError, yaml.YAMLError, TypeError, ValueError) as error:
        first = error.errors()[0] if isinstance(error, ValidationError) else None
        text = f"{'.'.join(map(str, first['loc']))}: {first['msg']}" if first else str(error)
        raise UserError(f"labels file {file}: {' '.join(text.split())}") from error
    if missing := [task for task in TASKS if task not in tasks]:
        raise UserError(f"labels file {file}: no {' and no '.join(missing)}; it needs {', '.join(TASKS)}")
    return tasks


def ranked(answers: Mapping[str, tuple[Sequence[str], Tensor]], rows: int) -> list[Ranked]:
    """Per row and task the labels by falling probability; equal ones (to 6 digits) in the order of the labels."""
    result: list[Ranked] = [{} for _ in range(rows)]
    for task, (labels, probabilities) in answers.items():
        for row, values in enumerate(probabilities.tolist()):
            pairs = [(label, round(value, 6)) for label, value in zip(labels, values, strict=True)]
            result[row][task] = sorted(pairs, key=lambda pair: -pair[1])
    return result
