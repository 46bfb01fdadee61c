"""Scores as functions of weights on the rows, so that a bootstrap's thousand samples are a few matrix products.

Read: predictions and right answers. Needed: numpy. What a statistic takes and gives stands in
`components/statistics/resampling.py`; its NaN never leaves `metrics.py`. A row that a method did not answer has the
place -1: it counts as wrong, and as the least certain of all.
as the least certain of all.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from components.statistics.resampling import Floats, Statistic

Places = NDArray[np.int64]

BINS = 15


def share(counted: NDArray[np.bool_] | Floats, among: NDArray[np.bool_] | None = None) -> Statistic:
    """The weighted mean of `counted`, over the rows of `among`: accuracy, coverage, log loss, mean absolute error."""
    values = counted.astype(np.float64)
    base = np.ones(len(values)) if among is None else among.astype(np.float64)

    def score(weights: Floats) -> Floats:
        return _divided(weights @ (values * base), weights @ base)

    return score


def macro_f1(truth: Places, predicted: Places, labels: int) -> Statistic:
    """The mean F1 of the classes that occur among the right answers or the predictions, as scikit-learn has it.

    A class that a resample lacks on both sides is left out of that resample's mean: it has no F1 there, and counting it
    as 0 would pull the interval below the estimate for nothing but its rarity.
    """
    here = np.union1d(truth, predicted[predicted >= 0]) if len(truth) else np.arange(labels)
    of_truth = (truth[:, None] == here).astype(np.float64)
    of_prediction = (predicted[:, None] == here).astype(np.float64)

    def score(weights: Floats) -> Floats:
        hits = weights @ (of_truth * of_prediction)
        total = weights @ of_truth + weights @ of_prediction
        f1 = _divided(2 * hits, total)
        there = total > 0
        return _divided(np.where(there, f1, 0.0).sum(1), there.sum(1).astype(np.float64))

    return score


def calibration_error(confidence: Floats, right: NDArray[np.bool_], bins: int = BINS) -> Statistic:
    """Expected calibration error (Guo et al. 2017): over bins of equal width, the mean gap between how sure and how
    often right, weighted by the bins' sizes."""
    place = bin_of(confidence, bins)
    member = (place[:, None] == np.arange(bins)).astype(np.float64)
    gaps = member * (right.astype(np.float64) - confidence)[:, None]

    def score(weights: Floats) -> Floats:
        return _divided(np.abs(weights @ gaps).sum(1), weights.sum(1))

    return score


def bin_of(confidence: Floats, bins: int = BINS) -> Places:
    """(n,) bins 0..bins-1; a bin holds its upper edge, the first one also 0."""
    return np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)


def risk_coverage(confidence: Floats, right: NDArray[np.bool_]) -> Statistic:
    """Area under the risk-coverage curve (Geifman et al. 2019): the error among the rows kept, surest first, averaged
    over how many are kept. Rows of equal confidence are kept together, so their order cannot matter. 0 is best."""
    order = np.argsort(-confidence, kind="stable")
    wrong = (~right[order]).astype(np.float64)
    last = np.searchsorted(-confidence[order], -confidence[order], side="right") - 1

    def score(weights: Floats) -> Floats:
        w = weights[:, order]
        kept, errors = np.cumsum(w, axis=1)[:, last], np.cumsum(w * wrong, axis=1)[:, last]
        return _divided((w * _divided(errors, kept, 0.0)).sum(1), w.sum(1))

    return score


def r_squared(truth: Floats, predicted: Floats) -> Statistic:
    """1 minus the squared error over that of always saying the sample's own mean."""
    squares = (truth - predicted) ** 2
    centred = truth - (truth.mean() if len(truth) else 0.0)

    def score(weights: Floats) -> Floats:
        total = weights @ centred**2
        spread = total - _divided((weights @ centred) ** 2, weights.sum(1))
        # Equal answers give a spread that is 0 but for rounding: there is nothing to explain in such a sample.
        return 1 - _divided(weights @ squares, np.where(spread > 1e-9 * total, spread, 0.0))

    return score


def spearman(truth: Floats, predicted: Floats) -> Statistic:
    """Spearman's rank correlation; ties share their mean rank, within each resample anew."""
    ranks = (_ranked(truth), _ranked(predicted))

    def score(weights: Floats) -> Floats:
        n = weights.sum(1, keepdims=True)
        a, b = (rank(weights) - (n + 1) / 2 for rank in ranks)
        spread = np.sqrt((weights * a * a).sum(1) * (weights * b * b).sum(1))
        return _divided((weights * a * b).sum(1), spread)

    return score


def _ranked(values: Floats) -> Callable[[Floats], Floats]:
    """Mid-ranks (r, n) of the rows in samples that hold each row so many times."""
    order = np.argsort(values, kind="stable")
    first = np.searchsorted(values[order], values[order], side="left")
    last = np.searchsorted(values[order], values[order], side="right") - 1
    back = np.argsort(order, kind="stable")

    def ranks(weights: Floats) -> Floats:
        w = weights[:, order]
        total = np.cumsum(w, axis=1)
        below = total[:, first] - w[:, first]
        return ((below + total[:, last] + 1) / 2)[:, back]

    return ranks


def _divided(above: Floats, below: Floats, otherwise: float = np.nan) -> Floats:
    result: Floats = np.full(np.broadcast_shapes(above.shape, below.shape), otherwise)
    return np.divide(above, below, out=result, where=below > 0)
