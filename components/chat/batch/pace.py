"""How often is asked, how often is tried, and how much goes into one batch."""

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """A batch is looked at after `first_s`, then ever more seldom, at least every `longest_s`: each pause is `growth`
    times the one before, so that an answer lies there unseen for at most that part (a quarter) of what it took. What a
    batch says is told when it has changed, but not more often than every `say_every_s`.

    `rounds`: so often a call is handed in that comes back without an answer. `patience`: so many looks, or attempts to
    read a result, may fail in a row. `settle_s`: how long a creation whose answer was lost may need to appear in the
    endpoint's list. `whole_s`: so long, or for `patience` looks, an ended batch that lacks lines is looked at again, by
    whichever process; then it is taken as it is.
    `max_lines`, `max_bytes`: OpenAI's limits of an input file
    (https://developers.openai.com/api/reference/resources/batches/methods/create).
    """

    first_s: float = 0.5
    longest_s: float = 60.0
    growth: float = 1.25
    say_every_s: float = 60.0
    base_s: float = 0.5
    cap_s: float = 30.0
    settle_s: float = 10.0
    rounds: int = 3
    patience: int = 10
    max_lines: int = 50_000
    max_bytes: int = 200_000_000
    whole_s: float = 300.0

    def backoff(self, failures: int, asked_s: float | None = None) -> float:
        """Seconds: what the server asked for, capped; else full jitter as for live calls."""
        if asked_s:
            return min(asked_s, 2 * self.cap_s)
        return random.uniform(0, min(self.cap_s, self.base_s * 2.0 ** min(failures, 30)))
