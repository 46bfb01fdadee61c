"""What the statistics promise, in worlds whose truth is known; bench/simulations.py prints the long tables."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def worlds() -> ModuleType:
    path = Path(__file__).parents[2] / "bench" / "simulations.py"
    spec = importlib.util.spec_from_file_location("simulations", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["simulations"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_half_a_point_at_sixty_items_is_found_and_nothing_is_not(worlds: ModuleType) -> None:
    """60 items; an alarm is a claim in either direction where there is nothing. Blocks of 200 runs differ by the
    binomial's 1.5 points (standard deviation), so five blocks are asked together: their true rate is at most 5 %, as
    flipping signs is exact, and a little less, as the interval is asked too."""
    runs, blocks = 200, 5
    spread = worlds.World().within_item()
    planted = worlds.comparisons(0.5, 60, runs)
    null = [worlds.comparisons(0.0, 60, runs, seed=worlds.SEED + block) for block in range(blocks)]
    alarms = [told["ours"] for told in null]
    print(
        f"within-item SD {spread:.2f}, 60 items: 0.5 points found in {planted['ours'] / runs:.1%} of {runs} runs "
        f"(unpaired t-test {planted['unpaired t-test'] / runs:.1%}); false alarms {sum(alarms) / runs / blocks:.1%}, "
        f"in blocks of {runs}: {', '.join(map(str, alarms))}"
    )
    assert 0.7 < spread < 0.85
    assert planted["ours"] >= 0.8 * runs
    assert planted["wrong direction"] == 0
    assert planted["ours"] > planted["unpaired t-test"]
    assert sum(alarms) <= 0.05 * runs * blocks


@pytest.mark.slow
def test_failures_move_our_mean_less_than_counting_them_as_zero(worlds: ModuleType) -> None:
    """One judgment in ten fails, more often of bad posts: our mean is a little too high, which its bounds admit."""
    told = worlds.failures(0.1, 60, 400)
    print("10 % failed, bias in points:", {name: round(value, 3) for name, value in told.items()})
    assert 0 < told["ours"] < 0.2
    assert told["failures count 0"] < -0.4
    assert told["failures count 1"] < -0.3
    assert told["held"] == 1.0


@pytest.mark.slow
def test_an_arm_that_fails_more_often_is_not_a_worse_arm(worlds: ModuleType) -> None:
    told = worlds.unequal_failures(0.1, 60, 200)
    print("two equal arms, 10 % of one failed, a difference is claimed:", told)
    assert told["ours"] <= 0.08
    assert told["robust"] <= 0.02
    assert told["failures count 0"] > 0.3


@pytest.mark.slow
def test_calibrating_pays_from_the_stated_minimum_on(worlds: ModuleType) -> None:
    """A judge that gives a point too much is mended by 30 ratings; for one that is half a point off they are about
    even, and many fewer would make it worse."""
    for rated, lenience in ((10, 0.5), (30, 0.5), (30, 1.0)):
        raw, mended, better = worlds.calibration(rated, 60, lenience=lenience)
        print(
            f"{rated} ratings, judge {lenience} points too high: error on other posts {raw:.2f} raw, {mended:.2f} "
            f"calibrated, better in {better:.0%}"
        )
        if rated < 30:
            assert mended > raw
        else:
            assert mended < raw + 0.02
    assert mended < 0.9 * raw
    assert better > 0.9
