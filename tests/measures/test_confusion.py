"""Confusions of hand-made rows: counts, accuracy with its interval, and what was left out."""

import json
from typing import Any

import pytest

from components.measures.confusion import confusions, wilson


def a_row(asked: str, read: str, error: str | None = None, name: str = "topic_control") -> dict[str, Any]:
    detail = {"asked": asked, "read": read, "independence": "other"}
    return {"name": name, "model": "m@1", "error": error, "detail": json.dumps(detail if read else {"asked": asked})}


def test_a_matrix_with_its_accuracy_and_what_is_apart() -> None:
    rows = [a_row("travel", "travel")] * 6 + [a_row("travel", "food")] * 2 + [a_row("food", "food")] * 2
    rows += [a_row("food", "travel", "unsure"), a_row("", "", "not_asked"), a_row("art", "", "no_class")]
    (found,) = confusions(rows)
    assert (found.task, found.labels, found.matrix) == ("topic", ("travel", "food"), ((6, 2), (0, 2)))
    assert found.unsure == (0, 1)
    assert (found.n, found.accuracy, found.constant) == (10, 0.8, 0.8)
    assert found.apart == (("no_class", 1), ("not_asked", 1), ("unsure", 1))
    assert found.independence == "other"


def test_wilsons_interval_of_published_counts() -> None:
    low, high = wilson(81, 263)  # Newcombe 1998, table I: 0.2553 to 0.3662
    assert (low, high) == (pytest.approx(0.2553, abs=1e-4), pytest.approx(0.3662, abs=1e-4))
    assert wilson(0, 0) == (None, None)
    assert wilson(20, 20)[1] == pytest.approx(1)


def test_nothing_read_is_no_accuracy() -> None:
    (found,) = confusions([a_row("", "", "not_asked"), a_row("travel", "food", "unsure")])
    assert (found.n, found.accuracy, found.low, found.constant) == (0, None, None, None)
    assert confusions([{"name": "clip"}]) == []
