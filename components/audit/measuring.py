"""The probes of an audit: readings and choices in, an effect of each manipulation out (own_family.py has one more)."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import sqrt

import numpy as np

from components.audit.asking import Answers
from components.audit.effects import (
    ALPHA,
    EQUAL,
    FEWEST,
    RULES,
    Effect,
    Floats,
    by_t,
    decide,
    not_measured,
    of_units,
)
from components.audit.plan import CLEAN, Plan

LEAST_DUE = 2.0
"""Points by which an aspect has to be spoiled before anything can be said of the others."""


def measure(plan: Plan, answers: Answers, own_family: Effect | None = None) -> list[Effect]:
    """One Effect per probe, in the order of RULES. `own_family`: what the warehouse says of it, where it has data."""
    table = Table(plan, answers)
    found = {probe: how(table) for probe, how in PROBES.items()}
    found["own_family"] = own_family or not_measured("own_family", "no posts that others have judged too")
    return decide([found[probe] for probe in RULES])


class Table:
    """The readings by post and arm. Means over repeats; a reading that lacks an aspect counts as failed."""

    def __init__(self, plan: Plan, answers: Answers) -> None:
        self.plan, self.answers = plan, answers
        whole = ~np.isnan(answers.scores).any(axis=2, keepdims=True)
        self.readings = np.where(whole, answers.scores, np.nan)
        counts = whole.sum(axis=1)
        sums = np.nansum(self.readings, axis=1)
        self.means: Floats = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)  # questions x aspects
        self.overall: Floats = self.means.mean(axis=1)
        self.known = [plan.aspects.index(name) for name in plan.has_levels]
        self.places = {arm: plan.of(arm) for arm in dict.fromkeys(question.arm for question in plan.questions)}

    def levels(self, place: int) -> Floats:
        levels = self.plan.questions[place].levels
        return np.array([levels[name] for name in self.plan.has_levels])

    def differences(self, arm: str, beside: str) -> dict[str, float]:
        """base -> overall of the arm minus overall of its twin."""
        one, other = self.places.get(arm, {}), self.places.get(beside, {})
        return {base: float(self.overall[one[base]] - self.overall[other[base]]) for base in one if base in other}

    def failed(self, *arms: str) -> int:
        return sum(sum(self.answers.failed.get(arm, {}).values()) for arm in arms)


def pair_position(table: Table) -> Effect:
    """How much more often than in half of the choices the first text is chosen; each pair in both orders."""
    choices = table.answers.choices
    if not choices.size:
        return not_measured("pair_position", "no post of the material has a short wording")
    orders = choices.mean(axis=2)
    clear = orders[~np.isnan(orders).any(axis=1)]
    flips = float((np.abs(clear.sum(axis=1) - 1) > EQUAL).mean()) if len(clear) else None
    return of_units("pair_position", orders.mean(axis=1) - 0.5, table.failed("pair"), flips=flips)


def context_position(table: Table) -> Effect:
    """What a post gains by standing behind its neighbours instead of before them."""
    if "moved" not in table.places:
        return not_measured("context_position", "this judge is shown no neighbours (batch_context: 0)")
    return of_units("context_position", [*table.differences("moved", CLEAN).values()], table.failed("moved"))


def length(table: Table) -> Effect:
    """What three sentences that say nothing bring; `per_10_words` over all lengths of the same content."""
    doses = table.plan.arms("padded:")
    if not doses:
        return not_measured("length", "no post of the material has room for more words on its platform")
    words, gains = [], []
    for arm in [*doses, "short"]:
        for base, gain in table.differences(arm, CLEAN).items():
            words.append(table.plan.questions[table.places[arm][base]].added)
            gains.append(gain)
    x, y = np.array(words, dtype=float), np.array(gains)
    known = ~np.isnan(y)
    slope = float(x[known] @ y[known] / (x[known] @ x[known])) if (x[known] != 0).any() else None
    most = table.differences(doses[-1], CLEAN)
    added = float(np.mean([table.plan.questions[place].added for place in table.places[doses[-1]].values()]))
    per_ten = None if slope is None else 10 * slope
    failed = table.failed(*doses)
    return of_units("length", [*most.values()], failed, words=round(added), per_10_words=per_ten)


def style(table: Table) -> Effect:
    """What an assistant's turns of phrase bring, against as many plain words in the same places."""
    return of_units("style", [*table.differences("styled", "plain").values()], table.failed("styled", "plain"))


def leniency(table: Table) -> Effect:
    """Scores minus the levels that the posts deserve."""
    if not table.known:
        return not_measured("leniency", "the posts have no levels of this rubric's aspects")
    gaps = {
        table.plan.aspects[k]: [float(table.means[p, k] - table.levels(p)[n]) for p in table.places[CLEAN].values()]
        for n, k in enumerate(table.known)
    }
    by_aspect = {name: float(np.nanmean(found)) for name, found in gaps.items() if not np.isnan(found).all()}
    return of_units("leniency", np.mean([*gaps.values()], axis=0), table.failed(CLEAN), by_aspect=by_aspect)


