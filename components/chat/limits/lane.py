"""All limits of one model at one endpoint: configured, told, or found out; and whether a call may go now.

Pure: times are passed in. A configured limit is a hard cap; a told one holds where none is configured; where neither
is, the limit is found (finding.py). What is refused under a known limit lowers the pace, too: first by a hair, as the
server may not allow the smallest burst, then as a found limit, as somebody else may be using the account.
"""

import math
import random
from dataclasses import dataclass

from components.chat.limits.finding import Finder
from components.chat.limits.headers import RateHeaders, Told
from components.chat.limits.pacing import WINDOW_S, Book

COLD_CALLS, COLD_STEP_S = 4, 0.05
"""Where nothing is known, so many calls begin, and twice as many after each step: an endpoint that refuses, or tells
its limit, does so before hundreds are on their way. 256 take 0.3 s."""

SPREAD, LONGEST_SPREAD_S, LEAST_GAP_S = 0.8, 0.25, 0.00005
"""Calls that may all go are spread over this share of the shortest latency. Sent at once they would all be answered at
once, and then wait for each other: 256 at 0.2 s cost a fifth of the throughput, and a kill finds answers unread."""

HAIRS = (0.0, 0.006, 0.011, 0.016, 0.021)
"""Share of a known limit that is left unused, by how often it refused without cause."""

HAIR_FOR_S = 300.0
FAST_GAP_S = 0.005
FAST_CREDIT_S = 0.003
RETURN_S = 1.0
TOLD_FOR_S = 60.0


class Silence:
    """Until when the whole endpoint asked not to be asked. Who comes back comes a little later, by chance, so that
    processes do not return in step."""

    def __init__(self) -> None:
        self.until = self.spread_until = -math.inf
        self.times, self.seconds = 0, 0.0
        """How often it was asked for, and for how long in all."""

    def hush(self, now: float, seconds: float) -> None:
        until = now + seconds + random.uniform(0, min(RETURN_S, seconds / 10))
        if until > self.until:
            self.times += now >= self.until
            self.seconds += until - max(now, self.until)
            self.until, self.spread_until = until, until + min(RETURN_S, seconds)


@dataclass(slots=True)
class Sent:
    """What a lane must know of a call in flight when it ends. Never changed; a frozen one takes longer to make."""

    at: float
    tokens: int
    in_flight: int
    step: int
    counted: bool


