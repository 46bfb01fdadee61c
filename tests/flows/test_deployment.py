"""The same job through a Prefect server, a work pool and a worker, as `prefect.yaml` deploys it."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.store import Store

ROOT = Path(__file__).parents[2]
PREFECT = str(Path(sys.executable).with_name("prefect"))

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.timeout(900)]


@dataclass
class Server:
    """A running server with its pool and deployments; `env` is what a user's shell would hold."""

    url: str
    env: dict[str, str]
    home: Path

    def prefect(self, *words: str) -> str:
        done = subprocess.run([PREFECT, *words], env=self.env, cwd=ROOT, capture_output=True, text=True, timeout=400)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as reply:
            return json.load(reply)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    place = tmp_path_factory.mktemp("server")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/api"
    env = {key: value for key, value in os.environ.items() if not key.startswith("PREFECT_")} | {
        "PREFECT_HOME": str(place / "prefect"),
        "PREFECT_API_URL": url,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_CLI_COLORS": "false",
        "POSTWRIGHT_HOME": str(place / "home"),
        "POSTWRIGHT_ROOT": str(ROOT),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    log = (place / "server.log").open("w")
    process = subprocess.Popen(
        [PREFECT, "server", "start", "--host", "127.0.0.1", "--port", str(port)], env=env, stdout=log, stderr=log
    )
    made = Server(url, env, place / "home")
    try:
        deadline = time.monotonic() + 180
        while True:
            try:
                made.ask("/health")
                break
            except OSError:
                assert process.poll() is None and time.monotonic() < deadline, (place / "server.log").read_text()
                time.sleep(0.5)
        made.prefect("work-pool", "create", "postwright", "--type", "process")
        made.prefect("--no-prompt", "deploy", "--all")
        yield made
    finally:
        process.terminate()
        process.wait(30)


def test_every_flow_is_deployed(server: Server) -> None:
    found = {deployment["name"] for deployment in server.ask("/deployments/filter", {})}
    declared = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    assert found == {deployment["name"] for deployment in declared}


def test_the_form_of_the_ui_comes_from_the_specs(server: Server) -> None:
    deployment = server.ask("/deployments/name/pipeline/demo")
    schema = deployment["parameter_openapi_schema"]
    assert set(schema["properties"]) == {"campaign", "published_from", "published_to", "limit", "purse"}
    definitions = schema["definitions"]
    judge = definitions["JudgeSpec"]["properties"]
    assert judge["repeats"]["title"] == "Readings per post"
    assert (judge["repeats"]["minimum"], judge["repeats"]["maximum"]) == (1, 20)
    assert definitions["Campaign"]["properties"]["panel"]["items"] == {"$ref": "#/definitions/JudgeSpec"}
    assert "folder" in definitions["DatasetSpec"]["properties"]["source"]["enum"]
    assert not any(name.endswith("key") for spec in definitions.values() for name in spec["properties"])


def test_a_bad_parameter_is_refused_before_anything_runs(server: Server) -> None:
    deployment = server.ask("/deployments/name/pipeline/demo")
    campaign = deployment["parameters"]["campaign"] | {"judge": {"repeats": 0}}
    with pytest.raises(urllib.error.HTTPError) as caught:
        server.ask(f"/deployments/{deployment['id']}/create_flow_run", {"parameters": {"campaign": campaign}})
    assert caught.value.code in (409, 422)
    assert b"repeats" in caught.value.read() or b"minimum" in caught.value.read()


def test_a_worker_does_the_job(server: Server) -> None:
    deployment = server.ask("/deployments/name/pipeline/demo")
    parameters = deployment["parameters"] | {"limit": 3}
    run = server.ask(
        f"/deployments/{deployment['id']}/create_flow_run", {"parameters": parameters, "state": {"type": "SCHEDULED"}}
    )
    server.prefect("worker", "start", "--pool", "postwright", "--run-once")
    ended = server.ask(f"/flow_runs/{run['id']}")
    logs = server.ask("/logs/filter", {"logs": {"flow_run_id": {"any_": [run["id"]]}}})
    assert ended["state_type"] == "COMPLETED", "\n".join(line["message"] for line in logs)
    store = Store(server.home / "warehouse.duckdb")
    assert store.query("SELECT state FROM runs") == [{"state": "done"}]
    assert store.query("SELECT count(*) AS n FROM judged_posts WHERE overall IS NOT NULL") == [{"n": 3}]
    keys = {artifact["key"] for artifact in server.ask("/artifacts/filter", {})}
    assert {"checks", "results", "pictures", "progress-write-posts"} <= keys
    (known,) = store.query("SELECT run_id, flow_run_id, flow_run_url FROM runs")
    assert known["flow_run_id"] == run["id"] and ended["name"] == "demo, the first 3"
    assert known["flow_run_url"] == f"{server.url.removesuffix('/api')}/runs/flow-run/{run['id']}"
    tags = {"campaign:demo", f"run:{known['run_id']}", "offline"}
    assert {*deployment["tags"], *tags} <= set(ended["tags"]), "those of the deployment stay"
    assert lineage(server) == {"features": "items", "prompts": "features", "posts": "prompts", "judgments": "posts"}


def lineage(server: Server) -> dict[str, str]:
    """Table -> the one it was made from, as the server's events say; they arrive a little later."""
    asked = {"event": {"name": ["prefect.asset.materialization.succeeded"]}}
    for _ in range(40):
        events = server.ask("/events/filter", {"filter": asked, "limit": 50})["events"]
        if len(events) >= 5:
            break
        time.sleep(0.5)
    made = {}
    for event in events:
        assert event["payload"]["rows"] >= 3 and event["payload"]["run_id"]
        above = [one["prefect.resource.id"] for one in event["related"] if one["prefect.resource.role"] == "asset"]
        for key in above:
            made[event["resource"]["prefect.resource.id"].rpartition("/")[2]] = key.rpartition("/")[2]
    return made
