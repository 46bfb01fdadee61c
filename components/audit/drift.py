"""Whether a judge has drifted on its anchors, and how much of a change of the posts' scores is the judge's.

Each anchor is compared with its own mean over the baseline, the first periods; a period's value is the mean of these
differences over the anchors it has, in points. The alarm is a CUSUM (Page 1954) of the values after the baseline, in
standard deviations of one value. Its slack is half of the smallest shift that matters, at least LEAST_SLACK standard
deviations, and the standard error of the baseline on top of it: a baseline of few periods is itself a little off, and
without that a stable judge would be accused of it sooner or later. bench/README.md has the rates of both errors.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.audit.anchors import FORMS
from components.specs import AnchorSpec
from components.statistics import cusum

LEAST_SLACK = 0.75
LEAST_SD = 0.05
"""Points: a judge that gave the same scores throughout the baseline may still change by a rounding."""
COMMON = 0.10
"""If a baseline varies between periods more than its anchors' noise explains, with less than this chance, periods have
a noise of their own; it is then taken at the upper end of what so few periods can tell."""
Z = 1.96
SHOWN = 90
"""Periods that a run keeps for its report."""

SCORES = """SELECT anchor_id, period, CASE WHEN count(*) = count(mean) THEN avg(mean) END AS overall FROM (
        SELECT anchor_id, period, aspect, avg(score) AS mean FROM anchor_readings
        WHERE spec_id = $spec_id AND anchor_id IN (SELECT unnest($anchors::VARCHAR[])) AND period >= $since
        GROUP BY ALL
    ) GROUP BY ALL ORDER BY period, anchor_id"""
"""The overall score of each anchor in each period; null where an aspect has none."""

POSTS = """SELECT strftime(judged.since, $form) AS period, s.overall FROM post_scores s
    JOIN (SELECT post_id, spec_id AS judge_spec_id, min(created_at) AS since FROM judgments GROUP BY ALL) judged
    USING (post_id, judge_spec_id)
    JOIN posts po USING (post_id) JOIN prompts pr USING (prompt_id) JOIN items i USING (item_id)
    WHERE s.judge_spec_id = $spec_id AND i.dataset = $dataset AND s.overall IS NOT NULL
    ORDER BY period, s.post_id"""
"""Posts that the judge has read, by the period in which it did."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A difference in points, with its 95 % interval where there is one."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Drift:
    """One judge's readings of its anchors. `values`, `upper`, `lower` have one number per period; the two sums are in
    standard deviations and 0 throughout the baseline. `shift`: of the periods since the excursion began, else of the
    latest. `alarm_at`, `since`: places in `periods`."""

    spec_id: str
    periods: tuple[str, ...]
    values: tuple[float, ...]
    anchors: tuple[int, ...]
    baseline: int
    needed: int
    sd: float | None = None
    slack: float | None = None
    threshold: float = 5.0
    upper: tuple[float, ...] = ()
    lower: tuple[float, ...] = ()
    alarm_at: int | None = None
    direction: str | None = None
    since: int | None = None
    shift: Interval | None = None

    @property
    def state(self) -> str:
        return "drifted" if self.alarm_at is not None else "steady" if self.sd is not None else "collecting"


def since_of(spec: AnchorSpec) -> str:
    """The first period that counts; the empty text sorts before all."""
    return spec.since.strftime(FORMS[spec.every]) if spec.since else ""


def drift_of(rows: Sequence[Mapping[str, Any]], spec: AnchorSpec, spec_id: str = "") -> Drift:
    """`rows` as SCORES gives them. A period that lacks half of the anchors or more is left out: a few anchors that
    happened to be answered are no period. Anchors that the baseline lacks are left out, too."""
    names = sorted({row["anchor_id"] for row in rows})
    periods, table = _whole_periods(rows, names)
    need = spec.baseline
    base = table[:need]
    known = ~np.isnan(base).all(axis=0) if len(base) else np.zeros(len(names), dtype=bool)
    table = table[:, known]
    means = np.nanmean(table[:need], axis=0) if known.any() else np.zeros(0)
    away = table - means
    values = np.nanmean(away, axis=1) if away.size else np.zeros(len(periods))
    counts = tuple(int(n) for n in (~np.isnan(away)).sum(axis=1))
    found = Drift(
        spec_id,
        tuple(periods),
        tuple(map(float, values)),
        counts,
        min(need, len(periods)),
        need,
        threshold=spec.threshold,
    )
    return found if len(periods) <= need else _watched(found, away, spec)


