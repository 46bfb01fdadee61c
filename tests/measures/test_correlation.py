"""Spearman against scipy's, its interval against the truth, and what has none."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from components.measures.correlation import spearman


def test_rho_is_scipys_with_ties_too() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 6, 80).astype(float), rng.normal(size=80)
    assert spearman(x, y + x).rho == pytest.approx(spearmanr(x, y + x).statistic)


def test_a_published_example() -> None:
    """IQ and hours of television, Wikipedia's example: -29/165."""
    iq = [106, 100, 86, 101, 99, 103, 97, 113, 112, 110]
    hours = [7, 27, 2, 50, 28, 29, 20, 12, 6, 17]
    assert spearman(iq, hours).rho == pytest.approx(-29 / 165)


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    rng, held = np.random.default_rng(1), 0
    truth = 6 / np.pi * np.arcsin(0.5 / 2)  # of normal pairs that correlate with 0.5
    for _ in range(60):
        x = rng.normal(size=60)
        found = spearman(x, 0.5 * x + np.sqrt(0.75) * rng.normal(size=60))
        held += found.low <= truth <= found.high
    assert held >= 52


def test_few_or_constant_pairs_have_no_correlation() -> None:
    assert spearman([1.0] * 20, list(range(20))) == (20, None, None, None)
    assert spearman([1, 2, 3], [1, 2, 3]).rho is None
    assert spearman([], []) == (0, None, None, None)
    with pytest.raises(ValueError, match="no pairs"):
        spearman([1.0], [])


def test_thousands_of_posts_are_sampled_and_the_same_twice() -> None:
    x = np.random.default_rng(2).normal(size=5000)
    first = spearman(x, -x)
    assert (first.n, first.rho) == (1000, pytest.approx(-1))
    assert first == spearman(x, -x)
