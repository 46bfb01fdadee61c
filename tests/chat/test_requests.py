"""The key of a call: what must make it another call, and what must not."""

import base64
import dataclasses
import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.chat import ChatRequest
from components.errors import UserError


def with_picture(data: bytes, media_type: str = "image/jpeg") -> ChatRequest:
    url = f"data:{media_type};base64,{base64.b64encode(data).decode()}"
    parts = [{"type": "text", "text": "Look."}, {"type": "image_url", "image_url": {"url": url}}]
    return base(messages=({"role": "user", "content": parts},))


def base(**changed: Any) -> ChatRequest:
    fields: dict[str, Any] = {
        "stage": "writing",
        "model": "openai/gpt-4o-mini",
        "messages": ({"role": "system", "content": "Be brief."}, {"role": "user", "content": "A boat."}),
        "temperature": 0.7,
        "max_output_tokens": 100,
        "seed": 1,
        "schema": {"type": "object"},
    }
    return ChatRequest(**fields | changed)


CHANGES: list[dict[str, Any]] = [
    {"model": "openai/gpt-4o"},
    {"endpoint": "http://127.0.0.1:8000/v1"},
    {"messages": ({"role": "system", "content": "Be long."}, {"role": "user", "content": "A boat."})},
    {"messages": ({"role": "system", "content": "Be brief."}, {"role": "user", "content": "A boat!"})},
    {"messages": ({"role": "user", "content": "A boat."}, {"role": "system", "content": "Be brief."})},
    {"messages": ({"role": "user", "content": "A boat."},)},
    {"temperature": 0.8},
    {"temperature": None},
    {"max_output_tokens": 101},
    {"seed": 2},
    {"seed": None},
    {"schema": {"type": "array"}},
    {"schema": None},
    {"candidate": 1},
    {"api": "responses"},
    {"reasoning_effort": "low"},
    {"reasoning_effort": "none"},
    {"period": "2026-11-30"},
]


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_whatever_can_change_the_answer_changes_the_key(change: dict[str, Any]) -> None:
    assert base(**change).key != base().key


def test_all_changes_give_different_keys() -> None:
    assert len({base(**change).key for change in CHANGES}) == len(CHANGES)


def test_the_stage_is_the_only_field_left_out() -> None:
    assert base(stage="repair").key == base().key
    changed = {field for change in CHANGES for field in change}
    assert changed | {"stage"} == {field.name for field in dataclasses.fields(ChatRequest)}


def test_the_default_endpoint_may_be_spelled_out() -> None:
    assert base(endpoint="https://api.openai.com/v1/").key == base().key
    assert base(temperature=1).key == base(temperature=1.0).key


def test_keys_of_older_journals_stay_what_they_were() -> None:
    """Keys that were in use before interfaces and efforts could be named, one of them with all that JSON can hold."""
    assert base(seed=None, schema=None).key == "542c1979ddded7e6504dcc523f574cc7"
    odd = 'lone \ud800, \x00\x7f \u2028 \\ " é 🏖️'
    parts = [
        {"type": "text", "text": odd},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGVsbG8="}},
    ]
    schema = {"z": 1e22, "a": [1e-7, 2.5, None], "\U0001f600": 1, "\uffff": 2}
    for text, key in ((odd, "79fbdcddd78c442a6db1663e1529d702"), ("🏖️", "6976991a8424da72346166cb3f137126")):
        parts[0] = {"type": "text", "text": text}
        asked = base(messages=({"role": "user", "content": parts},), schema=schema, temperature=1e-7, seed=2**70)
        assert asked.key == key


@given(st.text(), st.floats(0, 2), st.integers(), st.dictionaries(st.text(), st.floats(allow_nan=False) | st.text()))
def test_the_key_is_over_the_json_that_the_standard_library_writes(
    text: str, temperature: float, seed: int, schema: dict[str, Any]
) -> None:
    asked = base(messages=({"role": "user", "content": text},), temperature=temperature, seed=seed, schema=schema)
    content = asked.record() | {
        "version": 1,
        "model": "openai/gpt-4o-mini",
        "revision": None,
        "endpoint": "https://api.openai.com/v1",
    }
    written = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    assert asked.key == hashlib.sha256(written.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def test_a_record_names_interface_and_effort_only_where_they_are_set() -> None:
    assert {"api", "reasoning_effort"}.isdisjoint(base().record())
    record = base(api="responses", reasoning_effort="high").record()
    assert (record["api"], record["reasoning_effort"]) == ("responses", "high")


def test_a_picture_counts_by_its_bytes() -> None:
    assert with_picture(b"one").key == with_picture(b"one").key
    assert with_picture(b"one").key != with_picture(b"onf").key
    assert with_picture(b"one").key != with_picture(b"one", "image/png").key


def test_a_record_holds_a_hash_instead_of_the_picture() -> None:
    data = b"many pixels" * 1000
    kept = str(with_picture(data).record())
    assert "sha256:" in kept
    assert len(kept) < 500
    assert with_picture(data).pictures == 1


def test_a_picture_that_is_no_base64_is_a_defect() -> None:
    broken = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,a"}}]}
    with pytest.raises(ValueError, match="base64"):
        _ = base(messages=(broken,)).key


def test_strange_characters_have_a_key() -> None:
    text = "lone \ud800 surrogate, \x00 and 🏖️"
    assert len(base(messages=({"role": "user", "content": text},)).key) == 32


@pytest.mark.parametrize("model", ["nobody/gpt", "gpt-4o", "openai/", ""])
def test_an_unknown_provider_is_named_with_the_known_ones(model: str) -> None:
    with pytest.raises(UserError, match="openai"):
        _ = base(model=model).key
