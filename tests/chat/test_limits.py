"""Limits in simulated time: what headers tell, what a known limit lets through, what is found where none is known."""

import math
import random
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.chat.limits.headers import RateHeaders, Told, read_headers, seconds_of
from components.chat.limits.lane import Lane, Silence
from components.chat.limits.shared import SharedBook
from tests.chat.simulated import Bucket, Slots, simulate

OPENAI = {
    "x-ratelimit-limit-requests": "600",
    "x-ratelimit-remaining-requests": "599",
    "x-ratelimit-reset-requests": "100ms",
    "x-ratelimit-limit-tokens": "150000",
    "x-ratelimit-remaining-tokens": "149984",
    "x-ratelimit-reset-tokens": "6m0s",
}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1s", 1), ("6m0s", 360), ("120ms", 0.12), ("1h2m3.5s", 3723.5), ("12.5", 12.5), ("0", 0), ("1d", 86400),
        ("", None), ("soon", None), ("-3", None), ("nan", None), ("1e99", None), ("99h", None), ("1s2m", None),
        ("2001-01-01T00:00:00Z", 0), ("9999-01-01T00:00:00Z", None),
    ],
)  # fmt: skip
def test_times_are_read_in_every_form(text: str, seconds: float | None) -> None:
    assert seconds_of(text) == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({}, None),
        ({"content-type": "application/json"}, None),
        (OPENAI, RateHeaders(Told(600, 599, 0.1), Told(150000, 149984, 360))),
        ({name.title(): value for name, value in OPENAI.items()},
         RateHeaders(Told(600, 599, 0.1), Told(150000, 149984, 360))),
        ({"anthropic-ratelimit-requests-limit": "50"}, RateHeaders(Told(50))),
        ({"x-ratelimit-limit-req-minute": "60", "x-ratelimit-limit-tokens-minute": "500"},
         RateHeaders(Told(60), Told(500))),
        ({"x-ratelimit-limit-minute": "20", "x-ratelimit-remaining-minute": "3"}, RateHeaders(Told(20, 3))),
        # A day's quota under a minute's name: 30 used, back in three minutes.
        (
            {
                "x-ratelimit-limit-requests": "14400",
                "x-ratelimit-remaining-requests": "14370",
                "x-ratelimit-reset-requests": "2m59.56s",
            },
            None,
        ),
        ({"ratelimit-policy": '"a";q=100;w=60', "ratelimit": '"a";r=7;t=30'}, RateHeaders(Told(100, 7, 30.0, False))),
        ({"ratelimit-policy": "10;w=1, 300;w=60, 1000;w=3600", "ratelimit-remaining": "5", "ratelimit-reset": "9"},
         RateHeaders(Told(300, 5, 9.0, False))),
        ({"ratelimit-policy": '"bytes";q=9;w=60;qu="content-bytes"'}, None),
        ({"ratelimit-limit": "100", "ratelimit-remaining": "5"}, None),  # per what?
        ({"x-ratelimit-limit-requests": "0"}, None),
        ({"x-ratelimit-limit-requests": "-5"}, None),
        ({"x-ratelimit-limit-requests": "1e3"}, None),
        ({"x-ratelimit-limit-requests": "99999999999999999999"}, None),
        ({"x-ratelimit-limit-requests": "10", "x-ratelimit-remaining-requests": "11"}, RateHeaders(Told(10))),
    ],
)  # fmt: skip
def test_headers_are_believed_where_they_are_clear(headers: dict[str, str], told: RateHeaders | None) -> None:
    assert read_headers(headers) == told


@given(
    st.dictionaries(st.sampled_from([*OPENAI, "ratelimit-policy", "ratelimit", "retry-after"]), st.text(max_size=30))
)
def test_no_header_can_break_the_reader(headers: dict[str, str]) -> None:
    told = read_headers(headers)
    assert told is None or told.requests or told.tokens


def test_what_is_left_tells_of_others_on_the_account() -> None:
    assert Told(600, 590, 1.0).share() == 1
    assert Told(600, 150, 45.0).share() == 0.5
    assert Told(600, 0, 60.0).share() == 0.05
    assert Told(600, 0, 0.1).share() == 1, "a bucket of one: it fills in 0.1 s, so it never holds a minute's worth"
    assert Told(600, 100, 20.0, fills=False).share() == 0.5
    assert Told(600, 600, 60.0, fills=False).share() == 1


def most_in_a_minute(moments: Iterable[tuple[float, int]]) -> int:
    """The largest sum over any 60 s."""
    inside: list[tuple[float, int]] = []
    most = 0
    for at, amount in moments:
        inside = [one for one in inside if one[0] > at - 60] + [(at, amount)]
        most = max(most, sum(amount for _, amount in inside))
    return most


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 900),
    st.lists(st.tuples(st.floats(0, 3), st.floats(0, 0.3), st.integers(1, 40)), min_size=1, max_size=60),
)
def test_never_more_requests_than_allowed_in_any_60_s(rpm: int, demand: list[tuple[float, float, int]]) -> None:
    """Bursts of requests, pauses between them, and wake-ups that come late."""
    lane, now, sent = Lane(Silence()), 1000.0, []
    lane.room, lane.rpm = 10**6, rpm
    for pause, late, burst in demand:
        now += pause
        since = now
        for _ in range(burst):
            while wait := lane.admit(now, 10, since):
                now += wait + late
            sent.append((now, 1))
    assert most_in_a_minute(sent) <= rpm


