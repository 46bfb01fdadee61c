"""Flow runs whose process is gone, and how they go on.

Prefect learns how a run ended from its process. After a kill -9 or a power cut nobody tells it, and the run would stay
`Running` for good, in a slot of its deployment's limit and of the pool's. A run of a worker of this home has a process
on this machine, known by the run's id in its environment: no process, no run.

What was lost goes on as a new run of the same deployment with the same parameters. What the old one finished and
bought is in the warehouse and the journal, so the new one does only what is missing. A run that was lost three times
in a row may be what brings the machine down: it is left to a person. Stops by `down` do not count.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterParentFlowRunId,
    FlowRunFilterState,
    FlowRunFilterStateName,
    FlowRunFilterStateType,
    WorkPoolFilter,
    WorkPoolFilterName,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelled, Crashed

LOST = "Lost"
"""The state (of type Crashed) that the automation of lost runs sets; see flows/automations.py."""
TIMES, CAME_FROM = "postwright.lost", "postwright.goes-on-from"
MOST = 3
"""So many losses in a row, and a run does not go on by itself."""
PAGE = 200
UNDER_WAY = [StateType.PENDING, StateType.RUNNING, StateType.CANCELLING]


@dataclass(frozen=True)
class LostRun:
    """`next_id`: the run that goes on from it; without one `why_not` says the reason."""

    run_id: str
    name: str
    deployment_id: str | None
    next_id: str | None = None
    why_not: str = ""


def lost_runs(client: SyncPrefectClient, pool: str, living: Collection[str], is_working: bool) -> list[FlowRun]:
    """The pool's runs that Prefect believes to be under way, or that an automation has given up, without a process.

    `is_working`: a worker is there. Then one that is pending may be about to get its process.
    """
    under_way = [kind for kind in UNDER_WAY if not (is_working and kind == StateType.PENDING)]
    states = FlowRunFilterState(type=FlowRunFilterStateType(any_=under_way))
    given_up = FlowRunFilterState(name=FlowRunFilterStateName(any_=[LOST]))
    found = [run for state in (states, given_up) for run in pages(client, pool, FlowRunFilter(state=state))]
    without = [client.read_flow_run(run.id) for run in found if str(run.id) not in living]
    # Who has ended since the first look had no process at the second.
    return [run for run in without if run.state is not None and (not run.state.is_final() or run.state.name == LOST)]


def go_on(client: SyncPrefectClient, runs: Collection[FlowRun], is_stop: bool = False) -> list[LostRun]:
    """Let what is lost in each of `runs` be done by a new run, and tell Prefect that the old one is over. Repeated, or
    begun again after a kill, it makes no second one. `is_stop`: somebody has stopped them."""
    return [_go_on(client, run, is_stop) for run in runs]


def _go_on(client: SyncPrefectClient, run: FlowRun, is_stop: bool) -> LostRun:
    deployment = None if run.deployment_id is None else str(run.deployment_id)
    times = int(run.labels.get(TIMES, 0)) + (0 if is_stop else 1)
    if run.state is not None and run.state.type == StateType.CANCELLING:
        end(client, run, Cancelled(message="Its process was gone when it was to be cancelled."))
        return LostRun(str(run.id), run.name, deployment, why_not="it was to be cancelled")
    why_not, made = "", None
    if times >= MOST:
        why_not = "it was lost three times in a row; look at its log, then start it by hand"
    elif run.deployment_id is None:
        why_not = "its deployment is gone"
    else:
        try:
            made = client.create_flow_run_from_deployment(
                run.deployment_id,
                parameters=run.parameters,
                name=run.name,
                tags=run.tags,
                job_variables=run.job_variables,
                idempotency_key=f"goes-on-from-{run.id}",
                labels={TIMES: times, CAME_FROM: str(run.id)},
            )
        except ObjectNotFound:
            why_not = "its deployment is gone"
    after = f"goes on as run {made.id}" if made else f"does not go on by itself: {why_not}"
    why = "It was stopped" if is_stop else "Its process was gone, without a word"
    end(client, run, Crashed(message=f"{why}; {after}."))
    return LostRun(str(run.id), run.name, deployment, str(made.id) if made else None, why_not)


def end(client: SyncPrefectClient, run: FlowRun, state: Any) -> None:
    """Set the state of the run, and of the runs within it."""
    for inner in children(client, run.id):
        if inner.state is not None and not inner.state.is_final():
            end(client, inner, state)
    client.set_flow_run_state(run.id, state, force=True)


def children(client: SyncPrefectClient, run_id: UUID) -> Iterator[FlowRun]:
    yield from pages(client, None, FlowRunFilter(parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=[run_id])))


def pages(client: SyncPrefectClient, pool: str | None, which: FlowRunFilter) -> list[FlowRun]:
    """All runs that match, of the pool or of any, however many."""
    found: list[FlowRun] = []
    where = None if pool is None else WorkPoolFilter(name=WorkPoolFilterName(any_=[pool]))
    while True:
        page = client.read_flow_runs(flow_run_filter=which, work_pool_filter=where, limit=PAGE, offset=len(found))
        found += page
        if len(page) < PAGE:
            return found
