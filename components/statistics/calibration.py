"""A judge's scores on people's scale: the isotonic map, refused where there are too few ratings to learn it from.

Read: a judge's scores and people's of the same posts. Needed: scikit-learn. The map is a step-free, rising line through
the scores seen; it never reorders posts, it only says what a 7 of this judge means to people. The error after it is of
posts that the map did not see: by halves that would be too hopeful, so in ten folds.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from components.errors import UserError
from components.statistics.means import SEED
from components.statistics.resampling import Floats

LEAST = 30
"""Rated posts: with fewer a rising line through them follows single ratings. In simulation (bench/simulations.py) 30
mend a judge that is a point too high nearly always and are about even for one that is half a point too high; 20 make
that one worse more often than not."""
FOLDS = 10


@dataclass(frozen=True, slots=True)
class Isotonic:
    """Corner points of the map, between which it is linear; outside it stays at its ends. `mae_before` and `mae_after`
    are mean absolute errors to people over the same `n` posts, the latter by cross-validation."""

    scores: tuple[float, ...]
    ratings: tuple[float, ...]
    n: int
    mae_before: float
    mae_after: float

    def of(self, score: float | None) -> float | None:
        """What people would give a post that the judge gives `score`."""
        return None if score is None else float(np.interp(score, self.scores, self.ratings))


def isotonic(
    judge: ArrayLike, people: ArrayLike, least: int = LEAST, clusters: Sequence[Hashable] | None = None
) -> Isotonic:
    """The map from the judge's scores (n,) to people's (n,); pairs with NaN do not count. `clusters` (n,): what each
    post is about; posts about one thing are alike, so they are held out together.

    UserError below `least` pairs, where the judge gave one and the same score to all, or where all are of one cluster.
    """
    one, other = np.asarray(judge, dtype=np.float64), np.asarray(people, dtype=np.float64)
    if one.shape != other.shape or one.ndim != 1:
        raise ValueError(f"one score and one rating per post, not {one.shape} and {other.shape}")
    both = ~np.isnan(one) & ~np.isnan(other)
    one, other = one[both], other[both]
    numbers: dict[Hashable, int] = {}
    names = range(len(both)) if clusters is None else clusters
    group = np.array([numbers.setdefault(names[int(k)], len(numbers)) for k in np.flatnonzero(both)], dtype=np.intp)
    if len(one) < least:
        raise UserError(f"calibrating takes {least} rated posts, there are {len(one)}: rate {least - len(one)} more")
    if len(np.unique(one)) < 2:
        raise UserError(f"the judge gave {one[0]:g} to all {len(one)} rated posts: there is nothing to calibrate")
    if len(numbers) < 2:
        raise UserError(f"all {len(one)} rated posts are about one item: rate posts of others")
    folds = (np.random.default_rng(SEED).permutation(len(numbers)) % FOLDS)[group]
    unseen = np.empty(len(one))
    for fold in range(FOLDS):
        held = folds == fold
        unseen[held] = np.interp(one[held], *_fitted(one[~held], other[~held]))
    scores, ratings = _fitted(one, other)
    return Isotonic(
        tuple(map(float, scores)),
        tuple(map(float, ratings)),
        len(one),
        float(np.abs(one - other).mean()),
        float(np.abs(unseen - other).mean()),
    )


def _fitted(judge: Floats, people: Floats) -> tuple[Sequence[float], Sequence[float]]:
    from sklearn.isotonic import IsotonicRegression

    model = IsotonicRegression(out_of_bounds="clip").fit(judge, people)
    return model.X_thresholds_, model.y_thresholds_
