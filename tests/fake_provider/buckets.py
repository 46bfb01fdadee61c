"""Limits as providers keep them, with their headers."""

import time


class Bucket:
    """A provider's own limit with its headers: refilled evenly; holds `burst` requests, or a minute's tokens."""

    def __init__(self, name: str, per_minute: int | None, burst: int) -> None:
        self.name, self.limit, self.burst = name, per_minute or 0, burst
        self.size = self._size()
        self.level, self.filled = self.size, time.monotonic()

    def _size(self) -> float:
        return float(self.burst if self.name == "requests" else max(1, self.limit))

    def change(self, per_minute: int | None) -> None:
        """A new limit from now on; what the bucket holds stays, as far as it fits."""
        if self.limit:
            self._fill()
        self.limit, self.filled = per_minute or 0, time.monotonic()
        self.size = self._size()
        self.level = min(self.level, self.size)

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


class Limits:
    """All that one provider keeps: requests and tokens per minute, and calls in flight (`slots`; refused without a
    Retry-After, as servers do that count them). `tells`: whether its replies speak of them. Change them while it runs.
    """

    def __init__(self, rpm: int | None, tpm: int | None, burst: int, slots: int | None, tells: bool) -> None:
        self.requests, self.tokens = Bucket("requests", rpm, burst), Bucket("tokens", tpm, burst)
        self.slots, self.tells = slots, tells

    def change(self, **limits: int | None) -> None:
        """`rpm`, `tpm`, `slots`: None takes a limit away."""
        for name, value in limits.items():
            if name == "slots":
                self.slots = value
            else:
                {"rpm": self.requests, "tpm": self.tokens}[name].change(value)

    def ask(self, tokens: int, in_flight: int) -> tuple[bool, dict[str, str]]:
        """Whether a request may pass beside `in_flight` others, and the headers of its reply."""
        buckets = [(bucket, amount) for bucket, amount in ((self.requests, 1), (self.tokens, tokens)) if bucket.limit]
        wait = max((bucket.wait(amount) for bucket, amount in buckets), default=0.0)
        full = self.slots is not None and in_flight >= self.slots
        if not wait and not full:
            for bucket, amount in buckets:
                bucket.take(amount)
        headers = {name: value for bucket, _ in buckets if self.tells for name, value in bucket.headers().items()}
        if wait:
            headers |= {"retry-after-ms": str(int(wait * 1000) + 1), "retry-after": str(int(wait) + 1)}
        return not wait and not full, headers
