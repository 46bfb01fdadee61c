"""Measures the predictions of any method against labels, with a 95 % interval beside every number.

Read: probabilities, or places where a method has no probabilities, and `Encoded` with the right answers. Needed: numpy.
A score over no rows, or one that is not defined (a correlation of equal numbers), is None: NaN would be averaged by the
next reader.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.learning.encoded import UNKNOWN, Encoded, Measured
from components.learning.scores import (
    BINS,
    Places,
    bin_of,
    calibration_error,
    macro_f1,
    r_squared,
    risk_coverage,
    share,
    spearman,
)
from components.statistics.resampling import (
    Floats,
    Statistic,
    bootstrap,
    holm,
    interval,
    never_certain,
    two_sided_p,
    value_of,
)

__all__ = ["confidence_of", "holm", "measure", "paired_difference", "statistic_of"]

CURVE_POINTS = 100
SUREST = 1e-12
"""No answer is taken to be surer than this when its log is: one confident mistake must not outweigh all others."""


def measure(
    probabilities: Mapping[str, NDArray[Any]],
    encoded: Encoded,
    labels: Mapping[str, Sequence[str]],
    *,
    resamples: int = 1000,
    seed: int = 0,
    thresholds: Mapping[str, float] | None = None,
) -> list[Measured]:
    """All metrics of each task in `probabilities`, over the rows that are labelled for it.

    A task in `labels` comes as (n, k) probabilities, a row of NaN where the method gave no answer, or as (n,) places in
    its labels with -1 for no answer: accuracy, macro_f1, confusion; with probabilities also nll, ece, reliability,
    abstention (value: area under the risk-coverage curve), and where `thresholds` has the task coverage@threshold and
    accuracy@threshold. No answer counts as wrong. Any other task comes as (n,) numbers: mae, spearman, r2.
    """
    found: list[Measured] = []
    for task, answers in probabilities.items():
        known = encoded.known(task)
        rows, given = encoded.rows(known), np.asarray(answers)[known]
        truth = rows.targets[task]
        statistics = {name: statistic_of(name, given, truth) for name in _metrics(given, task in labels)}
        details: dict[str, dict[str, Any]] = {}
        limit = (thresholds or {}).get(task)
        if task in labels:
            predicted, confidence = places_of(given), confidence_of(given)
            right = predicted == truth
            unanswered = int((predicted == UNKNOWN).sum())
            details["accuracy"] = details["macro_f1"] = {"unanswered": unanswered} if unanswered else {}
            if given.ndim == 2:
                details["abstention"] = {"curve": _curve(confidence, right)}
                if limit is not None:
                    kept = confidence >= limit
                    statistics["coverage@threshold"] = share(kept)
                    statistics["accuracy@threshold"] = share(right, kept)
                    details["coverage@threshold"] = details["accuracy@threshold"] = {
                        "threshold": limit, "kept": int(kept.sum())
                    }  # fmt: skip
        found += _with_intervals(task, statistics, details, rows, resamples, seed)
        if task in labels:
            found.append(_confusion(task, truth, predicted, labels[task]))
            if given.ndim == 2:
                found.append(_reliability(task, confidence, right))
    return found


def _metrics(given: NDArray[Any], classes: bool) -> tuple[str, ...]:
    if not classes:
        return ("mae", "spearman", "r2")
    return ("accuracy", "macro_f1", "nll", "ece", "abstention") if given.ndim == 2 else ("accuracy", "macro_f1")


def statistic_of(metric: str, given: NDArray[Any], truth: NDArray[Any]) -> Statistic:
    """One metric of predictions (n, k) or (n,) against the right answers (n,), for rows that all have one."""
    if metric in ("mae", "spearman", "r2"):
        truth, given = truth.astype(np.float64), given.astype(np.float64)
        if metric == "mae":
            return share(np.abs(truth - given))
        return spearman(truth, given) if metric == "spearman" else r_squared(truth, given)
    predicted = places_of(given)
    right = predicted == truth
    if metric == "accuracy":
        return share(right)
    if metric == "macro_f1":
        return macro_f1(truth, predicted, given.shape[1] if given.ndim == 2 else int(max([0, *truth, *predicted])) + 1)
    confidence = confidence_of(given)
    if metric == "abstention":
        return risk_coverage(confidence, right)
    answered = predicted >= 0
    if metric == "ece":
        gap = calibration_error(confidence[answered], right[answered])
        return lambda weights: gap(weights[:, answered])
    if metric == "nll":
        chance = given[np.arange(len(given)), truth]
        return share(-np.log(np.clip(np.where(answered, chance, 1.0), SUREST, 1.0)), answered)
    raise ValueError(f"no metric {metric!r}")


def places_of(given: NDArray[Any]) -> Places:
    """(n,) places of the most probable labels, -1 for a row of NaN; places as they are."""
    if given.ndim == 1:
        return given.astype(np.int64)
    lost = np.isnan(given).any(1)
    best: Places = np.where(lost[:, None], 0.0, given).argmax(1).astype(np.int64)
    return np.where(lost, UNKNOWN, best)


def confidence_of(given: NDArray[Any]) -> Floats:
    """(n,) how sure the answers are: their probability; -1 where there is no answer, 1 where there are only places."""
    if given.ndim == 1:
        return np.where(given == UNKNOWN, -1.0, 1.0)
    lost = np.isnan(given).any(1)
    sure: Floats = np.where(lost[:, None], -1.0, given).max(1, initial=-1.0).astype(np.float64)
    return sure


def _with_intervals(
    task: str,
    statistics: Mapping[str, Statistic],
    details: Mapping[str, Mapping[str, Any]],
    rows: Encoded,
    resamples: int,
    seed: int,
) -> list[Measured]:
    samples = bootstrap(statistics, rows.clusters, resamples, seed)
    found = []
    for name, statistic in statistics.items():
        value = value_of(statistic, len(rows))
        drawn = samples[name]
        if name == "ece" and not np.isnan(drawn).all():
            # A calibration error is a sum of gaps without their signs, which noise only widens: resamples lie above the
            # estimate. That is taken back, or the interval of a good method would leave its own estimate out.
            drawn = np.clip(drawn - (np.nanmean(drawn) - value), 0, 1)
        low, high = interval(drawn, rows.clusters)
        n = int(details[name]["kept"]) if name == "accuracy@threshold" else len(rows)
        low, high = _never_certain(name, value, low, high, min(n, len(set(rows.clusters))))
        found.append(Measured(task, name, _some(value), low, high, n, dict(details.get(name, {}))))
    return found


def _never_certain(
    metric: str, value: float, low: float | None, high: float | None, clusters: int
) -> tuple[float | None, float | None]:
    """A share of rows never is certain (see `never_certain`); macro-F1 takes the bound of accuracy."""
    if metric not in ("accuracy", "macro_f1", "coverage@threshold", "accuracy@threshold"):
        return low, high
    return never_certain(value, low, high, clusters)


def _confusion(task: str, truth: Places, predicted: Places, labels: Sequence[str]) -> Measured:
    """`matrix[i][j]`: rows of class i called j."""
    k = len(labels)
    answered = predicted >= 0
    matrix = np.bincount(truth[answered] * k + predicted[answered], minlength=k * k).reshape(k, k)
    missing = np.bincount(truth[~answered], minlength=k)
    detail = {"labels": list(labels), "matrix": matrix.tolist(), "unanswered": missing.tolist()}
    return Measured(task, "confusion", None, None, None, len(truth), detail)


def _reliability(task: str, confidence: Floats, right: NDArray[np.bool_]) -> Measured:
    """Per bin that is not empty: its edges, how sure and how often right on average, how many."""
    answered = confidence >= 0
    place = bin_of(confidence[answered])
    bins = []
    for b in np.unique(place):
        inside = place == b
        bins.append({
            "from": round(float(b) / BINS, 4), "to": round(float(b + 1) / BINS, 4), "n": int(inside.sum()),
            "confidence": round(float(confidence[answered][inside].mean()), 6),
            "accuracy": round(float(right[answered][inside].mean()), 6),
        })  # fmt: skip
    return Measured(task, "reliability", None, None, None, int(answered.sum()), {"bins": bins})


def _curve(confidence: Floats, right: NDArray[np.bool_]) -> list[dict[str, float]]:
    """Coverage, accuracy and threshold at up to 100 places, surest first."""
    order = np.argsort(-confidence, kind="stable")
    sure = confidence[order]
    ends = np.flatnonzero(np.append(sure[1:] != sure[:-1], True)) if len(sure) else np.array([], dtype=np.int64)
    ends = ends[sure[ends] >= 0]
    if len(ends) > CURVE_POINTS:
        ends = ends[np.unique(np.linspace(0, len(ends) - 1, CURVE_POINTS).round().astype(np.int64))]
    hits = np.cumsum(right[order])
    return [
        {
            "coverage": round((int(end) + 1) / len(sure), 6),
            "accuracy": round(float(hits[end]) / (int(end) + 1), 6),
            "threshold": round(float(sure[end]), 6),
        }
        for end in ends
    ]


def paired_difference(
    task: str,
    metric: str,
    first: NDArray[Any],
    second: NDArray[Any],
    encoded: Encoded,
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> Measured:
    """`metric` of the first method minus that of the second on the same rows, labelled for the task.

    Both meet the same resamples, so what makes a sample easy or hard for both cancels out. `detail.p` is two-sided.
    """
    known = encoded.known(task)
    rows = encoded.rows(known)
    truth = rows.targets[task]
    one, other = (statistic_of(metric, np.asarray(given)[known], truth) for given in (first, second))
    samples = bootstrap({"difference": lambda w: one(w) - other(w)}, rows.clusters, resamples, seed)["difference"]
    value = _some(value_of(one, len(rows)) - value_of(other, len(rows)))
    low, high = interval(samples, rows.clusters)
    p = None if low is None else two_sided_p(samples)
    return Measured(task, f"{metric}_difference", value, low, high, len(rows), {"p": p})


def _some(value: float) -> float | None:
    return None if np.isnan(value) else value
