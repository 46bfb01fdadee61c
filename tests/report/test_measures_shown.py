"""The report's block of measures: means with their n and what is missing, the alarm's worth, confusions, and cards."""

import html as escaping
import json
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest

from components.measures.about import About, about
from components.records import Measure
from components.report import render
from components.report.measured import Values, histogram, line_of, on_card
from components.specs import MeasureSpec
from tests.report.conftest import T0, Home

HOSTILE = "<script>alert(1)</script>"


def a_row(post_id: str, spec_id: str, name: str, value: float | None, **more: Any) -> Measure:
    detail = json.dumps(more.pop("detail", {}))
    return Measure(
        measure_id=Measure.make_id(post_id, spec_id, name), post_id=post_id, spec_id=spec_id, name=name, value=value,
        model=f"m {HOSTILE}@1", created_at=T0, detail=detail, **more,
    )  # fmt: skip


@pytest.fixture
def page(home: Home) -> str:
    """Every written post of the home has a fit, a topic, a toxicity and an alarm; the first one is bad at all."""
    spec = MeasureSpec()
    posts = home.store.query("SELECT post_id FROM posts WHERE error IS NULL ORDER BY post_id")
    alarm = {"margin": 0.05, "n": 56, "false_alarms": 0.0179, "false_alarms_high": 0.0819, "hits": 0.875}
    for n, post in enumerate(posts):
        first = n == 0
        said = "art" if first else "travel"
        read = {"asked": "travel", "read": said, "named": first, "independence": "other"}
        home.add(
            "measures",
            a_row(post["post_id"], spec.id, "clip", None if first else 0.3, error="no_picture" if first else None),
            a_row(post["post_id"], spec.id, "topic_control", float(not first), label=said, detail=read),
            a_row(post["post_id"], spec.id, "toxicity", 0.93 if first else 0.01 * n),
            a_row(post["post_id"], spec.id, "pii", float(first), label=f"phone {HOSTILE}" if first else None),
            a_row(
                post["post_id"], spec.id, "contradiction", float(first), detail=alarm | ({"by": 0.2} if first else {})
            ),
        )
    home.specs = (*home.specs, spec)
    return render(home.store, home.run("run-m"))


def test_the_block_says_means_numbers_and_what_is_missing(page: str) -> None:
    (block,) = re.findall(r'<section id="measures".*?</section>', page, re.DOTALL)
    text = escaping.unescape(re.sub(r"<[^>]+>", " ", block))
    text = " ".join(text.split())
    assert "Fit to the picture" in text and "0.300" in text and "1 no picture" in text
    assert "That margin raises one for 1.8 % of 56 posts under their own pictures (at most 8.2 %" in text
    assert "for 88 % of those under a picture that is not theirs" in text and "can hardly tell" not in text
    assert "88 % realised (95 % interval 53 to 98), n = 8" in text, "7 of 8, with Wilson's interval"
    assert "12 % hold the very word" in text and "independent, a model that the labels do not come from" in text
    assert "distinct-1" in text


def test_a_card_shows_its_measures_and_what_a_person_should_see_at_once(page: str) -> None:
    assert "Another picture fits better by 0.200 (margin 0.050)." in page
    assert "Reads as offensive: probability 0.93." in page
    assert "Holds personal data: phone" in page
    assert page.count("Measured without a judge</summary>") == 8


def test_nothing_that_is_measured_becomes_markup(page: str) -> None:
    assert HOSTILE not in page and escaping.escape(HOSTILE) in page


def test_a_run_without_measures_has_no_block(home: Home) -> None:
    page = render(home.store, "run-1")
    assert 'id="measures"' not in page and 'href="#measures"' not in page and "Measured without a judge" not in page


def test_a_line_counts_what_has_no_value_apart() -> None:
    columns = {
        "value": [None, *(n / 10 for n in range(11))], "error": ["no_picture", *[None] * 11],
        "overall": [float(n) for n in range(12)],
    }  # fmt: skip
    line = line_of(Values("clip", "m", pd.DataFrame(columns)), about()["clip"])
    assert (line.n, line.apart) == (11, (("no picture", 1),))
    assert line.mean == pytest.approx(0.5)
    assert (line.judge.n, line.judge.rho) == (11, pytest.approx(1))


def test_columns_of_a_spread() -> None:
    assert histogram(np.array([])) == ((), None)
    assert histogram(np.array([3.0, 3.0])) == ((100.0,), (3.0, 3.0))
    assert histogram(np.array([0.0, 0.0, 1.0]), two=True) == ((100.0, 50.0), (0.0, 1.0))
    heights, ends = histogram(np.arange(25.0))
    assert len(heights) == 12 and max(heights) == 100 and ends == (0.0, 24.0)


def test_a_card_names_what_a_value_is() -> None:
    def found(name: str, value: float | None, error: str | None = None) -> dict[str, Any]:
        return {"name": name, "value": value, "error": error, "label": None, "detail": "{}"}

    shown = on_card([found("topic_control", 1.0), found("clip", None, "no_picture"), found("length", 180.0)])
    one: dict[str, About] = about()
    assert shown.values == (
        (one["clip"].title, "no picture", ""),
        (one["topic_control"].title, "yes", ""),
        (one["length"].title, "180", ""),
    )  # fmt: skip
    assert shown.alarms == ()
