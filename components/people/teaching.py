"""How much a person's rating of a post would teach, from what the warehouse knows of it, and why.

A sum of signals, each between 0 and its weight; the weights are judgement, not measurement: disagreement first, since
there a judge is surely wrong somewhere, then closeness to a decision, then doubt about what was written from.
"""

from collections.abc import Sequence
from dataclasses import dataclass

GATE = 7.0
"""The overall score from which a post is taken to be published, unless told otherwise."""
JUDGES_APART, REPEATS_APART, NEAR_GATE, NEAR_RIVAL = 3.0, 1.5, 1.0, 0.5
"""Points at which a signal is at its full weight (apart), or gone (near)."""
FULL_DOUBT = 2
"""Uncertain words from which on more of them say no more."""


@dataclass(frozen=True, slots=True)
class Signals:
    """`overalls`: of each judge that read it; `spread`: the mean standard deviation of an aspect's repeats; `margin`:
    how far it lies from its prompt's next best candidate; `uncertain`: words of its prompt that are near the threshold
    below which they would have been left out; `alarms`: measures that say it contradicts its picture; `unread`:
    readings that failed."""

    overalls: Sequence[float] = ()
    spread: float | None = None
    margin: float | None = None
    uncertain: Sequence[str] = ()
    alarms: Sequence[str] = ()
    unread: int = 0


@dataclass(frozen=True, slots=True)
class Teaching:
    """`reasons` are whole phrases for people, strongest first; none: nothing speaks for this post."""

    value: float
    reasons: tuple[str, ...] = ()


def teaching(signals: Signals, gate: float = GATE) -> Teaching:
    found: list[tuple[float, str]] = []
    if len(signals.overalls) > 1:
        apart = max(signals.overalls) - min(signals.overalls)
        found.append((_share(apart, JUDGES_APART), f"judges are {apart:.1f} apart"))
    if signals.alarms:
        found.append((1.0, f"may contradict its picture ({', '.join(signals.alarms)})"))
    if signals.spread:
        found.append(
            (0.8 * _share(signals.spread, REPEATS_APART), f"the judge's readings differ by {signals.spread:.1f}")
        )
    if signals.overalls:
        mean = sum(signals.overalls) / len(signals.overalls)
        near = 1 - _share(abs(mean - gate), NEAR_GATE)
        found.append((0.6 * near, f"{mean:.1f} is near the {gate:g} from which posts are published"))
    if signals.unread:
        found.append((0.5, f"{signals.unread} reading{'s' if signals.unread > 1 else ''} of the judge failed"))
    if signals.margin is not None:
        near = 1 - _share(abs(signals.margin), NEAR_RIVAL)
        found.append((0.4 * near, f"a close call between candidates ({abs(signals.margin):.1f})"))
    if signals.uncertain:
        doubt = _share(len(signals.uncertain), FULL_DOUBT)
        found.append((0.4 * doubt, f"uncertain words in its prompt: {', '.join(signals.uncertain)}"))
    found = sorted((pair for pair in found if pair[0] > 0), reverse=True)
    return Teaching(round(sum(value for value, _ in found), 6), tuple(reason for _, reason in found))


def _share(value: float, full: float) -> float:
    return min(max(value / full, 0.0), 1.0)
