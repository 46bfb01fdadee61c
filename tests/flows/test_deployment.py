"""The same job through Prefect's server, its work pool and a worker, as `postwright up` brings them up for a home.

One home for all tests of this file, in order: the last ones stop it, kill it, and let it go on.
"""

import csv
import io
import json
import urllib.error
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console

from components.errors import UserError
from components.warehouse.store import Store
from flows.automations import keep_automations
from flows.service import Asked, Reference, refuse_taken, speaking_to, wanted
from flows.service_status import read_status
from flows.settings import Settings
from flows.show_service import show_status
from flows.work_pool import keep_pool
from tests.fake_provider import FakeProvider
from tests.flows.service import ROOT, Service, wait_until, webhook
from tests.flows.test_secrets import KEY, TEXTS, leaks
from tests.prefect_files import with_database

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.timeout(900)]


DECLARED = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
HANDS = 3


@pytest.fixture(scope="module")
def hook() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    with webhook() as found:
        yield found


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, hook: tuple[str, list[Any]]) -> Iterator[Service]:
    place = tmp_path_factory.mktemp("service")
    quick = {  # a run is late after a second, not two minutes
        "PREFECT_SERVER_SERVICES_LATE_RUNS_AFTER_SECONDS": "1",
        "PREFECT_SERVER_SERVICES_LATE_RUNS_LOOP_SECONDS": "1",
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "TMPDIR": str(place / "tmp"),
    }
    (place / "tmp").mkdir()
    with_database(place / "home" / "service" / "prefect", tmp_path_factory)
    made = Service(place / "home", **quick)
    try:
        done = made.up("--port", "0", "--notify", hook[0])
        assert done["did"] == ["server", "deployments", "worker"] and done["deployments"] == len(DECLARED)
        yield made
    finally:
        made.close()


def test_every_flow_is_deployed(service: Service) -> None:
    found = {deployment["name"]: deployment for deployment in service.ask("/deployments/filter", {})}
    assert set(found) == {deployment["name"] for deployment in DECLARED}
    for declared in DECLARED:
        made, limit = found[declared["name"]], declared["concurrency_limit"]
        assert made["concurrency_options"]["collision_strategy"] == limit["collision_strategy"]
        assert made["global_concurrency_limit"]["limit"] == limit["limit"] == 1
        assert made["description"] and "postwright" in made["tags"]


def test_the_form_of_the_ui_comes_from_the_specs(service: Service) -> None:
    deployment = service.deployment("pipeline/demo")
    schema = deployment["parameter_openapi_schema"]
    window = {"published_from", "published_to", "ingested_from", "ingested_to"}
    assert set(schema["properties"]) == window | {"campaign", "limit", "purse"}
    definitions = schema["definitions"]
    judge = definitions["JudgeSpec"]["properties"]
    assert judge["repeats"]["title"] == "Readings per post"
    assert (judge["repeats"]["minimum"], judge["repeats"]["maximum"]) == (1, 20)
    assert definitions["Campaign"]["properties"]["panel"]["items"] == {"$ref": "#/definitions/JudgeSpec"}
    assert "folder" in definitions["DatasetSpec"]["properties"]["source"]["enum"]
    assert not any(name.endswith("key") for spec in definitions.values() for name in spec["properties"])


def test_how_many_runs_go_at_a_time_can_be_changed_while_all_is_up(service: Service) -> None:
    assert service.up("--limit", "3")["did"] == []
    assert read_status(Settings(service.home)).pool["limit"] == 3
    assert service.up("--limit", "2")["did"] == []


def test_a_bad_parameter_is_refused_before_anything_runs(service: Service) -> None:
    deployment = service.deployment("pipeline/demo")
    campaign = deployment["parameters"]["campaign"] | {"judge": {"repeats": 0}}
    with pytest.raises(urllib.error.HTTPError) as caught:
        service.ask(f"/deployments/{deployment['id']}/create_flow_run", {"parameters": {"campaign": campaign}})
    assert caught.value.code in (409, 422)
    assert b"repeats" in caught.value.read() or b"minimum" in caught.value.read()


