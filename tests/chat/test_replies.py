"""Reading replies: every byte string has a class, and none raises."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.chat import Status
from components.chat.chat_completions import read
from components.chat.prices import Usage
from components.chat.replies import Reply, retry_after
from tests.fake_provider import http_date

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELD = st.sampled_from(
    ["choices", "message", "content", "usage", "finish_reason", "refusal", "error", "code", "prompt_tokens"]
)
LIKE_A_REPLY = st.recursive(
    JSON, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(FIELD, inner, max_size=4), max_leaves=12
)


def read_reply(status: int, headers: dict[str, str], body: str) -> Reply:
    return read(status, headers, body.encode("utf-8", "surrogatepass"))


def reply(content: Any = "Hello.", *, status: int = 200, usage: Any = None, **choice: Any) -> Reply:
    message = {"role": "assistant", "content": content} | choice.pop("message", {})
    body = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"} | choice], "usage": usage}
    return read_reply(status, {}, json.dumps(body))


@given(st.sampled_from([200, 201, 301, 400, 404, 429, 500]), LIKE_A_REPLY)
def test_no_json_raises(http_status: int, content: Any) -> None:
    assert read_reply(http_status, {}, json.dumps(content)).status in Status


@given(st.integers(100, 599), st.text())
def test_no_text_raises(http_status: int, body: str) -> None:
    assert read_reply(http_status, {}, body).status is not Status.ok


def test_deep_nesting_is_an_invalid_reply() -> None:
    assert read_reply(200, {}, "[" * 100_000).status is Status.invalid_reply


@pytest.mark.parametrize(
    ("got", "status", "text"),
    [
        (reply(), Status.ok, "Hello."),
        (reply([{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo."}]), Status.ok, "Hello."),
        (reply(finish_reason=None), Status.ok, "Hello."),
        (reply("Hel", finish_reason="length"), Status.truncated, "Hel"),
        (reply(None, finish_reason="length"), Status.truncated, None),
        (reply(None, finish_reason="content_filter"), Status.content_filter, None),
        (reply(None, message={"refusal": "No."}), Status.refusal, None),
        (reply("  \n"), Status.invalid_reply, None),
        (reply(None), Status.invalid_reply, None),
        (reply(7), Status.invalid_reply, None),
        (read_reply(200, {}, '{"choices": []}'), Status.invalid_reply, None),
        (read_reply(200, {}, '{"choices": [{}]}'), Status.invalid_reply, None),
        (read_reply(200, {}, '{"error": {"message": "upstream"}}'), Status.invalid_reply, None),
    ],
)
def test_answers(got: Reply, status: Status, text: str | None) -> None:
    assert (got.status, got.text) == (status, text)


def test_an_error_in_a_200_is_told() -> None:
    assert "upstream" in str(read_reply(200, {}, '{"error": {"message": "upstream"}}').detail)


@pytest.mark.parametrize(
    ("http_status", "status"),
    [
        (400, Status.bad_request), (401, Status.authentication), (402, Status.authentication),
        (403, Status.authentication), (404, Status.not_found), (405, Status.not_found), (408, Status.timeout),
        (409, Status.server_error), (413, Status.bad_request), (422, Status.bad_request),
        (429, Status.rate_limited), (301, Status.not_found), (500, Status.server_error),
        (502, Status.server_error), (503, Status.server_error), (504, Status.server_error),
        (529, Status.server_error),
    ],
)  # fmt: skip
def test_errors(http_status: int, status: Status) -> None:
    for body in ('{"error": {"message": "why"}}', '{"error": "why"}', '{"detail": "why"}', "why", ""):
        got = read_reply(http_status, {}, body)
        assert got.status is status
        assert got.billed is (None if http_status in (408, 504, 524) else False)
        assert f"HTTP {http_status}" in str(got.detail)


def test_a_429_without_credit_is_not_a_rate_limit() -> None:
    assert read_reply(429, {}, '{"error": {"code": "insufficient_quota"}}').no_credit
    assert not read_reply(429, {}, '{"error": {"code": "rate_limit_exceeded"}}').no_credit


def test_a_filter_that_answers_400_is_a_filter() -> None:
    assert read_reply(400, {}, '{"error": {"code": "content_filter"}}').status is Status.content_filter


@pytest.mark.parametrize(
    ("usage", "read"),
    [
        ({"prompt_tokens": 9, "completion_tokens": 3}, Usage(input=9, output=3)),
        (
            {"prompt_tokens": 9, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 4}},
            Usage(input=9, output=3, cached=4),
        ),
        ({"prompt_tokens": 9, "completion_tokens": 3, "prompt_tokens_details": None}, Usage(input=9, output=3)),
        ({"prompt_tokens": -9, "completion_tokens": 3}, None),
        ({"prompt_tokens": "9", "completion_tokens": 3}, None),
        ({"prompt_tokens": True, "completion_tokens": 3}, None),
        ({"prompt_tokens": 10**12, "completion_tokens": 3}, None),
        ({}, None),
        (None, None),
        ("many", None),
    ],
)
def test_usage(usage: Any, read: Usage | None) -> None:
    assert reply(usage=usage).usage == read


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9.0),
        ({"retry-after": "86400"}, 86400.0),
        ({"retry-after": "inf"}, float("inf")),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


def test_retry_after_as_a_date() -> None:
    seconds = retry_after({"retry-after": http_date(30)})
    assert seconds is not None and 28 <= seconds <= 30
    assert retry_after({"retry-after": http_date(-30)}) == 0.0
    assert time.time() > 0


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_header_raises(one: str, other: str) -> None:
    seconds = retry_after({"retry-after": one, "retry-after-ms": other})
    assert seconds is None or seconds >= 0


def test_texts_and_details_can_be_stored() -> None:
    """A server's JSON may hold half of a surrogate pair; no table takes it."""
    odd = "half \ud83d pair, \x00"
    error = read_reply(500, {}, json.dumps({"error": {"message": odd}}))
    refused = reply(None, message={"refusal": odd})
    for said in (error.detail, refused.detail, reply(odd).text, reply([{"text": odd}]).text):
        assert said is not None and "half \ufffd pair, \ufffd" in said
        said.encode()
