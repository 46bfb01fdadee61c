"""The tables of an experiment over planted scores: pairing, failures, bounds, Holm, noise, claims."""

import json
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest

from components.experiments.differences import Difference
from components.experiments.scores import NOT_RUN, ArmScores, ItemScore
from components.experiments.tables import changes_of, tables_of
from tests.experiments.planted import an_arm, an_item, both, findings


def noisy(seed: int, n: int, shift: float = 0.0, spread: float = 0.6) -> list[ItemScore]:
    """Item qualities that all arms share, and each arm's own spread."""
    quality = np.random.default_rng(0).normal(6, 1.2, n)
    own = np.random.default_rng(seed).normal(shift, spread, n)
    return [an_item(k, both(float(np.clip(quality[k] + own[k], 1, 10)))) for k in range(n)]


def overall(*arms: ArmScores, **more: Any) -> dict[str, Difference]:
    return {row.arm: row for row in tables_of(findings(*arms, **more)).overall}


def test_a_planted_difference_is_told_apart_and_a_null_one_is_not() -> None:
    found = overall(
        an_arm("base", noisy(1, 60)), an_arm("worse", noisy(2, 60, -0.5)), an_arm("better", noisy(3, 60, 0.5)),
        an_arm("alike", noisy(4, 60)),
    )  # fmt: skip
    assert {name: row.verdict for name, row in found.items()} == {
        "worse": "lower", "better": "higher", "alike": "not told apart",
    }  # fmt: skip
    row = found["worse"]
    assert row.n == 60 and row.low is not None and row.high is not None and row.low < -0.5 < row.high < 0
    assert row.p is not None and row.p_holm is not None and row.p <= row.p_holm <= 3 * row.p
    assert row.wins + row.ties + row.losses == 60 and row.losses > row.wins and (row.win_rate or 1) < 0.5
    assert row.effect_size is not None and row.effect_size < -0.4


def test_pairs_are_by_item_not_by_place() -> None:
    items = noisy(1, 30)
    found = overall(an_arm("base", items), an_arm("same", items[::-1]))
    assert (found["same"].difference, found["same"].ties, found["same"].p) == (0.0, 30, 1.0)


def test_a_failure_is_left_out_of_means_and_bounded() -> None:
    good = [an_item(n, both(6)) for n in range(10)]
    broken = [an_item(n, both(7)) if n < 8 else an_item(n, None, "writing: refusal") for n in range(10)]
    tables = tables_of(findings(an_arm("base", good), an_arm("broken", broken)))
    (row,) = tables.overall
    assert (row.n, row.difference, row.failed_arm, row.failed_baseline) == (8, 1.0, 2, 0)
    assert row.bound_low == pytest.approx((8 * 1 + 2 * (1 - 6)) / 10) and row.bound_high == pytest.approx(1.6)
    assert row.robust is False, "two missing posts could turn it around"
    line = tables.arms[1]
    assert (line.scored, line.items, line.failures) == (8, 10, {"writing: refusal": 2})
    assert line.means["overall"]["mean"] == 7


def test_what_was_not_run_is_no_failure_and_the_table_says_it_is_partial() -> None:
    done = [an_item(n, both(6)) for n in range(6)]
    half = [an_item(n, both(5)) if n < 3 else an_item(n, None, NOT_RUN) for n in range(6)]
    found = findings(an_arm("base", done), an_arm("half", half, state="budget_exceeded"))
    assert found.partial == (
        "3 of 12 posts are not there yet or not judged (half: budget exceeded); the same command goes on"
    )
    tables = tables_of(found)
    (row,) = tables.overall
    assert (row.n, row.failed_arm, row.failed_baseline, row.bound_low, row.bound_high) == (3, 0, 0, -1, -1)
    assert (tables.arms[1].not_run, tables.arms[1].failures) == (3, {})
    assert findings(an_arm("base", done), an_arm("other", done)).partial is None
    pairs = findings(an_arm("base", done), an_arm("other", done), pairs_state="budget_exceeded").partial
    assert pairs == "not all pairs are compared yet (budget exceeded); the same command goes on"


@pytest.mark.parametrize("n", [0, 1])
def test_one_item_has_no_interval_and_none_has_no_difference(n: int) -> None:
    items = [an_item(k, both(4)) for k in range(n)] or [an_item(0, None, NOT_RUN)]
    other = [an_item(k, both(9)) for k in range(n)] or [an_item(0, None, NOT_RUN)]
    row = overall(an_arm("base", items), an_arm("other", other))["other"]
    assert (row.n, row.difference, row.low, row.p, row.p_holm) == (n, 5.0 if n else None, None, None, None)
    assert row.verdict == "not told apart" and row.win_low is None


