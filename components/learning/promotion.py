"""Compares a new network with the one in use, on the new one's test examples.

Read: the model set in use, its encoders' vectors of the examples. The one in use may have learned from some of them, so
the comparison can only be too kind to it, and what is put to use is at least as good as what was.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from components.errors import UserError
from components.features.model_set import LocalPart, read_model_set
from components.features.network import PromptWordsNetwork
from components.learning.calibration import predictions
from components.learning.comparisons import ArmResult
from components.learning.metrics import measure, paired_difference
from components.learning.spec import TrainingSpec
from components.learning.vectors import vectors
from components.records import Example


def against_incumbent(
    new: ArmResult, model_set: Path, models_folder: Path, examples: Sequence[Example], spec: TrainingSpec
) -> list[dict[str, Any]]:
    """Per task that both know with the same labels: task, metric, new, incumbent, difference and its interval, n.

    `examples`: those of `new.test`, in any order. No rows where the set in use cannot be loaded any more, or has no
    network of its own, or shares no task.
    """
    chosen = read_model_set(str(model_set))
    if not isinstance(chosen.network, LocalPart):
        return []
    try:
        incumbent = PromptWordsNetwork.load(chosen.local(chosen.network.path))
        by_id = {example.example_id: example for example in examples}
        read, refused = vectors(
            [by_id[i] for i in new.test.ids], str(model_set), models_folder, ("picture", "text"), spec.step
        )
    except UserError:  # a model that is gone is no competitor
        return []
    if refused:
        return []
    test = new.test
    theirs = type(test)(
        test.ids, read.kinds["picture"], read.kinds["text"], test.has_picture, test.has_text, test.targets,
        test.datasets, test.clusters,
    )  # fmt: skip
    given = predictions(incumbent, theirs)
    rows: list[dict[str, Any]] = []
    for task, answers in new.predictions.items():
        old, now = incumbent.config.tasks.get(task), new.trained.network.config.tasks.get(task) if new.trained else None
        if task not in given or old != now:
            continue
        metric = "macro_f1" if answers.ndim == 2 else "spearman"
        difference = paired_difference(
            task, metric, answers, given[task], test, resamples=spec.resamples, seed=spec.seed
        )
        labels = {task: now} if now else {}
        values = [
            next(m.value for m in measure({task: a}, test, labels, resamples=100, seed=spec.seed) if m.metric == metric)
            for a in (answers, given[task])
        ]
        rows.append({
            "task": task, "metric": metric, "new": values[0], "incumbent": values[1], "difference": difference.value,
            "low_of_difference": difference.low, "high": difference.high, "n": int(np.count_nonzero(test.known(task))),
        })  # fmt: skip
    return rows
