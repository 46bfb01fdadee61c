"""Agreement against published examples, against reference packages, and against the definitions written out."""

from itertools import permutations
from pathlib import Path

import krippendorff
import numpy as np
import pytest
from scipy.stats import friedmanchisquare
from sklearn.metrics import cohen_kappa_score

from components.statistics import icc2, icc2k, kendall_w, krippendorff_alpha, over_units, weighted_kappa, within_one

LEVELS = ("nominal", "ordinal", "interval")
_ = np.nan
KRIPPENDORFF_2011 = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, _, _, _],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _, 3],
        [_, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, _],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _],
    ]
)
"""Four observers, twelve units: section C of "Computing Krippendorff's Alpha-Reliability"."""
SHROUT_FLEISS_1979 = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]).T
"""Table 2: four judges, six targets."""
ANXIETY = np.array(
    [
        [3, 3, 3, 4, 5, 5, 2, 3, 5, 2, 2, 6, 1, 5, 2, 2, 1, 2, 4, 3],
        [3, 6, 4, 6, 2, 4, 2, 4, 3, 3, 2, 3, 3, 3, 2, 2, 1, 3, 3, 4],
        [2, 1, 4, 4, 3, 2, 1, 6, 1, 1, 1, 2, 3, 3, 1, 1, 3, 3, 2, 2],
    ]
)
"""Three raters, twenty subjects, many ties: the example of R's package irr."""


def hayes() -> np.ndarray:
    """Five observers, forty articles: table 1 of Hayes and Krippendorff (2007)."""
    return np.genfromtxt(Path(__file__).parent / "hayes_krippendorff_2007.csv", delimiter=",", skip_header=1).T


def random_ratings(seed: int, raters: int = 4, units: int = 30, missing: float = 0.2) -> np.ndarray:
    rng = np.random.default_rng(seed)
    found = np.round(np.clip(rng.normal(6, 1.5, units) + rng.normal(0, 1, (raters, units)), 1, 10))
    found[rng.random(found.shape) < missing] = np.nan
    return found


def alpha_by_definition(ratings: np.ndarray, level: str) -> float:
    """Sums over ordered pairs, one by one, with the metric as the paper prints it."""
    units = [[x for x in column if not np.isnan(x)] for column in ratings.T]
    units = [unit for unit in units if len(unit) > 1]
    every = [x for unit in units for x in unit]
    n_of = {value: every.count(value) for value in sorted(set(every))}

    def apart(c: float, k: float) -> float:
        if level == "nominal":
            return float(c != k)
        if level == "interval":
            return (c - k) ** 2
        low, high = sorted((c, k))
        return (sum(n for g, n in n_of.items() if low <= g <= high) - (n_of[c] + n_of[k]) / 2) ** 2

    observed = sum(sum(apart(*pair) for pair in permutations(unit, 2)) / (len(unit) - 1) for unit in units)
    expected = sum(apart(*pair) for pair in permutations(every, 2)) / (len(every) - 1)
    return 1 - observed / expected


