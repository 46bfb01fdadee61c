"""Designs: which pairs are asked, in which rounds, within a budget; the same ones for the same answers."""

from collections import Counter
from itertools import combinations

import numpy as np
import pytest

from components.pairwise import Contest, Match, PairwiseSpec, play, rounds_of
from components.pairwise.contest import Board, Tournament
from components.pairwise.designs import most_pairs
from components.pairwise.uncertain import posterior
from tests.pairwise.posts import arms, candidates

FIVE = {"a": 5.0, "b": 4.0, "c": 3.0, "d": 2.0, "e": 1.0}


def run(contest: Contest, qualities: dict[str, float] | None = None, **spec: object) -> list[list[Match]]:
    """The rounds, where the better always wins; without qualities nothing comes of any pair."""
    rounds: list[list[Match]] = []

    def ask(matches: object) -> list[float | None]:
        rounds.append(list(matches))  # type: ignore[call-overload]
        if qualities is None:
            return [None] * len(rounds[-1])
        return [float(np.sign(qualities[match.one] - qualities[match.other]) + 1) / 2 for match in rounds[-1]]

    how = PairwiseSpec(**spec)  # type: ignore[arg-type]
    total = play(rounds_of(contest, how), ask)
    matches = [match for matches in rounds for match in matches]
    assert total == len(matches) <= most_pairs(contest, how)
    met = Counter((m.tournament, m.board, *sorted((m.one, m.other))) for m in matches)
    assert max(met.values(), default=1) == 1, "no two posts are asked about twice"
    return rounds


def meetings(rounds: list[list[Match]]) -> Counter[frozenset[str]]:
    return Counter(frozenset((match.one, match.other)) for matches in rounds for match in matches)


def test_all_is_every_pair_on_every_board_and_a_budget_cuts_evenly() -> None:
    contest = arms(FIVE, 6)
    assert meetings(run(contest)) == {frozenset(pair): 6 for pair in combinations(FIVE, 2)}
    cut = run(contest, pairs=33)
    assert len(cut) == 1 and Counter(meetings(cut).values()) == {3: 7, 4: 3}
    assert run(contest, pairs=33) == cut == [run(contest, pairs=60)[0][:33]], (
        "a larger budget asks for more, not others"
    )


def test_candidates_meet_within_their_prompt_only() -> None:
    contest = candidates([[1, 2, 3], [2, 1], [1, 2, 3, 4]])
    (matches,) = run(contest)
    assert Counter(match.tournament for match in matches) == {0: 3, 1: 1, 2: 6}


def test_an_arm_without_a_post_on_a_board_does_not_play_there() -> None:
    whole = arms({"a": 1, "b": 2, "c": 3}, 2)
    (tournament,) = whole.tournaments
    first = {name: post for name, post in tournament.boards[0].posts.items() if name != "b"}
    boards = (Board("i0", first), tournament.boards[1])
    contest = Contest("arm", (Tournament(tournament.names, boards),), {"b": 1})
    for design in ("all", "swiss", "uncertain"):
        matches = [match for matches in run(contest, design=design, rounds=6) for match in matches]
        assert all(match.board == 1 for match in matches if "b" in (match.one, match.other))
    assert len(run(contest)[0]) == 4


def test_swiss_pairs_neighbours_and_finds_the_best_with_few_pairs() -> None:
    qualities = {f"arm {n}": float(n) for n in range(8)}
    rounds = run(arms(qualities, 3), qualities, design="swiss")
    assert [len(matches) for matches in rounds] == [12, 12, 12], "three rounds of four pairings on three boards"
    assert all(len({match.one, match.other}) == 2 for matches in rounds for match in matches)
    won: Counter[str] = Counter()
    for matches in rounds:
        assert len({name for match in matches for name in (match.one, match.other)}) == 8
        if matches is not rounds[0]:
            gaps = [abs(won[match.one] - won[match.other]) for match in matches]
            assert max(gaps) <= 6, "nobody plays far above or below"
        for match in matches:
            won[max(match.one, match.other, key=lambda name: qualities[name])] += 1
    assert won.most_common(1) == [("arm 7", 9)]
    assert max(meetings(rounds).values()) == 3, "nobody meets the same rival in two rounds while others are left"


def test_swiss_lets_everybody_rest_in_turn_and_keeps_to_its_budget() -> None:
    rounds = run(arms(FIVE, 20), FIVE, design="swiss", rounds=5, pairs=50)
    resting = [set(FIVE) - {name for match in matches for name in (match.one, match.other)} for matches in rounds]
    assert Counter(name for names in resting for name in names) == dict.fromkeys(FIVE, 1)
    for budget in (1, 3, 7, 100):
        assert sum(map(len, run(arms(FIVE, 20), FIVE, design="swiss", pairs=budget))) == budget
    many = candidates([[1, 2, 3, 4]] * 30)
    assert sum(map(len, run(many, {f"candidate {n}": n for n in range(1, 5)}, design="swiss", pairs=50))) == 50


def test_uncertain_asks_most_where_strengths_are_close() -> None:
    qualities = {"a": 6.0, "b": 5.9, "c": 1.0, "d": 0.0}
    dice = np.random.default_rng(1)
    contest, rounds = arms(qualities, 60), []

    def ask(matches: object) -> list[float | None]:
        rounds.append(list(matches))  # type: ignore[call-overload]
        chances = [1 / (1 + np.exp(qualities[m.other] - qualities[m.one])) for m in rounds[-1]]
        return [float(dice.random() < chance) for chance in chances]

    play(rounds_of(contest, PairwiseSpec(design="uncertain", pairs=120)), ask)
    met = meetings(rounds)
    assert met.total() == 120 and len(rounds) == 8
    assert met[frozenset("ab")] > 2 * max(met[frozenset("ad")], met[frozenset("bd")])
    assert met[frozenset("cd")] > met[frozenset("ad")]


@pytest.mark.parametrize("design", ["all", "swiss", "uncertain"])
def test_the_same_answers_lead_to_the_same_pairs(design: str) -> None:
    contest = arms(FIVE, 7)
    first = run(contest, FIVE, design=design, pairs=40)
    assert run(arms(FIVE, 7), FIVE, design=design, pairs=40) == first
    other = run(contest, dict(zip(FIVE, (1, 5, 2, 4, 3), strict=True)), design=design, pairs=40)
    assert (other == first) == (design == "all"), "adaptive designs depend on the answers"
    assert other[0] == first[0]
    assert run(contest, None, design=design, pairs=40), "failures end no design"


def test_nothing_to_play_is_no_round() -> None:
    for contest in (Contest("arm", (), {}), arms({"a": 1.0}, 3), arms({"a": 1.0, "b": 2.0}, 0)):
        for design in ("all", "swiss", "uncertain"):
            assert run(contest, design=design) == []


def test_the_posterior_knows_a_difference_it_has_seen() -> None:
    wins = np.array([[0, 30, 0], [10, 0, 0], [0, 0, 0]], dtype=float)
    strengths, covariance = posterior(wins)
    assert strengths[0] - strengths[1] == pytest.approx(np.log(3), abs=0.1)
    assert strengths[2] == pytest.approx(0, abs=1e-9) and covariance[2, 2] == pytest.approx(4)
    between = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    assert between == pytest.approx(1 / (40 * 0.75 * 0.25), rel=0.1), "the inverse of the information"
    undefeated, _ = posterior(np.array([[0, 5], [0, 0]], dtype=float))
    assert np.isfinite(undefeated).all() and undefeated[0] > undefeated[1]
