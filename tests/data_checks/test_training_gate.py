"""The gate of a training: what it must name, and what it must let pass."""

from datetime import timedelta

import pandas as pd
import pytest

from components.records import content_id
from data_checks.validate import Verdict
from tests.data_checks.learning_frames import evaluation, evaluations, splits
from tests.data_checks.planted_learning import CLUSTER_OF_TEST, also, fill, in_part, only, put, same, wearing, without
from tests.data_checks.planting import NOW, Change, check, failed


def observed(verdict: Verdict, what: str) -> str:
    (row,) = [row for row in verdict.results if row.expectation == what]
    return row.observed


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
