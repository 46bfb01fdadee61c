"""A good experiment, and ways to spoil it."""

from components.records import content_id
from tests.data_checks.planting import NOW, Change, Frame, and_row, fill, frame_of, ids, put

ITEMS = [content_id("item", n) for n in range(12)]


def good() -> Frame:
    return frame_of(
        "arms",
        [
            {
                "arm_id": content_id("arm", n), "spec_id": content_id("experiment"), "experiment": "ablation",
                "arm": name, "place": n, "baseline": "full", "dataset": "d", "overrides": '{"without": ["topic"]}',
                "feature_spec_id": content_id("f"), "prompt_spec_id": content_id("p", n),
                "generation_spec_id": content_id("g"), "judge_spec_ids": [content_id("j")], "items": list(ITEMS),
                "purse": "experiment-1", "created_at": NOW,
            }
            for n, name in enumerate(("full", "minus-topic", "plain"))
        ],
    )  # fmt: skip


DEFECTS: list[tuple[str, Change]] = [
    *ids("arm_id"),
    ("arm_id is unique", and_row(place=3, arm="again")),
    *ids("spec_id"),
    *((f"{column} is given", put(column, None)) for column in ("experiment", "arm", "dataset", "purse")),
    *((f"{column} is named", put(column, " ")) for column in ("experiment", "arm", "dataset", "purse")),
    *(one for column in ("feature_spec_id", "prompt_spec_id", "generation_spec_id") for one in ids(column)),
    ("created_at is given", put("created_at", None)),
    ("places count from 0", put("place", -1, 2)),
    ("overrides are a JSON object", put("overrides", "[]")),
    ("overrides are a JSON object", put("overrides", "{")),
    ("items are ids, each once", put("items", [*ITEMS, ITEMS[0]])),
    ("items are ids, each once", put("items", [])),
    ("items are ids, each once", put("items", [*ITEMS[1:], "7"])),
    ("judges are ids, each once", put("judge_spec_ids", [])),
    ("all arms are over the same items", put("items", ITEMS[1:])),
    ("all arms are over the same items", put("dataset", "other", 1)),
    ("the baseline is the first arm, and only that", fill("baseline", "plain")),
    ("the baseline is the first arm, and only that", put("place", 0, 2)),
    ("no two arms are the same", put("prompt_spec_id", content_id("p", 1), 2)),
    ("10 items or more", fill("place", 0, lambda frame: frame.index < 0)),
]  # fmt: skip
