"""What training and evaluating share: labelled examples are read, checked and published, and the encoders read them.

Chunks as everywhere: one task each, cached by what can change its outcome. Pictures and models do not cross a task's
border; the vectors do, and so heads train again in seconds.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from prefect import task

from components.errors import UserError
from components.learning.encoded import Measured
from components.learning.examples import LabelledEntry, list_examples, read_examples
from components.learning.near_duplicates import (
    Hashes,
    describe_clusters,
    near_duplicate_clusters,
    perceptual_hashes,
)
from components.learning.settling import settle
from components.learning.spec import LabelledSource, SplitRule, Task
from components.learning.splits import author_units
from components.learning.vectors import Device, Vectors, joined, vectors
from components.records import Evaluation, Example, Quarantine, content_id
from components.warehouse.store import Store
from flows.caching import KEPT, whole
from flows.extract_features import picture_state
from flows.progress import progress, say
from flows.publish import StepResult, chunk_id, chunks, publish
from flows.settings import Settings

CHUNK = 256
ENOUGH_TO_RESAMPLE = 20


@task(
    task_run_name="read {chunk}",
    retry_delay_seconds=[1, 5],
    **KEPT,
)
def read_examples_chunk(
    source: LabelledSource, tasks: Mapping[str, Task], spec_id: str, chunk: str, entries: Sequence[LabelledEntry]
) -> tuple[list[Example], list[Quarantine]]:
    """Open, verify and hash the pictures of one chunk, and translate its labels."""
    return read_examples(entries, source, tasks, datetime.now(UTC))


@task(
    task_run_name="encode {chunk}",
    retry_delay_seconds=[1, 10],
    **KEPT,
)
def encode_chunk(
    models: str, spec_id: str, chunk: str, examples: Sequence[Example], kinds: Sequence[str], step: str, device: Device
) -> tuple[Vectors, list[Quarantine]]:
    """Let the encoders read one chunk; `spec_id` is the fingerprint of the model set."""
    return vectors(examples, models, Settings.from_environment().models, kinds, step, device)


@task(
    task_run_name="hash {chunk}",
    retry_delay_seconds=[1, 5],
    **KEPT,
)
def hash_chunk(spec_id: str, chunk: str, examples: Sequence[Example]) -> dict[str, Hashes]:
    """The perceptual hashes of one chunk's pictures."""
    return perceptual_hashes(examples)


def read_sources(
    sources: Sequence[LabelledSource], tasks: Mapping[str, Task], store: Store, run_id: str, result: StepResult
) -> list[Example]:
    """All examples of all sources, published to `examples`; what cannot be used is in `quarantine`."""
    drawings = Settings.from_environment().home / "drawings"
    found: list[Example] = []
    refused: list[Quarantine] = []
    for source in sources:
        entries = list_examples(source, drawings, drawing_progress())
        advance = progress(f"read {source.name}", len(entries))
        spec_id = content_id("labelled source", source.model_dump(mode="json"), _dumped(tasks))
        for part in chunks(entries, CHUNK):
            chunk = chunk_id(spec_id, [f"{entry.source_uri} {entry.stamp}" for entry in part])
            examples, not_read = read_examples_chunk(source, dict(tasks), spec_id, chunk, whole(part))
            found += examples
            refused += not_read
            advance(len(part))
    # Only together do examples show which of them contradict each other, so they are published after that.
    settled, contradicting = settle(found, datetime.now(UTC))
    result.quarantined += store.append({"quarantine": [*refused, *contradicting]})["quarantine"]
    if not settled:
        raise UserError(
            "no example could be used: see `SELECT reason, detail FROM quarantine` in the warehouse, or correct the "
            f"paths and labels of {', '.join(source.name for source in sources)}"
        )
    for part_of in chunks(settled, CHUNK):
        chunk = chunk_id("examples", [example.example_id for example in part_of])
        rows, quarantined = publish(store, "examples", part_of, [], chunk=chunk, run_id=run_id, dataset="examples")
        result.rows += rows
        result.quarantined += quarantined
    published = in_warehouse(store, settled)
    return [example for example in settled if example.example_id in published]


def in_warehouse(store: Store, examples: Sequence[Example]) -> set[str]:
    """The ids of those that are published, now or before: what a check has refused is not learned from."""
    sql = "SELECT example_id FROM examples WHERE example_id IN (SELECT unnest($ids))"
    rows = store.query(sql, {"ids": [example.example_id for example in examples]})
    return {row["example_id"] for row in rows}


