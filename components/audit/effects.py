"""What moves a judge besides a post's worth: effects with intervals, p-values by Holm, alarms.

A unit is a post of the material with all that was made of it, so its arms are one observation. An effect is the mean
over units (of the scale: a slope over them) with its 95 % interval and two-sided p by Student's t. An alarm needs both:
a p below 0.05 after Holm's correction over all probes of the audit, which bounds the chance of any false alarm by 5 %,
and an effect of at least the smallest that matters, in the direction that is a fault. Small effects that are sure and
large ones that are not raise none; the table shows both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import sqrt
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from components.statistics import holm

Side = Literal["up", "down", "both"]
Unit = Literal["points", "share", "slope"]
ALPHA = 0.05
FEWEST = 5
"""Units below which nothing is tested."""
EQUAL = 1e-9


@dataclass(frozen=True, slots=True)
class Rule:
    """`fair`: the value of a judge without the fault; `smallest`: how far from it an alarm begins; `side`: where the
    fault lies."""

    unit: Unit
    smallest: float
    side: Side
    fair: float = 0.0


RULES: dict[str, Rule] = {
    "pair_position": Rule("share", 0.10, "both"),
    "context_position": Rule("points", 0.3, "both"),
    "length": Rule("points", 0.3, "up"),
    "style": Rule("points", 0.4, "up"),
    "own_family": Rule("points", 0.5, "up"),
    "leniency": Rule("points", 0.75, "both"),
    "scale": Rule("slope", 0.25, "down", fair=1.0),
    "halo": Rule("points", 0.4, "up"),
    "injection": Rule("points", 0.3, "both"),
    "noise": Rule("points", 0.75, "up"),
}
"""Probe -> rule, in the order of the table. Leniency has a wide one because the levels are one reader's; noise is
tested against its smallest itself: no judge is without any."""


@dataclass(frozen=True, slots=True)
class Effect:
    """`value` with its interval over `n` units, None where it could not be measured (`detail` says why); `failed`:
    readings of its arms without a score."""

    probe: str
    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0
    p: float | None = None
    p_holm: float | None = None
    alarm: bool = False
    failed: int = 0
    detail: Mapping[str, Any] = field(default_factory=dict)

    @property
    def rule(self) -> Rule:
        return RULES[self.probe]

    @property
    def excess(self) -> float | None:
        """How far the value lies from that of a fair judge."""
        return None if self.value is None else self.value - self.rule.fair


Floats = NDArray[np.float64]


def decide(effects: Sequence[Effect]) -> list[Effect]:
    """Holm's correction over those that were tested, and the alarms."""
    corrected = holm([effect.p for effect in effects])
    return [replace(e, p_holm=p, alarm=_alarm(e, p)) for e, p in zip(effects, corrected, strict=True)]


def _alarm(effect: Effect, p: float | None) -> bool:
    excess, rule = effect.excess, effect.rule
    if excess is None or p is None or p >= ALPHA or abs(excess) < rule.smallest - EQUAL:
        return False
    return rule.side == "both" or (excess > 0) == (rule.side == "up")


def not_measured(probe: str, why: str) -> Effect:
    return Effect(probe, None, detail={"why": why})


def of_units(probe: str, values: Sequence[float] | Floats, failed: int = 0, **detail: Any) -> Effect:
    """The mean over units; NaN is a unit whose arms failed."""
    kept = np.asarray(values, dtype=float)
    kept = kept[~np.isnan(kept)]
    n = len(kept)
    if not n:
        return replace(not_measured(probe, "every reading of it failed"), failed=failed)
    value = float(kept.mean())
    low, high, p = by_t(value, float(kept.std(ddof=1)) / sqrt(n) if n > 1 else None, n - 1, RULES[probe].fair)
    return Effect(probe, value, low, high, n, p if n >= FEWEST else None, failed=failed, detail=detail)


def by_t(value: float, error: float | None, free: int, fair: float) -> tuple[float | None, float | None, float | None]:
    """The interval and the two-sided p; where nothing varies there is no doubt either."""
    if error is None or free < 1:
        return None, None, None
    if error < EQUAL:
        return value, value, 1.0 if abs(value - fair) < EQUAL else 0.0
    from scipy.special import stdtr, stdtrit

    reach = float(stdtrit(free, 1 - ALPHA / 2)) * error
    return value - reach, value + reach, 2 * float(stdtr(free, -abs(value - fair) / error))
