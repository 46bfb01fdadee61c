"""What else is trained beside the main network, with the same budget, and whether the differences are more than noise.

Read: `Encoded` rows of the three splits. Needed: torch. Each arm changes one thing of the spec and nothing else: shape,
epochs, patience, batch and seed are the main arm's, so a single-task network is as large as the multi-task one but for
the heads it does not have; how many numbers each learned stands in its `parameters`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.errors import UserError
from components.learning.calibration import calibrate, predictions
from components.learning.encoded import Encoded, Measured
from components.learning.fitting import Track
from components.learning.metrics import holm, measure, paired_difference
from components.learning.spec import Modality, TrainingSpec
from components.learning.trainer import Trained, network_config, train

MAIN = "multi-task"
PRIMARY = {True: ("macro_f1", "accuracy"), False: ("spearman", "mae")}
"""Metrics that arms are compared by, for tasks with labels and for numbers; Holm's correction is per metric."""


@dataclass(frozen=True)
class Arm:
    """One network to train. `tasks` it learns; `modality`: the only one it sees, None for both; `held_out`: the dataset
    that it does not learn from and is measured on."""

    name: str
    tasks: tuple[str, ...]
    fusion: str
    loss: str
    modality: Modality | None = None
    held_out: str | None = None

    def spec(self, spec: TrainingSpec) -> TrainingSpec:
        """The training of this arm."""
        changes = {
            "tasks": {task: spec.tasks[task] for task in self.tasks},
            "network": spec.network.model_copy(update={"fusion": self.fusion}),
            "loss": self.loss,
        }
        return spec.model_copy(update=changes)


@dataclass(frozen=True)
class ArmResult:
    """A trained arm with its predictions on its test rows; `skipped` says why there is none."""

    arm: Arm
    trained: Trained | None
    test: Encoded
    predictions: Mapping[str, NDArray[Any]]
    measured: Sequence[Measured]
    skipped: str = ""


def arms(spec: TrainingSpec, datasets: Sequence[str]) -> list[Arm]:
    """The main arm, then what `spec.compare` asks for; `datasets` are those that the examples come from."""
    tasks, fusion, loss = tuple(spec.tasks), spec.network.fusion, spec.loss
    main = Arm(MAIN if len(tasks) > 1 else f"single-task {tasks[0]}", tasks, fusion, loss)
    found = [main]
    if spec.compare.single_task and len(tasks) > 1:
        # One task has nothing to be weighed against or to alternate with.
        found += [replace(main, name=f"single-task {task}", tasks=(task,), loss="weighted") for task in tasks]
    found += [replace(main, name=f"fusion {f}", fusion=f) for f in spec.compare.fusions if f != fusion]
    found += [replace(main, name=f"loss {other}", loss=other) for other in spec.compare.losses if other != loss]
    if spec.compare.modalities:
        found += [
            replace(main, name="picture only", modality="picture"),
            replace(main, name="text only", modality="text"),
        ]
    if spec.compare.leave_one_dataset_out and len(set(datasets)) > 1:
        found += [replace(main, name=f"held out {name}", held_out=name) for name in sorted(set(datasets))]
    return found


def train_arm(
    arm: Arm,
    data: Mapping[str, Encoded],
    spec: TrainingSpec,
    labels: Mapping[str, Sequence[str]],
    track: Track | None = None,
    *,
    encoders: Mapping[str, str] | None = None,
    label_source: str = "ours",
) -> ArmResult:
    """Trains, calibrates on validation and measures on test; `data` has train, validation and test.

    An arm with nothing to learn from or to be measured on (a dataset that alone holds a task's labels, say) is skipped,
    the main one is not: for that UserError goes on.
    """
    rows = _rows(arm, data)
    learnable = tuple(t for t in arm.tasks if rows["train"].known(t).any() and rows["validation"].known(t).any())
    missing = [split for split in ("train", "validation", "test") if not len(rows[split])]
    if arm.held_out is not None or arm.modality is not None:
        if missing or not learnable:
            reason = f"no {missing[0]} rows are left" if missing else "no task has labels left to learn from"
            return ArmResult(arm, None, rows["test"], {}, (), reason)
        arm = replace(arm, tasks=learnable)
    elif missing:
        raise UserError(f"training {arm.name}: the {missing[0]} split is empty; add examples or change split")
    own, dims = arm.spec(spec), (rows["train"].picture.shape[1], rows["train"].text.shape[1])
    config = network_config(own, labels, *dims, encoders=encoders, label_source=label_source)
    trained = train(rows["train"], rows["validation"], config, own, track)
    network = trained.network
    trained = replace(trained, network=network.calibrated(calibrate(network, rows["validation"], spec.keep_right)))
    found = predictions(trained.network, rows["test"])
    measured = measure(
        found, rows["test"], labels, resamples=spec.resamples, seed=spec.seed,
        thresholds=trained.network.config.thresholds,
    )  # fmt: skip
    return ArmResult(arm, trained, rows["test"], found, [_budget(trained, rows, spec), *measured])


