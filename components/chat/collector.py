"""Python's cyclic garbage collector, while calls are bought and while a pipeline runs.

A collection stops every call in flight: in a process with Prefect, torch or pandas loaded a full one walks a million
objects that will not go away, for 50 to 100 ms, while answers lie unread (a kill loses those). What is there when
it begins is taken out of its sight, and young objects, nearly all of which die by reference counting, are looked
at less often. Without it a run over a hundred thousand rows spends a fifth of its time on collections.
`gc.freeze`: https://docs.python.org/3/library/gc.html#gc.freeze
"""

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

YOUNG = 20_000
"""Allocations, less deallocations, between two collections of young objects (Python's own: 700)."""

_lock = threading.Lock()
_purchases = 0
_before: tuple[tuple[int, int, int], bool] = ((700, 10, 10), False)


@contextmanager
def rare_collections() -> Iterator[None]:
    """For the process, from the first one's beginning to the last one's end; then everything is as it was."""
    global _purchases, _before
    with _lock:
        _purchases += 1
        if _purchases == 1:
            free = gc.get_freeze_count() == 0  # else somebody froze objects for a reason of their own
            _before = gc.get_threshold(), free
            gc.set_threshold(max(_before[0][0], YOUNG) if _before[0][0] else 0, *_before[0][1:])
            if free:
                gc.freeze()
    try:
        yield
    finally:
        with _lock:
            _purchases -= 1
            if _purchases == 0:
                gc.set_threshold(*_before[0])
                if _before[1]:
                    gc.unfreeze()
