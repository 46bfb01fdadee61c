"""A deployed run whose batches are not answered: it suspends itself, and once resumed goes on with the same batch."""

from typing import Any

import pytest

from components.store import Store
from tests.fake_provider import FakeProvider
from tests.flows.test_batch import answer
from tests.flows.test_deployment import Server, server

__all__ = ["server"]  # the fixture

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.timeout(900)]


def test_a_deployed_run_suspends_while_its_batches_are_not_answered(server: Server) -> None:
    deployment = server.ask("/deployments/name/pipeline/demo")
    with FakeProvider() as provider:
        provider.batches.hold = True
        chat = {"model": "openai/fake", "endpoint": provider.url, "mode": "batch", "batch_wait_h": 0}
        sections = {"generation": chat, "judge": chat | {"allow_own_model": True}, "budget": {"allow_unpriced": True}}
        campaign = deployment["parameters"]["campaign"] | sections
        run = server.ask(
            f"/deployments/{deployment['id']}/create_flow_run",
            {"parameters": {"campaign": campaign, "limit": 3}, "state": {"type": "SCHEDULED"}},
        )

        def worked() -> dict[str, Any]:
            server.prefect("worker", "start", "--pool", "postwright", "--run-once")
            now: dict[str, Any] = server.ask(f"/flow_runs/{run['id']}")
            return now

        for batches in (1, 2):  # writing, judging
            suspended = worked()
            assert (suspended["state_type"], suspended["state_name"]) == ("PAUSED", "Suspended")
            assert len(provider.batches.jobs) == batches
            answer(provider)
            server.ask(f"/flow_runs/{run['id']}/resume", {})
        assert worked()["state_type"] == "COMPLETED"
        assert [job.total for job in provider.batches.jobs.values()] == [3, 3]
        assert provider.stats["requests"] == 0
    store = Store(server.home / "warehouse.duckdb")
    assert [row["state"] for row in store.query("SELECT state FROM runs ORDER BY started_at")] == [
        "waiting", "waiting", "done",
    ]  # fmt: skip
    assert store.query("SELECT count(*) AS n FROM judged_posts WHERE overall IS NOT NULL") == [{"n": 3}]
