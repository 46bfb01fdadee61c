"""The suite of anchor readings accepts a good frame, and rejects each planted defect of it, and an empty one."""

from dataclasses import fields

import pandas as pd
import pytest

from components.records import AnchorReading, content_id
from data_checks.validate import SUITES
from tests.data_checks.planting import NOW, Change, Frame, and_row, check, failed, failing, fill, ids, put, without

ASPECTS = ["relevance_clarity", "creativity_originality", "coherence_structure", "emotional_engagement"]


def good() -> Frame:
    rows = [
        AnchorReading(
            reading_id=content_id(n, repeat, aspect), anchor_id=content_id(n), name=f"anchor-{n}",
            spec_id=content_id("s"), period="2026-11-30", repeat=repeat, aspect=aspect, score=1 + (n * 7 + k) % 10,
            reasoning="Seen.", run_id="r", cost_usd=0.001, created_at=NOW,
        ).row()
        for n in range(12) for repeat in range(2) for k, aspect in enumerate(ASPECTS)
    ]  # fmt: skip
    rows[5] |= {"score": None, "error": "timeout"}
    return pd.DataFrame(rows, columns=[field.name for field in fields(AnchorReading)])


DEFECTS: list[tuple[str, Change]] = [
    *ids("reading_id"),
    *ids("anchor_id"),
    *ids("spec_id"),
    ("reading_id is unique", put("reading_id", content_id(0, 0, ASPECTS[1]))),
    ("name is given", put("name", None)),
    ("run_id is given", put("run_id", None)),
    ("created_at is given", put("created_at", None)),
    ("period is given", put("period", None)),
    ("a period is a day, a week or a month", put("period", "30.11.2026")),
    ("aspect is given", put("aspect", None)),
    ("the aspect is named", put("aspect", "Relevance & clarity")),
    ("repeats count from 0", put("repeat", -1)),
    ("scores lie in 1 to 10", put("score", 11)),
    ("there is a score or an error, not both", put("score", None)),
    ("there is a score or an error, not both", put("error", "timeout")),
    ("an error is a state", put("error", "no JSON, sorry", where=lambda frame: frame["error"].notna())),
    ("a cost is not negative", put("cost_usd", -0.01)),
    ("every reading has every aspect", without(lambda frame: frame["aspect"] == ASPECTS[2])),
    ("no aspect is scored twice in a reading", and_row(reading_id=content_id("again"))),
    ("an anchor has one name", put("name", "another")),
    ("at most 10 % have an error", failing(16, "timeout", "score")),
]  # fmt: skip


def test_a_good_frame_is_accepted() -> None:
    verdict = check("anchor_readings", good())
    assert failed(verdict) == set() and not verdict.stop
    for period in ("2026-W49", "2026-11"):
        assert failed(check("anchor_readings", fill("period", period)(good()))) == set()


@pytest.mark.parametrize(("what", "defect"), DEFECTS, ids=[f"{n}-{what}" for n, (what, _) in enumerate(DEFECTS)])
def test_every_single_defect_is_rejected(what: str, defect: Change) -> None:
    assert what in failed(check("anchor_readings", defect(good())))


def test_every_expectation_has_a_planted_defect_and_an_empty_frame_is_rejected() -> None:
    declared = {expectation.what for expectation in SUITES["anchor_readings"].expectations}
    assert declared - {what for what, _ in DEFECTS} == {"there are rows"}
    verdict = check("anchor_readings", good().iloc[:0])
    assert verdict.stop and failed(verdict) == {"there are rows"}
