"""Windows of time, one after the other or a few at once: what backfills of any kind go through.

A failed window does not stop the others, unless no other could do better: when the budget is spent or the provider has
stopped, no further window is started. By batches, all windows are handed in before one is waited for, and each further
step of all of them before it is waited for.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import Field

from components.errors import BatchPending, BudgetExceeded, PostwrightError, ProviderStopped, UserError
from flows.batching import in_vain, waiting_for
from flows.stopping import stoppable

By = Literal["day", "week", "month"]
Parallel = Annotated[int, Field(ge=1, title="Windows at a time")]


@dataclass
class Window:
    """[start, end) and how its run ended; neither a summary nor an error: it was not started."""

    start: datetime
    end: datetime
    summary: Any = None
    error: PostwrightError | None = None


def windows(start: datetime, end: datetime, by: By) -> Iterator[Window]:
    """Calendar days, weeks of seven days from `start`, or calendar months that cover [start, end), in UTC."""
    if end <= start:
        raise UserError(f"the window is empty: --from {start:%Y-%m-%d} is not before --to {end:%Y-%m-%d}")
    at = start
    while at < end:
        if by == "month":
            upper = (at.replace(day=1) + timedelta(days=32)).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        else:
            upper = at + timedelta(days=7 if by == "week" else 1)
        yield Window(at, min(upper, end))
        at = upper


def through(found: Sequence[Window], go: Callable[[Window, bool], Any], waits: bool, parallel: int) -> None:
    """Fills in the summary, or the error, of each window by `go(window, wait)`, `parallel` at a time. `waits`: whether
    batches are worth waiting for; in the first round nobody does."""
    no_more, tired = threading.Event(), threading.Event()

    def run(window: Window, wait: bool) -> None:
        if no_more.is_set():
            return
        before, window.error = window.error, None
        try:
            window.summary = go(window, wait and not tired.is_set())
        except PostwrightError as error:
            window.error = error
            if isinstance(error, BudgetExceeded | ProviderStopped):
                no_more.set()
            if isinstance(before, BatchPending) and isinstance(error, BatchPending) and in_vain(before, error):
                tired.set()

    run_all(found, lambda window: run(window, False), parallel)
    while waits and not tired.is_set() and not no_more.is_set():
        before = pending_of(found)
        if not before:
            break
        known = frozenset().union(*before.values())
        with waiting_for(known):
            run_all([window for window in found if window.start in before], lambda window: run(window, True), parallel)
        after = pending_of(found)
        if len(after) == len(before) and all(names <= known for names in after.values()):
            break


def pending_of(found: Sequence[Window]) -> dict[datetime, frozenset[str]]:
    """Start of each window that waits -> the batches it waits for."""
    return {window.start: window.error.batches for window in found if isinstance(window.error, BatchPending)}


def run_all(found: Sequence[Window], run: Callable[[Window], None], parallel: int) -> None:
    """`run` on each window, `parallel` at a time."""
    with stoppable() as stop:
        if parallel == 1:
            for window in found:
                run(window)
        else:
            pool = ThreadPoolExecutor(parallel)
            try:
                begun = [pool.submit(copy_context().run, run, window) for window in found]
                for future in begun:
                    future.result()
            except BaseException as error:
                if not isinstance(error, Exception):
                    stop.ask()
                raise
            finally:
                pool.shutdown(wait=True, cancel_futures=True)


def raise_first_stop(done: Sequence[Window]) -> None:
    """One error for all windows that stopped, of the first one's kind."""
    first = next((window for window in done if window.error), None)
    if first is None:
        return
    stopped = sum(window.error is not None for window in done)
    waiting = sum(window.error is None and window.summary is None for window in done)
    not_started = f" and {waiting} not started" if waiting else ""
    raise type(first.error)(  # type: ignore[misc]
        f"{stopped} of {len(done)} windows stopped{not_started}, first {first.start:%Y-%m-%d}: {first.error}"
    )


def utc(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
