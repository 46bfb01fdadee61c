"""Rows cross a task's border as they are, without being walked through, and are let go behind it."""

import gc
import importlib
from pathlib import Path
from typing import Any

import pytest
from prefect.utilities.annotations import quote
from prefect.utilities.engine import resolve_inputs_sync

from components.records import Prompt
from flows.caching import whole
from flows.publish import publish
from flows.settings import Settings
from tests.steps import Steps, campaign_of

build_prompts = importlib.import_module("flows.build_prompts")


def test_rows_arrive_in_a_task_as_they_were_and_unvisited() -> None:
    class Unvisitable(list[int]):
        def __iter__(self):  # type: ignore[no-untyped-def]
            raise AssertionError("Prefect looked into the rows")

    rows = Unvisitable([1, 2])
    assert isinstance(whole(rows), quote)
    assert resolve_inputs_sync({"rows": whole(rows)})["rows"] is rows


@pytest.mark.slow
def test_chunks_that_are_published_are_let_go(home: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are kept on disk. Prefect would hold on to the last thousand results of a flow."""
    alive: list[int] = []

    def publish_and_count(*given: Any, **named: Any) -> Any:
        gc.collect()
        ours = (thing for thing in gc.get_objects() if isinstance(thing, Prompt) and thing.spec_id == c.prompt.id)
        alive.append(sum(1 for _ in ours))
        return publish(*given, **named)

    steps = Steps(home, campaign_of(tmp_path))
    c = steps.c
    steps.ingest()
    steps.describe()
    monkeypatch.setattr(build_prompts, "CHUNK", 1)
    monkeypatch.setattr(build_prompts, "publish", publish_and_count)
    result = build_prompts.build_prompts(c.prompt, c.features, steps.selection)
    assert result.rows == len(alive) == 6
    assert max(alive) <= 2, "this chunk, and the one before"
