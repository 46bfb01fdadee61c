"""The work pool of a home: runs are processes on this machine, with secrets out of Prefect's blocks where it is asked.

A secret is named here, `{{ prefect.blocks.secret.NAME }}`, as the default of an environment variable in the pool's base
job template, and so is a variable of Prefect's, `{{ prefect.variables.NAME }}`. The worker resolves them for each run,
into the environment of that run's process and nowhere else. A secret must not be named in prefect.yaml: `prefect
deploy` resolves blocks there and then, and would write the secret into the deployment for everybody to read.
"""

import copy
import platform
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.exceptions import ObjectNotFound
from prefect.workers.process import ProcessWorker

from components.errors import UserError
from flows.service import Reference

POOL, LIMIT = "postwright", 2
KINDS = {"secret": "prefect.blocks.secret", "variable": "prefect.variables"}
OWNER = re.compile(r"Runs of the home .* \((\w+)\)")
"""A pool's description, where its database may be found by other homes: whose it is."""
REFERENCE = re.compile(r"\{\{\s*(prefect\.blocks\.secret|prefect\.variables)\.([\w-]+)\s*\}\}")
COMMAND = f"{sys.executable} -m prefect.engine"
"""Prefect's own way without it writes the run's whole environment, secrets too, into a file beside it."""


@dataclass(frozen=True)
class Pool:
    """`limit`: runs at a time, None: any number; `environment`: environment variable -> `secret NAME` or `variable
    NAME`, which fills it."""

    name: str
    kind: str
    limit: int | None
    is_paused: bool
    status: str
    environment: dict[str, str]


def described_owner(home: Path, mark: str) -> str:
    """`mark` is the home's own: its path may change, and so does the name of a container's host."""
    return f"Runs of the home {home} on {platform.node()} ({mark})"


def keep_pool(
    client: SyncPrefectClient,
    references: Mapping[str, Reference],
    owner: str | None = None,
    limit: int | None = None,
) -> Pool:
    """Create the pool, or change of it what differs: the command, the environment variables of `references`, its
    description, which says whose it is, and how many runs it takes at a time: `limit`, by default LIMIT where it has
    none. Whatever else somebody set in the UI stays. Raises UserError where it is another home's than `owner`."""
    for variable, reference in references.items():
        check_reference(client, variable, reference)
    try:
        there = client.read_work_pool(POOL)
    except ObjectNotFound:
        template = with_references(ProcessWorker.get_default_base_job_template(), references)
        made = WorkPoolCreate(
            name=POOL, type="process", base_job_template=template, description=owner,
            concurrency_limit=LIMIT if limit is None else limit,
        )  # fmt: skip
        return described(client.create_work_pool(made))
    if there.type != "process":
        raise UserError(
            f"the work pool {POOL!r} of this home is of type {there.type!r}, and `up` starts processes; "
            "docs/deploying.md says how other pools are served, under another name"
        )
    if owner is not None:
        refuse_other(there.description or "", owner)
    template, description = with_references(there.base_job_template, references), owner or there.description
    if limit is None:
        limit = LIMIT if there.concurrency_limit is None else there.concurrency_limit
    if (template, description, limit) != (there.base_job_template, there.description, there.concurrency_limit):
        change = WorkPoolUpdate(base_job_template=template, description=description, concurrency_limit=limit)
        client.update_work_pool(POOL, change)
        there = client.read_work_pool(POOL)
    return described(there)


def refuse_other(description: str, owner: str) -> None:
    """Raises UserError for another home's pool: this home would take its living runs, whose processes are not here, for
    lost ones, and start them again."""
    theirs, ours = OWNER.fullmatch(description), OWNER.fullmatch(owner)
    if theirs and ours and theirs.group(1) != ours.group(1):
        raise UserError(
            f"this database serves another home already ({description[0].lower()}{description[1:]}), and one database "
            f"is for one home: give this one its own (createdb, then --database); if that home is gone, clear the "
            f"description of the work pool {POOL!r} in the UI, then: postwright up"
        )


def check_reference(client: SyncPrefectClient, variable: str, reference: Reference) -> None:
    """Raises UserError for a name that is none, or a block or variable that is not there: else a run would find out."""
    asked = f"--{reference.kind} {variable}={reference.name}"
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", variable):
        raise UserError(f"{asked}: {variable!r} is no name of an environment variable")
    if not reference.name:
        return
    if reference.kind == "variable":
        if client.read_variable_by_name(reference.name) is None:
            raise UserError(f"{asked}: Prefect has no variable {reference.name!r} yet; make it in the UI (Variables)")
        return
    try:
        client.read_block_document_by_name(name=reference.name, block_type_slug="secret", include_secrets=False)
    except ObjectNotFound:
        raise UserError(
            f"{asked}: there is no Secret block {reference.name!r} yet; make it in the UI (Blocks, +, Secret), then "
            "run this again"
        ) from None


def with_references(template: Mapping[str, Any], references: Mapping[str, Reference]) -> dict[str, Any]:
    changed: dict[str, Any] = copy.deepcopy(dict(template))
    properties = changed["variables"]["properties"]
    properties["command"]["default"] = COMMAND
    env = dict(properties["env"].get("default") or {})
    for variable, reference in references.items():
        if reference.name:
            env[variable] = f"{{{{ {KINDS[reference.kind]}.{reference.name} }}}}"
        else:
            env.pop(variable, None)
    properties["env"]["default"] = env
    return changed


def described(pool: Any) -> Pool:
    env = pool.base_job_template["variables"]["properties"]["env"].get("default") or {}
    found = {name: REFERENCE.fullmatch(str(value)) for name, value in env.items()}
    kinds = {path: kind for kind, path in KINDS.items()}
    filled = {name: f"{kinds[match.group(1)]} {match.group(2)}" for name, match in found.items() if match}
    status = "unknown" if pool.status is None else pool.status.value.lower().replace("_", " ")
    return Pool(pool.name, pool.type, pool.concurrency_limit, pool.is_paused, status, filled)
