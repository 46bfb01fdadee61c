"""Trains the fused network on vectors that the encoders have made: seconds for thousands of examples.

Read: `Encoded` training and validation rows. Needed: torch. Some rows lose their picture or their text, a few both, so
that the network learns to do with what is there; without either it learns to say how common the labels are. Two runs
with one seed on one machine (and one number of threads) give the same weights.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from components.errors import UserError
from components.features.network import MODALITIES, NetworkConfig, PromptWordsNetwork
from components.learning.encoded import Encoded
from components.learning.fitting import Batch, Track, choose_device, fit
from components.learning.losses import MultiTaskLoss, class_weights, shares_of
from components.learning.metrics import statistic_of
from components.learning.spec import TrainingSpec
from components.statistics.resampling import value_of

if TYPE_CHECKING:
    import torch
    from torch import Tensor

NOTHING = 0.02
"""Share of rows that lose both picture and text."""
SELDOM = 0.05
"""A modality that fewer of a task's labelled rows have is hidden from the task: it never learned what to make of it."""
CHUNK = 4096


@dataclass(frozen=True)
class Trained:
    """The network at its best epoch, in evaluation mode on the CPU; `history` has one row per epoch."""

    network: PromptWordsNetwork
    history: Sequence[Mapping[str, float]]
    best_epoch: int
    seconds: float


def network_config(
    spec: TrainingSpec,
    labels: Mapping[str, Sequence[str]],
    picture_dim: int,
    text_dim: int,
    *,
    encoders: Mapping[str, str] | None = None,
    label_source: str = "ours",
) -> NetworkConfig:
    """A config for the tasks of `spec`: those in `labels` by class, the rest as numbers (`train` adds units)."""
    return NetworkConfig(
        tasks={task: tuple(labels[task]) for task in spec.tasks if task in labels},
        numbers={task: {} for task in spec.tasks if task not in labels},
        picture_dim=picture_dim,
        text_dim=text_dim,
        hidden_dim=spec.network.hidden_dim,
        fusion=spec.network.fusion,
        dropout=spec.network.dropout,
        label_source=label_source,
        encoders=dict(encoders or {}),
    )


def train(
    train: Encoded, validation: Encoded, config: NetworkConfig, spec: TrainingSpec, track: Track | None = None
) -> Trained:
    """Learns until validation has made no progress for `spec.patience` epochs, and goes back to the best one.

    Raises UserError when a task has no labelled row to learn from, or no task one to validate on.
    """
    import torch

    started = time.monotonic()
    device = choose_device(spec.device)
    config = fitted(config, train)
    with one_thread(), torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(spec.seed)
        rng = np.random.default_rng(spec.seed)
        network = PromptWordsNetwork(config)
        network.module.to(device)
        loss = make_loss(spec, config, train, device)
        rows, seen = Tensors.of(train, config, device), Tensors.of(validation, config, device)

        def loss_of(batch: Batch) -> Tensor | None:
            places, tasks = batch
            at = torch.from_numpy(places).to(device)
            has_picture, has_text = drop(train.has_picture[places], train.has_text[places], spec.drop_modality, rng)
            masks = (torch.from_numpy(mask).to(device) for mask in (has_picture, has_text))
            logits = network.module(rows.picture[at], rows.text[at], *masks)
            return loss(logits, {task: rows.targets[task][at] for task in tasks})

        history, best = fit(
            [(network.module, spec.learning_rate)],
            loss,
            spec,
            lambda: batches(train, config, spec, rng),
            loss_of,
            lambda: validated(logits_of(network, seen), seen.targets, loss),
            device,
            track,
        )
    network.module.to("cpu").eval()
    return Trained(network, history, best, round(time.monotonic() - started, 2))


@contextmanager
def one_thread() -> Iterator[None]:
    """Matrices of 64 rows are done before a second thread has woken, and on a busy machine threads that wait for each
    other take a hundred times as long. It also makes weights independent of the number of cores."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def fitted(config: NetworkConfig, train: Encoded) -> NetworkConfig:
    """`config` with what is known from the training rows: the numbers' units, and which modalities each task reads."""
    numbers: dict[str, dict[str, float]] = {}
    reads: dict[str, tuple[str, ...]] = {}
    for task in (*config.tasks, *config.numbers):
        known = train.known(task)
        if not known.any():
            raise UserError(f"tasks.{task}: no training example is labelled for it; add examples or leave the task out")
        there = {"picture": float(train.has_picture[known].mean()), "text": float(train.has_text[known].mean())}
        seen = tuple(m for m in MODALITIES if there[m] >= SELDOM)
        if len(seen) == 1:
            reads[task] = seen
        if task in config.numbers:
            values = train.targets[task][known]
            numbers[task] = {"mean": float(values.mean()), "scale": float(values.std()) or 1.0}
    return replace(config, numbers=numbers, reads=reads)


