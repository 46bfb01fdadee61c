"""The benchmark's claims on small numbers, and its three ways to ask before one biased server."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

RUNS = 400


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    path = Path(__file__).parents[2] / "bench" / "pairwise.py"
    spec = importlib.util.spec_from_file_location("bench_pairwise", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["bench_pairwise"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("bias", [{"coin": 0.4}, {"lean": 1.0}])
def test_both_orders_find_the_best_where_a_fixed_list_finds_the_first(
    bench: ModuleType, bias: dict[str, float]
) -> None:
    judge, best = bench.Judge(**bias), np.arange(RUNS) % bench.POSTS

    def found(rule: str) -> float:
        return float(bench.right(bench.on_items(rule, 60, judge, RUNS), best))

    ours, listed, shuffled, one = (found(rule) for rule in ("both", "listed", "shuffled", "one"))
    assert listed < 0.3 < shuffled < one < ours and ours > 0.8
    assert bench.of_one_item("both", 36, judge, RUNS) > bench.of_one_item("listed", 36, judge, RUNS) + 0.05
    equal = {rule: bench.of_arms(rule, 96, judge, RUNS, 0.0) for rule in ("both", "listed")}
    first = np.zeros(RUNS, dtype=int)
    assert bench.right(equal["listed"], first) > 0.9 and 0.18 < bench.right(equal["both"], first) < 0.32


def test_without_bias_all_find_more_than_chance_and_the_same_seed_gives_the_same(bench: ModuleType) -> None:
    judge = bench.Judge()
    found = {rule: bench.of_one_item(rule, 12, judge, RUNS) for rule in bench.RULES}
    assert all(share > 0.7 for share in found.values())
    assert found == {rule: bench.of_one_item(rule, 12, judge, RUNS) for rule in bench.RULES}


def test_the_three_ways_through_the_engine_and_a_server(bench: ModuleType) -> None:
    title, listed, shuffled, ours = bench.through_the_engine(items=12, first=0.4)
    assert "12 items" in title and listed.endswith("12 calls") and ours.endswith("144 calls")
    assert "shuffled" in shuffled
