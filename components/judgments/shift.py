"""How much of a change is the judge's: two judges on the same posts, and one judge on the posts of two periods.

A series of means that changes its judge on the way has two reasons to move. Where the new judge has read the posts of
the old one too, the two come apart, exactly: the raw change is the change under one judge plus the judges' difference
on the same posts. The unit is the item (the mean of its posts), as its candidates are no
independent witnesses.

The judge includes what it was shown: each post stands beside the beginnings of others of its run or window, and nobody
keeps which windows the old judge read by. So a change of neighbours counts as the judge's, and the shift says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from components.judgments.readings import Readings, comparable
from components.statistics.means import RESAMPLES, SEED
from components.statistics.paired import paired

NEIGHBOURS = (
    "posts are judged beside others of their run or window: if the old judge read in other windows than the new one, "
    "the difference holds what that changed"
)


@dataclass(frozen=True, slots=True)
class AspectShift:
    """Of one aspect, on the `n` items whose posts both judges read: the means, and new less old with its interval."""

    aspect: str
    n: int
    old: float | None
    new: float | None
    difference: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Shift:
    """`old` and `new` on the same posts. `posts`: read by both without a failure; `failed_old`, `failed_new`: of those
    that both were asked about, the ones that could not be read; `only_old`: not asked of the new judge (yet)."""

    old: str
    new: str
    posts: int
    failed_old: int
    failed_new: int
    only_old: int
    aspects: list[AspectShift]
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Part:
    """One term of a change, later period less earlier."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class AspectChange:
    """raw = one_judge + judges, exactly. `share`: judges / raw, where the raw change is certain to be one."""

    aspect: str
    n_earlier: int
    n_later: int
    raw: Part
    one_judge: Part
    judges: Part
    share: float | None


def shift(found: Readings, old: str, new: str) -> Shift:
    """The difference of two judges on the posts that both have read."""
    before, after = found.readers[old], found.readers[new]
    olds, news = found.scores[old], found.scores.get(new, {})
    both = sorted(olds.keys() & news.keys())
    names = comparable(before, after)
    aspects = []
    for name in names:
        one, other = _items(found, old, name, both, new), _items(found, new, name, both, old)
        test = paired(other, one, scale=before.scale)
        aspects.append(
            AspectShift(name, test.n, _mean(one), _mean(other), test.difference, test.low, test.high)
        )  # fmt: skip
    notes = []
    if before.rubric_text != after.rubric_text:
        notes.append(f"the rubrics differ too ({before.rubric}, {after.rubric}): the difference is of judge and rubric")
    if before.brief != after.brief:
        notes.append("the briefs differ too: the difference is of judge and brief")
    if before.beside or after.beside:
        notes.append(NEIGHBOURS)
    return Shift(
        old=old,
        new=new,
        posts=sum(_whole(olds[post], names) and _whole(news[post], names) for post in both),
        failed_old=sum(not _whole(olds[post], names) for post in both),
        failed_new=sum(not _whole(news[post], names) for post in both),
        only_old=len(olds.keys() - news.keys()),
        aspects=aspects,
        notes=notes,
    )


def change(here: Readings, old: str, new: str, there: Readings, there_is_later: bool) -> list[AspectChange]:
    """Between two periods: `here` was judged by `old` and, again, by `new`; `there` by `new` alone."""
    both = sorted(here.scores[old].keys() & here.scores[new].keys())
    sign, found = (1.0 if there_is_later else -1.0), []
    for name in comparable(here.readers[old], here.readers[new]):
        one, other = _items(here, old, name, both, new), _items(here, new, name, both, old)
        far = _items(there, new, name, sorted(there.scores[new]))
        earlier, later = (one, far) if there_is_later else (far, one)
        raw, same, judges = _parts(one, other, far, sign)
        certain = raw.low is not None and raw.high is not None and raw.low * raw.high > 0
        share = judges.value / raw.value if certain and raw.value and judges.value is not None else None
        found.append(AspectChange(name, len(earlier), len(later), raw, same, judges, share))
    return found


def _items(found: Readings, judge: str, name: str, posts: Sequence[str], beside: str | None = None) -> dict[str, float]:
    """item_id -> the mean of its posts; with `beside`, of those that this other judge could read as well."""
    per_item: dict[str, list[float]] = {}
    for post in posts:
        value = found.scores[judge][post].get(name)
        other = found.scores[beside][post].get(name) if beside else value
        if value is not None and other is not None:
            per_item.setdefault(found.items[post], []).append(value)
    return {item: sum(values) / len(values) for item, values in per_item.items()}


def _parts(
    old: Mapping[str, float], new: Mapping[str, float], far: Mapping[str, float], sign: float
) -> tuple[Part, Part, Part]:
    """The three terms with their percentile-bootstrap intervals: items of each period are drawn apart, and the two
    judges' scores of one item together (Efron and Tibshirani 1993, chapters 8 and 13)."""
    if not old or not far:
        nothing = Part(None, None, None)
        return nothing, nothing, nothing
    names = sorted(old)
    a, b = np.array([old[name] for name in names]), np.array([new[name] for name in names])
    c = np.array([far[name] for name in sorted(far)])
    rng = np.random.default_rng(SEED)
    drawn = np.empty((3, RESAMPLES))
    for at in range(0, RESAMPLES, 100):  # in parts, as all indices at once would be large for many items
        near, away = rng.integers(0, len(a), (100, len(a))), rng.integers(0, len(c), (100, len(c)))
        drawn[:, at : at + 100] = a[near].mean(1), b[near].mean(1), c[away].mean(1)
    means = np.array([a.mean(), b.mean(), c.mean()])
    terms = sign * np.array([[-1.0, 0, 1], [0, -1, 1], [-1, 1, 0]])
    enough = min(len(a), len(c)) > 1
    low, high = np.quantile(terms @ drawn, [0.025, 0.975], axis=1)
    values = terms @ means
    raw, one, judges = (
        Part(float(values[k]), float(low[k]) if enough else None, float(high[k]) if enough else None) for k in range(3)
    )
    return raw, one, judges


def _whole(scores: Mapping[str, float | None], names: Sequence[str]) -> bool:
    return all(scores.get(name) is not None for name in names)


def _mean(scores: Mapping[str, float]) -> float | None:
    return sum(scores.values()) / len(scores) if scores else None
