"""The offline models stand behind the same client, journal and ledger as any server."""

import asyncio
import itertools
import json
from typing import Any

import pytest

from components.chat import ChatOutcome, ChatRequest, Journal, Ledger, Status, buy, offline, stream
from components.specs import GenerationSpec
from tests.chat.conftest import QUICK, Shop


def asked(number: int, model: str = "offline/writer", **changed: Any) -> ChatRequest:
    system = {"role": "system", "content": "You write posts for X."}
    user = {"role": "user", "content": f"Caption: a boat on a lake, number {number}\nTopic: travel"}
    return ChatRequest(stage="writing", model=model, messages=(system, user), temperature=0.7, **changed)


async def post(body: dict[str, Any], path: str = "/chat/completions") -> tuple[int, dict[str, Any]]:
    status, _, content = await offline.OfflineTransport().post(path, body)
    return status, json.loads(content)


async def test_it_answers_a_chat_completion() -> None:
    status, content = await post({"model": "writer", "messages": list(asked(1).messages), "max_tokens": 100, "seed": 3})
    assert status == 200
    assert (content["object"], content["model"]) == ("chat.completion", "offline/writer")
    assert content["choices"][0]["message"]["content"].strip()
    usage = content["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"] > 0


async def test_unknown_models_and_paths_are_404() -> None:
    assert (await post({"model": "poet", "messages": []}))[0] == 404
    assert (await post({}, "/embeddings"))[0] == 404


async def test_offline_calls_are_bought_once_for_nothing(shop: Shop) -> None:
    spec = GenerationSpec(model="offline/writer")
    requests = [asked(number, candidate=candidate) for number in range(3) for candidate in range(2)]
    ledger = Ledger(0.0)
    outcomes = await buy(
        requests, spec=spec, api_key=None, journal=shop.journal, ledger=ledger, run_id="r", retry=QUICK
    )
    assert all(outcome.status is Status.ok and outcome.cost_usd == 0.0 for outcome in outcomes)
    assert {record["endpoint"] for record in shop.records()} == {"offline"}
    again = await buy(
        requests, spec=spec, api_key=None, journal=Journal(shop.folder / "calls"), ledger=ledger, run_id="r"
    )
    assert [outcome.text for outcome in again] == [outcome.text for outcome in outcomes]
    assert len(shop.records()) == 6
    assert json.dumps(shop.records()).count("offline/writer") >= 6


async def test_a_purchase_of_offline_calls_can_be_cancelled(shop: Shop) -> None:
    endless = (asked(number) for number in itertools.count())
    told: list[ChatOutcome] = []
    buying = stream(
        endless, spec=GenerationSpec(model="offline/writer"), api_key=None, journal=shop.journal, ledger=Ledger(0.0),
        run_id="r", on_outcome=told.append,
    )  # fmt: skip
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(buying, 0.3)
    assert told and len(told) == len(shop.records())


def test_a_new_version_of_an_offline_model_makes_new_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    from components.chat.offline import judge

    before = asked(1, "offline/judge").key
    monkeypatch.setattr(judge, "VERSION", judge.VERSION + 1)
    assert asked(1, "offline/judge").key != before
