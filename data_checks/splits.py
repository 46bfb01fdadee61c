"""What a good training set looks like, as a whole: no example's twin on another side, every class on both, and no label
that can be read off something else.

The frame is one row per example of one training: `spec_id`, `example_id`, `cluster`, `split`, `reason` as in the table
splits; `dataset`, `sha256`, `text`, `published_at`, `labels` as in the table examples; `author` and `text_key` as they
are compared (lower case, without links and mentions; null where they say nothing); `classes`, JSON, the same in every
row: classification task -> all its labels; `author_rule`, `time_rule`: whether authors had to stay whole, and time to
run from training to test. components/learning/splits.py makes these rows.

A check of the whole set puts each thing that it finds in words into one row, so that the report can name it.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pandas as pd

from data_checks.examples import labels_of
from data_checks.leaks import leaks
from data_checks.suite import Expectation, Severity, Suite, content_ids, given, has_rows, has_text, holds, unique

PARTS = ("train", "validation", "test")
LEAST = {"train": 20, "validation": 5, "test": 20}
"""Examples without which a part says nothing."""
LEAST_TESTED = 5
"""Examples of a class in the test set, below which its score is an accident."""
MOST_UNEVEN = 20
MOST_UNUSED = 0.2


def _used(frame: pd.DataFrame) -> pd.Series:
    return frame["split"].isin(PARTS)


def _on_one_side(column: str, rule: str | None = None) -> Callable[[pd.DataFrame], pd.Series]:
    """Equal values of a column are in one part only, where the rule asks for it; no value is equal to none."""

    def derive(frame: pd.DataFrame) -> pd.Series:
        counted = _used(frame) & has_text(frame[column])
        if rule is not None:
            counted &= frame[rule].fillna(False).astype(bool)
        parts = frame["split"].where(counted).groupby(frame[column].where(counted)).transform("nunique")
        return ~(counted & (parts > 1))

    return derive


def _time_runs_forward(frame: pd.DataFrame) -> pd.Series:
    """Nothing in an earlier part is as late as the first of a later part, where the rule asks for it."""
    times = pd.to_datetime(frame["published_at"], utc=True, errors="coerce")
    asked = _used(frame) & frame["time_rule"].fillna(False).astype(bool)
    rank = frame["split"].map({part: place for place, part in enumerate(PARTS)})
    good = ~asked | times.notna()
    for place in (1, 2):
        first = times[asked & (rank >= place)].min()
        if pd.notna(first):
            good &= ~(asked & (rank < place) & (times >= first))
    return good


def _reason_is_given(frame: pd.DataFrame) -> pd.Series:
    return (frame["split"] == "unused") == has_text(frame["reason"])


def told(find: Callable[[pd.DataFrame], Iterable[str]]) -> Callable[[pd.DataFrame], pd.Series]:
    """A column of what was found, one thing per row from the top, null below."""

    def derive(frame: pd.DataFrame) -> pd.Series:
        found = list(find(frame))
        if len(found) > len(frame):
            found = [*found[: len(frame) - 1], "; ".join(found[len(frame) - 1 :])]
        return pd.Series([*found, *[None] * (len(frame) - len(found))], index=frame.index, dtype=object)

    return derive


def nothing(what: str, column: str, severity: Severity = "stop", why: str = "") -> Expectation:
    """Nothing was found by a `told` column."""
    return Expectation(what, "ExpectColumnValuesToBeNull", {"column": column}, severity, why)


def _small_parts(frame: pd.DataFrame) -> Iterator[str]:
    for part, least in LEAST.items():
        n = int((frame["split"] == part).sum())
        if n < least:
            yield f"{part} has {n} examples and needs {least}"


def _counts(frame: pd.DataFrame) -> Iterator[tuple[str, str, dict[str, int]]]:
    """(task, label, part -> examples) of every class, met or not."""
    found = frame["labels"].map(lambda text: labels_of(text) or {})
    declared = labels_of_classes(frame)
    for task, labels in declared.items():
        values = found.map(lambda known, task=task: str(known[task]) if task in known else None)
        counts = Counter(zip(values, frame["split"], strict=True))
        for label in labels:
            yield task, label, {part: counts[label, part] for part in PARTS}


def labels_of_classes(frame: pd.DataFrame) -> dict[str, list[str]]:
    """The column `classes`, which is the same in every row; nothing where it cannot be read."""
    known = _classes(frame["classes"].iloc[0]) or {}
    return {task: [str(label) for label in labels] for task, labels in known.items()}


def _classes(text: object) -> dict[str, list[object]] | None:
    try:
        found = json.loads(text) if isinstance(text, str) else None
    except ValueError:
        return None
    sound = isinstance(found, dict) and all(isinstance(labels, list) for labels in found.values())
    return found if sound else None


def _classes_are_known(frame: pd.DataFrame) -> pd.Series:
    known = {text: _classes(text) is not None for text in frame["classes"].unique()}
    return frame["classes"].map(known).astype(bool) & (len(known) == 1)


def _empty_classes(frame: pd.DataFrame) -> Iterator[str]:
    for task, label, counts in _counts(frame):
        for part in ("train", "test"):
            if counts[part] == 0:
                yield f"{task} {label!r} is not in {part}"


def _rare_classes(frame: pd.DataFrame) -> Iterator[str]:
    for task, label, counts in _counts(frame):
        if 0 < counts["test"] < LEAST_TESTED:
            yield f"{task} {label!r} is tested by {counts['test']}"


def _uneven_tasks(frame: pd.DataFrame) -> Iterator[str]:
    sizes: dict[str, dict[str, int]] = {}
    for task, label, counts in _counts(frame):
        sizes.setdefault(task, {})[label] = counts["train"]
    for task, of_label in sizes.items():
        most, least = max(of_label, key=of_label.__getitem__), min(of_label, key=of_label.__getitem__)
        if of_label[least] and of_label[most] > MOST_UNEVEN * of_label[least]:
            yield f"{task} has {of_label[most]} {most!r} and {of_label[least]} {least!r}"


def _leaks(source: bool) -> Callable[[pd.DataFrame], Iterable[str]]:
    def find(frame: pd.DataFrame) -> Iterable[str]:
        used = frame[_used(frame)]
        return leaks(used, labels_of_classes(frame), source)

    return find


SUITE = Suite(
    table="splits",
    columns=(
        "spec_id", "example_id", "cluster", "split", "reason", "dataset", "author", "sha256", "text", "text_key",
        "published_at", "labels", "classes", "author_rule", "time_rule",
    ),
    derived={
        "cluster_stays": _on_one_side("cluster"),
        "picture_stays": _on_one_side("sha256"),
        "text_stays": _on_one_side("text_key"),
        "author_stays": _on_one_side("author", "author_rule"),
        "time_runs_forward": _time_runs_forward,
        "reason_is_given": _reason_is_given,
        "labels_can_be_read": lambda frame: frame["labels"].map(lambda text: bool(labels_of(text))).astype(bool),
        "classes_are_known": _classes_are_known,
        "small_parts": told(_small_parts),
        "empty_classes": told(_empty_classes),
        "rare_classes": told(_rare_classes),
        "uneven_tasks": told(_uneven_tasks),
        "label_in_text": told(_leaks(source=False)),
        "label_in_source": told(_leaks(source=True)),
        "unused": lambda frame: (frame["split"] == "unused").astype(np.float64),
    },
    expectations=(
        has_rows(),
        given("example_id"),
        unique("example_id"),
        content_ids("example_id"),
        given("cluster"),
        content_ids("cluster"),
        given("split"),
        Expectation(
            "split is a part or unused",
            "ExpectColumnValuesToBeInSet", {"column": "split", "value_set": [*PARTS, "unused"]}, "stop",
        ),
        holds("what is unused says why", "reason_is_given"),
        holds("labels can be read", "labels_can_be_read"),
        holds("classes are lists of labels, the same in every row", "classes_are_known"),
        holds("no cluster is in two splits", "cluster_stays", why="the test would ask what training has shown"),
        holds("no picture is in two splits", "picture_stays"),
        holds("no text is in two splits", "text_stays"),
        holds("no author is in two splits", "author_stays"),
        holds("time runs from training to test", "time_runs_forward"),
        nothing("no split is too small", "small_parts"),
        nothing("every class is in training and test", "empty_classes"),
        nothing("no text gives its label away", "label_in_text", why="take the word out of the texts"),
        nothing("no dataset or author gives the label away", "label_in_source",
                why="the network would learn to tell the sources apart"),
        nothing("every class is tested by 5 or more", "rare_classes", "warn"),
        nothing("no class is 20 times another", "uneven_tasks", "warn"),
        Expectation("at most 20 % are unused", "ExpectColumnMeanToBeBetween",
                    {"column": "unused", "min_value": 0, "max_value": MOST_UNUSED}, "warn"),
    ),
)  # fmt: skip
