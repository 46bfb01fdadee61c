"""The judging part of a pipeline: one step per judge of the campaign, all by one budget."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from components.errors import BatchPending
from components.items.sending import seen_differently
from components.judgments.panel import judges_of, kinships
from components.specs import Campaign, JudgeSpec
from flows.judge_posts import judge_posts
from flows.publish import StepResult

Step = Callable[[], StepResult]


def notes_on(campaign: Campaign) -> list[str]:
    """What people should know of a campaign's judges before they read any score."""
    seen = (seen_differently(campaign.generation, judge) for judge in judges_of(campaign).values())
    return [*dict.fromkeys(note for note in seen if note), *kinships(campaign)]


def judging_steps(campaign: Campaign, made: Mapping[str, Any], money: Mapping[str, Any]) -> Iterator[Step]:
    """One step per judge. Those who judge by batches are all handed in before the first is waited for: an endpoint
    takes a day for three batches as for one."""
    c, judges = campaign, judges_of(campaign)
    done: dict[str, StepResult] = {}
    for name, judge in judges.items() if len(judges) > 1 else ():
        if judge.mode == "batch":
            now = judge.model_copy(update={"batch_wait_h": 0.0})
            try:
                done[name] = judge_posts(now, c.generation, c.prompt, c.features, **made, **money)
            except BatchPending:
                continue
    for name, judge in judges.items():
        yield partial(_judged, name, judge, c, {**made, **money}, done.get(name))


def _judged(name: str, judge: JudgeSpec, c: Campaign, given: Mapping[str, Any], done: StepResult | None) -> StepResult:
    return replace(done or judge_posts(judge, c.generation, c.prompt, c.features, **given), step=name)