def _rows(arm: Arm, data: Mapping[str, Encoded]) -> dict[str, Encoded]:
    """The splits as the arm sees them: rows that have its modality, and nothing of the dataset it is measured on."""
    rows = dict(data)
    if arm.held_out is not None:
        own = {split: np.array([d == arm.held_out for d in part.datasets], bool) for split, part in data.items()}
        rows = {split: part.rows(~own[split]) for split, part in data.items()}
        met = {name for split in ("train", "validation") for name in _groups(rows[split])}
        # Every row of the held-out dataset may test it, but one whose near-duplicate was met in training says nothing.
        held = concatenated([part.rows(own[split]) for split, part in data.items()])
        rows["test"] = held.rows(np.array([not met & set(own) for own in _groups_of_rows(held)], bool))
    if arm.modality is not None:
        rows = {split: _only(part, arm.modality) for split, part in rows.items()}
    return rows


def _groups_of_rows(rows: Encoded) -> list[tuple[str, str]]:
    """Per row its author (or whatever it was split with) and its near-duplicates."""
    return list(zip(rows.together or rows.clusters, rows.twins or rows.clusters, strict=True))


def _groups(rows: Encoded) -> set[str]:
    return {name for both in _groups_of_rows(rows) for name in both}


def _only(rows: Encoded, modality: Modality) -> Encoded:
    """The rows that have the modality, without the other one."""
    kept = rows.rows(rows.has_picture if modality == "picture" else rows.has_text)
    nothing = np.zeros(len(kept), dtype=bool)
    if modality == "picture":
        return replace(kept, text=np.zeros_like(kept.text), has_text=nothing)
    return replace(kept, picture=np.zeros_like(kept.picture), has_picture=nothing)


def concatenated(parts: Sequence[Encoded]) -> Encoded:
    """One after the other."""
    return Encoded(
        [i for part in parts for i in part.ids],
        np.concatenate([part.picture for part in parts]),
        np.concatenate([part.text for part in parts]),
        np.concatenate([part.has_picture for part in parts]),
        np.concatenate([part.has_text for part in parts]),
        {task: np.concatenate([part.targets[task] for part in parts]) for task in parts[0].targets},
        [d for part in parts for d in part.datasets],
        [c for part in parts for c in part.clusters],
        [c for part in parts for c in part.together],
        [c for part in parts for c in part.twins],
    )


def _budget(trained: Trained, rows: Mapping[str, Encoded], spec: TrainingSpec) -> Measured:
    """How much was learned, from how much, for how long (in epochs: seconds differ from run to run)."""
    detail = {
        "train": len(rows["train"]), "validation": len(rows["validation"]), "test": len(rows["test"]),
        "epochs": len(trained.history), "best_epoch": trained.best_epoch, "most_epochs": spec.epochs,
        "patience": spec.patience, "history": [dict(row) for row in trained.history],
    }  # fmt: skip
    return Measured("all", "parameters", float(trained.network.parameters), None, None, len(rows["train"]), detail)


def compare(main: ArmResult, others: Sequence[ArmResult], spec: TrainingSpec) -> list[tuple[str, Measured]]:
    """(arm's name, its score minus the main arm's) per task that both learned, over the test rows that both have.

    `detail`: against, p (two-sided), p_holm (Holm's correction over all rows of one metric in this table).
    """
    rows: list[tuple[str, Measured]] = []
    place = {example: i for i, example in enumerate(main.test.ids)}
    for other in others:
        both = [(i, place[example]) for i, example in enumerate(other.test.ids) if example in place]
        of_other, of_main = (np.array(side, dtype=np.int64) for side in (zip(*both, strict=True) if both else ((), ())))
        shared = other.test.rows(of_other)
        for task in other.predictions:
            if task not in main.predictions:
                continue
            for metric in PRIMARY[other.predictions[task].ndim == 2]:
                difference = paired_difference(
                    task, metric, other.predictions[task][of_other], main.predictions[task][of_main], shared,
                    resamples=spec.resamples, seed=spec.seed,
                )  # fmt: skip
                rows.append((other.arm.name, difference))
    return _corrected(rows, main.arm.name)


def _corrected(rows: Sequence[tuple[str, Measured]], against: str) -> list[tuple[str, Measured]]:
    """The rows with Holm's p-values, a family per metric."""
    adjusted: dict[int, float | None] = {}
    for metric in {measured.metric for _, measured in rows}:
        family = [i for i, (_, measured) in enumerate(rows) if measured.metric == metric]
        adjusted.update(zip(family, holm([rows[i][1].detail["p"] for i in family]), strict=True))
    return [
        (name, replace(measured, detail={**measured.detail, "p_holm": adjusted[i], "against": against}))
        for i, (name, measured) in enumerate(rows)
    ]
