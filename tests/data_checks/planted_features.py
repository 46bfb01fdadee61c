"""A good frame of features, and every single defect of it."""

import math
from typing import Any

from components.records import content_id
from tests.data_checks.planting import Change, Frame, fill, frame_of, ids, named, of_item, put, without

THRESHOLDS = {"topic": 0.5, "sentiment": 1.01, "scene": None}


def moved(*box: float, name: str = "crop", rank: int = 0) -> Change:
    return put("box", list(box), where=named(name, rank))


def good() -> Frame:
    rows: list[dict[str, Any]] = []

    def add(item: str, name: str, rank: int = 0, **more: Any) -> None:
        ids = {"feature_id": content_id(item, name, rank), "item_id": item, "spec_id": content_id("s")}
        rows.append({**ids, "name": name, "rank": rank, "model": "m@1", **more})

    for n in range(9):
        item = content_id(n)
        for rank, score in enumerate((0.31, 0.3, -0.02)):
            add(item, "caption", rank, text=f"thing {n} in light {rank}", score=score)
        for task in ("topic", "sentiment", "scene"):
            for rank, score in enumerate((0.7, 0.2, 0.1000004)):
                add(item, task, rank, text=f"label {rank}", score=score, threshold=THRESHOLDS[task])
        for rank in range(2):
            add(item, "keyword", rank, text=f"word{rank}", score=0.2 - rank / 10)
        for rank in range(n % 3):
            box = [0.0 + rank / 4, 0.5, 0.5 + rank / 4, 1.0]
            add(item, "crop", rank, text="a ball", score=0.9 - rank / 10, box=box)
            add(item, "crop_caption", rank, text="a ball on sand", score=0.2 + rank / 10, threshold=0.27, box=box)
            add(item, "crop_topic", rank, text="sport", score=0.3 + rank / 10, threshold=0.5, box=box)
            add(item, "crop_scene", rank, text="beach", score=0.5, box=box)
        for name in ("clip_image", "text"):
            add(item, name, vector=[0.1, -0.5, 0.0, 1.0])
    return frame_of("features", rows)


DEFECTS: list[tuple[str, Change]] = [
    *ids("feature_id"),
    *ids("item_id"),
    ("feature_id is unique", put("feature_id", content_id(content_id(0), "caption", 1))),
    ("name is given", put("name", None)),
    ("name is known", put("name", "mood")),
    ("model is given", put("model", None)),
    ("the model is named", put("model", "")),
    ("ranks run from 0 without a gap", without(named("caption", 1))),
    ("ranks run from 0 without a gap", without(named("topic", 0))),
    ("ranks run from 0 without a gap", put("rank", 0, row=1)),
    ("ranks run from 0 without a gap", put("rank", -1)),
    ("the best comes first", put("score", 0.9, row=1)),
    ("the best comes first", put("score", 0.75, where=named("scene", 1))),
    ("captions, labels and keywords have text", put("text", "")),
    ("captions, labels and keywords have text", put("text", None, where=named("keyword", 1))),
    ("captions, labels and keywords have a score", put("score", None)),
    ("captions, labels and keywords have a score", put("score", math.nan, where=named("topic"))),
    ("captions, labels and keywords have a score", put("score", math.inf)),
    ("caption scores are cosines", put("score", 1.2)),
    ("caption scores are cosines", put("score", -1.2, row=2)),
    ("label scores are probabilities", put("score", -0.1, where=named("topic", 2))),
    ("label scores are probabilities", put("score", 1.1, where=named("topic"))),
    ("an item's probabilities sum to 1 at most", put("score", 0.8, where=named("topic"))),
    ("keyword scores lie in 0 to 2", put("score", 2.5, where=named("keyword"))),
    ("keyword scores lie in 0 to 2", put("score", -0.5, where=named("keyword", 1))),
    ("captions, labels and keywords have text", put("text", None, where=named("crop_caption"))),
    ("captions, labels and keywords have a score", put("score", None, where=named("crop", 1))),
    ("caption scores are cosines", put("score", 1.2, where=named("crop_caption"))),
    ("label scores are probabilities", put("score", 1.1, where=named("crop_topic"))),
    ("label scores are probabilities", put("score", -0.1, where=named("crop_scene"))),
    ("scores of parts are shares", put("score", 1.3, where=named("crop"))),
    ("scores of parts are shares", put("score", -0.1, where=named("crop", 1))),
    ("the best comes first", put("score", 0.95, where=named("crop", 1))),
    ("thresholds lie in 0 to 1.01", put("threshold", 1.02, where=named("topic"))),
    ("thresholds lie in 0 to 1.01", put("threshold", -0.1, where=named("scene"))),
    ("thresholds lie in 0 to 1.01", put("threshold", "high", where=named("scene"))),
    ("thresholds belong to labels and parts", put("threshold", 0.5, where=named("caption"))),
    ("thresholds belong to labels and parts", put("threshold", 0.5, where=named("crop"))),
    ("boxes stand under the names of parts", put("box", None, where=named("crop"))),
    ("boxes stand under the names of parts", put("box", math.nan, where=named("crop_topic"))),
    ("boxes stand under the names of parts", moved(0.1, 0.1, 0.9, 0.9, name="caption")),
    ("boxes stand under the names of parts", moved(name="clip_image")),
    ("boxes lie in their picture", moved(0.5, 0.1, 0.5, 0.9)),
    ("boxes lie in their picture", moved(0.1, 0.9, 0.5, 0.2)),
    ("boxes lie in their picture", moved(-0.1, 0.1, 0.5, 0.9)),
    ("boxes lie in their picture", moved(0.1, 0.1, 320.0, 200.0, name="crop_scene")),
    ("boxes lie in their picture", moved(0.1, 0.1, 0.5)),
    ("boxes lie in their picture", moved(0.1, math.nan, 0.5, 0.9)),
    ("boxes lie in their picture", put("box", "0.1 0.1 0.5 0.9", where=named("crop"))),
    ("what is said of a part stands beside it", moved(0.2, 0.2, 0.5, 0.9, name="crop_topic")),
    ("what is said of a part stands beside it", moved(0.2, 0.2, 0.5, 0.9)),
    ("what is said of a part stands beside it", without(named("crop", 1))),
    ("what is said of a part stands beside it", without(named("crop_caption", 1))),
    ("every picture has a caption", lambda frame: frame[(frame["name"] != "caption") | ~of_item(0)(frame)]),
    ("labels are sure enough to be told", fill("score", 0.45, where=named("topic"))),
    ("vectors stand under the names of vectors", put("vector", None, where=named("clip_image"))),
    ("vectors stand under the names of vectors", put("vector", [], where=named("clip_image"))),
    ("vectors stand under the names of vectors", put("vector", [1.0])),
    ("vectors are finite and not zero", put("vector", [0.1, math.nan, 0.0, 1.0], where=named("text"))),
    ("vectors are finite and not zero", put("vector", [0.1, math.inf, 0.0, 1.0], where=named("text"))),
    ("vectors are finite and not zero", put("vector", [0.0] * 4, where=named("text"))),
    ("vectors of a name and model have one length", put("vector", [0.1, 0.2], where=named("text"))),
    ("every item has a vector", lambda frame: frame[frame["vector"].isna() | ~of_item(0)(frame)]),
    ("every item has words", lambda frame: frame[frame["name"].isin(["text"]) | ~of_item(0)(frame)]),
    ("best captions differ", fill("text", "a thing", where=named("caption"))),
]  # fmt: skip
