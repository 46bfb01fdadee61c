"""Which run is going on here, and what happens in it: ids for logs and counts, and events for whoever listens.

Steps tell; the log of the run (flows/run_log.py) and the figures (flows/meter.py) listen. Nothing here needs Prefect:
where none is loaded there is no flow run whose name could be told.
"""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from components.records import Run

EVENTS = logging.getLogger("postwright.run")
"""Not propagated: Prefect shows on the terminal what reaches the root, and there are the lines for people already."""
EVENTS.propagate = False
EVENTS.setLevel(logging.INFO)
EVENTS.addHandler(logging.NullHandler())  # outside of a run nobody listens, and Python would print what is grave


@dataclass(frozen=True, slots=True)
class Watched:
    """A run that is going on, by what people look for it."""

    run_id: str
    campaign: str
    dataset: str
    window_from: str | None
    window_to: str | None
    flow_run_id: str | None

    @classmethod
    def of(cls, run: Run) -> "Watched":
        ends = [None if end is None else end.isoformat() for end in (run.window_from, run.window_to)]
        return cls(run.run_id, run.campaign, run.dataset, ends[0], ends[1], run.flow_run_id)

    def ids(self) -> dict[str, str | None]:
        return {name: getattr(self, name) for name in self.__slots__}


_current: ContextVar[Watched | None] = ContextVar("watched", default=None)


def watched() -> Watched | None:
    """The run that the caller works for; None outside of one, as in a step that is deployed alone."""
    return _current.get()


@contextmanager
def watching(run: Watched) -> Iterator[None]:
    """What is told in the block is told of this run; threads see it where they were begun with their context."""
    token = _current.set(run)
    try:
        yield
    finally:
        _current.reset(token)


def tell(message: str, level: int = logging.INFO, **fields: Any) -> None:
    """One event: words for people, fields for machines (ids, counts; no texts of posts, no keys)."""
    EVENTS.log(level, message, extra={"fields": fields})


def step_now() -> str | None:
    """The name of the flow that is running here, such as `judge_posts`."""
    if "prefect.context" not in sys.modules:
        return None
    from prefect.context import FlowRunContext

    context = FlowRunContext.get()
    return None if context is None or context.flow is None else str(context.flow.name)
