"""What `mode: batch` changes in a flow: larger parts, all handed in before the first is waited for, and suspension.

A deployed run that is tired of waiting suspends itself by Prefect's own means: its process ends, its place in the work
pool is free, and once it is resumed (in the UI, by the API or an automation) it goes on with the same batches. A run
without a deployment has nobody who could start it again: it stops with exit code 5, and the same command resumes it.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar
from uuid import uuid4

from prefect.context import FlowRunContext
from prefect.flow_runs import suspend_flow_run

from components.errors import BatchPending
from components.spec import ChatSpec
from flows.progress import say
from flows.publish import chunks
from flows.stopping import raise_if_stopped

T = TypeVar("T")
S = TypeVar("S", bound=ChatSpec)

LIVE, LOADS = 100, 4
"""Rows of one part, and at least so many times what may be in flight: at a part's end calls run out one by one."""

BATCH = 10_000
BATCH_WITH_PICTURES = 1_000
"""Requests of one part are in memory together, and a picture is 100 to 200 kB of each; a file may have 200 MB."""


def part_size(spec: ChatSpec) -> int:
    if spec.mode == "live":
        return max(LIVE, LOADS * spec.max_concurrency)
    return BATCH_WITH_PICTURES if spec.picture else BATCH


def in_parts(spec: S, todo: Sequence[T], work: Callable[[S, Sequence[T]], None]) -> None:
    """`work` on each part. By batches every part is handed in before the first is waited for: an endpoint takes a day
    for one as for ten. Raises BatchPending at the end of the waiting."""
    size = part_size(spec)
    if spec.mode == "live" or len(todo) <= size:
        for part in chunks(todo, size):
            work(spec, part)
        return
    now, waiting = spec.model_copy(update={"batch_wait_h": 0.0}), []
    for part in chunks(todo, size):
        try:
            work(now, part)
        except BatchPending:
            waiting.append(part)
    for part in waiting:
        raise_if_stopped()
        work(spec, part)


@contextmanager
def suspended_while_pending() -> Iterator[None]:
    """Suspends a deployed flow run whose batches are not answered yet; resumed, it begins again from what is kept.

    A flow within another has no deployment of its own: the outer one decides. The key is new each time: a resumed run
    may have to suspend again.
    """
    try:
        yield
    except BatchPending as pending:
        context = FlowRunContext.get()
        run = None if context is None else context.flow_run
        if run is None or run.deployment_id is None:
            raise
        say(f"suspended: {pending}")
        suspend_flow_run(key=uuid4().hex)