def _whole_periods(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> tuple[list[str], NDArray[np.float64]]:
    periods = sorted({row["period"] for row in rows})
    table = np.full((len(periods), len(names)), np.nan)
    place = {name: n for n, name in enumerate(names)}
    at = {period: n for n, period in enumerate(periods)}
    for row in rows:
        if row["overall"] is not None:
            table[at[row["period"]], place[row["anchor_id"]]] = row["overall"]
    enough = (~np.isnan(table)).sum(axis=1) * 2 > len(names)
    return [period for period, kept in zip(periods, enough, strict=True) if kept], table[enough]


def _watched(found: Drift, away: NDArray[np.float64], spec: AnchorSpec) -> Drift:
    sd = noise_of(away[: found.needed])
    slack = max(spec.smallest / 2 / sd, LEAST_SLACK) + 1 / sqrt(found.needed)
    chart = cusum(found.values[found.needed :], 0.0, sd, slack, spec.threshold)
    quiet = (0.0,) * found.needed
    place = None if chart.alarm_at is None else chart.alarm_at + found.needed
    since = None if chart.since is None else chart.since + found.needed
    recent = found.values[since:] if since is not None else found.values[-1:]
    reach = Z * sd * sqrt(1 / len(recent) + 1 / found.needed)
    value = float(np.mean(recent))
    return Drift(
        found.spec_id, found.periods, found.values, found.anchors, found.baseline, found.needed, sd, slack,
        spec.threshold, quiet + chart.upper, quiet + chart.lower, place, chart.direction, since,
        Interval(value, value - reach, value + reach),
    )  # fmt: skip


def noise_of(away: NDArray[np.float64]) -> float:
    """The standard deviation of a period's value, in points, from a baseline of periods x anchors (NaN: missing): what
    the anchors' noise makes of it and, where the periods vary more than that, what they vary."""
    from scipy.special import chdtri, fdtrc

    values = np.nanmean(away, axis=1)
    rest = away - values[:, None]
    free = max(1, int((~np.isnan(away)).sum()) - len(away) - away.shape[1] + 1)
    n = float((~np.isnan(away)).sum(axis=1).mean())
    inside = float(np.nansum(rest**2)) / free / n
    between, periods = float(values.var(ddof=1)), len(values) - 1
    if between > 0 and (inside == 0 or float(fdtrc(periods, free, between / inside)) < COMMON):
        between *= periods / float(chdtri(periods, 0.8))
    return max(sqrt(max(inside, between)), LEAST_SD)


@dataclass(frozen=True, slots=True)
class Change:
    """The posts' mean in `period` against the baseline's, and what it is made of: posts = judge + rest."""

    period: str
    before: int
    after: int
    posts: Interval
    judge: Interval
    rest: Interval


def change_of(drift: Drift, rows: Sequence[Mapping[str, Any]]) -> Change | None:
    """`rows` as POSTS gives them. None without posts in the baseline and in a period after it."""
    if drift.sd is None:
        return None
    scores: dict[str, list[float]] = {}
    for row in rows:
        scores.setdefault(row["period"], []).append(row["overall"])
    before = np.array([score for period in drift.periods[: drift.needed] for score in scores.get(period, ())])
    later = [n for n in range(drift.needed, len(drift.periods)) if len(scores.get(drift.periods[n], ())) > 1]
    if len(before) < 2 or not later:
        return None
    at = later[-1]
    after = np.array(scores[drift.periods[at]])
    posts, error = (
        float(after.mean() - before.mean()),
        sqrt(after.var(ddof=1) / len(after) + before.var(ddof=1) / len(before)),
    )
    judge, doubt = drift.values[at], drift.sd * sqrt(1 + 1 / drift.needed)
    return Change(
        drift.periods[at], len(before), len(after), _interval(posts, error), _interval(judge, doubt),
        _interval(posts - judge, sqrt(error**2 + doubt**2)),
    )  # fmt: skip


def _interval(value: float, error: float) -> Interval:
    return Interval(value, value - Z * error, value + Z * error)


def shown(drift: Drift, change: Change | None) -> dict[str, Any]:
    """What a run keeps of it, for its report: of a long series the newest periods; places are counted from `first`."""
    first = max(0, len(drift.periods) - SHOWN)
    cut = {name: getattr(drift, name)[first:] for name in ("periods", "values", "anchors", "upper", "lower")}
    whole = asdict(drift) | cut | {"first": first, "state": drift.state, "said": told(drift)}
    return whole | {"change": None if change is None else asdict(change)}


def told(drift: Drift) -> str:
    """One sentence for the run's end."""
    if drift.state == "collecting":
        return f"anchors: period {len(drift.periods)} of {drift.needed} of the judge's baseline; then it is watched"
    shift = drift.shift
    assert shift is not None
    said = f"{shift.value:+.2f} points ({shift.low:+.2f} to {shift.high:+.2f}) against its baseline"
    if drift.state == "steady":
        return f"anchors: the judge is steady, {said}, in {drift.periods[-1]}"
    since = drift.periods[drift.since if drift.since is not None else drift.alarm_at or 0]
    return f"anchors: THE JUDGE HAS DRIFTED since about {since}: {said} (alarm in {drift.periods[drift.alarm_at or 0]})"
