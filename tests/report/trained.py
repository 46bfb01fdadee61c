"""What a training and an evaluation write down, by hand: examples, splits, and figures of networks of known skill."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from components.learning.encoded import Encoded, Measured
from components.learning.metrics import holm, measure, paired_difference
from components.learning.spec import SplitRule
from components.learning.splits import split
from components.records import CheckResult, Evaluation, Example, content_id
from components.warehouse.store import Store

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
LABELS = {
    "topic": ("animals", "city life", "food", "music", "nature", "sport", "travel"),
    "sentiment": ("negative", "neutral", "positive"),
    "scene": ("beach", "mountains", "forest", "snow", "desert", "field", "lake", "harbour", "city by day",
              "city by night", "stadium", "kitchen", "cafe", "concert"),
}  # fmt: skip
SKILL = {
    "multi-task": (0.84, 0.79, 0.93), "single-task topic": (0.84,), "single-task sentiment": (0.6,),
    "single-task scene": (0.93,), "fusion concat": (0.82, 0.76, 0.92), "fusion attention": (0.84, 0.8, 0.91),
    "loss uncertainty": (0.83, 0.78, 0.93), "loss alternating": (0.8, 0.77, 0.9),
    "picture only": (0.7, 0.45, 0.93), "text only": (0.66, 0.75, 0.3), "held out garden": (0.6, 0.6, 0.5),
}  # fmt: skip
"""How often each network is right about topic, sentiment, scene; those of one task about that one."""
METHODS = {
    "linear probe": 0.78,
    "zero-shot": 0.61,
    "text zero-shot": 0.5,
    "vader": 0.55,
    "prior": 0.38,
    "majority": 0.4,
}


def examples(n: int, dataset: str = "street", labels: Mapping[str, Sequence[str]] = LABELS) -> list[Example]:
    chance = np.random.default_rng(5)
    found = []
    for i in range(n):
        drawn = {task: str(chance.choice(of, p=_skewed(len(of)))) for task, of in labels.items()}
        found.append(
            Example(
                example_id=content_id("example", dataset, i), dataset="garden" if i % 5 == 0 else dataset,
                source_uri=f"/d/{i}.jpg", image_path=f"/d/{i}.jpg" if i % 4 else None,
                sha256=content_id(i) + "0" * 44 if i % 4 else None,
                text=f"text {content_id(i)}" if i % 3 else "", author=f"a{i % 90}",
                published_at=NOW - timedelta(hours=i),
                labels=json.dumps(drawn | {"reach": round(float(chance.gamma(2)), 3)}),
            )
        )  # fmt: skip
    return found


def _skewed(k: int) -> np.ndarray:
    weights = np.linspace(2, 1, k)
    return weights / weights.sum()


def answers(truth: np.ndarray, k: int, skill: float, seed: int) -> np.ndarray:
    """Probabilities that are right about so often, and a little too sure."""
    chance = np.random.default_rng(seed)
    given = chance.dirichlet(np.ones(k) * 0.6, len(truth)) * 0.5
    sure = chance.beta(3, 1.5, len(truth))
    right = chance.random(len(truth)) < skill * (0.6 + 0.5 * sure)
    said = np.where(right, truth, (truth + 1 + chance.integers(0, k - 1, len(truth))) % k)
    given[np.arange(len(truth)), said] += sure
    return given / given.sum(axis=1, keepdims=True)


def as_rows(measured: Sequence[Measured], spec_id: str, subject: str, dataset: str = "street, garden") -> list[Evaluation]:  # noqa: E501  # fmt: skip
    return [
        Evaluation(
            evaluation_id=Evaluation.make_id(spec_id, subject, "m", dataset, "test", m.task, m.metric),
            spec_id=spec_id, subject=subject, model="m@1", dataset=dataset, split="test", task=m.task, metric=m.metric,
            value=m.value, low=m.low, high=m.high, n=m.n, detail=json.dumps(dict(m.detail)), created_at=NOW,
        )
        for m in measured
    ]  # fmt: skip


def encoded(n: int, found: Sequence[Example], labels: Mapping[str, Sequence[str]]) -> Encoded:
    known = [json.loads(example.labels) for example in found]
    targets: dict[str, Any] = {task: np.array([of.index(row[task]) for row in known]) for task, of in labels.items()}
    targets["reach"] = np.array([row["reach"] for row in known])
    nothing, there = np.zeros((n, 0), np.float32), np.ones(n, bool)
    ids = [example.example_id for example in found]
    return Encoded(ids, nothing, nothing, there, there, targets, ["d"] * n, [str(i // 2) for i in range(n)])


def settings(step: str, store: Store, spec_id: str, **more: Any) -> None:
    """As flows register what a training's id stands for."""
    params = {
        "name": "street-words", "models": "starter", "examples": 900, "spec_id": "spec-of-the-tests",
        "datasets": [{"source": "drawings", "name": "street", "path": "."}, {"source": "table", "name": "garden"}],
        "tasks": {task: {"kind": "classification", "labels": []} for task in LABELS}
        | {"reach": {"kind": "regression", "labels": []}},
        "split": SplitRule().model_dump(), "network": {"fusion": "gate"}, "loss": "weighted", "resamples": 1000,
    } | more  # fmt: skip
    with store.connect() as db:
        db.execute("INSERT INTO specs VALUES (?, ?, ?)", [spec_id, step, json.dumps(params)])


