"""What people say about posts: scores, and decisions. Append-only: of one rater's on one post the later one counts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from components.records.base import Record, content_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating(Record):
    """A person's score of one aspect of one post; `score` None takes back what was said before.

    `slice`: how the post came before the person: `audit` (drawn at random), `queue` (since a rating of it would teach
    most), or `import`. `saw_judge`: the judge's view of the post had been shown by then. `seconds`: spent on the post
    with all its aspects, idle time left out. `rubric_id`: by which text of the rubric (judgments/rubric.py); None where
    that is not known.
    """

    rating_id: str
    post_id: str
    rater: str
    rubric: str
    aspect: str
    score: float | None
    slice: str
    seconds: float | None = None
    saw_judge: bool = False
    created_at: datetime
    rubric_id: str | None = None

    @staticmethod
    def make_id(
        post_id: str, rater: str, rubric: str, aspect: str, score: float | None, saw_judge: bool, created_at: datetime,
        rubric_id: str | None = None,
    ) -> str:  # fmt: skip
        """By what was said and when, so that a file that is read twice adds nothing. Without a text as it was before
        texts were kept."""
        text = [] if rubric_id is None else [rubric_id]
        return content_id("rating", post_id, rater, rubric, aspect, score, saw_judge, _stamp(created_at), *text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Review(Record):
    """A person's decision on one post: approve, reject, edit, or withdraw (takes back the one before).

    `text` and `alt_text` are the edited ones, None where they stay as they are. `diff` is JSON: [sign, words] in order,
    the sign `=` for what stays, `-` for what goes and `+` for what comes (of the text).
    """

    review_id: str
    post_id: str
    rater: str
    decision: str
    reason: str | None = None
    text: str | None = None
    alt_text: str | None = None
    diff: str | None = None
    slice: str
    seconds: float | None = None
    saw_judge: bool = False
    created_at: datetime

    @staticmethod
    def make_id(post_id: str, rater: str, decision: str, more: Mapping[str, str | None], created_at: datetime) -> str:
        """`more`: reason, text and alt_text."""
        return content_id("review", post_id, rater, decision, dict(more), _stamp(created_at))


def _stamp(time: datetime) -> str:
    return time.astimezone(UTC).isoformat()
