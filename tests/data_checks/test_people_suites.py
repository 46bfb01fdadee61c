"""The suites of what people say: each accepts a good frame, and rejects each single planted defect and an empty one."""

import json
from dataclasses import fields

import pandas as pd
import pytest

from components.people.diffs import dumped, word_diff
from components.records import OPINIONS, content_id
from data_checks.validate import SUITES
from tests.data_checks.planting import NOW, Change, Frame, and_row, check, failed, fill, ids, put

ASPECTS = ["relevance_clarity", "emotional_engagement"]


def frame_of(table: str, rows: list[dict[str, object]]) -> Frame:
    record = OPINIONS[table]
    return pd.DataFrame([record(**row).row() for row in rows], columns=[f.name for f in fields(record)])


def ratings() -> Frame:
    rows = [
        {
            "rating_id": content_id(n, rater, aspect), "post_id": content_id(n), "rater": rater, "rubric": "mpwl",
            "aspect": aspect, "score": None if (n, k) == (3, 0) else float((n * 3 + k) % 10 + 1),
            "slice": ("queue", "audit", "import")[n % 3], "seconds": 12.5 if n else None, "saw_judge": n == 3,
            "created_at": NOW, "rubric_id": content_id("text") if n else None,
        }
        for n in range(10)
        for rater in ("ann", "Bo O'Neil-Ünd")
        for k, aspect in enumerate(ASPECTS)
    ]  # fmt: skip
    return frame_of("ratings", rows)


def reviews() -> Frame:
    edit = {"text": "New text.", "diff": dumped(word_diff("Old text.", "New text.")), "reason": "it was old"}
    kinds: list[dict[str, object]] = [
        {"decision": "approve"}, {"decision": "edit", **edit}, {"decision": "reject", "reason": "wrong"},
        {"decision": "withdraw"}, {"decision": "edit", "alt_text": "A sea.", "reason": "it lacked one"},
    ]  # fmt: skip
    rows = [
        {
            "review_id": content_id(n), "post_id": content_id("p", n), "rater": "ann", "slice": "audit",
            "seconds": 3.0, "saw_judge": False, "created_at": NOW, **kind,
        }
        for n, kind in enumerate(kinds)
    ]  # fmt: skip
    return frame_of("reviews", rows)


GOOD = {"ratings": ratings, "reviews": reviews}
SHARED: list[tuple[str, Change]] = [
    *ids("post_id"),
    ("rater is given", put("rater", None)),
    ("the rater is named in one line", put("rater", "")),
    ("the rater is named in one line", put("rater", "x" * 65)),
    ("the rater is named in one line", put("rater", " ann")),
    ("slice is given", put("slice", None)),
    ("the slice is queue, audit or import", put("slice", "often")),
    ("seconds are not negative", put("seconds", -1.0)),
    ("saw_judge is given", put("saw_judge", None)),
    ("created_at is given", put("created_at", None)),
]
DEFECTS: dict[str, list[tuple[str, Change]]] = {
    "ratings": [
        *SHARED,
        *ids("rating_id"),
        ("rating_id is unique", put("rating_id", content_id(1, "ann", ASPECTS[0]))),
        ("rubric is given", put("rubric", None)),
        ("rubric_id is 20 hex digits", put("rubric_id", "mpwl")),
        ("aspect is given", put("aspect", None)),
        ("the aspect is named", put("aspect", "Relevance & clarity")),
        ("scores lie in 1 to 10", put("score", 0.5)),
        ("scores lie in 1 to 10", put("score", 11.0)),
        ("one score at a time", and_row(rating_id=content_id("again"), score=2.0)),
        ("a rater's scores differ between posts", fill("score", 8.0, lambda frame: frame["rater"] == "ann")),
    ],
    "reviews": [
        *SHARED,
        *ids("review_id"),
        ("review_id is unique", put("review_id", content_id(1))),
        ("decision is given", put("decision", None)),
        ("the decision is approve, reject, edit or withdraw", put("decision", "publish")),
        ("an edit has a text, and only an edit", put("alt_text", "A sea.")),
        ("an edit has a text, and only an edit", put("alt_text", None, 4)),
        ("an edit or a rejection says why", put("reason", None, 1)),
        ("an edit or a rejection says why", put("reason", "  ", 2)),
        ("the diff gives the text", put("diff", None, 1)),
        ("the diff gives the text", put("diff", json.dumps([["=", "Other."]]), 1)),
        ("the diff gives the text", put("diff", "no JSON", 1)),
        ("the diff gives the text", put("diff", "[]", 0)),
    ],
}


@pytest.mark.parametrize("table", GOOD)
def test_a_good_frame_is_accepted_and_an_empty_one_is_not(table: str) -> None:
    assert failed(check(table, GOOD[table]())) == set()
    verdict = check(table, GOOD[table]().iloc[:0])
    assert verdict.stop and failed(verdict) == {"there are rows"}


@pytest.mark.parametrize(
    ("table", "what", "defect"),
    [
        pytest.param(table, what, defect, id=f"{table}-{n}-{what}")
        for table, defects in DEFECTS.items()
        for n, (what, defect) in enumerate(defects)
    ],
)
def test_every_single_defect_is_rejected(table: str, what: str, defect: Change) -> None:
    verdict = check(table, defect(GOOD[table]()))
    assert what in failed(verdict)
    (row,) = [row for row in verdict.results if row.expectation == what]
    assert not row.observed.startswith("could not be computed"), row.observed
    if row.severity == "quarantine":
        assert any(what in reason for reason in verdict.quarantined.values())
    assert verdict.stop or row.severity != "stop"


@pytest.mark.parametrize("table", GOOD)
def test_every_expectation_has_a_planted_defect(table: str) -> None:
    declared = {e.what for e in SUITES[table].expectations}
    assert declared - {what for what, _ in DEFECTS[table]} == {"there are rows"}
