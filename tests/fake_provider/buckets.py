"""Limits as providers keep them, with their headers."""

import time


class Bucket:
    """A provider's own limit with its headers: refilled evenly; holds `burst` requests, or a minute's tokens."""

    def __init__(self, name: str, per_minute: int | None, burst: int) -> None:
        self.name, self.limit = name, per_minute or 0
        self.size = float(burst if name == "requests" else max(1, self.limit))
        self.level, self.filled = self.size, time.monotonic()

    def _fill(self) -> None:
        now = time.monotonic()
        self.level = min(self.size, self.level + (now - self.filled) * self.limit / 60)
        self.filled = now

    def wait(self, amount: float) -> float:
        """Seconds until `amount` is there; 0.0 when it is. More than the bucket holds passes when it is full."""
        self._fill()
        return max(0.0, (min(amount, self.size) - self.level) * 60 / self.limit)

    def take(self, amount: float) -> None:
        self.level -= amount

    def headers(self) -> dict[str, str]:
        full_in = max(0.0, (self.size - self.level) * 60 / self.limit)
        return {
            f"x-ratelimit-limit-{self.name}": str(self.limit),
            f"x-ratelimit-remaining-{self.name}": str(max(0, int(self.level))),
            f"x-ratelimit-reset-{self.name}": f"{int(full_in * 1000)}ms",
        }
