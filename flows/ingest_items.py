"""-> items: list the inputs of a source, read those not met before, and publish each as an item or a quarantine row."""

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from prefect import flow, task

from components.items import Entry, list_entries, read_entries, split_duplicates
from components.records import Item, Quarantine, content_id
from components.specs import DatasetSpec, Selection
from components.warehouse.store import Store
from flows.caching import KEPT, whole
from flows.inputs import Fresh, InputsMet, inputs_met, kept_in, newest_reading
from flows.progress import progress
from flows.publish import StepResult, chunk_id, publish
from flows.settings import Settings
from flows.stages import slice_of


@task(
    task_run_name="read {chunk}",
    retry_delay_seconds=[1, 5],
    **KEPT,
)
def read_chunk(
    spec: DatasetSpec, spec_id: str, chunk: str, entries: Sequence[Entry]
) -> tuple[list[Item], list[Quarantine]]:
    """Open, verify and hash the pictures of one chunk."""
    return read_entries(entries, spec)


@flow(name="ingest_items", flow_run_name="ingest {spec.name}")
def ingest_items(spec: DatasetSpec, run_id: str = "") -> StepResult:
    """Read a source into `items`. An input whose row and picture are unchanged since it was met is not read again.

    Args:
        spec: The source: of which kind, where it lies, what its columns are called.
        run_id: Leave empty: the pipeline sets it, to book what is done here under its own run.
    """
    begun, settings = time.monotonic(), Settings.from_environment().prepare()
    store, result = settings.store(), StepResult("ingest_items")
    with kept_in(settings.home) as fresh:
        result.already = look_through(spec, inputs_met(store, spec.name), fresh)
        store.register(spec)  # once it is known to be there: the place is the name's from now on
        newest = newest_reading(store, spec.name)
        advance = progress("ingest", len(fresh))
        for part in fresh.chunks(slice_of(len(fresh))):
            chunk = chunk_id(spec.id, [content_id(entry.source_uri, entry.stamp) for entry in part])
            items, refused = read_chunk(spec, spec.id, chunk, whole(part))
            items, duplicates = split_duplicates(items, *ids_known(store, spec.name, items))
            items, refused = later(items, [*refused, *duplicates], newest)
            rows, quarantined = publish(store, "items", items, refused, chunk=chunk, run_id=run_id, dataset=spec.name)
            result.rows += rows
            result.quarantined += quarantined
            advance(len(part))
    result.seconds = time.monotonic() - begun
    return result


def look_through(spec: DatasetSpec, met: InputsMet, fresh: Fresh) -> int:
    """Adds what was not met before to `fresh`; returns how many were."""
    already = 0
    for entry in list_entries(spec, met):
        if (entry.source_uri, entry.stamp) in met:
            already += 1
        else:
            fresh.add(entry)
    return already


def later(
    items: Sequence[Item], refused: Sequence[Quarantine], than: datetime | None
) -> tuple[list[Item], list[Quarantine]]:
    """With times after `than`, also where the clock was set back since: the latest reading of an input counts."""
    if than is None:
        return list(items), list(refused)
    after = than + timedelta(microseconds=1)
    return (
        [item if item.ingested_at > than else replace(item, ingested_at=after) for item in items],
        [row if row.at > than else replace(row, at=after) for row in refused],
    )


def undated(selection: Selection, without_time: int, items: int) -> str | None:
    """What there is to say when a window leaves out items because nobody knows when they were published."""
    if not without_time or selection.on != "published_at":
        return None
    return (
        f"{without_time} of {items} items of dataset {selection.dataset!r} have no published_at, so no window takes "
        "them; windows --on ingested_at do, or a run without --from and --to"
    )


def ids_known(store: Store, dataset: str, items: Sequence[Item]) -> tuple[dict[str, str], dict[str, str]]:
    """Which of these ids the dataset already has: item_id -> source_uri, and source_id -> item_id."""
    sql = """SELECT item_id, source_uri, source_id FROM items
        WHERE dataset = $dataset AND (list_contains($items, item_id) OR list_contains($sources, source_id))"""
    params = {
        "dataset": dataset,
        "items": [item.item_id for item in items],
        "sources": [item.source_id for item in items if item.source_id],
    }
    rows = store.query(sql, params)
    return (
        {row["item_id"]: row["source_uri"] for row in rows},
        {row["source_id"]: row["item_id"] for row in rows if row["source_id"]},
    )
