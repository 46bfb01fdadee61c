"""How a stop from outside (Ctrl-C, SIGTERM, Prefect's cancel) reaches all that is going on.

A signal raises in the main thread only. So purchases run on loops in threads of their own and register here: a stop
cancels each of them once, and each then gives its calls in flight the time to arrive. Steps look between chunks.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from typing import Any, TypeVar

from prefect.exceptions import TerminationSignal

T = TypeVar("T")

STOPS = (KeyboardInterrupt, TerminationSignal)
"""What a signal raises: Python's own, and Prefect's for SIGTERM within a flow run."""


class Stop:
    """One per run or backfill, with all its windows: whether it was stopped, and whom to tell."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked = False
        self._going_on: dict[asyncio.Task[Any], asyncio.AbstractEventLoop] = {}

    def ask(self) -> None:
        """Stop: no further chunk begins, and every purchase ends what it has in flight."""
        with self._lock:
            if self._asked:
                return
            self._asked = True
            for task, loop in self._going_on.items():
                loop.call_soon_threadsafe(task.cancel)

    def raise_if_asked(self) -> None:
        if self._asked:
            raise KeyboardInterrupt

    async def reach(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do `work` where `ask` can cancel it."""
        task = asyncio.current_task()
        assert task is not None
        with self._lock:
            self.raise_if_asked()
            self._going_on[task] = asyncio.get_running_loop()
        try:
            return await work()
        finally:
            with self._lock:
                del self._going_on[task]


_current: ContextVar[Stop | None] = ContextVar("stop", default=None)


@contextmanager
def stoppable() -> Iterator[Stop]:
    """A signal within the block stops all that was begun within it, in every thread; blocks inside share its Stop."""
    outer = _current.get()
    stop = outer or Stop()
    token = _current.set(stop)
    try:
        yield stop
    except STOPS:
        stop.ask()
        raise
    finally:
        _current.reset(token)


def raise_if_stopped() -> None:
    """For between chunks."""
    stop = _current.get()
    if stop is not None:
        stop.raise_if_asked()


def run_async(work: Callable[[], Awaitable[T]]) -> T:
    """Run `work` on a loop of its own: the chunk's task is a plain function, as Prefect's sync engine wants it.

    The loop has a thread of its own too: a signal that was raised in the midst of a loop would take down at once the
    calls that are in flight. A second signal does not wait for them.
    """
    ended: Future[T] = Future()

    def run(stop: Stop) -> None:
        try:
            ended.set_result(asyncio.run(stop.reach(work)))
        except BaseException as error:  # noqa: BLE001 - it is raised below, in the thread that asked
            ended.set_exception(error)

    with stoppable() as stop:
        thread = threading.Thread(target=copy_context().run, args=(run, stop), name="purchase", daemon=True)
        try:
            thread.start()
            return ended.result()
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None
        except STOPS:
            stop.ask()
            ended.exception()  # waits
            raise
