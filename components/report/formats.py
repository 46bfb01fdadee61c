"""How numbers, times and money are written on the page."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any


def whole(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"


def score(value: float | None, digits: int = 1) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def signed(value: float | None, digits: int = 3) -> str:
    """A difference: with its sign, unless it rounds to nothing."""
    if value is None:
        return "–"
    text = f"{value:+.{digits}f}"
    return text[1:] if float(text) == 0 else text.replace("-", "−")


def p_value(value: float | None) -> str:
    return "–" if value is None else "< 0.001" if value < 0.001 else f"{value:.3f}"


def probability(value: float | None) -> str:
    """No model is as sure as 1.00 says."""
    return "–" if value is None else f"{value:.2f}" if value < 0.995 else "> 0.99"


def usd(value: float | None) -> str:
    """Money as a person writes it; a price that nobody knows is not zero."""
    if value is None:
        return "unknown"
    if value == 0:
        return "$0"
    if value < 0.01:
        return f"${value:.5f}"
    return f"${value:,.2f}" if value >= 1 else f"${value:.4f}"


def when(value: datetime | None) -> str:
    return "no time" if value is None else f"{value.day} {value:%b %Y, %H:%M} UTC"


def day(value: datetime | None) -> str:
    return "" if value is None else f"{value.day} {value:%b %Y}"


def iso(value: datetime | None) -> str:
    return "" if value is None else value.isoformat()


def duration(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def milliseconds(value: float | None) -> str:
    return "–" if value is None else (f"{value:,.0f} ms" if value < 10_000 else f"{value / 1000:,.1f} s")


def pretty(value: Any) -> str:
    """A spec's parameters: JSON, with the texts of templates and rubrics in lines of their own below."""
    long = {name: text for name, text in value.items() if isinstance(text, str) and "\n" in text}
    short = {name: rest for name, rest in value.items() if name not in long}
    parts = [json.dumps(short, indent=2, ensure_ascii=False, sort_keys=True)]
    parts += [f"{name}:\n{text.rstrip()}" for name, text in sorted(long.items())]
    return "\n\n".join(parts)


def short(value: str | None, length: int = 200) -> str:
    text = " ".join((value or "").split())
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def percent(value: float) -> str:
    """A position or width for a style: always a plain number."""
    return f"{value:.2f}%"


def initial(value: str) -> str:
    return next((char.upper() for char in value if char.isalnum()), "·")


FILTERS: dict[str, Callable[..., str]] = {
    function.__name__: function
    for function in (
        whole,
        score,
        signed,
        p_value,
        probability,
        usd,
        when,
        day,
        iso,
        duration,
        milliseconds,
        pretty,
        short,
        percent,
        initial,
    )
}
