"""What the journal says was spent, and may have been, under a run and in a calendar month."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
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


@dataclass(slots=True)
class Sums:
    """(spent, held) in USD, of some batches (by their ids at the endpoint) each, and of all else under ""."""

    parts: dict[str, tuple[float, float]] = field(default_factory=dict)

    def add(self, part: str, spent: float, held: float) -> None:
        before = self.parts.get(part, (0.0, 0.0))
        self.parts[part] = before[0] + spent, before[1] + held

    def but(self, left_out: Collection[str] = ()) -> tuple[float, float]:
        """Of all but these batches."""
        counted = [sums for part, sums in self.parts.items() if part not in left_out]
        return sum(spent for spent, _ in counted), sum(held for _, held in counted)


class Recorded(NamedTuple):
    run: Sums
    month: Sums


def recorded(journal: Journal, runs: Collection[str], month: str, batches: Collection[str] = ()) -> Recorded:
    """What the journal has of some runs, and of a calendar month (2026-11) in UTC; `batches` are summed apart."""
    found = Recorded(Sums(), Sums())
    for record in journal.fields(("run_id", "created_at", "cost_usd", "held_usd", "batch_id")):
        cost, held = record.get("cost_usd") or 0.0, record.get("held_usd") or 0.0
        if cost or held:
            batch = str(record.get("batch_id"))
            part = batch if batch in batches else ""
            if record.get("run_id") in runs:
                found.run.add(part, cost, held)
            if month_of(record) == month:
                found.month.add(part, cost, held)
    return found


def month_of(record: Mapping[str, Any]) -> str:
    """Of its `created_at`, which is written in UTC; packed calls may have it as a time."""
    at = record.get("created_at")
    return f"{at.astimezone(UTC):%Y-%m}" if isinstance(at, datetime) else str(at)[:7]
