"""The tables of an experiment: pure functions of its scores; the same rows give the same tables, to the byte.

Differences are paired by item: both arms wrote about it and both posts were scored. A failure is never a score: how far
the failures could move a difference stands beside it as bounds. Holm's correction is over one table: the overall
differences are one, those of the single aspects another, the claims a third.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from components.experiments.scores import ArmScores, Findings
from components.experiments.spec import OVERALL
from components.statistics import Mean, NoiseFloor, Paired, differs, holm, mean_with_interval, noise_floor, paired


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
class Difference:
    """`arm` minus `baseline` on one aspect. `noise`: what re-reading the same posts could make of it; None where posts
    were read once. `verdict`: higher, lower, or not told apart; `robust`: no scores in place of the failures could turn
    it around."""

    arm: str
    baseline: str
    aspect: str
    n: int
    difference: float | None
    low: float | None
    high: float | None
    p: float | None
    p_holm: float | None
    effect_size: float | None
    wins: int
    ties: int
    losses: int
    win_rate: float | None
    win_low: float | None
    win_high: float | None
    failed_arm: int
    failed_baseline: int
    bound_low: float | None
    bound_high: float | None
    robust: bool
    noise: float | None
    below_noise: bool | None
    verdict: str


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
        overall=differences(found, found.arms, [OVERALL], noise),
        aspects=differences(found, found.arms, list(found.aspects), noise),
        claims=claim_lines(found, noise),
        second={
            judge: differences(
                found,
                arms,
                [OVERALL],
                {OVERALL: noise_of(arms, OVERALL, sorted({*arms[0].items[0].scores} - {OVERALL}))},
            )
            for judge, arms in found.further.items()
            if arms and arms[0].items
        },
        noise={name: floor.sd.value for name, floor in noise.items()},
    )


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


def differences(
    found: Findings, arms: Sequence[ArmScores], aspects: Sequence[str], noise: Mapping[str, NoiseFloor]
) -> list[Difference]:
    """Every arm but the baseline on each aspect; p-values corrected over all of them."""
    baseline = arms[0]
    pairs = [(arm, aspect) for arm in arms[1:] for aspect in aspects]
    compared = [compare(arm, baseline, aspect, found.scale) for arm, aspect in pairs]
    return [
        line(arm, baseline, aspect, result, p, noise[aspect])
        for (arm, aspect), result, p in zip(pairs, compared, holm([one.p for one in compared]), strict=True)
    ]


def compare(arm: ArmScores, baseline: ArmScores, aspect: str, scale: tuple[float, float]) -> Paired:
    """Over the items that were run in both."""
    one, other = arm.values(aspect), baseline.values(aspect)
    both = one.keys() & other.keys()
    return paired(
        {item: score for item, score in one.items() if item in both},
        {item: score for item, score in other.items() if item in both},
        scale,
        kinds=(arm.kinds, baseline.kinds),
    )


def line(
    arm: ArmScores, baseline: ArmScores, aspect: str, result: Paired, p_holm: float | None, noise: NoiseFloor
) -> Difference:
    floor = noise.of_means(result.n, result.n, repeats_of(arm), repeats_of(baseline)) if result.n else None
    differ = differs(result.difference, floor)
    below = None if differ is None else not differ
    told_apart = result.is_found(p_holm) and not below
    higher = told_apart and (result.difference or 0) > 0
    return Difference(
        arm=arm.name,
        baseline=baseline.name,
        aspect=aspect,
        n=result.n,
        difference=result.difference,
        low=result.low,
        high=result.high,
        p=result.p,
        p_holm=p_holm,
        effect_size=result.effect_size,
        wins=result.wins,
        ties=result.ties,
        losses=result.losses,
        win_rate=result.win_rate.value,
        win_low=result.win_rate.low,
        win_high=result.win_rate.high,
        failed_arm=result.failed_treatment,
        failed_baseline=result.failed_baseline,
        bound_low=result.bound_low,
        bound_high=result.bound_high,
        robust=result.robust,
        noise=floor,
        below_noise=below,
        verdict="higher" if higher else "lower" if told_apart else "not told apart",
    )


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


def repeats_of(arm: ArmScores) -> float:
    """Readings per scored post, on average."""
    counts = [len(one.readings) for one in arm.items if one.overall is not None and one.readings]
    return sum(counts) / len(counts) if counts else 1


def noise_of(arms: Sequence[ArmScores], aspect: str, aspects: Sequence[str]) -> NoiseFloor:
    """The judge's own noise over the posts of all arms; a reading's overall is the mean of its aspects."""

    def value(reading: Mapping[str, float]) -> float:
        if aspect != OVERALL:
            return reading.get(aspect, float("nan"))
        whole = [reading[name] for name in aspects if name in reading]
        return sum(whole) / len(whole) if whole and len(whole) == len(aspects) else float("nan")

    posts: dict[str, Mapping[int, Mapping[str, float]]] = {}
    for arm in arms:
        posts |= {one.post_id: one.readings for one in arm.items if one.post_id and one.readings}
    repeats = sorted({repeat for readings in posts.values() for repeat in readings})
    columns = [[value(readings.get(repeat, {})) for repeat in repeats] for _, readings in sorted(posts.items())]
    table = np.array(columns, dtype=np.float64).T if columns else np.full((1, 0), np.nan)
    return noise_floor(table)
