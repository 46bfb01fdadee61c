"""Temperatures and thresholds: overconfident answers become honest, and what is kept is right as often as asked."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from components.features.network import NetworkConfig, PromptWordsNetwork
from components.learning.calibration import LEAST_KEPT, NEVER, calibrate, fit_temperature, predictions, threshold_for
from components.learning.metrics import measure, statistic_of
from components.learning.scores import calibration_error
from components.learning.trainer import network_config, train
from components.statistics.resampling import value_of
from tests.learning.planted import QUADRANTS, WIDTH, quadrants, rows, spec


def softmax(logits: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    scaled = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(scaled / scaled.sum(1, keepdims=True))


def overconfident(n: int, factor: float, seed: int = 0) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Logits whose honest temperature is `factor`."""
    rng = np.random.default_rng(seed)
    honest = rng.normal(size=(n, 5)) * 1.5
    truth = np.array([rng.choice(5, p=p) for p in softmax(honest)])
    return honest * factor, truth


@pytest.mark.parametrize("factor", [0.7, 1.0, 3.0])
def test_the_planted_temperature_is_found(factor: float) -> None:
    logits, truth = overconfident(4000, factor)
    assert fit_temperature(logits, truth) == pytest.approx(factor, rel=0.08)


def test_it_improves_log_loss_and_calibration_and_changes_no_label() -> None:
    logits, truth = overconfident(3000, 3.0)
    t = fit_temperature(logits[:1500], truth[:1500])
    before, after, right = softmax(logits[1500:]), softmax(logits[1500:] / t), truth[1500:]
    for metric, at_least in (("nll", 0.2), ("ece", 0.1)):
        one, two = (value_of(statistic_of(metric, chances, right), 1500) for chances in (before, after))
        assert one - two > at_least, metric
    assert (before.argmax(1) == after.argmax(1)).all()


def test_bounds_hold() -> None:
    logits, truth = overconfident(500, 0.4)
    assert fit_temperature(logits, truth, floor=1.0) == 1.0
    all_right = np.eye(3)[np.zeros(30, int)]
    assert fit_temperature(all_right, np.zeros(30, np.int64)) == 0.5  # not 0: thirty right ones are no certainty
    doubtful = fit_temperature(all_right * 9, np.zeros(30, np.int64), doubt=2.0)
    assert doubtful == pytest.approx(1.0, abs=0.03)
    logits, truth = overconfident(4000, 0.7)
    assert fit_temperature(logits, truth, doubt=2.0) == pytest.approx(0.7, rel=0.08)  # many rows need no doubt
    assert fit_temperature(np.zeros((0, 3)), np.zeros(0, np.int64)) == 1.0


def test_the_lowest_threshold_that_keeps_enough_right() -> None:
    sure = np.linspace(0.99, 0.5, 50)
    right = np.arange(50) < 40  # the surest 40 of 50
    assert threshold_for(sure, right, 0.79) == pytest.approx(np.floor(sure[-1] * 1e4) / 1e4)  # 40 of 50 is enough
    at_ninety = threshold_for(sure, right, 0.9)
    kept = sure >= at_ninety
    assert right[kept].mean() >= 0.9
    assert right[sure >= sure[kept.sum()]].mean() < 0.9  # one more would be too many
    assert threshold_for(sure, ~right, 0.9) == NEVER
    assert threshold_for(sure[: LEAST_KEPT - 1], right[: LEAST_KEPT - 1], 0.5) == NEVER
    assert threshold_for(sure[:0], right[:0], 0.5) == NEVER
    equal = np.full(20, 0.7)  # equals are kept or left together
    assert threshold_for(equal, np.arange(20) < 10, 0.8) == NEVER


def test_a_trained_network_is_calibrated_per_presence_and_keeps_what_was_asked() -> None:
    """A network that was made three times too sure; a side alone is right less often, and must say so."""
    asked = spec(epochs=8)
    config = network_config(asked, {"topic": QUADRANTS}, WIDTH, WIDTH)
    network = train(quadrants(600), quadrants(200, 1), config, asked).network
    with torch.no_grad():
        network.module.heads["topic"].weight *= 3  # type: ignore[index,operator]
        network.module.heads["topic"].bias *= 3  # type: ignore[index,operator]
    validation, test = quadrants(800, 3), quadrants(2000, 4)
    found = calibrate(network, validation, 0.9)
    assert set(found.temperatures["topic"]) == {"both", "picture", "text"}
    assert all(t > 1.5 for t in found.temperatures["topic"].values())
    after = network.calibrated(found)
    for hidden in (None, "picture", "text"):
        seen = test if hidden is None else replace(test, **{f"has_{hidden}": np.zeros(2000, bool)})
        one, two = (predictions(n, seen)["topic"] for n in (network, after))
        errors = [value_of(calibration_error(p.max(1), p.argmax(1) == test.targets["topic"]), 2000) for p in (one, two)]
        assert errors[1] < min(0.1, 0.7 * errors[0]), hidden
    measured = {
        m.metric: m
        for m in measure(
            {"topic": predictions(after, test)["topic"]},
            test,
            {"topic": QUADRANTS},
            resamples=100,
            thresholds=found.thresholds,
        )
    }
    assert measured["accuracy"].value is not None and measured["accuracy"].value < 0.89
    assert measured["accuracy@threshold"].value == pytest.approx(0.9, abs=0.03)
    assert (measured["coverage@threshold"].value or 0) > 0.7
    assert network.config.temperatures == {}  # the network that was given is as it was


def test_a_presence_with_few_rows_takes_the_temperature_of_all() -> None:
    torch.manual_seed(0)
    network = PromptWordsNetwork(
        NetworkConfig(tasks={"topic": QUADRANTS}, picture_dim=WIDTH, text_dim=WIDTH, hidden_dim=16)
    )
    seldom = quadrants(300, 5, has_text=np.arange(300) < 5)
    found = calibrate(network, seldom, 0.8).temperatures["topic"]
    assert found["both"] == found["text"] != 1.0


def test_a_task_nobody_labelled_is_left_as_it_is_and_never_kept() -> None:
    network = PromptWordsNetwork(NetworkConfig(tasks={"topic": QUADRANTS}, picture_dim=WIDTH, text_dim=WIDTH))
    found = calibrate(network, rows(30, {"topic": np.full(30, -1)}), 0.8)
    assert set(found.temperatures["topic"].values()) == {1.0}
    assert found.thresholds == {"topic": NEVER}
