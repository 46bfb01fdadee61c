"""Anchors over periods: a judge that drifts is caught soon, a stable one is left alone, a change is taken apart."""

from datetime import UTC, date, datetime

import numpy as np
import pytest

from components.audit.anchors import anchor_id, anchors_of, ids_of, period_of, read_anchors
from components.audit.drift import change_of, drift_of, noise_of, since_of, told
from components.audit.material import Material, load_material
from components.audit.plan import mean
from components.prompts.escaping import delimit
from components.specs import AnchorSpec, JudgeSpec
from flows.expect_anchors import written_down

SPEC = AnchorSpec()
FIRST, PERIODS = SPEC.baseline, 50
Rows = list[dict]


def series(seed: int, shift: float = 0.0, at: int = 10, noise: float = 0.5, common: float = 0.0, n: int = 12) -> Rows:
    """Overall scores of n anchors over 50 periods, in the steps that a mean of four half steps has."""
    rng = np.random.default_rng(seed)
    scores = rng.uniform(2, 9, n) + rng.normal(0, noise, (PERIODS, n)) + rng.normal(0, common, (PERIODS, 1))
    scores[at:] += shift
    days = [f"2026-{1 + p // 28:02}-{1 + p % 28:02}" for p in range(PERIODS)]
    return [
        {"anchor_id": f"a{k:02}", "period": days[p], "overall": round(scores[p, k] * 8) / 8}
        for p in range(PERIODS) for k in range(n)
    ]  # fmt: skip


@pytest.mark.parametrize(("noise", "common"), [(0.2, 0.0), (0.5, 0.0), (1.0, 0.0)])
def test_a_stable_judge_alarms_in_at_most_five_per_cent_of_fifty_periods(noise: float, common: float) -> None:
    alarms = [drift_of(series(seed, noise=noise, common=common), SPEC).alarm_at is not None for seed in range(200)]
    assert np.mean(alarms) <= 0.05


@pytest.mark.parametrize("shift", [0.7, -0.7])
def test_a_shift_of_seven_tenths_after_period_ten_is_caught_within_five_periods(shift: float) -> None:
    found = [drift_of(series(seed, shift), SPEC) for seed in range(100)]
    delays = [99 if drift.alarm_at is None else drift.alarm_at - 9 for drift in found]
    assert min(delays) >= 1 and np.median(delays) <= 2 and np.quantile(delays, 0.95) <= 5
    assert {drift.direction for drift in found} == {"up" if shift > 0 else "down"}
    inside = [drift.shift.low <= shift <= drift.shift.high for drift in found if drift.shift]
    assert np.mean(inside) >= 0.85  # it is estimated from where the excursion seems to begin
    drift = found[0]
    assert drift.since is not None and 8 <= drift.since <= 12
    assert "THE JUDGE HAS DRIFTED" in told(drift) and drift.state == "drifted"


def test_before_the_baseline_is_whole_nothing_is_said_of_drift() -> None:
    rows = [row for row in series(1) if row["period"] <= "2026-01-05"]
    drift = drift_of(rows, SPEC)
    assert drift.state == "collecting" and told(drift).startswith("anchors: period 5 of 8 of the judge's baseline")
    assert drift_of([], SPEC).periods == ()
    assert "period 0 of 8" in told(drift_of([], SPEC))


def test_a_judge_without_noise_is_not_accused_of_a_rounding() -> None:
    def rows(late: float) -> Rows:
        return [
            {"anchor_id": f"a{k}", "period": f"2026-01-{p + 1:02}", "overall": 5 + k + (late if p >= 10 else 0)}
            for p in range(28) for k in range(4)
        ]  # fmt: skip

    assert drift_of(rows(0.0), SPEC).state == "steady"
    assert drift_of(rows(0.1), SPEC).state == "steady"
    assert drift_of(rows(0.7), SPEC).alarm_at == 10


def test_failed_readings_leave_gaps_and_thin_periods_are_no_periods() -> None:
    rows = series(3)
    for row in rows:
        if row["period"] == "2026-01-03" and row["anchor_id"] > "a04":
            row["overall"] = None
        if row["anchor_id"] == "a11" and row["period"] <= "2026-01-08":
            row["overall"] = None
    drift = drift_of(rows, SPEC)
    assert "2026-01-03" not in drift.periods and len(drift.periods) == PERIODS - 1
    assert drift.state == "steady" and drift.anchors[20] == 12  # the ninth period belongs to the baseline by now