def test_up_again_leaves_all_as_it_is_also_what_people_switched_in_the_ui(service: Service) -> None:
    demo = service.deployment("pipeline/demo")
    (morning,) = demo["schedules"]
    assert (morning["slug"], morning["active"]) == ("morning", False)
    service.ask(f"/deployments/{demo['id']}/schedules/{morning['id']}", {"active": True}, "PATCH")
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    own = {"schedule": {"interval": 86400.0 * 7, "anchor_date": tomorrow}, "active": True}
    service.ask(f"/deployments/{demo['id']}/schedules", [own])  # type: ignore[arg-type]
    assert service.up()["did"] == []
    few = yaml.safe_load((ROOT / "prefect.yaml").read_text())
    few["deployments"] = [one for one in few["deployments"] if one["name"] == "demo"]
    file = service.home.parent / "prefect.yaml"
    file.write_text(yaml.safe_dump(few))
    service.words = ("--file", str(file))
    assert service.up()["did"] == ["deployments"]
    kept = service.deployment("pipeline/demo")["schedules"]
    assert {(one["slug"], one["active"]) for one in kept} == {("morning", True), (None, True)}
    assert len(service.ask("/automations/filter", {})) == 3

    demo_runs = {"deployments": {"id": {"any_": [demo["id"]]}}}
    wait_until(lambda: service.ask("/flow_runs/count", demo_runs), 90, service.logs)
    status = read_status(Settings(service.home))
    assert status.state == "up" and status.notifies == "webhook/postwright-notify"
    found = {one["name"]: one for one in status.deployments}
    assert len(found) == len(DECLARED) and found["judge_posts/judge"]["next_run"] is None
    assert found["pipeline/demo"]["next_run"] > datetime.now(UTC)
    shown = io.StringIO()
    show_status(status, Console(file=shown, width=80))
    assert "0 7 * * * Europe/Berlin" in shown.getvalue() and "0 6 * * * Europe/Berlin (off)" in shown.getvalue()
    assert all(len(line) <= 80 for line in shown.getvalue().splitlines() if "http" not in line), shown.getvalue()
    for schedule in kept:
        service.ask(f"/deployments/{demo['id']}/schedules/{schedule['id']}", {"active": False}, "PATCH")


def test_what_cannot_be_is_refused_in_one_line(service: Service) -> None:
    port, settings, file = int(service.url.rpartition(":")[2]), Settings(service.home), ROOT / "prefect.yaml"
    for asked, said in (
        (Asked(file, port=4999), f"it is up with port {port}; postwright down first"),
        (Asked(file, database="postgresql+asyncpg://u:p@h/n"), "it is up with sqlite; postwright down first"),
        (Asked(file, database="mysql://u:p@h/n"), "is no database Prefect knows"),
    ):
        with pytest.raises(UserError, match=said):
            wanted(settings, asked)
    with pytest.raises(UserError, match=f"port {port} is taken by a Prefect server that is not this home's"):
        refuse_taken(port)
    with speaking_to(f"{service.url}/api") as client:
        with pytest.raises(UserError, match="there is no Secret block 'nowhere' yet"):
            keep_pool(client, {"MARKED_KEY": Reference("secret", "nowhere")})
        with pytest.raises(UserError, match="has no variable 'nowhere' yet"):
            keep_pool(client, {"KEEP": Reference("variable", "nowhere")})
        with pytest.raises(UserError, match="'1' is no name of an environment variable"):
            keep_pool(client, {"1": Reference("secret", "marked")})
        with pytest.raises(UserError, match="no such block"):
            keep_automations(client, "slack-webhook/nowhere")
    assert service.process("up", "--port", "4999").stderr.count("\n") == 1


