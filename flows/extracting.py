"""Features by workers: a chunk's items travel to the exchange, its features come back from it.

    publisher                          exchange                              worker
    items, pictures by hash   ->   items.parquet, pictures/       ->   models
    check, publish            <-   features.parquet, refused.parquet  <-   rows

Pictures travel only to workers that do not see this machine's files. `features` is written last, so where it is the
chunk is whole: also after a run that was killed before it published, which then computes nothing again.
"""

import socket
import tempfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.futures import PrefectFuture

from components.errors import UserError, WorkerLost
from components.exchange import Parcels, Pictures, Place
from components.features import extract, forward_passes, refuse_item
from components.records import Feature, Item, Quarantine
from components.specs import FeatureSpec, Spec
from flows.caching import ROWS, SECTIONS, worth_retrying
from flows.settings import Settings
from flows.workers import Crew


@dataclass(frozen=True)
class Chunk:
    """A chunk and its id."""

    chunk_id: str
    items: Sequence[Item]


@dataclass(frozen=True)
class Extracted:
    """A chunk's rows; `passes`: the forward passes that workers needed for them."""

    of: Chunk
    features: list[Feature]
    refused: list[Quarantine]
    passes: int = 0

    @property
    def chunk(self) -> str:
        return self.of.chunk_id

    @property
    def items(self) -> Sequence[Item]:
        return self.of.items


@task(
    task_run_name="extract {chunk}",
    cache_policy=NO_CACHE,
    persist_result=False,
    retries=2,
    retry_delay_seconds=[1, 10],
    retry_condition_fn=worth_retrying,
)
def extract_elsewhere(spec: FeatureSpec, spec_id: str, chunk: str, exchange: str, rows: str, pictures: bool) -> int:
    """On a worker: run the models over the chunk that lies in the exchange, and leave its rows there. Returns the
    forward passes. `rows`: the version of the rows that the publisher reads; `pictures`: fetch them, too."""
    same_as_publisher(spec, spec_id, rows)
    place, before = Place(exchange), sum(forward_passes().values())
    parcels = Parcels(place, key_of(spec_id, chunk))
    items = parcels.get("items", Item)
    with tempfile.TemporaryDirectory(prefix="postwright-") as folder:
        here = located(items, Pictures(place), Path(folder)) if pictures else items
        features, refused = extract(here, spec, Settings.from_environment().models)
    same_as_publisher(spec, spec_id, rows)
    parcels.put("refused", [_as_named(row, items, here) for row in refused])
    parcels.put("features", features)
    return sum(forward_passes().values()) - before


def extracted(
    spec: FeatureSpec, spec_id: str, chunks: Iterator[Chunk], crew: Crew, exchange: str
) -> Generator[Extracted, None, None]:
    """The features of each chunk in order, found by the crew; what it left in the exchange is removed once whoever asks
    for the next chunk has published this one."""
    place = Place(exchange)
    early: dict[str, list[Quarantine]] = {}

    def begin(chunk: Chunk) -> PrefectFuture[int] | None:
        parcels = Parcels(place, key_of(spec_id, chunk.chunk_id))
        if parcels.has("features"):
            return None
        items = list(chunk.items)
        if not crew.is_here:
            items, early[chunk.chunk_id] = send_pictures(items, Pictures(place))
        parcels.put("items", items)
        return crew.submit(
            extract_elsewhere, spec.device != "cpu", spec=spec, spec_id=spec_id, chunk=chunk.chunk_id,
            exchange=exchange, rows=ROWS, pictures=not crew.is_here,
        )  # fmt: skip

    turns = crew.in_turn(chunks, begin)
    with closing(turns) as done:
        for chunk, passes in done:
            if isinstance(passes, WorkerLost):
                raise passes
            parcels = Parcels(place, key_of(spec_id, chunk.chunk_id))
            refused = [*early.pop(chunk.chunk_id, []), *parcels.get("refused", Quarantine)]
            yield Extracted(chunk, parcels.get("features", Feature), refused, passes or 0)
            parcels.remove("features", "refused", "items")


def same_as_publisher(spec: Spec, spec_id: str, rows: str) -> None:
    """Raises UserError where this worker would compute, or has computed, something else than it was asked for."""
    host = socket.gethostname()
    if rows != ROWS:
        raise UserError(f"the worker on {host} runs another version of postwright than the publisher: install the same")
    if spec.id != spec_id:
        named = ", ".join(f"{field} {getattr(spec, field)}" for field in sorted(spec.may_be_paths)) or "what it shows"
        raise UserError(
            f"`{SECTIONS[spec.step]}` is another one on the worker {host} than at the publisher ({named}): a file that "
            "it names must be the same on all hosts, at the same path"
        )


def send_pictures(items: Sequence[Item], pictures: Pictures) -> tuple[list[Item], list[Quarantine]]:
    """The items whose pictures are in the exchange (or that have none), and those whose pictures cannot be read."""
    pictured = [item for item in items if item.image_path and item.sha256]
    said = pictures.put([(str(item.sha256), str(item.image_path)) for item in pictured])
    errors = {item.item_id: error for item, error in zip(pictured, said, strict=True) if error is not None}
    sent = [item for item in items if item.item_id not in errors]
    return sent, [refuse_item(item, errors[item.item_id]) for item in items if item.item_id in errors]


def located(items: Sequence[Item], pictures: Pictures, folder: Path) -> list[Item]:
    """Items with their pictures where this host has them."""
    paths = pictures.fetch([item.sha256 for item in items if item.image_path and item.sha256], folder)
    return [
        replace(item, image_path=str(paths[item.sha256])) if item.image_path and item.sha256 else item for item in items
    ]


def _as_named(row: Quarantine, items: Sequence[Item], here: Sequence[Item]) -> Quarantine:
    """A refusal that names the picture as the publisher knows it."""
    for known, seen in zip(items, here, strict=True):
        if known.item_id == row.item_id and known.image_path and seen.image_path:
            return replace(
                row, image_path=known.image_path, detail=row.detail.replace(seen.image_path, known.image_path)
            )
    return row


def key_of(spec_id: str, chunk: str) -> str:
    return f"{ROWS}/{spec_id}/{chunk}"
