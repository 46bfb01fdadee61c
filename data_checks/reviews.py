"""What a good batch of people's decisions looks like: a known decision, an edit with its text, its diff and its why."""

import json

import pandas as pd

from data_checks.ratings import RATER, SLICE
from data_checks.suite import Suite, between, content_ids, given, has_rows, has_text, holds, matching, unique

DECISION = r"^(?:approve|reject|edit|withdraw)$"


def _edit_has_text(frame: pd.DataFrame) -> pd.Series:
    """An edit, and nothing else, has a text or an alternative text of its own."""
    return (has_text(frame["text"]) | has_text(frame["alt_text"])) == (frame["decision"] == "edit")


def _says_why(frame: pd.DataFrame) -> pd.Series:
    return has_text(frame["reason"]) | ~frame["decision"].isin(["edit", "reject"])


def _diff_gives_text(frame: pd.DataFrame) -> pd.Series:
    """A diff stands beside every edited text, and what stays and what comes is that text."""

    def sound(diff: object, text: object) -> bool:
        if not isinstance(text, str):
            return not isinstance(diff, str)
        try:
            parts = json.loads(diff) if isinstance(diff, str) else []
            return "".join(words for sign, words in parts if sign in "=+") == text
        except (ValueError, TypeError):
            return False

    rows = zip(frame["diff"], frame["text"], strict=True)
    return pd.Series([sound(diff, text) for diff, text in rows], index=frame.index, dtype=bool)


SUITE = Suite(
    table="reviews",
    columns=(
        "review_id", "post_id", "rater", "decision", "reason", "text", "alt_text", "diff", "slice", "seconds",
        "saw_judge", "created_at",
    ),
    derived={"edit_has_text": _edit_has_text, "says_why": _says_why, "diff_gives_text": _diff_gives_text},
    expectations=(
        has_rows(),
        given("review_id"),
        unique("review_id"),
        content_ids("review_id"),
        given("post_id"),
        content_ids("post_id"),
        given("rater"),
        matching("the rater is named in one line", "rater", RATER, "quarantine"),
        given("decision"),
        matching("the decision is approve, reject, edit or withdraw", "decision", DECISION),
        holds("an edit has a text, and only an edit", "edit_has_text", "quarantine"),
        holds("an edit or a rejection says why", "says_why", "quarantine"),
        holds("the diff gives the text", "diff_gives_text", "quarantine", "the edit could not be told from it"),
        given("slice"),
        matching("the slice is queue, audit or import", "slice", SLICE),
        between("seconds are not negative", "seconds", 0, None, "quarantine"),
        given("saw_judge"),
        given("created_at"),
    ),
)  # fmt: skip
