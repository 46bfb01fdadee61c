"""Arms with planted scores: no warehouse, no judge."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from components.experiments.scores import ArmScores, Findings, ItemScore, mean_of

ASPECTS = {"clear": "Clear", "warm": "Warm"}


def an_item(n: int, scores: Mapping[str, float] | None, failure: str | None = None, **more: Any) -> ItemScore:
    """`scores`: aspect -> score, read once; None: `failure` says why."""
    if scores is None:
        return ItemScore(item_id=f"i{n:03}", failure=failure, **more)
    overall = sum(scores.values()) / len(scores)
    readings = more.pop("readings", {0: dict(scores)})
    return ItemScore(
        item_id=f"i{n:03}", scores=mean_of([{**scores, "overall": overall}]), readings=readings,
        text=f"post {n}", **{"post_id": f"p{n}", **more},
    )  # fmt: skip


def an_arm(name: str, items: Sequence[ItemScore], place: int = 1, **more: Any) -> ArmScores:
    given: dict[str, Any] = {
        "overrides": {}, "spec_ids": {"prompt": name}, "writer": "openai/w", "judge": "openai/j", "models": "starter",
    }  # fmt: skip
    return ArmScores(name=name, place=place, items=items, **(given | more))


def findings(*arms: ArmScores, **more: Any) -> Findings:
    given: dict[str, Any] = {
        "experiment_id": "e" * 20, "name": "planted", "baseline": arms[0].name, "dataset": "d",
        "params": {"claims": [], "notes": []}, "created_at": datetime(2026, 3, 2, tzinfo=UTC), "aspects": ASPECTS,
        "scale": (1.0, 10.0),
    }  # fmt: skip
    return Findings(arms=arms, **(given | more))


def both(value: float) -> dict[str, float]:
    return {"clear": value, "warm": value}
