"""The last runs beside each other: what they said then, where they cannot be compared, and what is not known."""

import json
import re
from collections.abc import Callable
from datetime import timedelta

import pytest

from components.report import render
from components.report import trend as trend_module
from components.report.queries import find
from components.report.trend import BOTTOM, TOP, Trend, difference, trend_of
from components.specs import GenerationSpec, JudgeSpec
from tests.report.conftest import T0, Home

SCALE = (1.0, 10.0)


def scores(mean: float | None, half: float | None = 0.2, n: int = 6) -> str:
    ends = {"low": None, "high": None} if mean is None or half is None else {"low": mean - half, "high": mean + half}
    return json.dumps({"posts": n, "judged": n, "overall": {"n": n, "mean": mean, **ends}})


def steps(written: int = 6, bought: int = 12, reused: int = 0, failed: int = 0) -> str:
    wrote = {"rows": written, "bought": bought // 2, "reused": reused, "failed": {"timeout": failed}}
    judged = {"rows": 4 * written, "bought": bought - bought // 2, "reused": 0, "failed": {}}
    return json.dumps({"generate_posts": wrote, "judge_posts": judged})


def runs(home: Home, *runs: dict[str, object], specs: dict[int, tuple] | None = None) -> Trend:
    """A run per day, the last one reported; `specs`: from the run of this number on, other ones of home.specs."""
    for n, more in enumerate(runs):
        home.specs = (specs or {}).get(n, home.specs)
        at = T0 + timedelta(days=n)
        home.run(f"run-{n}", started_at=at, ended_at=at + timedelta(minutes=2), **more)
    found = trend_of(find(home.store, f"run-{len(runs) - 1}").past, SCALE)
    assert found is not None
    return found


def test_each_run_stands_with_what_it_said_when_it_ended(empty_home: Callable[..., Home]) -> None:
    trend = runs(
        empty_home(),
        {"scores": scores(7.0), "cost_usd": 0.12, "rows": steps(written=6, bought=12)},
        {"scores": "{}", "cost_usd": 0.0, "rows": "{}", "state": "failed"},
        {"scores": scores(7.5, None), "cost_usd": None, "rows": steps(failed=2)},
        {"scores": scores(8.0), "cost_usd": 0.3, "rows": steps(written=3, bought=4, reused=8, failed=1)},
    )
    quality, cost, failures, calls = trend.panels
    assert [dot.told.partition(": ")[2] for dot in quality.dots] == [
        "7.00 (6.80 to 7.20), n = 6", "7.50, n = 6", "8.00 (7.80 to 8.20), n = 6",
    ]  # fmt: skip
    assert [dot.here for dot in quality.dots] == [False, False, True]
    xs, ys = [dot.x for dot in quality.dots], [dot.y for dot in quality.dots]
    assert xs == sorted(xs) and ys == sorted(ys, reverse=True), "later to the right, better further up"
    assert all(TOP <= y <= BOTTOM for dot in quality.dots for y in (dot.y, dot.low_y, dot.high_y) if y is not None)
    assert quality.dots[1].low_y is None, "no interval of one"
    assert [dot.told.partition(": ")[2] for dot in cost.dots] == ["$0.0200", "$0.1000"]
    assert "price unknown" in cost.aria and "no new post" in cost.aria
    assert cost.dots[0].y == pytest.approx(BOTTOM - (BOTTOM - cost.dots[1].y) / 5), "the axis begins at nothing"
    assert [block.told.partition(": ")[2] for block in failures.blocks] == ["2 failed", "1 failed"]
    assert [block.kept for block in calls.blocks] == [False, False, False, True]
    first, *_, bought, kept = calls.blocks
    assert kept.height == pytest.approx(2 * bought.height) and first.height == pytest.approx(3 * bought.height)
    assert trend.halts == ((pytest.approx(xs[0] + (xs[1] - xs[0]) / 2), "3 Mar 2026 09:30: failed"),)
    assert trend.marks == () and trend.unknown == 1


def test_no_line_is_drawn_across_another_judge(empty_home: Callable[..., Home]) -> None:
    home = empty_home()
    dataset, prompt, _, judge = home.specs
    warmer = (dataset, prompt, GenerationSpec(temperature=0.2), judge)
    stricter = (dataset, prompt, warmer[2], JudgeSpec(repeats=3))
    trend = runs(home, *[{"scores": scores(6.0 + n)} for n in range(4)], specs={1: warmer, 3: stricter})
    assert [(mark.letter, mark.breaks) for mark in trend.marks] == [("A", False), ("B", True)]
    assert trend.marks[0].parts == (("writer", "temperature 0.7 → 0.2"),)
    assert trend.marks[1].parts[0] == ("judge", "repeats 1 → 3")
    quality, cost, *_ = trend.panels
    (line,) = quality.lines
    assert len(line.split()) == 3, "the last run is by another judge, and stands alone"
    assert len(cost.lines[0].split()) == 4, "money is money"
    html = render(home.store, "run-3")
    assert "they are not comparable, and no line joins them" in html and "temperature 0.7 → 0.2" in html
    assert html.count('class="turn breaks"') == 4 and html == render(home.store, "run-3")


def test_an_earlier_report_does_not_change_and_a_first_run_has_no_trend(
    empty_home: Callable[..., Home], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trend_module, "LAST", 4)
    home = empty_home()
    trend = runs(home, *[{"scores": scores(6.0)} for _ in range(6)])
    assert trend.n == 4
    before = trend_of(find(home.store, "run-2").past, SCALE)
    assert before is not None and before.n == 3, "later runs are not shown in it"
    assert trend_of(find(home.store, "run-0").past, SCALE) is None
    assert 'class="panels trend"' not in render(home.store, "run-0")


def test_a_flat_course_is_not_blown_up_and_no_axis_goes_beyond_the_scale(empty_home: Callable[..., Home]) -> None:
    trend = runs(empty_home(), {"scores": scores(9.99, 0.01)}, {"scores": scores(9.98, 0.01)})
    labels = [float(label) for _, label in trend.panels[0].ticks]
    assert labels[-1] == 10.0 and labels[-1] - labels[0] >= 0.5
    cost = trend.panels[1]
    assert "nothing was paid" in cost.said and [label for _, label in cost.ticks] == ["$0"]


def test_what_changed_is_told_in_words_where_it_is_short() -> None:
    before = {"model": "a/b", "rubric_text": "x" * 50, "seed": None, "same": 1}
    after = {"model": "a/c", "rubric_text": "y" * 50, "seed": 3, "same": 1}
    assert difference(before, after) == "model a/b → a/c, rubric text changed, seed none → 3"
    assert difference(None, after) == "other settings"


def test_strangers_words_in_a_trend_stay_words(empty_home: Callable[..., Home]) -> None:
    home = empty_home()
    evil = (*home.specs[:2], GenerationSpec(model="offline/writer", temperature=0.3), home.specs[3])
    runs(home, {"scores": scores(5.0)}, {"scores": scores(5.5), "flow_run_url": '"><script>alert(1)</script>',
         "flow_run_id": "<b>id</b>"}, specs={1: evil})  # fmt: skip
    html = render(home.store, "run-1")
    assert "<b>id</b>" not in html and not re.search(r"<script>alert", html) and "&lt;b&gt;id" in html
