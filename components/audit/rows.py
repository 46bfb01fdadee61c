"""An audit's effects as rows of `evaluations`, and back: its table and page are made of these alone."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from components.audit.effects import Effect
from components.audit.spec import AuditSpec
from components.audit.verdicts import TITLES, from_row
from components.records import Evaluation, content_id

METRIC, SPLIT = "effect", "audit"


def audit_id(
    spec: AuditSpec, posts: Sequence[Mapping[str, Any]] = (), failed: Mapping[str, Mapping[str, int]] | None = None
) -> str:
    """The spec's, and of what it met: posts of the warehouse, failures that may not come again. Without either it is
    the spec's own id, so that a repeated audit is found and buys nothing."""
    if not posts and not failed:
        return spec.id
    return content_id("audit", spec.id, [sorted(map(str, post.values())) for post in posts], failed or {})


def rows_of(effects: Sequence[Effect], made: str, spec: AuditSpec, dataset: str, now: datetime) -> list[Evaluation]:
    judge = spec.judge
    at = f"{judge.model} at {judge.endpoint}" if judge.endpoint else judge.model
    return [
        Evaluation(
            evaluation_id=Evaluation.make_id(made, judge.model, at, dataset, SPLIT, effect.probe, METRIC),
            spec_id=made,
            subject=judge.model,
            model=at,
            dataset=dataset,
            split=SPLIT,
            task=effect.probe,
            metric=METRIC,
            value=effect.value,
            low=effect.low,
            high=effect.high,
            n=effect.n,
            detail=json.dumps(detail_of(effect), ensure_ascii=False),
            created_at=now,
        )
        for effect in effects
    ]


def detail_of(effect: Effect) -> dict[str, Any]:
    tested = {"p": effect.p, "p_holm": effect.p_holm, "alarm": effect.alarm, "failed": effect.failed}
    return {**effect.detail, **tested}


def effects_of(rows: Sequence[Evaluation]) -> list[Effect]:
    """In the order of the table."""
    found = [from_row({**row.row(), "detail": json.loads(row.detail)}) for row in rows if row.metric == METRIC]
    return sorted(found, key=lambda effect: [*TITLES].index(effect.probe))
