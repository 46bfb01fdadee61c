"""Shares clusters out: by hash, then by the fewest moves that bring sizes and labels near what was asked for.

Read: nothing. Needed: numpy. The hash makes the outcome stable: it says of each cluster alone where it goes, so a
cluster that is added later moves hardly any other. The moves make it fair: they stop as soon as sizes are near enough
and each label is where it is needed.
"""

import json
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from components.records import Example, content_id

NEAR_ENOUGH = 0.1
"""A part may miss its share by a tenth before a cluster is moved: small data moves less when it grows."""
CONSIDERED = 2000
"""Clusters weighed for one move; with more of them, the first by hash and those that hold a missing label."""

Floats = NDArray[np.float64]
Name = TypeVar("Name")


def assign_clusters(
    examples: Sequence[Example],
    clusters: Sequence[str],
    shares: Sequence[float],
    names: Sequence[Name],
    seed: str,
) -> dict[str, Name]:
    """The part of each cluster: by hash, large ones to where most room is, then the moves that help most."""
    chance = {cluster: int(content_id("split", seed, cluster), 16) / 16**20 for cluster in set(clusters)}
    order = sorted(chance, key=lambda cluster: (chance[cluster], cluster))
    place = {cluster: i for i, cluster in enumerate(order)}
    held, sizes = _held_labels(examples, [place[cluster] for cluster in clusters], len(order))
    goal = np.array(shares) * len(examples)
    parts = np.searchsorted(np.cumsum(shares)[:-1], [chance[cluster] for cluster in order], "right")
    large = sorted(np.flatnonzero(sizes > goal.min() / 2).tolist(), key=lambda i: (-sizes[i], i))
    used = np.zeros(len(shares))
    for i in large:
        parts[i] = int(np.argmax(goal - used))
        used[parts[i]] += sizes[i]
    for _ in range(len(order) + CONSIDERED):
        if not _move_one(parts, sizes, held, goal):
            break
    return {cluster: names[parts[i]] for cluster, i in place.items()}


def _held_labels(examples: Sequence[Example], places: Sequence[int], n: int) -> tuple[Floats, Floats]:
    """How many examples of each label a cluster holds, (n, labels), and how many examples in all, (n,). Numbers count
    as low, middle or high."""
    labels = [json.loads(example.labels) for example in examples]
    numbers: dict[str, list[float]] = {}
    for found in labels:
        for task, value in found.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                numbers.setdefault(task, []).append(value)
    thirds = {task: np.quantile(sorted(values), (1 / 3, 2 / 3)) for task, values in numbers.items()}

    def key(task: str, value: Any) -> tuple[str, str]:
        is_number = task in thirds and isinstance(value, int | float)
        return task, str(np.searchsorted(thirds[task], value)) if is_number else str(value)

    keys = [[key(task, value) for task, value in found.items() if value is not None] for found in labels]
    column = {name: i for i, name in enumerate(sorted({name for one in keys for name in one}))}
    held, sizes = np.zeros((n, len(column))), np.zeros(n)
    for place, names in zip(places, keys, strict=True):
        sizes[place] += 1
        for name in names:
            held[place, column[name]] += 1
    return held, sizes


def _move_one(parts: NDArray[np.int64], sizes: Floats, held: Floats, goal: Floats) -> bool:
    """Move the one cluster that makes the parts better by most; False when none does."""
    k = len(goal)
    inside = np.array([sizes[parts == part].sum() for part in range(k)])
    labels = np.array([held[parts == part].sum(axis=0) for part in range(k)])
    need = _needed(held, goal)
    now = np.array([_badness(inside[p], labels[p], goal[p], need[p]) for p in range(k)])
    if not now.any():
        return False
    short = (labels < need).any(axis=0)
    best = (-1e-9, 0, 0)
    for source in range(k):
        movable = np.flatnonzero(parts == source)
        if len(movable) > CONSIDERED:
            wanted = [movable[held[movable, label] > 0][:CONSIDERED] for label in np.flatnonzero(short)]
            movable = np.unique(np.concatenate([movable[:CONSIDERED], *wanted]))
        if not len(movable):
            continue
        without = _badness(inside[source] - sizes[movable], labels[source] - held[movable], goal[source], need[source])
        for target in range(k):
            if target == source:
                continue
            after = _badness(
                inside[target] + sizes[movable], labels[target] + held[movable], goal[target], need[target]
            )
            change = without + after - now[source] - now[target]
            at = int(np.argmin(np.round(change, 9)))
            if change[at] < best[0] - 1e-9:
                best = (float(change[at]), int(movable[at]), target)
    if best[0] > -1e-8:
        return False
    parts[best[1]] = best[2]
    return True


def _needed(held: Floats, goal: Floats) -> Floats:
    """How many examples of each label each part should have at least, (parts, labels): half of its share. A label of
    too few clusters for all parts goes to the first and the last: training and test."""
    of_clusters = (held > 0).sum(axis=0)
    total = held.sum(axis=0)
    need = np.maximum(1, np.floor(0.5 * np.outer(goal / goal.sum(), total)))
    for part in range(1, len(goal)):
        last = part == len(goal) - 1
        need[part, of_clusters < (2 if last else len(goal))] = 0
    return need


def _badness(inside: Any, labels: Floats, goal: float, need: Floats) -> Any:
    """How far a part (or each of m candidates for it) is from its size and its labels; 0 is good enough. An absent
    label weighs more than any size."""
    off = np.abs(inside - goal) / goal
    missing = np.maximum(0, need - labels) / np.maximum(need, 1)
    absent = (labels == 0) & (need > 0)
    return np.maximum(0, off - NEAR_ENOUGH) + missing.sum(axis=-1) + 4 * absent.sum(axis=-1) + 8 * (inside == 0)
