"""Every way to read labels behind one function: an evaluation measures a trained network, CLIP without training, a
lexicon and plain guessing alike.

Read: vectors that the encoders made (see `vectors.py`), texts, and for methods that learn the labelled rows they may
learn from. Nothing here opens a picture. A row that a method cannot read (no text for VADER, no picture for few-shot)
gets no answer: NaN, or -1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from components.errors import UserError
from components.features.labels_file import read_labels
from components.features.model_set import SHIPPED, read_model_set
from components.features.model_set import ZeroShot as ZeroShotPart
from components.features.zero_shot import ZeroShot, match_shares, mixed, shifted
from components.learning import baselines
from components.learning.encoded import UNKNOWN
from components.learning.few_shot import choose_shots, learn_context
from components.learning.spec import Method

if TYPE_CHECKING:
    from components.features.models import Models
    from components.learning.vectors import Vectors

LEARNING_KINDS = ("few_shot", "linear_probe", "majority", "prior")
"""Methods that need labelled rows."""

NEEDS: Mapping[str, tuple[str, ...]] = {
    "model_set": ("picture", "text", "clip_image", "clip_text"),
    "zero_shot": ("clip_image", "clip_text", "text"),
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
    """(n, k) probabilities over `labels`, a row of NaN where the method can read nothing; from vader and prior, which
    have no probabilities, (n,) places in `labels`, -1 where nothing can be read.

    `train` with its targets is needed by LEARNING_KINDS, and tells the labels' shares where the method matches them
    (without it they are taken to be equal); `models` is needed by all whose NEEDS are not empty. UserError when one is
    missing, or a label is not among those the method knows.
    """
    found = _answers(method, task, labels, test, train, models, seed)
    found[~readable(method, test)] = np.nan if found.ndim == 2 else UNKNOWN
    return found


def fits(method: Method, labels: Sequence[str]) -> bool:
    """Whether the method can be asked about a task with these labels: VADER knows sentiments only."""
    return method.kind != "vader" or set(baselines.SENTIMENTS) <= set(labels)


def readable(method: Method, test: Inputs) -> NDArray[np.bool_]:
    """The rows (n,) of which the method can read anything: a text for VADER, a picture for few-shot."""
    if method.kind in ("vader", "text_zero_shot"):
        return test.has_text
    if method.kind == "few_shot":
        return test.has_picture
    return np.ones(len(test), dtype=bool) if method.kind in ("majority", "prior") else test.has_picture | test.has_text


def _answers(
    method: Method,
    task: str,
    labels: Sequence[str],
    test: Inputs,
    train: Inputs | None,
    models: Models | None,
    seed: int,
) -> NDArray[Any]:
    """As `predict`, before rows are blanked that the method cannot read."""
    k, n = len(labels), len(test)
    if method.kind == "vader":
        return baselines.vader(test.texts, task, labels)
    known = _learnable(method, task, train) if method.kind in LEARNING_KINDS else None
    if known is not None:
        if method.kind == "majority":
            return baselines.majority(_targets(known), n, k)
        if method.kind == "prior":
            return baselines.prior(_targets(known), n, k, seed)
        if method.kind == "linear_probe":
            return _linear_probe(known, test, k, seed)
    if models is None:
        raise ValueError(f"method {method.kind} reads vectors of models, and none were given")
    with models.lock:
        if known is not None:
            return _few_shot(method, known, test, labels, models, seed)
        if method.kind == "model_set":
            return _model_set(method, task, labels, test, models)
        return _zero_shot(method, task, labels, test, models, train)


def _learnable(method: Method, task: str, train: Inputs | None) -> Inputs:
    """The rows of `train` that are labelled and that the method can read."""
    if train is None or train.targets is None:
        raise UserError(
            f"evaluation: method {method.kind} learns from labelled rows: write `folds: author` or `random`"
        )
    known = train.rows((train.targets >= 0) & readable(method, train))
    if not len(known):
        raise UserError(
            f"evaluation: method {method.kind} can learn nothing of {task}: no row has a label and a text or picture "
            "that it reads; leave the method out, or add examples"
        )
    return known


def _targets(known: Inputs) -> NDArray[np.int64]:
    if known.targets is None:
        raise ValueError("rows to learn from have no targets")
    return known.targets


def _linear_probe(known: Inputs, test: Inputs, k: int, seed: int) -> NDArray[np.float64]:
    """On the vectors that the network reads too, and on whether there is a picture and a text."""

    def columns(rows: Inputs) -> NDArray[np.float32]:
        there = [(rows.has_picture, known.has_picture, "picture"), (rows.has_text, known.has_text, "text")]
        parts = [rows.vectors[kind] for _, learned, kind in there if learned.any()]
        parts += [own.astype(np.float32)[:, None] for own, learned, _ in there if learned.any() and not learned.all()]
        return np.concatenate(parts, axis=1)

    return baselines.linear_probe(columns(known), _targets(known), columns(test), k, seed)


def _few_shot(
    method: Method, known: Inputs, test: Inputs, labels: Sequence[str], models: Models, seed: int
) -> NDArray[np.float64]:
    """`shots` rows per class, drawn by the seed."""
    targets = _targets(known)
    chosen = choose_shots(targets, method.shots, seed)
    names = [label.replace("_", " ") for label in labels]
    learned = learn_context(models.clip, names, known.vectors["clip_image"][chosen], targets[chosen])
    return learned.probabilities(test.vectors["clip_image"])


def _model_set(method: Method, task: str, labels: Sequence[str], test: Inputs, models: Models) -> NDArray[np.float64]:
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


def _zero_shot(
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
