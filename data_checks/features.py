"""What a good batch of features looks like: known names, ranks without gaps, scores in their unit, sound vectors.

A name that is new in components/features belongs into WORDS or VECTORS here, one of a part of a picture into `parts`.
"""

import numpy as np
import pandas as pd

from data_checks import parts
from data_checks.suite import (
    Expectation,
    Suite,
    at_most,
    between,
    content_ids,
    given,
    has_rows,
    has_text,
    holds,
    matching,
    size_of,
    unique,
)

TASKS = ("topic", "sentiment", "scene")
CAPTIONS = ("caption", "crop_caption")
LABELS = (*TASKS, "crop_topic", "crop_scene")
RANKED = ("caption", *TASKS, "keyword", parts.CROP)
"""Names whose ranks go by score. What is said of a part has the rank of its part."""
WORDS = (*RANKED, *parts.TOLD)
VECTORS = ("clip_image", "clip_text", "picture", "text")
OF_PICTURES = ("clip_image", "picture")
CAN_ABSTAIN = (*LABELS, "crop_caption")
GROUP = ["item_id", "spec_id", "name"]
ROUNDING = 1e-3  # in sums of probabilities and orders of scores, of numbers that were rounded
ENOUGH = 8  # items, before sameness means something


def _is_word(frame: pd.DataFrame) -> pd.Series:
    return frame["name"].isin(WORDS)


def _scores(frame: pd.DataFrame, *names: str) -> pd.Series:
    """The scores of these names, null elsewhere."""
    return pd.to_numeric(frame["score"], errors="coerce").where(frame["name"].isin(names))


def _ranks_have_no_gap(frame: pd.DataFrame) -> pd.Series:
    """Per item and name: 0 to n-1, each once."""
    ranks = frame.groupby(GROUP)["rank"]
    n = ranks.transform("size")
    return (ranks.transform("min") == 0) & (ranks.transform("max") == n - 1) & (ranks.transform("nunique") == n)


def _best_comes_first(frame: pd.DataFrame) -> pd.Series:
    """No score is above the one of the rank before it."""
    ordered = frame.assign(score=_scores(frame, *RANKED)).sort_values([*GROUP, "rank"])
    rise = ordered.groupby(GROUP)["score"].diff()
    return ~(rise > ROUNDING).reindex(frame.index)


def _probability_sum(frame: pd.DataFrame) -> pd.Series:
    """Of the labels kept per item and task; null for rows that are no label."""
    kept = frame.assign(score=_scores(frame, *TASKS))
    sums: pd.Series = kept.groupby(GROUP)["score"].transform("sum")
    return sums.where(frame["name"].isin(TASKS))


def _word_has_text(frame: pd.DataFrame) -> pd.Series:
    return ~_is_word(frame) | has_text(frame["text"])


def _word_has_score(frame: pd.DataFrame) -> pd.Series:
    known = _scores(frame, *WORDS)
    return ~_is_word(frame) | (known.notna() & (known.abs() != np.inf))


def _size(frame: pd.DataFrame) -> pd.Series:
    """A whole table comes with `vector_size` and `vector_sound` in place of its vectors, which would take gigabytes."""
    return frame["vector_size"].fillna(0) if "vector_size" in frame else size_of(frame["vector"])


def _vector_is_there(frame: pd.DataFrame) -> pd.Series:
    """Exactly where the name is a vector's."""
    return (_size(frame) > 0) == frame["name"].isin(VECTORS)


def _vector_is_sound(frame: pd.DataFrame) -> pd.Series:
    """Finite, and not all zero: a zero vector is alike to nothing."""
    if "vector_sound" in frame:
        return (_size(frame) == 0) | frame["vector_sound"].fillna(False).astype(bool)

    def sound(vector: object) -> bool:
        values = np.asarray(vector, dtype=float)
        return bool(np.isfinite(values).all() and values.any())

    there = size_of(frame["vector"]) > 0
    return pd.Series(
        [not has or sound(vector) for has, vector in zip(there, frame["vector"], strict=True)], index=frame.index
    )


def _vectors_agree(frame: pd.DataFrame) -> pd.Series:
    """Vectors of one name from one model have one length."""
    return _size(frame).groupby([frame["name"], frame["model"]]).transform("nunique") == 1


def _item_has_words(frame: pd.DataFrame) -> pd.Series:
    return _is_word(frame).groupby(frame["item_id"]).transform("any")


def _item_has_vector(frame: pd.DataFrame) -> pd.Series:
    return frame["name"].isin(VECTORS).groupby(frame["item_id"]).transform("any")


def _picture_has_caption(frame: pd.DataFrame) -> pd.Series:
    """Items with a vector of their picture have a caption."""
    pictured = frame["item_id"][frame["name"].isin(OF_PICTURES)]
    captioned = frame["item_id"][frame["name"] == "caption"]
    return ~frame["item_id"].isin(set(pictured) - set(captioned))


