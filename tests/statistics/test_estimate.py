"""Intervals: the same numbers twice, as fast as a report needs, as often right as they say."""

from time import perf_counter

import numpy as np
import pytest
from scipy.stats import bootstrap

from components.statistics import icc2k, kendall_w, krippendorff_alpha, means, over_units, within_one
from components.statistics.means import bounds, mean_with_interval


def ratings(units: int, raters: int, noise: float, rng: np.random.Generator) -> np.ndarray:
    """Scores of posts of different worth by raters with noise, on whole points."""
    return np.round(np.clip(rng.normal(6, 1.5, units) + rng.normal(0, noise, (raters, units)), 1, 10))


def test_two_thousand_resamples_of_500_units_and_4_raters_are_quick() -> None:
    table = ratings(500, 4, 1.0, np.random.default_rng(0))
    over_units(krippendorff_alpha, table, level="ordinal")
    start = perf_counter()
    over_units(krippendorff_alpha, table, level="ordinal")
    seconds = perf_counter() - start
    print(f"2,000 resamples of 500 units x 4 raters, ordinal alpha: {seconds:.2f} s")
    assert seconds < 2


def test_the_same_numbers_give_the_same_interval_and_another_seed_another() -> None:
    table = ratings(60, 3, 1.0, np.random.default_rng(1))
    one, two = over_units(krippendorff_alpha, table), over_units(krippendorff_alpha, table)
    assert one == two
    assert one != over_units(krippendorff_alpha, table, seed=7)


@pytest.mark.parametrize("method", ["percentile", "bca"])
@pytest.mark.parametrize("statistic", [krippendorff_alpha, icc2k, kendall_w, within_one])
def test_the_vectorised_bootstrap_is_the_plain_one(statistic, method: str) -> None:
    """A function that is called once per resample meets the same resamples and comes to the same interval."""
    table = ratings(40, 3, 1.0, np.random.default_rng(2))
    fast = over_units(statistic, table, 200, method=method)
    slow = over_units(lambda resampled: statistic(resampled), table, 200, method=method)
    for one, other in ((fast.value, slow.value), (fast.low, slow.low), (fast.high, slow.high)):
        assert one == pytest.approx(other, abs=1e-9)
    assert fast.n == slow.n == 40


def test_bca_agrees_with_scipy() -> None:
    rng = np.random.default_rng(3)
    skewed = rng.exponential(2, (1, 80))
    ours = over_units(lambda table: float(table.mean()), skewed, 9999)
    theirs = bootstrap((skewed[0],), np.mean, n_resamples=9999, method="BCa", rng=rng).confidence_interval
    assert ours.low == pytest.approx(theirs.low, abs=0.03)
    assert ours.high == pytest.approx(theirs.high, abs=0.03)


def test_clusters_are_drawn_whole_and_widen_the_interval() -> None:
    rng = np.random.default_rng(4)
    table = np.repeat(ratings(30, 2, 1.2, rng), 4, axis=1)
    alone = over_units(krippendorff_alpha, table)
    together = over_units(krippendorff_alpha, table, clusters=[f"item {at // 4}" for at in range(120)])
    assert together.value == alone.value
    assert together.high - together.low > 1.5 * (alone.high - alone.low)


def test_a_share_of_all_is_not_certain() -> None:
    found = over_units(within_one, np.full((2, 20), 5.0))
    assert (found.value, found.high) == (1.0, 1.0)
    assert found.low == pytest.approx(0.025 ** (1 / 20))


def test_bounds_of_a_mean_with_missing_values() -> None:
    assert bounds([8, 6], 2, (1, 10)) == (4.0, 8.5)
    assert bounds([8, 6], 0, (1, 10)) == (7.0, 7.0)
    assert bounds([], 0, (1, 10)) is None


def test_the_interval_of_many_scores_is_that_of_drawing_each_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = np.clip(np.round(4 * np.random.default_rng(3).normal(6, 1.5, 30_000)) / 4, 1, 10)
    quick = mean_with_interval(scores)
    monkeypatch.setattr(means, "MANY", 10**9)
    drawn = mean_with_interval(scores)
    assert (quick["n"], quick["mean"]) == (drawn["n"], drawn["mean"])
    width = (drawn["high"] or 0) - (drawn["low"] or 0)
    assert quick["low"] == pytest.approx(drawn["low"], abs=width / 20)
    assert quick["high"] == pytest.approx(drawn["high"], abs=width / 20)


@pytest.mark.slow
def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """400 worlds of 100 posts and 3 raters each: the interval of alpha, of ICC(2,k) and of a mean holds the value that
    endless posts would have in 93 to 97 % of them (a 95 % one has a standard error of 1.1 points here)."""
    runs, rng = 400, np.random.default_rng(20)
    endless = ratings(400_000, 3, 1.0, rng)
    truth = {"alpha": krippendorff_alpha(endless), "icc2k": icc2k(endless), "mean": float(endless.mean())}
    held = dict.fromkeys(truth, 0)
    for _ in range(runs):
        table = ratings(100, 3, 1.0, rng)
        mean = mean_with_interval(table.mean(0))
        found = {
            "alpha": over_units(krippendorff_alpha, table, 1000),
            "icc2k": over_units(icc2k, table, 1000),
        }
        for name, estimate in found.items():
            held[name] += estimate.low <= truth[name] <= estimate.high
        held["mean"] += mean["low"] <= truth["mean"] <= mean["high"]
    coverage = {name: count / runs for name, count in held.items()}
    print("coverage of 95 % intervals:", ", ".join(f"{name} {share:.1%}" for name, share in coverage.items()))
    assert all(0.93 <= share <= 0.97 for share in coverage.values())


def test_two_units_have_an_interval() -> None:
    ratings = np.array([[4.0, 8.0, 5.0, 9.0], [5.0, 7.0, 5.5, 8.0]])
    found = over_units(krippendorff_alpha, ratings, clusters=["a", "b", "a", "b"])
    assert found.value is not None and found.low is not None and found.high is not None
    assert found.low <= found.value <= found.high
