"""The agreement block: how far a run's judge agrees with itself, with other judges and with people.

Read: `Readings`. What is written on the page is decided here, so that the template only lays it out. Every figure has
its n and interval; units of the bootstrap are the items, as candidates of one item are alike.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from components.report.readings import OVERALL, Floats, Judge, Readings, means
from components.statistics import Estimate, Isotonic, Mean, NoiseFloor, isotonic, mean_with_interval
from components.statistics.agreement_forms import Form, alpha, concordance, icc, within
from components.statistics.calibration import LEAST
from components.statistics.estimate import over_forms
from components.statistics.means import RESAMPLES
from components.statistics.noise import floor_of, spread

DRAWS = 4_000_000
"""Resampled readings per statistic: with many posts fewer resamples do, since each says more."""


@dataclass(frozen=True, slots=True)
class Floors:
    """The noise floor of each aspect, for marking differences that lie below it; empty where nothing was read twice.
    `readings`: how often the judge reads a post."""

    of: Mapping[str, NoiseFloor] = field(default_factory=dict)
    readings: int = 1

    def posts(self, aspect: str = OVERALL) -> float | None:
        """The smallest difference of two posts that is more than noise."""
        floor = self.of.get(aspect)
        return floor.of_posts(self.readings) if floor else None

    def groups(self, n: int, other: int, aspect: str = OVERALL) -> float | None:
        """The same of two means over so many posts."""
        floor = self.of.get(aspect)
        return floor.of_means(n, other, self.readings) if floor else None


NO_FLOORS = Floors()


@dataclass(frozen=True, slots=True)
class Noise:
    """One aspect read again by the same judge. `floor`: the smallest difference of two posts above the noise;
    `floor_means`: of two means over all `posts` posts each."""

    title: str
    readings: int
    sd: Estimate
    alpha: Estimate
    within: Estimate
    floor: float | None
    floor_means: float | None


@dataclass(frozen=True, slots=True)
class Panel:
    """One aspect read by several judges, each with the mean of its readings. `ranks`: Kendall's W, of three or more: of
    two it is a correlation of their ranks."""

    title: str
    judges: int
    alpha: Estimate
    one: Estimate
    mean: Estimate
    within: Estimate
    ranks: Estimate | None = None


@dataclass(frozen=True, slots=True)
class Other:
    """Another judge beside this run's, overall: `apart` is the mean of its scores minus those of this run's judge."""

    label: str
    apart: Mean
    alpha: Estimate


@dataclass(frozen=True, slots=True)
class People:
    """One aspect: this run's judge against the mean of the people who rated the post. `bias`: judge minus people;
    `points`: (judge, people, posts) for the plot; `line`: corners of the isotonic map, none below LEAST posts."""

    title: str
    bias: Mean
    mae: Mean
    alpha: Estimate
    within: Estimate
    between: Estimate
    raters: int
    points: tuple[tuple[float, float, int], ...]
    map: Isotonic | None

    @property
    def corners(self) -> list[tuple[float, float]]:
        """Of the isotonic map: (judge, people)."""
        return list(zip(self.map.scores, self.map.ratings, strict=True)) if self.map else []


@dataclass(frozen=True, slots=True)
class Block:
    noise: Sequence[Noise]
    panel: Sequence[Panel]
    others: Sequence[Other]
    people: Sequence[People]
    floors: Floors
    words: str
    left_out: int
    other_text: int = 0
    least: int = LEAST


def block_of(readings: Readings, titles: Mapping[str, str]) -> Block:
    """Of any posts, by the judge that stands first. `titles`: aspect -> title, in the rubric's order."""
    judge = readings.judges[0] if readings.judges else None
    repeats = judge.repeats if judge else 1
    own = readings.scores.get(judge.spec_id, {}) if judge else {}
    order = [*(name for name in titles if name in own), *sorted(set(own) - set(titles) - {OVERALL})]
    named = {name: titles.get(name) or name.replace("_", " ") for name in order} | ({OVERALL: "Overall"} if own else {})
    noise, floors = _noise(own, named, readings, repeats) if judge else ([], {})
    return Block(
        noise=noise,
        panel=_panel(readings, named),
        others=_others(readings, judge) if judge and own else [],
        people=_people(readings, judge, named) if judge and own else [],
        floors=Floors(floors if noise else {}, repeats),
        words=_words(own, noise, repeats),
        left_out=readings.left_out,
        other_text=readings.other_text,
    )


