"""The design `uncertain`: each next pair is the one whose outcome would tell Bradley-Terry most.

What is known of the strengths is taken as a normal distribution around their most probable values (Laplace's
approximation, with a normal prior, so that it exists for who has won, or lost, everything). Asking i against j adds
p (1 - p) to the information along their difference, p being the probability that i wins; the gain in information is
log(1 + p (1 - p) Var(i - j)), the greedy D-optimal choice. A round chooses its pairs one after the other as if the
earlier ones were answered, so that they do not all ask the same.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from components.pairwise.contest import Contest, Match, Rounds

PRIOR_SD = 2.0
"""Of a log-strength: a difference of 2 is won in 88 of 100 meetings."""
STEPS = 50
SETTLED = 1e-9


def uncertain(contest: Contest, budget: int, rounds: int) -> Rounds:
    """About equal rounds until the budget, or what can be asked, is used up."""
    beliefs = [_Belief(number, contest) for number in range(len(contest.tournaments))]
    left = min(budget, sum(belief.left for belief in beliefs))
    for turn in range(rounds):
        matches = _choose(beliefs, -(-left // (rounds - turn)))
        if not matches:
            return
        left -= len(matches)
        points = yield matches
        for match, won in zip(matches, points, strict=True):
            beliefs[match.tournament].note(match, won)
        for number in sorted({match.tournament for match in matches}):
            beliefs[number].settle()


def _choose(beliefs: Sequence["_Belief"], wanted: int) -> list[Match]:
    best = [belief.best() for belief in beliefs]
    matches: list[Match] = []
    while len(matches) < wanted:
        number = max(range(len(best)), key=lambda at: best[at][0], default=-1)
        if number < 0 or best[number][0] <= 0:
            break
        matches.append(beliefs[number].take(best[number][1]))
        best[number] = beliefs[number].best()
    return matches


class _Belief:
    """What is known of one tournament's strengths, and which of its matches are still to be had."""

    def __init__(self, number: int, contest: Contest) -> None:
        tournament = contest.tournaments[number]
        self.place = {name: at for at, name in enumerate(tournament.names)}
        found = [(pair, matches) for pair, matches in tournament.matches(number).items() if matches]
        found.sort(key=lambda entry: tournament.lot(entry[1][0]))  # of equal pairs the first is taken
        self.open = {(self.place[one], self.place[other]): list(reversed(matches)) for (one, other), matches in found}
        n = len(self.place)
        self.wins = np.zeros((n, n))
        self.strengths, self.covariance = np.zeros(n), np.eye(n) * PRIOR_SD**2

    @property
    def left(self) -> int:
        return sum(map(len, self.open.values()))

    def best(self) -> tuple[float, tuple[int, int]]:
        """The largest gain, and the pair of places that has it, the first of equals; (0, ...) where none is left."""
        pairs = [pair for pair, matches in self.open.items() if matches]
        if not pairs:
            return 0.0, (0, 0)
        i, j = np.array(pairs).T
        gains = np.round(np.log1p(self._weight(i, j) * self._spread(i, j)), 9)  # equal ones must look equal everywhere
        at = int(np.argmax(gains))
        return float(gains[at]), pairs[at]

    def take(self, pair: tuple[int, int]) -> Match:
        """Its next match; the covariance becomes what it will be once that is answered."""
        i, j = pair
        along = self.covariance[:, i] - self.covariance[:, j]
        weight = float(self._weight(np.array([i]), np.array([j]))[0])
        self.covariance = self.covariance - np.outer(along, along) * weight / (1 + weight * (along[i] - along[j]))
        return self.open[pair].pop()

    def note(self, match: Match, won: float | None) -> None:
        if won is not None:
            i, j = self.place[match.one], self.place[match.other]
            self.wins[i, j] += won
            self.wins[j, i] += 1 - won

    def settle(self) -> None:
        self.strengths, self.covariance = posterior(self.wins)

    def _weight(self, i: NDArray[np.int_], j: NDArray[np.int_]) -> NDArray[np.float64]:
        p = 1 / (1 + np.exp(self.strengths[j] - self.strengths[i]))
        return p * (1 - p)

    def _spread(self, i: NDArray[np.int_], j: NDArray[np.int_]) -> NDArray[np.float64]:
        return self.covariance[i, i] + self.covariance[j, j] - 2 * self.covariance[i, j]


def posterior(wins: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """`wins` (n, n): how often the row's competitor beat the column's, ties half to each. The most probable
    log-strengths (n,) and their covariance (n, n), under a normal prior; by Newton's method (it is concave)."""
    n, met = len(wins), wins + wins.T
    strengths = np.zeros(n)
    information = np.eye(n) / PRIOR_SD**2
    for _ in range(STEPS):
        p = 1 / (1 + np.exp(strengths[None, :] - strengths[:, None]))
        slope = (wins - met * p).sum(axis=1) - strengths / PRIOR_SD**2
        weights = met * p * (1 - p)
        information = np.diag(weights.sum(axis=1) + 1 / PRIOR_SD**2) - weights
        step = np.linalg.solve(information, slope)
        strengths = strengths + step
        if np.abs(step).max(initial=0.0) < SETTLED:
            break
    return strengths, np.linalg.inv(information).astype(np.float64)
