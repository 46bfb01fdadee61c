"""Makes a trained network's probabilities mean what they say, and finds from where on they can be relied on.

Read: the network's answers on validation rows, which it did not learn from. Needed: scipy; torch for `calibrate`. A
temperature changes how sure a network is, never which label comes first (Guo et al. 2017): one number per task and per
what is there (both, picture, text), because a network that misses half of its input is not sure in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.features.network import PRESENCES, NetworkConfig, PromptWordsNetwork
from components.learning.encoded import Encoded
from components.learning.scores import Places
from components.statistics.resampling import Floats

FLOOR, CEILING = 0.5, 10.0
"""Bounds of a temperature: on few rows that all come out right the best one would be 0, which is certainty."""
DOUBT = 2.0
"""How much a trained network's temperature is held at 1: a factor of e costs as much log loss as two rows that are e
times less probable. It decides where a hundred rows all come out right, and is nothing to a thousand."""
FEW = 25
"""Rows: with fewer, a presence takes the temperature of all presences together."""
LEAST_KEPT = 10
"""Rows: three right ones of three say nothing about the fourth."""
NEVER = 1.01
"""The threshold of a task whose labels are never right often enough: above every probability."""


def fit_temperature(
    logits: Floats, truth: Places, floor: float = FLOOR, ceiling: float = CEILING, doubt: float = 0.0
) -> float:
    """The temperature between the bounds with the least log loss; logits (n, labels), places (n,). 1 without rows.

    `doubt` times the square of its logarithm is added to the summed loss. Log loss has one valley in the temperature,
    so a bounded search along its logarithm finds the bottom.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    if not len(truth):
        return 1.0
    values, rows = np.asarray(logits, dtype=np.float64), np.arange(len(truth))

    def loss(log_temperature: float) -> float:
        chances = log_softmax(values / np.exp(log_temperature), axis=1)[rows, truth]
        return float(doubt * log_temperature**2 - chances.sum()) / len(rows)

    bounds = (float(np.log(floor)), float(np.log(ceiling)))
    found = float(minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-4}).x)
    # The search never quite reaches its bounds, where the best one may well lie.
    return float(np.exp(min((found, *bounds), key=loss)))


def calibrate(
    network: PromptWordsNetwork, validation: Encoded, keep_right: float, floor: float = FLOOR
) -> NetworkConfig:
    """The network's config with its temperatures and thresholds measured on `validation`.

    A threshold is the lowest probability at which the labels kept are right at the rate `keep_right`; 1.01 where that
    is never so. A row with picture and text also shows how the network does with one of them.
    """
    temperatures: dict[str, dict[str, float]] = {}
    answers = {presence: _logits(network, validation, presence) for presence in PRESENCES}
    for task in network.config.tasks:
        known, truth = validation.known(task), validation.targets[task]
        seen = {presence: known & _there(validation, presence) for presence in PRESENCES}
        together = fit_temperature(
            np.concatenate([answers[p][task][rows] for p, rows in seen.items()]),
            np.concatenate([truth[rows] for rows in seen.values()]),
            floor,
            doubt=DOUBT,
        )
        temperatures[task] = {
            presence: round(
                fit_temperature(answers[presence][task][rows], truth[rows], floor, doubt=DOUBT)
                if rows.sum() >= FEW
                else together,
                4,
            )
            for presence, rows in seen.items()
        }
    calibrated = network.calibrated(replace(network.config, temperatures=temperatures))
    chances = predictions(calibrated, validation)
    thresholds = {}
    for task in network.config.tasks:
        known = validation.known(task)
        best = chances[task][known]
        right = best.argmax(1) == validation.targets[task][known]
        thresholds[task] = threshold_for(best.max(1, initial=0.0), right, keep_right)
    return replace(calibrated.config, thresholds=thresholds)


def threshold_for(confidence: Floats, right: NDArray[np.bool_], keep_right: float) -> float:
    """The lowest confidence (rounded down to four digits) at which, keeping all that is as sure or surer, the share
    `keep_right` is right; NEVER where there is none. At most the least sure row that was seen: what lies below is
    unknown."""
    order = np.argsort(-confidence, kind="stable")
    sure, hits = confidence[order], np.cumsum(right[order])
    kept = np.arange(1, len(sure) + 1)
    last_of_equals = np.append(sure[1:] != sure[:-1], True) if len(sure) else np.zeros(0, dtype=bool)
    good = last_of_equals & (kept >= LEAST_KEPT) & (hits >= keep_right * kept - 1e-9)
    if not good.any():
        return NEVER
    return float(np.floor(sure[np.flatnonzero(good)[-1]] * 1e4) / 1e4)


def predictions(network: PromptWordsNetwork, rows: Encoded) -> dict[str, NDArray[Any]]:
    """What the network says of `rows`: per task (n, labels) probabilities, per number (n,) in its own unit."""
    import torch

    if not len(rows):
        empty: dict[str, NDArray[Any]] = {t: np.zeros((0, len(names))) for t, names in network.config.tasks.items()}
        return empty | {task: np.zeros(0) for task in network.config.numbers}
    chances, numbers = network.answers(*(torch.from_numpy(values) for values in _inputs(rows)))
    return {task: values.double().numpy() for task, values in (chances | numbers).items()}


def _inputs(rows: Encoded) -> tuple[NDArray[Any], ...]:
    return tuple(np.ascontiguousarray(v) for v in (rows.picture, rows.text, rows.has_picture, rows.has_text))


def _there(rows: Encoded, presence: str) -> NDArray[np.bool_]:
    """Where the network can be shown exactly this."""
    return {"both": rows.has_picture & rows.has_text, "picture": rows.has_picture, "text": rows.has_text}[presence]


def _logits(network: PromptWordsNetwork, rows: Encoded, presence: str) -> Mapping[str, Floats]:
    """Of all rows, with what the presence leaves out hidden."""
    import torch

    picture, text, has_picture, has_text = _inputs(rows)
    if presence == "picture":
        has_text = np.zeros_like(has_text)
    if presence == "text":
        has_picture = np.zeros_like(has_picture)
    network.module.eval()
    with torch.inference_mode():
        logits = network(*(torch.from_numpy(values) for values in (picture, text, has_picture, has_text)))
    return {task: values.double().numpy() for task, values in logits.items()}
