"""How Prefect's cache and retries are told about chunks.

TASK_SOURCE would see only a task's own lines, not the code it calls, so the key is the task, the spec and the chunk:
what changes the output changes the spec's id. Steps that buy calls are not cached here: the journal is their cache, and
a cached failure would never be tried again.
"""

from typing import Any, TypeVar, cast

from prefect.client.schemas.objects import State, TaskRun
from prefect.context import TaskRunContext
from prefect.tasks import Task
from prefect.utilities.annotations import quote

from components.errors import PostwrightError

T = TypeVar("T")


def chunk_key(context: TaskRunContext, parameters: dict[str, Any]) -> str:
    """task / spec id / chunk id."""
    return f"{context.task.name}/{parameters['spec_id']}/{parameters['chunk']}"


def worth_retrying(task: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    """A wrong input stays wrong; anything else (memory, a disk that blinked) may pass."""
    try:
        state.result(raise_on_failure=True)
    except PostwrightError:
        return False
    except Exception:  # noqa: BLE001 - the question is only whether it is one of ours
        return True
    return False


def whole(rows: T) -> T:
    """Rows as a parameter of a task: Prefect hands them on without looking for futures in each field of each row, which
    takes 0.2 ms a row."""
    return cast(T, quote(rows))
