"""Every way to read labels behind one function: an evaluation measures a trained network, CLIP without training, a
lexicon and plain guessing alike.

Read: vectors that the encoders made (see `vectors.py`), texts, and for methods that learn the labelled rows they may
learn from. Nothing here opens a picture. A row that a method cannot read (no text for VADER, no picture for few-shot)
gets no answer: NaN, or -1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from components.errors import UserError
from components.learning import baselines
from components.learning.encoded import UNKNOWN
from components.learning.few_shot import choose_shots, learn_context
from components.learning.inputs import Inputs
from components.learning.spec import Method
from components.learning.untrained import by_description, by_model_set

if TYPE_CHECKING:
    from components.features.models import Models

__all__ = ["LEARNING_KINDS", "NEEDS", "Inputs", "fits", "predict", "readable"]

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
            return by_model_set(method, task, labels, test, models)
        return by_description(method, task, labels, test, models, train)


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
