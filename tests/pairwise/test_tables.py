"""Verdicts to figures: a planted order, flips, first places, cycles, failures, win rates, with their intervals."""

import itertools
import json
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.chat import ChatRequest, Status
from components.pairwise import Contest, Figures, figures, pair_verdicts
from components.pairwise.rates import clustered_rate, wilson
from components.pairwise.verdicts import ORDERS, PairVerdict
from components.records import Comparison, Item, Prompt, content_id
from components.warehouse.store import Store
from tests.fake_provider.pairwise_judge import BiasedJudge
from tests.pairwise.posts import NOW, Script, arms, asked, by, candidates, played
from tests.pairwise.test_comparing import labels_in

FOUR = {"a": 3.0, "b": 2.0, "c": 1.0, "d": 0.0}


def figures_of(contest: Contest, judge: Any, **spec: Any) -> Figures:
    rows, _ = played(contest, judge if isinstance(judge, Script) else by(judge), **spec)
    return figures(rows, contest.entrants(), contest.names)


@pytest.mark.parametrize("design", ["all", "swiss", "uncertain"])
def test_a_planted_order_is_found_through_a_biased_judge(design: str) -> None:
    found = figures_of(arms(FOUR, 40), BiasedJudge(first=0.3, noise=0.5), design=design)
    assert [standing.name for standing in found.standings] == list("abcd")
    assert [standing.place for standing in found.standings] == [1, 2, 3, 4]
    assert all(s.low is not None and s.high is not None and s.low < s.strength < s.high for s in found.standings)
    best, last = found.standings[0], found.standings[-1]
    assert best.low is not None and last.high is not None and best.low > last.high
    assert found.first_place.low is not None and found.first_place.low > 0.5, "the bias is seen"
    assert found.flips.value is not None and 0.2 < found.flips.value < 0.6
    assert found.cycles == [] and found.failed == {} and found.complete == found.pairs


def test_a_judge_that_always_says_the_first_flips_always_and_knows_no_winner() -> None:
    found = figures_of(arms(FOUR, 5), BiasedJudge(first=1.0))
    assert (found.flips.value, found.first_place.value) == (1.0, 1.0)
    assert found.flips.low is not None and found.flips.low < 0.7, "of five items no certainty comes"
    assert found.ties == found.complete == found.inconsistent == 30
    assert {standing.place for standing in found.standings} == {1}
    assert {standing.strength for standing in found.standings} == {0.0}


def test_a_fair_judge_flips_never() -> None:
    found = figures_of(arms(FOUR, 5), BiasedJudge())
    assert (found.flips.value, found.first_place.value, found.ties) == (0.0, 0.5, 0)
    assert found.flips.high is not None and found.flips.high > 0.3
    level = figures_of(arms(FOUR, 5), BiasedJudge(margin=10))
    assert (level.ties, level.inconsistent, level.first_place.value) == (30, 0, None)


def test_cycles_are_told() -> None:
    beats = {("a", "b"), ("b", "c"), ("c", "a"), ("a", "d"), ("b", "d"), ("c", "d")}

    def circular(request: ChatRequest, _: int) -> str:
        names = [name for name in _shown(request)]
        label = labels_in(request)[0 if tuple(names) in beats else 1]
        return json.dumps({"overall": {"reasoning": "round and round", "winner": label}})

    found = figures_of(arms(FOUR, 3), Script(circular))
    assert found.cycles == [("a", "b", "c")]
    assert [standing.place for standing in found.standings] == [1, 1, 1, 4]


def _shown(request: ChatRequest) -> list[str]:
    text = str(request.messages[1]["content"])
    return [text.split(f"<post_{label.lower()}>")[1][0] for label in labels_in(request)]


def test_failures_are_counted_by_kind_and_count_for_nobody() -> None:
    judge = BiasedJudge()
    fair = by(judge)

    def failing(request: ChatRequest, _: int) -> str | Status:
        if "on 0:" in str(request.messages[1]["content"]):
            return Status.timeout
        if "on 1:" in str(request.messages[1]["content"]) and _shown(request)[0] < _shown(request)[1]:
            return "I cannot say."
        answer = fair.answer(request, 0)
        return answer

    found = figures_of(arms({"a": 2.0, "b": 1.0}, 4), Script(failing))
    assert found.failed == {"timeout": 2, "unparsable": 1}
    assert (found.pairs, found.complete) == (4, 2)
    (rate, _) = found.win_rates
    assert (rate.name, rate.other, rate.wins, rate.ties, rate.losses, rate.incomplete) == ("a", "b", 2, 0, 0, 2)
    assert found.standings[0].pairs == 2, "a failure is no loss"


def test_a_success_after_a_failure_is_no_failure() -> None:
    contest = arms({"a": 2.0, "b": 1.0}, 2)
    pairs = [(board.posts["a"], board.posts["b"]) for board in contest.tournaments[0].boards]
    failed = asked(pairs, Script(lambda *_: Status.timeout))
    later = [replace(row, created_at=NOW.replace(year=2027)) for row in asked(pairs, by(BiasedJudge()))]
    for rows in ([*failed, *later], [*later, *failed]):
        found = figures(rows, contest.entrants(), contest.names)
        assert (found.failed, found.complete) == ({}, 2)


