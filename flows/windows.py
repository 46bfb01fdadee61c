"""Windows of time: what backfills of any kind go through (flows/side_by_side.py)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Annotated, Any

from components.errors import BudgetExceeded, HomeUnusable, PostwrightError, ProviderStopped
from components.specs.windows import By, Timezone, edges_of, name_of
from flows.forms import form_field

__all__ = ["HOPELESS", "By", "Parallel", "Timezone", "Window", "called", "utc", "windows"]

HOPELESS = (BudgetExceeded, ProviderStopped, HomeUnusable)
"""Where no other window could do better: on a full disk each would buy answers and lose them."""
Parallel = Annotated[int, form_field("Windows at a time", "They share one budget.", ge=1, le=64)]


@dataclass
class Window:
    """[start, end) and how its run ended; neither a summary nor an error: it was not started."""

    start: datetime
    end: datetime
    name: str
    summary: Any = None
    error: PostwrightError | None = None


def windows(start: datetime, end: datetime, by: By, timezone: str = "UTC") -> Iterator[Window]:
    """The windows that cover [start, end): see components.specs.windows.edges_of."""
    for lower, upper in pairwise(edges_of(start, end, by, timezone)):
        yield Window(lower, upper, name_of(lower, timezone))


def called(window: Window) -> str:
    return window.name


def utc(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
