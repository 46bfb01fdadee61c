"""The work pool of a home: runs are processes on this machine, with secrets out of Prefect's blocks where it is asked.

A secret is named here, `{{ prefect.blocks.secret.NAME }}`, as the default of an environment variable in the pool's base
job template. The worker resolves it for each run, into the environment of that run's process and nowhere else. It must
not be named in prefect.yaml: `prefect deploy` resolves blocks there and then, and would write the secret into the
deployment for everybody to read.
"""

import copy
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.exceptions import ObjectNotFound
from prefect.workers.process import ProcessWorker

from components.errors import UserError

POOL = "postwright"
REFERENCE = re.compile(r"\{\{\s*prefect\.blocks\.secret\.([\w-]+)\s*\}\}")
COMMAND = f"{sys.executable} -m prefect.engine"
"""Prefect's own way without it writes the run's whole environment, secrets too, into a file beside it."""


@dataclass(frozen=True)
class Pool:
    """`secrets`: environment variable -> name of the Secret block that fills it."""

    name: str
    kind: str
    is_paused: bool
    status: str
    secrets: dict[str, str]


def keep_pool(client: SyncPrefectClient, secrets: Mapping[str, str]) -> Pool:
    """Create the pool, or change of it what differs: the command, and the variables named in `secrets` (an empty block
    takes one away). Whatever else somebody set in the UI stays."""
    for variable, block in secrets.items():
        check_secret(client, variable, block)
    try:
        there = client.read_work_pool(POOL)
    except ObjectNotFound:
        template = with_variables(ProcessWorker.get_default_base_job_template(), secrets)
        made = WorkPoolCreate(name=POOL, type="process", base_job_template=template)
        return described(client.create_work_pool(made))
    if there.type != "process":
        raise UserError(
            f"the work pool {POOL!r} of this home is of type {there.type!r}, and `up` starts processes; "
            "docs/deploying.md says how other pools are served, under another name"
        )
    template = with_variables(there.base_job_template, secrets)
    if template != there.base_job_template:
        client.update_work_pool(POOL, WorkPoolUpdate(base_job_template=template))
        there = client.read_work_pool(POOL)
    return described(there)


def check_secret(client: SyncPrefectClient, variable: str, block: str) -> None:
    """Raises UserError for a name that is none, or a block that is not there: else the run would find out."""
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", variable):
        raise UserError(f"--secret {variable}={block}: {variable!r} is no name of an environment variable")
    if not block:
        return
    try:
        client.read_block_document_by_name(name=block, block_type_slug="secret", include_secrets=False)
    except ObjectNotFound:
        raise UserError(
            f"--secret {variable}={block}: there is no Secret block {block!r} yet; make it in the UI (Blocks, +, "
            "Secret), then run this again"
        ) from None


def with_variables(template: Mapping[str, Any], secrets: Mapping[str, str]) -> dict[str, Any]:
    changed: dict[str, Any] = copy.deepcopy(dict(template))
    properties = changed["variables"]["properties"]
    properties["command"]["default"] = COMMAND
    env = dict(properties["env"].get("default") or {})
    for variable, block in secrets.items():
        if block:
            env[variable] = f"{{{{ prefect.blocks.secret.{block} }}}}"
        else:
            env.pop(variable, None)
    properties["env"]["default"] = env
    return changed


def described(pool: Any) -> Pool:
    env = pool.base_job_template["variables"]["properties"]["env"].get("default") or {}
    found = {name: REFERENCE.fullmatch(str(value)) for name, value in env.items()}
    secrets = {name: match.group(1) for name, match in found.items() if match}
    status = "unknown" if pool.status is None else pool.status.value.lower().replace("_", " ")
    return Pool(pool.name, pool.type, pool.is_paused, status, secrets)
