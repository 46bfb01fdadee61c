"""Scores against scikit-learn, scipy and figures worked out by hand; intervals against what they promise."""

import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from components.learning.encoded import UNKNOWN, Encoded, Measured
from components.learning.metrics import holm, measure, paired_difference, statistic_of
from components.learning.scores import calibration_error, risk_coverage
from components.statistics.resampling import bootstrap, two_sided_p, value_of, weights
from tests.learning.planted import rows

ABC = {"t": ("a", "b", "c")}


def case(n: int = 300, k: int = 3, seed: int = 0) -> tuple[np.ndarray[Any, Any], Encoded]:
    """Probabilities that are right as often as they say."""
    rng = np.random.default_rng(seed)
    chances = rng.dirichlet(np.full(k, 0.6), n)
    truth = np.array([rng.choice(k, p=row) for row in chances])
    return chances, rows(n, {"t": truth})


def by_name(found: list[Measured]) -> dict[str, Measured]:
    return {row.metric: row for row in found}


def test_scores_are_those_of_scikit_learn_and_scipy() -> None:
    from scipy.stats import spearmanr
    from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, log_loss, mean_absolute_error, r2_score

    chances, data = case()
    truth = data.targets["t"]
    found = by_name(measure({"t": chances}, data, ABC, resamples=100))
    best = chances.argmax(1)
    assert found["accuracy"].value == pytest.approx(accuracy_score(truth, best))
    assert found["macro_f1"].value == pytest.approx(f1_score(truth, best, average="macro"))
    assert found["nll"].value == pytest.approx(log_loss(truth, chances))
    assert found["confusion"].detail["matrix"] == confusion_matrix(truth, best).tolist()
    assert found["confusion"].detail["labels"] == ["a", "b", "c"]

    rng = np.random.default_rng(1)
    value = rng.normal(size=200).round(1)  # with ties
    guess = (value + rng.normal(size=200)).round(1)
    found = by_name(measure({"y": guess}, rows(200, {"y": value}), {}, resamples=100))
    assert found["mae"].value == pytest.approx(mean_absolute_error(value, guess))
    assert found["spearman"].value == pytest.approx(spearmanr(value, guess).statistic)
    assert found["r2"].value == pytest.approx(r2_score(value, guess))


def test_every_resample_scores_as_if_its_rows_were_written_out() -> None:
    """Weights instead of copies change nothing: a resample's macro-F1, correlation, curve are those of its rows."""
    from scipy.stats import spearmanr
    from sklearn.metrics import f1_score

    chances, data = case(60, 5)
    truth, best = data.targets["t"], chances.argmax(1)
    value = np.random.default_rng(2).normal(size=60).round(1)
    guess = value + np.random.default_rng(3).normal(size=60).round(0)
    for w in next(iter(weights(data.clusters, 20, 0))):
        copies = np.repeat(np.arange(60), w.astype(int))
        one = w[None]
        assert statistic_of("macro_f1", chances, truth)(one)[0] == pytest.approx(
            f1_score(truth[copies], best[copies], average="macro")
        )
        assert statistic_of("spearman", guess, value)(one)[0] == pytest.approx(
            spearmanr(value[copies], guess[copies]).statistic
        )
        for name, given, right in (("ece", chances, truth), ("abstention", chances, truth), ("r2", guess, value)):
            written_out = statistic_of(name, given[copies], right[copies])
            assert statistic_of(name, given, right)(one)[0] == pytest.approx(value_of(written_out, 60)), name


def test_calibration_error_by_hand() -> None:
    """Four rows in two of 15 bins: in (0.8, 0.867] sure 0.85 on average, right half the time; in (0.533, 0.6] sure
    0.58, always right. (2 x 0.35 + 2 x 0.42) / 4 = 0.385."""
    confidence = np.array([0.84, 0.86, 0.57, 0.59])
    right = np.array([True, False, True, True])
    assert value_of(calibration_error(confidence, right), 4) == pytest.approx(0.385)
    bins = by_name(
        measure(
            {"t": np.column_stack([confidence, 1 - confidence])},
            rows(4, {"t": (~right).astype(int)}),
            {"t": ("a", "b")},
            resamples=100,
        )
    )["reliability"].detail["bins"]
    assert [(b["n"], b["accuracy"], b["confidence"]) for b in bins] == [(2, 1.0, 0.58), (2, 0.5, 0.85)]


