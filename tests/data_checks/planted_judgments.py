"""A good frame of judgments, and every single defect of it."""

from components.records import content_id
from tests.data_checks.planting import NOW, Change, Frame, and_row, failing, fill, frame_of, ids, of_item, put, without

ASPECTS = ["relevance_clarity", "creativity_originality", "coherence_structure", "emotional_engagement"]


def good() -> Frame:
    rows = []
    for n in range(12):
        for repeat in range(2):
            for k, aspect in enumerate(ASPECTS):
                ids = {
                    "judgment_id": content_id(n, repeat, aspect),
                    "post_id": content_id(n),
                    "spec_id": content_id("s"),
                }
                row = {**ids, "repeat": repeat, "aspect": aspect, "score": 1 + (n * 7 + k) % 10, "reasoning": "Seen."}
                if (n, repeat, k) == (5, 1, 2):
                    row |= {"score": None, "reasoning": None, "error": "unparsable", "error_detail": "No object."}
                rows.append({**row, "cost_usd": 0.001, "created_at": NOW})
    return frame_of("judgments", rows)


DEFECTS: list[tuple[str, Change]] = [
    *ids("judgment_id"),
    *ids("post_id"),
    ("judgment_id is unique", put("judgment_id", content_id(0, 0, ASPECTS[1]))),
    ("created_at is given", put("created_at", None)),
    ("aspect is given", put("aspect", None)),
    ("the aspect is named", put("aspect", "Relevance & clarity")),
    ("scores lie in 1 to 10", put("score", 11)),
    ("scores lie in 1 to 10", put("score", 0)),
    ("there is a score or an error, not both", put("error", "timeout")),
    ("there is a score or an error, not both", put("score", None)),
    ("there is a score or an error, not both", put("score", 0.0, where=lambda frame: frame["error"].notna())),
    ("an error is a state", put("error", "no JSON, sorry", where=lambda frame: frame["error"].notna())),
    ("a cost is not negative", put("cost_usd", -0.01)),
    ("every reading has every aspect", without(lambda frame: frame["aspect"] == ASPECTS[2])),
    ("every reading has every aspect", put("aspect", ASPECTS[1])),
    ("no aspect is scored twice in a reading", and_row(judgment_id=content_id("again"), score=2.0)),
    ("repeats count from 0 without a gap", fill("repeat", 2, lambda frame: frame["repeat"] == 1)),
    ("repeats count from 0 without a gap", fill("repeat", 3, of_item(1, "post_id"))),
    ("a score says why", put("reasoning", "")),
    ("scores differ between posts", fill("score", 8.0, lambda frame: frame["aspect"] == ASPECTS[0])),
    ("at most 10 % have an error", failing(16, "timeout", "score")),
    ("at most 5 % of replies cannot be read", failing(8, "unparsable", "score")),
]  # fmt: skip
