"""Arms: one thing changes at a time, budgets are alike, what is held out is not met, differences are paired."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from components.errors import UserError
from components.learning.comparisons import MAIN, Arm, arms, compare, train_arm
from components.learning.encoded import UNKNOWN, Encoded
from tests.learning.planted import QUADRANTS, quadrants, spec

TWO: dict[str, Any] = {"topic": {}, "light": {}}
LABELS = {"topic": QUADRANTS, "light": ("dark", "bright")}


def lit(n: int, seed: int, **changes: Any) -> Encoded:
    data = quadrants(n, seed, **changes)
    return replace(data, targets={**data.targets, "light": (data.picture[:, 1] > 0).astype(np.int64)})


def splits(**changes: Any) -> dict[str, Encoded]:
    made = {"train": lit(400, 0), "validation": lit(150, 1), "test": lit(200, 2)}
    return {
        split: replace(part, ids=[f"{split} {i}" for i in part.ids], clusters=[f"{split} {c}" for c in part.clusters])
        for split, part in made.items()
    }


def test_each_arm_changes_one_thing_and_the_main_one_comes_first() -> None:
    asked = spec(tasks=TWO, loss="uncertainty", compare={
        "fusions": ["concat", "gate", "attention"], "losses": ["weighted", "uncertainty"], "modalities": True,
        "leave_one_dataset_out": True,
    })  # fmt: skip
    found = arms(asked, ["b", "a", "b"])
    assert [arm.name for arm in found] == [
        MAIN, "single-task topic", "single-task light", "fusion concat", "fusion attention", "loss weighted",
        "picture only", "text only", "held out a", "held out b",
    ]  # fmt: skip
    assert len({arm.name for arm in found}) == len(found)
    main = found[0]
    assert (main.tasks, main.fusion, main.loss, main.modality, main.held_out) == (
        ("topic", "light"),
        "gate",
        "uncertainty",
        None,
        None,
    )
    for arm in found[3:]:
        changed = [
            f for f in ("tasks", "fusion", "loss", "modality", "held_out") if getattr(arm, f) != getattr(main, f)
        ]
        assert len(changed) == 1, arm
    for arm in found:
        own = arm.spec(asked)
        kept = ("epochs", "patience", "batch_size", "learning_rate", "seed", "balance", "drop_modality")
        assert all(getattr(own, name) == getattr(asked, name) for name in kept)
        assert own.network.hidden_dim == asked.network.hidden_dim


def test_one_task_and_one_dataset_leave_nothing_to_compare() -> None:
    found = arms(spec(compare={"leave_one_dataset_out": True}), ["a", "a"])
    assert [arm.name for arm in found] == ["single-task topic"]


def test_single_task_networks_are_as_large_but_for_a_head_and_stop_by_the_same_rule() -> None:
    asked, data = spec(tasks=TWO), splits()
    main, *singles = (train_arm(arm, data, asked, LABELS) for arm in arms(asked, ["planted"]))
    for single in singles:
        task = single.arm.tasks[0]
        assert set(single.predictions) == {task}
        assert single.trained is not None and main.trained is not None
        other = next(t for t in LABELS if t != task)
        heads = main.trained.network.parameters - single.trained.network.parameters
        assert heads == (64 + 1) * len(LABELS[other])
        budget = next(m for m in single.measured if m.metric == "parameters")
        assert budget.value == single.trained.network.parameters
        assert budget.detail["most_epochs"] == 12 and budget.detail["patience"] == 4
        assert budget.detail["train"] == 400
    table = compare(main, singles, asked)
    assert [(name, m.task, m.metric) for name, m in table] == [
        (f"single-task {t}", t, f"{metric}_difference") for t in LABELS for metric in ("macro_f1", "accuracy")
    ]
    for name, row in table:
        assert row.detail["against"] == MAIN and row.n == 200
        assert row.low is not None and row.high is not None and row.value is not None
        assert row.low <= row.value <= row.high
        assert row.detail["p_holm"] >= row.detail["p"]
        score = {m.task: m.value for m in main.measured if m.metric == row.metric.removesuffix("_difference")}
        own = next(s for s in singles if s.arm.name == name)
        alone = next(m.value for m in own.measured if m.metric == row.metric.removesuffix("_difference"))
        assert row.value == pytest.approx((alone or 0) - (score[row.task] or 0))


def test_one_side_alone_is_clearly_worse_where_both_are_needed() -> None:
    asked, data = spec(compare={"modalities": True}), splits()
    data["test"] = replace(data["test"], has_text=np.arange(200) < 150)
    main, picture, text = (train_arm(arm, data, asked, LABELS) for arm in arms(asked, ["planted"]))
    assert (len(picture.test), len(text.test)) == (200, 150)  # rows without its side are not the arm's to answer
    assert not picture.test.has_text.any() and not text.test.has_picture.any()
    table = {name: m for name, m in compare(main, [picture, text], asked) if m.metric == "accuracy_difference"}
    assert table["text only"].n == 150
    for row in table.values():
        assert (row.high or 0) < -0.1 and row.detail["p_holm"] < 0.05


def test_a_dataset_that_is_held_out_is_not_met_nor_its_near_duplicates() -> None:
    asked, data = spec(tasks=TWO), splits()
    here = {split: ["a" if i % 2 else "b" for i in range(len(part))] for split, part in data.items()}
    data = {split: replace(part, datasets=here[split]) for split, part in data.items()}
    first = data["train"].clusters[0]  # of dataset b; row 1 of a is its near-duplicate
    data["train"] = replace(data["train"], clusters=[first, first, *data["train"].clusters[2:]])
    arm = Arm("held out a", ("topic", "light"), "gate", "weighted", held_out="a")
    found = train_arm(arm, data, asked, LABELS)
    assert set(found.test.datasets) == {"a"}
    assert len(found.test) == 375 - 1  # half of 750 rows; the near-duplicate says nothing about strangers
    assert first not in found.test.clusters
    budget = next(m for m in found.measured if m.metric == "parameters")
    assert (budget.detail["train"], budget.detail["validation"]) == (200, 75)
    main = train_arm(arms(asked, ["a"])[0], data, asked, LABELS)
    assert {row.n for _, row in compare(main, [found], asked)} == {
        100
    }  # test rows of a, which main did not meet either


def test_an_arm_with_nothing_to_learn_from_is_skipped_and_says_why() -> None:
    asked, data = spec(tasks=TWO), splits()
    data = {split: replace(part, has_text=np.zeros(len(part), bool)) for split, part in data.items()}
    arm = Arm("text only", ("topic", "light"), "gate", "weighted", modality="text")
    found = train_arm(arm, data, asked, LABELS)
    assert found.trained is None and found.measured == () and "no train rows" in found.skipped
    main = train_arm(arms(asked, ["a"])[0], data, asked, LABELS)
    assert compare(main, [found], asked) == []


def test_a_task_that_only_the_held_out_dataset_knows_is_left_out_of_that_arm() -> None:
    asked, data = spec(tasks=TWO), splits()
    for split, part in data.items():
        of_a = np.arange(len(part)) % 2 == 1
        light = np.where(of_a, part.targets["light"], UNKNOWN)
        data[split] = replace(
            part, datasets=["a" if a else "b" for a in of_a], targets={**part.targets, "light": light}
        )
    found = train_arm(Arm("held out a", ("topic", "light"), "gate", "weighted", held_out="a"), data, asked, LABELS)
    assert set(found.predictions) == {"topic"} and not found.skipped


def test_an_empty_split_is_told() -> None:
    asked, data = spec(), splits()
    data["test"] = data["test"].rows(np.zeros(200, bool))
    with pytest.raises(UserError, match="the test split is empty"):
        train_arm(arms(asked, ["a"])[0], data, asked, LABELS)


def test_numbers_are_compared_too() -> None:
    asked = spec(tasks={"topic": {}, "price": {"kind": "regression"}}, epochs=4)
    data = {
        split: replace(part, targets={"topic": part.targets["topic"], "price": 3.0 * part.picture[:, 1].astype(float)})
        for split, part in splits().items()
    }
    main, _, price = (train_arm(arm, data, asked, {"topic": QUADRANTS}) for arm in arms(asked, ["a"]))
    assert {m.metric for m in price.measured} == {"parameters", "mae", "spearman", "r2"}
    assert {m.metric for _, m in compare(main, [price], asked)} == {"spearman_difference", "mae_difference"}