def test_holm_is_over_the_whole_table() -> None:
    arms = [an_arm(f"a{n}", noisy(10 + n, 40, -0.2)) for n in range(6)]
    alone = overall(an_arm("base", noisy(1, 40)), arms[0])["a0"]
    among = overall(an_arm("base", noisy(1, 40)), *arms)["a0"]
    assert alone.p == among.p and alone.p_holm == alone.p
    assert among.p is not None and among.p_holm is not None and among.p_holm > among.p
    tables = tables_of(findings(an_arm("base", noisy(1, 40)), *arms))
    assert len(tables.aspects) == 12 and len(tables.overall) == 6


def reread(seed: int, n: int, shift: float, noise: float) -> list[ItemScore]:
    rng = np.random.default_rng(seed)
    found = []
    for k in range(n):
        readings = {repeat: both(float(6 + shift + rng.normal(0, noise))) for repeat in range(2)}
        mean = float(np.mean([reading["clear"] for reading in readings.values()]))
        found.append(an_item(k, both(mean), readings=readings, post_id=f"{seed} {k}"))
    return found


def test_a_difference_below_the_judges_noise_is_marked_and_not_told_apart() -> None:
    one, other = reread(1, 12, 0, 1.5), reread(2, 12, 0, 1.5)
    pairs = zip(one, other, strict=True)
    shifted = [replace(b, scores={name: value - 0.1 for name, value in a.scores.items() if value}) for a, b in pairs]
    row = overall(an_arm("base", one), an_arm("bit", shifted))["bit"]
    assert row.p_holm is not None and row.p_holm < 0.05, "every item moved by the same tenth"
    assert row.noise is not None and row.noise > 0.3
    assert (row.below_noise, row.verdict) == (True, "not told apart")
    clear = overall(an_arm("base", one), an_arm("far", reread(3, 12, -4, 1.5)))["far"]
    assert (clear.below_noise, clear.verdict) == (False, "lower")
    once = overall(an_arm("base", noisy(1, 9)), an_arm("far", noisy(2, 9)))["far"]
    assert once.noise is None and once.below_noise is None


def test_claims_stand_beside_what_was_found() -> None:
    claims = [
        {
            "better": "base", "than": ["worse", "better", "alike"], "aspect": "overall", "by": "the paper",
            "reported": "8.05",
        },
        {"better": "better", "than": ["worse"], "aspect": "warm", "by": "you", "reported": ""},
    ]  # fmt: skip
    arms = (
        an_arm("base", noisy(1, 60)), an_arm("worse", noisy(2, 60, -0.6)), an_arm("better", noisy(3, 60, 0.6)),
        an_arm("alike", noisy(1, 60)), an_arm("waiting", [an_item(n, None, NOT_RUN) for n in range(60)]),
    )  # fmt: skip
    params = {"claims": [*claims, {**claims[1], "than": ["waiting"]}], "notes": []}
    lines = tables_of(findings(*arms, params=params)).claims
    assert [(line.better, line.than, line.direction, line.found) for line in lines] == [
        ("base", "worse", "held", True), ("base", "better", "reversed", True), ("base", "alike", "none", False),
        ("better", "worse", "held", True), ("better", "waiting", "unknown", False),
    ]  # fmt: skip
    assert lines[0].reported == "8.05" and lines[0].difference.difference == pytest.approx(0.6, abs=0.25)


def test_a_further_judge_has_a_table_of_its_own() -> None:
    base, other = an_arm("base", noisy(1, 30)), an_arm("other", noisy(2, 30, 1))
    mean = an_arm("base", noisy(1, 30), judge="openai/mean"), an_arm("other", noisy(2, 30, -1), judge="openai/mean")
    tables = tables_of(findings(base, other, further={"2: openai/mean": mean}))
    assert tables.overall[0].verdict == "higher"
    assert tables.second["2: openai/mean"][0].verdict == "lower"


def test_the_same_rows_give_the_same_tables_to_the_byte() -> None:
    arms = [an_arm("base", noisy(1, 25)), an_arm("other", noisy(2, 25, 0.3))]
    again = [replace(arm, items=list(arm.items)[::-1]) for arm in arms]
    first, second = (json.dumps(asdict(tables_of(findings(*found)))) for found in (arms, again))
    assert first == second


def test_an_unknown_price_is_unknown_and_shared_calls_count_in_each_arm() -> None:
    priced = [an_item(n, both(5), writing_usd=0.01, judging_usd=0.02, latency_ms=100 + n) for n in range(4)]
    tables = tables_of(
        findings(an_arm("base", priced), an_arm("odd", [replace(priced[0], judging_usd=None), *priced[1:]]))
    )
    assert tables.arms[0].cost_usd == pytest.approx(0.12) and tables.arms[0].cost_per_score_usd == pytest.approx(0.03)
    assert tables.arms[1].cost_usd is None and tables.arms[1].cost_per_score_usd is None
    assert tables.arms[0].latency_ms == 101.5


def test_what_an_arm_changes_is_said_in_words() -> None:
    assert changes_of({}) == "as the campaign says"
    assert changes_of({"without": ["topic", "scene"], "prompt.template": "plain"}) == (
        "without topic, scene; prompt.template: plain"
    )
