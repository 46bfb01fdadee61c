"""The noise floor: what re-reading the same posts gives, and which differences it hides."""

import numpy as np
import pytest

from components.statistics import differs, noise_floor


def test_the_sd_is_that_within_posts_and_not_between() -> None:
    rng = np.random.default_rng(0)
    worth = rng.normal(6, 3, 4000)
    found = noise_floor(worth + rng.normal(0, 0.8, (3, 4000)))
    assert found.sd.value == pytest.approx(0.8, abs=0.02)
    assert found.sd.low < 0.8 < found.sd.high
    assert (found.sd.n, found.spare) == (4000, 8000)


def test_by_hand() -> None:
    """Posts read 7 8, 5 5, and 6 7 8 with one missing elsewhere: squares 0.5 + 0 + 2 over 1 + 1 + 2."""
    readings = [[7, 5, 6, 9], [8, 5, 7, np.nan], [np.nan, np.nan, 8, np.nan]]
    found = noise_floor(readings)
    assert found.sd.value == pytest.approx((2.5 / 4) ** 0.5)
    assert (found.sd.n, found.spare) == (3, 4)
    assert found.t == pytest.approx(2.776, abs=1e-3)  # Student, 4 degrees of freedom
    assert found.of_posts() == pytest.approx(found.t * found.sd.value * 2**0.5)
    assert found.of_posts(2) == pytest.approx(found.of_posts() / 2**0.5)
    assert found.of_means(50, 50) == pytest.approx(found.of_posts() / 50**0.5)


def test_with_many_readings_it_is_the_repeatability_coefficient() -> None:
    """Bland and Altman: 1.96 x sqrt(2) = 2.77 standard deviations."""
    found = noise_floor(np.random.default_rng(1).normal(5, 1, (2, 5000)))
    assert found.of_posts() == pytest.approx(2.77 * found.sd.value, rel=2e-3)


@pytest.mark.parametrize("readings", [2, 3])
def test_noise_alone_exceeds_the_floor_in_one_of_twenty(readings: int) -> None:
    rng = np.random.default_rng(2)
    floor = noise_floor(rng.normal(6, 1, 300) + rng.normal(0, 0.7, (2, 300)))
    again = rng.normal(0, 0.7, (2, 20_000, readings)).mean(2)
    assert (np.abs(again[0] - again[1]) > floor.of_posts(readings)).mean() == pytest.approx(0.05, abs=0.015)
    means = rng.normal(0, 0.7, (2, 4000, 60)).mean(2)
    assert (np.abs(means[0] - means[1]) > floor.of_means(60, 60)).mean() == pytest.approx(0.05, abs=0.015)


def test_without_repeats_nothing_is_known() -> None:
    for readings in (np.full((1, 5), 7.0), np.empty((2, 0)), [[7, np.nan], [np.nan, 6]]):
        found = noise_floor(readings)
        assert found.sd.value is None
        assert found.of_posts() is None
        assert differs(3.0, found.of_posts()) is None


def test_a_judge_that_repeats_itself_to_the_point_has_no_noise() -> None:
    found = noise_floor(np.tile([5.0, 6, 7], (2, 1)))
    assert found.of_posts() == 0
    assert differs(0.1, found.of_posts()) is True
    assert differs(0.0, found.of_posts()) is False


def test_differs_marks_what_is_below_the_floor() -> None:
    assert differs(-0.5, 0.4) is True
    assert differs(0.4, 0.4) is False
    assert differs(None, 0.4) is None
