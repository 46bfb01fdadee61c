"""Training: what is planted is found, what is unknown moves nothing, the same seed gives the same weights."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from components.errors import UserError
from components.features.network import FUSIONS, PromptWordsNetwork
from components.learning.calibration import predictions
from components.learning.encoded import UNKNOWN, Encoded
from components.learning.fitting import choose_device
from components.learning.losses import MultiTaskLoss, class_weights
from components.learning.metrics import statistic_of
from components.learning.spec import Task, TrainingSpec
from components.learning.trainer import Trained, batches, drop, fitted, network_config, train
from components.statistics.resampling import value_of
from tests.learning.planted import QUADRANTS, WIDTH, quadrants, rows, spec

LABELS = {"topic": QUADRANTS}


def trained(data: Encoded, validation: Encoded, asked: TrainingSpec, labels: Any = LABELS) -> Trained:
    return train(data, validation, network_config(asked, labels, data.picture.shape[1], data.text.shape[1]), asked)


def accuracy(network: PromptWordsNetwork, data: Encoded, task: str = "topic") -> float:
    return float((predictions(network, data)[task].argmax(1) == data.targets[task]).mean())


def without(data: Encoded, side: str) -> Encoded:
    return replace(data, **{f"has_{side}": np.zeros(len(data), dtype=bool)})


@pytest.mark.parametrize("fusion", FUSIONS)
def test_fused_knows_what_neither_side_knows_and_each_side_still_does_its_part(fusion: str) -> None:
    asked = spec(network={"hidden_dim": 32, "fusion": fusion})
    network = trained(quadrants(600), quadrants(200, 1), asked).network
    test = quadrants(400, 2)
    both, picture, text = (accuracy(network, d) for d in (test, without(test, "text"), without(test, "picture")))
    assert both > 0.8  # the best possible is 0.87
    assert 0.38 < picture < 0.56 and 0.38 < text < 0.56  # one side leaves two of four


@pytest.mark.parametrize("loss", ["weighted", "uncertainty", "alternating"])
def test_each_loss_learns_classes_and_numbers_together(loss: str) -> None:
    def both(n: int, seed: int) -> Encoded:
        data = quadrants(n, seed)
        price = 1000 + 50.0 * data.picture[:, 0] + 5 * np.random.default_rng(seed).normal(size=n)
        return replace(data, targets={**data.targets, "price": price.astype(np.float64)})

    asked = spec(tasks={"topic": {}, "price": {"kind": "regression"}}, loss=loss, epochs=15)
    network = trained(both(600, 0), both(200, 1), asked).network
    test = both(300, 2)
    assert accuracy(network, test) > 0.78
    unit = network.config.numbers["price"]
    assert abs(unit["mean"] - 1000) < 20 and 80 < unit["scale"] < 110
    error = np.abs(predictions(network, test)["price"] - test.targets["price"]).mean()
    assert error < 30  # 5 of it is noise; always saying the mean would err by 80


def test_one_seed_gives_the_same_weights_and_another_does_not() -> None:
    asked = spec(epochs=3)
    one, two, other = (
        trained(quadrants(200), quadrants(80, 1), s) for s in (asked, asked, asked.model_copy(update={"seed": 1}))
    )
    states = [t.network.module.state_dict() for t in (one, two, other)]
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())
    assert any(not torch.equal(value, states[2][name]) for name, value in states[0].items())
    assert one.history == two.history


def test_training_leaves_the_random_numbers_of_others_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    trained(quadrants(64), quadrants(64, 1), spec(epochs=1))
    assert torch.equal(torch.rand(3), expected)


def test_it_stops_early_and_goes_back_to_the_best_epoch() -> None:
    """Labels by chance: validation cannot get better for long, whatever is learned by heart."""
    rng = np.random.default_rng(0)
    data, validation = (
        replace(quadrants(n, s), targets={"topic": rng.integers(0, 4, n)}) for n, s in ((80, 0), (60, 1))
    )
    told: list[tuple[int, int, str]] = []
    asked = spec(epochs=60, patience=3, learning_rate=5e-3)
    config = network_config(asked, LABELS, WIDTH, WIDTH)
    found = train(data, validation, config, asked, lambda *step: told.append(step))
    losses = [row["validation_loss"] for row in found.history]
    last_progress = max(found.best_epoch, losses.index(min(losses)) + 1)
    assert len(found.history) == last_progress + 3 < 60
    best = max(found.history, key=lambda row: (row["score"], -row["validation_loss"]))
    assert best["epoch"] == found.best_epoch
    assert [step[:2] for step in told] == [(i + 1, 60) for i in range(len(found.history))]
    again = statistic_of("macro_f1", predictions(found.network, validation)["topic"], validation.targets["topic"])
    assert value_of(again, len(validation)) == pytest.approx(best["score"], abs=1e-6)


def test_a_row_labelled_for_one_task_moves_no_other_head() -> None:
    """Neither by its loss nor by weight decay or momentum: after a first step of both, one step of topic only."""
    asked = spec(tasks={"topic": {}, "scene": {}}, weight_decay=0.5)
    labels = {"topic": QUADRANTS, "scene": ("in", "out")}
    data = quadrants(64, targets={"scene": np.arange(64) % 2})
    network = PromptWordsNetwork(network_config(asked, labels, WIDTH, WIDTH))
    tasks = {name: Task() for name in labels}
    loss = MultiTaskLoss("weighted", tasks, dict.fromkeys(labels), dict.fromkeys(labels, 1.0), torch.device("cpu"))
    optimiser = torch.optim.AdamW(network.module.parameters(), lr=0.01, weight_decay=0.5)

    def step(scene: Any) -> None:
        logits = network(torch.from_numpy(data.picture), torch.from_numpy(data.text))
        value = loss(logits, {"topic": torch.from_numpy(data.targets["topic"]), "scene": torch.from_numpy(scene)})
        assert value is not None
        optimiser.zero_grad(set_to_none=True)
        value.backward()
        optimiser.step()

    step(data.targets["scene"])
    before = {name: value.clone() for name, value in network.module.state_dict().items()}
    step(np.full(64, UNKNOWN))
    after = network.module.state_dict()
    assert torch.equal(after["heads.scene.weight"], before["heads.scene.weight"])
    assert torch.equal(after["heads.scene.bias"], before["heads.scene.bias"])
    assert not torch.equal(after["heads.topic.weight"], before["heads.topic.weight"])
    assert loss(network(torch.from_numpy(data.picture), None), {"scene": torch.full((64,), UNKNOWN)}) is None


def test_unknown_labels_hold_nothing() -> None:
    """Whatever stands in the vectors of a row without a label, the others' loss is the same."""
    logits = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
    targets = torch.tensor([0, 1, UNKNOWN, 2, UNKNOWN, 3])
    loss = MultiTaskLoss("weighted", {"topic": Task()}, {"topic": None}, {"topic": 4 / 6}, torch.device("cpu"))
    changed = torch.where((targets == UNKNOWN)[:, None], logits * -50, logits)
    one, two = loss.of_task("topic", logits, targets), loss.of_task("topic", changed, targets)
    assert one is not None and two is not None and torch.equal(one, two)
    known = targets != UNKNOWN
    torch.testing.assert_close(one, torch.nn.functional.cross_entropy(logits[known], targets[known]))