class Lane:
    """`room`, the most calls in flight, `rpm` and `tpm`, the configured limits, are the door's to set."""

    def __init__(self, silence: Silence, book: Book | None = None) -> None:
        self.silence, self.book = silence, book or Book()
        self.room = 1
        self.rpm: int | None = None
        self.tpm: int | None = None
        self.told_rpm: int | None = None
        self.told_tpm: int | None = None
        self.finder = Finder()
        self.in_flight = 0
        self.refused_calls = 0
        self.accepted_at: float | None = None
        self.shares = (1.0, 1.0)
        self._told_at = -math.inf
        self._found_at = -math.inf
        self._began: float | None = None
        self._warm = False
        self._unspaced = 0
        self._unspaced_since = -math.inf
        self._hairs = 0
        self._hair_at = -math.inf
        self._mean_tokens: float | None = None
        self._latency: float | None = None

    @property
    def known(self) -> bool:
        return bool(self.rpm or self.tpm or self.told_rpm or self.told_tpm)

    def admit(self, now: float, tokens: int, waited_since: float) -> float:
        """Counts a call as sent and returns 0.0; or returns the seconds until it may be asked again, `inf` when a call
        must end first. `waited_since`: since when, without a break, somebody has been waiting."""
        if now < self.silence.until:
            return self.silence.until - now
        if self.in_flight >= self._window(now):
            return math.inf if self._warm or self.finder.slots or self.known else COLD_STEP_S / 4
        if self._found_at > now:
            return self._found_at - now
        known = self.known
        gap = self._own_gap(now, known)
        if not known:
            if now - self._unspaced_since > 60:
                self._unspaced, self._unspaced_since = 0, now
            self._unspaced += 1
        elif wait := self._claim(now, tokens, waited_since):
            return wait
        if gap:
            credit = FAST_CREDIT_S if gap < FAST_GAP_S else 0.0
            self._found_at = max(self._found_at, now - credit, min(waited_since, now), self.silence.until) + gap
        self.in_flight += 1
        self.finder.sent(now, self.in_flight)
        return 0.0

    def sent(self, now: float, tokens: int) -> Sent:
        """For the call that was just admitted."""
        return Sent(now, tokens, self.in_flight, self.book.step, self.known)

    def unsent(self, sent: Sent, now: float) -> None:
        """It was admitted, but never left."""
        self.in_flight -= 1
        if sent.counted:
            self.book.settle(now, sent.step, -sent.tokens)

    def answered(self, sent: Sent, now: float, used_tokens: int | None) -> None:
        """The endpoint accepted it; a failure of another kind than a refusal counts as that, too."""
        self.in_flight -= 1
        self.accepted_at = now
        self.finder.answered(sent.in_flight)
        latency, shortest = now - sent.at, self._latency
        # The shortest of late: a slower answer moves it by little.
        self._latency = latency if shortest is None or latency < shortest else shortest + (latency - shortest) / 64
        if used_tokens is not None:
            mean = self._mean_tokens
            self._mean_tokens = used_tokens if mean is None else mean + (used_tokens - mean) / 16
            if sent.counted:
                self.book.settle(now, sent.step, used_tokens - sent.tokens)

    def failed(self, sent: Sent, now: float) -> None:
        """Neither accepted nor refused: it may have used its tokens."""
        self.in_flight -= 1

    def refused(self, sent: Sent, now: float, wait_s: float | None) -> str | None:
        """A 429. Returns what was decreased, in words, or None where this one belongs to a burst."""
        self.in_flight -= 1
        self.refused_calls += 1
        self._warm = True
        finder = self.finder
        if sent.counted:
            self.book.settle(now, sent.step, -sent.tokens)
        limit = self._known_rate(now)
        if sent.counted != self.known:  # it went before the limit was known
            if self.told_rpm and now - self._hair_at > HAIR_FOR_S:
                self._hairs, self._hair_at = max(1, self._hairs), now  # the first few at once were too many
            self._found_at -= WINDOW_S / (self.told_rpm or math.inf)  # and took no slot
            return None
        if limit is None or finder.rate is not None:
            return finder.refused(now, sent.at, sent.in_flight, wait_s)
        if sent.at <= finder.cut_at:
            return None
        if self._hairs + 1 < len(HAIRS):
            finder.cut_at = self._hair_at = now
            finder.decreases += 1
            self._hairs += 1
            return f"pace lowered to {1 - HAIRS[self._hairs]:.1%} of the known limit"
        return finder.start_at(now, limit)

    def tell(self, told: RateHeaders, now: float) -> bool:
        """What a reply's headers said; True when a limit is new."""
        before, was_known = (self.told_rpm, self.told_tpm), self.known
        self.told_rpm = told.requests.per_minute if told.requests else self.told_rpm
        self.told_tpm = told.tokens.per_minute if told.tokens else self.told_tpm
        self.shares = _share(told.requests), _share(told.tokens)
        self._told_at = now
        if self.told_rpm and not was_known:  # what went before it was known takes its slots, too
            taken = self._unspaced_since + self._unspaced * WINDOW_S / self.told_rpm
            self._found_at = max(self._found_at, min(taken, now + 60))
        return before != (self.told_rpm, self.told_tpm)

    def limits(self, now: float) -> tuple[float | None, float | None]:
        """Requests and tokens per minute that hold now, None where unknown."""
        if now - self._told_at > TOLD_FOR_S:
            self.shares = (1.0, 1.0)
        return (
            _lowest(self.rpm, self.told_rpm, self.shares[0]),
            _lowest(self.tpm, self.told_tpm, self.shares[1]),
        )

    def state(self, now: float) -> dict[str, object]:
        rpm, tpm = self.limits(now)
        rate = self.finder.per_second()
        known = None if rpm is None else rpm / 60
        return {
            "rate": min((value for value in (rate, known) if value is not None), default=None),
            "configured": {"rpm": self.rpm, "tpm": self.tpm},
            "told": {"rpm": self.told_rpm, "tpm": self.told_tpm, "left_to_us": self.shares},
            "found": rate,
            "used_tpm": tpm,
            "window": self.finder.window(),
            "in_flight": self.in_flight,
            "decreases": self.finder.decreases,
            "refused": self.refused_calls,
        }

    def _window(self, now: float) -> float:
        found = self.finder.window()
        if found is not None or self._warm or self.known:
            return self.room if found is None else min(found, self.room)
        if self._began is None:
            self._began = now
        cold = COLD_CALLS * 2.0 ** min(30, int((now - self._began) / COLD_STEP_S))
        self._warm = cold >= self.room
        return min(cold, self.room)

    def _own_gap(self, now: float, known: bool) -> float:
        """Seconds between two calls by what was found; 0.0 where nothing was. Also after a silence, when all who kept
        it would else return at once."""
        rate = self.finder.per_second()
        if rate is not None:
            limit = self._known_rate(now)
            if limit is not None and rate >= 1.02 * limit:
                self.finder.rate = None  # back at the known limit
                return 0.0
            return 1 / rate
        if now < self.silence.spread_until and not known:
            return min(RETURN_S, self.silence.spread_until - self.silence.until) / self.room
        return self._spread()

    def _spread(self) -> float:
        if self._latency is None or not (self._warm or self.known):
            return 0.0
        gap = min(SPREAD * self._latency, LONGEST_SPREAD_S) / self.room
        return gap if gap >= LEAST_GAP_S else 0.0

    def _claim(self, now: float, tokens: int, waited_since: float) -> float:
        rpm, tpm = self.limits(now)
        gap = 0.0 if rpm is None else WINDOW_S / rpm
        if tpm is not None:
            mean = tokens if self._mean_tokens is None else min(tokens, self._mean_tokens)
            gap = max(gap, mean * WINDOW_S / tpm)
        if self._hairs:
            if now - self._hair_at > HAIR_FOR_S:
                self._hairs, self._hair_at = self._hairs - 1, now
            gap /= 1 - HAIRS[self._hairs]
        # A server that refused under its limit allows no burst: no slot may come sooner after the last to catch up.
        credit = 0.0 if self._hairs else now - min(waited_since, now)
        return self.book.claim(now, gap, tokens, None if tpm is None else int(tpm), credit)

    def _known_rate(self, now: float) -> float | None:
        rpm, tpm = self.limits(now)
        rates = [] if rpm is None else [rpm / 60]
        if tpm is not None and self._mean_tokens:
            rates.append(tpm / 60 / self._mean_tokens)
        return min(rates, default=None)


def _share(told: Told | None) -> float:
    return 1.0 if told is None else told.share()


def _lowest(configured: int | None, told: int | None, share: float) -> float | None:
    """A configured limit stands against a told one, unless the account is nearly used up."""
    if configured is None:
        return None if told is None else max(1.0, told * share)
    return float(configured) if told is None or share == 1.0 else min(configured, max(1.0, told * share))