def drawing_progress() -> Callable[[int, int], None]:
    """A bar that begins with the first drawing: most of the time there is nothing to draw."""
    advance: Callable[[int], None] | None = None

    def told(done: int, total: int) -> None:
        nonlocal advance
        advance = advance or progress("draw", total)
        advance(1)

    return told


def encode_all(
    examples: Sequence[Example], models: str, kinds: Sequence[str], step: str, store: Store, device: Device = "auto"
) -> tuple[list[Example], Vectors]:
    """The vectors of all examples, chunk by chunk; an example whose picture has gone is left out, and quarantined."""
    from components.features import model_set_fingerprint

    spec_id = content_id("encoders", model_set_fingerprint(models), sorted(kinds))
    advance = progress(f"encode ({models.rpartition('/')[2]})", len(examples))
    parts: list[Vectors] = []
    for part in chunks(examples, CHUNK):
        chunk = chunk_id(spec_id, [f"{e.example_id} {picture_state(e)}" for e in part])
        found, refused = encode_chunk(models, spec_id, chunk, whole(part), tuple(kinds), step, device)
        store.append({"quarantine": refused})
        parts.append(found)
        advance(len(part))
    read = joined(parts)
    if not read.ids:
        raise UserError("no example's picture or text could be read: see `quarantine` in the warehouse")
    kept = set(read.ids)
    return [example for example in examples if example.example_id in kept], read


@dataclass(frozen=True)
class Groups:
    """Per example: its near-duplicates (`twins`), what goes to one side of a split as a whole (`units`: authors, where
    asked), and what is resampled together in a bootstrap."""

    twins: list[str]
    units: list[str]
    resampled: list[str]


def groups_of(examples: Sequence[Example], arrays: Sequence[NDArray[np.float32]], rule: SplitRule) -> Groups:
    """What is resampled are the units, unless there are fewer than ENOUGH_TO_RESAMPLE: four authors cannot be, so
    their examples are, near-duplicates together, and the intervals hold for these authors only."""
    hashes: dict[str, Hashes] = {}
    pictured = [example for example in examples if example.image_path]
    advance = progress("find near-duplicates", len(pictured))
    for part in chunks(pictured, CHUNK):
        chunk = chunk_id("hashes", [f"{e.sha256} {picture_state(e)}" for e in part])
        hashes |= hash_chunk("hashes", chunk, whole(part))
        advance(len(part))
    twins = near_duplicate_clusters(examples, hashes, arrays, rule)
    if (warning := describe_clusters(twins).warning) is not None:
        say(warning)
    units = author_units(examples, twins) if rule.by_author else twins
    return Groups(twins, units, units if len(set(units)) >= ENOUGH_TO_RESAMPLE else twins)


def evaluation_rows(
    found: Sequence[Measured], spec_id: str, subject: str, model: str, dataset: str, split: str
) -> list[Evaluation]:
    """Measured values as rows of the warehouse."""
    now = datetime.now(UTC)
    return [
        Evaluation(
            evaluation_id=Evaluation.make_id(spec_id, subject, model, dataset, split, one.task, one.metric),
            spec_id=spec_id,
            subject=subject,
            model=model,
            dataset=dataset,
            split=split,
            task=one.task,
            metric=one.metric,
            value=one.value,
            low=one.low,
            high=one.high,
            n=one.n,
            detail=json.dumps(one.detail, ensure_ascii=False),
            created_at=now,
        )
        for one in found
    ]


def found_before(store: Store, spec_id: str) -> list[Evaluation]:
    """The figures that a training or an evaluation has left, in an order that does not change."""
    sql = "SELECT * FROM evaluations WHERE spec_id = $id ORDER BY task, subject, dataset, metric"
    rows = store.query(sql, {"id": spec_id})
    return [Evaluation(**row) for row in rows]


def short(row: Evaluation) -> dict[str, Any]:
    """A row without its curves, for people and for `--json`."""
    return {name: getattr(row, name) for name in ("subject", "dataset", "task", "metric", "value", "low", "high", "n")}


def _dumped(tasks: Mapping[str, Task]) -> dict[str, object]:
    return {name: task.model_dump(mode="json") for name, task in tasks.items()}