def test_risk_coverage_by_hand() -> None:
    """Kept one by one: errors 0/1, 0/2, 1/3, 1/4; their mean is (0 + 0 + 1/3 + 1/4) / 4."""
    confidence, right = np.array([0.9, 0.8, 0.7, 0.6]), np.array([True, True, False, True])
    assert value_of(risk_coverage(confidence, right), 4) == pytest.approx((1 / 3 + 1 / 4) / 4)
    turned = np.array([2, 0, 3, 1])
    assert value_of(risk_coverage(confidence[turned], right[turned]), 4) == pytest.approx((1 / 3 + 1 / 4) / 4)
    tied = np.full(4, 0.5)  # of equal confidence none comes first: the error of all
    assert value_of(risk_coverage(tied, right), 4) == pytest.approx(1 / 4)


def test_the_threshold_keeps_what_is_sure_and_counts_what_is_right() -> None:
    chances = np.array([[0.9, 0.1], [0.8, 0.2], [0.6, 0.4], [0.55, 0.45]])
    found = by_name(
        measure(
            {"t": chances},
            rows(4, {"t": np.array([0, 1, 0, 1])}),
            {"t": ("a", "b")},
            resamples=100,
            thresholds={"t": 0.8},
        )
    )
    assert found["coverage@threshold"].value == 0.5
    assert (found["accuracy@threshold"].value, found["accuracy@threshold"].n) == (0.5, 2)
    curve = found["abstention"].detail["curve"]
    assert [(p["coverage"], p["accuracy"], p["threshold"]) for p in curve] == [
        (0.25, 1.0, 0.9), (0.5, 0.5, 0.8), (0.75, 0.666667, 0.6), (1.0, 0.5, 0.55),
    ]  # fmt: skip
    kept_none = by_name(
        measure(
            {"t": chances},
            rows(4, {"t": np.array([0, 1, 0, 1])}),
            {"t": ("a", "b")},
            resamples=100,
            thresholds={"t": 1.01},
        )
    )
    assert kept_none["coverage@threshold"].value == 0.0
    assert (kept_none["accuracy@threshold"].value, kept_none["accuracy@threshold"].low) == (None, None)


def test_rows_without_a_label_do_not_count() -> None:
    chances, data = case()
    truth = data.targets["t"].copy()
    truth[100:] = UNKNOWN
    some = replace(data, targets={"t": truth})
    assert measure({"t": chances}, some, ABC, resamples=100) == measure(
        {"t": chances[:100]}, data.rows(np.arange(100)), ABC, resamples=100
    )


@pytest.mark.parametrize("n", [0, 1])
def test_of_no_rows_there_is_no_score_and_of_one_no_interval(n: int) -> None:
    data = rows(n, {"t": np.zeros(n, np.int64), "y": np.ones(n)})
    found = measure({"t": np.full((n, 3), 1 / 3), "y": np.ones(n)}, data, ABC, resamples=100, thresholds={"t": 0.2})
    assert len(found) == 12
    for row in found:
        assert row.low is None and row.high is None
        if n == 0 or row.metric in ("spearman", "r2"):
            assert row.value is None, row
    difference = paired_difference("t", "macro_f1", np.full((n, 3), 1 / 3), np.full((n, 3), 1 / 3), data, resamples=100)
    assert difference.low is None and difference.detail["p"] is None


def test_nothing_is_ever_nan_and_details_are_json() -> None:
    import json

    rng = np.random.default_rng(0)
    for seed in range(20):
        n = int(rng.integers(0, 12))
        chances = rng.dirichlet(np.ones(3), n)
        chances[rng.random(n) < 0.3] = np.nan
        data = rows(
            n,
            {"t": rng.integers(-1, 3, n), "y": np.where(rng.random(n) < 0.5, np.nan, 1.0)},
            clusters=[f"{i % 3}" for i in range(n)],
        )
        for row in measure(
            {"t": chances, "y": rng.normal(size=n)}, data, ABC, resamples=100, seed=seed, thresholds={"t": 0.5}
        ):
            json.dumps([row.value, row.low, row.high, dict(row.detail)], allow_nan=False)
            if row.value is not None and row.low is not None and row.high is not None:
                assert row.low <= row.high


