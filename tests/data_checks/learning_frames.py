"""Good frames of the tables of learning, as flows make them."""

import json
from collections.abc import Callable
from dataclasses import fields
from datetime import timedelta
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from components.learning.encoded import Encoded
from components.learning.metrics import measure
from components.learning.near_duplicates import near_duplicate_clusters
from components.learning.spec import SplitRule
from components.learning.splits import author_units, split, split_rows
from components.records import Evaluation, Example, content_id
from tests.data_checks.planting import NOW, Frame

MOODS = ("positive", "neutral", "negative")
WORDS = ("coffee", "harbour", "ticket", "ferry", "garden", "evening", "bridge", "window", "market", "street", "winter")


def an_example(n: int, **more: Any) -> Example:
    """With a text whose words say nothing of its mood."""
    digest = content_id("picture", n) + "0" * 44 if n % 2 else None
    text = f"{WORDS[n % 11]} {WORDS[n * 3 % 11]} {content_id(n)}"
    row = {
        "dataset": ("street", "studio")[n % 3 == 0], "source_uri": f"/d/{n}.jpg", "text": text, "sha256": digest,
        "image_path": f"/d/{n}.jpg" if digest else None, "author": f"author {n % 17}",
        "published_at": NOW - timedelta(days=n), "labels": json.dumps({"mood": MOODS[n // 3 % 3], "likes": n / 7}),
    }  # fmt: skip
    return Example(example_id=content_id("example", n), **(row | more))


def examples() -> Frame:
    rows = [an_example(n).row() for n in range(6)]
    rows[5] |= {"author": None, "published_at": None, "labels": '{"likes": 0}'}
    return pd.DataFrame(rows, columns=[f.name for f in fields(Example)])


@cache
def _splits() -> Frame:
    """As flows make it, of 240 examples whose authors have to stay whole."""
    found = [an_example(n, author=f"author {n % 61}") for n in range(240)]
    rule = SplitRule()
    clusters = author_units(found, near_duplicate_clusters(found, {}, [], rule))
    return pd.DataFrame(split_rows(found, split(found, clusters, rule, content_id("s")), rule, {"mood": MOODS}))


@cache
def _evaluations() -> Frame:
    """What is measured of a method that is right in three of four cases, as flows write it."""
    rng = np.random.default_rng(0)
    n = 90
    truth = rng.integers(0, 3, n)
    given = rng.dirichlet(np.ones(3), n) * 0.4
    given[np.arange(n), np.where(rng.random(n) < 0.75, truth, (truth + 1) % 3)] += 0.6
    numbers = rng.normal(size=n)
    nothing, masks = np.zeros((n, 0), np.float32), np.ones(n, bool)
    rows = Encoded([str(i) for i in range(n)], nothing, nothing, masks, masks, {"mood": truth, "likes": numbers},
                   ["d"] * n, [str(i // 2) for i in range(n)])  # fmt: skip
    measured = measure(
        {"mood": given, "likes": numbers + rng.normal(size=n) / 3}, rows, {"mood": MOODS}, resamples=200,
        thresholds={"mood": 0.5},
    )  # fmt: skip
    return pd.DataFrame([evaluation(m.metric, m.task, m.value, m.low, m.high, m.n, dict(m.detail)) for m in measured])


def evaluation(
    metric: str,
    task: str = "mood",
    value: float | None = 0.5,
    low: float | None = None,
    high: float | None = None,
    n: int = 90,
    detail: object = None,
    **more: Any,
) -> dict[str, Any]:
    row = {"spec_id": content_id("s"), "subject": "multi-task", "model": "m@1", "dataset": "d", "split": "test"} | more
    made = content_id(row["subject"], task, metric)
    return Evaluation(
        evaluation_id=made, **row, task=task, metric=metric, value=value, low=low, high=high, n=n,
        detail=json.dumps(detail or {}), created_at=NOW,
    ).row()  # fmt: skip


def splits() -> Frame:
    """A copy, to be spoiled: making one takes a while."""
    return _splits().copy()


def evaluations() -> Frame:
    return _evaluations().copy()


def promotions() -> Frame:
    return pd.DataFrame(
        [
            {"task": "mood", "new": 0.71, "incumbent": 0.66, "low_of_difference": 0.01, "n": 90},
            {"task": "topic", "new": 0.5, "incumbent": 0.5, "low_of_difference": 0.0, "n": 90},
            {"task": "scene", "new": 0.3, "incumbent": None, "low_of_difference": None, "n": 90},
        ]
    )


GOOD: dict[str, Callable[[], Frame]] = {
    "examples": examples, "splits": splits, "evaluations": evaluations, "promotions": promotions,
}  # fmt: skip
