"""Reads single values of a row: text, counts and times, as strangers write them.

A value that is not understood raises BadValue, and the row goes to quarantine: turned into None it would look like a
value that was never there.
"""

import math
import re
import unicodedata
from datetime import UTC, date, datetime, timedelta, tzinfo
from email.utils import parsedate_to_datetime

NOTHING = frozenset({"", "-", "–", "—", "none", "null", "nan", "nat", "n/a", "na", "<na>"})
"""How tables write a missing count or time, in lower case."""

_C1 = {code: bytes([code]).decode("cp1252", "ignore") for code in range(0x80, 0xA0)}
_CONTROLS = {code: "" for code in (*range(0x20), 0x7F) if chr(code) not in "\n\t"}
_SPACES = dict.fromkeys((0x00A0, 0x2007, 0x202F), " ") | dict.fromkeys((0x2028, 0x2029), "\n")
_INVISIBLE = dict.fromkeys((0x200B, 0x2060, 0xFEFF), "")
_SURROGATES = dict.fromkeys(range(0xD800, 0xE000), "\ufffd")
_CLEAN: dict[int, str] = _CONTROLS | _C1 | _SPACES | _INVISIBLE | _SURROGATES

_LINKS_AND_MENTIONS = re.compile(r"https?://\S+|(?<!\w)@\w+")
_COUNT = re.compile(r"(?P<number>\d+|\d{1,3}(?:,\d{3})+|\d+\.\d+|\d{1,3}(?:,\d{3})+\.\d+)\s*(?P<unit>[KkMmBb]?)")
_UNITS = {"": 1, "k": 1_000, "m": 1_000_000, "b": 1_000_000_000}
_LARGEST = 2**63 - 1
_GERMAN = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})(.*)", re.DOTALL)
_PLAIN_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d", re.ASCII)
_EPOCH_DIGITS = {10: 1, 13: 1_000, 16: 1_000_000}


class BadValue(Exception):
    """A value that cannot be read; `reason` is the quarantine's."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def shown(value: object) -> str:
    """A foreign value in one short line, safe to store and to print."""
    text = " ".join(str(value).translate(_CLEAN).split())
    return repr(text if len(text) <= 120 else text[:119] + "…")


def clean_text(value: object) -> str:
    """NFC without control characters. C1 characters are Windows-1252 read as Latin-1 (U+0092 was meant as ’), so they
    become what was meant; joiners stay, as emoji and Indic scripts need them."""
    text = "" if value is None or (isinstance(value, float) and math.isnan(value)) else str(value)
    if text.isascii() and text.isprintable():
        return text.strip()
    text = text.replace("\r\n", "\n").replace("\r", "\n").translate(_CLEAN)
    return unicodedata.normalize("NFC", text).strip()


def has_words(text: str) -> bool:
    """Whether anything is left to write about once links and mentions are taken away."""
    return bool(_LINKS_AND_MENTIONS.sub("", text).strip())


def is_nothing(value: object) -> bool:
    if isinstance(value, float):
        return math.isnan(value)
    return value is None or (isinstance(value, str) and value.strip().lower() in NOTHING)


def parse_count(value: object, field: str) -> int | None:
    """1234, "1,234", "1.2K", "12.0"; a half like, a negative one and words are refused."""
    if value is None or is_nothing(value):
        return None
    bad = BadValue("bad_number", f"{field} is {shown(value)}, not a count")
    if isinstance(value, bool):
        raise bad
    if isinstance(value, int):
        count: float = value
    else:
        text = str(value).strip()
        match = _COUNT.fullmatch(text) if len(text) <= 40 else None
        if match is None:
            raise bad
        number, scale = match["number"].replace(",", ""), _UNITS[match["unit"].lower()]
        whole, _, fraction = number.partition(".")
        digits = len(str(scale)) - 1
        if fraction[digits:].strip("0"):  # 12.5, or 1.2345K: there is no part of a like
            raise bad
        count = int(whole) * scale + int(fraction[:digits].ljust(digits, "0") or 0)
    if not 0 <= count <= _LARGEST:
        raise bad
    return int(count)


def parse_time(value: object, field: str, zone: tzinfo) -> datetime | None:
    """An aware time in UTC. Without offset it is read in `zone`; of the hour that autumn repeats, the first is meant.

    Understood: ISO 8601 and its relatives, RFC 2822, Twitter's own, 31.12.2024, seconds, milliseconds or microseconds
    since 1970. Refused: 02/03/2024, which half the world reads as February and the other half as March.
    """
    if value is None or is_nothing(value):
        return None
    try:
        time = _read_time(value)
        if time is not None:
            utc = (time if time.tzinfo else time.replace(tzinfo=zone)).astimezone(UTC)
            if 1800 <= utc.year <= 2200:
                return utc
    except (ValueError, OverflowError, TypeError, IndexError):
        pass  # what the parsers below raise on strangers' text
    raise BadValue("bad_time", f"{field} is {shown(value)}, not a time that can be read without guessing")


def _read_time(value: object) -> datetime | None:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    text = " ".join(str(value).split())
    if _PLAIN_ISO.fullmatch(text):
        return datetime.fromisoformat(text)
    digits = text.removesuffix(".0")
    if digits.isascii() and digits.isdigit():
        return _read_digits(digits)
    if match := _GERMAN.fullmatch(text):
        day, month, year, rest = match.groups()
        text = f"{year}-{int(month):02}-{int(day):02}{rest.replace(', ', ' ', 1)}"
    if match := re.fullmatch(r"(\d{4})[-/](\d\d?)[-/](\d\d?)(\D.*)?", text):
        text = f"{match[1]}-{int(match[2]):02}-{int(match[3]):02}{match[4] or ''}"
    if re.match(r"\d{4}-", text):
        text = re.sub(r"(?<=\d) ?(UTC|GMT|Z)$", "+00:00", text)
        return datetime.fromisoformat(re.sub(r"(?<=\d) (?=[+-]\d\d:?\d\d$)", "", text))
    if re.match(r"[A-Za-z]{3} [A-Za-z]{3} \d", text):  # Twitter's API: Wed Oct 10 20:19:24 +0000 2018
        return datetime.strptime(text, "%a %b %d %H:%M:%S %z %Y")
    if re.fullmatch(r"([A-Za-z]{3}, )?\d{1,2} [A-Za-z]{3} \d{4} [\d:]+ (GMT|UTC|UT|[+-]\d{4})", text):
        return parsedate_to_datetime(text)
    return None


def _read_digits(digits: str) -> datetime | None:
    if len(digits) == 8:
        return datetime.strptime(digits, "%Y%m%d")
    if len(digits) not in _EPOCH_DIGITS:
        return None
    microseconds = int(digits) * (1_000_000 // _EPOCH_DIGITS[len(digits)])
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
