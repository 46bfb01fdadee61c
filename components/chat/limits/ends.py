"""How the latest calls to one model at one endpoint ended, whichever purchases of this process they were of: ten
purchases of 15 calls against an endpoint that is down are 150 failures, though none of them has 20."""

import threading
import time
from collections import Counter, deque

from components.chat.outcome import RETRYABLE, Status

REMEMBERED_S = 3600.0
"""What failed longer ago says nothing about now."""


def fails(status: Status) -> bool:
    return status in RETRYABLE or status is Status.bad_request


class Ends:
    """Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ends: deque[tuple[float, Status]] = deque()

    def note(self, status: Status, window: int, enough: int, too_many: float) -> tuple[int, Counter[Status]] | None:
        """(calls, failures by kind) of the last `window`, when this failure is one too many of at least `enough`."""
        now = time.monotonic()
        with self._lock:
            self._ends.append((now, status))
            while len(self._ends) > window or self._ends[0][0] < now - REMEMBERED_S:
                self._ends.popleft()
            if not fails(status) or len(self._ends) < enough:
                return None
            kinds = Counter(status for _, status in self._ends if fails(status))
            return (len(self._ends), kinds) if kinds.total() > too_many * len(self._ends) else None

    def forget(self) -> None:
        """Once a purchase has stopped for them: whoever goes on later begins anew."""
        with self._lock:
            self._ends.clear()
