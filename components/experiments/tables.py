"""The tables of an experiment: pure functions of its scores; the same rows give the same tables, to the byte.

Holm's correction is over one table: the overall differences are one, those of the single aspects another, the claims a
third.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from components.experiments.differences import Difference, compare, differences, line, noise_of
from components.experiments.scores import ArmScores, Findings
from components.experiments.spec import OVERALL
from components.statistics import Mean, NoiseFloor, holm, mean_with_interval


@dataclass(frozen=True, slots=True)
class ArmLine:
    """One arm by itself. `means`: aspect -> its mean, `overall` first; costs in USD, None where a price is unknown."""

    arm: str
    changes: str
    writer: str
    judge: str
    state: str
    items: int
    scored: int
    not_run: int
    failures: Mapping[str, int]
    means: Mapping[str, Mean]
    cost_usd: float | None
    cost_per_score_usd: float | None
    latency_ms: float | None
    judge_latency_ms: float | None
    same_as: str | None


@dataclass(frozen=True, slots=True)
class ClaimLine:
    """A claim beside what was found. `direction`: held, reversed, none (exactly equal) or unknown; `found`: beyond
    chance, after Holm over the claims."""

    better: str
    than: str
    aspect: str
    by: str
    reported: str
    direction: str
    found: bool
    difference: Difference


@dataclass(frozen=True, slots=True)
class Tables:
    """`second`: judge -> the overall differences by that further judge, a table of its own each."""

    arms: Sequence[ArmLine]
    overall: Sequence[Difference]
    aspects: Sequence[Difference]
    claims: Sequence[ClaimLine]
    second: Mapping[str, Sequence[Difference]]
    noise: Mapping[str, float | None]


def tables_of(found: Findings) -> Tables:
    """All tables of an experiment."""
    names = [OVERALL, *found.aspects]
    noise = {name: noise_of(found.arms, name, list(found.aspects)) for name in names}
    return Tables(
        arms=[arm_line(arm, names) for arm in found.arms],
        overall=differences(found.arms, [OVERALL], found.scale, noise),
        aspects=differences(found.arms, list(found.aspects), found.scale, noise),
        claims=claim_lines(found, noise),
        second={judge: by_further_judge(arms, found.scale) for judge, arms in found.further.items()},
        noise={name: floor.sd.value for name, floor in noise.items()},
    )


def by_further_judge(arms: Sequence[ArmScores], scale: tuple[float, float]) -> list[Difference]:
    """The overall differences by another judge, whose rubric may have other aspects."""
    aspects = sorted({name for arm in arms for one in arm.items for name in one.scores} - {OVERALL})
    return differences(arms, [OVERALL], scale, {OVERALL: noise_of(arms, OVERALL, aspects)})


def arm_line(arm: ArmScores, names: Sequence[str]) -> ArmLine:
    scored, cost = len(arm.known(OVERALL)), arm.cost_usd
    return ArmLine(
        arm=arm.name,
        changes=changes_of(arm.overrides),
        writer=arm.writer,
        judge=arm.judge,
        state=arm.state,
        items=len(arm.items),
        scored=scored,
        not_run=arm.not_run,
        failures=arm.failures,
        means={name: mean_with_interval(arm.known(name)) for name in names},
        cost_usd=cost,
        cost_per_score_usd=cost / scored if cost is not None and scored else None,
        latency_ms=arm.latency_ms(),
        judge_latency_ms=arm.latency_ms("judge_latency_ms"),
        same_as=arm.same_as,
    )


def changes_of(overrides: Mapping[str, object]) -> str:
    """An arm's overrides in a line."""
    parts = []
    for name, value in overrides.items():
        said = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
        parts.append(f"without {said}" if name == "without" else f"{name}: {said}")
    return "; ".join(parts) or "as the campaign says"


def claim_lines(found: Findings, noise: Mapping[str, NoiseFloor]) -> list[ClaimLine]:
    """Each claimed direction beside the paired difference of its two arms."""
    arms = {arm.name: arm for arm in found.arms}
    asked = [(claim, arms[claim["better"]], arms[than]) for claim in found.params["claims"] for than in claim["than"]]
    compared = [compare(better, than, claim["aspect"], found.scale) for claim, better, than in asked]
    lines = []
    for (claim, better, than), result, p in zip(asked, compared, holm([one.p for one in compared]), strict=True):
        aspect = claim["aspect"]
        made = line(better, than, aspect, result, p, noise.get(aspect) or noise_of([], aspect, []))
        gap = None if made.difference is None else round(made.difference, 2)  # 0.00 points no way
        direction = "unknown" if gap is None else "held" if gap > 0 else "reversed" if gap < 0 else "none"
        told_apart = made.verdict != "not told apart"
        lines.append(
            ClaimLine(better.name, than.name, aspect, claim["by"], claim["reported"], direction, told_apart, made)
        )
    return lines