def test_labels_without_probabilities_have_accuracy_and_f1_only() -> None:
    chances, data = case()
    whole, places = (
        by_name(measure({"t": chances}, data, ABC, resamples=100)),
        by_name(measure({"t": chances.argmax(1)}, data, ABC, resamples=100)),
    )
    assert set(places) == {"accuracy", "macro_f1", "confusion"}
    for metric in places:
        assert replace(places[metric], detail={}) == replace(whole[metric], detail={})


def test_no_answer_counts_as_wrong_and_as_least_sure() -> None:
    chances, data = case()
    silent = chances.copy()
    silent[:50] = np.nan
    places = silent_places = np.where(np.arange(300) < 50, UNKNOWN, chances.argmax(1))
    right = (chances.argmax(1) == data.targets["t"])[50:].sum()
    with_chances = by_name(measure({"t": silent}, data, ABC, resamples=100))
    with_places = by_name(measure({"t": silent_places}, data, ABC, resamples=100))
    for found in (with_chances, with_places):
        assert found["accuracy"].value == pytest.approx(right / 300)
        assert found["accuracy"].detail == {"unanswered": 50}
        assert sum(found["confusion"].detail["unanswered"]) == 50
    from sklearn.metrics import f1_score

    assert with_places["macro_f1"].value == pytest.approx(
        f1_score(data.targets["t"], places, labels=[0, 1, 2], average="macro")
    )
    assert with_chances["reliability"].n == 250
    assert with_chances["abstention"].detail["curve"][-1]["coverage"] == pytest.approx(250 / 300, abs=1e-6)


def test_a_class_that_a_resample_lacks_is_left_out_of_it() -> None:
    """One row of class c, predicted right: in a third of the resamples it is missing, and F1 must stay 1 there."""
    truth = np.array([0] * 10 + [1] * 10 + [2])
    chances = np.eye(3)[truth]
    samples = bootstrap({"f": statistic_of("macro_f1", chances, truth)}, [str(i) for i in range(21)], 300, 0)["f"]
    assert (samples == 1).all()


def test_all_right_is_not_certainty() -> None:
    truth = np.zeros(20, np.int64)
    found = by_name(
        measure({"t": np.tile([0.9, 0.1], (20, 1))}, rows(20, {"t": truth}), {"t": ("a", "b")}, resamples=100)
    )
    assert found["accuracy"].value == found["accuracy"].high == 1
    assert found["accuracy"].low == pytest.approx(0.025 ** (1 / 20))  # Clopper and Pearson: 0.8316


def test_the_same_seed_gives_the_same_table() -> None:
    chances, data = case()
    one, two, other = (measure({"t": chances}, data, ABC, resamples=200, seed=s) for s in (3, 3, 4))
    assert one == two != other


def test_clusters_are_drawn_whole() -> None:
    """300 rows that are 30 copied ten times say as much as 30: the interval is as wide as theirs."""
    chances, data = case(30)
    copies = np.repeat(np.arange(30), 10)
    together = replace(data.rows(copies), clusters=[f"c{i}" for i in copies])
    strangers = replace(together, clusters=[str(i) for i in range(300)])
    of = {
        name: by_name(measure({"t": c}, d, ABC, resamples=1000))["accuracy"]
        for name, c, d in (
            ("few", chances, data), ("together", chances[copies], together), ("strangers", chances[copies], strangers)
        )
    }  # fmt: skip
    width = {name: (row.high or 0) - (row.low or 0) for name, row in of.items()}
    assert width["together"] == pytest.approx(width["few"], rel=0.01)
    assert width["strangers"] < 0.45 * width["few"]


