"""The figures of a training or an evaluation in the order in which a page shows them: who, on what, by how much.

Read: rows of `evaluations`. Subjects of a training are its networks: the main one, and those that differ from it in one
thing; of an evaluation, its methods.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.report.training_charts import Forest, forest
from components.report.training_queries import Learned, Row

MAIN, SINGLE, HELD_OUT = "multi-task", "single-task ", "held out "
PRIMARY = {"classification": "macro_f1", "regression": "spearman"}
NAMES = {
    "macro_f1": "macro-F1",
    "accuracy": "accuracy",
    "spearman": "rank correlation",
    "mae": "mean absolute error",
    "r2": "R²",
    "ece": "calibration error",
    "nll": "log loss",
}
SURE = 0.05
"""The p-value, corrected for the number of comparisons, below which a difference is called one."""
GROUPS = (
    ("fusion ", "Ways to fuse picture and text", "How the two modalities meet; all else is the same."),
    ("loss ", "Ways to weigh the tasks", "How the tasks' losses come together; all else is the same."),
    (" only", "One modality alone", "The same network without the text, and without the picture."),
    (
        HELD_OUT,
        "Leave one dataset out",
        "Trained without a dataset and tested on all of it: how the network does on a source that it has never seen. "
        "These are other test examples, so they are not compared in pairs.",
    ),
)
"""What in a subject's name says which table it belongs to, the table's title, and what it shows."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A difference with its interval, p-value corrected by Holm, and what it says in words."""

    value: float | None
    low: float | None
    high: float | None
    p: float | None
    words: str
    kind: str


@dataclass(frozen=True, slots=True)
class Summary:
    """The main network on one task. `chance`: accuracy of always saying the commonest label."""

    task: str
    kind: str
    n: int
    metrics: Mapping[str, Row]
    chance: float | None


@dataclass(frozen=True, slots=True)
class Compared:
    """One line of a comparison: its cells by task, (row, verdict), either None where there is none."""

    label: str
    main: bool
    cells: Mapping[str, tuple[Row | None, Verdict | None]]


@dataclass(frozen=True, slots=True)
class Group:
    title: str
    text: str
    rows: Sequence[Compared]
    tasks: Sequence[str]


@dataclass(frozen=True, slots=True)
class Pair:
    """Multi-task beside single-task on one task; the verdict is on multi-task."""

    task: str
    metric: str
    multi: Row
    single: Row
    verdict: Verdict | None


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
    pairs = [pair for task in tasks if (pair := _pair(main, task, PRIMARY[kinds[task]], known)) is not None]
    methods = [] if main else [_compared(subject, subject, "", tasks, kinds, known) for subject in subjects]
    return Figures(
        main=main,
        subjects=subjects,
        tasks=tasks,
        task_kinds=kinds,
        known=known,
        summaries=[s for task in tasks if (s := _summary(main, task, kinds[task], known)) is not None],
        pairs=pairs,
        pairs_in_words=_pairs_in_words(pairs),
        groups=_groups(learned.params, main, subjects, tasks, kinds, known),
        methods=methods,
        best={task: _best(task, PRIMARY[kinds[task]], subjects, known) for task in tasks},
        forests=_forests(main, subjects, tasks, kinds, known),
        networks=[(subject, row) for subject in subjects if (row := known.get((subject, "all", "parameters")))],
    )


Known = Mapping[tuple[str, str, str], Row]


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
    return next(name for name in names if name in subjects)


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


def verdict_of(row: Row | None, turned: bool = False) -> Verdict | None:
    """What a difference says; `turned` where the question is asked the other way round."""
    if row is None or row["value"] is None:
        return None
    value, low, high = row["value"], row["low"], row["high"]
    if turned:
        value, low, high = -value, None if high is None else -high, None if low is None else -low
    p = row["detail"].get("p_holm", row["detail"].get("p"))
    if low is None or high is None:
        return Verdict(value, low, high, p, "no interval", "")
    sure = p < SURE if p is not None else low > 0 or high < 0
    words = ("better" if value > 0 else "worse") if sure else "not told apart"
    return Verdict(value, low, high, p, words, {"better": "ok", "worse": "bad"}.get(words, ""))


def _pair(main: str, task: str, metric: str, known: Known) -> Pair | None:
    name = f"{SINGLE}{task}"
    multi, single = known.get((main, task, metric)), known.get((name, task, metric))
    if main == name or multi is None or single is None:
        return None
    difference = known.get((name, task, f"{metric}_difference"))
    return Pair(task, NAMES[metric], multi, single, verdict_of(difference, turned=True))


def _pairs_in_words(pairs: Sequence[Pair]) -> str:
    found: dict[str, list[str]] = {"better": [], "worse": [], "not told apart": []}
    for pair in pairs:
        if pair.verdict and pair.verdict.words in found:
            found[pair.verdict.words].append(pair.task)
    said = []
    if found["better"]:
        said.append(f"Learning all tasks together is better for {_list(found['better'])}.")
    if found["worse"]:
        said.append(f"It is worse for {_list(found['worse'])}." if said else
                    f"Learning all tasks together is worse for {_list(found['worse'])}.")  # fmt: skip
    if found["not told apart"]:
        said.append(f"For {_list(found['not told apart'])} these examples do not tell the two apart.")
    return " ".join(said)


def _list(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _compared(
    subject: str, label: str, main: str, tasks: Sequence[str], kinds: Mapping[str, str], known: Known
) -> Compared:
    cells = {}
    for task in tasks:
        metric = PRIMARY[kinds[task]]
        difference = known.get((subject, task, f"{metric}_difference")) if subject != main else None
        cells[task] = (known.get((subject, task, metric)), verdict_of(difference))
    return Compared(label, subject == main, cells)


def _groups(
    params: Row, main: str, subjects: Sequence[str], tasks: Sequence[str], kinds: Mapping[str, str], known: Known
) -> list[Group]:
    if not main:
        return []
    network: Mapping[str, Any] = params.get("network") or {}
    in_use = {
        "fusion ": str(network.get("fusion", "as trained")),
        "loss ": str(params.get("loss", "as trained")),
        " only": "picture and text",
        HELD_OUT: "nothing held out",
    }
    groups = []
    for mark, title, text in GROUPS:
        arms = [subject for subject in subjects if mark in subject and subject != main]
        if not arms:
            continue
        rows = [_compared(main, in_use[mark], main, tasks, kinds, known)]
        for arm in arms:
            row = _compared(arm, arm if mark == " only" else arm.removeprefix(mark), main, tasks, kinds, known)
            if mark == HELD_OUT:  # other examples: a difference would not be between networks alone
                row = Compared(row.label, False, {task: (cell, None) for task, (cell, _) in row.cells.items()})
            rows.append(row)
        groups.append(Group(title, text, rows, [t for t in tasks if any(row.cells[t][0] for row in rows)]))
    return groups


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