def _thresholds(frame: pd.DataFrame) -> pd.Series:
    """As numbers; what is there and is none becomes infinite, which no range allows."""
    there = frame["threshold"].notna()
    return pd.to_numeric(frame["threshold"], errors="coerce").where(lambda values: values.notna() | ~there, np.inf)


def _is_uncertain(frame: pd.DataFrame) -> pd.Series:
    """1 where an item's best label lies below its threshold, so that no prompt tells it; null for other rows, and where
    no threshold is known; 0 throughout in small batches."""
    thresholds = _thresholds(frame).where(frame["name"].isin(TASKS) & (frame["rank"] == 0))
    if thresholds.notna().sum() < ENOUGH:
        return pd.Series(0.0, index=frame.index)
    return (_scores(frame, *TASKS) < thresholds).astype(float).where(thresholds.notna())


def _caption_repeats(frame: pd.DataFrame) -> pd.Series:
    """1 where an item's best caption is another item's too; null elsewhere, and in small batches."""
    best = frame["text"].where((frame["name"] == "caption") & (frame["rank"] == 0))
    if best.notna().sum() < ENOUGH:
        return pd.Series(0.0, index=frame.index)
    return best.duplicated(keep=False).astype(float).where(best.notna())


def _unit(what: str, column: str, low: float, high: float) -> Expectation:
    return between(what, column, low, high, "quarantine", "a score out of its unit is a broken forward pass")


SUITE = Suite(
    table="features",
    columns=(
        "feature_id",
        "item_id",
        "spec_id",
        "name",
        "rank",
        "text",
        "score",
        "threshold",
        "box",
        "vector",
        "model",
    ),
    derived={
        "ranks_have_no_gap": _ranks_have_no_gap,
        "best_comes_first": _best_comes_first,
        "word_has_text": _word_has_text,
        "word_has_score": _word_has_score,
        "caption_score": lambda frame: _scores(frame, *CAPTIONS),
        "probability": lambda frame: _scores(frame, *LABELS),
        "probability_sum": _probability_sum,
        "keyword_score": lambda frame: _scores(frame, "keyword"),
        "part_score": lambda frame: _scores(frame, parts.CROP),
        "least_probability": _thresholds,
        "can_abstain": lambda frame: frame["threshold"].isna() | frame["name"].isin(CAN_ABSTAIN),
        "is_uncertain": _is_uncertain,
        "vector_is_there": _vector_is_there,
        "vector_is_sound": _vector_is_sound,
        "vectors_agree": _vectors_agree,
        "item_has_words": _item_has_words,
        "item_has_vector": _item_has_vector,
        "picture_has_caption": _picture_has_caption,
        **parts.DERIVED,
        "caption_repeats": _caption_repeats,
    },
    expectations=(
        has_rows(),
        given("feature_id"),
        unique("feature_id"),
        content_ids("feature_id"),
        given("item_id"),
        content_ids("item_id"),
        given("name"),
        Expectation(
            "name is known", "ExpectColumnValuesToBeInSet", {"column": "name", "value_set": [*WORDS, *VECTORS]}, "stop"
        ),
        given("model"),
        matching("the model is named", "model", r"\S"),
        holds("ranks run from 0 without a gap", "ranks_have_no_gap"),
        holds("the best comes first", "best_comes_first"),
        holds("captions, labels and keywords have text", "word_has_text", "quarantine"),
        holds("captions, labels and keywords have a score", "word_has_score", "quarantine"),
        _unit("caption scores are cosines", "caption_score", -1 - ROUNDING, 1 + ROUNDING),
        _unit("label scores are probabilities", "probability", 0, 1 + ROUNDING),
        _unit("an item's probabilities sum to 1 at most", "probability_sum", 0, 1 + ROUNDING),
        _unit("keyword scores lie in 0 to 2", "keyword_score", -ROUNDING, 2 + ROUNDING),
        _unit("scores of parts are shares", "part_score", 0, 1),
        between("thresholds lie in 0 to 1.01", "least_probability", 0, 1.01, why="1.01 is for labels never to be told"),
        holds("thresholds belong to labels and parts", "can_abstain"),
        *parts.EXPECTATIONS,
        holds("vectors stand under the names of vectors", "vector_is_there"),
        holds("vectors are finite and not zero", "vector_is_sound", "quarantine"),
        holds("vectors of a name and model have one length", "vectors_agree"),
        holds("every item has a vector", "item_has_vector", "warn", "it cannot be compared with others"),
        holds("every item has words", "item_has_words", "warn", "its prompt can only quote its text"),
        holds("every picture has a caption", "picture_has_caption", "warn", "its post has no alt text"),
        at_most(
            "labels are sure enough to be told", "is_uncertain", 0.5, why="the model knows other pictures or texts"
        ),
        at_most("best captions differ", "caption_repeats", 0.5, why="a collapsed captioner says one thing of all"),
    ),
)
