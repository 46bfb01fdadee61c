"""a judge -> evaluations: what moves its scores besides a post's worth, by posts of known levels and their twins."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run

from components.audit.asking import Answers, ask
from components.audit.effects import Effect
from components.audit.material import load_material
from components.audit.measuring import measure
from components.audit.own_family import SQL, asked_of, own_family
from components.audit.plan import Plan, plan_audit
from components.audit.rows import audit_id, effects_of, rows_of
from components.audit.spec import AuditSpec
from components.audit.verdicts import REMEDIES, TITLES, state, verdict
from components.chat import ChatOutcome, ChatRequest, check
from components.judgments import load_rubric
from components.specs import Budget
from components.warehouse.store import Store
from flows.buying import TRIED_AGAIN, Buyer
from flows.caching import whole
from flows.progress import progress, say
from flows.publish import publish
from flows.reading import found_before
from flows.settings import Settings, api_key
from flows.stopping import run_async, stoppable
from flows.write_report import write_audit_report


@dataclass
class AuditResult:
    """What an audit found: the closing words of the command line, and its JSON. `failed`: arm -> state -> readings."""

    audit_id: str
    judge: str
    effects: list[dict[str, Any]] = field(default_factory=list)
    bought: int = 0
    reused: int = 0
    failed: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    report: str | None = None
    seconds: float = 0.0


@task(task_run_name="audit {model}", cache_policy=NO_CACHE)
def ask_judge(spec: AuditSpec, model: str, plan: Plan, budget: Budget, run_id: str) -> tuple[Answers, Buyer]:
    """Buy the readings that the journal lacks. No retries here: the engine of calls has the only retry layer."""
    buyer = Buyer(Settings.from_environment(), spec.reading(1), budget, run_id, run_id, spec.id)
    advance = progress(f"audit {model}", sum(question.repeats for question in plan.questions) + 2 * len(plan.pairs))

    async def bought(requests: Sequence[ChatRequest]) -> list[ChatOutcome]:
        outcomes = await buyer(requests)
        advance(sum(request.stage == "audit" for request in requests))
        return outcomes

    return run_async(lambda: ask(plan, spec, bought)), buyer


@flow(name="audit_judge", flow_run_name="audit {spec.judge.model}")
def audit_judge(spec: AuditSpec, budget: Budget | None = None) -> AuditResult:
    """Audit a judge; a repeated audit that nothing failed in is shown from the warehouse, and buys nothing.

    Args:
        spec: Which judge is audited, by which faults, how often each is planted.
        budget: The most that this run may spend; empty: 1 USD.
    """
    begun, settings, budget = time.monotonic(), Settings.from_environment().prepare(), budget or Budget()
    judge = spec.judge
    check(spec.reading(1), api_key(judge.api_key_env), budget.allow_unpriced, settings.prices)
    store, material = settings.store(), load_material(spec.posts)
    plan = plan_audit(material, load_rubric(judge.rubric), judge.batch_context, spec.repeats)
    judged = store.query(SQL, asked_of(judge))
    result = AuditResult(audit_id(spec, judged), judge.model)
    if not (rows := found_before(store, result.audit_id)):
        with stoppable():
            answers, buyer = ask_judge(spec, judge.model, whole(plan), budget, str(flow_run.id))
        result.bought, result.reused, result.failed = buyer.bought, buyer.reused, answers.failed
        result.audit_id = audit_id(spec, judged, may_pass(answers.failed))
        effects = measure(plan, answers, own_family(judged, judge.model))
        rows = keep(store, effects, result.audit_id, spec, material.name)
    result.effects = [as_told(effect) for effect in effects_of(rows)]
    say("writing the report ...")
    result.report = str(write_audit_report(settings, result.audit_id))
    result.seconds = time.monotonic() - begun
    return result


def may_pass(failed: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, int]]:
    """The failures that a later audit asks for again; what a judge refuses for good, or answers without sense, is its
    answer."""
    found = {arm: {kind: n for kind, n in kinds.items() if kind in TRIED_AGAIN} for arm, kinds in failed.items()}
    return {arm: kinds for arm, kinds in found.items() if kinds}


def keep(store: Store, effects: Sequence[Effect], made: str, spec: AuditSpec, dataset: str) -> list[Any]:
    """Published, and read again as everybody will read them."""
    store.register_as(made, spec, {"spec_id": spec.id})
    rows = rows_of(effects, made, spec, dataset, datetime.now(UTC))
    publish(store, "evaluations", rows, [], chunk=made, run_id=made, dataset=dataset)
    return found_before(store, made)


def as_told(effect: Effect) -> dict[str, Any]:
    """With its words, for people and for `--json`."""
    told = asdict(replace(effect, detail=dict(effect.detail)))
    words = {"title": TITLES[effect.probe], "state": state(effect), "verdict": verdict(effect)}
    return {**told, **words, "smallest": effect.rule.smallest, "do": REMEDIES[effect.probe] if effect.alarm else None}
