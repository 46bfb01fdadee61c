"""Windows of time: calendars of time zones, lengths, bounds, and what is refused."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.errors import UserError
from components.specs import Selection
from components.specs.windows import MOST, edges_of, length_of, name_of


def hours(start: str, end: str, by: str, timezone: str = "UTC") -> list[float]:
    edges = edges_of(datetime.fromisoformat(start), datetime.fromisoformat(end), by, timezone)
    return [(upper - lower) / timedelta(hours=1) for lower, upper in pairwise(edges)]


@pytest.mark.parametrize(
    ("start", "end", "timezone", "found"),
    [
        ("2026-03-28", "2026-03-31", "Europe/Berlin", [24, 23, 24]),
        ("2026-10-24", "2026-10-27", "Europe/Berlin", [24, 25, 24]),
        ("2026-10-31", "2026-11-03", "America/Havana", [24, 25, 24]),  # midnight comes twice
        ("2026-04-23", "2026-04-26", "Africa/Cairo", [24, 23, 24]),  # there is no midnight
        ("2026-10-03", "2026-10-06", "Australia/Lord_Howe", [24, 23.5, 24]),
        ("2026-03-28", "2026-03-31", "UTC", [24, 24, 24]),
    ],
)
def test_a_day_in_which_clocks_are_changed_is_one_day(start: str, end: str, timezone: str, found: list[float]) -> None:
    assert hours(start, end, "day", timezone) == found


def test_days_begin_at_midnight_wherever_the_range_begins() -> None:
    edges = edges_of(datetime(2026, 3, 2, 6, tzinfo=UTC), datetime(2026, 3, 4, tzinfo=UTC), "day", "Europe/Berlin")
    assert [name_of(edge, "Europe/Berlin") for edge in edges] == [
        "2026-03-02 07:00", "2026-03-03", "2026-03-04", "2026-03-04 01:00",
    ]  # fmt: skip


def test_weeks_go_by_the_clock_and_lengths_by_elapsed_time() -> None:
    assert hours("2026-03-23", "2026-04-06", "week", "Europe/Berlin") == [7 * 24 - 1, 7 * 24]
    assert hours("2026-03-23", "2026-04-06", "P7D", "Europe/Berlin") == [7 * 24, 7 * 24 - 1]
    assert hours("2026-01-31", "2026-04-10", "month") == [24, 28 * 24, 31 * 24, 9 * 24]
    assert hours("2026-03-29", "2026-03-30", "6h", "Europe/Berlin") == [6, 6, 6, 5]


@pytest.mark.parametrize(
    ("start", "end", "timezone", "found"),
    [
        ("2024-04-19", "2024-05-18", "Africa/Cairo", ["00:00", "01:00", "00:00", "00:00", "00:00"]),  # no midnight
        ("2025-08-31", "2025-09-22", "America/Santiago", ["00:00", "01:00", "00:00", "00:00"]),
        ("2026-03-22T02:30", "2026-04-12", "Europe/Berlin", ["02:30", "03:30", "02:30"]),
        ("2026-10-18T02:30", "2026-11-08", "Europe/Berlin", ["02:30", "02:30", "02:30"]),  # twice on the 25th
    ],
)
def test_weeks_keep_to_the_clock_time_of_the_first_after_a_day_that_has_not_got_it(
    start: str, end: str, timezone: str, found: list[str]
) -> None:
    edges = edges_of(datetime.fromisoformat(start), datetime.fromisoformat(end), "week", timezone)
    local = [edge.astimezone(ZoneInfo(timezone)) for edge in edges[:-1]]
    assert [f"{at:%H:%M}" for at in local] == found
    assert [(at.date() - local[0].date()).days for at in local] == [7 * n for n in range(len(found))]


def test_a_date_without_a_zone_is_meant_in_the_time_zone_and_one_with_a_zone_is_not() -> None:
    naive = edges_of(datetime(2026, 7, 1), datetime(2026, 7, 2), "day", "Europe/Berlin")
    assert naive == [datetime(2026, 6, 30, 22, tzinfo=UTC), datetime(2026, 7, 1, 22, tzinfo=UTC)]
    aware = edges_of(datetime(2026, 7, 1, tzinfo=UTC), datetime(2026, 7, 1, 22, tzinfo=UTC), "day", "Europe/Berlin")
    assert aware == [datetime(2026, 7, 1, tzinfo=UTC), datetime(2026, 7, 1, 22, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("by", "minutes"),
    [("6h", 360), ("90min", 90), ("2 W", 20160), ("P3D", 4320), ("PT6H", 360), ("P1DT12H30M", 2190), ("P1W", 10080)],
)
def test_lengths(by: str, minutes: int) -> None:
    assert length_of(by) == timedelta(minutes=minutes)


@pytest.mark.parametrize("by", ["hour", "0h", "P", "PT", "P1M", "1y", "-1h", "5", "", "1e3h", "P1D2H", "PT30S"])
def test_what_is_no_length_is_named(by: str) -> None:
    with pytest.raises(UserError, match=f"by: '{by}' is neither day, week nor month"):
        length_of(by)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"by": "1min"}, f"more than {MOST:,} windows; take longer windows or a shorter range"),
        ({"by": "day", "timezone": "Mars/Olympus"}, "timezone: 'Mars/Olympus' is no time zone"),
        ({"by": "day", "timezone": "../../etc/passwd"}, "is no time zone"),
        ({"by": "day", "end": datetime(2020, 1, 1)}, "the window is empty: from 2020-01-01 is not before"),
        ({"by": "day", "end": datetime(2099, 1, 1)}, "more than 10,000 windows"),
        ({"by": "9" * 12 + "w", "end": datetime(2019, 1, 1)}, "the window is empty"),
    ],
)
def test_what_is_wrong_is_one_line(asked: dict[str, object], said: str) -> None:
    with pytest.raises(UserError, match=said) as error:
        edges_of(**{"start": datetime(2020, 1, 1), "end": datetime(2026, 1, 1)} | asked)
    assert "\n" not in str(error.value)


@settings(max_examples=120, deadline=None)
@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2037, 1, 1)),
    st.integers(1, 90 * 24 * 60),
    st.sampled_from(["day", "week", "month", "7h", "P3D", "90min"]),
    st.sampled_from(["UTC", "Europe/Berlin", "America/Havana", "Africa/Cairo", "Asia/Kathmandu", "Pacific/Apia"]),
)
def test_windows_cover_a_range_once_in_order(start: datetime, minutes: int, by: str, timezone: str) -> None:
    start = start.replace(tzinfo=UTC)
    end = start + timedelta(minutes=minutes)
    edges = edges_of(start, end, by, timezone)
    assert edges[0] == start and edges[-1] == end
    assert all(lower < upper for lower, upper in pairwise(edges))
    if by == "day":
        assert all(upper - lower <= timedelta(hours=25) for lower, upper in pairwise(edges))
        days = [name_of(edge, timezone)[:10] for edge in edges[:-1]]
        assert len(set(days)) == len(days), "each day once"


def test_a_selection_has_one_window_and_says_of_which_time() -> None:
    start, end = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)
    assert Selection.within("d", "ingested_at", start, end).on == "ingested_at"
    assert Selection.within("d", "published_at", None, end).window == (None, end)
    assert Selection(dataset="d").on is None
    with pytest.raises(ValueError, match="published_from and published_to or of ingested_from"):
        Selection(dataset="d", published_from=start, ingested_to=end)