@pytest.mark.parametrize(("metric", "size"), [("accuracy", 1), ("macro_f1", 1), ("accuracy", 4)])
def test_intervals_hold_the_truth_about_as_often_as_they_say(metric: str, size: int) -> None:
    """200 samples of 150 rows of one population, in clusters of `size` alike: 89 % of the intervals or more hold it."""
    rng = np.random.default_rng(0)

    def drawn(n: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], list[str]]:
        cluster = np.repeat(np.arange(-(-n // size)), size)[:n]
        truth = rng.integers(0, 3, n)
        skill = rng.beta(6, 3, cluster.max() + 1)[cluster] if size > 1 else np.full(n, 0.67)
        guess = np.where(rng.random(n) < skill, truth, (truth + rng.integers(1, 3, n)) % 3)
        return truth, guess, [str(c) for c in cluster]

    truth, guess, _ = drawn(300_000)
    expected = value_of(statistic_of(metric, guess, truth), len(truth))
    held = 0
    for seed in range(200):
        truth, guess, clusters = drawn(150)
        found = by_name(
            measure({"t": guess}, rows(150, {"t": truth}, clusters=clusters), ABC, resamples=300, seed=seed)
        )
        held += (found[metric].low or 0) <= expected <= (found[metric].high or 0)
    assert 0.89 <= held / 200 <= 0.99


def test_a_paired_difference_sees_what_two_intervals_hide() -> None:
    """B errs where A errs and on 12 rows more: the intervals overlap, the difference leaves out 0."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 300)
    a = np.where(rng.random(300) < 0.7, truth, (truth + 1) % 3)
    worse = rng.choice(np.flatnonzero(a == truth), 12, replace=False)
    b = a.copy()
    b[worse] = (truth[worse] + 1) % 3
    data = rows(300, {"t": truth})
    one, two = (by_name(measure({"t": guess}, data, ABC))["accuracy"] for guess in (a, b))
    assert (two.high or 0) > (one.low or 1)
    found = paired_difference("t", "accuracy", a, b, data)
    assert found.metric == "accuracy_difference"
    assert found.value == pytest.approx(0.04)
    assert (found.low or 0) > 0 and found.detail["p"] < 0.01
    back = paired_difference("t", "accuracy", b, a, data)
    assert (back.value, back.low, back.high) == (
        pytest.approx(-0.04), pytest.approx(-(found.high or 0)), pytest.approx(-(found.low or 0))
    )  # fmt: skip
    same = paired_difference("t", "macro_f1", a, a, data)
    assert (same.value, same.low, same.high, same.detail["p"]) == (0, 0, 0, 1)


def test_no_difference_is_found_where_there_is_none_more_often_than_stated() -> None:
    rng = np.random.default_rng(1)
    found = 0
    for seed in range(200):
        truth = rng.integers(0, 3, 120)
        a, b = (np.where(rng.random(120) < 0.7, truth, (truth + 1) % 3) for _ in range(2))
        p = paired_difference("t", "accuracy", a, b, rows(120, {"t": truth}), resamples=300, seed=seed).detail["p"]
        found += p < 0.05
    assert found <= 20


def test_p_and_interval_agree() -> None:
    assert two_sided_p(np.array([0.1] * 999)) == pytest.approx(2 / 1000)
    assert two_sided_p(np.zeros(999)) == 1
    assert two_sided_p(np.full(10, np.nan)) is None
    samples = np.random.default_rng(0).normal(size=1001)
    assert two_sided_p(samples + 1) == pytest.approx(0.317, abs=0.04)  # one deviation
    assert two_sided_p(samples + 5) == pytest.approx(5.7e-7, rel=0.9)  # five: beyond what a thousand resamples can tell


def test_holm_by_hand() -> None:
    """0.01 x 4, then 0.02 x 3, then 0.03 x 2 raised to the 0.06 before it, then 0.5."""
    assert holm([0.03, 0.01, None, 0.5, 0.02]) == [
        pytest.approx(0.06), pytest.approx(0.04), None, pytest.approx(0.5), pytest.approx(0.06)
    ]  # fmt: skip
    assert holm([]) == [] and holm([None]) == [None]
    assert holm([0.9, 0.8]) == [1.0, 1.0]


def test_a_thousand_resamples_of_five_thousand_rows_take_under_three_seconds() -> None:
    chances, data = case(5000, 14)
    labels = {"t": tuple("abcdefghijklmn")}
    started = time.process_time()
    measure({"t": chances}, data, labels, resamples=1000)
    assert time.process_time() - started < 3
