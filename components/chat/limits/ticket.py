"""One call in flight, from its door's letting it in until its end is told."""

import logging
import time
from typing import TYPE_CHECKING

from components.chat.limits.headers import RateHeaders
from components.chat.limits.lane import Sent
from components.chat.limits.shared import SharedBook
from components.chat.outcome import Status

if TYPE_CHECKING:
    from components.chat.limits.visitor import Visitor

log = logging.getLogger(__name__)

NEITHER = frozenset({Status.timeout, Status.connection, Status.server_error, Status.authentication, Status.not_found})
"""Ends that say nothing about limits: the endpoint neither answered nor refused."""


class Ticket:
    """Its end is told once, by `leave` or `give_back`."""

    __slots__ = ("_open", "_sent", "visitor")

    def __init__(self, visitor: "Visitor", sent: Sent) -> None:
        self.visitor, self._sent, self._open = visitor, sent, True

    def leave(
        self, status: Status, used_tokens: int | None, told: RateHeaders | None = None, wait_s: float | None = None
    ) -> None:
        """The attempt ended in `status`; `used_tokens` by the reply's usage, `told` by its headers; `wait_s` is the
        silence that the endpoint asks for, already capped."""
        door, lane = self.visitor.door, self.visitor.lane
        with door.lock:
            if not self._close():
                return
            now = time.monotonic()
            new = told is not None and lane.tell(told, now)
            less = None
            if status is Status.rate_limited:
                less = lane.refused(self._sent, now, wait_s)
            elif status in NEITHER:
                lane.failed(self._sent, now)
            else:
                lane.answered(self._sent, now, used_tokens)
            if wait_s:
                door._hush(now, wait_s)
            door._let_in()
        if new:
            self._remember()
        if less is not None:
            log.info("%s refused a call (429): %s", door.endpoint, less)

    def give_back(self) -> None:
        """The call was never sent."""
        door, lane = self.visitor.door, self.visitor.lane
        with door.lock:
            if self._close():
                lane.unsent(self._sent, time.monotonic())
                door._let_in()

    def _close(self) -> bool:
        """False when the ticket has ended already, or its visitor has closed."""
        if not self._open or self.visitor.closed:
            return False
        self._open = False
        self.visitor.in_flight -= 1
        self.visitor.door.in_flight -= 1
        return True

    def _remember(self) -> None:
        door, lane = self.visitor.door, self.visitor.lane
        log.info("%s tells its limits: %s requests, %s tokens a minute", door.endpoint, lane.told_rpm, lane.told_tpm)
        if isinstance(lane.book, SharedBook):
            lane.book.remember((lane.told_rpm or 0, lane.told_tpm or 0))
