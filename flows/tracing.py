"""The run in Prefect's words: names, tags and progress by which people find it in the UI, and where its page is."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.client.orchestration import get_client
from prefect.context import FlowRunContext
from prefect.runtime import flow_run
from prefect.settings import PREFECT_API_URL
from prefect.utilities.urls import url_for

from components.records import Run
from components.specs import Campaign
from flows.meter import Step
from flows.own_server import is_own


def name_of_run() -> str:
    """`mine 2026-03-02 to 2026-03-09, the first 20`; for Prefect, which asks within the run."""
    given: Mapping[str, Any] = flow_run.parameters
    campaign = given["campaign"]
    name = campaign.name if isinstance(campaign, Campaign) else str(campaign["name"])
    window = window_of(given.get("published_from"), given.get("published_to"))
    if read_in := window_of(given.get("ingested_from"), given.get("ingested_to")):
        window = f"read in {read_in}"
    limit = given.get("limit")
    return name + (f" {window}" if window else "") + (f", the first {limit}" if limit else "")


def window_of(start: datetime | str | None, end: datetime | str | None) -> str:
    """In days where it begins and ends with one; nothing for all times."""
    first, last = _moment(start), _moment(end)
    return f"{first} to {last}" if first and last else f"from {first}" if first else f"until {last}" if last else ""


def _moment(time: datetime | str | None) -> str:
    text = "" if time is None else time if isinstance(time, str) else time.isoformat(sep=" ", timespec="minutes")
    return text.partition("+")[0].replace("T", " ").removesuffix("Z").removesuffix(" 00:00").removesuffix(" 00:00:00")


def tags_of(run: Run, campaign: Campaign) -> list[str]:
    """By what runs are looked for in the UI."""
    window = window_of(run.window_from, run.window_to)
    models = (campaign.generation.model, campaign.judge.model)
    return [
        f"campaign:{run.campaign}",
        f"dataset:{run.dataset}",
        *([f"window:{window}"] if window else []),
        *(["offline"] if any(model.startswith("offline/") for model in models) else []),
        f"run:{run.run_id}",
    ]


def tag_flow_run(run: Run, campaign: Campaign) -> None:
    """Add the run's tags to those that the flow run has, as of its deployment."""
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        return
    tags = sorted({*context.flow_run.tags, *tags_of(run, campaign)})
    get_client(sync_client=True).update_flow_run(context.flow_run.id, tags=tags)


def flow_run_now() -> tuple[str | None, str | None]:
    """The id of the flow run that goes on here, and its page where the server shows pages: a command's own has none."""
    found = flow_run.id
    if not found:
        return None, None
    return str(found), None if is_own(PREFECT_API_URL.value()) else url_for("flow-run", obj_id=found)


class Progress:
    """An artifact per step that has something to do; made when it is first seen, updated while it moves."""

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        self._shown: dict[int, tuple[Any, int]] = {}

    def show(self, steps: Sequence[Step]) -> None:
        for step in steps:
            said = f"{step.label} of run {self.run_id}: {step.done} of {step.total}"
            share = 100.0 * min(1.0, step.done / step.total) if step.total > 0 else 100.0
            if step.id not in self._shown:
                made = create_progress_artifact(progress=share, key=key_of(step), description=said)
                self._shown[step.id] = made, step.done
            elif self._shown[step.id][1] != step.done:
                made = update_progress_artifact(self._shown[step.id][0], progress=share, description=said)
                self._shown[step.id] = made, step.done


def key_of(step: Step) -> str:
    """Artifacts of one key are one line in the UI, with a history."""
    plain = "".join(char if char.isascii() and char.isalnum() else "-" for char in step.label.lower())
    return f"progress-{'-'.join(part for part in plain.split('-') if part)}"
