"""What a good batch of people's ratings looks like: a known scale, one score at a time, scores that tell apart."""

import pandas as pd

from data_checks.suite import Suite, between, content_ids, given, has_rows, holds, matching, unique

LOWEST, HIGHEST = 1, 10
ENOUGH = 8  # posts, before one score for all means something
RATER = r"^\S(?:.{0,62}\S)?$"
SLICE = r"^(?:queue|audit|import)$"


def _said_once(frame: pd.DataFrame) -> pd.Series:
    """No rater gives two scores to one aspect at one moment: nothing would say which of them counts."""
    return ~frame.duplicated(["post_id", "rater", "rubric", "rubric_id", "aspect", "created_at"], keep=False)


def _tells_apart(frame: pd.DataFrame) -> pd.Series:
    """Of eight posts or more a rater gives an aspect more than one score."""
    scored = frame[frame["score"].notna()]
    groups = scored.groupby(["rater", "rubric", "rubric_id", "aspect"], dropna=False)
    constant = (groups["post_id"].transform("nunique") >= ENOUGH) & (groups["score"].transform("nunique") == 1)
    return ~constant.reindex(frame.index, fill_value=False)


SUITE = Suite(
    table="ratings",
    columns=(
        "rating_id", "post_id", "rater", "rubric", "aspect", "score", "slice", "seconds", "saw_judge", "created_at",
        "rubric_id",
    ),
    derived={"said_once": _said_once, "tells_apart": _tells_apart},
    expectations=(
        has_rows(),
        given("rating_id"),
        unique("rating_id"),
        content_ids("rating_id"),
        given("post_id"),
        content_ids("post_id"),
        given("rater"),
        matching("the rater is named in one line", "rater", RATER, "quarantine"),
        given("rubric"),
        content_ids("rubric_id"),
        given("aspect"),
        matching("the aspect is named", "aspect", r"^[a-z][a-z0-9_]*$", "quarantine"),
        between("scores lie in 1 to 10", "score", LOWEST, HIGHEST, "quarantine"),
        given("slice"),
        matching("the slice is queue, audit or import", "slice", SLICE),
        between("seconds are not negative", "seconds", 0, None, "quarantine"),
        given("saw_judge"),
        given("created_at"),
        holds("one score at a time", "said_once", "quarantine"),
        holds("a rater's scores differ between posts", "tells_apart", "warn", "who always says the same tells nothing"),
    ),
)  # fmt: skip
