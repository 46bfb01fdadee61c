"""The sums of one ledger, and what they say to an amount under a cap."""

FITS, WAIT, REFUSED = 0, 1, 2
"""What a purse says to an amount: taken; not now, but calls in flight may leave room; never under this cap."""

SLACK = 1e-8
"""A millionth of a cent: sums of floats must not refuse a budget that fits exactly."""


class Pocket:
    """The same sums for one ledger alone, in memory; not thread-safe, its ledger has the lock.

    `reserved` may be freed; `kept` is what ended attempts of unrecorded calls cost, or may have cost: nobody need wait
    for it."""

    def __init__(self, spent: float = 0.0) -> None:
        self.before = spent
        self.reserved = self.kept = self.spent = self.held = 0.0
        self.open = 0

    def totals(self) -> tuple[float, float, float]:
        """(spent, held, reserved) in USD, of everybody; what is kept counts as held."""
        return self.before + self.spent, self.held + self.kept, self.reserved

    def take(self, usd: float, cap: float) -> int:
        """Reserves `usd` where that leaves spent + held + reserved <= `cap`; FITS, WAIT or REFUSED."""
        spent, held, reserved = self.totals()
        if spent + held + reserved + usd <= cap + SLACK:
            self.reserved += usd
            self.open += 1
            return FITS
        return REFUSED if reserved <= 1e-12 or spent + held + usd > cap + SLACK else WAIT

    def put(self, freed: float, spent: float = 0.0, held: float = 0.0, kept: float = 0.0, ended: int = 1) -> None:
        """Releases `freed` of what was reserved, and counts what became of it; `kept` may be negative."""
        self.open -= ended
        if self.open:
            self.reserved, self.kept = max(0.0, self.reserved - freed), max(0.0, self.kept + kept)
        else:
            self.reserved = self.kept = 0.0  # no rounding stays behind
        self.spent += spent
        self.held += held

    def carry(self, other: "Pocket") -> None:
        """Takes over all that `other` has reserved and kept, whatever the cap."""
        self.reserved, self.kept, self.open = self.reserved + other.reserved, self.kept + other.kept, other.open
        other.put(other.reserved, ended=other.open)
