"""The suite of measures accepts a good frame, rejects each single planted defect of it, and an empty one."""

import json
from dataclasses import fields
from datetime import UTC, datetime

import pandas as pd
import pytest

from components.measures import about
from components.records import Measure, content_id
from data_checks import measures as declared
from data_checks.validate import SUITES
from tests.data_checks.planting import Change, Frame, and_row, check, failed, fill, ids, put

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SPEC = content_id("measure spec")


def good() -> Frame:
    """Twelve posts with every measure; the first has no picture and was asked for nothing."""
    rows = []
    for n in range(12):
        post_id = content_id("post", n)
        for at, (name, one) in enumerate(about().items()):
            value: float | None = {"cosine": 0.3 + n / 100, "share": 0.7, "points": 81.5, "grade": 4.2}.get(
                one.unit, 0.0
            )
            value = {"clip_rank": 1.0, "toxicity": 0.02, "length": 180.0, "words": 30.0}.get(name, value)
            error = None
            if n == 0 and one.family in ("fit", "control"):
                value, error = None, "no_picture" if one.family == "fit" else "not_asked"
            rows.append(
                Measure(
                    measure_id=content_id("measure", n, at), post_id=post_id, spec_id=SPEC, name=name, value=value,
                    detail=json.dumps({"of": 9}), model="m@1", error=error, created_at=NOW,
                ).row()
            )  # fmt: skip
    return pd.DataFrame(rows, columns=[f.name for f in fields(Measure)])


def of(name: str, value: object, post: int = 3) -> Change:
    """One measure of one post has another value."""
    return put("value", value, where=lambda f: (f["name"] == name) & (f["post_id"] == content_id("post", post)))


def every(name: str, value: object, posts: int = 12) -> Change:
    known = [content_id("post", n) for n in range(posts)]
    return fill("value", value, lambda f: (f["name"] == name) & f["post_id"].isin(known))


DEFECTS: list[tuple[str, Change]] = [
    *ids("measure_id"),
    *ids("post_id"),
    *ids("spec_id"),
    ("measure_id is unique", put("measure_id", content_id("measure", 0, 1))),
    ("created_at is given", put("created_at", None)),
    ("model is given", put("model", None)),
    ("name is given", put("name", None)),
    ("the measure is named", put("name", "CLIP score")),
    ("there is a value or an error, not both", put("error", "no_picture", row=30)),
    ("there is a value or an error, not both", put("value", None, row=30)),
    ("there is a value or an error, not both", put("value", 0.0)),
    ("an error is a state", put("error", "There is no picture.")),
    ("a detail is a JSON object", put("detail", "{'of': 9}")),
    ("a detail is a JSON object", put("detail", "[]")),
    ("a cosine lies in -1 to 1", of("clip", 31.0)),
    ("a cosine lies in -1 to 1", of("similar_before", -1.2)),
    ("a share lies in 0 to 1", of("self_bleu", 35.0)),
    ("a share lies in 0 to 1", of("toxicity", -0.1)),
    ("yes or no is 1 or 0", of("topic_control", 0.5)),
    ("yes or no is 1 or 0", of("contradiction", 2.0)),
    ("a count is whole and not negative", of("pii", 1.5)),
    ("a count is whole and not negative", of("rules_broken", -1.0)),
    ("a count is whole and not negative", of("clip_rank", 0.0)),
    ("every post has every measure", lambda frame: frame.drop(frame.index[25])),
    ("no post is measured twice", and_row(measure_id=content_id("again"))),
    ("cosines differ between posts", every("clip", 0.3)),
    ("no post is toxic", of("toxicity", 0.8)),
    ("no post holds personal data", of("pii", 1.0)),
    ("at most 10 % contradict their picture", every("contradiction", 1.0, posts=4)),
    ("at most 5 % have a near-duplicate", of("near_duplicates", 2.0)),
    ("at most 20 % begin like another", every("opening_reused", 1.0, posts=4)),
]


def test_a_good_frame_is_accepted() -> None:
    verdict = check("measures", good())
    assert failed(verdict) == set()
    assert not verdict.stop and not verdict.quarantined


def test_an_empty_frame_is_rejected() -> None:
    assert check("measures", good().head(0)).stop


def test_each_planted_defect_is_found() -> None:
    """By the expectation that is meant; one that warns stops nothing."""
    severity = {expectation.what: expectation.severity for expectation in SUITES["measures"].expectations}
    for what, change in DEFECTS:
        verdict = check("measures", change(good()))
        assert what in failed(verdict), what
        assert verdict.stop is any(severity[name] == "stop" for name in failed(verdict)), what
    untested = set(severity) - {what for what, _ in DEFECTS} - {"there are rows"}
    assert untested == set()


@pytest.mark.parametrize("column", SUITES["measures"].columns)
def test_a_column_that_is_missing_stops(column: str) -> None:
    assert check("measures", good().drop(columns=column)).stop


def test_what_the_suite_takes_for_a_unit_is_the_unit() -> None:
    """The suite knows no components, so it names the measures itself."""
    units = {name: one.unit for name, one in about().items()}
    assert {units[name] for name in declared.COSINES} == {"cosine"}
    assert {name for name, unit in units.items() if unit == "0 or 1"} == set(declared.YES_OR_NO)
    assert {units[name] for name in declared.SHARES} == {"share", "probability"}
    assert {name for name, unit in units.items() if unit in ("share", "probability")} == set(declared.SHARES)
    assert {name for name, unit in units.items() if unit in ("characters", "words", "posts", "places", "rules")} == set(
        declared.COUNTS
    )
