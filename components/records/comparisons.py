"""What a judge says of two posts beside each other."""

from dataclasses import dataclass
from datetime import datetime

from components.records.base import Record, content_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison(Record):
    """One verdict of one reading of a pair in one order. `post_a` is the smaller id; `shown_first` is the order, 'a' or
    'b'. `verdict` is 'a', 'b' or 'tie', None exactly when `error` says why. Without a `call_key` and an error nothing
    was asked: the two posts have the same text."""

    comparison_id: str
    post_a: str
    post_b: str
    spec_id: str
    shown_first: str
    repeat: int = 0
    aspect: str
    verdict: str | None = None
    reasoning: str | None = None
    call_key: str | None = None
    cost_usd: float | None = None
    error: str | None = None
    error_detail: str | None = None
    created_at: datetime

    @staticmethod
    def make_id(
        post_a: str, post_b: str, spec_id: str, shown_first: str, repeat: int, aspect: str, error: str | None
    ) -> str:
        """The error is part of it: a later success stands beside the failure instead of replacing it."""
        return content_id("comparison", post_a, post_b, spec_id, shown_first, repeat, aspect, error)
