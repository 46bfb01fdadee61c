"""Who reads topic, scene and sentiment in a post's text alone, and how far each is independent of who set the label.

The prompt's words come from the model set's labeller: what it finds again in the post, it finds with the same eyes. So
the reader is another encoder by default: CLIP's text tower where a network over the text encoder labels, the text
encoder where CLIP labels; both compare with descriptions of the classes (components/features/zero_shot.py).
Sentiment is read once more by VADER, a lexicon that shares nothing with either.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from components.features.labels_file import DescribedTask, read_labels
from components.features.model_set import SHIPPED
from components.measures.batch import TASKS
from components.measures.sources import named
from components.measures.vectors import TextVectors

DESCRIPTIONS = SHIPPED / "pretrained_labels.yaml"
"""What the shipped sets' classes mean; a class that is not in it is described by its name."""
LEAST_LEAD = 1.25
"""A reading counts where the likeliest class is so many times as likely as the second; below, the reader abstains."""
INDEPENDENCE = {
    "other": "another encoder than the labels come from, with the same list of classes",
    "shared": "an encoder that had a part in the labels, too: not quite independent",
    "network": "the very model that set the label: not independent, it agrees with itself",
    "lexicon": "a lexicon that shares nothing with the models of the set",
}


class Reader(Protocol):
    model: str
    independence: str
    """A key of INDEPENDENCE."""

    def classes(self, task: str) -> tuple[str, ...]:
        """Empty where the reader cannot be asked about `task`."""

    def read(self, task: str, ids: Sequence[str]) -> NDArray[np.float64]:
        """(n, classes) probabilities for posts that have words."""


class ZeroShotReader:
    """The encoder that the labeller does not use, against descriptions of the labeller's classes."""

    def __init__(self, vectors: TextVectors, tasks: Mapping[str, DescribedTask], reading: str) -> None:
        from components.features.zero_shot import ZeroShot

        models = vectors.models
        encoder = "clip" if reading == "clip_text" else "text_encoder"
        self.independence = "shared" if encoder in models.labeller.encoders else "other"
        self.model = models.revisions[encoder]
        self._vectors, self._reading = vectors, reading
        self._zero_shot = ZeroShot(tasks, models.clip, models.text_encoder)

    def classes(self, task: str) -> tuple[str, ...]:
        described = self._zero_shot.tasks.get(task)
        return tuple(described.classes) if described else ()

    def read(self, task: str, ids: Sequence[str]) -> NDArray[np.float64]:
        import torch

        rows = self._vectors.clip(ids) if self._reading == "clip_text" else self._vectors.sentence(ids)
        with self._vectors.models.lock, torch.inference_mode():
            found = self._zero_shot.probabilities(task, self._reading, torch.from_numpy(rows))
        return np.asarray(found.numpy(), dtype=np.float64)


class LabellerReader:
    """The labeller itself, with the picture missing."""

    independence = "network"

    def __init__(self, vectors: TextVectors) -> None:
        self._vectors, self._models = vectors, vectors.models
        self.model = self._models.revisions[self._models.labeller.part]

    def classes(self, task: str) -> tuple[str, ...]:
        return self._models.labeller.classes.get(task, ())

    def read(self, task: str, ids: Sequence[str]) -> NDArray[np.float64]:
        import torch

        n, models = len(ids), self._models
        sides = {
            "clip_image": torch.zeros(n, models.clip.width),
            "picture": torch.zeros(n, models.picture_encoder.width),
            "clip_text": torch.from_numpy(self._vectors.clip(ids)),
            "text": torch.from_numpy(self._vectors.sentence(ids)),
        }
        with models.lock:
            answers = models.labeller.answers(sides, torch.zeros(n, dtype=torch.bool), torch.ones(n, dtype=torch.bool))
        return np.asarray(answers[task][1].numpy(), dtype=np.float64)


class Lexicon:
    """VADER on the text as it is, emoji and hashtags included; sentiments only."""

    independence = "lexicon"
    CLASSES = ("positive", "neutral", "negative")

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts, self.model = texts, named("vaderSentiment")

    def classes(self, task: str) -> tuple[str, ...]:
        return self.CLASSES if task == "sentiment" else ()

    def read(self, task: str, ids: Sequence[str]) -> NDArray[np.float64]:
        from components.learning.baselines import vader

        places = vader([self._texts[post_id] for post_id in ids], task, self.CLASSES)
        return np.eye(len(self.CLASSES))[places]


def reader_of(kind: str, vectors: TextVectors) -> Reader:
    """The reader that a spec asks for: `other` or `network`."""
    if kind == "network":
        return LabellerReader(vectors)
    labeller = vectors.models.labeller
    tasks = {task: one for task, one in labeller.descriptions.items() if task in TASKS} or described(labeller.classes)
    return ZeroShotReader(vectors, tasks, "text" if "clip" in labeller.encoders else "clip_text")


def described(classes: Mapping[str, Sequence[str]]) -> dict[str, DescribedTask]:
    """The tasks of a labeller without descriptions: the shipped ones where a class has one, else its name."""
    known = read_labels(DESCRIPTIONS, TASKS)
    return {
        task: DescribedTask(
            prompts=known[task].prompts,
            text_prompts=known[task].text_prompts,
            classes={label: known[task].classes.get(label, []) for label in labels},
        )
        for task, labels in classes.items()
        if task in known
    }


def surest(probabilities: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """(n,) places of the likeliest class, and whether it leads enough to count (LEAST_LEAD)."""
    rounded = np.round(probabilities, 5)
    order = np.argsort(-rounded, axis=1, kind="stable")
    rows = np.arange(len(rounded))
    first, second = rounded[rows, order[:, 0]], rounded[rows, order[:, 1]]
    return order[:, 0].astype(np.int64), first >= LEAST_LEAD * second
