"""How `down` and `up` leave the pool and its runs, at a real server, without a worker."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolUpdate
from prefect.states import Crashed, Running

from components.errors import UserError
from flows.daemons import RUN_ID
from flows.lost_runs import LOST, MOST, go_on
from flows.prefect_file import ROOT, fingerprint
from flows.service import Asked, Down, Memory, Up, prepare_server, stop_working
from flows.settings import Settings, server_environment
from flows.work_pool import POOL, described_owner, keep_pool


def silent(*_: str) -> None:
    pass


@flow
def nothing() -> None:
    pass


@pytest.fixture
def client(home: Settings) -> Iterator[Any]:
    """Of a server that has the pool, and nothing in it."""
    with get_client(sync_client=True) as made:
        keep_pool(made, {})
        yield made
        made.delete_work_pool(POOL)


def test_a_down_that_is_repeated_after_an_interruption_lets_the_pool_go_again(home: Settings, client: Any) -> None:
    nobody = home.service / "prefect.yaml"
    home.service.mkdir()
    nobody.write_text(yaml.safe_dump({"deployments": []}))
    Memory(deployed=fingerprint(nobody)).keep(home)

    def is_paused() -> bool:
        return bool(client.read_work_pool(POOL).is_paused)

    def up() -> None:
        prepare_server(client, home, Memory.of(home), Asked(nobody), {}, Up("", str(home.home)), silent)

    def interrupted_down() -> None:
        def ctrl_c(*_: str) -> None:
            raise KeyboardInterrupt

        sleeps = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]
        env = {**os.environ, RUN_ID: "0f0f", "POSTWRIGHT_HOME": str(home.home)}
        with subprocess.Popen(sleeps, env=env, stdout=subprocess.PIPE) as run:
            assert run.stdout is not None and run.stdout.readline()
            with pytest.raises(KeyboardInterrupt):  # at its word that runs are asked to stop
                stop_working(client, home, Memory.of(home), Down(), ctrl_c)
            run.kill()
            psutil.wait_procs([psutil.Process(run.pid)], timeout=10)

    def down() -> None:
        stop_working(client, home, Memory.of(home), Down(), silent)

    for again in (down, up):
        interrupted_down()
        assert is_paused() and Memory.of(home).is_pool_held
        interrupted_down()
        again()
        assert not is_paused() and not Memory.of(home).is_pool_held
    client.update_work_pool(POOL, WorkPoolUpdate(is_paused=True))
    for again in (down, up):
        again()
        assert is_paused(), "whom somebody has paused stays so"


def test_a_killed_run_that_an_automation_has_given_up_is_taken_up_by_up(home: Settings, client: Any) -> None:
    """The automation (flows/automations.py) waits ten minutes; here its change of state comes at once."""
    nobody = home.home / "prefect.yaml"
    nobody.write_text(yaml.safe_dump({"deployments": []}))
    Memory(deployed=fingerprint(nobody)).keep(home)
    deployment = client.create_deployment(client.create_flow(nothing), "given-up", work_pool_name=POOL)
    run = client.create_flow_run_from_deployment(deployment)
    client.set_flow_run_state(run.id, Running(), force=True)

    def up() -> list[Any]:
        done = Up("", str(home.home))
        prepare_server(client, home, Memory.of(home), Asked(nobody), {}, done, silent)
        return done.went_on

    sleeps = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]
    env = {**os.environ, RUN_ID: str(run.id), "POSTWRIGHT_HOME": str(home.home)}
    with subprocess.Popen(sleeps, env=env, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline()
        client.set_flow_run_state(run.id, Crashed(name=LOST, message="Its process has been silent for 10 minutes"))
        assert up() == [], "it was silent, and is alive"
        process.kill()
        psutil.wait_procs([psutil.Process(process.pid)], timeout=10)
    (lost,) = up()
    assert lost.run_id == str(run.id) and client.read_flow_run(lost.next_id).state.is_scheduled()
    assert client.read_flow_run(run.id).state.name == "Crashed" and up() == []


def test_a_run_that_is_stopped_every_night_goes_on_and_one_that_is_lost_again_and_again_does_not(client: Any) -> None:
    flow_id = client.create_flow(nothing)
    deployment = client.create_deployment(flow_id, "nightly", work_pool_name=POOL)
    run = client.create_flow_run_from_deployment(deployment)

    def after(is_stop: bool) -> Any:
        nonlocal run
        client.set_flow_run_state(run.id, Running(), force=True)
        (told,) = go_on(client, [client.read_flow_run(run.id)], is_stop=is_stop)
        message = client.read_flow_run(run.id).state.message
        assert message.startswith("It was stopped" if is_stop else "Its process was gone")
        if told.next_id:
            run = client.read_flow_run(told.next_id)
        return told

    for _ in range(MOST + 2):
        assert after(is_stop=True).next_id
    for _ in range(MOST - 1):
        assert after(is_stop=False).next_id
        assert after(is_stop=True).next_id
    last = after(is_stop=False)
    assert last.next_id is None and last.why_not.startswith("it was lost three times in a row")


def test_a_database_serves_one_home(home: Settings, client: Any) -> None:
    """`keep_pool` with an owner, as `up` calls it where the database is no file of the home."""
    memory, nobody = Memory(database="postgresql+asyncpg://h/n"), home.home / "prefect.yaml"
    nobody.write_text(yaml.safe_dump({"deployments": []}))
    memory.deployed = fingerprint(nobody)
    for again in (memory, Memory(**vars(memory))):
        prepare_server(client, home, again, Asked(nobody), {}, Up("", str(home.home)), silent)
        assert str(home.home) in client.read_work_pool(POOL).description
    moved = described_owner(Path("/moved"), memory.mark)
    assert keep_pool(client, {}, moved).name == POOL and client.read_work_pool(POOL).description == moved
    other = described_owner(home.home, Memory().mark)
    with pytest.raises(UserError, match=r"serves another home already \(runs of the home /moved on .*its own"):
        keep_pool(client, {}, other)
    client.update_work_pool(POOL, WorkPoolUpdate(description=""))
    keep_pool(client, {}, other)
    assert client.read_work_pool(POOL).description == other


def test_the_pool_takes_so_many_runs_at_a_time(home: Settings, client: Any) -> None:
    """Said once it holds, and so does what somebody has set in the UI."""
    assert keep_pool(client, {}).limit == 2
    assert keep_pool(client, {}, limit=4).limit == keep_pool(client, {}).limit == 4
    client.update_work_pool(POOL, WorkPoolUpdate(concurrency_limit=0))
    assert keep_pool(client, {}).limit == 0
    client.update_work_pool(POOL, WorkPoolUpdate(concurrency_limit=None))
    assert keep_pool(client, {}).limit == 2


def test_a_home_of_before_the_pool_had_the_limit_is_understood(home: Settings) -> None:
    home.service.mkdir(parents=True)
    (home.service / "service.json").write_text('{"port": 4300, "limit": 4}')
    assert Memory.of(home).port == 4300
    (home.service / "service.json").write_text("[]")
    with pytest.raises(UserError, match="cannot be read; remove it"):
        Memory.of(home)


def test_prefects_database_keeps_what_the_documents_say(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    from prefect.settings.models.server.events import ServerEventsSettings
    from prefect.settings.models.server.services import ServerServicesDBVacuumSettings

    name = "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED"
    monkeypatch.setenv(name, server_environment(home, "", ROOT, None)[name])
    vacuum = ServerServicesDBVacuumSettings()
    assert {"events", "flow_runs"} <= vacuum.enabled_vacuum_types
    assert (vacuum.retention_period.days, ServerEventsSettings().retention_period.days) == (90, 7)
    monkeypatch.setenv(name, "events")
    assert server_environment(home, "http://127.0.0.1:4200/api", ROOT, None)[name] == "events", (
        "the user's own goes first"
    )
