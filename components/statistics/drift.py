"""Whether a judge has drifted: the cumulative sum chart of Page (1954), tabular and two-sided."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isnan


@dataclass(frozen=True, slots=True)
class Cusum:
    """`upper` and `lower`, one number per value, in standard deviations: how far the values have gone above and below
    the target, less the slack. `alarm_at`: the place of the first that is above the threshold, None without one;
    `direction`: up or down; `since`: the place of the first value of that excursion, where the shift is thought to
    have begun."""

    upper: tuple[float, ...]
    lower: tuple[float, ...]
    alarm_at: int | None
    direction: str | None = None
    since: int | None = None


def cusum(
    values: Sequence[float | None], target: float, sd: float, slack: float = 0.5, threshold: float = 5.0
) -> Cusum:
    """Sums what each value lies beyond `slack` standard deviations off the target, and never below 0.

    With these defaults a shift by one standard deviation is found after about 10 values, and a false alarm comes once
    in 465 (Montgomery, Introduction to Statistical Quality Control, section 9.1). `sd` is that of one value (for a mean
    of n anchors the judge's sd / sqrt(n)); where it is 0 every deviation is an alarm. A missing value changes nothing.
    """
    if sd < 0 or slack < 0 or threshold <= 0:
        raise ValueError(f"sd {sd} and slack {slack} must not be negative, threshold {threshold} must be positive")
    sums: tuple[list[float], list[float]] = ([], [])
    began: list[int | None] = [None, None]
    alarm: tuple[int, str, int | None] | None = None
    for at, value in enumerate(values):
        for side, sign in enumerate((1, -1)):
            before = sums[side][-1] if sums[side] else 0.0
            now = before if _is_missing(value) else max(0.0, before + sign * _away(value, target, sd) - slack)
            sums[side].append(now)
            began[side] = None if now == 0 else at if began[side] is None else began[side]
            if alarm is None and now > threshold:
                alarm = (at, ("up", "down")[side], began[side])
    return Cusum(tuple(sums[0]), tuple(sums[1]), *(alarm or (None, None, None)))


def _is_missing(value: float | None) -> bool:
    return value is None or isnan(value)


def _away(value: float | None, target: float, sd: float) -> float:
    difference = (value or 0.0) - target
    if sd > 0:
        return difference / sd
    return 0.0 if difference == 0 else inf if difference > 0 else -inf
