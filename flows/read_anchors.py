"""frozen posts -> anchor_readings: each judge reads them again in every period, and is watched for drift."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run

from components.audit.anchors import FORMS, ids_of, period_of
from components.audit.anchors import read_anchors as read
from components.audit.drift import POSTS, SCORES, Drift, change_of, drift_of, shown, since_of, told
from components.audit.material import load_material
from components.chat import check
from components.errors import CheckFailed
from components.records import AnchorReading, CheckResult
from components.specs import AnchorSpec, Budget, JudgeSpec
from components.warehouse.questions import FINAL
from components.warehouse.store import Store
from flows.buying import TRIED_AGAIN, Buyer
from flows.caching import frozen
from flows.progress import progress
from flows.publish import StepResult, chunk_id, publish
from flows.settings import Settings, api_key
from flows.stopping import run_async, stoppable


@dataclass
class AnchorStep(StepResult):
    """`drift`: of each judge, by its name; `said`: the same in words."""

    drift: dict[str, dict[str, Any]] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)


@task(task_run_name="read anchors {period}", cache_policy=NO_CACHE)
def read_period(
    anchors: AnchorSpec, judge: JudgeSpec, spec_id: str, period: str, done: Sequence[str], budget: Budget,
    run_id: str, purse: str,
) -> tuple[list[AnchorReading], Buyer]:  # fmt: skip
    """Buy what the period lacks. No retries here: the engine of calls has the only retry layer."""
    live = judge.model_copy(update={"mode": "live"})
    buyer, now = Buyer(Settings.from_environment(), live, budget, run_id, purse, spec_id), datetime.now(UTC)
    material = load_material(anchors.posts)
    with frozen(judge, spec_id):
        rows = run_async(
            lambda: read(material, anchors, judge, buyer, period=period, run_id=run_id, now=now, without=done)
        )
    return rows, buyer


@flow(name="read_anchors", flow_run_name="anchors of {anchors.posts}")
def read_anchors(
    anchors: AnchorSpec,
    judges: tuple[JudgeSpec, ...],
    budget: Budget | None = None,
    run_id: str = "",
    purse: str = "",
    at: datetime | None = None,
    dataset: str = "",
) -> AnchorStep:
    """Let each judge read the anchors once in the period of `at` (now by default), and look for drift. With a `dataset`
    also how much of the change of its posts' scores is the judge's.

    Raises CheckFailed where a judge has drifted and `anchors.stop` says so; its readings are kept.

    Args:
        anchors: Which frozen posts, how often, and what counts as drift.
        judges: Who reads them: each judge has a series of its own.
        budget: The most that this run may spend; empty: 1 USD.
        run_id: Leave empty: the pipeline sets it, to book what is done here under its own run.
        purse: Leave empty: runs with the same purse share one budget, and pipelines and backfills set it.
        at: The period to read for; empty: the present one.
        dataset: Also say how much of the change of this dataset's scores is the judge's; empty: of none.
    """
    begun, settings, budget = time.monotonic(), Settings.from_environment().prepare(), budget or Budget()
    run_id, store, result = run_id or str(flow_run.id), settings.store(), AnchorStep("read_anchors")
    period = period_of((at or datetime.now(UTC)).astimezone(UTC), anchors.every)
    store.register(anchors, *judges)
    advance = progress(f"anchors {period}", len(judges))
    names = names_of(judges)
    with stoppable():
        for judge in judges:
            check(judge, api_key(judge.api_key_env), budget.allow_unpriced, settings.prices)
            new = buy_missing(anchors, judge, period, store, budget, run_id, purse or run_id, result)
            drift = watch(anchors, judge, store)
            posts = {"form": FORMS[anchors.every], "spec_id": judge.id, "dataset": dataset}
            change = change_of(drift, store.query(POSTS, posts)) if dataset else None
            said = told(drift)
            result.drift[names[judge.id]] = shown(drift, change)
            result.said.append(f"{names[judge.id]}: {said}" if len(judges) > 1 else said)
            if new:
                note(store, drift, names[judge.id], anchors, run_id, said)
            advance(1)
    result.seconds = time.monotonic() - begun
    drifted = [model for model, drift in result.drift.items() if drift["state"] == "drifted"]
    if anchors.stop and drifted:
        raise CheckFailed(
            f"{', '.join(drifted)} has drifted on its anchors ({'; '.join(result.said)}); look at the report, then "
            "judge by another model, or set anchors.since to begin a new baseline"
        )
    return result


def names_of(judges: Sequence[JudgeSpec]) -> dict[str, str]:
    """Spec id -> what to call the judge: its model, and as much more as tells it from others of the same model."""
    names: dict[str, str] = {}
    for judge in judges:
        kin = [other for other in judges if other.model == judge.model]
        rubric = Path(judge.rubric).stem
        same = [other for other in kin if Path(other.rubric).stem == rubric]
        more = "" if len(kin) == 1 else f" by {rubric}" if len(same) == 1 else f" by {rubric}, {judge.id[:6]}"
        names[judge.id] = judge.model + more
    return names


def buy_missing(
    anchors: AnchorSpec, judge: JudgeSpec, period: str, store: Store, budget: Budget, run_id: str, purse: str,
    result: AnchorStep,
) -> int:  # fmt: skip
    """New rows of one judge."""
    done, left = done_and_left(anchors, judge, period, store)
    if not left:
        return 0
    spec_id = judge.id
    readings, buyer = read_period(anchors, judge, spec_id, period, done, budget, run_id, purse)
    chunk = chunk_id(spec_id, [reading.reading_id for reading in readings])
    rows, quarantined = publish(
        store, "anchor_readings", readings, [], chunk=chunk, run_id=run_id, dataset=load_material(anchors.posts).name
    )
    result.rows += rows
    result.quarantined += quarantined
    result.bought += buyer.bought
    result.reused += buyer.reused
    for reading in readings:
        if reading.error:
            result.failed[reading.error] = result.failed.get(reading.error, 0) + 1
    return rows


def done_and_left(anchors: AnchorSpec, judge: JudgeSpec, period: str, store: Store) -> tuple[list[str], set[str]]:
    """The ids of the anchors that the judge has read in the period, and of those that it has not."""
    sql = f"""SELECT anchor_id FROM (
            SELECT anchor_id, repeat FROM anchor_readings WHERE spec_id = $spec_id AND period = $period
            GROUP BY anchor_id, repeat HAVING count(DISTINCT aspect) FILTER ({FINAL}) = count(DISTINCT aspect)
        ) GROUP BY anchor_id HAVING count(*) >= $repeats"""
    params = {"spec_id": judge.id, "period": period, "repeats": anchors.repeats, "retryable": TRIED_AGAIN}
    done = [row["anchor_id"] for row in store.query(sql, params)]
    return done, set(ids_of(load_material(anchors.posts), anchors, judge).values()) - set(done)


def would_do_something(anchors: AnchorSpec, judges: Sequence[JudgeSpec], store: Store) -> bool:
    """Whether a run now would read an anchor, or stop because a judge has drifted."""
    period = period_of(datetime.now(UTC), anchors.every)
    return any(
        done_and_left(anchors, judge, period, store)[1]
        or (anchors.stop and watch(anchors, judge, store).state == "drifted")
        for judge in judges
    )


def watch(anchors: AnchorSpec, judge: JudgeSpec, store: Store) -> Drift:
    """The judge's readings of all periods so far."""
    ids, spec_id = ids_of(load_material(anchors.posts), anchors, judge).values(), judge.id
    rows = store.query(SCORES, {"spec_id": spec_id, "anchors": list(ids), "since": since_of(anchors)})
    return drift_of(rows, anchors, spec_id)


def note(store: Store, drift: Drift, name: str, anchors: AnchorSpec, run_id: str, said: str) -> None:
    """The alarm as a check: it warns, and stops a run only where the campaign says so."""
    chunk = chunk_id(drift.spec_id, drift.periods)
    store.append(
        {
            "checks": [
                CheckResult(
                    run_id=run_id,
                    table_name="anchor_readings",
                    chunk_id=chunk,
                    expectation=f"the judge has not drifted: {name}",
                    severity="stop" if anchors.stop else "warn",
                    success=drift.state != "drifted",
                    observed=said,
                    at=datetime.now(UTC),
                )
            ]
        }
    )
