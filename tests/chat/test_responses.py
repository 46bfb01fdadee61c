"""The Responses interface: what is sent, and that every answer has a class."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.chat import Status
from components.chat.abilities import Abilities
from components.chat.prices import Usage
from components.chat.replies import Reply
from components.chat.responses import body, read
from components.chat.transport import encoded
from components.errors import ProviderStopped
from tests.chat.conftest import Shop, request
from tests.fake_provider import FakeProvider
from tests.fake_provider.responses import KNOWN

SCHEMA: dict[str, Any] = {"title": "a judgment", "type": "object", "properties": {"score": {"type": "integer"}}}
PICTURE = f"data:image/jpeg;base64,{base64.b64encode(b'bytes').decode()}"


def sent(abilities: Abilities | None = None, **changed: Any) -> dict[str, Any]:
    abilities = abilities or Abilities("openai/m", "https://api.openai.com/v1", "responses")
    return dict(json.loads(encoded(body(request(api="responses", **changed), abilities))))


def test_a_plain_request() -> None:
    assert sent() == {
        "model": "m",
        "input": [
            {"role": "system", "content": "You write posts."},
            {"role": "user", "content": "A boat, number 0."},
        ],
        "temperature": 0.7,
        "max_output_tokens": 50,
        "store": False,
    }


def test_a_schema_an_effort_and_no_seed() -> None:
    content = sent(schema=SCHEMA, reasoning_effort="low", temperature=None, seed=7)
    assert content["text"] == {
        "format": {"type": "json_schema", "name": "a_judgment", "schema": SCHEMA, "strict": True},
    }
    assert content["reasoning"] == {"effort": "low"}
    assert "temperature" not in content and "seed" not in content
    assert content.keys() <= KNOWN


def test_pictures_and_texts_become_parts_of_the_input() -> None:
    parts = [{"type": "text", "text": "Look."}, {"type": "image_url", "image_url": {"url": PICTURE, "detail": "low"}}]
    answered = {"role": "assistant", "content": [{"type": "text", "text": "A boat."}]}
    bare = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": PICTURE}}]}
    first, second, third = sent(messages=({"role": "user", "content": parts}, answered, bare))["input"]
    assert first["content"] == [
        {"type": "input_text", "text": "Look."},
        {"type": "input_image", "image_url": PICTURE, "detail": "low"},
    ]
    assert second["content"] == [{"type": "output_text", "text": "A boat."}]
    assert third["content"] == [{"type": "input_image", "image_url": PICTURE, "detail": "auto"}]


def message(text: str = "Hello.", **fields: Any) -> dict[str, Any]:
    return {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]} | fields


def got(**fields: Any) -> Reply:
    content = {"status": "completed", "output": [{"type": "reasoning", "summary": []}, message()]} | fields
    return read(200, {}, json.dumps(content).encode())


REFUSED = message(content=[{"type": "refusal", "refusal": "No."}])
CUT = {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}


@pytest.mark.parametrize(
    ("reply", "status", "text"),
    [
        (got(), Status.ok, "Hello."),
        (got(output=[message("Hel"), message("lo.")]), Status.ok, "Hello."),
        (got(output=[message("First I look.", phase="commentary"), message()]), Status.ok, "Hello."),
        (got(output=[message("All I say.", phase="commentary")]), Status.ok, "All I say."),
        (got(output=[message("half \ud83d pair")]), Status.ok, "half \ufffd pair"),
        (got(output=[REFUSED]), Status.refusal, None),
        (got(**CUT), Status.truncated, "Hello."),
        (got(**CUT, output=[{"type": "reasoning", "summary": []}]), Status.truncated, None),
        (got(status="incomplete", incomplete_details={"reason": "content_filter"}), Status.content_filter, None),
        (got(status="incomplete", incomplete_details=None), Status.invalid_reply, None),
        (got(status="queued", output=[]), Status.invalid_reply, None),
        (got(output=[]), Status.invalid_reply, None),
        (got(output=[message("  ")]), Status.invalid_reply, None),
        (got(output={"text": "Hello."}), Status.invalid_reply, None),
        (got(status="failed", error={"code": "server_error", "message": "oh"}), Status.server_error, None),
        (got(status="failed", error={"code": "rate_limit_exceeded"}), Status.rate_limited, None),
        (got(status="failed", error={"code": "invalid_prompt"}), Status.content_filter, None),
        (got(status="failed", error={"code": "image_content_policy_violation"}), Status.content_filter, None),
        (got(status="failed", error={"code": "image_too_large"}), Status.bad_request, None),
        (got(status="failed", error=None), Status.server_error, None),
        (read(200, {}, b'{"error": {"message": "upstream"}}'), Status.server_error, None),
        (read(200, {}, b"<html>"), Status.invalid_reply, None),
        (read(429, {"retry-after": "2"}, b'{"error": {"code": "rate_limit_exceeded"}}'), Status.rate_limited, None),
    ],
)
def test_answers(reply: Reply, status: Status, text: str | None) -> None:
    assert (reply.status, reply.text) == (status, text)
    assert (reply.detail is None) == (status is Status.ok)


def test_usage_with_what_was_cached_and_thought() -> None:
    usage = {
        "input_tokens": 90,
        "input_tokens_details": {"cached_tokens": 40, "cache_write_tokens": 8},
        "output_tokens": 30,
        "output_tokens_details": {"reasoning_tokens": 25},
        "total_tokens": 120,
    }
    assert got(usage=usage).usage == Usage(input=90, output=30, cached=40, written=8, reasoning=25)
    assert got(usage=usage).billed is True
    assert got(usage=None, output=[]).billed is None, "an answer without a bill may have one"
    assert got(usage={"input_tokens": -1, "output_tokens": 3}).usage is None


FIELDS = st.sampled_from(["status", "output", "content", "type", "text", "refusal", "error", "code", "usage", "phase"])
WORDS = st.sampled_from(["message", "output_text", "refusal", "completed", "incomplete", "failed", "commentary"])
LIKE_A_RESPONSE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=5),
    max_leaves=20,
)


@given(LIKE_A_RESPONSE, st.sampled_from([200, 400, 429, 500]))
def test_no_json_raises(content: Any, http_status: int) -> None:
    assert read(http_status, {}, json.dumps(content).encode()).status in Status


@given(st.binary())
def test_no_bytes_raise(content: bytes) -> None:
    assert read(200, {}, content).status in (Status.invalid_reply, Status.server_error)


ENDS = {
    "400": Status.bad_request, "filter_400": Status.content_filter, "length": Status.truncated,
    "content_filter": Status.content_filter, "refusal": Status.refusal, "filter_in_200": Status.content_filter,
    "image_in_200": Status.bad_request, "parts": Status.ok,
}  # fmt: skip
PASSES = ("429", "503", "invalid_json", "html", "no_choices", "error_in_200", "empty", "null", "limit_in_200", "reset",
          "cut", "hang")  # fmt: skip


@pytest.mark.parametrize("fault", ENDS)
async def test_what_stays_is_bought_once(shop: Shop, fault: str) -> None:
    with FakeProvider(faults=[fault]) as server:
        for bought in (True, False):
            (outcome,) = await shop.buy(server, 1, api="responses")
            assert (outcome.status, outcome.attempts, outcome.bought) == (ENDS[fault], 1, bought)
        assert server.stats["requests"] == 1
        (record,) = shop.records()
        assert (record["api"], record["request"]["api"]) == ("responses", "responses")


@pytest.mark.parametrize("fault", PASSES)
async def test_what_passes_is_tried_again(shop: Shop, fault: str) -> None:
    with FakeProvider(faults=[fault]) as server:
        (outcome,) = await shop.buy(server, 1, api="responses", timeout_s=0.3)
        assert (outcome.status, outcome.attempts) == (Status.ok, 2)
        assert outcome.input_tokens and outcome.output_tokens


async def test_the_two_interfaces_share_no_answers(shop: Shop) -> None:
    with FakeProvider() as server:
        await shop.buy(server, 3)
        outcomes = await shop.buy(server, 3, api="responses")
        assert all(outcome.bought for outcome in outcomes)
        assert server.stats["requests"] == 6


async def test_a_request_of_the_other_interface_is_a_defect(shop: Shop) -> None:
    with FakeProvider() as server, pytest.raises(ValueError, match="spec"):
        await shop.buy(server, [request(0, server.url)], api="responses")


async def test_a_server_without_the_interface_is_told(shop: Shop) -> None:
    with FakeProvider(faults=["404"]) as server, pytest.raises(ProviderStopped, match="or no Responses API at"):
        await shop.buy(server, 1, api="responses")
