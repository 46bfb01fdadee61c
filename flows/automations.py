"""What Prefect does by itself when a run fails, is late, or is lost: automations, as code.

They watch deployed runs alone: what fails on the command line is told there. By default nobody is notified, and the
event log of the UI keeps what happened; `postwright up --notify` names a target.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from prefect.blocks.webhook import Webhook
from prefect.client.orchestration import SyncPrefectClient
from prefect.events.actions import CallWebhook, ChangeFlowRunState, DoNothing, SendNotification
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.exceptions import ObjectNotFound
from prefect.types import SecretDict
from pydantic import SecretStr

from components.errors import UserError
from flows.lost_runs import LOST

TAG = "postwright"
"""Of every deployment in prefect.yaml."""
BLOCK = "postwright-notify"
"""Holds the address that --notify was given: encrypted, and not shown by the UI."""
SILENT_FOR = timedelta(minutes=10)
"""A run's process tells every three minutes that it is alive."""
WEBHOOK = """{
  "text": {{ ("postwright: " ~ flow.name ~ " / " ~ flow_run.name ~ " is " ~ flow_run.state.name ~
              ((": " ~ flow_run.state.message) if flow_run.state.message else "")) | tojson }},
  "state": {{ flow_run.state.name | tojson }},
  "message": {{ (flow_run.state.message or "") | tojson }},
  "flow": {{ flow.name | tojson }},
  "deployment": {{ deployment.name | tojson }},
  "flow_run": {{ flow_run.name | tojson }},
  "flow_run_id": {{ flow_run.id | string | tojson }},
  "url": {{ flow_run | ui_url | tojson }}
}"""
"""`text` is what incoming webhooks of Slack, Mattermost and others show; the rest is for programs."""
SUBJECT = "postwright: {{ flow_run.name }} is {{ flow_run.state.name }}"
BODY = """{{ flow.name }} / {{ flow_run.name }}: {{ flow_run.state.message or flow_run.state.name }}
{{ flow_run | ui_url }}"""
FAILED, LATE, SILENT = "postwright: a run failed", "postwright: a run is late", "postwright: a run is lost"


@dataclass(frozen=True)
class Kept:
    """The automations as they are now. `notifies`: TYPE/NAME of the block, or nothing."""

    names: list[str]
    notifies: str


def keep_automations(client: SyncPrefectClient, notify: str | None) -> Kept:
    """Create what is missing and correct what differs. `notify`: an http(s) address, TYPE/NAME of a block, `none`; None
    leaves each automation's actions as they are, and those that somebody switched off stay off."""
    chosen = None if notify is None else action_of(client, notify)
    names = []
    for wanted in automations(chosen or DoNothing()):
        there = client.read_automations_by_name(wanted.name)
        if not there:
            client.create_automation(wanted)
        else:
            actions = wanted.actions if chosen is not None or wanted.name == SILENT else there[0].actions
            client.update_automation(
                there[0].id, wanted.model_copy(update={"actions": actions, "enabled": there[0].enabled})
            )
        names.append(wanted.name)
    return Kept(names, notified(client))


def automations(action: Any) -> list[AutomationCore]:
    """`action` is what happens when a run failed or is late."""
    ours: Any = [
        {"prefect.resource.role": "tag", "prefect.resource.id": f"prefect.tag.{TAG}"},
        {"prefect.resource.role": "deployment", "prefect.resource.id": "prefect.deployment.*"},
    ]
    runs: dict[str, Any] = {
        "match": {"prefect.resource.id": "prefect.flow-run.*"},
        "match_related": ours,
        "for_each": {"prefect.resource.id"},
    }
    ends = {f"prefect.flow-run.{state}" for state in ("Failed", "Crashed", "TimedOut", LOST)}
    others = {f"prefect.flow-run.{state}" for state in ("heartbeat", "Completed", "Cancelled", "Suspended", "Paused")}
    return [
        AutomationCore(
            name=FAILED,
            description="A check, the budget, the provider or a defect stopped a run, or its process died.",
            trigger=EventTrigger(expect=ends, posture=Posture.Reactive, threshold=1, **runs),
            actions=[action],
        ),
        AutomationCore(
            name=LATE,
            description="No worker has taken a run that is due: none is there, or all its places are taken.",
            trigger=EventTrigger(expect={"prefect.flow-run.Late"}, posture=Posture.Reactive, threshold=1, **runs),
            actions=[action],
        ),
        AutomationCore(
            name=SILENT,
            description="The process of a run tells no longer that it is alive; `postwright up` lets it go on.",
            trigger=EventTrigger(
                after={"prefect.flow-run.heartbeat"},
                expect=ends | others,
                posture=Posture.Proactive,
                threshold=1,
                within=SILENT_FOR,
                **runs,
            ),
            actions=[
                ChangeFlowRunState(
                    state="CRASHED",  # type: ignore[arg-type]  # the client's and the server's enumeration differ
                    name=LOST,
                    force=False,
                    message=f"Its process has been silent for {SILENT_FOR.seconds // 60} minutes; see: postwright up",
                )
            ],
        ),
    ]


def action_of(client: SyncPrefectClient, notify: str) -> Any:
    """Raises UserError when there is no such block."""
    if notify == "none":
        return DoNothing()
    if notify.startswith(("http://", "https://")):
        block = Webhook(url=SecretStr(notify), headers=SecretDict({"Content-Type": "application/json"}))
        block.save(BLOCK, overwrite=True)
        document = client.read_block_document_by_name(name=BLOCK, block_type_slug="webhook", include_secrets=False)
        return CallWebhook(block_document_id=document.id, payload=WEBHOOK)
    kind, _, name = notify.partition("/")
    try:
        document = client.read_block_document_by_name(name=name, block_type_slug=kind)
    except ObjectNotFound:
        raise UserError(
            f"--notify {notify}: no such block; give an http(s) address, or TYPE/NAME of a block that you made in the "
            "UI (Blocks), such as slack-webhook/team, or none"
        ) from None
    if kind == "webhook":
        return CallWebhook(block_document_id=document.id, payload=WEBHOOK)
    return SendNotification(block_document_id=document.id, subject=SUBJECT, body=BODY)


def notified(client: SyncPrefectClient) -> str:
    """TYPE/NAME of the block that is told of failed runs, or nothing."""
    for automation in client.read_automations_by_name(FAILED):
        for action in automation.actions:
            if block := getattr(action, "block_document_id", None):
                try:
                    document = client.read_block_document(block)
                except ObjectNotFound:
                    return f"a block that is gone ({block})"
                kind = document.block_type.slug if document.block_type else document.block_type_name
                return f"{kind}/{document.name}"
    return ""