def checks(run_id: str, table: str, *expectations: tuple[str, str, bool, str]) -> list[CheckResult]:
    return [
        CheckResult(run_id=run_id, table_name=table, chunk_id=content_id(table), expectation=what, severity=severity,
                    success=success, observed=observed, at=NOW)
        for what, severity, success, observed in expectations
    ]  # fmt: skip


def train(store: Store, spec_id: str, n: int = 900, arms: Sequence[str] = tuple(SKILL)) -> None:
    """What a training writes down: of a network with four tasks, and of those that it is compared with."""
    found = examples(n)
    splits = split(found, [f"c{i // 2}" for i in range(n)], SplitRule(), spec_id)
    tested = [e for e, row in zip(found, splits, strict=True) if row.split == "test"]
    rows = encoded(len(tested), tested, LABELS)
    given: dict[str, dict[str, np.ndarray]] = {}
    evaluations: list[Evaluation] = []
    for place, arm in enumerate(arms):
        tasks = [arm.removeprefix("single-task ")] if arm.startswith("single") else list(LABELS)
        given[arm] = {
            task: answers(rows.targets[task], len(LABELS[task]), skill, 3)
            for task, skill in zip(tasks, SKILL[arm], strict=True)
        }
        if not arm.startswith("single"):
            noise = np.random.default_rng(place).normal(size=len(tested))
            given[arm]["reach"] = rows.targets["reach"] + noise
        measured = measure(given[arm], rows, LABELS, resamples=100, thresholds={"topic": 0.5, "scene": 0.4, "sentiment": 0.6})  # noqa: E501  # fmt: skip
        history = [{"epoch": e, "loss": 2 / e, "validation_loss": 2 / e + e / 60, "score": 0.8 - 0.6 / e} for e in range(1, 31)]  # noqa: E501  # fmt: skip
        detail = {"train": 580, "validation": 140, "test": len(tested), "epochs": 30, "best_epoch": 22, "history": history}  # noqa: E501  # fmt: skip
        measured = [*measured, Measured("all", "parameters", 48_213.0 - place, None, None, 580, detail)]
        evaluations += as_rows(measured, spec_id, arm)
    differences = [
        (arm, paired_difference(task, "macro_f1" if task in LABELS else "spearman", given[arm][task],
                                given["multi-task"][task], rows, resamples=200))
        for arm in arms[1:] for task in given[arm]
    ]  # fmt: skip
    adjusted = holm([one.detail["p"] for _, one in differences])
    for (arm, one), p in zip(differences, adjusted, strict=True):
        detail = {**one.detail, "p_holm": p, "against": "multi-task"}
        evaluations += as_rows([Measured(one.task, one.metric, one.value, one.low, one.high, one.n, detail)], spec_id, arm)  # noqa: E501  # fmt: skip
    found_checks = [
        *checks("spec-of-the-tests", "examples", ("there is a label", "quarantine", True, "0 of 256 rows")),
        *checks(spec_id, "splits", ("no cluster is in two splits", "stop", True, "0 of 900 rows"),
                ("no class is 20 times another", "warn", False, "1 of 900 rows, such as topic has 84 'food'")),
        *checks(spec_id, "evaluations", ("better than guessing", "warn", True, "0")),
        *checks("another", "splits", ("of another training", "stop", False, "1")),
    ]  # fmt: skip
    store.append({"examples": found, "splits": splits, "evaluations": evaluations, "checks": found_checks})


def evaluate(store: Store, spec_id: str) -> None:
    """What an evaluation of methods writes down: no splits, subjects are methods."""
    labels = {"sentiment": LABELS["sentiment"]}
    found = examples(400, "tweets", labels)
    rows = encoded(400, found, labels)
    evaluations = []
    for place, (name, skill) in enumerate(METHODS.items()):
        given = answers(rows.targets["sentiment"], 3, skill, place)
        given = given.argmax(axis=1) if name in ("vader", "majority") else given
        evaluations += as_rows(measure({"sentiment": given}, rows, labels, resamples=100), spec_id, name, "tweets")
    store.append({"evaluations": evaluations, "checks": checks(spec_id, "evaluations", ("better than guessing", "warn", False, "2 of 60, such as prior"))})  # noqa: E501  # fmt: skip
