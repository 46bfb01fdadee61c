"""Buying: once, in order, inside the limits, and with a stated end for everything a server can do."""

import asyncio
import logging
import threading
import time
from typing import Any

import pytest

from components.chat import FINAL, RETRYABLE, STOPPING, Journal, Ledger, Retry, Status
from components.chat.limits import Gate
from components.errors import ProviderStopped, UserError
from tests.chat.conftest import KEY, QUICK, Shop, request
from tests.fake_provider import FakeProvider, http_date

PASSES = {
    "408": Status.timeout, "409": Status.server_error, "429": Status.rate_limited, "500": Status.server_error,
    "502": Status.server_error, "503": Status.server_error, "504": Status.server_error,
    "invalid_json": Status.invalid_reply, "html": Status.invalid_reply, "no_choices": Status.invalid_reply,
    "error_in_200": Status.invalid_reply, "empty": Status.invalid_reply, "null": Status.invalid_reply,
    "reset": Status.connection, "cut": Status.connection, "hang": Status.timeout, "trickle": Status.timeout,
}  # fmt: skip
STAYS = {
    "400": Status.bad_request, "422": Status.bad_request, "filter_400": Status.content_filter,
    "length": Status.truncated, "content_filter": Status.content_filter, "refusal": Status.refusal,
}  # fmt: skip
STOPS = {
    "401": Status.authentication, "402": Status.authentication, "403": Status.authentication,
    "404": Status.not_found, "301": Status.not_found, "quota": Status.rate_limited,
}  # fmt: skip


def test_every_status_has_one_end_state() -> None:
    assert frozenset(Status) == FINAL | RETRYABLE | STOPPING
    assert not FINAL & RETRYABLE and not FINAL & STOPPING and not RETRYABLE & STOPPING


@pytest.mark.parametrize("fault", PASSES)
async def test_what_passes_is_tried_again(shop: Shop, fault: str) -> None:
    with FakeProvider(faults=[fault]) as server:
        (outcome,) = await shop.buy(server, 1, timeout_s=0.3)
        assert (outcome.status, outcome.attempts) == (Status.ok, 2)
        assert server.stats["requests"] == 2
        assert [record["attempts"] for record in shop.records()] == [2]


@pytest.mark.parametrize("fault", PASSES)
async def test_what_does_not_pass_ends_in_its_class_and_is_asked_again_by_the_next_run(shop: Shop, fault: str) -> None:
    attempts = 6 if fault == "429" else 2
    with FakeProvider(faults=[fault] * attempts) as server:
        # Of two calls, one is fine: the endpoint is there.
        fine, broken = request(0, server.url), request(1, server.url)
        server.faults.appendleft("ok")
        outcomes = await shop.buy(server, [fine, broken], timeout_s=0.3, max_attempts=2, max_concurrency=1)
        assert [outcome.status for outcome in outcomes] == [Status.ok, PASSES[fault]]
        assert outcomes[1].attempts == attempts == server.stats["requests"] - 1
        assert outcomes[1].text is None and outcomes[1].detail
        again = await shop.buy(server, [fine, broken])
        assert [(outcome.status, outcome.bought) for outcome in again] == [(Status.ok, False), (Status.ok, True)]


@pytest.mark.parametrize("fault", STAYS)
async def test_what_stays_is_bought_once(shop: Shop, fault: str) -> None:
    with FakeProvider(faults=[fault]) as server:
        for bought in (True, False):
            (outcome,) = await shop.buy(server, 1)
            assert (outcome.status, outcome.attempts, outcome.bought) == (STAYS[fault], 1, bought)
        assert server.stats["requests"] == 1
        assert (outcome.text is not None) == (fault == "length")


@pytest.mark.parametrize("fault", STOPS)
async def test_what_cannot_get_better_stops_at_once_with_one_clear_line(shop: Shop, fault: str) -> None:
    with FakeProvider(faults=[fault] * 100, latency=0.02) as server:
        with pytest.raises(ProviderStopped) as stopped:
            await shop.buy(server, 100, max_concurrency=4, api_key_env="MY_KEY")
        line = str(stopped.value)
        assert "\n" not in line and KEY not in line
        assert ("MY_KEY" in line) == (fault not in ("404", "301"))
        assert server.stats["requests"] <= 4
        assert {record["status"] for record in shop.records()} == {STOPS[fault]}
        server.faults.clear()
        outcomes = await shop.buy(server, 100)
        assert all(outcome.status is Status.ok and outcome.bought for outcome in outcomes)


async def test_without_a_key_the_line_says_that_one_is_wanted(shop: Shop) -> None:
    with FakeProvider(key=KEY) as server:
        with pytest.raises(ProviderStopped, match=r"wants a key.*OPENAI_API_KEY"):
            await shop.buy(server, 1, key=None)
        assert server.headers[0]["Authorization"] == "Bearer none"
        assert (await shop.buy(server, 1))[0].status is Status.ok