def _words(own: Mapping[str, Floats], noise: Sequence[Noise], repeats: int) -> str:
    """What is known of the judge's noise, for people who read no tables."""
    if not own:
        return "Nothing has been judged yet, so nothing is known about this judge."
    if not noise:
        asked = "set judge.repeats: 2" if repeats < 2 else "the further readings failed"
        return f"One reading each: nothing is known about this judge's noise; {asked}."
    overall = noise[-1]
    if not overall.sd.value:
        return (
            f"Read {overall.readings} times, every post got the same scores again: this judge has no noise of its own. "
            "That makes it steady, not right."
        )
    if overall.floor is None or overall.floor_means is None:
        return ""
    return (
        f"Read again, the same post's overall score moves by {overall.sd.value:.2f} points (standard deviation). This "
        f"judge does not tell apart two posts that differ by less than {overall.floor:.2f} points, nor means over "
        f"{overall.sd.n} posts each that differ by less than {overall.floor_means:.2f}."
    )


def _noise(
    own: Mapping[str, Floats], named: Mapping[str, str], readings: Readings, repeats: int
) -> tuple[list[Noise], dict[str, NoiseFloor]]:
    """Of each aspect that was read twice of any post."""
    again = {name: own[name] for name in named if ((~np.isnan(own[name])).sum(0) > 1).any()}
    makers: dict[str, Callable[[Floats], Form]] = {"sd": spread, "alpha": alpha, "within": within}
    forms = {(name, what): make(table) for name, table in again.items() for what, make in makers.items()}
    told = over_forms(forms, _resamples(len(readings.posts)), clusters=readings.clusters)
    floors = {name: floor_of(table, told[name, "sd"]) for name, table in again.items()}
    rows = [
        Noise(
            named[name],
            len(again[name]),
            floor.sd,
            told[name, "alpha"],
            told[name, "within"],
            floor.of_posts(repeats),
            floor.of_means(floor.sd.n, floor.sd.n, repeats),
        )
        for name, floor in floors.items()
    ]
    return rows, floors


def _panel(readings: Readings, named: Mapping[str, str]) -> list[Panel]:
    found = []
    for name, title in named.items():
        judges = [judge for judge in readings.same_question if name in readings.scores[judge.spec_id]]
        if name == OVERALL:  # a mean of other aspects is another thing
            judges = [judge for judge in judges if set(readings.scores[judge.spec_id]) == set(named)]
        if len(judges) < 2:
            continue
        table = np.stack([readings.means(judge, name) for judge in judges])
        if ((~np.isnan(table)).sum(0) > 1).any():
            forms = {"alpha": alpha(table), "one": icc(table), "mean": icc(table, True), "within": within(table)}
            if len(judges) > 2:
                forms["ranks"] = concordance(table)
            told = over_forms(forms, _resamples(len(readings.posts)), clusters=readings.clusters)
            found.append(Panel(title, len(judges), **told))
    return found


def _others(readings: Readings, judge: Judge) -> list[Other]:
    found = []
    own = readings.means(judge, OVERALL)
    for other in readings.judges[1:]:
        theirs = readings.scores[other.spec_id]
        if set(theirs) != set(readings.scores[judge.spec_id]):
            continue
        pair = np.stack([own, means(theirs[OVERALL])])
        both = ~np.isnan(pair).any(0)
        if both.any():
            apart = mean_with_interval((pair[1] - pair[0])[both].tolist())
            told = over_forms({"alpha": alpha(pair)}, _resamples(len(readings.posts)), clusters=readings.clusters)
            text = "" if other in readings.same_question else ", by another text"
            found.append(Other(other.label + text, apart, told["alpha"]))
    return found


def _people(readings: Readings, judge: Judge, named: Mapping[str, str]) -> list[People]:
    found = []
    for name, title in named.items():
        said = readings.people.get(name)
        if said is None:
            continue
        pair = np.stack([readings.means(judge, name), means(said)])
        both = ~np.isnan(pair).any(0)
        if not both.any():
            continue
        one, other = pair[:, both]
        items = [item for item, kept in zip(readings.clusters, np.asarray(both), strict=True) if kept]
        can_map = len(one) >= LEAST and len(np.unique(one)) > 1 and len(set(items)) > 1
        places, counts = np.unique(np.round(pair[:, both], 1), axis=1, return_counts=True)
        found.append(
            People(
                title=title,
                bias=mean_with_interval((one - other).tolist()),
                mae=mean_with_interval(np.abs(one - other).tolist()),
                **over_forms(
                    {"alpha": alpha(pair), "within": within(pair), "between": alpha(said)},
                    _resamples(len(readings.posts)),
                    clusters=readings.clusters,
                ),
                raters=int((~np.isnan(said)).any(1).sum()),
                points=tuple((float(x), float(y), int(n)) for x, y, n in zip(*places, counts, strict=True)),
                map=isotonic(one, other, clusters=items) if can_map else None,
            )
        )
    return found


def _resamples(posts: int) -> int:
    return int(np.clip(DRAWS / max(1, posts), 200, RESAMPLES))
