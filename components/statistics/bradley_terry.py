"""Strengths from comparisons in pairs: Bradley and Terry (1952), fitted by Hunter's MM algorithm (2004).

Read: duels (who against whom, who won, on which item). Needed: numpy and scipy. Strengths are on the log scale, their
mean is 0, and the chance that i is preferred to j is 1 / (1 + exp(s_j - s_i)). A tie is half a win for each.

The prior: each player has also won and lost PRIOR duels against one virtual player. Without it who is undefeated would
be infinitely strong, and players that no chain of duels connects could not be compared at all. With it both have finite
strengths; that players of different `group` were never compared, not even through others, is said.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from components.statistics.means import RESAMPLES, SEED
from components.statistics.resampling import LEVEL, Floats, weights

PRIOR = 0.1
_STEPS = 10_000


@dataclass(frozen=True, slots=True)
class Duel:
    """`outcome`: 1 where `one` was preferred, 0 where `other` was, 0.5 for a tie; `item` is drawn as a whole in the
    bootstrap: all duels about one picture say less than as many about different ones."""

    one: str
    other: str
    outcome: float
    item: str


@dataclass(frozen=True, slots=True)
class Strength:
    """`strength` with its 95 % percentile interval over items; `place` 1 is the best, equals share one; `points`: wins
    and half the ties in `duels`; `group`: players of another group were never compared with it."""

    name: str
    strength: float
    low: float | None
    high: float | None
    place: int
    points: float
    duels: int
    group: int


def bradley_terry(wins: Floats, prior: float = PRIOR, start: Floats | None = None, tolerance: float = 1e-10) -> Floats:
    """(n,) log strengths from wins (n, n), row beats column, ties counted half; or (r, n) from (r, n, n).

    MM: pi_i <- W_i / sum_j n_ij / (pi_i + pi_j), Hunter (2004), equation 3; the virtual player is one more row.
    ValueError where a prior of 0 leaves strengths without a bound.
    """
    table = np.asarray(wins, dtype=np.float64)
    if table.ndim not in (2, 3) or table.shape[-1] != table.shape[-2] or (table < 0).any():
        raise ValueError(f"wins are a square table of numbers that are not negative, not {table.shape}")
    batch = table[None] if table.ndim == 2 else table
    n = batch.shape[-1]
    if prior:
        batch = np.pad(batch, ((0, 0), (0, 1), (0, 1)), constant_values=prior)
    elif not all(map(_is_strong, batch)):
        raise ValueError("without a prior everybody must have beaten everybody, if only through others")
    batch = batch * (1 - np.eye(batch.shape[-1]))
    met, won = batch + batch.transpose(0, 2, 1), batch.sum(2)
    strength = np.ones_like(won)
    if start is not None:
        strength[:, :n] = np.exp(start)
    open_ = np.arange(len(batch))
    for _ in range(_STEPS):
        now = strength[open_]
        new = won[open_] / (met[open_] / (now[:, :, None] + now[:, None, :])).sum(2)
        new /= np.exp(np.log(new).mean(1, keepdims=True))
        strength[open_] = new
        open_ = open_[np.abs(np.log(new / now)).max(1) > tolerance]
        if not len(open_):
            break
    found = np.log(strength[:, :n])
    found -= found.mean(1, keepdims=True)
    one: Floats = found[0]
    return one if table.ndim == 2 else found


def rank(
    comparisons: Sequence[Duel],
    names: Sequence[str],
    resamples: int = RESAMPLES,
    seed: int = SEED,
    prior: float = PRIOR,
) -> list[Strength]:
    """Every name with its strength, best first (equals in the order of their names); ValueError for an unknown name."""
    place_of = _places(names)
    one, other, outcome = _columns(comparisons, place_of)
    n = len(names)
    cells, back = one * n + other, other * n + one

    def table(times: Floats) -> Floats:
        """(r, n, n) wins where each duel counts so many times (r, duels)."""
        flat = [
            np.bincount(cells, row * outcome, n * n) + np.bincount(back, row * (1 - outcome), n * n) for row in times
        ]
        return np.array(flat).reshape(len(times), n, n)

    wins = table(np.ones((1, len(outcome))))[0]
    strengths = bradley_terry(wins, prior) if n else np.zeros(0)
    low, high = _intervals(table, [duel.item for duel in comparisons], strengths, resamples, seed, prior)
    groups = _groups(wins)
    order = sorted(range(n), key=lambda i: (-round(float(strengths[i]), 9), names[i]))
    return [
        Strength(
            name=names[i],
            strength=float(strengths[i]),
            low=low[i],
            high=high[i],
            place=1 + int((np.round(strengths, 9) > round(float(strengths[i]), 9)).sum()),
            points=float(wins[i].sum()),
            duels=round(float(wins[i].sum() + wins[:, i].sum())),
            group=groups[i],
        )
        for i in order
    ]


def cycles(comparisons: Sequence[Duel], names: Sequence[str]) -> list[tuple[str, ...]]:
    """Where majorities run in a circle, (a, b, c): a beats b beats c beats a, so that no order of the three is right.

    All circular triads (Kendall and Babington Smith 1940), each once, from its first name on; and of players that are
    in a circle but in no triad one shortest circle.
    """
    place_of = _places(names)
    one, other, outcome = _columns(comparisons, place_of)
    margin = np.zeros((len(names), len(names)))
    np.add.at(margin, (one, other), outcome - 0.5)
    beats = margin - margin.T > 1e-9
    found: list[tuple[int, ...]] = [
        (i, int(j), int(k))
        for i in range(len(names))
        for j in np.flatnonzero(beats[i])
        for k in np.flatnonzero(beats[j] & beats[:, i])
        if i < j and i < k
    ]
    inside = {i for circle in found for i in circle}
    for i in range(len(names)):
        if i not in inside and (circle := _shortest_circle(beats, i)):
            found.append(circle)
            inside |= set(circle)
    return [tuple(names[i] for i in circle) for circle in found]


def _intervals(
    table: Callable[[Floats], Floats], items: Sequence[str], strengths: Floats, resamples: int, seed: int, prior: float
) -> tuple[list[float | None], list[float | None]]:
    n = len(strengths)
    if len(set(items)) < 2 or not n:
        return [None] * n, [None] * n
    drawn = []
    at_once = max(1, 2_000_000 // n**2)
    for part in weights(items, resamples, seed):
        for at in range(0, len(part), at_once):
            drawn.append(bradley_terry(table(part[at : at + at_once]), prior, strengths, 1e-5))
    low, high = np.quantile(np.concatenate(drawn), [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return low.tolist(), high.tolist()


def _places(names: Sequence[str]) -> dict[str, int]:
    found = {name: i for i, name in enumerate(names)}
    if len(found) < len(names):
        raise ValueError("every player has one name of its own")
    return found


def _columns(
    comparisons: Sequence[Duel], place_of: dict[str, int]
) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    for duel in comparisons:
        if duel.one not in place_of or duel.other not in place_of or duel.one == duel.other:
            raise ValueError(f"a duel is between two of the players, not between {duel.one!r} and {duel.other!r}")
        if not 0 <= duel.outcome <= 1:
            raise ValueError(f"an outcome is 1, 0.5 or 0, not {duel.outcome}")
    one = np.array([place_of[duel.one] for duel in comparisons], dtype=np.int64)
    other = np.array([place_of[duel.other] for duel in comparisons], dtype=np.int64)
    return one, other, np.array([duel.outcome for duel in comparisons], dtype=np.float64)


def _is_strong(wins: Floats) -> bool:
    from scipy.sparse.csgraph import connected_components

    return int(connected_components(wins > 0, directed=True, connection="strong")[0]) == 1


def _groups(wins: Floats) -> list[int]:
    from scipy.sparse.csgraph import connected_components

    return [int(group) for group in connected_components(wins + wins.T > 0, directed=False)[1]] if len(wins) else []


def _shortest_circle(beats: NDArray[np.bool_], start: int) -> tuple[int, ...] | None:
    """The shortest way from `start` back to it, breadth first."""
    came: dict[int, int] = {}
    edge = [start]
    while edge:
        following = []
        for i in edge:
            for j in map(int, np.flatnonzero(beats[i])):
                if j == start:
                    way = [i]
                    while way[-1] != start:
                        way.append(came[way[-1]])
                    return tuple(way[::-1])
                if j not in came:
                    came[j] = i
                    following.append(j)
        edge = following
    return None
