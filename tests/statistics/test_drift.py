"""The drift alarm: a textbook's chart, and how soon and how often it rings."""

import numpy as np
import pytest

from components.statistics import cusum

MONTGOMERY = [
    9.45, 7.99, 9.29, 11.66, 12.16, 10.18, 8.04, 11.46, 9.20, 10.34, 9.03, 11.47, 10.51, 9.40, 10.08,
    9.37, 10.62, 10.31, 8.52, 10.84, 10.90, 9.33, 12.29, 11.50, 10.60, 11.08, 10.38, 11.62, 11.31, 10.52,
]  # fmt: skip
"""Introduction to Statistical Quality Control, table 9.1: the last ten are one standard deviation higher."""


def test_montgomerys_example() -> None:
    """Table 9.2: the upper sum passes 5 at the 29th value with 5.28, counted from the 23rd on."""
    found = cusum(MONTGOMERY, target=10, sd=1)
    assert found.upper[28] == pytest.approx(5.28)
    assert (found.alarm_at, found.direction, found.since) == (28, "up", 22)
    assert max(found.lower) < 5


def test_a_fall_is_found_like_a_rise() -> None:
    found = cusum([20 - value for value in MONTGOMERY], target=10, sd=1)
    assert (found.alarm_at, found.direction) == (28, "down")


def test_run_lengths_are_those_of_the_textbook() -> None:
    """Without a shift about 465 values to an alarm, after a shift by one standard deviation about 10."""
    rng = np.random.default_rng(0)

    def until_alarm(shift: float, longest: int) -> float:
        lengths = []
        for _ in range(200):
            at = cusum(list(rng.normal(shift, 1, longest)), 0, 1).alarm_at
            lengths.append(longest if at is None else at + 1)
        return float(np.mean(lengths))

    assert 8.5 < until_alarm(1.0, 200) < 12.5
    assert 340 < until_alarm(0.0, 3000) < 600


def test_a_missing_reading_changes_nothing() -> None:
    with_gaps = cusum([10.9, None, 10.9, float("nan")], 10, 1)
    assert with_gaps.upper == pytest.approx((0.4, 0.4, 0.8, 0.8))


def test_a_judge_without_noise_alarms_at_any_change() -> None:
    assert cusum([7, 7, 7], 7, 0).alarm_at is None
    assert cusum([7, 7, 6.5], 7, 0).alarm_at == 2
    assert cusum([], 7, 1).alarm_at is None


def test_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        cusum([1], 1, -1)
