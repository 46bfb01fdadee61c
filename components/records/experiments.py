"""What an experiment writes: which arms it has, and over which items."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from components.records.base import Record, content_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm(Record):
    """One arm of an experiment: the specs that made its posts and judgments, and the items it is compared over, so that
    every table can be made again from the rows. `spec_id` names the experiment as a whole: its arms, items and claims.

    `baseline`: the arm that the others are compared with; `overrides` is JSON: where it differs from the campaign;
    `judge_spec_ids`: the judge, then further ones; `purse`: whose budget paid, which finds the runs.

    The last four are what the journal told when the experiment ended: medians of the time that a post and its judgment
    took, and the calls of all arms together and what they cost. None: it has not ended, or the journal was not whole.
    """

    arm_id: str
    spec_id: str
    experiment: str
    arm: str
    place: int
    baseline: str
    dataset: str
    overrides: str
    feature_spec_id: str
    prompt_spec_id: str
    generation_spec_id: str
    judge_spec_ids: Sequence[str]
    items: Sequence[str]
    purse: str
    created_at: datetime
    latency_ms: float | None = None
    judge_latency_ms: float | None = None
    calls: int | None = None
    spent_usd: float | None = None

    @staticmethod
    def make_id(spec_id: str, arm: str) -> str:
        return content_id("arm", spec_id, arm)
