"""The LiteLLM proxy, for real: virtual keys with limits of their own, and what its error bodies come to.

The proxy passes everything on to the fake provider, so that what was really sent is counted behind it. Its window is
set to 4 s instead of 60 s; a key for 40 requests a window is a limit of 600 per minute.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from components.chat import ChatOutcome, ChatRequest, Retry, Status, buy
from components.errors import ProviderStopped
from components.specs import GenerationSpec
from flows.settings import Settings
from tests.chat.conftest import Shop, request
from tests.fake_provider import FakeProvider
from tests.servers.conftest import LITELLM, free_port, running
from tests.steps import Steps, campaign_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not LITELLM.exists(), reason="no LiteLLM proxy: `make servers` installs it"),
]

WINDOW_S = 4
KEYS: dict[str, dict[str, int]] = {
    "sk-open": {},
    "sk-40-requests": {"rpm_limit": 40},
    "sk-40-more-requests": {"rpm_limit": 40},
    "sk-2000-tokens": {"tpm_limit": 2000},
}
"""What a proxy with a database looks up; this one has none and is given a function of its own to ask."""
ASK = """\
import json, os
from litellm.proxy._types import ProxyException, UserAPIKeyAuth

KEYS = json.loads(os.environ["KEYS"])


async def who(request, api_key):
    if api_key not in KEYS:
        said = "Authentication Error, Invalid proxy server token passed"
        raise ProxyException(message=said, type="token_not_found_in_db", param="key", code=401)
    return UserAPIKeyAuth(api_key=api_key, **KEYS[api_key])
"""
CONFIG = """\
model_list:
  - model_name: fake
    litellm_params: {{model: openai/fake, api_base: "{upstream}", api_key: sk-upstream, max_retries: 0}}
