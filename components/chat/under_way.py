"""Calls of this process that are under way, whichever purchase, thread or event loop makes them.

Windows of one process may ask the same thing at the same moment, when the journal cannot have the answer yet: the
second waits for the first one's instead of buying it again. Between processes the journal alone tells, so that what
both have in flight at once is bought twice.
"""

import asyncio
import os
import threading

Place = tuple[str, str]
"""A journal's folder and a call's key."""

_lock = threading.Lock()
_under_way: dict[Place, list[tuple[asyncio.AbstractEventLoop, "asyncio.Future[None]"]]] = {}


def begin(place: Place) -> "asyncio.Future[None] | None":
    """None when the call is now the caller's own, to be ended by `end`; else what is set when the other has ended."""
    with _lock:
        waiting = _under_way.get(place)
        if waiting is None:
            _under_way[place] = []
            return None
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[None] = loop.create_future()
        waiting.append((loop, ended))
        return ended


def end(place: Place) -> None:
    with _lock:
        waiting = _under_way.pop(place, [])
    for loop, ended in waiting:
        try:
            loop.call_soon_threadsafe(_wake, ended)
        except RuntimeError:  # that loop has ended; nobody waits there any more
            continue


def _wake(ended: "asyncio.Future[None]") -> None:
    if not ended.done():
        ended.set_result(None)


os.register_at_fork(after_in_child=_under_way.clear)
