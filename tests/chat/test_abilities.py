"""What an endpoint can do is found out once, kept, shared, asked again after a month, and never a reason to loop."""

import json
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.chat import Journal, Status, chat_completions, responses
from components.chat.abilities import Abilities, abilities_of
from components.chat.replies import Reply
from tests.chat.conftest import Shop, request
from tests.fake_provider import FakeProvider
from tests.processes import Python

ROOT = Path(__file__).parents[2]
SCHEMA: dict[str, Any] = {
    "title": "a judgment",
    "type": "object",
    "properties": {"why": {"type": "string"}, "score": {"type": "integer", "minimum": 1, "maximum": 10}},
    "required": ["why", "score"],
    "additionalProperties": False,
}
APIS = {"chat": chat_completions, "responses": responses}
OPENAI = "https://api.openai.com/v1"


def form_of(body: dict[str, Any]) -> str | None:
    asked = body.get("response_format") or body.get("text", {}).get("format") or {}
    return asked.get("type")


def another_process(shop: Shop) -> Journal:
    """A home with the same abilities whose calls are still to be bought."""
    home = shop.folder / "another" / "calls"
    home.mkdir(parents=True)
    (home / "abilities.json").write_bytes((shop.folder / "calls" / "abilities.json").read_bytes())
    return Journal(home)


def test_a_post_that_a_server_quotes_teaches_nothing(tmp_path: Path) -> None:
    abilities = abilities_of(tmp_path, "openai/m", OPENAI)
    body = chat_completions.body(request(schema=SCHEMA), abilities)
    quoted = "1 validation error: messages.1.content: Value error, input_value='see my json_schema tutorial'"
    assert not abilities.learn(body, refused(quoted)) and abilities.reply_format == "json_schema"
    assert abilities.learn(body, refused("I do not like the json_schema in: see my tutorial"))
    assert not (tmp_path / "abilities.json").exists(), "words alone are believed by this process only"


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize(
    ("without", "used"),
    [
        ((), "json_schema"),
        (("json_schema",), "json_object"),
        (("json_schema", "json_object"), None),
        (("response_format",), None),
    ],
)
async def test_a_schema_is_asked_for_as_the_endpoint_allows(
    shop: Shop, api: str, without: tuple[str, ...], used: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    with FakeProvider(without=without) as server:
        asked = [request(number, server.url, schema=SCHEMA, api=api) for number in range(6)]
        outcomes = await shop.buy(server, asked, max_concurrency=1, api=api)
        for outcome in outcomes:
            assert set(json.loads(outcome.text or "")) == {"why", "score"}
        steps = 0 if used == "json_schema" else 1 if used else 2
        assert [outcome.attempts for outcome in outcomes] == [1 + steps, 1, 1, 1, 1, 1]
        assert server.stats["requests"] == 6 + steps
        assert len([record for record in caplog.records if "refuses" in record.message]) == steps
        last = server.seen[-1]
        assert form_of(last) == used
        first = last["messages" if api == "chat" else "input"][0]["content"]
        assert first.startswith("You write posts.")
        assert ("JSON schema" in first) == (used != "json_schema")
        if steps:
            await shop.buy(server, asked, journal=another_process(shop), api=api)
            assert server.stats["requests"] == 12 + steps, "the next process knows"


async def test_the_parameter_that_caps_replies_is_swapped_and_never_left_out(shop: Shop) -> None:
    with FakeProvider(without=["max_tokens"]) as server:
        outcomes = await shop.buy(server, 3, max_concurrency=1)
        assert [outcome.attempts for outcome in outcomes] == [2, 1, 1]
        assert server.seen[-1]["max_completion_tokens"] == 50
        server.without = {"max_tokens", "max_completion_tokens"}
        (outcome,) = await shop.buy(server, [request(9, server.url)])
        assert outcome.status is Status.bad_request and outcome.attempts <= 2
        assert all("max_tokens" in body or "max_completion_tokens" in body for body in server.seen)
    assert Abilities("openai/m", OPENAI).length == "max_completion_tokens"
    assert Abilities("openai/m", "http://127.0.0.1:1/v1").length == "max_tokens"


@pytest.mark.parametrize("api", APIS)
async def test_what_a_reasoning_model_refuses_is_left_out_and_told_once(
    shop: Shop, api: str, caplog: pytest.LogCaptureFixture
) -> None:
    wants = {"api": api, "seed": 7, "reasoning_effort": "low"}
    with FakeProvider(without=["temperature", "seed"]) as server:
        asked = [request(number, server.url, **wants) for number in range(20)]
        outcomes = await shop.buy(server, asked, max_concurrency=8, api=api, reasoning_effort="low")
        assert {outcome.status for outcome in outcomes} == {Status.ok}
        assert "temperature" not in server.seen[-1] and "seed" not in server.seen[-1]
        told = [record.message for record in caplog.records if "sent without it from now on" in record.message]
        assert len(told) == (2 if api == "chat" else 1), "a seed is no part of the Responses interface"
        assert all(record["sent_without"] == ["seed", "temperature"] for record in shop.records())
        before = server.stats["requests"]
        again = await shop.buy(
            server, asked, journal=another_process(shop), max_concurrency=8, api=api, reasoning_effort="low"
        )
        assert all(outcome.attempts == 1 for outcome in again)
        assert server.stats["requests"] == before + 20


async def test_an_effort_may_be_refused_and_another_one_not(shop: Shop) -> None:
    with FakeProvider(without=["reasoning_effort"]) as server:
        (outcome,) = await shop.buy(server, 1, reasoning_effort="minimal")
        assert (outcome.status, outcome.attempts) == (Status.ok, 2)
        assert shop.records()[0]["sent_without"] == ["reasoning_effort"]
        server.without = set()
        (outcome,) = await shop.buy(server, 1, reasoning_effort="high")
        assert (outcome.attempts, server.seen[-1]["reasoning_effort"]) == (1, "high")


def refused(message: str, param: str | None = None, code: str | None = None, status: int = 400) -> Reply:
    content = {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}}
    return chat_completions.read(status, {}, json.dumps(content).encode())


