"""Single defects of good frames of the tables of learning, and what would find them."""

import json
import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

from components.records import content_id
from tests.data_checks.learning_frames import MOODS
from tests.data_checks.planting import Change, Frame


def put(column: str, value: Any, row: int = 0) -> Change:
    def change(frame: Frame) -> Frame:
        frame[column] = frame[column].astype(object)
        frame.at[frame.index[row], column] = value
        return frame

    return change


def where(column: str, value: Any, metric: str) -> Change:
    """In the first row of a metric."""
    return lambda frame: put(column, value, int(np.flatnonzero(frame["metric"] == metric)[0]))(frame)


def fill(column: str, value: Any, rows: Callable[[Frame], pd.Series] = lambda frame: frame.index >= 0) -> Change:
    def change(frame: Frame) -> Frame:
        frame[column] = frame[column].astype(object)
        frame.loc[rows(frame), column] = value
        return frame

    return change


def in_part(part: str, row: int = 0) -> Callable[[Frame], int]:
    return lambda frame: int(np.flatnonzero(frame["split"] == part)[row])


def same(column: str, *parts: str) -> Change:
    """The first rows of these parts have the same value in a column, whatever else they have."""

    def change(frame: Frame) -> Frame:
        for part in parts:
            frame = put(column, "aa" * 10 if column == "cluster" else "one and the same", in_part(part)(frame))(frame)
        return frame

    return change


def also(*changes: Change) -> Change:
    def change(frame: Frame) -> Frame:
        for one in changes:
            frame = one(frame)
        return frame

    return change


def only(label: str) -> Callable[[Frame], pd.Series]:
    return lambda frame: frame["labels"].str.contains(f'"{label}"')


def without(label: str, part: str, but: int = 0) -> Change:
    """The part has no example of a label, but for so many."""
    return lambda frame: frame.drop(frame.index[only(label)(frame) & (frame["split"] == part)][but:])


def wearing(words: str, label: str, share: float = 1.0, others: float = 0.0) -> Change:
    """A share of the texts of a label, and of all others, hold these words."""

    def change(frame: Frame) -> Frame:
        own = only(label)(frame)
        turn = np.where(own, own.cumsum() / own.sum() <= share, (~own).cumsum() / (~own).sum() <= others)
        return frame.assign(text=np.where(turn, frame["text"] + " " + words, frame["text"]))

    return change


def uneven(frame: Frame) -> Frame:
    """Nearly all of training is of one label."""
    few = frame.index[~only("positive")(frame) & (frame["split"] == "train")]
    keep = [next(i for i in few if only(label)(frame)[i]) for label in ("neutral", "negative")]
    kept = frame.drop([i for i in few if i not in keep])
    more = frame[only("positive")(frame) & (frame["split"] == "train")]
    return pd.concat([kept, more.assign(example_id=[content_id("more", i) for i in range(len(more))])])


def ids(column: str) -> list[tuple[str, Change]]:
    return [(f"{column} is given", put(column, None)), (f"{column} is 20 hex digits", put(column, "ABC"))]


def unnamed(*columns: str) -> list[tuple[str, Change]]:
    return [*((f"{c} is given", put(c, None)) for c in columns), *((f"{c} is named", put(c, " ")) for c in columns)]


