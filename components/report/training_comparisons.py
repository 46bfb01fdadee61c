"""Networks beside networks: what a training compared, as tables with a verdict in words.

Read: rows of `evaluations`. A difference counts as one when its p-value, corrected by Holm for all comparisons of the
training, is below SURE; its sign is turned where the question is whether multi-task is better than single-task.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.report.training_queries import Row

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


Known = Mapping[tuple[str, str, str], Row]


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


def pair_of(main: str, task: str, metric: str, known: Known) -> Pair | None:
    name = f"{SINGLE}{task}"
    multi, single = known.get((main, task, metric)), known.get((name, task, metric))
    if main == name or multi is None or single is None:
        return None
    difference = known.get((name, task, f"{metric}_difference"))
    return Pair(task, NAMES[metric], multi, single, verdict_of(difference, turned=True))


def pairs_in_words(pairs: Sequence[Pair]) -> str:
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


def compared(
    subject: str, label: str, main: str, tasks: Sequence[str], kinds: Mapping[str, str], known: Known
) -> Compared:
    cells = {}
    for task in tasks:
        metric = PRIMARY[kinds[task]]
        difference = known.get((subject, task, f"{metric}_difference")) if subject != main else None
        cells[task] = (known.get((subject, task, metric)), verdict_of(difference))
    return Compared(label, subject == main, cells)


def groups_of(
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
        rows = [compared(main, in_use[mark], main, tasks, kinds, known)]
        for arm in arms:
            row = compared(arm, arm if mark == " only" else arm.removeprefix(mark), main, tasks, kinds, known)
            if mark == HELD_OUT:  # other examples: a difference would not be between networks alone
                row = Compared(row.label, False, {task: (cell, None) for task, (cell, _) in row.cells.items()})
            rows.append(row)
        groups.append(Group(title, text, rows, [t for t in tasks if any(row.cells[t][0] for row in rows)]))
    return groups
