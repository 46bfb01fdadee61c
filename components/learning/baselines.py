"""What a trained model has to beat: a lexicon, the most frequent label, a label drawn at random, a straight line.

Read: texts, or vectors that encoders made; labelled rows to learn from. Needed: vaderSentiment and scikit-learn,
imported when they are used.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.errors import UserError

VADER_THRESHOLD = 0.05
"""Hutto and Gilbert 2014, and the README of vaderSentiment: compound >= 0.05 is positive, <= -0.05 negative."""

SENTIMENTS = ("positive", "neutral", "negative")
REGULARISATION = (0.001, 0.01, 0.1, 1.0)
"""Of the linear probe; the best on three folds of the training rows is taken."""


def vader(texts: Sequence[str], task: str, labels: Sequence[str]) -> NDArray[np.int64]:
    """(n,) places in `labels` by VADER's compound score. English only: other languages come out neutral."""
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    if not set(SENTIMENTS) <= set(labels):
        raise UserError(
            f"method vader: it answers {', '.join(SENTIMENTS)}, but {task} has the labels {', '.join(labels)}; "
            "map them with a label map, or leave vader out"
        )
    analyser = SentimentIntensityAnalyzer()
    positive, neutral, negative = (list(labels).index(label) for label in SENTIMENTS)
    scores = np.array([analyser.polarity_scores(text)["compound"] for text in texts], dtype=np.float64)
    found = np.where(scores >= VADER_THRESHOLD, positive, np.where(scores <= -VADER_THRESHOLD, negative, neutral))
    return found.astype(np.int64)


def shares(targets: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    """(k,) shares of the labels among the known ones of `targets`."""
    counts = np.bincount(targets[targets >= 0], minlength=k).astype(np.float64)
    found: NDArray[np.float64] = counts / counts.sum()
    return found


def smoothed_shares(targets: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    """(k,) shares above 0: each label counts as if it had been seen once more (Laplace)."""
    counts = np.bincount(targets[targets >= 0], minlength=k) + 1.0
    found: NDArray[np.float64] = counts / counts.sum()
    return found


def majority(targets: NDArray[np.int64], n: int, k: int) -> NDArray[np.float64]:
    """(n, k): the shares of the labels in each row; the most probable is the most frequent, equal ones the first."""
    return np.tile(shares(targets, k), (n, 1))


def prior(targets: NDArray[np.int64], n: int, k: int, seed: int) -> NDArray[np.int64]:
    """(n,) places drawn by the shares of the labels."""
    return np.random.default_rng(seed).choice(k, size=n, p=shares(targets, k)).astype(np.int64)


def linear_probe(
    rows: NDArray[np.float32], targets: NDArray[np.int64], test: NDArray[np.float32], k: int, seed: int = 0
) -> NDArray[np.float64]:
    """(m, k) probabilities for `test` by logistic regression on standardised `rows` (n, dim).

    Rare classes weigh more, by the root of their rarity, as when the network is trained. How far weights are held down
    is chosen on three folds of `rows`. A class that `targets` lacks has probability 0.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss
    from sklearn.model_selection import StratifiedKFold
    from sklearn.preprocessing import StandardScaler
    from threadpoolctl import threadpool_limits

    counts = np.bincount(targets, minlength=k)
    there = np.flatnonzero(counts)
    if len(there) < 2:
        return majority(targets, len(test), k)
    weights = {int(label): float((counts.max() / counts[label]) ** 0.5) for label in there}
    scaler = StandardScaler().fit(rows)
    rows, test = scaler.transform(rows), scaler.transform(test)

    def fitted(c: float, chosen: NDArray[Any]) -> Any:
        model = LogisticRegression(C=c, max_iter=500, class_weight=weights, random_state=seed)
        with threadpool_limits(1):  # its many small products would mostly wait for threads: 6 to 9 times as long here
            return model.fit(rows[chosen], targets[chosen])

    def loss(c: float) -> float:
        folds = StratifiedKFold(3, shuffle=True, random_state=seed)
        losses = []
        for learn, held in folds.split(rows[usable], targets[usable]):
            model = fitted(c, usable[learn])
            losses.append(
                log_loss(targets[usable[held]], model.predict_proba(rows[usable[held]]), labels=model.classes_)
            )
        return float(np.mean(losses))

    # Classes with fewer than three rows cannot be in every fold; they say nothing about the choice.
    usable = np.flatnonzero(counts[targets] >= 3)
    best = min(REGULARISATION, key=loss) if len(np.unique(targets[usable])) > 1 else 0.1
    model = fitted(best, np.arange(len(rows)))
    found = np.zeros((len(test), k))
    found[:, model.classes_] = model.predict_proba(test)
    return found
