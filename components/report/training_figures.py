"""The figures of a training or an evaluation in the order in which a page shows them: who, on what, by how much.

Read: rows of `evaluations`. Subjects of a training are its networks: the main one, and those that differ from it in one
thing; of an evaluation, its methods.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.report.training_charts import Forest, forest
from components.report.training_comparisons import (
    GROUPS,
    HELD_OUT,
    MAIN,
    NAMES,
    PRIMARY,
    SINGLE,
    Compared,
    Group,
    Known,
    Pair,
    compared,
    groups_of,
    pair_of,
    pairs_in_words,
)
from components.report.training_queries import Learned, Row


@dataclass(frozen=True, slots=True)
class Summary:
    """The main network on one task. `chance`: accuracy of always saying the commonest label."""

    task: str
    kind: str
    n: int
    metrics: Mapping[str, Row]
    chance: float | None


@dataclass(frozen=True)
class Figures:
    """`main` is the trained network's name, or empty for an evaluation of methods."""

    main: str
    subjects: Sequence[str]
    tasks: Sequence[str]
    task_kinds: Mapping[str, str]
    known: Mapping[tuple[str, str, str], Row]
    summaries: Sequence[Summary]
    pairs: Sequence[Pair]
    pairs_in_words: str
    groups: Sequence[Group]
    methods: Sequence[Compared]
    best: Mapping[str, str]
    forests: Sequence[Forest]
    networks: Sequence[tuple[str, Row]]

    def row(self, subject: str, task: str, metric: str) -> Row | None:
        return self.known.get((subject, task, metric))

    def primary(self, task: str) -> str:
        return PRIMARY[self.task_kinds[task]]

    def metric_name(self, task: str) -> str:
        return NAMES[self.primary(task)]


def figures_of(learned: Learned) -> Figures:
    known = {(row["subject"], row["task"], row["metric"]): row for row in learned.evaluations}
    given: Mapping[str, Any] = learned.params.get("tasks") or {}
    measured = {row["task"] for row in learned.evaluations if row["task"] != "all"}
    tasks = [*(task for task in given if task in measured), *sorted(measured - set(given))]
    kinds = {task: _kind(task, given, known) for task in tasks}
    subjects = sorted({row["subject"] for row in learned.evaluations})
    main = _main(learned, subjects)
    subjects = _ordered(subjects, main, tasks, kinds, known)
    pairs = [pair for task in tasks if (pair := pair_of(main, task, PRIMARY[kinds[task]], known)) is not None]
    methods = [] if main else [compared(subject, subject, "", tasks, kinds, known) for subject in subjects]
    return Figures(
        main=main,
        subjects=subjects,
        tasks=tasks,
        task_kinds=kinds,
        known=known,
        summaries=[s for task in tasks if (s := _summary(main, task, kinds[task], known)) is not None],
        pairs=pairs,
        pairs_in_words=pairs_in_words(pairs),
        groups=groups_of(learned.params, main, subjects, tasks, kinds, known),
        methods=methods,
        best={task: _best(task, PRIMARY[kinds[task]], subjects, known) for task in tasks},
        forests=_forests(main, subjects, tasks, kinds, known),
        networks=[(subject, row) for subject in subjects if (row := known.get((subject, "all", "parameters")))],
    )


def _kind(task: str, given: Mapping[str, Any], known: Known) -> str:
    if task in given:
        return str(given[task].get("kind", "classification"))
    return "regression" if any(name == task and metric == "mae" for _, name, metric in known) else "classification"


def _main(learned: Learned, subjects: Sequence[str]) -> str:
    """A training with one task has a main network without a multi-task one."""
    if learned.step != "train_prompt_words" or not subjects:
        return ""
    against = [row["detail"]["against"] for row in learned.evaluations if row["detail"].get("against")]
    names = [MAIN, *against[:1], *(subject for subject in subjects if subject.startswith(SINGLE)), subjects[0]]
    return str(next(name for name in names if name in subjects))


def _ordered(
    subjects: Sequence[str], main: str, tasks: Sequence[str], kinds: Mapping[str, str], known: Known
) -> list[str]:
    """The main network first, then by table; methods best first, by the mean over the tasks."""
    if main:
        marks = [SINGLE, *(mark for mark, _, _ in GROUPS)]

        def table(subject: str) -> int:
            return next((n for n, mark in enumerate(marks) if mark in subject), len(marks))

        return sorted(subjects, key=lambda subject: (subject != main, table(subject), subject))

    def mean(subject: str) -> float:
        rows = (known.get((subject, task, PRIMARY[kinds[task]])) for task in tasks)
        values = [row["value"] for row in rows if row is not None and row["value"] is not None]
        return round(sum(values) / len(values), 9) if values else -1.0

    return sorted(subjects, key=lambda subject: (-mean(subject), subject))


def _summary(main: str, task: str, kind: str, known: Known) -> Summary | None:
    metrics = {metric: row for (subject, name, metric), row in known.items() if (subject, name) == (main, task)}
    first = metrics.get(PRIMARY[kind])
    if first is None:
        return None
    return Summary(task, kind, first["n"], metrics, chance_of(metrics.get("confusion")))


def chance_of(confusion: Row | None) -> float | None:
    """The share of the commonest label among the right answers."""
    if confusion is None or not confusion["n"]:
        return None
    matrix = confusion["detail"]["matrix"]
    lost = confusion["detail"].get("unanswered") or [0] * len(matrix)
    return float(max(sum(row) + missing for row, missing in zip(matrix, lost, strict=True)) / confusion["n"])


def _best(task: str, metric: str, subjects: Sequence[str], known: Known) -> str:
    """The subject with the highest value; whether it is surely so, its interval says."""
    values = {s: row["value"] for s in subjects if (row := known.get((s, task, metric))) and row["value"] is not None}
    return max(values, key=lambda subject: (values[subject], subject)) if values else ""


def _forests(
    main: str, subjects: Sequence[str], tasks: Sequence[str], kinds: Mapping[str, str], known: Known
) -> list[Forest]:
    """Per task all that were tested on the same examples."""
    found = []
    for task in tasks:
        metric = PRIMARY[kinds[task]]
        rows = [
            {**row, "label": subject}
            for subject in subjects
            if not subject.startswith(HELD_OUT) and (row := known.get((subject, task, metric))) is not None
        ]
        if len(rows) > 1:
            found.append(forest(task, NAMES[metric], rows, main))
    return found
