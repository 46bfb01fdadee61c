"""What training and evaluating write."""

from dataclasses import dataclass
from datetime import datetime

from components.records.base import Record, content_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Example(Record):
    """A picture, a text, or both, with the labels that people or a source gave it. `labels` is JSON: task -> label
    (text) or number; a task that is not in it is unknown for this row, which is no answer of its own."""

    example_id: str
    dataset: str
    source_uri: str
    image_path: str | None = None
    sha256: str | None = None
    text: str = ""
    author: str | None = None
    language: str | None = None
    published_at: datetime | None = None
    labels: str

    @staticmethod
    def make_id(
        dataset: str, sha256: str | None, text: str, labels: str, author: str | None, published_at: datetime | None
    ) -> str:
        """Author and time are part of it: they decide who is learned from and who is tested on."""
        return content_id("example", dataset, sha256, text, labels, author, published_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Split(Record):
    """Where an example went in one training. `cluster` names what stays together: near-duplicates and, where asked,
    all of one author. `split`: train, validation, test, or unused (with the reason in `reason`)."""

    spec_id: str
    example_id: str
    cluster: str
    split: str
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation(Record):
    """One metric of one subject on one task. `subject`: what was measured, such as `multi-task` or `vader`; `model`:
    its revision; `value` with its 95 % interval over `n` examples; `detail` is JSON: curves, matrices, settings."""

    evaluation_id: str
    spec_id: str
    subject: str
    model: str
    dataset: str
    split: str
    task: str
    metric: str
    value: float | None
    low: float | None = None
    high: float | None = None
    n: int
    detail: str = "{}"
    created_at: datetime

    @staticmethod
    def make_id(spec_id: str, subject: str, model: str, dataset: str, split: str, task: str, metric: str) -> str:
        return content_id("evaluation", spec_id, subject, model, dataset, split, task, metric)
