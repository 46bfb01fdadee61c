"""The suites of learning: each accepts a good frame, and rejects each single planted defect of it, and an empty one."""

import json
import math
from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from components.learning.encoded import Encoded
from components.learning.metrics import measure
from components.learning.near_duplicates import near_duplicate_clusters
from components.learning.spec import SplitRule
from components.learning.splits import author_units, split, split_rows
from components.records import Evaluation, Example, content_id
from data_checks.suite import Suite
from data_checks.validate import SUITES, Verdict, validate

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
Frame = pd.DataFrame
Change = Callable[[Frame], Frame]
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


def splits() -> Frame:
    """As flows make it, of 240 examples whose authors have to stay whole."""
    found = [an_example(n, author=f"author {n % 61}") for n in range(240)]
    rule = SplitRule()
    clusters = author_units(found, near_duplicate_clusters(found, {}, [], rule))
    return pd.DataFrame(split_rows(found, split(found, clusters, rule, content_id("s")), rule, {"mood": MOODS}))


def evaluations() -> Frame:
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


def check(table: str, frame: Frame) -> Verdict:
    return validate(table, frame, chunk_id="c1", run_id="r1", now=NOW)


def failed(verdict: Verdict) -> set[str]:
    return {row.expectation for row in verdict.results if not row.success}


def observed(verdict: Verdict, what: str) -> str:
    (row,) = [row for row in verdict.results if row.expectation == what]
    return row.observed


@pytest.mark.parametrize("table", GOOD)
def test_a_good_frame_is_accepted(table: str) -> None:
    frame = GOOD[table]()
    columns = list(frame.columns)
    verdict = check(table, frame)
    assert failed(verdict) == set(), [row for row in verdict.results if not row.success]
    assert not verdict.stop and verdict.quarantined == {}
    assert [row.expectation for row in verdict.results] == [e.what for e in SUITES[table].expectations]
    assert list(frame.columns) == columns


@pytest.mark.parametrize(
    ("table", "what", "defect"),
    [
        pytest.param(table, what, defect, id=f"{table}-{n}-{what}")
        for table, defects in DEFECTS.items()
        for n, (what, defect) in enumerate(defects)
    ],
)
def test_every_single_defect_is_rejected(table: str, what: str, defect: Change) -> None:
    verdict = check(table, defect(GOOD[table]()))
    assert what in failed(verdict)
    (row,) = [row for row in verdict.results if row.expectation == what]
    (declared,) = [e for e in SUITES[table].expectations if e.what == what]
    assert row.severity == declared.severity
    assert not row.observed.startswith("could not be computed"), row.observed
    if row.severity == "stop":
        assert verdict.stop
    elif row.severity == "quarantine":
        assert any(what in reason for reason in verdict.quarantined.values())


@pytest.mark.parametrize("table", GOOD)
def test_every_expectation_has_a_planted_defect(table: str) -> None:
    declared = {e.what for e in SUITES[table].expectations}
    assert declared - {what for what, _ in DEFECTS[table]} == {"there are rows"}


@pytest.mark.parametrize("table", GOOD)
def test_an_empty_frame_is_rejected(table: str) -> None:
    verdict = check(table, GOOD[table]().iloc[:0])
    assert verdict.stop and failed(verdict) == {"there are rows"}


@pytest.mark.parametrize("table", GOOD)
def test_a_frame_without_a_column_is_rejected(table: str) -> None:
    suite: Suite = SUITES[table]
    verdict = check(table, GOOD[table]().drop(columns=suite.columns[-1]))
    assert verdict.stop and [row.observed for row in verdict.results] == [f"missing: {suite.columns[-1]}"]
    assert not set(suite.derived) & set(GOOD[table]().columns)
    names = [e.what for e in suite.expectations]
    assert len(names) == len(set(names)) and names[0] == "there are rows"


def test_columns_are_those_of_the_records() -> None:
    for table, record in (("examples", Example), ("evaluations", Evaluation)):
        assert set(SUITES[table].columns) <= {f.name for f in fields(record)}


# What the gate must name, and what it must let pass


@pytest.mark.parametrize(
    ("what", "defect", "words"),
    [
        ("no text gives its label away", wearing("label: positive", "positive"), "mood 'positive' by 'label positive' in 81 of 81 texts"),  # noqa: E501
        ("no text gives its label away", wearing("#negative", "negative"), "mood 'negative' by '#negative'"),
        ("every class is in training and test", without("neutral", "test"), "mood 'neutral' is not in test"),
        ("no split is too small", lambda f: f[(f["split"] != "test") | (f.index > 215)], "and needs 20"),
        ("no dataset or author gives the label away", fill("dataset", "sad", only("negative")), "by dataset 'sad' in all 78"),  # noqa: E501
    ],
)  # fmt: skip
def test_the_gate_names_what_it_found(what: str, defect: Change, words: str) -> None:
    assert words in observed(check("splits", defect(splits())), what)


@pytest.mark.parametrize(
    "change",
    [
        wearing("positive", "positive", share=0.6),  # people do say how they feel
        wearing("positive", "positive", share=1.0, others=0.3),
        wearing("#photo", "positive", share=1.0, others=1.0),
        fill("text_key", None),
        fill("author", None),
        also(same("author", "train", "test"), fill("author_rule", False)),
        fill("dataset", "all from here"),
        lambda frame: frame.sample(frac=1, random_state=1),
        fill("split", "unused", lambda frame: frame.index < 0),
    ],
)
def test_honest_sets_pass(change: Change) -> None:
    assert not check("splits", change(splits())).stop


def test_unused_rows_may_be_anybodys_twin() -> None:
    frame = splits()
    i = in_part("train")(frame)
    frame = CLUSTER_OF_TEST(frame)
    frame = put("split", "unused", i)(put("reason", "its cluster reaches over the cut", i)(frame))
    assert "no cluster is in two splits" not in failed(check("splits", frame))


def test_time_that_runs_forward_passes() -> None:
    frame = splits()
    order = {"train": 0, "validation": 1000, "test": 2000}
    days = frame["split"].map(order) + frame.index % 300
    frame["published_at"] = [NOW + timedelta(days=int(day)) for day in days]
    frame["time_rule"] = True
    assert failed(check("splits", frame)) == set()
    frame.loc[in_part("train")(frame), "published_at"] = NOW + timedelta(days=1500)
    assert failed(check("splits", frame)) == {"time runs from training to test"}


def test_numbers_alone_have_no_classes() -> None:
    frame = splits()
    frame["labels"], frame["classes"] = '{"likes": 3}', "{}"
    assert failed(check("splits", frame)) == set()


def test_a_score_over_nothing_is_null() -> None:
    """No label was sure enough to be kept: that is a finding, not a defect."""
    frame = evaluations()
    nothing = pd.DataFrame([evaluation("accuracy@threshold", value=None, n=0, task="topic")])
    assert failed(check("evaluations", pd.concat([frame, nothing], ignore_index=True))) == set()


def test_baselines_may_guess() -> None:
    frame = evaluations().assign(subject="majority")
    frame.loc[frame["metric"] == "accuracy", ["value", "low", "high"]] = [0.3, 0.2, 0.4]
    assert failed(check("evaluations", frame)) == set()


def test_many_rows_are_checked_in_seconds() -> None:
    import time

    frame = pd.concat([splits()] * 100, ignore_index=True)
    frame["example_id"] = [content_id(n) for n in range(len(frame))]
    begun = time.perf_counter()
    assert not check("splits", frame).stop
    assert time.perf_counter() - begun < 10