def test_a_worker_does_the_job_with_a_key_that_is_nowhere_to_be_found(service: Service, tmp_path: Path) -> None:
    from prefect.blocks.system import Secret
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with temporary_settings({PREFECT_API_URL: f"{service.url}/api"}):
        Secret(value=KEY).save("marked", _sync=True)
    service.ask("/variables/", {"name": "keep", "value": "values"})
    service.up("--secret", "MARKED_KEY=marked", "--variable", "POSTWRIGHT_KEEP=keep")
    filled = {"MARKED_KEY": "secret marked", "POSTWRIGHT_KEEP": "variable keep"}
    assert read_status(Settings(service.home)).pool["environment"] == filled
    (tmp_path / "texts.csv").write_text("text\n" + "".join(f'"{text}"\n' for text in TEXTS))
    with FakeProvider(key=KEY, latency=5.0) as provider:
        chat = {"model": "openai/fake", "endpoint": provider.url, "api_key_env": "MARKED_KEY"}
        campaign = {
            "name": "marked",
            "dataset": {"source": "csv", "path": str(tmp_path / "texts.csv")},
            "generation": chat,
            "judge": chat | {"allow_own_model": True},
            "budget": {"allow_unpriced": True},
        }
        run = service.start("pipeline/demo", campaign=campaign)
        wait_until(lambda: provider.in_flight, 120, lambda: service.told(run))
        other = service.ended(service.start("pipeline/demo", campaign=campaign))
        assert other["state_type"] == "CANCELLED" and "concurrency limit" in other["state"]["message"].lower()
        assert service.run(run)["state_type"] == "RUNNING"
        provider.latency = 0.0
        ended = service.ended(run)
        assert ended["state_type"] == "COMPLETED", service.told(run)
        assert provider.stats["by_end"] == {"ok": 2 * len(TEXTS)}
    store = Store(service.home / "warehouse.duckdb")
    assert store.query("SELECT state FROM runs") == [{"state": "done"}]
    assert store.query("SELECT count(*) AS n FROM judged_posts WHERE overall IS NOT NULL") == [{"n": len(TEXTS)}]
    (segment, *_) = (service.home / "calls").glob("*.jsonl")
    assert "messages" not in segment.read_text(), "the variable reached the run: it keeps no texts"
    keys = {artifact["key"] for artifact in service.ask("/artifacts/filter", {})}
    assert {"checks", "results"} <= keys
    runs = {one["run_id"]: (one["state"], one["is_lost"]) for one in read_status(Settings(service.home)).runs}
    assert runs == {run: ("Completed", False), other["id"]: ("Cancelled", False)}
    assert leaks(service.home.parent, service.told(run), json.dumps(ended)) == []
    (known,) = store.query("SELECT run_id, flow_run_id, flow_run_url FROM runs")
    assert known["flow_run_id"] == run and known["flow_run_url"] == f"{service.url}/runs/flow-run/{run}"
    assert {"postwright", "campaign:marked", f"run:{known['run_id']}"} <= set(ended["tags"]), "the deployment's stay"
    assert lineage(service) == {"features": "items", "prompts": "features", "posts": "prompts", "judgments": "posts"}


@pytest.mark.drill
def test_a_failed_check_and_a_late_run_are_told_where_somebody_listens(
    service: Service, hook: tuple[str, list[dict[str, Any]]], tmp_path: Path
) -> None:
    leaking = tmp_path / "leaking.csv"
    with leaking.open("w", newline="") as stream:
        csv.writer(stream).writerows([
            ("text", "author", "mood"),
            *((f"Day {n} was a {mood} day #{mood}", f"a{n}", mood) for n in range(60) for mood in ("good", "bad")),
        ])  # fmt: skip
    source = {"source": "table", "path": str(leaking), "columns": {"label.mood": "mood"}}
    spec = {"name": "leaking", "datasets": [source], "tasks": {"mood": {"labels": ["good", "bad"]}}}
    failed = service.start("train_prompt_words/train", spec=spec)
    assert service.ended(failed)["state_name"] == "Failed"

    def heard(run_id: str, state: str) -> list[dict[str, Any]]:
        return [one for one in hook[1] if one["flow_run_id"] == run_id and one["state"] == state]

    wait_until(lambda: heard(failed, "Failed"), 30, lambda: f"{hook[1]}\n{service.logs()}")
    (told,) = heard(failed, "Failed")
    assert "CheckFailed" in told["message"] and "gives its label away" in told["text"]
    assert told["deployment"] == "train" and told["url"].startswith(service.url)
    service.ask("/work_pools/postwright", {"is_paused": True}, "PATCH")
    late = service.start("pipeline/demo")
    wait_until(lambda: heard(late, "Late"), 60, lambda: f"{hook[1]}\n{service.logs()}")
    service.ask(f"/flow_runs/{late}/set_state", {"state": {"type": "CANCELLED"}, "force": True})
    service.ask("/work_pools/postwright", {"is_paused": False}, "PATCH")


@pytest.mark.drill
def test_a_run_that_somebody_asks_for_waits_for_the_one_that_is_at_work(service: Service, tmp_path: Path) -> None:
    (tmp_path / "gulls.csv").write_text("text,published_at\nSix gulls on one mast.,2026-03-01T09:00:00Z\n")
    with FakeProvider(latency=8.0) as provider:
        chat = {"model": "openai/fake", "endpoint": provider.url}
        campaign = {
            "name": "gulls",
            "dataset": {"source": "csv", "path": str(tmp_path / "gulls.csv")},
            "generation": chat,
            "budget": {"allow_unpriced": True},
        }
        window = {"window_from": "2026-03-01T00:00:00Z", "window_to": "2026-03-02T00:00:00Z"}
        first = service.start("backfill/backfill", campaign=campaign, **window)
        wait_until(lambda: provider.in_flight, 120, lambda: service.told(first))
        second = service.start("backfill/backfill", campaign=campaign, **window)
        waits = "AwaitingConcurrencySlot"
        wait_until(lambda: service.run(second)["state_name"] == waits, 60, lambda: service.told(second))
        assert service.run(first)["state_type"] == "RUNNING"
        provider.latency = 0.0
        runs = [service.ended(run) for run in (first, second)]
        assert [run["state_type"] for run in runs] == ["COMPLETED"] * 2
        assert runs[0]["end_time"] <= runs[1]["start_time"] and list(provider.bodies.values()) == [1]


