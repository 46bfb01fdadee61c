"""Whatever a server sends, by either interface: never an exception, always one documented class that is true to it."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.chat import Status, chat_completions, responses
from components.chat.outcome import FINAL, RETRYABLE, STOPPING
from components.chat.replies import DETAIL_LENGTH, Reply
from components.records import storable

APIS = {"chat": chat_completions, "responses": responses}
GOOD: dict[str, Any] = {
    "chat": {
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "A boat."}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 2}},
    },
    "responses": {
        "status": "completed",
        "output": [
            {"type": "reasoning", "summary": []},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "A boat."}]},
        ],
        "usage": {"input_tokens": 9, "output_tokens": 3, "output_tokens_details": {"reasoning_tokens": 1}},
    },
}  # fmt: skip
ODD: list[Any] = [
    None, True, 0, -1, 10**30, 1e308, float("nan"), "", "\x00", "\ud800", "length", "failed", [], {}, [[]], [{}],
    {"a": []}, "null", {"error": "x"}, {"code": 3, "message": {}}, ["content_filter"],
]  # fmt: skip
HEADERS = st.dictionaries(
    st.sampled_from(["retry-after", "retry-after-ms", "location", "x-ratelimit-remaining-requests"]),
    st.sampled_from(["", "nan", "-1", "1e999", "inf", "soon", "Wed, 99 Foo 2026", "1", "\x00", "٣", "9" * 400]),
)


def is_sound(reply: Reply, status: int) -> None:
    assert reply.status in FINAL | RETRYABLE | STOPPING
    assert (reply.text is not None) <= (reply.status in (Status.ok, Status.truncated)), "text that would be lost"
    if reply.status is Status.ok:
        assert status == 200 and reply.text and reply.text.strip() and reply.billed
    else:
        assert reply.detail and len(reply.detail) <= DETAIL_LENGTH + 100
    for said in (reply.text, reply.detail):
        assert said is None or said == storable(said), "no column takes it"
    assert reply.wait_s is None or reply.wait_s >= 0
    if reply.usage is not None:
        assert 0 <= reply.usage.cached <= 10**9 and 0 <= reply.usage.input < 10**9 and 0 <= reply.usage.output < 10**9
    json.dumps(reply.raw)


@settings(deadline=None)
@given(st.sampled_from(sorted(APIS)), st.integers(100, 599) | st.just(200), HEADERS, st.binary(max_size=300))
def test_any_bytes_with_any_status(api: str, status: int, headers: dict[str, str], body: bytes) -> None:
    is_sound(APIS[api].read(status, headers, body), status)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, part in inside for place in places(part, (*path, key)))]


def put(value: Any, path: tuple[Any, ...], odd: Any) -> Any:
    if not path:
        return odd
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = put(value[path[0]], path[1:], odd)
    return copy


@settings(deadline=None, max_examples=400)
@given(st.sampled_from(sorted(APIS)), st.data())
def test_a_good_answer_with_something_odd_in_one_place(api: str, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(places(GOOD[api])))
    body = json.dumps(put(GOOD[api], path, data.draw(st.sampled_from(ODD)))).encode("utf-8", "surrogatepass")
    is_sound(APIS[api].read(200, {}, body), 200)


@settings(deadline=None)
@given(st.sampled_from(sorted(APIS)), st.data())
def test_a_good_answer_damaged_in_its_bytes(api: str, data: st.DataObject) -> None:
    body = bytearray(json.dumps(GOOD[api]).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    is_sound(APIS[api].read(200, {}, bytes(body[: data.draw(st.integers(0, len(body)))])), 200)


@settings(deadline=None)
@given(
    st.sampled_from(sorted(APIS)),
    st.integers(300, 599),
    st.fixed_dictionaries({}, optional={
        "error": st.sampled_from([*ODD, {"message": ["a"], "code": {}, "type": []}, {"message": "m" * 9000}]),
        "detail": st.sampled_from([*ODD, [{"loc": ["body"], "msg": "x"}]]), "message": st.sampled_from(ODD),
    }),
)  # fmt: skip
def test_any_refusal(api: str, status: int, content: dict[str, Any]) -> None:
    reply = APIS[api].read(status, {}, json.dumps(content).encode("utf-8", "surrogatepass"))
    is_sound(reply, status)
    assert reply.status is not Status.ok


@pytest.mark.parametrize("api", APIS)
def test_what_the_good_answers_say(api: str) -> None:
    reply = APIS[api].read(200, {}, json.dumps(GOOD[api]).encode())
    assert (reply.status, reply.text, reply.usage and reply.usage.output) == (Status.ok, "A boat.", 3)


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (400, {"error": {"message": "/chat/completions: Invalid model name passed in model=x. Call `/v1/models`"}}),
        (400, {"detail": "Server is pinned to '/models/a'; requested 'x'."}),
        (400, {"error": {"message": "Model Not Exist", "type": "invalid_request_error"}}),
        (400, {"error": {"message": "x is not a valid model ID", "code": 400}}),
        (400, {"object": "error", "message": "Invalid model: x", "type": "invalid_model", "code": "1500"}),
        (400, {"error": {"message": "Unknown", "code": "model_not_found"}}),
        (404, {"error": {"message": "The model `x` does not exist.", "type": "NotFoundError", "code": 404}}),
        (404, {"error": {"message": "model 'x' not found", "type": "not_found_error"}}),
    ],
)
def test_servers_say_in_many_ways_that_they_have_no_such_model(status: int, content: dict[str, Any]) -> None:
    assert chat_completions.read(status, {}, json.dumps(content).encode()).status is Status.not_found


@pytest.mark.parametrize("said", ["'temperature' does not support 0.7 with this model", "model output is invalid"])
def test_a_400_about_something_else_does_not_stop_the_run(said: str) -> None:
    body = json.dumps({"error": {"message": said}}).encode()
    assert chat_completions.read(400, {}, body).status is Status.bad_request


def test_a_refusal_that_a_proxy_moved_is_a_refusal() -> None:
    message = {"role": "assistant", "content": None, "provider_specific_fields": {"refusal": "I can't help with that."}}
    body = json.dumps({"choices": [{"message": message, "finish_reason": "stop"}], "usage": None}).encode()
    assert chat_completions.read(200, {}, body).status is Status.refusal