TPM = st.integers(2000, 50000)


def calls(share: float) -> st.SearchStrategy[list[tuple[float, int, float, float]]]:
    """(pause before it, claim, used share of the claim, seconds until its usage is known)"""
    return st.lists(
        st.tuples(st.floats(0, 4), st.integers(1, 2000), st.floats(0, share), st.floats(0, 20)), max_size=200
    )


def by_tokens(tpm: int, calls: list[tuple[float, int, float, float]]) -> list[tuple[float, int, int, float]]:
    """(when it left, claim, usage, after which call the lane was told of it); usage counts when the call left."""
    lane, now, open_calls = Lane(Silence()), 1000.0, list[Any]()
    sent = list[list[Any]]()
    lane.room, lane.tpm = 10**6, tpm
    for pause, claim, share, latency in calls:
        now += pause
        while wait := lane.admit(now, claim, now):
            now += wait
        sent.append([now, claim, int(claim * share), math.inf])
        open_calls.append((now + latency, lane.sent(now, claim), sent[-1]))
        for call in [call for call in open_calls if call[0] <= now]:
            lane.answered(call[1], now, call[2][2])
            call[2][3] = len(sent) - 1
            open_calls.remove(call)
    return [(at, claim, used, told) for at, claim, used, told in sent]


@settings(max_examples=60, deadline=None)
@given(TPM, calls(1.0))
def test_never_more_tokens_than_allowed_in_any_60_s(tpm: int, calls: list[tuple[float, int, float, float]]) -> None:
    """Claims before, usage (at most the claim) some seconds after."""
    assert most_in_a_minute((at, used) for at, _, used, _ in by_tokens(tpm, calls)) <= tpm


@settings(max_examples=40, deadline=None)
@given(TPM, calls(2.0))
def test_usage_beyond_the_claims_passes_a_limit_by_that_of_calls_in_flight(
    tpm: int, calls: list[tuple[float, int, float, float]]
) -> None:
    """What was known when a call was let in never passes it: what others use beyond their claims is waited for, too."""
    sent = by_tokens(tpm, calls)
    for n, (now, _, _, _) in enumerate(sent):
        minute = [call for call in sent[: n + 1] if call[0] > now - 60]
        assert sum(used if told < n else claim for _, claim, used, told in minute) <= tpm
        in_flight = sum(max(0, used - claim) for _, claim, used, told in minute if told >= n)
        assert sum(used for _, _, used, _ in minute) <= tpm + in_flight


def test_tokens_are_used_up_though_every_call_claims_ten_times_too_many() -> None:
    lane, now, done = Lane(Silence()), 0.0, []
    lane.room, lane.tpm = 64, 60_000
    used = 0
    while now < 300:
        if wait := lane.admit(now, 1000, 0.0):
            now += min(wait, 0.05)
            for end, sent in [call for call in done if call[0] <= now]:
                lane.answered(sent, now, 100)
                done.remove((end, sent))
                used += 100 * (now > 60)
            continue
        done.append((now + 0.2, lane.sent(now, 1000)))
    assert used / (240 / 60 * 60_000) > 0.9


@pytest.mark.parametrize("shares", [1, 3])
def test_books_in_one_file_are_one_book(tmp_path: Path, shares: int) -> None:
    """As many writers as there are processes; the file's clock is the wall's."""
    wall = [5000.0]
    books = [SharedBook(tmp_path, "endpoint", clock=lambda: wall[0]) for _ in range(shares)]
    dice, sent, used = random.Random(0), [], []
    while wall[0] < 5130:
        wall[0] += dice.uniform(0, 0.05)
        book = dice.choice(books)
        if book.claim(0.0, 60.25 / 600, 50, 40_000, credit=1.0) == 0.0:
            sent.append((wall[0], 1))
            used.append((wall[0], 50))
            book.settle(0.0, book.step, -10)
    assert 0.9 * 600 < most_in_a_minute(sent) <= 600
    assert most_in_a_minute((at, tokens - 10) for at, tokens in used) <= 40_000


def test_a_clock_that_was_wrong_is_not_believed(tmp_path: Path) -> None:
    wall = [5000.0]
    book = SharedBook(tmp_path, "endpoint", clock=lambda: wall[0])
    wall[0] = 9e8  # another process's clock is years ahead
    assert book.claim(0.0, 0.1, 50, 1000) == 0.0
    wall[0] = 5000.0
    assert book.claim(0.0, 0.1, 50, 1000) == 0.0
    assert 0 < book.claim(0.0, 0.1, 50, 1000) < 0.11
    (tmp_path / next(tmp_path.iterdir()).name).write_bytes(b"rubbish")
    assert book.claim(0.0, 0.1, 50, 1000) < 0.11


