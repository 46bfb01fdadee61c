"""Every limit of an endpoint, kept: requests and tokens per minute, calls in flight, and silence when it asks for it.

    door = door_of(endpoint, home / "calls" / "shared")
    visitor = door.visitor(Pace(rpm=600, max_concurrency=16), model)
    ticket = visitor.enter_now(tokens) or await visitor.enter(tokens, stopped)
    ...
    ticket.leave(status, used_tokens, told, wait_s)

headers.py reads what replies tell; pacing.py spaces calls under a known limit; finding.py finds an unknown one; lane.py
puts the three together for one model; door.py lets visitors (visitor.py) of all threads in by turns; shared.py keeps
known limits between processes; ends.py says when an endpoint fails too often.
"""

import threading
from pathlib import Path

from components.chat.limits.door import Door
from components.chat.limits.headers import RateHeaders, read_headers
from components.chat.limits.ticket import Ticket
from components.chat.limits.visitor import Pace, Visitor

__all__ = ["Door", "Pace", "RateHeaders", "Ticket", "Visitor", "door_of", "doors", "read_headers"]

_doors: dict[tuple[str, Path | None], Door] = {}
_lock = threading.Lock()


def door_of(endpoint: str, shared: Path | None = None) -> Door:
    """The process's one door of an endpoint (and of a home: processes share limits through its files)."""
    with _lock:
        return _doors.setdefault((endpoint, shared), Door(endpoint, shared))


def doors() -> list[Door]:
    """All of this process, for those who watch."""
    with _lock:
        return list(_doors.values())
