"""Verdicts on pairs -> what they say of the competitors, and of the judge.

Reads rows of `comparisons` (of one judge) and who stands behind each post; writes nothing. Items are drawn as a whole
in every interval: several pairs about one picture say less than as many about different ones. The same rows give the
same figures.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from components.pairwise.prompt import OVERALL
from components.pairwise.rates import Rate, clustered_rate
from components.pairwise.verdicts import PairVerdict, pair_verdicts
from components.records import Comparison

Entrants = Mapping[str, tuple[str, str]]
"""post_id -> (competitor, item_id)."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One competitor: pairs with both orders, how they ended, the share of points (1 for a win, 1/2 for a tie), and its
    strength by Bradley-Terry (log scale, mean 0), each with its interval (none where all items agree: a bootstrap sees
    no doubt there). `place` 1 is the best; `group` differs where no chain of pairs connects."""

    name: str
    pairs: int
    wins: int
    ties: int
    losses: int
    points: Rate
    strength: float
    low: float | None
    high: float | None
    place: int
    group: int


@dataclass(frozen=True, slots=True)
class WinRate:
    """`name` against `other`: pairs with both orders, and the share of points that `name` has of them. `incomplete`
    pairs count for nobody."""

    name: str
    other: str
    wins: int
    ties: int
    losses: int
    incomplete: int
    rate: Rate


@dataclass(frozen=True, slots=True)
class Figures:
    """What one judge's comparisons say, for one aspect. `same`: pairs of equal texts, a tie that nobody was asked
    about; they count for the competitors and not for the judge. `flips`: the share of readings whose verdict changed
    with the order; `first_place`: the share of single verdicts, ties left out, that went to the post shown first (0.5
    if places mean nothing). `failed`: single verdicts that are missing, by error, after repairs."""

    aspect: str
    standings: list[Standing]
    win_rates: list[WinRate]
    pairs: int
    complete: int
    ties: int
    inconsistent: int
    same: int
    flips: Rate
    first_place: Rate
    cycles: list[tuple[str, ...]]
    failed: dict[str, int] = field(default_factory=dict)


def aspects_of(rows: Iterable[Comparison]) -> list[str]:
    """The whole first, then the aspects by name."""
    found = {row.aspect for row in rows}
    return [*({OVERALL} & found), *sorted(found - {OVERALL})]


def figures(rows: Sequence[Comparison], entrants: Entrants, names: Sequence[str], aspect: str = OVERALL) -> Figures:
    """The figures of one judge's rows between these posts; rows of other posts are left out."""
    mine = [row for row in rows if row.aspect == aspect and row.post_a in entrants and row.post_b in entrants]
    verdicts = sorted(pair_verdicts(mine), key=lambda verdict: (verdict.post_a, verdict.post_b))
    asked = [verdict for verdict in verdicts if verdict.asked]
    complete = [verdict for verdict in verdicts if verdict.points_a is not None]
    standings, cycles = _standings(complete, entrants, names)
    return Figures(
        aspect=aspect,
        standings=standings,
        win_rates=win_rates(verdicts, entrants, names),
        pairs=len(verdicts),
        complete=len(complete),
        ties=sum(verdict.verdict == "tie" for verdict in complete),
        inconsistent=sum(verdict.inconsistent for verdict in asked),
        same=len(verdicts) - len(asked),
        flips=_by_item(asked, entrants, lambda verdict: (verdict.inconsistent, verdict.readings)),
        first_place=_by_item(asked, entrants, lambda verdict: (verdict.first_won, verdict.decided)),
        cycles=cycles,
        failed=_failed(mine),
    )


def win_rates(verdicts: Iterable[PairVerdict], entrants: Entrants, names: Sequence[str]) -> list[WinRate]:
    """The matrix of `names`, row by row: one WinRate for each two that met, in both directions."""
    met: dict[tuple[str, str], list[tuple[PairVerdict, str]]] = defaultdict(list)
    for verdict in verdicts:
        one, other = entrants[verdict.post_a][0], entrants[verdict.post_b][0]
        met[one, other].append((verdict, verdict.post_a))
        met[other, one].append((verdict, verdict.post_b))
    pairs = [(name, other) for name in names for other in names if (name, other) in met]
    return [_win_rate(name, other, met[name, other], entrants) for name, other in pairs]


def _win_rate(name: str, other: str, found: Sequence[tuple[PairVerdict, str]], entrants: Entrants) -> WinRate:
    points = [(verdict.points_of(post), entrants[post][1]) for verdict, post in found]
    known = [(won, item) for won, item in points if won is not None]
    counts: dict[str, list[float]] = defaultdict(list)
    for won, item in known:
        counts[item].append(won)
    return WinRate(
        name=name,
        other=other,
        wins=sum(won > 0.5 for won, _ in known),
        ties=sum(won == 0.5 for won, _ in known),
        losses=sum(won < 0.5 for won, _ in known),
        incomplete=len(points) - len(known),
        rate=clustered_rate((sum(won), len(won)) for won in counts.values()),
    )


def _standings(
    complete: Sequence[PairVerdict], entrants: Entrants, names: Sequence[str]
) -> tuple[list[Standing], list[tuple[str, ...]]]:
    from components.statistics.bradley_terry import Duel, cycles, rank

    duels = []
    ends: dict[str, Counter[str]] = defaultdict(Counter)
    points: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for verdict in complete:
        (one, item), (other, _) = entrants[verdict.post_a], entrants[verdict.post_b]
        won = verdict.points_a or 0.0
        duels.append(Duel(one, other, won, item))
        for name, share in ((one, won), (other, 1 - won)):
            ends[name]["wins" if share > 0.5 else "losses" if share < 0.5 else "ties"] += 1
            points[name][item].append(share)
    standings = []
    for strength in rank(duels, names):
        mine, end = points[strength.name], ends[strength.name]
        low, high = _apart(strength.low, strength.high)
        standings.append(
            Standing(
                name=strength.name,
                pairs=end.total(),
                wins=end["wins"],
                ties=end["ties"],
                losses=end["losses"],
                points=clustered_rate((sum(won), len(won)) for _, won in sorted(mine.items())),
                strength=strength.strength,
                low=low,
                high=high,
                place=strength.place,
                group=strength.group,
            )
        )
    return standings, cycles(duels, names)


def _apart(low: float | None, high: float | None) -> tuple[float | None, float | None]:
    """No interval where no resample differs, as of who has won everything: that is not certainty."""
    return (low, high) if low is not None and high is not None and high - low > 1e-6 else (None, None)


def _by_item(
    verdicts: Sequence[PairVerdict], entrants: Entrants, count: Callable[[PairVerdict], tuple[int, int]]
) -> Rate:
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for verdict in verdicts:
        won, n = count(verdict)
        item = sums[entrants[verdict.post_a][1]]
        item[0] += won
        item[1] += n
    return clustered_rate((won, n) for _, (won, n) in sorted(sums.items()))


def _failed(rows: Iterable[Comparison]) -> dict[str, int]:
    """Single verdicts that are still missing, by their latest error."""
    latest: dict[tuple[str, str, int, str], Comparison] = {}
    for row in rows:
        at = (row.post_a, row.post_b, row.repeat, row.shown_first)
        known = latest.get(at)
        if known is None or (known.error and (row.error is None or row.created_at >= known.created_at)):
            latest[at] = row
    return dict(sorted(Counter(row.error for row in latest.values() if row.error).items()))