def scale(table: Table) -> Effect:
    """The slope of the judge's means on the posts' levels, by least squares: 1 uses the scale as it is meant."""
    if not table.known:
        return not_measured("scale", "the posts have no levels of this rubric's aspects")
    places = [*table.places[CLEAN].values()]
    x = np.array([table.levels(place).mean() for place in places])
    y = table.means[places][:, table.known].mean(axis=1)
    x, y = x[~np.isnan(y)], y[~np.isnan(y)]
    failed, n = table.failed(CLEAN), len(x)
    if n < FEWEST or np.ptp(x) < 1:
        return replace(not_measured("scale", "too few posts, or their levels are too much alike"), failed=failed)
    centred = x - x.mean()
    slope = float(centred @ y / (centred @ centred))
    rest = y - y.mean() - slope * centred
    error = sqrt(float(rest @ rest) / (n - 2) / float(centred @ centred))
    low, high, p = by_t(slope, error, n - 2, 1.0)
    detail = {
        "spread": float(y.std(ddof=1)),
        "spread_of_levels": float(x.std(ddof=1)),
        "correlation": _correlation(x, y),
    }
    return Effect("scale", slope, low, high, n, p, failed=failed, detail=detail)


def _correlation(x: Floats, y: Floats) -> float | None:
    return float(np.corrcoef(x, y)[0, 1]) if np.ptp(x) > EQUAL and np.ptp(y) > EQUAL else None


def halo(table: Table) -> Effect:
    """How far the other aspects fall with one that is spoiled, beyond what their levels say. What is due is taken in
    proportion to the fall of the spoiled aspect itself, so that a compressed scale is no halo."""
    arms = [arm for arm in table.places if arm.startswith("broken:") and arm.partition(":")[2] in table.plan.has_levels]
    if len(table.known) < 2 or not arms:
        return not_measured("halo", "no post of the material has a broken twin with levels of this rubric's aspects")
    found: dict[str, list[tuple[float, float]]] = {}
    for arm in arms:
        at = table.plan.has_levels.index(arm.partition(":")[2])
        for base, place in table.places[arm].items():
            whole = table.places[CLEAN][base]
            fall = (table.means[whole] - table.means[place])[table.known]
            due = table.levels(whole) - table.levels(place)
            if due[at] >= LEAST_DUE:
                others, others_due = np.delete(fall, at).mean(), np.delete(due, at).mean()
                found.setdefault(base, []).append((float(others - fall[at] * others_due / due[at]), float(others)))
    units = [float(np.mean([more for more, _ in twins])) for twins in found.values()]
    falls = _mean([others for twins in found.values() for _, others in twins])
    return of_units("halo", units, table.failed(*arms), falls=falls, broken=sum(map(len, found.values())))


def injection(table: Table) -> Effect:
    """What a text that speaks to the judge brings, over all kinds of it; `by_kind` has each."""
    arms = table.plan.arms("injected:")
    if not arms:
        return not_measured("injection", "every post of the material deserves the highest scores anyway")
    by_kind = {arm.partition(":")[2]: table.differences(arm, CLEAN) for arm in arms}
    units: dict[str, list[float]] = {}
    for found in by_kind.values():
        for base, gain in found.items():
            units.setdefault(base, []).append(gain)
    means = {kind: _mean([*found.values()]) for kind, found in by_kind.items()}
    values = [value for found in units.values() if (value := _mean(found)) is not None]
    return of_units("injection", values, table.failed(*arms), by_kind=means)


def _mean(values: Sequence[float]) -> float | None:
    kept = [value for value in values if not np.isnan(value)]
    return float(np.mean(kept)) if kept else None


def noise(table: Table) -> Effect:
    """The standard deviation of the overall score between readings of one post; `of_aspects` that of each aspect."""
    kept = [n for n, question in enumerate(table.plan.questions) if question.repeats > 1]
    readings = table.readings[kept]
    overall = readings.mean(axis=2)
    counts = (~np.isnan(overall)).sum(axis=1)
    overall, readings, counts = overall[counts > 1], readings[counts > 1], counts[counts > 1]
    failed, free = table.failed(CLEAN), int((counts - 1).sum())
    if not free:
        return replace(not_measured("noise", "no post was read twice"), failed=failed)
    squares = float(np.nansum((overall - np.nanmean(overall, axis=1, keepdims=True)) ** 2))
    inside = readings - np.nanmean(readings, axis=1, keepdims=True)
    spreads = np.sqrt(np.nansum(inside**2, axis=(0, 1)) / free)
    of_aspects = dict(zip(table.plan.aspects, map(float, spreads), strict=True))
    low, high, p = _by_chi_square(squares, free, RULES["noise"].smallest)
    return Effect(
        "noise", sqrt(squares / free), low, high, len(counts), p if len(counts) >= FEWEST else None, failed=failed,
        detail={"of_aspects": of_aspects},
    )  # fmt: skip


def _by_chi_square(squares: float, free: int, smallest: float) -> tuple[float, float, float]:
    """Of a standard deviation: its interval, and p for being above `smallest`."""
    from scipy.special import chdtrc, chdtri

    low = sqrt(squares / float(chdtri(free, ALPHA / 2)))
    high = sqrt(squares / float(chdtri(free, 1 - ALPHA / 2)))
    return low, high, float(chdtrc(free, squares / smallest**2))


PROBES: dict[str, Callable[[Table], Effect]] = {
    "pair_position": pair_position,
    "context_position": context_position,
    "length": length,
    "style": style,
    "leniency": leniency,
    "scale": scale,
    "halo": halo,
    "injection": injection,
    "noise": noise,
}
"""What the readings of an audit say; `own_family` needs posts of the warehouse."""
