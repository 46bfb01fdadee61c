"""`transformers serve`, for real, with a language model of 46,000 random parameters: what it says is noise.

So nothing here is about quality. It is about what a server of one's own does that others do not: it has no limits and
no key, it takes one model only, it refuses unknown fields, and it accepts a schema and then ignores it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from components.chat import ChatOutcome, ChatRequest, Status, buy
from components.errors import ProviderStopped
from components.specs import GenerationSpec
from flows.settings import Settings
from tests.chat.conftest import Shop, request
from tests.features.tiny_models import make_writer
from tests.servers.conftest import ROOT, SERVING, free_port, running
from tests.steps import ROWS, Steps, campaign_of

COMMAND = ROOT / ".venv" / "bin" / "transformers"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (SERVING.exists() and COMMAND.exists()),
        reason="`transformers serve` loads no model without accelerate: `make servers` installs it beside our own",
    ),
]


@dataclass
class Served:
    url: str
    model: str

    def request(self, number: int = 0, **changed: Any) -> ChatRequest:
        return request(number, self.url, **{"model": self.model, "max_output_tokens": 12, **changed})

    async def buy(self, shop: Shop, requests: list[ChatRequest], **spec: Any) -> list[ChatOutcome]:
        fields = {"model": self.model, "endpoint": self.url, "max_output_tokens": 12, "max_concurrency": 4}
        return await buy(
            requests, spec=GenerationSpec(**fields | spec), api_key=None, journal=shop.journal, ledger=shop.ledger,
            run_id="run",
        )  # fmt: skip


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder, port = tmp_path_factory.mktemp("serving"), free_port()
    make_writer(folder / "writer")
    command = [COMMAND, "serve", folder / "writer", "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    env = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(folder / "hub"), "PYTHONPATH": str(SERVING), "OMP_NUM_THREADS": "1"}
    with running(command, f"http://127.0.0.1:{port}/health", folder / "log", env):
        yield Served(f"http://127.0.0.1:{port}/v1", f"openai/{folder / 'writer'}")


async def test_posts_are_bought_counted_and_kept(served: Served, shop: Shop) -> None:
    asked = [served.request(number) for number in range(6)]
    outcomes = await served.buy(shop, asked)
    assert {outcome.status for outcome in outcomes} <= {Status.ok, Status.truncated}
    assert all(outcome.text and outcome.attempts == 1 for outcome in outcomes)
    assert all(outcome.input_tokens > 20 and 0 < outcome.output_tokens <= 12 for outcome in outcomes)  # type: ignore[operator]
    assert [outcome.bought for outcome in await served.buy(shop, asked)] == [False] * 6


async def test_a_seed_repeats_the_reply_and_temperature_0_needs_none(served: Served, shop: Shop) -> None:
    """One after the other: the seed is the whole process's, so calls in flight together disturb each other."""

    async def text(**changed: Any) -> str | None:
        (outcome,) = await served.buy(shop, [served.request(**changed)], max_concurrency=1)
        return outcome.text

    assert await text(seed=1, candidate=0) == await text(seed=1, candidate=1)
    assert await text(temperature=0.0, candidate=0) == await text(temperature=0.0, candidate=1)
    assert len({await text(candidate=candidate) for candidate in range(2, 6)}) > 1


async def test_the_responses_interface_too(served: Served, shop: Shop) -> None:
    asked = [served.request(number, api="responses") for number in range(3)]
    outcomes = await served.buy(shop, asked, api="responses")
    assert {outcome.status for outcome in outcomes} <= {Status.ok, Status.truncated}, outcomes
    assert all(outcome.text and outcome.input_tokens and outcome.output_tokens for outcome in outcomes)


async def test_another_model_than_the_one_it_serves_stops_the_run(served: Served, shop: Shop) -> None:
    asked = [served.request(number, model="openai/another") for number in range(3)]
    with pytest.raises(ProviderStopped, match=r"there is no model 'another' at .*pinned"):
        await served.buy(shop, asked, model="openai/another")
    assert "not_found" in {record["status"] for record in shop.records()}


def test_a_judge_that_talks_nonsense_gives_states_and_no_score(served: Served, tmp_path: Path) -> None:
    """It takes `response_format` and ignores it: the reader is what stands between noise and the tables."""
    chat = {"model": served.model, "endpoint": served.url, "max_output_tokens": 80, "timeout_s": 120}
    campaign = campaign_of(tmp_path, ROWS[:5], generation=chat, judge=chat, budget={"allow_unpriced": True})
    settings = Settings(tmp_path / "home").prepare()
    Steps(settings, campaign).all()
    store = settings.prepare().store()
    posts = store.query("SELECT text, error FROM posts")
    assert len(posts) == 5 and all(bool(post["text"]) != bool(post["error"]) for post in posts)
    written = sum(post["error"] is None for post in posts)
    readings = store.query("SELECT score, error, call_key FROM judgments")
    assert written and len(readings) == 4 * written
    assert all(row["score"] is None and row["error"] and row["call_key"] for row in readings)
    (asked,) = store.query(
        "SELECT count(*) FILTER (stage = 'judge') AS n, count(*) FILTER (stage = 'judge_repair') AS repairs FROM calls"
    )
    assert asked["n"] == written and 1 <= asked["repairs"] <= 2 * written
    abilities = (settings.calls / "abilities.json").read_text()
    assert "answers in a row without JSON" in abilities, "from then on the schema is said in words"
