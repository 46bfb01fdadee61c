"""How Prefect's cache and retries are told about chunks.

TASK_SOURCE would see only a task's own lines, not the code it calls, so the key is the task, the spec and the chunk:
what changes the output changes the spec's id. Steps that buy calls are not cached here: the journal is their cache, and
a cached failure would never be tried again.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from importlib.metadata import PackageNotFoundError, version
from typing import Any, TypeVar, cast

from prefect.client.schemas.objects import State, TaskRun
from prefect.context import TaskRunContext
from prefect.tasks import Task
from prefect.utilities.annotations import quote

from components.errors import PostwrightError, UserError
from components.records import TABLES, Quarantine, content_id
from components.specs import Spec

T = TypeVar("T")

SECTIONS = {
    "ingest_items": "dataset",
    "extract_features": "features",
    "build_prompts": "prompt",
    "generate_posts": "generation",
    "judge_posts": "judge",
    "read_anchors": "anchors",
    "compare_posts": "spec",
    "measure_posts": "measures",
}


def rows_version() -> str:
    """Of this version of postwright and the fields of its records: results are pickles, and an older version's would
    come back without the fields that are new."""
    try:
        installed = version("postwright")
    except PackageNotFoundError:
        installed = "not installed"
    records = [*TABLES.values(), Quarantine]
    return content_id(installed, {record.__name__: [field.name for field in fields(record)] for record in records})


ROWS = rows_version()


def chunk_key(context: TaskRunContext, parameters: dict[str, Any]) -> str:
    """task / version of the rows / spec id / chunk id."""
    return f"{context.task.name}/{ROWS}/{parameters['spec_id']}/{parameters['chunk']}"


def worth_retrying(task: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    """A wrong input stays wrong; anything else (memory, a disk that blinked) may pass."""
    try:
        state.result(raise_on_failure=True)
    except PostwrightError:
        return False
    except Exception:  # noqa: BLE001 - the question is only whether it is one of ours
        return True
    return False


KEPT: dict[str, Any] = {
    "cache_key_fn": chunk_key, "persist_result": True, "cache_result_in_memory": False, "retries": 2,
    "retry_condition_fn": worth_retrying,
}  # fmt: skip
"""What every task says whose chunk is computed once and kept; how long it waits before a retry differs. Kept on disk
alone: in memory Prefect would hold on to the last thousand results of a flow, all rows of most runs."""


def whole(rows: T) -> T:
    """Rows as a parameter of a task: Prefect hands them on without looking for futures in each field of each row, which
    takes 0.2 ms a row."""
    return cast(T, quote(rows))


def unchanged(spec: Spec, spec_id: str) -> None:
    """Raises UserError when a file that `spec` names is no longer what it was when the run began."""
    if spec.id != spec_id:
        files = ", ".join(str(getattr(spec, field)) for field in sorted(spec.may_be_paths))
        named = f" or a file it names ({files})" if files else ""
        raise UserError(
            f"`{SECTIONS[spec.step]}`{named} changed while the run was going on: what was done before is kept, "
            "run the same command again"
        )


@contextmanager
def frozen(spec: Spec, spec_id: str) -> Iterator[None]:
    """What is computed in the block was computed under `spec_id`, or is not kept: the id is what rows are known by."""
    unchanged(spec, spec_id)
    yield
    unchanged(spec, spec_id)
