"""What an experiment has found, as plain values: per arm and item a score, or the state that stands in its place."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from statistics import fmean, median
from typing import Any

from components.experiments.spec import OVERALL
from components.pairwise import Figures

NOT_RUN = "not run"
"""Nobody has tried yet: the budget ended, or the run was stopped. Not a failure of the arm."""


@dataclass(frozen=True, slots=True)
class ItemScore:
    """One item in one arm, by one judge. `scores`: aspect -> mean of its readings, `overall` beside them; None where
    `failure` says why. `readings`: repeat -> aspect -> score. Of several candidates that count, the mean; `post_id` and
    `text` are those of the first that was scored; `entrant_id`: the post that competes in pairs, the first candidate
    that stands for its prompt, also where the judge could not read it; `post_ids`: all posts that count, if they were
    written."""

    item_id: str
    scores: Mapping[str, float | None] = field(default_factory=dict)
    failure: str | None = None
    readings: Mapping[int, Mapping[str, float]] = field(default_factory=dict)
    post_id: str | None = None
    entrant_id: str | None = None
    post_ids: Sequence[str] = ()
    text: str | None = None
    platform: str = ""
    broken_rules: int = 0
    writing_usd: float | None = 0.0
    judging_usd: float | None = 0.0
    latency_ms: float | None = None
    judge_latency_ms: float | None = None

    @property
    def overall(self) -> float | None:
        return self.scores.get(OVERALL)


@dataclass(frozen=True, slots=True)
class ArmScores:
    """One arm by one judge. `state`: how its latest run ended; `message`: why it stopped; `kept`: latencies by name, as
    the warehouse keeps them, where the journal does not tell them any more."""

    name: str
    place: int
    overrides: Mapping[str, Any]
    spec_ids: Mapping[str, str]
    writer: str
    judge: str
    models: str
    items: Sequence[ItemScore]
    state: str = "done"
    message: str | None = None
    same_as: str | None = None
    kept: Mapping[str, float | None] = field(default_factory=dict)

    def values(self, aspect: str) -> dict[str, float | None]:
        """item -> score, None where it failed; without the items that were not run."""
        return {one.item_id: one.scores.get(aspect) for one in self.items if one.failure != NOT_RUN}

    def known(self, aspect: str) -> list[float]:
        """The scores, in the order of their items' ids: a resampled mean depends on it."""
        return [score for _, score in sorted(self.values(aspect).items()) if score is not None]

    @property
    def kinds(self) -> dict[str, str]:
        """item -> why it has no score."""
        return {one.item_id: one.failure for one in self.items if one.failure and one.failure != NOT_RUN}

    @property
    def failures(self) -> dict[str, int]:
        return dict(sorted(Counter(self.kinds.values()).items()))

    @property
    def not_run(self) -> int:
        return sum(one.failure == NOT_RUN for one in self.items)

    @property
    def cost_usd(self) -> float | None:
        """What its posts and judgments cost when they were bought, also those that another arm shares; None where one
        price is unknown."""
        costs = [cost for one in self.items for cost in (one.writing_usd, one.judging_usd)]
        known = sorted(cost for cost in costs if cost is not None)
        return round(sum(known), 9) if len(known) == len(costs) else None

    def latency_ms(self, name: str = "latency_ms") -> float | None:
        if name in self.kept:
            return self.kept[name]
        found = [value for one in self.items if (value := getattr(one, name)) is not None]
        return median(found) if found else None


@dataclass(frozen=True, slots=True)
class Findings:
    """An experiment as the warehouse has it. `arms`: by the judge, the baseline first; `further`: by each further judge
    of the baseline the arms that have one there. `aspects`: name -> title, in the rubric's order; `spent_usd`: what was
    bought for all arms together, shared calls once, and None, as `calls`, where neither the journal nor the warehouse
    tells; `is_journaled`: the journal has all of it; `pairs`:
    what the judge of pairs has said, `pairs_state`: how the latest run that asked ended (done also where none was to);
    `left_out`: arm -> the one that competes for both there, since their posts are the same."""

    experiment_id: str
    name: str
    baseline: str
    dataset: str
    params: Mapping[str, Any]
    created_at: datetime
    arms: Sequence[ArmScores]
    aspects: Mapping[str, str]
    scale: tuple[float, float]
    calls: int | None = 0
    spent_usd: float | None = 0.0
    is_journaled: bool = True
    pairs: Figures | None = None
    pairs_state: str = "done"
    left_out: Mapping[str, str] = field(default_factory=dict)
    further: Mapping[str, Sequence[ArmScores]] = field(default_factory=dict)

    @property
    def items(self) -> int:
        return len(self.arms[0].items)

    @property
    def partial(self) -> str | None:
        """Why the tables are not yet what they will be; None where every arm, and every pair, is done."""
        stopped = [arm for arm in self.arms if arm.state != "done"]
        waiting = sum(arm.not_run for arm in self.arms)
        said = []
        if stopped or waiting:
            why = "; ".join(f"{arm.name}: {arm.state.replace('_', ' ')}" for arm in stopped)
            posts = f"{waiting} of {self.items * len(self.arms)} posts are not there yet or not judged"
            said.append(f"{posts}{f' ({why})' if why else ''}")
        if self.pairs_state != "done":
            said.append(f"not all pairs are compared yet ({self.pairs_state.replace('_', ' ')})")
        return f"{'; '.join(said)}; the same command goes on" if said else None

    @property
    def offline(self) -> list[str]:
        """What the built-in stand-ins did."""
        writers, judges = {arm.writer for arm in self.arms}, {arm.judge for arm in self.arms}
        told = (("written", writers), ("judged", judges))
        return [verb for verb, models in told if any(model.startswith("offline/") for model in models)]


def mean_of(scores: Sequence[Mapping[str, float | None]]) -> dict[str, float | None]:
    """Aspect -> mean over candidates that have it."""
    names = dict.fromkeys(name for one in scores for name in one)
    found = {name: [value for one in scores if (value := one.get(name)) is not None] for name in names}
    return {name: round(fmean(values), 6) if values else None for name, values in found.items()}