async def test_order_is_kept_and_equal_requests_are_bought_once(shop: Shop) -> None:
    with FakeProvider(latency=0.002) as server:
        asked = [request(number % 7, server.url) for number in range(30)]
        outcomes = await shop.buy(server, asked)
        assert [outcome.key for outcome in outcomes] == [one.key for one in asked]
        assert server.stats["requests"] == 7 == sum(outcome.bought for outcome in outcomes)
        assert len(shop.told) == 7
        assert await shop.buy(server, []) == []


async def test_a_second_run_buys_nothing_and_one_more_request_buys_one(shop: Shop) -> None:
    with FakeProvider() as server:
        first = await shop.buy(server, 20)
        second = await shop.buy(server, 20, journal=Journal(shop.folder / "calls"))
        assert server.stats["requests"] == 20
        assert [outcome.text for outcome in second] == [outcome.text for outcome in first]
        assert not any(outcome.bought for outcome in second)
        await shop.buy(server, 21)
        assert server.stats["requests"] == 21


async def test_no_more_calls_are_in_flight_than_allowed(shop: Shop) -> None:
    with FakeProvider(latency=0.02) as server:
        await shop.buy(server, 60, max_concurrency=5)
        assert server.stats["peak"] == 5


async def test_every_call_ends_well_against_a_server_that_fails_often(shop: Shop) -> None:
    with FakeProvider(fail=0.2, latency=0.002) as server:
        outcomes = await shop.buy(server, 150, max_attempts=8)
        assert {outcome.status for outcome in outcomes} == {Status.ok}
        assert sum(record["attempts"] for record in shop.records()) == server.stats["requests"] > 150
        assert sum(outcome.attempts for outcome in outcomes) == server.stats["requests"]


@pytest.mark.parametrize("form", ["seconds", "date", "milliseconds"])
async def test_retry_after_silences_the_whole_endpoint(shop: Shop, form: str) -> None:
    headers = {
        "seconds": {"retry-after": "1"},
        "date": {"retry-after": http_date(2)},
        "milliseconds": {"retry-after-ms": "900"},
    }
    with FakeProvider(faults=["429"], retry_after=headers[form], latency=0.05) as server:
        outcomes = await shop.buy(server, 12, max_concurrency=2)
        assert {outcome.status for outcome in outcomes} == {Status.ok}
        began, refused = server.arrivals[0], server.arrivals[0]
        in_flight = [at for at in server.arrivals if at - refused < 0.85]
        assert len(in_flight) <= 3, "only what was in flight, or just leaving, came within the silence"
        assert max(server.arrivals) - began > 0.85