SENT = {"model": "m", "messages": [], "temperature": 0.7, "seed": 1, "max_tokens": 9, "reasoning_effort": "none"}


@pytest.mark.parametrize(
    ("reply", "name"),
    [
        (refused("Unsupported value: 'temperature' does not support 0 with this model.", "temperature"), "temperature"),
        (refused("Unsupported parameter: 'temperature' is not supported with this model."), "temperature"),
        (refused("litellm.BadRequestError: 'temperature' does not support 0.2", "None"), "temperature"),
        (refused("Unrecognized request argument supplied: reasoning_effort"), "reasoning_effort"),
        (
            refused("Unsupported value: 'reasoning_effort' does not support 'none'. Supported: 'low'"),
            "reasoning_effort",
        ),
        (refused("1 validation error: body -> seed: Extra inputs are not permitted"), "seed"),
        (refused("[{'type': 'extra_forbidden', 'loc': ('body', 'seed')}]", status=422), "seed"),
        (refused("no", "seed", "unknown_parameter"), "seed"),
        (refused('"llama3.2" does not support thinking'), "reasoning_effort"),
        (refused('Invalid JSON payload received. Unknown name "seed": Cannot find field.'), "seed"),
        (
            refused("UnsupportedParamsError: openai does not support parameters: ['reasoning_effort']"),
            "reasoning_effort",
        ),
        (refused("Unsupported value: 'messages[0].role' does not support 'system'.", "messages[0].role"), None),
        (refused("temperature must be between 0 and 1", "temperature"), None),
        (refused("This model does not support images."), None),
        (refused("max_tokens is too large: 9000. This model supports at most 4096.", "max_tokens"), None),
        (refused("maximum context length is 4096 tokens, reduce the prompt or max_tokens"), None),
        (refused("'temperature' is not supported", status=500), None),
        (refused("Unsupported parameter: 'store'"), None),
    ],
)
def test_what_a_refusal_teaches(reply: Reply, name: str | None) -> None:
    abilities = Abilities("openai/m", "http://127.0.0.1:1/v1")
    assert abilities.learn(SENT, reply) == (name is not None)
    assert abilities.refused == ({name} if name else set())


def test_the_newest_finding_counts(tmp_path: Path) -> None:
    """Another process has found out more meanwhile; an old entry of the file does not hide what is known here."""
    abilities = abilities_of(tmp_path, "openai/m", OPENAI)
    abilities.learn(
        chat_completions.body(request(schema=SCHEMA), abilities), refused("json_schema is not supported here")
    )
    content = json.loads((tmp_path / "abilities.json").read_text())
    finding = content[abilities.name]["reply_format"]
    for hours, form in ((1, "text"), (-1, "text"), (24 * 365, "text")):
        finding |= {"is": form, "at": (datetime.now(UTC) - timedelta(hours=hours)).isoformat()}
        (tmp_path / "abilities.json").write_text(json.dumps(content))
        assert abilities_of(tmp_path, "openai/m", OPENAI).reply_format == ("json_object" if hours == 1 else "text")


def test_a_schema_that_cannot_be_read_says_nothing_about_the_endpoint(tmp_path: Path) -> None:
    abilities = abilities_of(tmp_path, "openai/m", OPENAI)
    body = chat_completions.body(request(schema=SCHEMA), abilities)
    assert abilities.learn(body, refused("Invalid schema for response_format 'x': In context=()", "response_format"))
    assert abilities.reply_format == "json_object"
    assert not (tmp_path / "abilities.json").exists()


