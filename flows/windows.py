"""Windows of time: what backfills of any kind go through (flows/side_by_side.py)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import Field

from components.errors import BudgetExceeded, PostwrightError, ProviderStopped, UserError

By = Literal["day", "week", "month"]
HOPELESS = (BudgetExceeded, ProviderStopped)
"""Where no other window could do better."""
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


def utc(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def day_of(window: Window) -> str:
    return f"{window.start:%Y-%m-%d}"
