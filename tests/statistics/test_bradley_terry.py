"""Rankings from pairs: a planted order comes back, and what a ranking hides is said."""

import choix
import numpy as np
import pytest
from scipy.optimize import minimize

from components.statistics import Duel, bradley_terry, cycles, rank
from components.statistics.bradley_terry import PRIOR

NAMES = [f"writer {letter}" for letter in "abcdef"]


def planted(strengths: np.ndarray, duels: int, seed: int, tie: float = 0.0) -> list[Duel]:
    rng = np.random.default_rng(seed)
    found = []
    for at in range(duels):
        i, j = rng.choice(len(strengths), 2, replace=False)
        won = rng.random() < 1 / (1 + np.exp(strengths[j] - strengths[i]))
        found.append(Duel(NAMES[i], NAMES[j], 0.5 if rng.random() < tie else float(won), f"item {at // 3}"))
    return found


def test_it_recovers_a_planted_order() -> None:
    truth = np.array([0.5, -1.5, 1.5, 0.0, -0.5, 0.9])
    found = rank(planted(truth, 1500, 0), NAMES, 400)
    assert [s.name for s in found] == [NAMES[at] for at in np.argsort(-truth)]
    assert [s.place for s in found] == [1, 2, 3, 4, 5, 6]
    centred = dict(zip(NAMES, truth - truth.mean(), strict=True))
    assert all(abs(s.strength - centred[s.name]) < 0.25 for s in found)
    assert sum(s.low <= centred[s.name] <= s.high for s in found) >= 5
    assert sum(s.duels for s in found) == 3000
    assert sum(s.points for s in found) == pytest.approx(1500)


def test_without_a_prior_it_is_the_maximum_of_the_likelihood() -> None:
    wins = np.array([[0, 7, 9, 4], [3, 0, 6, 5], [1, 4, 0, 3], [6, 2, 5, 0]], dtype=float)
    data = [(i, j) for i in range(4) for j in range(4) for _ in range(int(wins[i, j]))]
    assert bradley_terry(wins, prior=0) == pytest.approx(choix.mm_pairwise(4, data, tol=1e-12), abs=1e-6)


def test_with_ties_and_the_prior_it_is_what_scipy_finds() -> None:
    rng = np.random.default_rng(1)
    wins = rng.integers(0, 6, (5, 5)) + 0.5 * rng.integers(0, 2, (5, 5))
    np.fill_diagonal(wins, 0)

    def loss(x: np.ndarray) -> float:
        """Minus the log likelihood of the duels and of PRIOR wins and losses against the last of x."""
        s, virtual = x[:-1], x[-1]
        of_duels = (wins * -np.logaddexp(0, s[None] - s[:, None])).sum()
        return -(of_duels + PRIOR * (-np.logaddexp(0, virtual - s) - np.logaddexp(0, s - virtual)).sum())

    best = minimize(loss, np.zeros(6), method="BFGS", options={"gtol": 1e-9}).x[:-1]
    assert bradley_terry(wins) == pytest.approx(best - best.mean(), abs=1e-5)


def test_many_tables_at_once_are_each_alone() -> None:
    tables = np.random.default_rng(2).integers(0, 5, (7, 4, 4)).astype(float)
    assert bradley_terry(tables) == pytest.approx(np.array([bradley_terry(table) for table in tables]), abs=1e-8)


def test_undefeated_and_never_compared_players_have_finite_strengths() -> None:
    duels = [Duel("a", "b", 1, "1"), Duel("a", "b", 1, "2"), Duel("c", "d", 1, "3"), Duel("d", "c", 0.5, "4")]
    found = {s.name: s for s in rank(duels, ["a", "b", "c", "d", "e"], 100)}
    assert all(np.isfinite([s.strength, s.low, s.high]).all() for s in found.values())
    assert found["a"].strength > found["c"].strength > found["e"].strength
    assert found["a"].group == found["b"].group != found["c"].group == found["d"].group
    assert found["e"].duels == 0
    with pytest.raises(ValueError, match="without a prior"):
        rank(duels, ["a", "b", "c", "d", "e"], prior=0)


def test_ties_only_share_the_first_place() -> None:
    found = rank([Duel("a", "b", 0.5, "1"), Duel("b", "a", 0.5, "2")], ["b", "a"], 50)
    assert [(s.name, s.place) for s in found] == [("a", 1), ("b", 1)]


def test_swapping_sides_changes_nothing() -> None:
    duels = planted(np.linspace(1, -1, 6), 100, 3, tie=0.2)
    turned = [Duel(duel.other, duel.one, 1 - duel.outcome, duel.item) for duel in duels]
    for one, other in zip(rank(duels, NAMES, 50), rank(turned, NAMES, 50), strict=True):
        assert one.name == other.name
        assert one.strength == pytest.approx(other.strength)
        assert one.low == pytest.approx(other.low, abs=1e-6)


def test_a_planted_cycle_is_reported_and_an_order_has_none() -> None:
    order = [Duel(NAMES[i], NAMES[j], 1, f"{i}{j}") for i in range(6) for j in range(i + 1, 6)]
    assert cycles(order, NAMES) == []
    circle = [Duel("a", "b", 1, "1"), Duel("b", "c", 1, "1"), Duel("c", "a", 1, "1"), Duel("a", "d", 1, "1")]
    assert cycles(circle, ["a", "b", "c", "d"]) == [("a", "b", "c")]
    longer = [Duel(x, y, 1, "1") for x, y in ("ab", "bc", "cd", "da")]
    assert cycles(longer, list("abcd")) == [("a", "b", "c", "d")]
    assert cycles([*circle, Duel("c", "a", 0, "2")], ["a", "b", "c", "d"]) == []  # level by now: nobody beats


def test_no_duels_and_no_players() -> None:
    assert rank([], [], 10) == []
    alone = rank([], ["a", "b"], 10)
    assert [(s.strength, s.low, s.place) for s in alone] == [(0, None, 1), (0, None, 1)]


@pytest.mark.parametrize(
    ("duel", "message"),
    [(Duel("a", "x", 1, "1"), "'x'"), (Duel("a", "a", 1, "1"), "two of the players"), (Duel("a", "b", 2, "1"), "2")],
)
def test_impossible_duels_are_refused(duel: Duel, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        rank([duel], ["a", "b"])
