"""Paired comparisons: the difference, the test, and what failures could have made of them."""

import numpy as np
import pytest
from scipy.stats import permutation_test

from components.statistics import holm, paired, win_rate
from components.statistics.paired import sign_flip_p


def arm(values: list[float | None]) -> dict[str, float | None]:
    return {f"item {at}": value for at, value in enumerate(values)}


def test_by_hand() -> None:
    found = paired(arm([8, 7, 6, 5, None]), arm([6, 7, 7, None, None]), (1, 10))
    assert (found.n, found.units) == (3, 5)
    assert found.difference == pytest.approx(1 / 3)
    assert (found.wins, found.ties, found.losses) == (1, 1, 1)
    assert found.effect_size == pytest.approx((1 / 3) / np.std([2, 0, -1], ddof=1))
    assert (found.failed_treatment, found.failed_baseline) == (1, 2)
    # Treatment 8 7 6 5 and a 1 or a 10; baseline 6 7 7 and two of 10 or 1.
    assert found.bound_low == pytest.approx((26 + 1 - (20 + 20)) / 5)
    assert found.bound_high == pytest.approx((26 + 10 - (20 + 2)) / 5)
    assert not found.robust


def test_a_unit_that_only_one_arm_names_has_failed_in_the_other() -> None:
    found = paired({"a": 5.0, "b": 6.0}, {"a": 4.0, "c": 3.0})
    assert (found.n, found.units, found.failed_treatment, found.failed_baseline) == (1, 3, 1, 1)


def test_failures_are_counted_by_kind() -> None:
    kinds = ({"item 0": "refusal", "item 1": "refusal", "item 3": "left over"}, {})
    found = paired(arm([None, None, None, 5]), arm([4, 4, 4, None]), kinds=kinds)
    assert found.kinds_treatment == {"missing": 1, "refusal": 2}
    assert found.kinds_baseline == {"missing": 1}


def test_without_failures_the_bounds_are_the_difference() -> None:
    found = paired(arm([8, 7, 9]), arm([6, 7, 7]))
    assert found.bound_low == pytest.approx(found.difference)
    assert found.bound_high == pytest.approx(found.difference)
    assert found.robust


def test_the_order_of_the_mappings_does_not_matter() -> None:
    one, other = arm([8, 7, 6, 5, 9, 4]), arm([6, 7, 7, 3, 5, 5])
    assert paired(one, other) == paired(dict(reversed(one.items())), dict(reversed(other.items())))


def test_swapping_the_arms_turns_everything_around() -> None:
    rng = np.random.default_rng(0)
    one, other = (arm(list(rng.normal(6, 1, 50))) for _ in range(2))
    ahead, behind = paired(one, other), paired(other, one)
    assert ahead.difference == pytest.approx(-behind.difference)
    assert ahead.p == behind.p
    assert ahead.effect_size == pytest.approx(-behind.effect_size)
    assert (ahead.wins, ahead.losses) == (behind.losses, behind.wins)


@pytest.mark.parametrize("n", [5, 12, 40])
def test_p_is_that_of_scipys_permutation_test(n: int) -> None:
    gaps = np.random.default_rng(n).normal(0.4, 1, n)

    def mean(x: np.ndarray, axis: int) -> np.ndarray:
        return x.mean(axis)

    theirs = permutation_test((gaps,), mean, permutation_type="samples", n_resamples=20_000, rng=1).pvalue
    assert sign_flip_p(gaps) == pytest.approx(theirs, abs=1e-12 if n <= 12 else 0.01)


def test_p_at_the_edges() -> None:
    assert sign_flip_p(np.zeros(0)) is None
    assert sign_flip_p(np.ones(1)) is None
    assert sign_flip_p(np.zeros(9)) == 1.0
    assert sign_flip_p(np.ones(5)) == pytest.approx(2 / 32)  # five units cannot do better: no claim from five
    assert sign_flip_p(np.full(400, 0.3)) == pytest.approx(1e-4)


def test_nothing_and_one_unit_make_no_claim() -> None:
    nothing, one = paired({}, {}), paired({"a": 9.0}, {"a": 1.0})
    assert (nothing.n, nothing.difference, nothing.p, nothing.bound_low) == (0, None, None, None)
    assert (one.n, one.difference, one.low, one.p, one.effect_size) == (1, 8.0, None, None, None)
    assert not nothing.found
    assert not one.found


def test_a_constant_gain_is_found_though_it_has_no_effect_size() -> None:
    found = paired(arm([6.5] * 20), arm([6.0] * 20))
    assert found.found
    assert found.effect_size is None
    assert (found.wins, found.win_rate.value) == (20, 1.0)
    assert found.win_rate.low < 0.9


def test_rounding_is_no_win() -> None:
    assert paired({"a": 0.1 + 0.2}, {"a": 0.3}).ties == 1


def test_win_rate_counts_ties_as_halves() -> None:
    found = win_rate(30, 20, 10)
    assert found.value == pytest.approx(40 / 60)
    assert found.low < found.value < found.high
    assert win_rate(0, 0, 0).value is None
    assert win_rate(1, 0, 0).low is None


def test_holms_example() -> None:
    """Four p-values of Holm's procedure worked by hand; what has none is left out of the family."""
    assert holm([0.01, 0.04, None, 0.03, 0.005]) == pytest.approx([0.03, 0.06, None, 0.06, 0.02])
