"""Windows of time: where they begin and end, in the calendar of a time zone, and what they are called."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import BeforeValidator, Field

from components.errors import UserError

MOST = 10_000
"""Windows of one backfill: 27 years of days, a year of hours."""

SHORTEST = timedelta(minutes=1)
CALENDAR = ("day", "week", "month")
_PARTS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes", "min": "minutes"}
_SHORT = re.compile(r"(\d+)\s*(w|d|h|min|m)", re.I)
_ISO = re.compile(r"P(?!$)(?:\d+W)?(?:\d+D)?(?:T(?:\d+H)?(?:\d+M)?)?")


def length_of(by: str) -> timedelta | None:
    """The length of windows that all last as long; None for those of the calendar. UserError for anything else."""
    if by in CALENDAR:
        return None
    length = timedelta(0)
    if found := _SHORT.fullmatch(by.strip()):
        length = _timedelta(**{_PARTS[found[2].lower()]: int(found[1])})
    elif _ISO.fullmatch(by):
        date, _, time = by[1:].partition("T")
        for text, units in ((date, {"W": "weeks", "D": "days"}), (time, {"H": "hours", "M": "minutes"})):
            for number, unit in re.findall(r"(\d+)(\w)", text):
                length += _timedelta(**{units[unit]: int(number)})
    if length < SHORTEST:
        raise UserError(
            f"by: {by!r} is neither day, week nor month nor a length of a minute or more, such as 6h or P3D"
        )
    return length


def _timedelta(**parts: int) -> timedelta:
    try:
        return timedelta(**parts)
    except OverflowError:
        return timedelta.max // 2


def zone_of(timezone: str) -> ZoneInfo:
    try:
        return ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a folder of the database is no zone, nor is a path out of it
        raise UserError(f"timezone: {timezone!r} is no time zone; write a name such as Europe/Berlin or UTC") from None


def _checked_by(by: Any) -> Any:
    """Before the pattern, which is for forms: its message would not say what is meant."""
    if isinstance(by, str):
        length_of(by)
    return by


def _checked_timezone(timezone: Any) -> Any:
    if isinstance(timezone, str):
        zone_of(timezone)
    return timezone


def _told(title: str, description: str, **more: Any) -> dict[str, Any]:
    """Prefect's forms take titles from here (flows/forms.py)."""
    return {"title": title, "description": description, **more}


By = Annotated[
    str,
    Field(
        pattern=r"^(day|week|month|\d+ *[wdhmWDHM]|\d+ *min|P[0-9TWDHM]+)$",
        examples=["day", "week", "month", "6h", "P3D"],
        json_schema_extra=_told("Windows", "day, week or month of the calendar, or a length such as 6h or P3D."),
    ),
    BeforeValidator(_checked_by),
]
Timezone = Annotated[
    str,
    Field(
        json_schema_extra=_told(
            "Time zone",
            "Whose days, weeks and months; dates without a time zone are meant in it, too.",
            enum=sorted(available_timezones()),
        )
    ),
    BeforeValidator(_checked_timezone),
]


def edges_of(start: datetime, end: datetime, by: str, timezone: str = "UTC") -> list[datetime]:
    """Where the windows that cover [start, end) begin, and where the last one ends; in UTC, ascending.

    Calendar days and months, weeks of seven days from `start`, all by the clocks of `timezone` (a day in which clocks
    are changed has 23 or 25 hours), or lengths of elapsed time. A time without a zone is meant in `timezone`. UserError
    for an empty range and for more than MOST windows.
    """
    zone, length = zone_of(timezone), length_of(by)
    first, last = _in(zone, start), _in(zone, end)
    if last <= first:
        raise UserError(f"the window is empty: from {_said(first)} is not before to {_said(last)}")
    if length is not None and (last - first) / length > MOST:
        raise UserError(_too_many(by, first, last))
    edges = [first]
    while True:
        at = edges[-1] + length if length is not None else _following(edges, zone, by)
        if at >= last:
            return [*edges, last]
        edges.append(at)
        if len(edges) > MOST:
            raise UserError(_too_many(by, first, last))


def _in(zone: ZoneInfo, time: datetime) -> datetime:
    return (time.replace(tzinfo=zone) if time.tzinfo is None else time).astimezone(UTC)


def _following(edges: list[datetime], zone: ZoneInfo, by: str) -> datetime:
    """The edge after those of the calendar in `edges`; arithmetic on a local time is that of its clock. Weeks count
    from the first edge: a clock time that one day has not is there again in the next week."""
    if by == "week":
        later = edges[0].astimezone(zone) + timedelta(days=7 * len(edges))
        return later.replace(fold=0).astimezone(UTC)
    at = edges[-1].astimezone(zone)
    later = at + timedelta(days=1) if by == "day" else at.replace(day=1) + timedelta(days=32)
    day = later.day if by == "day" else 1
    return later.replace(day=day, hour=0, minute=0, second=0, microsecond=0, fold=0).astimezone(UTC)


def _too_many(by: str, first: datetime, last: datetime) -> str:
    return (
        f"by: {by!r} cuts {_said(first)} to {_said(last)} into more than {MOST:,} windows; take longer windows or "
        "a shorter range"
    )


def _said(time: datetime) -> str:
    return f"{time:%Y-%m-%d}" if (time.hour, time.minute) == (0, 0) else f"{time:%Y-%m-%d %H:%M} UTC"


def name_of(start: datetime, timezone: str = "UTC") -> str:
    """What a window is called: the day that it begins on, by the clocks of `timezone`, and the time if not midnight."""
    at = start.astimezone(zone_of(timezone))
    return f"{at:%Y-%m-%d}" if (at.hour, at.minute, at.second) == (0, 0, 0) else f"{at:%Y-%m-%d %H:%M}"
