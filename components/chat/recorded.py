"""What the journal says was spent, and may have been, under a run and in a calendar month."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from components.chat.journal import Journal


class Month(NamedTuple):
    """A calendar month in UTC: 2026-11, its first moment and that of the next."""

    name: str
    first: datetime
    next: datetime

    @classmethod
    def of(cls, now: float) -> "Month":
        first = datetime.fromtimestamp(now, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        return cls(
            f"{first:%Y-%m}", first, datetime(first.year + first.month // 12, first.month % 12 + 1, 1, tzinfo=UTC)
        )


class Recorded(NamedTuple):
    """(spent, held) in USD."""

    run: tuple[float, float]
    month: tuple[float, float]


def recorded(journal: Journal, runs: Collection[str], month: str) -> Recorded:
    """What the journal has of some runs, and of a calendar month (2026-11) in UTC."""
    sums = [[0.0, 0.0], [0.0, 0.0]]
    for record in journal.fields(("run_id", "created_at", "cost_usd", "held_usd")):
        cost, held = record.get("cost_usd") or 0.0, record.get("held_usd") or 0.0
        if cost or held:
            for into, mine in zip(sums, (record.get("run_id") in runs, month_of(record) == month), strict=True):
                if mine:
                    into[0] += cost
                    into[1] += held
    return Recorded((sums[0][0], sums[0][1]), (sums[1][0], sums[1][1]))


def month_of(record: Mapping[str, Any]) -> str:
    """Of its `created_at`, which is written in UTC; packed calls may have it as a time."""
    at = record.get("created_at")
    return f"{at.astimezone(UTC):%Y-%m}" if isinstance(at, datetime) else str(at)[:7]
