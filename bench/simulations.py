"""Whether the statistics of judging keep what they promise, in worlds whose truth is known: python bench/simulations.py

Prints tables: how often 95 % intervals hold the truth, how often a planted improvement is found and a null one raises
an alarm, what failed judgments do to a mean, how many ratings a calibration needs, whether a ranking comes back. --runs
is per cell of a table; shares stand with their own 95 % interval (Clopper and Pearson 1934).
"""

import argparse
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta, ttest_ind

from components.statistics import (
    Duel,
    bounds,
    icc2k,
    isotonic,
    krippendorff_alpha,
    mean_with_interval,
    over_units,
    paired,
    rank,
    weighted_kappa,
)

SEED = 20261130
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class World:
    """Posts about items, read by a judge on four aspects in whole points from 1 to 10; overall is their mean.

    Standard deviations, in points: `items`, what makes one picture easier to write about than another, shared by all
    arms; `writing`, how far two posts about one item differ; `aspects`, how far a post's aspects lie from its worth;
    `reading`, the judge's own noise per aspect. Within an item overall scores of single readings then spread by 0.77
    points (see `within_item`), and the difference of two arms by 1.1 from item to item.
    """

    mean: float = 6.5
    items: float = 1.0
    writing: float = 0.65
    aspects: float = 0.5
    reading: float = 0.6

    def arm(self, items: Floats, rng: np.random.Generator, gain: float = 0.0) -> Floats:
        """Overall scores (items,) of one post each that is better by `gain` than usual."""
        worth = items + gain + rng.normal(0, self.writing, len(items))
        aspects = worth[:, None] + rng.normal(0, self.aspects, (len(items), 4))
        return np.clip(np.round(aspects + rng.normal(0, self.reading, aspects.shape)), 1, 10).mean(1)

    def draw(self, n: int, rng: np.random.Generator) -> Floats:
        return rng.normal(self.mean, self.items, n)

    def within_item(self) -> float:
        rng = np.random.default_rng(SEED)
        items = self.draw(200_000, rng)
        return float((self.arm(items, rng) - self.arm(items, rng)).std() / np.sqrt(2))


def share(count: int, of: int) -> str:
    """A share with its exact interval."""
    low = beta.ppf(0.025, count, of - count + 1) if count else 0.0
    high = beta.ppf(0.975, count + 1, of - count) if count < of else 1.0
    return f"{count / of:.1%} ({low:.1%} to {high:.1%})"