general_settings: {{master_key: sk-of-the-proxy-0123456789abcdef0123, custom_auth: keys.who}}
router_settings: {{num_retries: 0, disable_cooldowns: true}}
litellm_settings: {{num_retries: 0}}
"""
PATIENT = Retry(base_s=0.05, cap_s=0.2)


@dataclass
class Proxy:
    url: str
    upstream: FakeProvider

    async def buy(
        self,
        shop: Shop,
        requests: int | list[ChatRequest],
        key: str | None = "sk-open",
        retry: Retry = PATIENT,
        **spec: Any,
    ) -> list[ChatOutcome]:
        if isinstance(requests, int):
            requests = [
                request(number, self.url, model="openai/fake", max_output_tokens=50) for number in range(requests)
            ]
        fields = {"model": "openai/fake", "endpoint": self.url, "timeout_s": 20.0, "max_output_tokens": 50}
        return await buy(
            requests, spec=GenerationSpec(**fields | spec), api_key=key, journal=shop.journal, ledger=shop.ledger,
            run_id="run", retry=retry,
        )  # fmt: skip


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    folder, port = tmp_path_factory.mktemp("litellm"), free_port()
    with FakeProvider(key="sk-upstream") as upstream:
        (folder / "keys.py").write_text(ASK)
        (folder / "config.yaml").write_text(CONFIG.format(upstream=upstream.url))
        command = [
            LITELLM,
            "--config",
            "config.yaml",
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
            "--telemetry",
            "False",
        ]
        env = {
            "KEYS": json.dumps(KEYS),
            "LITELLM_RATE_LIMIT_WINDOW_SIZE": str(WINDOW_S),
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # it would look for prices on the net first
        }
        here = f"http://127.0.0.1:{port}"
        with running(command, f"{here}/health/liveliness", folder / "log", env):
            yield Proxy(f"{here}/v1", upstream)


@pytest.mark.parametrize(("key", "said"), [(None, "wants a key"), ("sk-unknown", "refuses the key in OPENAI_API_KEY")])
async def test_without_its_key_the_run_stops_before_anything_is_passed_on(
    proxy: Proxy, shop: Shop, key: str | None, said: str
) -> None:
    before = proxy.upstream.stats["requests"]
    with pytest.raises(ProviderStopped, match=said):
        await proxy.buy(shop, 5, key)
    assert proxy.upstream.stats["requests"] == before
    assert {record["status"] for record in shop.records()} == {"authentication"}


async def test_told_its_limit_the_engine_stays_inside_it(proxy: Proxy, shop: Shop) -> None:
    before = proxy.upstream.stats["requests"]
    outcomes = await proxy.buy(shop, 80, "sk-40-requests", rpm=570)
    assert {outcome.status for outcome in outcomes} == {Status.ok}
    assert proxy.upstream.stats["requests"] - before == 80
    assert sum(outcome.attempts for outcome in outcomes) <= 81, "it was refused once at most: where two windows met"


@pytest.mark.parametrize("key", ["sk-40-more-requests", "sk-2000-tokens"])
async def test_not_told_it_waits_and_loses_no_row(proxy: Proxy, shop: Shop, key: str) -> None:
    before = proxy.upstream.stats["requests"]
    outcomes = await proxy.buy(shop, 100, key, max_concurrency=16)
    assert {outcome.status for outcome in outcomes} == {Status.ok} and len(outcomes) == 100
    assert proxy.upstream.stats["requests"] - before == 100, (
        "a refused call was not passed on, an answered one not repeated"
    )
    assert sum(outcome.attempts for outcome in outcomes) > 100, "it did refuse some"
    assert len(shop.records()) == 100
    assert all(outcome.bought is False for outcome in await proxy.buy(shop, 100, key))


ENDS = {
    "500": Status.server_error, "502": Status.server_error, "503": Status.server_error, "504": Status.server_error,
    "429": Status.rate_limited, "408": Status.timeout, "400": Status.bad_request, "filter_400": Status.content_filter,
    "content_filter": Status.content_filter, "refusal": Status.refusal, "length": Status.truncated,
    "empty": Status.invalid_reply, "null": Status.invalid_reply, "reset": Status.server_error,
    "parts": Status.server_error, "quota": Status.rate_limited, "no_usage": Status.ok, "ok": Status.ok,
}  # fmt: skip
"""What stands behind the proxy does this -> what the call comes to. The proxy refuses text in parts itself, and drops
the code that tells a lack of credit from a limit: such a call is waited for, and asked again by the next run."""


@pytest.mark.parametrize("fault", ENDS)
async def test_what_went_wrong_behind_it_ends_in_the_documented_state(proxy: Proxy, shop: Shop, fault: str) -> None:
    proxy.upstream.faults.extend([fault])
    if ENDS[fault] is Status.rate_limited:
        with pytest.raises(ProviderStopped, match="has refused every call"):
            await proxy.buy(shop, 1, retry=Retry(refused_s=0.0), max_attempts=1)
        proxy.upstream.faults.clear()
        assert [record["status"] for record in shop.records()] == ["rate_limited"]
        return
    (outcome,) = await proxy.buy(shop, 1, max_attempts=1)
    proxy.upstream.faults.clear()
    assert (outcome.status, bool(outcome.text)) == (ENDS[fault], ENDS[fault] in (Status.ok, Status.truncated)), outcome


@pytest.mark.parametrize(("fault", "said"), [("401", "refuses the key"), ("404", "there is no model")])
async def test_what_no_further_call_would_survive_stops_the_run(
    proxy: Proxy, shop: Shop, fault: str, said: str
) -> None:
    proxy.upstream.faults.extend([fault])
    with pytest.raises(ProviderStopped, match=said):
        await proxy.buy(shop, 3, max_concurrency=1, max_attempts=1)
    proxy.upstream.faults.clear()


async def test_it_passes_the_responses_interface_on(proxy: Proxy, shop: Shop) -> None:
    asked = [request(number, proxy.url, model="openai/fake", api="responses") for number in range(3)]
    outcomes = await proxy.buy(shop, asked, api="responses")
    assert {outcome.status for outcome in outcomes} == {Status.ok}, outcomes
    assert all(outcome.text and outcome.input_tokens for outcome in outcomes)


async def test_a_model_it_does_not_route_stops_the_run(proxy: Proxy, shop: Shop) -> None:
    asked = [request(0, proxy.url, model="openai/unheard-of")]
    with pytest.raises(ProviderStopped, match="there is no model 'unheard-of'"):
        await proxy.buy(shop, asked, model="openai/unheard-of")


def test_a_campaign_is_written_and_judged_through_it(
    proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LITELLM_KEY", "sk-open")
    chat = {"model": "openai/fake", "endpoint": proxy.url, "api_key_env": "LITELLM_KEY"}
    campaign = campaign_of(tmp_path, generation=chat, judge=chat, budget={"allow_unpriced": True})
    settings = Settings(tmp_path / "home").prepare()
    Steps(settings, campaign).all()
    rows = settings.store().query("SELECT count(*) AS n, count(score) AS scored FROM judgments")
    assert rows == [{"n": 24, "scored": 24}], "the schema went through, and the scores came back"
