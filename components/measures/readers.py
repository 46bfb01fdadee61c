"""Who reads topic, scene and sentiment in a post's text alone, and how far each is independent of who set the label.

The prompt's words come from the model set's labeller: what it finds again in the post, it finds with the same eyes. The
`sentence` reader compares the text encoder's vectors of the post's sentences with descriptions of the classes
(components/features/zero_shot.py). Where CLIP labels the pictures, that is another model; where a network does, its
head is another one, but the vector of the item's text came from the same encoder. `clip` is the other way round.
Sentiment is read once more by VADER, a lexicon that shares nothing with any of them.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from components.features.labels_file import DescribedTask, read_labels
from components.features.model_set import SHIPPED
from components.measures.batch import TASKS
from components.measures.sources import named
from components.measures.vectors import TextVectors, parted

DESCRIPTIONS = SHIPPED / "pretrained_labels.yaml"
"""What the shipped sets' classes mean; a class that is not in it is described by its name."""
LEAST_LEAD = 1.25
"""A reading counts where the likeliest class is so many times as likely as the second; below, the reader abstains."""
INDEPENDENCE = {
    "other": "independent, a model that the labels do not come from",
    "shared": "not quite independent, the labels were read through this encoder, too",
    "network": "not independent, the very model that set the labels, which agrees with itself",
    "lexicon": "independent, a lexicon that shares nothing with the models of the set",
}
SAID_ONCE = ("topic", "scene")
"""They are said somewhere: the surest sentence counts. A feeling runs through: the mean of the sentences does."""


class Reader(Protocol):
    model: str
    independence: str
    """A key of INDEPENDENCE."""

    def classes(self, task: str) -> tuple[str, ...]:
        """Empty where the reader cannot be asked about `task`."""

    def read(self, task: str, texts: Sequence[str]) -> NDArray[np.float64]:
        """(n, classes) probabilities for texts that have words."""


class SentenceReader:
    """An encoder of the set against descriptions of the labeller's classes, sentence by sentence."""

    def __init__(self, vectors: TextVectors, reading: str) -> None:
        from components.features.zero_shot import ZeroShot

        models = vectors.models
        labeller, encoder = models.labeller, "clip" if reading == "clip_text" else "text_encoder"
        tasks = {task: one for task, one in labeller.descriptions.items() if task in TASKS}
        self._vectors, self._reading = vectors, reading
        self._zero_shot = ZeroShot(tasks or described(labeller.classes), models.clip, models.text_encoder)
        self.independence = "shared" if encoder in labeller.encoders else "other"
        self.model = models.revisions[encoder]

    def classes(self, task: str) -> tuple[str, ...]:
        described = self._zero_shot.tasks.get(task)
        return tuple(described.classes) if described else ()

    def read(self, task: str, texts: Sequence[str]) -> NDArray[np.float64]:
        import torch

        parts, starts = parted(texts)
        rows = self._vectors.clip(parts) if self._reading == "clip_text" else self._vectors.sentence(parts)
        with self._vectors.models.lock, torch.inference_mode():
            found = self._zero_shot.probabilities(task, self._reading, torch.from_numpy(rows))
        of_text = np.split(np.asarray(found.numpy(), dtype=np.float64), starts[1:])
        once = task in SAID_ONCE
        return np.stack([rows[np.round(rows, 5).max(1).argmax()] if once else rows.mean(0) for rows in of_text])


class LabellerReader:
    """The labeller itself, with the picture missing, on whole texts: as it reads those of items."""

    independence = "network"

    def __init__(self, vectors: TextVectors) -> None:
        self._vectors, self._models = vectors, vectors.models
        self.model = self._models.revisions[self._models.labeller.part]

    def classes(self, task: str) -> tuple[str, ...]:
        return self._models.labeller.classes.get(task, ())

    def read(self, task: str, texts: Sequence[str]) -> NDArray[np.float64]:
        import torch

        n, models = len(texts), self._models
        sides = {
            "clip_image": torch.zeros(n, models.clip.width),
            "picture": torch.zeros(n, models.picture_encoder.width),
            "clip_text": torch.from_numpy(self._vectors.clip(texts)),
            "text": torch.from_numpy(self._vectors.sentence(texts)),
        }
        with models.lock:
            answers = models.labeller.answers(sides, torch.zeros(n, dtype=torch.bool), torch.ones(n, dtype=torch.bool))
        return np.asarray(answers[task][1].numpy(), dtype=np.float64)


class Lexicon:
    """VADER; sentiments only."""

    independence = "lexicon"
    CLASSES = ("positive", "neutral", "negative")

    def __init__(self) -> None:
        self.model = named("vaderSentiment")

    def classes(self, task: str) -> tuple[str, ...]:
        return self.CLASSES if task == "sentiment" else ()

    def read(self, task: str, texts: Sequence[str]) -> NDArray[np.float64]:
        from components.learning.baselines import vader

        return np.asarray(np.eye(len(self.CLASSES))[vader(texts, task, self.CLASSES)], dtype=np.float64)


def reader_of(kind: str, vectors: TextVectors) -> Reader:
    """The reader that a spec asks for: `sentence`, `clip` or `network`."""
    if kind == "network":
        return LabellerReader(vectors)
    return SentenceReader(vectors, "clip_text" if kind == "clip" else "text")


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
