"""What is measured of posts without a judge."""

from dataclasses import dataclass
from datetime import datetime

from components.records.base import Record, content_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure(Record):
    """One measure of one post; `name` is one of components/measures/about.yaml, which has its unit and direction.

    `value` is None exactly when `error` says why there is none (`no_picture`, `not_asked`, `unsure`, ...): a measure
    that does not apply is no 0. `label`: what was read, where a value alone would say too little. `detail` is JSON:
    positions, what it was compared with, how the alarm was calibrated. `model`: who measured, with its revision.
    """

    measure_id: str
    post_id: str
    spec_id: str
    name: str
    value: float | None = None
    label: str | None = None
    detail: str = "{}"
    model: str
    error: str | None = None
    created_at: datetime

    @staticmethod
    def make_id(post_id: str, spec_id: str, name: str) -> str:
        return content_id("measure", post_id, spec_id, name)
