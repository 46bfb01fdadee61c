"""What is written beside the nouns: refusals, results of checks, runs."""

from dataclasses import dataclass
from datetime import datetime

from components.records.base import Record, content_id


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
class CheckResult(Record):
    """One expectation on one chunk, or on a table: on all its rows of a dataset (chunk_id `table`), on those of a run's
    items (`window`), or on those of tables that an arm has written to (`written`)."""

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
    """One pipeline run; rewritten from `running` to how it ended. Runs with one `purse` share a budget: a run and its
    resumptions, the windows of a backfill. `window_on`: which time of its items the window is of (see Selection).
    `scores` is JSON: what the run said of its posts when it ended. `flow_run_url` is the flow run's page, where the
    server that it ran on shows pages."""

    run_id: str
    campaign: str
    dataset: str
    window_from: datetime | None = None
    window_to: datetime | None = None
    window_on: str | None = None
    item_limit: int | None = None
    item_sample: int | None = None
    item_seed: int = 0
    state: str
    started_at: datetime
    ended_at: datetime | None = None
    rows: str = "{}"
    calls: int = 0
    cost_usd: float | None = None
    spec_ids: str = "{}"
    purse: str = ""
    message: str | None = None
    flow_run_id: str | None = None
    flow_run_url: str | None = None
    scores: str = "{}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Backfill(Record):
    """One backfill, which is what has one purse: rewritten by each start of the same command. `edges`: where its
    windows begin, and where the last one ends; how each of them stands is in `runs`, by the purse and the window.
    `window_by` and `timezone` are what the edges were made from."""

    backfill_id: str
    campaign: str
    dataset: str
    window_on: str
    window_by: str
    timezone: str
    edges: list[datetime]
    spec_ids: str
    state: str
    started_at: datetime
    ended_at: datetime | None = None
    message: str | None = None
