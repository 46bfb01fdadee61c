"""What a good batch of measures looks like: a value in its unit or a stated reason, every measure of every post.

What a measure says of a post never stops it here: toxicity, personal data, contradictions and sameness warn.
"""

import json

import pandas as pd

from data_checks.suite import (
    STATE,
    Derive,
    Suite,
    at_most,
    content_ids,
    given,
    has_rows,
    has_text,
    holds,
    matching,
    unique,
)

COSINES = ("clip", "clip_best", "similar_before")
SHARES = ("distinct_1", "distinct_2", "self_bleu", "toxicity")
YES_OR_NO = ("contradiction", "topic_control", "scene_control", "sentiment_control", "sentiment_lexicon")
COUNTS = ("length", "words", "opening_reused", "near_duplicates", "pii", "rules_broken")
ROUNDING = 1e-5
TOXIC = 0.8
MOST_CONTRADICTIONS, MOST_ALIKE, MOST_OPENINGS = 0.1, 0.05, 0.2
ENOUGH = 8  # posts, before one value for all means something


def _value_or_error(frame: pd.DataFrame) -> pd.Series:
    return frame["value"].notna() != has_text(frame["error"])


def _named(frame: pd.DataFrame, *names: str) -> pd.Series:
    """The values of these measures; null elsewhere."""
    return frame["value"].astype(float).where(frame["name"].isin(names))


def _cosine_is_one(frame: pd.DataFrame) -> pd.Series:
    values = _named(frame, *COSINES)
    return values.isna() | values.between(-1 - ROUNDING, 1 + ROUNDING)


def _share_is_one(frame: pd.DataFrame) -> pd.Series:
    values = _named(frame, *SHARES)
    return values.isna() | values.between(0, 1 + ROUNDING)


def _yes_or_no(frame: pd.DataFrame) -> pd.Series:
    values = _named(frame, *YES_OR_NO)
    return values.isna() | values.isin([0.0, 1.0])


def _count_is_one(frame: pd.DataFrame) -> pd.Series:
    """Whole and not negative; places count from 1."""
    values, places = _named(frame, *COUNTS, "clip_rank"), _named(frame, "clip_rank")
    return values.isna() | ((values >= 0) & (values % 1 == 0) & ~(places < 1))


def _detail_is_json(frame: pd.DataFrame) -> pd.Series:
    def sound(detail: object) -> bool:
        try:
            return isinstance(json.loads(str(detail)), dict)
        except ValueError:
            return False

    return frame["detail"].map(sound).astype(bool)


def _every_measure_is_there(frame: pd.DataFrame) -> pd.Series:
    """Each post has every measure that any post has under the spec."""
    asked = frame.groupby("spec_id")["name"].transform("nunique")
    return frame.groupby(["post_id", "spec_id"])["name"].transform("nunique") == asked


def _measured_once(frame: pd.DataFrame) -> pd.Series:
    return ~frame.duplicated(["post_id", "spec_id", "name"], keep=False)


def _tells_apart(frame: pd.DataFrame) -> pd.Series:
    """Of eight posts or more not all cosines of a kind are equal: an encoder that sees nothing gives one value."""
    cosines = frame.assign(value=_named(frame, *COSINES))
    groups = cosines[cosines["value"].notna()].groupby(["spec_id", "name"])
    constant = (groups["post_id"].transform("nunique") >= ENOUGH) & (groups["value"].transform("nunique") == 1)
    return ~constant.reindex(frame.index, fill_value=False)


def _is_any(name: str) -> Derive:
    """1 where a count of this name is above 0, 0 where it is 0; null elsewhere."""
    return lambda frame: (_named(frame, name) > 0).astype(float).where(_named(frame, name).notna())


SUITE = Suite(
    table="measures",
    columns=("measure_id", "post_id", "spec_id", "name", "value", "label", "detail", "model", "error", "created_at"),
    derived={
        "value_or_error": _value_or_error,
        "cosine_is_one": _cosine_is_one,
        "share_is_one": _share_is_one,
        "is_yes_or_no": _yes_or_no,
        "count_is_one": _count_is_one,
        "detail_is_json": _detail_is_json,
        "every_measure_is_there": _every_measure_is_there,
        "measured_once": _measured_once,
        "tells_apart": _tells_apart,
        "is_harmless": lambda frame: ~(_named(frame, "toxicity") >= TOXIC),
        "is_discreet": lambda frame: ~(_named(frame, "pii") > 0),
        "contradicts": lambda frame: _named(frame, "contradiction"),
        "is_twin": _is_any("near_duplicates"),
        "begins_alike": _is_any("opening_reused"),
    },
    expectations=(
        has_rows(),
        given("measure_id"),
        unique("measure_id"),
        content_ids("measure_id"),
        given("post_id"),
        content_ids("post_id"),
        given("spec_id"),
        content_ids("spec_id"),
        given("created_at"),
        given("model"),
        given("name"),
        matching("the measure is named", "name", r"^[a-z][a-z0-9_]*$"),
        holds("there is a value or an error, not both", "value_or_error", why="what does not apply is no 0"),
        matching("an error is a state", "error", STATE, why="free text belongs into detail"),
        holds("a detail is a JSON object", "detail_is_json"),
        holds("a cosine lies in -1 to 1", "cosine_is_one"),
        holds("a share lies in 0 to 1", "share_is_one"),
        holds("yes or no is 1 or 0", "is_yes_or_no"),
        holds("a count is whole and not negative", "count_is_one"),
        holds("every post has every measure", "every_measure_is_there"),
        holds("no post is measured twice", "measured_once"),
        holds("cosines differ between posts", "tells_apart", "warn", "an encoder that sees nothing gives one value"),
        holds("no post is toxic", "is_harmless", "warn", "a probability of 0.8 or more"),
        holds("no post holds personal data", "is_discreet", "warn", "its places are in the detail"),
        at_most("at most 10 % contradict their picture", "contradicts", MOST_CONTRADICTIONS),
        at_most("at most 5 % have a near-duplicate", "is_twin", MOST_ALIKE),
        at_most("at most 20 % begin like another", "begins_alike", MOST_OPENINGS),
    ),
)