@pytest.mark.parametrize("api", APIS)
@given(st.lists(st.sampled_from(["json_schema", "max_tokens", "temperature", "seed", "reasoning", "store", "other"])))
def test_refusals_never_make_a_loop(api: str, said: list[str]) -> None:
    """Whatever a server says, and says again, a call is sent at most once per thing that can be left out of it."""
    abilities = Abilities("openai/m", OPENAI, api)
    asked = request(schema=SCHEMA, seed=1, reasoning_effort="low", api=api)
    attempts = 1
    for word in said * 4 + ["temperature"] * 3:
        body = APIS[api].body(asked, abilities)
        if not abilities.learn(body, refused(f"Unsupported parameter: '{word}'")):
            continue
        assert APIS[api].body(asked, abilities) != body
        attempts += 1
    assert attempts <= 1 + 2 + 1 + 4


def test_what_others_learned_meanwhile_is_learned_too() -> None:
    """Calls that were in flight together get the same 400: each is sent again, and the lesson is told once."""
    abilities = Abilities("openai/m", OPENAI)
    first = chat_completions.body(request(schema=SCHEMA), abilities)
    for word in ("response_format json_schema", "temperature", "max_completion_tokens"):
        reply = refused(f"Unsupported parameter: {word}")
        assert [abilities.learn(first, reply) for _ in range(3)] == [True] * 3
    assert (abilities.reply_format, abilities.length, abilities.refused) == (
        "json_object",
        "max_tokens",
        {"temperature"},
    )


def test_the_file_says_what_who_and_when(tmp_path: Path) -> None:
    abilities = abilities_of(tmp_path, "openai/o3", OPENAI, "chat", "low")
    abilities.learn(SENT, refused("Unsupported parameter: 'temperature'"))
    (name,) = (content := json.loads((tmp_path / "abilities.json").read_text()))
    assert name == f"openai/o3 at {OPENAI} by chat, effort low"
    assert content[name]["temperature"]["said"] == "HTTP 400: Unsupported parameter: 'temperature'"
    assert content[name]["temperature"]["at"].endswith("+00:00")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["abilities.json", "abilities.lock"]


@pytest.mark.parametrize(("days", "refuses"), [(29, {"temperature"}), (31, set())])
def test_after_a_month_an_endpoint_is_asked_again(tmp_path: Path, days: int, refuses: set[str]) -> None:
    at = (datetime.now(UTC) - timedelta(days=days)).isoformat()
    found = {"temperature": {"is": "refused", "at": at, "said": "HTTP 400"}}
    (tmp_path / "abilities.json").write_text(json.dumps({f"openai/m at {OPENAI} by chat": found}))
    assert abilities_of(tmp_path, "openai/m", OPENAI).refused == refuses
    assert abilities_of(tmp_path, "openai/other", OPENAI).refused == set()


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"\xff", b'{"openai/m at URL by chat": 7}',
     b'{"openai/m at URL by chat": {"temperature": 1, "length": {"is": "x", "at": "2999-01-01"}, "y": {}}}'],
)  # fmt: skip
def test_a_broken_file_costs_one_refused_call_and_is_made_whole(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "abilities.json"
    file.write_bytes(content.replace(b"URL", OPENAI.encode()))
    abilities = abilities_of(tmp_path, "openai/m", OPENAI)
    assert (abilities.refused, abilities.length) == (set(), "max_completion_tokens")
    with caplog.at_level(logging.WARNING):
        assert abilities.learn(SENT, refused("Unsupported parameter: 'temperature'"))
    assert "temperature" in json.loads(file.read_text())[abilities.name]


LEARNER = """
    import sys
    from pathlib import Path
    from components.chat.abilities import abilities_of
    from tests.chat.test_abilities import SENT, refused
    for number in range(40):
        abilities = abilities_of(Path({folder!r}), f"openai/{{sys.argv[1]}}-{{number}}", "http://127.0.0.1:1/v1")
        assert abilities.learn(SENT, refused("Unsupported parameter: 'seed'"))
"""


def test_processes_that_learn_at_once_lose_nothing(tmp_path: Path) -> None:
    processes = [Python(LEARNER.format(folder=str(tmp_path)), name) for name in "ab"]
    assert [process.wait(60) for process in processes] == [0, 0]
    assert len(json.loads((tmp_path / "abilities.json").read_text())) == 80
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("api", APIS)
async def test_a_schema_that_is_taken_and_ignored_is_said_in_words(shop: Shop, api: str) -> None:
    with FakeProvider(reply=lambda _: "A lovely post, eight out of ten.") as server:
        asked = [request(n, server.url, schema=SCHEMA, api=api) for n in range(5)]
        await shop.buy(server, asked, api=api, max_concurrency=1)
        assert [form_of(body) for body in server.seen] == ["json_schema"] * 3 + [None] * 2
    with FakeProvider() as server:
        mixed = iter(["Eight.", "Nine."] + ['{"why": "", "score": 3}', "Ten."] * 3)
        server.reply = lambda _: next(mixed)
        await shop.buy(
            server, [request(n, server.url, schema=SCHEMA, api=api) for n in range(8)], api=api, max_concurrency=1
        )
        assert {form_of(body) for body in server.seen} == {"json_schema"}, "a slip is no habit"