def test_tasks_with_disjoint_rows_are_both_learned() -> None:
    """Half of the rows know the topic, the other half whether the picture's second number is positive."""

    def halves(n: int, seed: int) -> Encoded:
        data = quadrants(n, seed)
        bright = (data.picture[:, 1] > 0).astype(np.int64)
        first = np.arange(n) < n // 2
        return replace(data, targets={
            "topic": np.where(first, data.targets["topic"], UNKNOWN), "light": np.where(first, UNKNOWN, bright),
        })  # fmt: skip

    asked = spec(tasks={"topic": {}, "light": {}})
    found = trained(halves(900, 0), halves(300, 1), asked, {**LABELS, "light": ("dark", "bright")}).network
    test = quadrants(300, 2, targets={})
    test = replace(test, targets={**test.targets, "light": (test.picture[:, 1] > 0).astype(np.int64)})
    assert accuracy(found, test) > 0.75
    assert accuracy(found, test, "light") > 0.85


def test_a_task_of_pictures_alone_is_not_shown_texts() -> None:
    data, validation = (without(quadrants(n, s), "text") for n, s in ((300, 0), (100, 1)))
    network = trained(data, validation, spec(epochs=4)).network
    assert network.config.reads == {"topic": ("picture",)}
    test = quadrants(50, 2)
    shown, hidden = predictions(network, test)["topic"], predictions(network, without(test, "text"))["topic"]
    np.testing.assert_allclose(shown, hidden, atol=1e-6)


def test_with_nothing_to_read_it_says_how_common_the_labels_are() -> None:
    rng = np.random.default_rng(3)
    data, validation = (
        replace(quadrants(n, s), targets={"topic": rng.choice(4, n, p=[0.7, 0.1, 0.1, 0.1])})
        for n, s in ((800, 0), (200, 1))
    )
    network = trained(data, validation, spec(balance=False, epochs=10)).network
    nothing = rows(1, {"topic": np.zeros(1, np.int64)}, has_picture=np.zeros(1, bool), has_text=np.zeros(1, bool))
    assert predictions(network, nothing)["topic"][0].argmax() == 0


