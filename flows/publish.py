"""Check, then publish: a chunk's rows are validated by their suite and written in one transaction, or not at all.

The checks' results are kept either way. A row that a check quarantines takes its whole group with it (the item's
features, the post's judgments), so that no half of anything is published.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any, TypeVar

import pandas as pd

from components.errors import CheckFailed
from components.records import CheckResult, Quarantine, Record, content_id
from components.warehouse.store import Store
from flows.meter import METER
from flows.stopping import raise_if_stopped
from flows.watching import tell

T = TypeVar("T")

GROUPS = {
    "items": "item_id",
    "features": "item_id",
    "prompts": "item_id",
    "posts": "post_id",
    "judgments": "post_id",
    "anchor_readings": "anchor_id",
    "comparisons": "comparison_id",
    "examples": "example_id",
    "splits": "example_id",
    "evaluations": "evaluation_id",
    "measures": "post_id",
    "ratings": "rating_id",
    "reviews": "review_id",
    "arms": "arm_id",
}
IDS = {
    "items": "item_id",
    "features": "feature_id",
    "prompts": "prompt_id",
    "posts": "post_id",
    "judgments": "judgment_id",
    "anchor_readings": "reading_id",
    "comparisons": "comparison_id",
    "examples": "example_id",
    "splits": "example_id",
    "evaluations": "evaluation_id",
    "measures": "measure_id",
    "ratings": "rating_id",
    "reviews": "review_id",
    "arms": "arm_id",
}


@dataclass
class StepResult:
    """What one step did. `passes`: forward passes of models; `bought`: calls; `reused`: answers of the journal;
    `duplicates`: candidates that say the same as an earlier one of their prompt."""

    step: str
    rows: int = 0
    quarantined: int = 0
    already: int = 0
    bought: int = 0
    reused: int = 0
    passes: int = 0
    duplicates: int = 0
    seconds: float = 0.0
    failed: dict[str, int] = field(default_factory=dict)

    def add(self, other: "StepResult") -> None:
        """Counts what `other` did as done by this step too."""
        for name in ("rows", "quarantined", "already", "bought", "reused", "passes", "duplicates", "seconds"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for error, n in other.failed.items():
            self.failed[error] = self.failed.get(error, 0) + n


def chunks(things: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(things), size):
        raise_if_stopped()
        yield things[start : start + size]


def chunk_id(spec_id: str, ids: Sequence[str]) -> str:
    return content_id("chunk", spec_id, list(ids))


def publish(
    store: Store,
    table: str,
    records: Sequence[Record],
    quarantine: Sequence[Quarantine],
    *,
    chunk: str,
    run_id: str,
    dataset: str,
) -> tuple[int, int]:
    """Validate and write one chunk. Returns (new rows, newly quarantined).

    Raises CheckFailed, and writes no row of the chunk, when a critical check fails.
    """
    if not records:
        refused_only = store.append({"quarantine": quarantine})["quarantine"]
        METER.chunk(table, 0, refused_only, ())
        return 0, refused_only
    frame = pd.DataFrame([record.row() for record in records], columns=[f.name for f in fields(records[0])])
    verdict = verify(store, table, frame, chunk=chunk, run_id=run_id, quarantine=quarantine)
    kept, refused = split(table, records, verdict.quarantined, dataset, verdict.at)
    written = store.append({table: kept, "checks": verdict.checks, "quarantine": [*quarantine, *refused]})
    rows, quarantined = written[table], written["quarantine"]
    METER.chunk(table, rows, quarantined, verdict.checks)
    failed = sum(not check.success for check in verdict.checks)
    counts = {"rows": rows, "quarantined": quarantined, "failed_checks": failed}
    spec_id = getattr(records[0], "spec_id", None)
    tell(f"{table}: {rows} new rows", table=table, chunk_id=chunk, spec_id=spec_id, **counts)
    return rows, quarantined


@dataclass(frozen=True)
class Verified:
    """What a suite found in a frame that it does not stop: the checks, and index of the frame -> why it is refused."""

    checks: list[CheckResult]
    quarantined: dict[Any, str]
    at: datetime


def verify(
    store: Store, suite: str, frame: pd.DataFrame, *, chunk: str, run_id: str, quarantine: Sequence[Quarantine] = ()
) -> Verified:
    """Run a suite over a frame. A critical check that fails: keeps checks and `quarantine`, raises CheckFailed."""
    from data_checks.validate import validate

    now = datetime.now(UTC)
    verdict = validate(suite, frame, chunk_id=chunk, run_id=run_id, now=now)
    checks = check_results(verdict)
    if verdict.stop:
        store.append({"checks": checks, "quarantine": quarantine})
        METER.chunk(suite, 0, len(quarantine), checks)
        failed = [check for check in checks if not check.success and check.severity == "stop"]
        shown = "; ".join(f"{check.expectation}: {check.observed}" for check in failed[:3])
        tell(f"{suite}: a check stops the run", logging.ERROR, table=suite, chunk_id=chunk, failed_checks=len(failed))
        raise CheckFailed(f"{suite}, chunk {chunk}: {shown}. Nothing of this chunk was published")
    return Verified(checks, verdict.quarantined, now)


def check_results(verdict: Any) -> list[CheckResult]:
    """The verdict's rows as records: data_checks does not know the warehouse, so this is where the two meet."""
    names = [f.name for f in fields(CheckResult)]
    return [CheckResult(**{name: getattr(row, name) for name in names}) for row in verdict.results]


def split(
    table: str, records: Sequence[Record], reasons: dict[Any, str], dataset: str, now: datetime
) -> tuple[list[Record], list[Quarantine]]:
    """Take out the groups of the rows that a check refused."""
    group = GROUPS[table]
    refused: dict[str, tuple[Record, str]] = {}
    for index, reason in reasons.items():
        refused.setdefault(getattr(records[index], group), (records[index], reason))
    kept = [record for record in records if getattr(record, group) not in refused]
    rows = []
    for record, reason in refused.values():
        uri = f"{table}/{getattr(record, IDS[table])}"
        spec_id = getattr(record, "spec_id", "")
        rows.append(
            Quarantine(
                quarantine_id=Quarantine.make_id(table, dataset, uri, spec_id, "check"),
                step=table,
                dataset=dataset,
                source_uri=getattr(record, "source_uri", uri),
                stamp=getattr(record, "stamp", spec_id),
                image_path=getattr(record, "image_path", None),
                item_id=getattr(record, "item_id", None),
                reason="check",
                detail=reason,
                at=now,
            )
        )
    return kept, rows
