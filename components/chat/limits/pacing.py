"""When the next request may go under a known limit: evenly spaced, and counted over every 60 s.

Pure: the time is passed in, in seconds of whichever clock the caller keeps to. Even spacing holds requests per minute;
tokens differ from request to request and are known only afterwards, so they are counted: what the requests of the last
60 s took (the claim while in flight, the usage once it is known) never passes the limit.
"""

from array import array

LATE_S = 0.2
"""A request may use its slot so much later (a busy event loop) without losing it."""

WINDOW_S = 60.25
"""A minute, LATE_S, and 50 ms by which trips may differ, as the server counts arrivals: slots spaced so that these hold
no more than the limit keep it in any 60 s."""

STEP_S = 0.25
STEPS = 241
"""60.25 s in steps: what has left the ring is at least 60 s old."""

DISTRUST_S = 120.0


class Log:
    """Requests and tokens of the last 60 s, in a ring of steps."""

    def __init__(self) -> None:
        self.head = 0
        self.requests = array("q", bytes(8 * STEPS))
        self.tokens = array("q", bytes(8 * STEPS))

    def advance(self, now: float) -> None:
        step = int(now / STEP_S)
        passed = step - self.head
        if passed <= 0 and passed > -8:
            return
        if not 0 < passed < STEPS:  # long idle; or a clock that was set back: what it counted means nothing now
            self.requests, self.tokens = array("q", bytes(8 * STEPS)), array("q", bytes(8 * STEPS))
        else:
            for number in range(self.head + 1, step + 1):
                self.requests[number % STEPS] = self.tokens[number % STEPS] = 0
        self.head = step

    def add(self, tokens: int) -> int:
        """Counts a request now; returns the step to settle it at."""
        self.requests[self.head % STEPS] += 1
        self.tokens[self.head % STEPS] += tokens
        return self.head

    def settle(self, step: int, more: int) -> None:
        if self.head - STEPS < step <= self.head:
            self.tokens[step % STEPS] = max(0, self.tokens[step % STEPS] + more)

    def wait(self, now: float, tokens: int, limit: int) -> float:
        """Seconds until `tokens` fit under `limit`; more than the limit itself passes when nothing else is there."""
        over = sum(self.tokens) + min(tokens, limit) - limit
        if over <= 0:
            return 0.0
        for number in range(self.head - STEPS + 1, self.head + 1):
            over -= self.tokens[number % STEPS]
            if over <= 0:
                return max(0.001, (number + STEPS) * STEP_S - now)
        return STEP_S


class Book:
    """One limit's timeline: `next_at` is when the next slot begins."""

    def __init__(self) -> None:
        self.next_at = 0.0
        self.log = Log()
        self.step = 0

    def claim(self, now: float, gap: float, tokens: int = 0, tpm: int | None = None, credit: float = 0.0) -> float:
        """Takes a slot and returns 0.0, or takes nothing and returns the seconds to wait.

        `gap`: seconds between slots. `credit`: for how long somebody has been waiting, so that slots which passed while
        this process was busy elsewhere are not lost (at most LATE_S); time in which nobody asked gives none.
        """
        if self.next_at - now > max(DISTRUST_S, 2 * gap):
            self.next_at = now  # written by a clock that was wrong
        if self.next_at > now:
            return self.next_at - now
        if tpm is not None:
            self.log.advance(now)
            if wait := self.log.wait(now, tokens, tpm):
                return wait
        self.next_at = max(self.next_at, now - min(credit, LATE_S)) + gap
        if tpm is not None:
            self.step = self.log.add(tokens)
        return 0.0

    def settle(self, now: float, step: int, more: int) -> None:
        """The request counted at `step` took `more` tokens than claimed (less: negative)."""
        self.log.advance(now)
        self.log.settle(step, more)
