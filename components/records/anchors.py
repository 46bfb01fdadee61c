"""Frozen posts, read again in every period."""

from dataclasses import dataclass
from datetime import datetime

from components.records.base import Record, content_id


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchorReading(Record):
    """One aspect of one reading of one anchor in one period; `score` is None exactly when `error` says why.

    `anchor_id` is by content, `name` for people; `spec_id` is the judge's; `period`: the day, week or month (UTC), such
    as 2026-11-30, 2026-W49 or 2026-11.
    """

    reading_id: str
    anchor_id: str
    name: str
    spec_id: str
    period: str
    repeat: int = 0
    aspect: str
    score: float | None = None
    reasoning: str | None = None
    run_id: str
    call_key: str | None = None
    cost_usd: float | None = None
    error: str | None = None
    error_detail: str | None = None
    created_at: datetime

    @staticmethod
    def make_id(anchor_id: str, spec_id: str, period: str, repeat: int, aspect: str, error: str | None) -> str:
        """The error is part of it: a later success stands beside the failure instead of replacing it."""
        return content_id("anchor reading", anchor_id, spec_id, period, repeat, aspect, error)
