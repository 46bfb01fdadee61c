"""The margin of contradictions: between what is told apart, and never with more false alarms than allowed."""

import numpy as np
import pytest

from components.measures.alarm import Alarm, calibrate, upper_bound


def test_pairs_that_are_told_apart_get_a_margin_half_way_between() -> None:
    right, swapped = np.linspace(-0.3, 0.02, 40), np.linspace(0.2, 0.6, 40)
    alarm = calibrate(right, swapped, 0.05)
    assert alarm.margin == pytest.approx((0.02 + 0.2) / 2)
    assert (alarm.false_alarms, alarm.hits) == (0, 1)
    assert alarm.high == pytest.approx(1 - 0.05 ** (1 / 40), abs=1e-3), (
        "no alarm among 40 does not prove there are none"
    )


@pytest.mark.parametrize("most", [0.01, 0.05, 0.2])
def test_false_alarms_stay_under_the_cap_where_pairs_overlap(most: float) -> None:
    """On the posts that it was calibrated on, and close to it on new ones of the same kind."""
    rng = np.random.default_rng(0)
    new = []
    for _ in range(50):
        right, swapped = rng.normal(0, 1, 200), rng.normal(1, 1, 200)
        alarm = calibrate(right, swapped, most)
        assert alarm.margin is not None and alarm.margin >= 0
        assert (right > alarm.margin).mean() <= most
        assert alarm.false_alarms == pytest.approx((right > alarm.margin).mean())
        new.append((rng.normal(0, 1, 200) > alarm.margin).mean())
    assert np.mean(new) == pytest.approx(most, abs=max(0.012, most / 4))


def test_another_picture_must_fit_better_at_least() -> None:
    """However far apart the pairs are below 0, an alarm says that another one fits better."""
    alarm = calibrate(np.linspace(-1.0, -0.9, 30), np.linspace(-0.5, 0.3, 30), 0.05)
    assert alarm.margin is not None and alarm.margin >= 0


def test_a_batch_that_is_wrong_in_part_raises_no_more_than_the_cap_and_shows_the_worst() -> None:
    rng = np.random.default_rng(1)
    right = np.concatenate([rng.normal(-0.1, 0.03, 90), rng.normal(0.3, 0.03, 10)])
    alarm = calibrate(right, rng.normal(0.3, 0.03, 100), 0.05)
    raised = np.flatnonzero(right > alarm.margin)
    assert 0 < len(raised) <= 5
    assert raised.min() >= 90


def test_too_few_posts_calibrate_nothing() -> None:
    assert calibrate(np.zeros(19), np.ones(19), 0.05) == Alarm(None, 19)
    assert calibrate(np.zeros(0), np.zeros(0), 0.05, margin=0.1) == Alarm(0.1, 0)


def test_a_given_margin_is_kept_and_its_rates_are_told() -> None:
    alarm = calibrate(np.array([0.0] * 15 + [0.3] * 5), np.full(20, 0.2), 0.05, margin=0.25)
    assert (alarm.margin, alarm.false_alarms, alarm.hits) == (0.25, 0.25, 0.0)


def test_the_upper_bound_of_a_share() -> None:
    assert upper_bound(0, 59) == pytest.approx(0.0495, abs=1e-3)  # the rule of three, nearly
    assert upper_bound(5, 5) == 1
