"""Agreement of two rankings of keywords, against values worked out by hand."""

import pytest

from components.features.keyword_agreement import agreement, jaccard, rank_biased_overlap


def test_overlap() -> None:
    assert jaccard(["a", "B", "c"], ["b", "a", "d"], 2) == 1.0
    assert jaccard(["a", "b", "c"], ["b", "a", "d"], 3) == 0.5
    assert jaccard(["a"], [], 3) == 0.0


def test_rank_biased_overlap() -> None:
    assert rank_biased_overlap(["a", "b", "c"], ["A", "b", "c"]) == pytest.approx(1.0)
    assert rank_biased_overlap(["a", "b"], ["c", "d"]) == 0.0
    assert rank_biased_overlap([], []) == 1.0 and rank_biased_overlap(["a"], []) == 0.0
    # (1-p)/p * (1 p + 1/2 p^2 + 1 p^3) + p^3 for p = 0.9
    expected = 0.1 / 0.9 * (0.9 + 0.5 * 0.81 + 0.729) + 0.729
    assert rank_biased_overlap(["a", "b", "c"], ["a", "c", "b"], 0.9) == pytest.approx(expected)
    # Uneven: agreement 1 at depth 1, and as much assumed beyond the shorter one's end.
    assert rank_biased_overlap(["a"], ["a", "b"], 0.9) == pytest.approx(
        0.1 / 0.9 * (0.9 + 0.5 * 0.81 + 1 * 1 / 2 * 0.81) + (0 / 2 + 1) * 0.81
    )
    assert rank_biased_overlap(["a", "b"], ["a", "x"]) > rank_biased_overlap(["b", "a"], ["x", "a"])


def test_means_have_intervals_and_items_without_words_do_not_count() -> None:
    pairs = [(["a", "b"], ["a", "b"]), (["a", "b"], ["c", "d"]), ([], []), (["a", "b"], ["b", "a"])]
    one, two, rbo = agreement(pairs, 2, resamples=500)
    assert (one.measure, two.measure, rbo.measure) == ("overlap@1", "overlap@2", "rbo@2")
    assert (two.value, two.n, two.skipped) == (pytest.approx(2 / 3), 3, 1)
    assert one.value == pytest.approx(1 / 3)
    assert two.low is not None and two.high is not None and two.low < 2 / 3 < two.high
    assert agreement(pairs, 2, resamples=500) == [one, two, rbo]
    assert all(a.value is None and a.low is None and a.n == 0 for a in agreement([([], [])], 2))


def test_whole_clusters_are_resampled() -> None:
    pairs = [(["a"], ["a"])] * 10 + [(["a"], ["b"])] * 10
    alone = agreement(pairs, 1)[0]
    together = agreement(pairs, 1, clusters=["x"] * 10 + ["y"] * 10)[0]
    assert alone.low is not None and together.low is not None and together.low < alone.low
