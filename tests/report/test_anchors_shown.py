"""The report shows the judge on its anchors, from what the run has kept of it alone."""

import json
from collections.abc import Callable

import numpy as np

from components.audit.drift import change_of, drift_of, shown
from components.report.anchors import anchors_of
from components.report.render import render
from components.specs import AnchorSpec


def kept(shift: float, periods: int = 24) -> dict:
    rng = np.random.default_rng(2)
    scores = rng.uniform(3, 9, 12) + rng.normal(0, 0.5, (periods, 12))
    scores[14:] += shift
    names = [f"2026-03-{p + 1:02}" for p in range(periods)]
    rows = [
        {"anchor_id": f"a{k}", "period": names[p], "overall": s}
        for p in range(periods)
        for k, s in enumerate(scores[p])
    ]
    posts = [
        {"period": name, "overall": s} for name in names for s in rng.normal(6 + shift * (name > "2026-03-14"), 1, 20)
    ]
    drift = drift_of(rows, AnchorSpec())
    return json.loads(json.dumps({"drift": {"openai/judge": shown(drift, change_of(drift, posts))}}))


def test_a_drift_is_shown_with_its_chart_and_its_share_of_the_change(empty_home: Callable) -> None:
    home = empty_home()
    home.item(0)
    home.run(rows=json.dumps({"read_anchors": {"rows": 48, "bought": 12, **kept(0.8)}}))
    html = render(home.store, "run-1")
    section = html[html.index('id="anchors"') : html.index('id="checks"')]
    assert "THE JUDGE HAS DRIFTED" in section and '<span class="badge bad">drifted</span>' in section
    assert section.count("<circle") == 24 and section.count('class="limit"') == 3
    assert "of it the judge" in section and "the rest: posts that really differ" in section
    assert html == render(home.store, "run-1") and '<a href="#anchors">' in html


def test_places_are_counted_from_the_first_period_that_is_kept() -> None:
    (one,) = anchors_of({"read_anchors": kept(0.0, periods=120)})
    assert one.state == "steady" and len(one.spots) == 90
    assert not any(spot.is_baseline or spot.is_out for spot in one.spots) and one.alarm_x is None
    (drifted,) = anchors_of({"read_anchors": kept(0.8, periods=40)})
    assert [spot.is_baseline for spot in drifted.spots] == [True] * 8 + [False] * 32
    assert [spot.is_out for spot in drifted.spots].index(True) in (13, 14, 15) and drifted.spots[-1].is_out
    assert drifted.alarm_x is not None and drifted.spots[14].x <= drifted.alarm_x <= drifted.spots[18].x


def test_a_run_without_anchors_has_no_such_section(empty_home: Callable) -> None:
    home = empty_home()
    home.item(0)
    home.run()
    assert 'id="anchors"' not in render(home.store, "run-1") and anchors_of({}) == []
    (early,) = anchors_of({"read_anchors": kept(0.0, periods=3)})
    assert early.state == "collecting" and early.limit_ys == () and early.change is None
