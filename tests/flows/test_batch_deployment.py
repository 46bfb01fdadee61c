"""A deployed run whose batches are not answered: it suspends itself, and once resumed goes on with the same batch."""

from collections.abc import Iterator
from typing import Any

import pytest

from components.warehouse.store import Store
from tests.fake_provider import FakeProvider
from tests.flows.service import Service, wait_until
from tests.flows.test_batch import answer

pytestmark = [pytest.mark.drill, pytest.mark.server, pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    made = Service(tmp_path_factory.mktemp("service") / "home", PREFECT_WORKER_QUERY_SECONDS="1")
    try:
        made.up("--port", "0")
        yield made
    finally:
        made.close()


def test_a_deployed_run_suspends_while_its_batches_are_not_answered(service: Service) -> None:
    with FakeProvider() as provider:
        provider.batches.hold = True
        chat = {"model": "openai/fake", "endpoint": provider.url, "mode": "batch", "batch_wait_h": 0}
        sections = {"generation": chat, "judge": chat | {"allow_own_model": True}, "budget": {"allow_unpriced": True}}
        campaign = service.deployment("pipeline/demo")["parameters"]["campaign"] | sections
        run = service.start("pipeline/demo", campaign=campaign, limit=3)

        def worked(*states: str) -> dict[str, Any]:
            wait_until(lambda: service.run(run)["state_name"] in states, 240, lambda: service.told(run))
            now: dict[str, Any] = service.run(run)
            return now

        for batches in (1, 2):  # writing, judging
            suspended = worked("Suspended", "Failed", "Completed")
            assert (suspended["state_type"], suspended["state_name"]) == ("PAUSED", "Suspended")
            assert len(provider.batches.jobs) == batches
            answer(provider)
            service.ask(f"/flow_runs/{run}/resume", {})
            wait_until(lambda: service.run(run)["state_name"] != "Suspended", 30)
        assert worked("Completed", "Failed", "Suspended")["state_type"] == "COMPLETED"
        assert [job.total for job in provider.batches.jobs.values()] == [3, 3]
        assert provider.stats["requests"] == 0
    store = Store(service.home / "warehouse.duckdb")
    assert [row["state"] for row in store.query("SELECT state FROM runs ORDER BY started_at")] == [
        "waiting", "waiting", "done",
    ]  # fmt: skip
    assert store.query("SELECT count(*) AS n FROM judged_posts WHERE overall IS NOT NULL") == [{"n": 3}]
