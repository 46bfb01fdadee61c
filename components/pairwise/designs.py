"""Which pairs are asked: all of them, or few that tell most.

A design is a generator of rounds (see contest.Rounds). It draws no random numbers and keeps no state elsewhere: given
the same posts and the same answers it asks for the same pairs, so a run that was killed goes on where it was.
"""

import math
from collections import defaultdict

from components.pairwise.contest import Contest, Match, Rounds
from components.pairwise.spec import PairwiseSpec
from components.pairwise.uncertain import uncertain
from components.records import content_id


def rounds_of(contest: Contest, spec: PairwiseSpec) -> Rounds:
    """The rounds of the spec's design, within its number of pairs."""
    match spec.design:
        case "all":
            return everything(contest, spec.pairs)
        case "swiss":
            return swiss(contest, spec.pairs, spec.rounds)
        case "uncertain":
            budget = spec.pairs or sum(swiss_pairs(contest, spec.rounds))
            return uncertain(contest, budget, spec.rounds or 8)


def most_pairs(contest: Contest, spec: PairwiseSpec) -> int:
    """How many pairs the design asks for at most."""
    there = sum(len(found) for n, t in enumerate(contest.tournaments) for found in t.matches(n).values())
    asked = there if spec.design == "all" else min(there, sum(swiss_pairs(contest, spec.rounds)))
    if spec.design == "uncertain" and spec.pairs:
        asked = there
    return asked if spec.pairs is None else min(asked, spec.pairs)


def everything(contest: Contest, budget: int | None) -> Rounds:
    """Round robin on every board. A budget cuts it so that each two competitors have met about equally often."""
    found: list[tuple[int, str, Match]] = []
    for number, tournament in enumerate(contest.tournaments):
        for matches in tournament.matches(number).values():
            found += [(times, tournament.lot(match), match) for times, match in enumerate(matches)]
    found.sort(key=lambda entry: entry[:2])
    matches = [match for _, _, match in found][:budget]
    if matches:
        yield matches


def usual_rounds(competitors: int) -> int:
    """As many as leave one unbeaten where the better always wins: the binary logarithm, rounded up."""
    return max(1, math.ceil(math.log2(max(2, competitors))))


def swiss_pairs(contest: Contest, rounds: int | None) -> list[int]:
    """How many pairs a Swiss tournament on all boards asks for, by tournament."""
    return [(rounds or usual_rounds(len(t.names))) * (len(t.names) // 2) * len(t.boards) for t in contest.tournaments]


def swiss(contest: Contest, budget: int | None, rounds: int | None) -> Rounds:
    """Each round pairs neighbours in the standing, those who have met least often first; nobody rests twice before all
    have rested once. Every pairing is played on all boards, or on as many as the budget leaves to it."""
    standings = [_Standing(number, contest) for number in range(len(contest.tournaments))]
    turns = rounds or max((usual_rounds(len(t.names)) for t in contest.tournaments), default=1)
    pairings = sum(len(t.names) // 2 for t in contest.tournaments)
    left = budget if budget is not None else sum(swiss_pairs(contest, turns))
    for turn in range(turns):
        share = -(-left // max(1, pairings * (turns - turn)))
        matches = [match for standing in standings for match in standing.draw(share, turn)]
        matches = sorted(matches, key=lambda match: contest.tournaments[match.tournament].lot(match))[:left]
        if not matches:
            return
        left -= len(matches)
        points = yield matches
        for match, won in zip(matches, points, strict=True):
            standings[match.tournament].note(match, won)


class _Standing:
    """One tournament as it stands: points, meetings, rests, and which matches are still to be had."""

    def __init__(self, number: int, contest: Contest) -> None:
        tournament = contest.tournaments[number]
        self.names = tournament.names
        self.lot = content_id(sorted(post.post_id for board in tournament.boards for post in board.posts.values()))
        self.open = {frozenset(pair): matches for pair, matches in tournament.matches(number).items()}
        self.points: dict[str, float] = defaultdict(float)
        self.played: dict[str, int] = defaultdict(int)
        self.met: dict[frozenset[str], int] = defaultdict(int)
        self.rested: dict[str, int] = defaultdict(int)

    def draw(self, share: int, turn: int) -> list[Match]:
        """The matches of a round, on `share` boards per pairing; they are no longer open then."""
        waiting = self._in_order(turn)
        if len(waiting) % 2:
            resting = max(reversed(waiting), key=lambda name: -self.rested[name])
            self.rested[resting] += 1
            waiting.remove(resting)
        matches: list[Match] = []
        while waiting:
            name = waiting.pop(0)
            rivals = [rival for rival in waiting if self.open.get(frozenset((name, rival)))]
            if not rivals:
                continue
            rival = min(rivals, key=lambda rival: self.met[frozenset((name, rival))])  # the first, so the nearest
            waiting.remove(rival)
            pair = frozenset((name, rival))
            matches += self.open[pair][:share]
            self.open[pair] = self.open[pair][share:]
            self.met[pair] += 1
        return matches

    def _in_order(self, turn: int) -> list[str]:
        """Best first, by points per match with half a point beforehand; equal ones in an order drawn for this round."""

        def place(name: str) -> tuple[float, str]:
            return -(self.points[name] + 0.5) / (self.played[name] + 1), content_id("swiss", self.lot, turn, name)

        return sorted(self.names, key=place)

    def note(self, match: Match, won: float | None) -> None:
        if won is None:
            return
        self.points[match.one] += won
        self.points[match.other] += 1 - won
        self.played[match.one] += 1
        self.played[match.other] += 1