def make_loss(spec: TrainingSpec, config: NetworkConfig, train: Encoded, device: torch.device) -> MultiTaskLoss:
    tasks = {name: spec.tasks[name] for name in (*config.tasks, *config.numbers)}
    balance = {
        name: class_weights(train.targets[name], len(labels), spec.balance) for name, labels in config.tasks.items()
    }
    return MultiTaskLoss(spec.loss, tasks, balance, shares_of(train, tasks, spec.loss == "alternating"), device)


@dataclass(frozen=True)
class Tensors:
    """`Encoded` on a device; numbers in units of their scale from their mean."""

    picture: Tensor
    text: Tensor
    has_picture: Tensor
    has_text: Tensor
    targets: Mapping[str, Tensor]

    @classmethod
    def of(cls, rows: Encoded, config: NetworkConfig, device: torch.device) -> Tensors:
        import torch

        targets = {task: torch.from_numpy(rows.targets[task].astype(np.int64)).to(device) for task in config.tasks}
        for task, unit in config.numbers.items():
            scaled = (rows.targets[task] - unit["mean"]) / unit["scale"]
            targets[task] = torch.from_numpy(scaled.astype(np.float32)).to(device)
        picture, text, has_picture, has_text = (
            torch.from_numpy(np.ascontiguousarray(values)).to(device)
            for values in (rows.picture, rows.text, rows.has_picture, rows.has_text)
        )
        return cls(picture, text, has_picture, has_text, targets)


def batches(train: Encoded, config: NetworkConfig, spec: TrainingSpec, rng: np.random.Generator) -> list[Batch]:
    """One epoch: every row once, or with the alternating loss every label once, in a new order."""
    tasks = (*config.tasks, *config.numbers)
    known = {task: train.known(task) for task in tasks}
    groups: list[tuple[NDArray[np.int64], Sequence[str]]] = (
        [(np.flatnonzero(known[task]), (task,)) for task in tasks]
        if spec.loss == "alternating"
        else [(np.flatnonzero(np.any(list(known.values()), axis=0)), tasks)]
    )
    made: list[Batch] = []
    for rows, served in groups:
        shuffled = rng.permutation(rows)
        made += [(shuffled[at : at + spec.batch_size], served) for at in range(0, len(shuffled), spec.batch_size)]
    return [made[i] for i in rng.permutation(len(made))]


def drop(
    has_picture: NDArray[np.bool_], has_text: NDArray[np.bool_], share: float, rng: np.random.Generator
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """The masks with some rows that have both left with one, and a few rows with nothing."""
    chance, nothing = rng.random(len(has_picture)), rng.random(len(has_picture)) < NOTHING * (share > 0)
    both = has_picture & has_text
    picture = has_picture & ~(both & (chance < share)) & ~nothing
    return picture, has_text & ~(both & (chance >= 1 - share)) & ~nothing


def logits_of(network: PromptWordsNetwork, rows: Tensors) -> dict[str, Tensor]:
    """Of all rows, a chunk at a time."""
    import torch

    parts = []
    for at in range(0, len(rows.picture), CHUNK):
        part = slice(at, at + CHUNK)
        parts.append(network(rows.picture[part], rows.text[part], rows.has_picture[part], rows.has_text[part]))
    return {task: torch.cat([part[task].float() for part in parts]) for task in parts[0]} if parts else {}


def validated(logits: Mapping[str, Tensor], targets: Mapping[str, Tensor], loss: MultiTaskLoss) -> tuple[float, float]:
    """(mean over the tasks of macro-F1, for numbers of R squared; mean over the tasks of their loss per row)."""
    scores, losses = [], []
    for task, answers in logits.items():
        truth = targets[task].cpu().numpy()
        known = ~np.isnan(truth) if truth.dtype.kind == "f" else truth >= 0
        if not known.any():
            continue
        given = answers.cpu().numpy()[known]
        score = value_of(statistic_of("r2" if given.ndim == 1 else "macro_f1", given, truth[known]), int(known.sum()))
        each = loss.of_task(task, answers, targets[task])
        if each is not None:
            losses.append(float(each) * loss.share(task) / float(known.mean()))
        scores.append(0.0 if np.isnan(score) else max(-1.0, score))
    if not scores:
        raise UserError("no validation example is labelled for any of the tasks; add examples, or a larger validation")
    return float(np.mean(scores)), float(np.mean(losses))