def table(title: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    print(f"\n### {title}\n\n| {' | '.join(head)} |\n|{'---|' * len(head)}")
    for row in rows:
        print(f"| {' | '.join(str(cell) for cell in row)} |", flush=True)


def readings(units: int, raters: int, rng: np.random.Generator) -> Floats:
    """One aspect read by several raters: worth with a deviation of 1.5 points, noise of 1."""
    return np.round(np.clip(rng.normal(6, 1.5, units) + rng.normal(0, 1, (raters, units)), 1, 10))


STATISTICS: dict[str, tuple[Callable[..., float | None], dict[str, str], int]] = {
    "alpha, interval": (krippendorff_alpha, {"level": "interval"}, 3),
    "alpha, ordinal": (krippendorff_alpha, {"level": "ordinal"}, 3),
    "alpha, nominal": (krippendorff_alpha, {"level": "nominal"}, 3),
    "ICC(2,k)": (icc2k, {}, 3),
    "weighted kappa": (weighted_kappa, {}, 2),
    "mean": (lambda table: float(table.mean()), {}, 1),
}


def coverage(name: str, units: int, runs: int, method: str, seed: int = SEED) -> int:
    """In how many of the runs the 95 % interval holds the value that endless posts would have."""
    statistic, options, raters = STATISTICS[name]
    endless = readings(400_000, raters, np.random.default_rng(seed))
    truth = statistic(*endless, **options) if statistic is weighted_kappa else statistic(endless, **options)
    rng, held = np.random.default_rng([seed, units]), 0
    for _ in range(runs):
        drawn = readings(units, raters, rng)
        if name == "mean":
            mean = mean_with_interval(drawn[0].tolist())
            low, high = mean["low"], mean["high"]
        else:
            found = over_units(statistic, drawn, 1000, method=method, **options)  # type: ignore[arg-type]
            low, high = found.low, found.high
        held += low is not None and high is not None and truth is not None and low <= truth <= high
    return held


def comparisons(gain: float, items: int, runs: int, seed: int = SEED, world: World | None = None) -> dict[str, int]:
    """In how many runs a difference of two arms over the same items is claimed, by rule."""
    world, rng = world or World(), np.random.default_rng([seed, round(100 * gain), items])
    found = {"ours": 0, "p only": 0, "interval only": 0, "unpaired t-test": 0, "wrong direction": 0}
    for _ in range(runs):
        worth = world.draw(items, rng)
        arms = world.arm(worth, rng, gain), world.arm(worth, rng)
        told = paired(*(dict(zip(map(str, range(items)), arm.tolist(), strict=True)) for arm in arms))
        found["ours"] += told.found
        found["p only"] += told.p is not None and told.p < 0.05
        found["interval only"] += told.low is not None and told.high is not None and (told.low > 0 or told.high < 0)
        found["unpaired t-test"] += bool(ttest_ind(*arms).pvalue < 0.05)
        found["wrong direction"] += told.found and (told.difference or 0) * gain < 0
    return found


def failures(rate: float, items: int, runs: int, seed: int = SEED) -> dict[str, float]:
    """What failed judgments do to a mean, where the worst posts fail most: biases in points, averaged over the runs.

    A post fails with a chance that falls with its score: twice the rate for the worst tenth, say, and little for the
    best; `rate` is their mean. `held`: share of runs in which the bounds hold the mean that all posts would have had.
    """
    world, rng = World(), np.random.default_rng([seed, round(1000 * rate), items])
    told: dict[str, list[float]] = {"ours": [], "failures count 0": [], "failures count 1": [], "held": [], "width": []}
    for _ in range(runs):
        scores = world.arm(world.draw(items, rng), rng)
        lean = np.exp(-(scores - scores.mean()))
        lost = rng.random(items) < np.clip(rate * lean / lean.mean(), 0, 1)
        kept, truth = scores[~lost], float(scores.mean())
        told["ours"].append((mean_with_interval(kept.tolist())["mean"] or 0.0) - truth)
        told["failures count 0"].append(float(np.where(lost, 0, scores).mean()) - truth)
        told["failures count 1"].append(float(np.where(lost, 1, scores).mean()) - truth)
        low, high = bounds(kept.tolist(), int(lost.sum()), (1, 10)) or (0.0, 0.0)
        told["held"].append(float(low <= truth <= high))
        told["width"].append(high - low)
    return {name: float(np.mean(values)) for name, values in told.items()}


def unequal_failures(rate: float, items: int, runs: int, seed: int = SEED) -> dict[str, float]:
    """Two arms that are equally good, of which one fails more: in which share of runs a difference is claimed."""
    world, rng = World(), np.random.default_rng([seed, 7, items])
    claimed = {"ours": 0, "failures count 0": 0, "robust": 0}
    for _ in range(runs):
        worth = world.draw(items, rng)
        one, other = world.arm(worth, rng), world.arm(worth, rng)
        lost = rng.random(items) < rate
        names = [str(at) for at in range(items)]
        with_gaps = {n: None if gone else float(s) for n, s, gone in zip(names, one, lost, strict=True)}
        as_zero = {n: 0.0 if gone else float(s) for n, s, gone in zip(names, one, lost, strict=True)}
        baseline = dict(zip(names, other.tolist(), strict=True))
        told = paired(with_gaps, baseline)
        claimed["ours"] += told.found
        claimed["robust"] += told.found and told.robust
        claimed["failures count 0"] += paired(as_zero, baseline, (0, 10)).found
    return {name: count / runs for name, count in claimed.items()}


def calibration(rated: int, runs: int, seed: int = SEED, lenience: float = 0.5) -> tuple[float, float, float]:
    """Mean absolute error to people on posts that were not rated: raw, calibrated, and how often calibrating helped.
    The judge gives `lenience` points too much and squeezes the scale by a third; people have noise of 1 point."""
    rng, told = np.random.default_rng([seed, rated]), []
    for _ in range(runs):
        worth = rng.normal(6, 1.5, rated + 500)
        people = np.clip(np.round(worth + rng.normal(0, 1, len(worth))), 1, 10)
        judge = np.clip(np.round(4 * (6 + lenience + 0.67 * (worth - 6) + rng.normal(0, 0.5, len(worth)))) / 4, 1, 10)
        learned = isotonic(judge[:rated], people[:rated], least=2)
        mapped = np.interp(judge[rated:], learned.scores, learned.ratings)
        told.append((np.abs(judge - people)[rated:].mean(), np.abs(mapped - people[rated:]).mean()))
    raw, mended = np.array(told).T
    return float(raw.mean()), float(mended.mean()), float((mended < raw).mean())


def rankings(duels: int, runs: int, seed: int = SEED) -> tuple[float, float]:
    """Six players half a unit apart, one duel in ten a tie: how often the whole order comes back, and the first one."""
    rng, truth = np.random.default_rng([seed, duels]), np.linspace(1.25, -1.25, 6)
    names, whole, first = [str(at) for at in range(6)], 0, 0
    for _ in range(runs):
        one, step = rng.integers(0, 6, duels), rng.integers(1, 6, duels)
        other = (one + step) % 6
        won = rng.random(duels) < 1 / (1 + np.exp(truth[other] - truth[one]))
        tie = rng.random(duels) < 0.1
        told = [
            Duel(names[i], names[j], 0.5 if level else float(win), str(at))
            for at, (i, j, win, level) in enumerate(zip(one, other, won, tie, strict=True))
        ]
        order = [strength.name for strength in rank(told, names, 2)]
        whole += order == names
        first += order[0] == names[0]
    return whole / runs, first / runs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000)
    runs = parser.parse_args().runs
    table(
        f"Coverage of 95 % intervals, {runs} worlds each",
        ["statistic", "posts", "percentile", "BCa"],
        (
            (name, units, *(share(coverage(name, units, runs, method), runs) for method in ("percentile", "bca")))
            for name in STATISTICS
            for units in (30, 100, 300)
        ),
    )
    rules = ("ours", "p only", "interval only", "unpaired t-test")
    table(
        f"Differences claimed, {runs} experiments, {5 * runs} without any; within-item SD {World().within_item():.2f}",
        ["true difference", "items", *rules],
        (
            (gain, items, *(share(found[rule], runs if gain else 5 * runs) for rule in rules))
            for gain in (0.0, 0.25, 0.5)
            for items in (20, 60, 200)
            for found in [comparisons(gain, items, runs if gain else 5 * runs)]
        ),
    )
    table(
        f"Failed judgments, more of bad posts, 60 items, {runs} runs: bias of the mean in points",
        ["failed", "ours", "failures count 0", "failures count as the lowest", "our bounds hold the truth", "width"],
        (
            (
                f"{rate:.0%}",
                *(f"{told[name]:+.2f}" for name in ("ours", "failures count 0", "failures count 1")),
                f"{told['held']:.1%}",
                f"{told['width']:.2f}",
            )
            for rate in (0.02, 0.1, 0.3)
            for told in [failures(rate, 60, runs)]
        ),
    )
    table(
        f"Two equal arms of which one fails, 60 items, {runs} runs: a difference is claimed",
        ["failed", "ours", "ours, whatever the failures were", "failures count 0"],
        (
            (f"{rate:.0%}", *(f"{told[name]:.1%}" for name in ("ours", "robust", "failures count 0")))
            for rate in (0.02, 0.1, 0.3)
            for told in [unequal_failures(rate, 60, runs)]
        ),
    )
    table(
        f"Calibration by isotonic regression, {runs} runs: mean absolute error on posts that were not rated",
        ["points too much", "rated", "raw", "calibrated", "calibrated is better"],
        (
            (lenience, rated, f"{raw:.2f}", f"{mended:.2f}", f"{better:.0%}")
            for lenience in (0.5, 1.0)
            for rated in (10, 20, 30, 50, 100, 300)
            for raw, mended, better in [calibration(rated, runs, lenience=lenience)]
        ),
    )
    table(
        f"Bradley-Terry, six players, {runs} runs",
        ["duels", "whole order right", "best found"],
        (
            (duels, f"{whole:.0%}", f"{first:.0%}")
            for duels in (60, 150, 500, 1500)
            for whole, first in [rankings(duels, max(20, runs // 10))]
        ),
    )


if __name__ == "__main__":
    main()
