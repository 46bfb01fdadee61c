"""prefect.yaml onto a server: what `prefect deploy --all` does, when something has changed.

Deploying replaces all schedules of a deployment. Those that somebody switched on or off in the UI, or added there, are
looked at before and put back after.
"""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.responses import DeploymentResponse

from components.errors import UserError
from flows.prefect_file import ROOT

PAGE = 200


def deploy(client: SyncPrefectClient, file: Path, environment: Mapping[str, str]) -> None:
    """Deploy all of `file`, from the checkout's root; raises UserError with Prefect's own words."""
    before = {deployment.id: deployment for deployment in deployments(client)}
    done = subprocess.run(
        [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(file)],
        env=dict(environment), cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        said = [line.strip(" │╭╰─╮╯") for line in (done.stdout + done.stderr).splitlines()]
        raise UserError(f"{file} could not be deployed: {' '.join([line for line in said if line][-3:])}")
    for deployment in deployments(client):
        if deployment.id in before:
            put_back(client, deployment.id, before[deployment.id], deployment)


def deployments(client: SyncPrefectClient) -> list[DeploymentResponse]:
    found: list[DeploymentResponse] = []
    while True:
        page = client.read_deployments(limit=PAGE, offset=len(found))
        found += page
        if len(page) < PAGE:
            return found


def put_back(client: SyncPrefectClient, which: UUID, before: DeploymentResponse, after: DeploymentResponse) -> None:
    """The schedules as people left them: switches by slug, and those that prefect.yaml does not know."""
    now = {schedule.slug: schedule for schedule in after.schedules if schedule.slug}
    for schedule in before.schedules:
        same = now.get(schedule.slug) if schedule.slug else None
        if same is not None and same.active != schedule.active:
            client.update_deployment_schedule(which, same.id, active=schedule.active)
        elif same is None and schedule.schedule not in [kept.schedule for kept in after.schedules]:
            client.create_deployment_schedules(which, [(schedule.schedule, bool(schedule.active))])


def schedules_of(deployment: DeploymentResponse) -> list[dict[str, Any]]:
    """Of each schedule when it runs, in words, its time zone, and whether it is on."""
    return [
        {"when": when(found.schedule), "timezone": getattr(found.schedule, "timezone", None), "active": found.active}
        for found in deployment.schedules
    ]


def when(schedule: Any) -> str:
    for name in ("cron", "rrule"):
        if getattr(schedule, name, None):
            return str(getattr(schedule, name))
    return f"every {schedule.interval}"
