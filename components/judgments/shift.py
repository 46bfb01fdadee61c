"""How much of a change is the judge's: two judges on the same posts, and one judge on the posts of two periods.

A series of means that changes its judge on the way has two reasons to move. Where the new judge has read the posts of
the old one too, the two come apart, exactly: the raw change is the change under one judge plus the judges' difference
on the same posts. Reads `post_scores`; the unit is the item (the mean of its posts), as its candidates are no
independent witnesses.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import yaml

from components.errors import UserError
from components.spec import Selection
from components.statistics.means import RESAMPLES, SEED
from components.statistics.paired import paired
from components.store import Store, selected

OVERALL = "overall"
Scores = dict[str, dict[str, dict[str, float | None]]]
"""judge's spec id -> post_id -> aspect, or `overall` -> mean of its readings."""


@dataclass(frozen=True, slots=True)
class Reader:
    """A judge that has read some of the posts; `scale` and `aspects` are its rubric's."""

    spec_id: str
    model: str
    rubric: str
    rubric_text: str
    scale: tuple[float, float]
    aspects: tuple[str, ...]
    posts: int
    last: str


@dataclass(frozen=True, slots=True)
class Readings:
    """What was read of a selection: by whom, of which items, with which scores."""

    readers: dict[str, Reader]
    items: dict[str, str]
    scores: Scores


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


def readings_of(store: Store, selection: Selection) -> Readings:
    """All that any judge has read of the selection's posts, whoever wrote them."""
    rows = store.query(
        f"""{selected(selection)} SELECT p.item_id, s.post_id, s.judge_spec_id, s.aspects, s.overall
        FROM post_scores s JOIN posts USING (post_id) JOIN prompts p USING (prompt_id)
        SEMI JOIN selected USING (item_id)
        ORDER BY p.item_id, s.post_id, s.judge_spec_id""",
        selection.model_dump(exclude_none=True),
    )
    scores: Scores = {}
    for row in rows:
        scores.setdefault(row["judge_spec_id"], {})[row["post_id"]] = {**row["aspects"], OVERALL: row["overall"]}
    specs = store.query(
        """SELECT spec_id, params, (SELECT max(created_at) FROM judgments j WHERE j.spec_id = specs.spec_id) AS last
        FROM specs WHERE spec_id IN (SELECT unnest($ids::VARCHAR[]))""",
        {"ids": list(scores)},
    )
    readers = {row["spec_id"]: _reader(row, len(scores[row["spec_id"]])) for row in specs}
    return Readings(readers, {row["post_id"]: row["item_id"] for row in rows}, scores)


def _reader(row: Mapping[str, Any], posts: int) -> Reader:
    params = json.loads(row["params"])
    text = params.get("rubric_text") or "{}"
    rubric = yaml.safe_load(text)
    scale = rubric.get("scale", {})
    return Reader(
        spec_id=row["spec_id"],
        model=params["model"],
        rubric=str(params.get("rubric", "")).rpartition("/")[2],
        rubric_text=text,
        scale=(float(scale.get("min", 1)), float(scale.get("max", 10))),
        aspects=tuple(aspect["name"] for aspect in rubric.get("aspects", ())),
        posts=posts,
        last=row["last"].isoformat(),
    )


def earlier_judge(found: Readings, new: str, asked: str = "") -> str | None:
    """The spec id of the judge to compare with: `asked` (a spec id, its beginning, or a model), or the one that has
    read most of what the new one has too, of those the latest; None where no other has read by these aspects."""
    if new not in found.readers:
        return None
    mine, others = found.readers[new], [one for one in found.readers.values() if one.spec_id != new]
    if asked:
        named = [one for one in others if one.spec_id.startswith(asked) or one.model == asked]
        if len(named) != 1:
            known = ", ".join(f"{one.spec_id} ({one.model}, {one.rubric})" for one in others) or "none"
            what = "names several judges" if named else "has read none of these posts"
            raise UserError(f"against: {asked!r} {what}; others that have read some: {known}")
        if not comparable(named[0], mine):
            raise UserError(
                f"against: {named[0].model} judged by {named[0].rubric}: no aspect of {mine.rubric} is in it"
            )
        return named[0].spec_id

    def rank(one: Reader) -> tuple[int, str, str]:
        return len(found.scores[one.spec_id].keys() & found.scores[new].keys()), one.last, one.spec_id

    ranked = sorted((one for one in others if comparable(one, mine)), key=rank)
    return ranked[-1].spec_id if ranked else None


def comparable(old: Reader, new: Reader) -> list[str]:
    """The aspects that both have, on one scale; `overall` too where they have the same ones."""
    if old.scale != new.scale:
        return []
    common = [name for name in new.aspects if name in old.aspects]
    return [*common, OVERALL] if common and set(old.aspects) == set(new.aspects) else common


def shift(found: Readings, old: str, new: str) -> Shift:
    """The difference of two judges on the posts that both have read."""
    before, after = found.readers[old], found.readers[new]
    olds, news = found.scores[old], found.scores[new]
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
    for at in range(RESAMPLES):
        near, away = rng.integers(0, len(a), len(a)), rng.integers(0, len(c), len(c))
        drawn[:, at] = a[near].mean(), b[near].mean(), c[away].mean()
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
