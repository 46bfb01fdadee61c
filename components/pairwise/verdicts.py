"""Rows of `comparisons` -> one verdict per pair: what the view `pair_verdicts` says, for rows in hand.

A post wins a reading that prefers it in both orders; orders that disagree are a tie (Zheng et al. 2023, "Judging
LLM-as-a-Judge", section 3.4, call this the conservative rule); a reading with a failed order counts for nobody.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from components.records import Comparison

ORDERS = ("a", "b")


@dataclass(frozen=True, slots=True)
class PairVerdict:
    """`points_a`: mean over complete readings of 1 for a, 1/2 for a tie, 0 for b; None where none is complete.
    `inconsistent`: readings whose orders disagree; `incomplete`: readings that lack one. `first_won`, `decided`: single
    verdicts of all readings and orders, those for the post shown first, and those that are no tie."""

    post_a: str
    post_b: str
    aspect: str
    points_a: float | None
    readings: int
    inconsistent: int
    incomplete: int
    asked: bool
    first_won: int
    decided: int

    @property
    def verdict(self) -> str:
        if self.points_a is None:
            return "incomplete"
        return "a" if self.points_a > 0.5 else "b" if self.points_a < 0.5 else "tie"

    def points_of(self, post_id: str) -> float | None:
        if self.points_a is None:
            return None
        return self.points_a if post_id == self.post_a else 1 - self.points_a


def pair_verdicts(rows: Iterable[Comparison]) -> list[PairVerdict]:
    """One per pair and aspect, in the order in which they first come; rows of one judge."""
    found: dict[tuple[str, str, str], dict[int, dict[str, str | None]]] = defaultdict(lambda: defaultdict(dict))
    asked: set[tuple[str, str, str]] = set()
    for row in rows:
        pair = (row.post_a, row.post_b, row.aspect)
        reading = found[pair][row.repeat]
        reading[row.shown_first] = reading.get(row.shown_first) or row.verdict
        if row.call_key is not None or row.error is not None:
            asked.add(pair)
    return [_combined(pair, readings, pair in asked) for pair, readings in found.items()]


def _combined(pair: tuple[str, str, str], readings: Mapping[int, Mapping[str, str | None]], asked: bool) -> PairVerdict:
    orders = [(reading.get("a"), reading.get("b")) for reading in readings.values()]
    points = [_points(one, other) for one, other in orders if one and other]
    single = [(order, reading.get(order)) for reading in readings.values() for order in ORDERS]
    return PairVerdict(
        *pair,
        points_a=round(sum(points) / len(points), 6) if points else None,
        readings=len(points),
        inconsistent=sum(bool(one and other and one != other) for one, other in orders),
        incomplete=len(orders) - len(points),
        asked=asked,
        first_won=sum(verdict == order for order, verdict in single),
        decided=sum(verdict in ORDERS for _, verdict in single),
    )


def _points(one: str, other: str) -> float:
    return 0.5 if one != other or one == "tie" else float(one == "a")
