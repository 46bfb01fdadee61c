"""Text, counts and times as strangers write them."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.items.values import BadValue, clean_text, has_words, parse_count, parse_time, shown

NEW_YORK = ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("value", "count"),
    [
        ("1234", 1234), (1234, 1234), ("1,234", 1234), ("1,234,567", 1234567), ("12.0", 12), (12.0, 12), (0, 0),
        ("1.2K", 1200), ("1.2k", 1200), ("3M", 3_000_000), ("1.25m", 1_250_000), ("2B", 2_000_000_000), (" 7 ", 7),
        ("1,234.0", 1234), ("12 K", 12_000), ("007", 7), (Decimal("5"), 5), (2**63 - 1, 2**63 - 1), ("1.20K", 1200),
        ("", None), (None, None), (float("nan"), None), ("nan", None), ("NULL", None), ("N/A", None), ("-", None),
    ],
)  # fmt: skip
def test_counts(value: object, count: int | None) -> None:
    assert parse_count(value, "likes") == count


@pytest.mark.parametrize(
    "value",
    ["many", "12.5", "1.2345K", "-3", -3, "1,23", "12,34,567", "1.234.567", "0x10", "1e3", float("inf"), True, "K",
     "1 2", 2**63, "9" * 5000, 0.5, "½", "12€"],
)  # fmt: skip
def test_what_is_no_count_is_refused_with_its_value(value: object) -> None:
    with pytest.raises(BadValue, match="likes is ") as caught:
        parse_count(value, "likes")
    assert caught.value.reason == "bad_number"


@given(st.integers(0, 2**63 - 1))
def test_counts_survive_every_way_of_writing_them(count: int) -> None:
    for written in (count, str(count), f"{count:,}", f"{count}.0", f"{count:,}.00"):
        assert parse_count(written, "likes") == count


@given(st.one_of(st.text(max_size=30), st.floats(), st.integers(), st.booleans(), st.none()))
def test_any_value_is_a_count_or_refused(value: object) -> None:
    for parse in (lambda: parse_count(value, "x"), lambda: parse_time(value, "x", UTC)):
        try:
            assert isinstance(parse(), int | datetime | None)
        except BadValue as error:
            assert error.detail.isprintable() and len(error.detail) < 300


@pytest.mark.parametrize(
    ("value", "time"),
    [
        ("2024-02-09 23:56:53", "2024-02-10T04:56:53"), ("2024-07-01T12:00:00", "2024-07-01T16:00:00"),
        ("2024-02-09T23:56:53Z", "2024-02-09T23:56:53"), ("2024-02-09T23:56:53+01:00", "2024-02-09T22:56:53"),
        ("2024-02-09 23:56:53 +0100", "2024-02-09T22:56:53"), ("2024-02-09 23:56:53 UTC", "2024-02-09T23:56:53"),
        ("2024-02-09T23:56:53.250Z", "2024-02-09T23:56:53.250"), ("2024-02-09", "2024-02-09T05:00:00"),
        ("2024/2/9 08:00", "2024-02-09T13:00:00"), ("2024-2-9", "2024-02-09T05:00:00"),
        ("20240209", "2024-02-09T05:00:00"),
        ("09.02.2024", "2024-02-09T05:00:00"), ("9.2.2024, 08:00", "2024-02-09T13:00:00"),
        ("Wed Oct 10 20:19:24 +0000 2018", "2018-10-10T20:19:24"),
        ("Wed, 10 Oct 2018 20:19:24 GMT", "2018-10-10T20:19:24"),
        ("1707519413", "2024-02-09T22:56:53"), (1707519413, "2024-02-09T22:56:53"),
        (1707519413.0, "2024-02-09T22:56:53"),
        ("1707519413250", "2024-02-09T22:56:53.250"), (date(2024, 2, 9), "2024-02-09T05:00:00"),
        (datetime(2024, 2, 9, 12, tzinfo=timezone(timedelta(hours=2))), "2024-02-09T10:00:00"),
        (datetime(2024, 2, 9, 12), "2024-02-09T17:00:00"), ("2024-02-09 23:56", "2024-02-10T04:56:00"),
        ("2024-11-03 01:30:00", "2024-11-03T05:30:00"),
    ],
)  # fmt: skip
def test_times_become_utc(value: object, time: str) -> None:
    parsed = parse_time(value, "published_at", NEW_YORK)
    assert parsed == datetime.fromisoformat(time).replace(tzinfo=UTC)
    assert parsed is not None and parsed.tzinfo is UTC


@pytest.mark.parametrize("value", ["", None, "NaT", "null", float("nan"), " "])
def test_no_time_is_none(value: object) -> None:
    assert parse_time(value, "published_at", UTC) is None


@pytest.mark.parametrize(
    "value",
    ["02/03/2024", "yesterday", "2024-13-01", "2024-02-30 10:00:00", "0000-00-00", "12", 1, True, "0001-01-01",
     "9999-12-31 23:59:59", "2024-02-09 25:00", "32.01.2024", "1707519413999999999999", "23:56",
     "Wed, 10 Oct 2018 20:19:24 CEST"],
)  # fmt: skip
def test_what_is_no_time_is_refused_with_its_value(value: object) -> None:
    with pytest.raises(BadValue, match="published_at is ") as caught:
        parse_time(value, "published_at", NEW_YORK)
    assert caught.value.reason == "bad_time"


@given(st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1), timezones=st.timezones()))
def test_times_with_an_offset_keep_their_instant(time: datetime) -> None:
    offset = time.utcoffset() or timedelta()
    if offset.total_seconds() % 60 == 0:  # older zones have offsets with seconds, which ISO strings of others lack
        assert parse_time(time.isoformat(), "t", NEW_YORK) == time.astimezone(UTC)
    assert parse_time(time, "t", NEW_YORK) == time.astimezone(UTC)


def test_text_is_cleaned() -> None:
    assert clean_text("Cafe\u0301") == "Café"
    assert clean_text("a\x00b\x07c\x1b[31m") == "abc[31m"
    assert clean_text("a\u00a0b\u202fc") == "a b c"
    assert clean_text("one\r\ntwo\rthree\u2028four") == "one\ntwo\nthree\nfour"
    assert clean_text("tab\tstays") == "tab\tstays"
    assert clean_text("it\u0092s \u0085") == "it’s …", "Windows-1252 taken for Latin-1"
    assert clean_text("\ufeffzero\u200bwidth") == "zerowidth"
    assert clean_text("👩‍🚀 क्‍ष") == "👩‍🚀 क्‍ष", "joiners belong to the letters"
    assert clean_text("broken \ud83d emoji") == "broken \ufffd emoji"
    assert clean_text(None) == clean_text(float("nan")) == clean_text("  ") == ""
    assert clean_text(12) == "12"


@given(st.text(st.characters()))
def test_clean_text_can_be_stored_and_is_stable(text: str) -> None:
    once = clean_text(text)
    once.encode("utf-8")
    assert "\0" not in once and clean_text(once) == once


def test_has_words() -> None:
    assert has_words("@sama hello") and has_words("😂") and has_words("mail me@example.org")
    assert not has_words("@sama https://t.co/abc") and not has_words("https://example.org ") and not has_words("")


def test_foreign_values_are_shown_in_one_short_line() -> None:
    assert shown("a\nb\x1b[0m") == "'a b[0m'"
    assert len(shown("x" * 1000)) < 130