def test_rare_classes_weigh_more_but_not_without_bounds() -> None:
    targets = np.array([0] * 90 + [1] * 10 + [UNKNOWN] * 50)
    weights = class_weights(targets, 3, True)
    assert weights is not None
    assert weights[1] / weights[0] == pytest.approx(3.0)
    assert weights[2] == 0
    assert (90 * weights[0] + 10 * weights[1]) / 100 == pytest.approx(1.0)
    assert class_weights(targets, 3, False) is None


def test_dropping_takes_equal_shares_and_leaves_single_rows_their_only_side() -> None:
    rng = np.random.default_rng(0)
    n = 20_000
    picture, text = np.ones(n, bool), np.arange(n) < n // 2
    kept_picture, kept_text = drop(picture, text, 0.2, rng)
    both = slice(0, n // 2)
    assert 1 - kept_picture[both].mean() == pytest.approx(0.216, abs=0.015)  # 0.2, and 0.02 of the rest lose all
    assert 1 - kept_text[both].mean() == pytest.approx(0.216, abs=0.015)
    assert 1 - kept_picture[n // 2 :].mean() == pytest.approx(0.02, abs=0.006)
    untouched = drop(picture, text, 0.0, rng)
    assert np.array_equal(untouched[0], picture) and np.array_equal(untouched[1], text)


@pytest.mark.parametrize("loss", ["weighted", "alternating"])
def test_an_epoch_shows_every_label_once(loss: str) -> None:
    scene = np.where(np.arange(100) < 30, 1, UNKNOWN)
    asked = spec(tasks={"topic": {}, "scene": {}}, loss=loss)
    config = network_config(asked, {"topic": QUADRANTS, "scene": ("in", "out")}, WIDTH, WIDTH)
    shown: dict[str, list[int]] = {"topic": [], "scene": []}
    for places, tasks in batches(quadrants(100, targets={"scene": scene}), config, asked, np.random.default_rng(0)):
        for task in tasks:
            shown[task] += places.tolist()
        assert len(tasks) == (1 if loss == "alternating" else 2)
    assert sorted(shown["topic"]) == list(range(100))
    assert sorted(i for i in shown["scene"] if i < 30) == list(range(30))


def test_uncertainty_learns_to_trust_the_clean_task_more() -> None:
    rng = np.random.default_rng(0)

    def two(n: int, seed: int) -> Encoded:
        return quadrants(n, seed, targets={"noise": rng.integers(0, 4, n)})

    data = two(600, 0)
    tasks = {"topic": Task(), "noise": Task()}
    asked = spec(tasks={"topic": {}, "noise": {}}, loss="uncertainty", epochs=10)
    config = fitted(network_config(asked, {"topic": QUADRANTS, "noise": QUADRANTS}, WIDTH, WIDTH), data)
    loss = MultiTaskLoss("uncertainty", tasks, dict.fromkeys(tasks), dict.fromkeys(tasks, 1.0), torch.device("cpu"))
    assert loss.variances is not None
    torch.manual_seed(0)
    network = PromptWordsNetwork(config)
    optimiser = torch.optim.AdamW([*network.module.parameters(), loss.variances], lr=0.01)
    for _ in range(120):
        logits = network(torch.from_numpy(data.picture), torch.from_numpy(data.text))
        value = loss(logits, {task: torch.from_numpy(data.targets[task]) for task in tasks})
        assert value is not None
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
    assert loss.variances[0].item() < loss.variances[1].item()


@pytest.mark.parametrize("missing", ["train", "validation"])
def test_a_task_without_labels_is_told(missing: str) -> None:
    empty = rows(20, {"topic": np.full(20, UNKNOWN)})
    data, validation = (empty, quadrants(20)) if missing == "train" else (quadrants(20), empty)
    with pytest.raises(
        UserError, match="no training example is labelled" if missing == "train" else "no validation example"
    ):
        trained(data, validation, spec(epochs=1))


def test_a_gpu_that_is_not_there_is_told() -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(UserError, match="device: cuda"):
        choose_device("cuda")


@pytest.mark.slow
def test_five_thousand_rows_train_in_seconds() -> None:
    rng = np.random.default_rng(0)
    data = quadrants(5000)
    wide = replace(data, picture=np.hstack([data.picture, rng.normal(size=(5000, 752))]).astype(np.float32))
    validation = replace(quadrants(800, 1), picture=wide.picture[:800], targets={"topic": data.targets["topic"][:800]})
    found = trained(wide, validation, spec(epochs=10, patience=10, batch_size=64, network={"hidden_dim": 128}))
    assert found.seconds < 30
