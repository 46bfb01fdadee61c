"""The door of an endpoint: requests and tokens per minute, and silence when the server asks for it.

One gate per endpoint and process, shared by all steps, windows, threads and event loops: a Retry-After that one call
got holds for all. Requests are spaced evenly (a slot each), so a limit holds in every window of 60 s.
"""

import threading
import time
from dataclasses import dataclass


@dataclass(slots=True)
class _Lane:
    """When the next request, and the next token, of one model may go."""

    request_at: float = 0.0
    token_at: float = 0.0


class Gate:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lanes: dict[str, _Lane] = {}
        self._silent_until = 0.0

    def claim(self, model: str, tokens: int, rpm: int | None, tpm: int | None) -> float:
        """Takes the next slot; returns the seconds until it. After waiting, ask `silence` whether it still stands."""
        with self._lock:
            now = time.monotonic()
            lane = self._lanes.setdefault(model, _Lane())
            at = max(now, self._silent_until)
            if rpm is not None:
                at = max(at, lane.request_at)
            if tpm is not None:
                at = max(at, lane.token_at)
            if rpm is not None:
                lane.request_at = at + 60 / rpm
            if tpm is not None:
                lane.token_at = at + tokens * 60 / tpm
            return at - now

    def settle(self, model: str, claimed: int, used: int, tpm: int | None) -> None:
        """The server counted `used` tokens where `claimed` were taken."""
        if tpm is not None:
            with self._lock:
                self._lanes.setdefault(model, _Lane()).token_at += (used - claimed) * 60 / tpm

    def silence(self) -> float:
        """Seconds for which the endpoint asked not to be asked."""
        with self._lock:
            return max(0.0, self._silent_until - time.monotonic())

    def hush(self, seconds: float) -> None:
        with self._lock:
            self._silent_until = max(self._silent_until, time.monotonic() + seconds)


_gates: dict[str, Gate] = {}
_gates_lock = threading.Lock()


def gate_of(endpoint: str) -> Gate:
    with _gates_lock:
        return _gates.setdefault(endpoint, Gate())