def test_win_rates_are_the_matrix_of_arms_with_intervals() -> None:
    found = figures_of(arms({"a": 1.0, "b": 0.0, "c": 0.0}, 60), BiasedJudge(noise=1.0), repeats=1)
    rates = {(rate.name, rate.other): rate for rate in found.win_rates}
    assert set(rates) == set(itertools.permutations("abc", 2))
    for (name, other), rate in rates.items():
        back = rates[other, name]
        assert rate.rate.value == pytest.approx(1 - (back.rate.value or 0.0)) and rate.rate.n == 60
        assert (rate.wins, rate.ties, rate.losses) == (back.losses, back.ties, back.wins)
    better, even = rates["a", "b"].rate, rates["b", "c"].rate
    assert better.low is not None and better.low > 0.5
    assert even.low is not None and even.high is not None and even.low < 0.5 < even.high


def test_candidates_of_different_prompts_are_pooled_by_their_number() -> None:
    found = figures_of(candidates([[1, 3, 2]] * 6), BiasedJudge())
    assert [standing.name for standing in found.standings] == ["candidate 2", "candidate 3", "candidate 1"]
    assert all(standing.pairs == 12 for standing in found.standings)


def test_rows_of_other_posts_are_left_out_and_no_rows_give_no_figures() -> None:
    contest, other = arms({"a": 2.0, "b": 1.0}, 2), arms({"x": 1.0, "y": 2.0}, 2)
    rows = [row for each in (contest, other) for row in played(each, by(BiasedJudge()))[0]]
    assert figures(rows, contest.entrants(), ["a", "b"]).pairs == 2
    empty = figures([], contest.entrants(), ["a", "b"])
    assert (empty.pairs, empty.flips.value, empty.first_place.value, empty.cycles) == (0, None, None, [])
    assert [standing.strength for standing in empty.standings] == [0.0, 0.0]


def test_wilson_equals_a_published_example() -> None:
    """Newcombe (1998), Statistics in Medicine 17, table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29."""
    published = {
        (81, 263): (0.2553, 0.3662), (15, 148): (0.0624, 0.1605), (0, 20): (0, 0.1611), (1, 29): (0.0061, 0.1718),
    }  # fmt: skip
    for (won, n), interval in published.items():
        assert wilson(won / n, n) == pytest.approx(interval, abs=5e-5)


def test_clustered_intervals_cover_what_they_promise() -> None:
    """Twelve items with eight verdicts each that lean together: naive trials would promise too much."""
    dice = np.random.default_rng(0)
    inside = naive = 0
    for _ in range(400):
        leaning = dice.beta(2, 2, size=12)
        counts = [(float(dice.binomial(8, p)), 8.0) for p in leaning]
        rate = clustered_rate(counts)
        assert rate.low is not None and rate.high is not None
        inside += rate.low <= 0.5 <= rate.high
        low, high = wilson(rate.value or 0.0, 96)
        naive += low <= 0.5 <= high
    assert 0.90 <= inside / 400 <= 0.98 and naive / 400 < 0.85
    assert clustered_rate([(3, 4)]).low is None, "one item says nothing of others"


def random_rows(seed: int) -> list[Comparison]:
    dice = random.Random(seed)
    rows = []
    for pair, repeat, aspect, order in itertools.product(range(12), range(3), ("overall", "wit"), ORDERS):
        one, other = sorted((content_id(pair), content_id(pair, "x")))
        for attempt in range(2):
            ends = {0: ["a", "b", "tie", None], 1: ["a", "b", "tie", None, "skip", "skip"]}
            verdict = dice.choice(ends[attempt])
            if verdict == "skip" or (attempt == 1 and rows[-1].verdict):
                continue
            error = None if verdict else ("timeout", "unparsable")[attempt]
            same = pair == 3
            rows.append(
                Comparison(
                    comparison_id=Comparison.make_id(one, other, "s", order, repeat, aspect, error), post_a=one,
                    post_b=other, spec_id="s", shown_first=order, repeat=repeat, aspect=aspect, error=error,
                    verdict="tie" if same else verdict, call_key=None if same else "k",
                    cost_usd=0.001, created_at=NOW,
                )
                if not same or attempt == 0
                else rows.pop()
            )  # fmt: skip
            if same:
                rows[-1] = replace(rows[-1], error=None)
    return rows


def test_the_view_says_what_the_python_says(tmp_path: Path) -> None:
    store = Store(tmp_path / "w.duckdb")
    store.prepare()
    rows = random_rows(3)
    posts = sorted({post for row in rows for post in (row.post_a, row.post_b)})
    from tests.pairwise.posts import a_post

    item = Item(item_id="i", dataset="d", spec_id="s", source_uri="/x", ingested_at=NOW)
    prompt = Prompt(prompt_id="p", item_id="i", spec_id="s", platform="x", template="t", system="", user="")
    store.append({
        "items": [item], "prompts": [prompt], "comparisons": rows,
        "posts": [a_post(0, "", "text", post_id=post, prompt_id="p") for post in posts],
    })  # fmt: skip
    viewed = store.query("SELECT * FROM pair_verdicts ORDER BY post_a, post_b, aspect")
    assert {row["item_id"] for row in viewed} == {"i"} and {row["judge_spec_id"] for row in viewed} == {"s"}

    def as_seen(verdict: PairVerdict) -> Sequence[Any]:
        return (
            verdict.post_a, verdict.post_b, verdict.aspect, verdict.verdict, verdict.points_a, verdict.readings,
            verdict.inconsistent, verdict.incomplete, verdict.asked,
        )  # fmt: skip

    columns = ["post_a", "post_b", "aspect", "verdict", "points_a", "readings", "inconsistent", "incomplete", "asked"]
    assert [tuple(row[name] for name in columns) for row in viewed] == sorted(map(as_seen, pair_verdicts(rows)))
    kinds = {row["verdict"] for row in viewed}
    assert kinds == {"a", "b", "tie", "incomplete"} and {row["asked"] for row in viewed} == {True, False}
