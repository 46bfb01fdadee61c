"""What `mode: batch` changes in a flow: larger parts, all handed in before the first is waited for, and suspension.

A deployed run that is tired of waiting suspends itself by Prefect's own means: its process ends, its place in the work
pool is free, and once it is resumed (in the UI, by the API or an automation) it goes on with the same batches. A run
without a deployment has nobody who could start it again: it stops with exit code 5, and the same command resumes it.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar
from uuid import uuid4

from prefect.context import FlowRunContext
from prefect.flow_runs import suspend_flow_run

from components.errors import BatchPending
from components.specs import ChatSpec, GenerationSpec
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


_known: ContextVar[frozenset[str] | None] = ContextVar("known", default=None)


@contextmanager
def waiting_for(names: frozenset[str]) -> Iterator[None]:
    """In the block only these batches are waited for; what they lead to is handed in and left."""
    token = _known.set(names)
    try:
        yield
    finally:
        _known.reset(token)


def waited_for() -> frozenset[str] | None:
    """None where every batch is, as long as its spec says."""
    return _known.get()


def part_size(spec: ChatSpec, given: int = 0) -> int:
    """Rows of one part, where steps are `given` so many at a time: a part costs the same however large it is."""
    describes = isinstance(spec, GenerationSpec) and spec.alt_text == "model"
    pictures = spec.picture or describes
    if spec.mode == "live":
        return max(LIVE, LOADS * spec.max_concurrency, 0 if pictures else given)
    return BATCH_WITH_PICTURES if pictures else BATCH


def in_parts(spec: S, todo: Sequence[T], work: Callable[[S, Sequence[T]], None], given: int = 0) -> None:
    """`work` on each part. By batches every part is handed in before the first is waited for: an endpoint takes a day
    for one as for ten. Raises BatchPending at the end of the waiting."""
    size = part_size(spec, given)
    if spec.mode == "live" or len(todo) <= size:
        for part in chunks(todo, size):
            work(spec, part)
        return
    now = spec.model_copy(update={"batch_wait_h": 0.0})

    def go(part: Sequence[T], wait: bool) -> BatchPending | None:
        raise_if_stopped()
        try:
            work(spec if wait else now, part)
        except BatchPending as pending:
            return pending
        return None

    left = in_rounds(list(chunks(todo, size)), go, spec.batch_wait_h > 0)
    if left:
        raise left[0][1]


def in_rounds(
    todo: Sequence[T], go: Callable[[T, bool], BatchPending | None], may_wait: bool
) -> list[tuple[T, BatchPending]]:
    """`go(one, wait)` on each until nothing is pending, or waiting was in vain; those that still are, with why.

    What takes several batches, one after the other (a post, its alt text, its judgment), is brought as far as it goes
    for all in one round, so that all take as many waits as one does. In the first round nobody waits; in each further
    one only for what was handed in before it.
    """
    outer = waited_for()
    left = [(one, pending) for one in todo if (pending := go(one, False)) is not None]
    while left and may_wait:
        known = frozenset().union(*(pending.batches for _, pending in left))
        if outer is not None and not known & outer:
            break
        after = []
        with waiting_for(known if outer is None else known & outer):
            for one, before in left:
                if (pending := go(one, may_wait)) is not None:
                    after.append((one, pending))
                    may_wait = may_wait and not in_vain(before, pending)
        moved = len(after) < len(left) or any(pending.batches - known for _, pending in after)
        left, may_wait = after, may_wait and moved
    return left


def in_vain(before: BatchPending, after: BatchPending) -> bool:
    """Whether somebody has waited to the end for the same batches."""
    return bool(after.batches) and after.batches <= before.batches


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