@pytest.mark.parametrize(("level", "published"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_alpha_of_krippendorff_2011(level: str, published: float) -> None:
    found = krippendorff_alpha(KRIPPENDORFF_2011, level)
    assert found == pytest.approx(published, abs=5e-4)
    assert found == pytest.approx(alpha_by_definition(KRIPPENDORFF_2011, level), abs=1e-12)


@pytest.mark.parametrize(("level", "published"), [("nominal", 0.4765), ("ordinal", 0.7598), ("interval", 0.7574)])
def test_alpha_of_hayes_and_krippendorff_2007(level: str, published: float) -> None:
    assert krippendorff_alpha(hayes(), level) == pytest.approx(published, abs=5e-4)
    assert krippendorff_alpha(hayes(), level) == pytest.approx(alpha_by_definition(hayes(), level), abs=1e-12)


def test_the_interval_of_hayes_and_krippendorff_2007() -> None:
    """Theirs, of another bootstrap (it resamples pairs, not units), is 0.7078 to 0.8078; drawing units is wider."""
    found = over_units(krippendorff_alpha, hayes(), level="ordinal")
    assert found.n == 40
    assert 0.60 < found.low < 0.72 < 0.80 < found.high < 0.87


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("seed", range(6))
def test_alpha_equals_the_reference_package(level: str, seed: int) -> None:
    ratings = random_ratings(seed)
    expected = krippendorff.alpha(reliability_data=ratings, level_of_measurement=level)
    assert krippendorff_alpha(ratings, level) == pytest.approx(expected, abs=1e-9)


def test_alpha_of_many_different_values() -> None:
    """Means of repeats are hardly ever equal: the sparse table of values gives what the dense one gives."""
    ratings = random_ratings(1, missing=0) + np.random.default_rng(2).random((4, 30))
    for level in LEVELS:
        expected = krippendorff.alpha(reliability_data=ratings, level_of_measurement=level)
        assert krippendorff_alpha(ratings, level) == pytest.approx(expected, abs=1e-9)


def test_icc_of_shrout_and_fleiss_1979() -> None:
    assert icc2(SHROUT_FLEISS_1979) == pytest.approx(0.29, abs=5e-3)
    assert icc2k(SHROUT_FLEISS_1979) == pytest.approx(0.62, abs=5e-3)
    between, judges, error = 56.208 / 5, 97.458 / 3, 15.292 / 15  # table 3: sums of squares over degrees of freedom
    assert icc2(SHROUT_FLEISS_1979) == pytest.approx(
        (between - error) / (between + 3 * error + 4 * (judges - error) / 6), abs=1e-4
    )
    assert icc2k(SHROUT_FLEISS_1979) == pytest.approx((between - error) / (between + (judges - error) / 6), abs=1e-4)


def test_icc_and_w_of_the_anxiety_ratings() -> None:
    assert icc2(ANXIETY) == pytest.approx(0.198, abs=5e-4)
    assert kendall_w(ANXIETY) == pytest.approx(0.540, abs=5e-4)


def test_icc_leaves_out_units_that_not_all_rated() -> None:
    ratings = random_ratings(3)
    complete = ratings[:, ~np.isnan(ratings).any(0)]
    assert icc2k(ratings) == pytest.approx(icc2k(complete))
    assert over_units(icc2k, ratings).n == complete.shape[1]


@pytest.mark.parametrize("seed", range(4))
def test_w_is_friedmans_statistic(seed: int) -> None:
    """chi squared = m (n - 1) W, ties included."""
    ratings = random_ratings(seed, raters=5, units=12, missing=0)
    expected = friedmanchisquare(*ratings.T).statistic / (5 * 11)
    assert kendall_w(ratings) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("weights", ["quadratic", "linear", "none"])
@pytest.mark.parametrize("seed", range(4))
def test_kappa_equals_scikit_learn(weights: str, seed: int) -> None:
    one, other = random_ratings(seed, raters=2, units=60, missing=0)
    expected = cohen_kappa_score(
        one.astype(int), other.astype(int), labels=list(range(1, 11)), weights=None if weights == "none" else weights
    )
    assert weighted_kappa(one, other, weights) == pytest.approx(expected, abs=1e-12)


def test_kappa_weighs_by_value_and_not_by_place() -> None:
    """Nobody gave 3 to 8: a 2 is still far from a 9."""
    one, other = [1, 2, 9, 9, 2, 1], [1, 9, 9, 9, 2, 2]
    assert weighted_kappa(one, other) < weighted_kappa(one, [1, 1, 9, 9, 2, 2])


def test_within_one_counts_pairs() -> None:
    assert within_one([[5, 5, 1, np.nan], [6, 7, np.nan, 3], [5, np.nan, 1, np.nan]]) == pytest.approx(4 / 5)


def test_perfect_agreement_is_one_and_chance_is_near_zero() -> None:
    same = np.tile(np.arange(1.0, 11), (3, 1))
    for statistic in (krippendorff_alpha, icc2, icc2k, kendall_w, within_one):
        assert statistic(same) == pytest.approx(1.0)
    strangers = np.random.default_rng(5).integers(1, 11, (4, 3000)).astype(float)
    for statistic in (krippendorff_alpha, icc2, icc2k):
        assert abs(statistic(strangers)) < 0.05


@pytest.mark.parametrize(
    "ratings",
    [
        np.empty((2, 0)),
        np.empty((0, 3)),
        np.full((3, 4), np.nan),
        [[5.0], [6.0]],
        [[7, 7, 7], [7, 7, 7]],
        [[1, np.nan], [np.nan, 2]],
        [[1, 2, 3]],
    ],
    ids=["no units", "no raters", "all missing", "one unit", "no variance", "no pairs", "one rater"],
)
def test_what_is_not_defined_is_none_and_never_a_number(ratings: np.ndarray) -> None:
    for statistic in (krippendorff_alpha, icc2, icc2k, kendall_w):
        value = statistic(ratings)
        assert value is None or np.isfinite(value)
        estimate = over_units(statistic, ratings, resamples=50)
        assert all(x is None or np.isfinite(x) for x in (estimate.value, estimate.low, estimate.high))
    assert krippendorff_alpha(np.full((2, 3), 7.0)) is None


def test_wrong_shapes_and_infinities_are_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        krippendorff_alpha([1, 2, 3])
    with pytest.raises(ValueError, match="finite"):
        krippendorff_alpha([[1, np.inf], [1, 2]])
    with pytest.raises(ValueError, match="two raters"):
        over_units(weighted_kappa, np.ones((3, 4)))