@pytest.mark.drill
def test_what_is_stopped_goes_on_and_so_does_what_is_killed_with_each_call_bought_once_but_those_in_flight(
    service: Service, tmp_path: Path
) -> None:
    """Down and up, then kill -9 of the worker and its run and up, in the midst of one backfill."""
    begin = datetime(2026, 3, 1, tzinfo=UTC)
    rows = [f'"{n} boats left before breakfast.",{(begin + timedelta(hours=12 * n)).isoformat()}' for n in range(16)]
    (tmp_path / "boats.csv").write_text("\n".join(["text,published_at", *rows]) + "\n")
    with FakeProvider(latency=0.1) as provider:
        chat = {"model": "openai/fake", "endpoint": provider.url, "max_concurrency": HANDS}
        campaign = {
            "name": "boats",
            "dataset": {"source": "csv", "path": str(tmp_path / "boats.csv")},
            "generation": chat,
            "budget": {"allow_unpriced": True},
        }
        window = {"window_from": "2026-03-01T00:00:00Z", "window_to": "2026-03-09T00:00:00Z", "by": "week"}
        first = service.start("backfill/backfill", campaign=campaign, **window)
        wait_until(lambda: len(provider.answered) >= 3, 120, lambda: service.told(first))
        provider.latency = 5.0  # so that the command comes in their midst, however busy this machine is
        done = service.postwright("down")
        assert (done["runs_stopped"], done["runs_killed"]) == (1, 0)
        assert (done["worker"], done["server"]) == ("stopped", "stopped")
        assert service.processes() == [] and service.postwright("down")["server"] == "not running"
        (stopped,) = done["goes_on"]
        assert stopped["run_id"] == first and stopped["next_id"]
        assert provider.answered == provider.bodies, "what was in flight has arrived"

        seen, provider.latency = len(provider.answered), 1.0
        assert seen < 16
        again = service.up()
        assert again["did"] == ["server", "worker"] and again["url"] == service.url and again["went_on"] == []
        wait_until(lambda: len(provider.answered) >= seen + 3, 120, lambda: service.told(stopped["next_id"]))
        in_flight = provider.in_flight
        service.kill("worker start", "prefect.engine")
        assert service.run(stopped["next_id"])["state_type"] == "RUNNING", "nobody has told Prefect"
        provider.latency = 0.0
        (last, *_) = service.postwright("status")["runs"]
        assert last["run_id"] == stopped["next_id"] and last["is_lost"]
        third = service.up()
        assert third["did"] == ["worker"]
        (lost,) = third["went_on"]
        assert lost["run_id"] == stopped["next_id"] and service.up()["went_on"] == []
        assert service.run(lost["run_id"])["state_name"] == "Crashed"
        assert service.ended(lost["next_id"])["state_type"] == "COMPLETED", service.told(lost["next_id"])
        twice = Counter(provider.bodies.values())
        assert len(provider.bodies) == 16 and set(twice) <= {1, 2} and twice[2] <= max(in_flight, HANDS)
    rows_kept = Store(service.home / "warehouse.duckdb").query(
        "SELECT count(*) AS n, count(DISTINCT post_id) AS posts FROM posts p JOIN prompts USING (prompt_id) "
        "JOIN items USING (item_id) WHERE dataset = 'boats' AND p.text IS NOT NULL"
    )
    assert rows_kept == [{"n": 16, "posts": 16}]
    open_runs = service.ask("/flow_runs/count", {"flow_runs": {"state": {"type": {"any_": ["RUNNING", "PENDING"]}}}})
    assert open_runs == 0, "runs within the lost ones have ended with them"


def lineage(service: Service) -> dict[str, str]:
    """Table -> the one it was made from, as the server's events say; they arrive a little later."""
    asked = {"event": {"name": ["prefect.asset.materialization.succeeded"]}}
    wait_until(
        lambda: len(service.ask("/events/filter", {"filter": asked, "limit": 50})["events"]) >= 5, 20, service.logs
    )
    events = service.ask("/events/filter", {"filter": asked, "limit": 50})["events"]
    made = {}
    for event in events:
        assert event["payload"]["rows"] >= 3 and event["payload"]["run_id"]
        above = [one["prefect.resource.id"] for one in event["related"] if one["prefect.resource.role"] == "asset"]
        for key in above:
            made[event["resource"]["prefect.resource.id"].rpartition("/")[2]] = key.rpartition("/")[2]
    return made
