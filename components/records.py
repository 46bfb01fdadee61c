"""The rows that travel: item -> feature -> prompt -> post -> judgment, and what is written beside them.

Every id is a hash of the inputs' ids and of the spec that made the row, so a row is written once and never changes;
two runs that do the same work write the same rows.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def content_id(*parts: object) -> str:
    """20 hex digits (80 bits) over the JSON of `parts`: at 10^8 rows a collision has a chance of about 4e-9."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:20]


def storable(text: str) -> str:
    """`text` with U+FFFD where half of a surrogate pair or NUL stands."""
    return text if text.isprintable() else _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A row of the warehouse; field names are column names."""

    def row(self) -> dict[str, Any]:
        """As it can be stored: no column takes half of a surrogate pair, which JSON of a server can hold."""
        return {name: storable(value) if isinstance(value, str) else value for name, value in asdict(self).items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Item(Record):
    """Something to write about: a picture, a text, or both. Times in UTC; counts as the source gave them."""

    item_id: str
    dataset: str
    spec_id: str
    source_uri: str
    source_id: str | None = None
    stamp: str = ""
    image_path: str | None = None
    sha256: str | None = None
    width: int | None = None
    height: int | None = None
    text: str = ""
    author: str | None = None
    language: str | None = None
    published_at: datetime | None = None
    likes: int | None = None
    replies: int | None = None
    reposts: int | None = None
    views: int | None = None
    ingested_at: datetime

    @staticmethod
    def make_id(dataset: str, sha256: str | None, text: str) -> str:
        """By content: moving or renaming a picture changes nothing, one changed pixel makes another item."""
        return content_id("item", dataset, sha256, text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature(Record):
    """One thing a model found in an item. `rank` 0 is the best of its name; `score` is in the unit of the name:
    cosine for captions, probability for topic, sentiment and scene, embedding shift (cosine distance) or YAKE's weight
    for keywords.

    `threshold`: below it a label is too uncertain to be a prompt word; None where nobody has measured one. `box`: the
    part of the picture it was read from, (left, top, right, bottom) as shares of the upright picture's width and
    height; None is all of it.
    """

    feature_id: str
    item_id: str
    spec_id: str
    name: str
    rank: int = 0
    text: str | None = None
    score: float | None = None
    threshold: float | None = None
    box: Sequence[float] | None = None
    vector: Sequence[float] | None = None
    model: str

    @staticmethod
    def make_id(item_id: str, spec_id: str, name: str, rank: int) -> str:
        return content_id("feature", item_id, spec_id, name, rank)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt(Record):
    """What the writer is asked. `words` are the feature ids that stand in the text; `feature_spec_id` says which
    features were read, so that new features make a new prompt even where no word of them is used."""

    prompt_id: str
    item_id: str
    spec_id: str
    feature_spec_id: str = ""
    platform: str
    template: str
    system: str
    user: str
    words: Sequence[str] = ()

    @staticmethod
    def make_id(item_id: str, spec_id: str, words: Sequence[str], feature_spec_id: str = "") -> str:
        return content_id("prompt", item_id, spec_id, feature_spec_id, list(words))


@dataclass(frozen=True, slots=True, kw_only=True)
class Post(Record):
    """A written post, or the stated reason why there is none. `cost_usd` is None where the price is unknown.

    `temperature` and `seed` are what was asked for, None where nothing was sent. `duplicate_of`: the post_id of the
    earlier candidate of the same prompt that says the same. `clip_score`: the cosine of CLIP's vectors of the text and
    the picture, where candidates are chosen by it.
    """

    post_id: str
    prompt_id: str
    spec_id: str
    candidate: int = 0
    platform: str
    text: str | None = None
    alt_text: str | None = None
    rules: Sequence[str] = ()
    call_key: str | None = None
    cost_usd: float | None = None
    error: str | None = None
    error_detail: str | None = None
    created_at: datetime
    temperature: float | None = None
    seed: int | None = None
    duplicate_of: str | None = None
    clip_score: float | None = None

    @staticmethod
    def make_id(prompt_id: str, spec_id: str, candidate: int, error: str | None) -> str:
        """The error is part of it: a later success stands beside the failure instead of replacing it."""
        return content_id("post", prompt_id, spec_id, candidate, error)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgment(Record):
    """One aspect of one reading of one post; `score` is None exactly when `error` says why."""

    judgment_id: str
    post_id: str
    spec_id: str
    repeat: int = 0
    aspect: str
    score: float | None = None
    reasoning: str | None = None
    call_key: str | None = None
    cost_usd: float | None = None
    error: str | None = None
    error_detail: str | None = None
    created_at: datetime

    @staticmethod
    def make_id(post_id: str, spec_id: str, repeat: int, aspect: str, error: str | None) -> str:
        return content_id("judgment", post_id, spec_id, repeat, aspect, error)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantine(Record):
    """An input or output that was refused: where, why, and what is needed to find it again.

    `reason` is one short machine-readable word (`duplicate`, `unreadable`, `too_large`, `empty`, ...); `detail` is for
    people. `item_id` is the item it duplicates or belongs to, where there is one; `stamp` tells whether the source
    changed since.
    """

    quarantine_id: str
    step: str
    dataset: str
    source_uri: str
    stamp: str = ""
    image_path: str | None = None
    item_id: str | None = None
    reason: str
    detail: str
    at: datetime

    @staticmethod
    def make_id(step: str, dataset: str, source_uri: str, stamp: str, reason: str) -> str:
        return content_id("quarantine", step, dataset, source_uri, stamp, reason)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult(Record):
    """One expectation on one chunk (or on the whole table: chunk_id `table`)."""

    run_id: str
    table_name: str
    chunk_id: str
    expectation: str
    severity: str
    success: bool
    observed: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Run(Record):
    """One pipeline run; the only row that is rewritten, from `running` to how it ended. Runs with one `purse` share a
    budget: a run and its resumptions, the windows of a backfill."""

    run_id: str
    campaign: str
    dataset: str
    window_from: datetime | None = None
    window_to: datetime | None = None
    item_limit: int | None = None
    state: str
    started_at: datetime
    ended_at: datetime | None = None
    rows: str = "{}"
    calls: int = 0
    cost_usd: float | None = None
    spec_ids: str = "{}"
    purse: str = ""
    message: str | None = None


TABLES: dict[str, type[Record]] = {
    "items": Item,
    "features": Feature,
    "prompts": Prompt,
    "posts": Post,
    "judgments": Judgment,
}
"""The five nouns; each has a suite in data_checks and a flow."""

LEARNING: dict[str, type[Record]] = {"examples": Example, "splits": Split, "evaluations": Evaluation}
"""What training and evaluating write; each has a suite in data_checks too."""