CLUSTER_OF_TEST = same("cluster", "train", "test")
DEFECTS: dict[str, list[tuple[str, Change]]] = {
    "examples": [
        *ids("example_id"),
        ("example_id is unique", put("example_id", content_id("example", 1))),
        ("dataset is given", put("dataset", None)),
        ("dataset has a name", put("dataset", " ")),
        ("source_uri is given", put("source_uri", None)),
        ("source_uri says where it comes from", put("source_uri", "")),
        ("labels is given", put("labels", None)),
        *(
            ("labels are tasks with a label or a number each", put("labels", broken))
            for broken in ("positive", '["positive"]', '{"mood": ""}', '{"mood": null}', '{"likes": NaN}',
                           '{" ": "positive"}', '{"mood": ["a", "b"]}', '{"mood": true}')
        ),
        ("there is a label", put("labels", "{}")),
        ("there is a picture or a text", put("text", " ")),
        ("a picture has a path and a hash", put("sha256", None, row=1)),
        ("a picture has a path and a hash", put("image_path", None, row=1)),
        ("sha256 is 64 hex digits", put("sha256", "A" * 64, row=1)),
        ("published between 2000 and 2100", put("published_at", datetime(1970, 1, 1, tzinfo=UTC))),
        ("published between 2000 and 2100", put("published_at", "yesterday")),
    ],
    "splits": [
        *ids("example_id"),
        *ids("cluster"),
        ("example_id is unique", put("example_id", content_id("example", 1))),
        ("split is given", put("split", None)),
        ("split is a part or unused", put("split", "dev")),
        ("what is unused says why", put("split", "unused")),
        ("what is unused says why", put("reason", "because")),
        ("labels can be read", put("labels", "positive")),
        ("classes are lists of labels, the same in every row", put("classes", None)),
        ("classes are lists of labels, the same in every row", fill("classes", '{"mood": "positive"}')),
        ("classes are lists of labels, the same in every row", put("classes", "{}", row=7)),
        *(
            ("no cluster is in two splits", same("cluster", *pair))
            for pair in (("train", "test"), ("train", "validation"), ("validation", "test"))
        ),
        ("no picture is in two splits", same("sha256", "train", "test")),
        ("no text is in two splits", same("text_key", "validation", "test")),
        ("no author is in two splits", same("author", "train", "test")),
        ("time runs from training to test", fill("time_rule", True)),
        ("no split is too small", lambda frame: frame[(frame["split"] != "test") | (frame.index > 215)]),
        ("no split is too small", fill("split", "train", lambda frame: frame["split"] == "validation")),
        ("every class is in training and test", without("neutral", "test")),
        ("every class is in training and test", without("neutral", "train")),
        ("every class is in training and test", fill("classes", json.dumps({"mood": [*MOODS, "mixed"]}))),
        ("every class is tested by 5 or more", without("negative", "test", but=3)),
        ("no class is 20 times another", uneven),
        ("at most 20 % are unused", also(
            fill("split", "unused", lambda frame: frame.index % 3 == 0),
            fill("reason", "of no use", lambda frame: frame.index % 3 == 0))),
        *(
            ("no text gives its label away", wearing(words, label, share, others))
            for words, label, share, others in (
                ("label: positive", "positive", 1.0, 0.0), ("#Negative", "negative", 0.97, 0.04),
                ("mood=1", "neutral", 1.0, 0.0), ("😀", "positive", 0.97, 0.02), ("said @bot", "neutral", 0.96, 0.0),
                ("see https://example.org/positive/1.jpg", "positive", 1.0, 0.0),
            )
        ),
        ("no dataset or author gives the label away", fill("dataset", "sad pictures", only("negative"))),
        ("no dataset or author gives the label away", also(
            fill("author_rule", False), fill("author", "ann", only("negative")))),
    ],
    "evaluations": [
        *ids("evaluation_id"),
        *ids("spec_id"),
        *unnamed("subject", "model", "dataset", "split", "task", "metric"),
        ("evaluation_id is unique", put("evaluation_id", content_id("multi-task", "mood", "macro_f1"))),
        ("created_at is given", put("created_at", None)),
        ("examples are behind every value", put("n", 0)),
        ("examples are behind every value", put("n", -1)),
        ("detail is a JSON object", put("detail", "[1]")),
        ("detail is a JSON object", put("detail", "{")),
        ("detail is a JSON object", put("detail", None)),
        ("a value is a number or undefined", where("value", math.inf, "nll")),
        ("a value is a number or undefined", where("value", "good", "nll")),
        ("a value is a number or undefined", where("value", None, "accuracy")),
        ("a value is a number or undefined", where("value", 0.5, "confusion")),
        ("an interval holds its value", where("low", 0.99, "accuracy")),
        ("an interval holds its value", where("high", 0.1, "macro_f1")),
        ("an interval holds its value", where("low", None, "ece")),
        ("shares lie in 0 to 1", where("value", 75.0, "accuracy")),
        ("shares lie in 0 to 1", where("high", 1.1, "macro_f1")),
        ("shares lie in 0 to 1", where("low", -0.2, "ece")),
        ("correlations lie in -1 to 1", where("high", 1.2, "spearman")),
        ("losses, errors and sizes are not negative", where("low", -0.1, "nll")),
        ("losses, errors and sizes are not negative", where("value", -1.0, "mae")),
        ("differences of shares lie in -1 to 1",
         lambda frame: frame.assign(metric="macro_f1_difference", value=-2.0, low=-3.0, high=-1.5)),
        ("a confusion matrix counts every example once", where("n", 89, "confusion")),
        ("a confusion matrix counts every example once",
         where("detail", '{"labels": ["a"], "matrix": [[45, 45]]}', "confusion")),
        ("a confusion matrix counts every example once", where("detail", "{}", "confusion")),
        ("better than guessing", where("low", 0.3, "accuracy")),
    ],
    "promotions": [
        *unnamed("task")[:1],
        ("the task is named", put("task", "")),
        ("task is unique", put("task", "topic")),
        ("new is given", put("new", None)),
        ("scores of the new model lie in -1 to 1", put("new", 71)),
        ("scores of the incumbent lie in -1 to 1", put("incumbent", -66.0)),
        ("20 test examples or more", put("n", 19)),
        ("the new model is not below the incumbent", put("new", 0.65)),
        ("the new model is not below the incumbent", put("incumbent", 0.51, row=1)),
        ("and its interval says so too", put("low_of_difference", -0.02)),
    ],
}  # fmt: skip
