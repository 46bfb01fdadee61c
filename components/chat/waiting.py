"""Those who wait for money that calls in flight have reserved: each on its own event loop, woken from any thread."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

Freed = asyncio.Future[None]


class Waiters:
    """Of one ledger."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[tuple[asyncio.AbstractEventLoop, Freed]] = []

    @contextmanager
    def waiting(self) -> Iterator[Freed]:
        """A future that is done when money has been freed since the block began."""
        loop = asyncio.get_running_loop()
        waiter = loop, loop.create_future()
        with self._lock:
            self._waiting.append(waiter)
        try:
            yield waiter[1]
        finally:
            with self._lock:
                if waiter in self._waiting:
                    self._waiting.remove(waiter)

    def wake_all(self) -> None:
        if not self._waiting:
            return
        with self._lock:
            waiting, self._waiting = self._waiting, []
        for loop, freed in waiting:
            try:
                loop.call_soon_threadsafe(_wake, freed)
            except RuntimeError:
                # That window's event loop has ended; nobody waits there any more.
                continue


async def first_of(freed: Freed, stopped: asyncio.Event | None, seconds: float | None) -> None:
    """Until money is freed, `stopped` is set, or the seconds (None: any number) are over."""
    watch: set[asyncio.Future[Any]] = {freed}
    if stopped is not None:
        watch.add(asyncio.ensure_future(stopped.wait()))
    try:
        await asyncio.wait(watch, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for future in watch:
            future.cancel()


def _wake(freed: Freed) -> None:
    if not freed.done():
        freed.set_result(None)
