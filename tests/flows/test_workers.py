"""Chunks on real Dask and Ray clusters of processes: the rows are those of one process."""

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from prefect.states import Completed

import flows.batching
import flows.extract_features
from components.chat.segments import list_segments
from components.errors import UserError
from components.exchange import Parcels, Pictures, Place
from components.features import extract, forward_passes
from components.items import list_entries, read_entries
from components.records import Feature, Quarantine
from components.specs import Campaign, DatasetSpec, FeatureSpec
from flows import workers
from flows.caching import ROWS
from flows.extracting import extract_elsewhere, key_of, send_pictures
from flows.pipeline import Summary, pipeline
from flows.settings import Settings
from tests.steps import NOW

COLUMNS = {
    "items": "item_id, text, sha256",
    "features": "feature_id, text, model, round(score, 4) AS score",
    "prompts": "prompt_id, system, user",
    "posts": "post_id, text, alt_text, error, call_key, rules, cost_usd",
    "judgments": "judgment_id, score, reasoning, error, call_key",
    "quarantine": "quarantine_id, step, reason, image_path, detail",
    "checks": "table_name, expectation, severity, success, chunk_id",
}
"""What a row says, without when and by which run."""


def rows(settings: Settings) -> dict[str, list[dict[str, Any]]]:
    return {
        table: settings.store().query(f"SELECT {columns} FROM {table} ORDER BY ALL")
        for table, columns in COLUMNS.items()
    }


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Of two rows, so that seven items are work for several workers."""
    monkeypatch.setattr(flows.extract_features, "CHUNK", 2)
    monkeypatch.setattr(flows.batching, "LIVE", 2)
    monkeypatch.setattr(flows.batching, "LOADS", 0)
    yield
    workers.disband()


@pytest.fixture
def run(home: Settings, pictures: Path) -> Callable[[], Summary]:
    def start() -> Summary:
        return pipeline(Campaign.model_validate({"name": "test", "dataset": {"source": "folder", "path": pictures}}))

    return start


@pytest.fixture(scope="module")
def on_one_machine() -> dict[str, Any]:
    """What the first test to need it has found there."""
    return {}


@pytest.mark.slow
@pytest.mark.parametrize("runner", ["dask", pytest.param("ray", marks=pytest.mark.drill)])
def test_a_cluster_gives_the_rows_of_one_process(
    runner: str,
    run: Callable[[], Summary],
    home: Settings,
    monkeypatch: pytest.MonkeyPatch,
    on_one_machine: dict[str, Any],
) -> None:
    pytest.importorskip(f"prefect_{runner}", reason=f"the extra {runner} is not installed")
    if not on_one_machine:
        alone = home.home.parent / "alone"
        with monkeypatch.context() as other:
            other.setenv("POSTWRIGHT_HOME", str(alone))
            assert run().state == "done"
        on_one_machine |= rows(Settings(alone))
    monkeypatch.setenv("POSTWRIGHT_RUNNER", runner)
    monkeypatch.setenv("POSTWRIGHT_WORKERS", "2")
    passes = forward_passes()
    summary = run()
    assert rows(home) == on_one_machine
    assert forward_passes() == passes
    assert summary.steps[1].passes > 0
    assert [step.bought for step in summary.steps[3:]] == [7, 7]
    wrote = {int(re.split("[-.]", path.name)[2]) for path, _ in list_segments(home.calls)}
    assert len(wrote - {os.getpid()}) == 2
    assert not list((home.home / "exchange").rglob("*.parquet"))
    again = run()
    assert all((step.rows, step.passes, step.bought) == (0, 0, 0) for step in again.steps)


class Ended:
    """A future of a cluster whose task has ended, by Prefect's server; `on_its_way`: so often its result is still to
    come when somebody has waited for it."""

    def __init__(self, on_its_way: int, error: TimeoutError | None = None) -> None:
        self.on_its_way, self.error, self.state = on_its_way, error, Completed()

    def result(self, timeout: float, raise_on_failure: bool) -> str:
        if self.error is not None:
            raise self.error
        self.on_its_way -= 1
        if self.on_its_way >= 0:
            raise TimeoutError(f"did not complete within {timeout} seconds")
        return "rows"


def test_a_result_that_is_on_its_way_is_no_timeout_of_the_chunk() -> None:
    crew: Any = workers.Crew("a cluster", None, is_here=True, slots=1)  # type: ignore[arg-type]
    assert crew._result(Ended(on_its_way=1)) == "rows"
    with pytest.raises(TimeoutError, match="the chunk's own"):
        crew._result(Ended(on_its_way=0, error=TimeoutError("the chunk's own")))
    with pytest.raises(TimeoutError, match=r"within 60\.0 seconds"):
        crew._result(Ended(on_its_way=2))


def test_a_worker_elsewhere_refuses_what_the_publisher_would(home: Settings, pictures: Path, tmp_path: Path) -> None:
    """The task itself, with pictures by the exchange: one is gone, one has changed, one breaks when it is decoded."""
    folder = tmp_path / "posts"
    shutil.copytree(pictures, folder)
    cut = (folder / "snow.jpg").read_bytes()[:-2000]
    (folder / "snow.jpg").write_bytes(cut)
    dataset = DatasetSpec(source="folder", path=folder, name="d")
    items, _ = read_entries(list(list_entries(dataset)), dataset)
    broken = next(item for item in items if str(item.image_path).endswith("cafe.jpg"))
    (folder / "cafe.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
    items = [
        replace(item, sha256=hashlib.sha256((folder / "cafe.jpg").read_bytes()).hexdigest()) if item is broken else item
        for item in items
    ]
    (folder / "beach.jpg").unlink()
    (folder / "forest.jpg").write_bytes((folder / "kitchen.jpg").read_bytes())
    spec = FeatureSpec(captions=1, keywords=0)
    here, refused_here = extract(items, spec, home.models)
    place = Place((tmp_path / "exchange").as_uri())
    sent, early = send_pictures(items, Pictures(place))
    parcels = Parcels(place, key_of(spec.id, "c"))
    parcels.put("items", sent)
    task: dict[str, Any] = {"chunk": "c", "exchange": place.url, "pictures": True}
    shutil.rmtree(folder)  # another host has none of this
    assert extract_elsewhere.fn(spec, spec.id, rows=ROWS, **task) > 0
    refused = [*early, *parcels.get("refused", Quarantine)]
    assert {row.reason for row in refused} == {"picture_missing", "changed", "damaged"}

    def said(rows: Sequence[Quarantine]) -> list[Quarantine]:
        return sorted((replace(row, at=NOW) for row in rows), key=lambda row: row.quarantine_id)

    assert said(refused) == said(refused_here)
    found = parcels.get("features", Feature)
    assert [(row.feature_id, row.text) for row in found] == [(row.feature_id, row.text) for row in here]
    with pytest.raises(UserError, match="another version of postwright"):
        extract_elsewhere.fn(spec, spec.id, rows="older", **task)
    with pytest.raises(UserError, match="`features` is another one on the worker"):
        extract_elsewhere.fn(spec, "another id", rows=ROWS, **task)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("POSTWRIGHT_RUNNER", "spark", "it is local, dask, ray"),
        ("POSTWRIGHT_RUNNER", "dask://no-port", "it is local, dask, ray"),
        ("POSTWRIGHT_WORKERS", "0", "a whole number above 0"),
        ("POSTWRIGHT_WAREHOUSE_MEMORY", "much", "a size such as 2GB"),
        ("POSTWRIGHT_WAREHOUSE_MEMORY", "2", "a size such as 2GB"),
        ("POSTWRIGHT_EXCHANGE", "/a/folder", "write file:///a/folder or s3://bucket/prefix"),
        ("POSTWRIGHT_EXCHANGE", "s3://key:secret@bucket/x", "holds a key: leave it out"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(
    name: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match=said):
        Settings.from_environment()


def test_workers_elsewhere_need_an_exchange_and_a_server_that_they_reach(tmp_path: Path) -> None:
    from prefect.settings import PREFECT_API_URL, temporary_settings

    far = Settings(tmp_path, runner="dask://203.0.113.7:8786")
    with pytest.raises(UserError, match="set POSTWRIGHT_EXCHANGE to a bucket"):
        workers.crew_of(far)
    shared = replace(far, shared_exchange=(tmp_path / "mounted").as_uri())
    with (
        temporary_settings({PREFECT_API_URL: "http://127.0.0.1:4200/api"}),
        pytest.raises(UserError, match=r"127\.0\.0\.1:4200/api is this machine's alone"),
    ):
        workers.crew_of(shared)