async def test_an_absurd_retry_after_is_capped_and_told(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    retry = Retry(base_s=0.005, cap_s=0.02, longest_silence_s=0.2)
    with FakeProvider(faults=["429"], retry_after="86400") as server, caplog.at_level(logging.WARNING):
        began = time.monotonic()
        (outcome,) = await shop.buy(server, 1, retry=retry)
        assert outcome.status is Status.ok
        assert 0.2 <= time.monotonic() - began < 5
        assert "86400" in caplog.text
    assert Retry().longest_silence_s == 60


def test_slots_are_spaced_and_a_silence_moves_them() -> None:
    gate = Gate()
    waits = [gate.claim("m", 10, 600, None) for _ in range(4)]
    assert waits == pytest.approx([0.0, 0.1, 0.2, 0.3], abs=0.05)
    gate.hush(5.0)
    assert gate.claim("m", 10, 600, None) == pytest.approx(5.0, abs=0.1)
    assert gate.claim("another", 10, None, None) == pytest.approx(5.0, abs=0.1)
    assert gate.claim("m", 10, 600, None) == pytest.approx(5.1, abs=0.1)


async def test_requests_per_minute_are_kept(shop: Shop) -> None:
    with FakeProvider() as server:
        began = time.monotonic()
        await shop.buy(server, 12, rpm=1200, max_concurrency=12)
        assert server.arrivals[-1] - began >= 0.05 * 11


async def test_tokens_per_minute_are_kept(shop: Shop) -> None:
    with FakeProvider() as server:
        began = time.monotonic()
        await shop.buy(server, 6, tpm=12000, max_concurrency=6)
        used = sum(record["input_tokens"] + record["output_tokens"] for record in shop.records())
        assert time.monotonic() - began >= (used - 150) * 60 / 12000 * 0.8


async def test_a_limited_server_costs_time_and_no_row(shop: Shop) -> None:
    with FakeProvider(rpm=3000, burst=5) as server:
        outcomes = await shop.buy(server, 60, max_concurrency=16, retry=Retry(base_s=0.1, cap_s=2.0))
        assert {outcome.status for outcome in outcomes} == {Status.ok}


async def test_parallel_windows_in_threads_share_journal_ledger_and_silence(shop: Shop) -> None:
    with FakeProvider(latency=0.01, fail=0.1) as server:

        def window(start: int) -> None:
            asked = [request(start + number, server.url) for number in range(30)]
            asyncio.run(shop.buy(server, asked, max_concurrency=4))

        threads = [threading.Thread(target=window, args=(30 * number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert len(shop.told) == 120
        assert {outcome.status for outcome in shop.told} == {Status.ok}
        assert server.stats["peak"] <= 16
        assert len(list((shop.folder / "calls").glob("*.jsonl"))) == 1


async def test_the_account_key_is_nowhere_on_disk_and_in_no_outcome(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with FakeProvider(faults=["echo_key", "ok", "503"], key=KEY) as server:
        outcomes = await shop.buy(server, 4, max_concurrency=1)
        assert outcomes[0].text == "You sent Bearer [key]."
        server.key = "another"
        with pytest.raises(ProviderStopped) as stopped:
            await shop.buy(server, [request(99, server.url)])
    found = [path for path in shop.folder.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]
    assert found == []
    assert KEY not in f"{outcomes} {shop.told} {stopped.value} {caplog.text}"
    assert "[key]" in (shop.folder / "calls").glob("*.jsonl").__next__().read_text()


async def test_a_record_says_all_about_a_call(shop: Shop) -> None:
    with FakeProvider() as server:
        (outcome,) = await shop.buy(server, 1)
        (record,) = shop.records()
        assert record["call_key"] == outcome.key == request(0, server.url).key
        assert record["endpoint"] == server.url
        assert (record["stage"], record["run_id"], record["attempts"]) == ("writing", "run", 1)
        assert record["request"]["messages"][0]["content"] == "You write posts."
        assert record["request"]["temperature"] == 0.7
        assert record["response"]["choices"][0]["message"]["content"] == outcome.text == record["text"]
        assert record["created_at"].endswith("+00:00")
        body = server.seen[0]
        assert (body["model"], body["max_tokens"], body["temperature"]) == ("m", 50, 0.7)
        assert "seed" not in body and "response_format" not in body


@pytest.mark.parametrize(
    ("changed", "key", "says"),
    [
        ({"model": "nobody/gpt"}, KEY, "nobody/gpt.*openai/"),
        ({"model": "offline/poet", "endpoint": None}, None, "offline/poet.*offline/writer"),
        ({"model": "offline/writer", "endpoint": "http://127.0.0.1:1/v1"}, None, "remove `endpoint"),
        ({"endpoint": None, "model": "openai/gpt-4o-mini", "api_key_env": "MY_KEY"}, None, "MY_KEY"),
        ({"endpoint": None, "model": "openai/gpt-4o-mini", "api_key_env": "MY_KEY"}, "a\nb", "MY_KEY"),
        ({"endpoint": "https://user:pass@example.org/v1"}, KEY, "example.org"),
        ({"endpoint": "https://example.org/v1?key=s3cret"}, KEY, "example.org"),
        ({"endpoint": "example.org/v1"}, KEY, "no address"),
        ({"endpoint": "http://127.0.0.1:99999/v1"}, KEY, "no address"),
        ({"endpoint": "ftp://127.0.0.1/v1"}, KEY, "no address"),
    ],
)
async def test_what_cannot_be_bought_is_refused_before_anything_is_spent(
    shop: Shop, changed: dict[str, Any], key: str | None, says: str
) -> None:
    with FakeProvider() as server:
        with pytest.raises(UserError, match=says) as refused:
            await shop.buy(server, [], key=key, **changed)
        assert server.stats["requests"] == 0
        assert "pass@" not in str(refused.value) and "s3cret" not in str(refused.value)


async def test_a_home_that_cannot_be_written_stops_before_money_is_spent(shop: Shop) -> None:
    (shop.folder / "file").write_text("no folder")
    with FakeProvider() as server:
        with pytest.raises(UserError, match="cannot write"):
            await shop.buy(server, 3, journal=Journal(shop.folder / "file" / "calls"))
        assert server.stats["requests"] == 0


async def test_a_request_of_another_spec_is_a_defect(shop: Shop) -> None:
    with FakeProvider() as server, pytest.raises(ValueError, match="spec"):
        await shop.buy(server, [request(0, server.url, model="openai/other")])


def test_quick_waits_are_as_long_as_they_say() -> None:
    assert all(0 <= QUICK.wait(failures) <= 0.02 for failures in range(100))
    assert max(Retry().wait(10**6) for _ in range(100)) <= 30
    assert Ledger(1.0).reserved_usd == 0