def test_an_anchor_that_came_later_does_not_count() -> None:
    rows = [row for row in series(4) if row["anchor_id"] != "a11" or row["period"] > "2026-01-20"]
    drift = drift_of(rows, SPEC)
    assert max(drift.anchors) == 11 and drift.state == "steady"


def test_noise_that_periods_share_is_not_taken_for_anchors() -> None:
    rng = np.random.default_rng(0)
    own = noise_of(rng.normal(0, 0.5, (8, 12)))
    assert own == pytest.approx(0.5 / np.sqrt(12), rel=0.3)
    shared = rng.normal(0, 0.1, (8, 12)) + rng.normal(0, 0.5, (8, 1))
    assert noise_of(shared) > 0.4
    assert noise_of(np.zeros((8, 12))) == 0.05


def test_a_change_is_the_judges_and_the_posts() -> None:
    """Posts lose 0.4 by themselves while the judge gives 0.7 more: their scores rise by 0.3."""
    drift = drift_of(series(5, 0.7), SPEC)
    rng, posts = np.random.default_rng(9), list[dict]()
    for period in drift.periods:
        late = period > "2026-01-10"
        posts += [{"period": period, "overall": s} for s in rng.normal(6 + (0.3 if late else 0), 1, 60)]
    change = change_of(drift, posts)
    assert change is not None and change.period == drift.periods[-1]
    assert (change.before, change.after) == (FIRST * 60, 60)
    assert change.posts.value == pytest.approx(change.judge.value + change.rest.value)
    for part, truth in ((change.posts, 0.3), (change.judge, 0.7), (change.rest, -0.4)):
        assert part.low is not None and part.high is not None and part.low < truth < part.high
    assert change_of(drift, []) is None and change_of(drift_of([], SPEC), posts) is None


def test_anchors_span_the_levels_and_are_known_by_what_is_shown() -> None:
    material = load_material()
    chosen = anchors_of(material, 12)
    levels = [mean(anchor.levels) for anchor in chosen]
    assert len({anchor.id for anchor in chosen}) == 12 and levels == sorted(levels)
    assert levels[0] <= 2.1 and levels[-1] == 9
    assert [anchor.id for anchor in anchors_of(material, 999)] == [
        a.id for a in anchors_of(material, len(material.posts))
    ]
    one = chosen[0]
    assert anchor_id(one) == anchor_id(one.model_copy(update={"levels": {}, "id": "renamed"}))
    assert anchor_id(one) != anchor_id(one.model_copy(update={"text": one.text + " More."}))


def test_an_edited_neighbour_ends_the_series_of_the_anchors_that_show_it_and_of_no_others() -> None:
    material, judge = load_material(), JudgeSpec(batch_context=3)
    chosen = {anchor.id for anchor in anchors_of(material, SPEC.count)}

    def asked(of: Material) -> dict[str, str]:
        """Anchor's text -> the key of what the judge would be asked."""
        found = written_down(
            lambda buy: read_anchors(of, SPEC, judge, buy, period="2026-01-01", run_id="", now=datetime(2026, 1, 1))
        )
        texts = {post.text: post.id for post in of.posts}
        ask = {request.key: request.messages[1]["content"] for request in found}
        return {texts[t]: key for key, content in ask.items() for t in texts if delimit("post", t) in content}

    before, ids = asked(material), ids_of(material, SPEC, judge)
    assert before.keys() == ids.keys() == chosen
    moved = set[str]()
    for post in [post for post in material.posts if post.id not in chosen]:
        edited = [p.model_copy(update={"text": "Now " + p.text}) if p is post else p for p in material.posts]
        other = material.model_copy(update={"posts": tuple(edited)})
        after, new = asked(other), ids_of(other, SPEC, judge)
        changed = {name for name in chosen if new[name] != ids[name]}
        assert changed == {name for name in chosen if after[name] != before[name]} and len(changed) < len(chosen)
        moved |= changed
        alone = judge.model_copy(update={"batch_context": 0})
        assert ids_of(other, SPEC, alone) == ids_of(material, SPEC, alone), "who sees no neighbours goes on"
    assert moved


def test_periods_are_days_weeks_and_months_in_utc() -> None:
    late = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)
    assert [period_of(late, every) for every in ("day", "week", "month")] == ["2026-12-31", "2026-W53", "2026-12"]
    assert since_of(AnchorSpec(since=date(2026, 11, 30), every="month")) == "2026-11" and since_of(SPEC) == ""


def test_how_readings_are_looked_at_asks_nothing_anew() -> None:
    assert AnchorSpec(stop=True, threshold=9, smallest=1, baseline=20, since=date(2026, 1, 1)).id == SPEC.id
    assert AnchorSpec(count=13).id != SPEC.id