Latency = Callable[[random.Random], float]


def always(seconds: float) -> Latency:
    return lambda _: seconds


def spread(median: float) -> Latency:
    return lambda dice: median * dice.lognormvariate(0, 0.5)


LATENCIES = {"5 ms": always(0.005), "2 s": always(2.0), "about 2 s": spread(2.0)}


@pytest.mark.parametrize("latency", LATENCIES)
@pytest.mark.parametrize("burst", [1, 5, 600])
@pytest.mark.parametrize("told", [False, True])
def test_600_a_minute_are_used_and_nearly_nothing_is_refused(latency: str, burst: int, told: bool) -> None:
    server = Bucket(lambda _: 10.0, burst=burst, tells=told)
    run = simulate(server, seconds=60, workers=64, latency=LATENCIES[latency], rpm=None if told else 600)
    assert len(run.accepted) >= 0.98 * 600
    assert run.wasted() < 0.01
    if not told or burst == 600:
        assert most_in_a_minute((at, 1) for at in run.sent) <= 600


@pytest.mark.parametrize("latency", LATENCIES)
@pytest.mark.parametrize("burst", [1, 5, 50])
@pytest.mark.parametrize("retry_after", [False, True])
def test_50_a_second_are_found_and_twice_as_many_soon_after(latency: str, burst: int, retry_after: bool) -> None:
    server = Bucket(lambda now: 50.0 if now < 60 else 100.0, burst=burst, retry_after=retry_after)
    run = simulate(server, seconds=120, workers=512, latency=LATENCIES[latency], trip_s=0.02)
    assert run.between(30, 60) >= 0.9 * 50 * 30
    assert run.between(110, 120) >= 0.85 * 100 * 10
    assert run.wasted() < 0.03
    assert run.most_refused <= 8


def test_a_limit_that_halves_is_followed_within_seconds() -> None:
    server = Bucket(lambda now: 50.0 if now < 60 else 25.0, burst=5, retry_after=False)
    run = simulate(server, seconds=90, workers=64, latency=always(0.2))
    assert run.between(65, 90) >= 0.9 * 25 * 25
    assert sum(60 <= at < 65 for at in run.refused) < 60
    assert sum(at >= 65 for at in run.refused) < 25


@pytest.mark.parametrize("latency", ["2 s", "about 2 s"])
@pytest.mark.parametrize("retry_after", [False, True])
def test_slots_are_told_from_rates(latency: str, retry_after: bool) -> None:
    lane = Lane(Silence())
    run = simulate(Slots(lambda _: 8, retry_after), seconds=120, workers=64, latency=LATENCIES[latency], lane=lane)
    mean = 2.0 if latency == "2 s" else 2.0 * 1.133
    assert run.between(30, 120) >= 0.9 * 90 * 8 / mean
    assert lane.finder.window() in (8, 9)
    assert sum(at > 30 for at in run.refused) <= 12


def test_others_on_the_account_slow_us_down_before_anything_is_refused() -> None:
    server = Bucket(lambda _: 10.0, burst=600, others=lambda _: 5.0, tells=True)
    run = simulate(server, seconds=1200, workers=16, latency=always(0.2), rpm=600)
    assert run.between(900, 1200) == pytest.approx(5 * 300, rel=0.05)
    assert run.refused == []


def test_others_on_the_account_of_a_silent_server_cost_little() -> None:
    server = Bucket(lambda _: 10.0, burst=10, others=lambda now: 5.0 if now > 60 else 0.0)
    run = simulate(server, seconds=300, workers=16, latency=always(0.2), rpm=600)
    assert run.between(120, 300) >= 0.9 * 5 * 180
    assert len(run.refused) < 0.04 * len(run.accepted)


def test_one_burst_of_refusals_counts_once() -> None:
    lane = Lane(Silence())
    lane.room = 64
    now = 10.0
    while lane.admit(now, 1, now):
        now += 0.05
    now += 1.0  # warm
    sent = [lane.sent(now, 1)]
    for _ in range(40):
        assert lane.admit(now, 1, now) == 0.0
        sent.append(lane.sent(now, 1))
    said = [lane.refused(call, now + 0.1, None) for call in sent]
    assert [one is not None for one in said] == [True] + [False] * 40
    assert lane.state(now)["decreases"] == 1 and lane.state(now)["refused"] == 41


def test_after_a_silence_nobody_returns_in_step() -> None:
    lane, now = Lane(Silence()), 100.0
    lane.room = 50
    lane._warm = True
    lane.silence.hush(now, 5.0)
    assert lane.admit(now, 1, now) >= 5.0
    left = []
    while len(left) < 50:
        if wait := lane.admit(now, 1, 100.0):
            now += wait
        else:
            left.append(now)
    assert left[0] >= 105.0 and left[-1] - left[0] > 0.9
    assert len({round(at, 3) for at in left}) == 50
