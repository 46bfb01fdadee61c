"""Differences of arms to the baseline: paired by item, corrected over a table, bounded, and beside the judge's noise.

Both arms wrote about an item and both posts were scored. A failure is never a score: how far the failures could move a
difference stands beside it as bounds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from components.experiments.scores import ArmScores
from components.experiments.spec import OVERALL
from components.statistics import NoiseFloor, Paired, differs, holm, noise_floor, paired


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


def differences(
    arms: Sequence[ArmScores], aspects: Sequence[str], scale: tuple[float, float], noise: Mapping[str, NoiseFloor]
) -> list[Difference]:
    """Every arm but the baseline on each aspect; p-values corrected over all of them."""
    baseline = arms[0]
    pairs = [(arm, aspect) for arm in arms[1:] for aspect in aspects]
    compared = [compare(arm, baseline, aspect, scale) for arm, aspect in pairs]
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
