"""What of `postwright up` is up, when each deployment runs next, how the last runs ended."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flows.daemons import living_runs
from flows.own_server import answers
from flows.service import Memory, server_of, speaking_to, worker_of
from flows.settings import Settings

LAST = 10


@dataclass
class Status:
    """`state`: up, down, or broken: a part is missing or does not answer, and `postwright up` mends it."""

    home: str
    state: str = "down"
    server: dict[str, Any] = field(default_factory=dict)
    worker: dict[str, Any] = field(default_factory=dict)
    pool: dict[str, Any] = field(default_factory=dict)
    notifies: str = ""
    deployments: list[dict[str, Any]] = field(default_factory=list)
    runs: list[dict[str, Any]] = field(default_factory=list)


def read_status(settings: Settings) -> Status:
    """Look at the processes, then ask the server; starts and changes nothing."""
    memory, server, worker = Memory.of(settings), server_of(settings).running(), worker_of(settings).running()
    found = Status(str(settings.home))
    does_answer = server is not None and answers(memory.port)
    found.server = {
        "state": "up" if does_answer else "does not answer" if server else "down",
        "url": f"http://127.0.0.1:{memory.port}",
        "pid": server["pid"] if server else None,
        "since": server["since"] if server else None,
        "database": memory.database,
        "log": str(server_of(settings).log),
    }
    found.worker = {
        "state": "up" if worker else "down",
        "name": worker["name"] if worker else None,
        "pid": worker["pid"] if worker else None,
        "since": worker["since"] if worker else None,
        "log": str(worker_of(settings).log),
    }
    found.state = "up" if does_answer and worker else "broken" if server or worker else "down"
    if does_answer:
        assert server is not None
        with speaking_to(server["api_url"]) as client:
            ask(client, settings, found)
    return found


def ask(client: Any, settings: Settings, found: Status) -> None:
    from prefect.exceptions import ObjectNotFound

    from flows.automations import notified
    from flows.deploying import deployments, schedules_of
    from flows.lost_runs import lost_runs
    from flows.work_pool import POOL, described

    try:
        pool = described(client.read_work_pool(POOL))
        found.pool = {
            "name": pool.name, "type": pool.kind, "limit": pool.limit, "paused": pool.is_paused, "status": pool.status,
            "environment": pool.environment,
        }  # fmt: skip
    except ObjectNotFound:
        found.state = "broken"
    beats = [one.last_heartbeat_time for one in client.read_workers_for_work_pool(POOL)] if found.pool else []
    found.worker["last_heartbeat"] = max((beat for beat in beats if beat), default=None)
    found.notifies = notified(client)
    living, flows = set(living_runs(settings.home)), {flow.id: flow.name for flow in client.read_flows(limit=200)}
    next_runs = coming(client)
    there = deployments(client)
    found.deployments = [
        {
            "name": f"{flows.get(one.flow_id, '?')}/{one.name}",
            "paused": one.paused,
            "schedules": schedules_of(one),
            "next_run": next_runs.get(one.id),
        }
        for one in sorted(there, key=lambda one: one.name)
    ]
    names = {one.id: one.name for one in there}
    lost = {run.id for run in lost_runs(client, POOL, living, found.worker["state"] == "up")}
    found.runs = [told(run, names, run.id in lost) for run in last_runs(client)]


def coming(client: Any) -> dict[Any, datetime]:
    """Deployment -> when it runs next."""
    from prefect.client.schemas.filters import (
        FlowRunFilter,
        FlowRunFilterDeploymentId,
        FlowRunFilterState,
        FlowRunFilterStateType,
    )
    from prefect.client.schemas.objects import StateType
    from prefect.client.schemas.sorting import FlowRunSort

    which = FlowRunFilter(
        deployment_id=FlowRunFilterDeploymentId(is_null_=False),
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED])),
    )
    found: dict[Any, datetime] = {}
    for run in client.read_flow_runs(flow_run_filter=which, sort=FlowRunSort.NEXT_SCHEDULED_START_TIME_ASC, limit=200):
        if run.next_scheduled_start_time is not None:
            found.setdefault(run.deployment_id, run.next_scheduled_start_time)
    return found


def last_runs(client: Any) -> list[Any]:
    """Deployed runs that have begun, the latest first."""
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterDeploymentId, FlowRunFilterStartTime
    from prefect.client.schemas.sorting import FlowRunSort

    which = FlowRunFilter(
        deployment_id=FlowRunFilterDeploymentId(is_null_=False), start_time=FlowRunFilterStartTime(is_null_=False)
    )
    found: list[Any] = client.read_flow_runs(flow_run_filter=which, sort=FlowRunSort.START_TIME_DESC, limit=LAST)
    return found


def told(run: Any, names: dict[Any, str], is_lost: bool) -> dict[str, Any]:
    """`is_lost`: Prefect believes it to be under way, and its process is gone."""
    state = run.state
    return {
        "run_id": str(run.id),
        "name": run.name,
        "deployment": names.get(run.deployment_id, ""),
        "state": state.name if state else "unknown",
        "message": (state.message or "") if state else "",
        "started": run.start_time,
        "ended": run.end_time,
        "is_lost": is_lost,
    }
