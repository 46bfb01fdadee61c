"""Topic, sentiment and scene: by the fused network where a set has one, else by CLIP without training.

Read: the network's directory (see `network.py`), or a labels file (see `labels_file.py`). Both answer with
probabilities over all labels, and know from which probability on one may be trusted, where somebody has measured it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from components.features.labels_file import DescribedTask, read_labels
from components.features.models import count_passes
from components.features.network import PromptWordsNetwork
from components.features.zero_shot import ZeroShot

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from components.features.clip import Clip
    from components.features.encoders import TextEncoder

TASKS = ("topic", "sentiment", "scene")

Ranked = dict[str, list[tuple[str, float]]]
"""Per task (label, probability), the most probable first."""

Answers = dict[str, tuple[tuple[str, ...], "Tensor"]]
"""Per task its labels and their probabilities (n, labels)."""


class Labeller(Protocol):
    """`vectors` holds picture, text, clip_image and clip_text, each (n, dim) with zeros where a row has none."""

    part: str
    thresholds: Mapping[str, float | None]
    """Per task the probability below which a label is too uncertain to be a prompt word; None: nobody measured it."""
    encoders: frozenset[str]
    """The parts of the set whose vectors its labels come from."""

    @property
    def classes(self) -> Mapping[str, tuple[str, ...]]:
        """Per task the labels it can give."""

    @property
    def descriptions(self) -> Mapping[str, DescribedTask]:
        """Per task what its labels mean, in words; empty where it learned them from examples."""

    def __call__(self, vectors: Mapping[str, Tensor], has_picture: Tensor, has_text: Tensor) -> list[Ranked]: ...

    def answers(self, vectors: Mapping[str, Tensor], has_picture: Tensor, has_text: Tensor) -> Answers: ...


class NetworkLabeller:
    part = "network"
    encoders = frozenset({"picture_encoder", "text_encoder"})

    def __init__(self, folder: Path, device: torch.device, dtype: torch.dtype) -> None:
        self._network = PromptWordsNetwork.load(folder)
        # float32 whatever the encoders use: it is tiny, and probabilities near 0 matter.
        self._network.module.to(device)
        self._device = device
        config = self._network.config
        self.thresholds: Mapping[str, float | None] = {task: self._network.threshold(task) for task in config.tasks}
        count_passes("network", self._network.module)

    @property
    def classes(self) -> Mapping[str, tuple[str, ...]]:
        return self._network.config.tasks

    @property
    def descriptions(self) -> Mapping[str, DescribedTask]:
        return {}

    def __call__(self, vectors: Mapping[str, Tensor], has_picture: Tensor, has_text: Tensor) -> list[Ranked]:
        return ranked(self.answers(vectors, has_picture, has_text), len(has_text))

    def answers(self, vectors: Mapping[str, Tensor], has_picture: Tensor, has_text: Tensor) -> Answers:
        put = [t.to(self._device) for t in (vectors["picture"], vectors["text"], has_picture, has_text)]
        found = self._network.probabilities(put[0], put[1], put[2], put[3])
        return {task: (self._network.config.tasks[task], p.cpu()) for task, p in found.items()}


class ZeroShotLabeller:
    """Cosine with the descriptions of each class, once for the picture and once for the text; an item with both gets
    the mean of the two answers. `text_encoder` is needed by files whose `text_model` says so."""

    part = "network"

    def __init__(self, clip: Clip, file: Path, text_encoder: TextEncoder | None = None) -> None:
        self._zero_shot = ZeroShot(read_labels(file, TASKS), clip, text_encoder)
        self.thresholds: Mapping[str, float | None] = {
            task: described.threshold for task, described in self._zero_shot.tasks.items()
        }
        readings = {reading for described in self.descriptions.values() for reading in described.text_readings()}
        self.encoders = frozenset({"clip", "text_encoder"} if "text" in readings else {"clip"})

    @property
    def descriptions(self) -> Mapping[str, DescribedTask]:
        return self._zero_shot.tasks

    @property
    def classes(self) -> Mapping[str, tuple[str, ...]]:
        return {task: tuple(described.classes) for task, described in self.descriptions.items()}

    def __call__(self, vectors: Mapping[str, Tensor], has_picture: Tensor, has_text: Tensor) -> list[Ranked]:
        return ranked(self.answers(vectors, has_picture, has_text), len(has_text))

    def answers(self, vectors: Mapping[str, Tensor], has_picture: Tensor, has_text: Tensor) -> Answers:
        return {
            task: (tuple(described.classes), self._zero_shot.answer(task, vectors, has_picture, has_text))
            for task, described in self._zero_shot.tasks.items()
        }


def ranked(answers: Mapping[str, tuple[Sequence[str], Tensor]], rows: int) -> list[Ranked]:
    """Per row and task the labels by falling probability; equal ones (to 6 digits) in the order of the labels."""
    result: list[Ranked] = [{} for _ in range(rows)]
    for task, (labels, probabilities) in answers.items():
        for row, values in enumerate(probabilities.tolist()):
            pairs = [(label, round(value, 6)) for label, value in zip(labels, values, strict=True)]
            result[row][task] = sorted(pairs, key=lambda pair: -pair[1])
    return result
