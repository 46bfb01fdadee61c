"""How often the best of several posts is found through a judge that prefers what stands first: python bench/pairwise.py

Compares ways to ask: pairs in both orders, where orders that disagree are a tie (ours); pairs in one order each, drawn
by lot (a single shuffle); one call that shows all and asks for the index of the best, in the order in which they are
listed (promptfoo's select-best); and the same in an order drawn by lot. Pairs end in Bradley-Terry, the rest in votes.
Simulated at the level of answers; --engine asks the same once through the real engine and a server.

The judge sees each post's quality with noise (Gumbel, so that it errs as Bradley and Terry, and Luce, say), and has one
of two biases: with probability p it names what stands first without looking (`coin`), or it adds a constant to the
quality of what stands first (`lean`). --list-noise says how much worse it sees when it is shown all at once.
"""

import argparse
import asyncio
import itertools
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from components.statistics.bradley_terry import bradley_terry

sys.path.insert(0, str(Path(__file__).parents[1]))  # tests.fake_provider
Floats = NDArray[np.float64]
Ints = NDArray[np.int_]
POSTS = 4
NOISE = 0.5
BETTER = 0.4
"""How far the best arm lies above the others, in standard deviations of posts about different items."""
COINS, LEANS = (0.0, 0.2, 0.4, 0.6), (0.5, 1.0, 2.0)


@dataclass(frozen=True)
class Judge:
    """`coin`: how often it names the first without looking; `lean`: what it adds to the first's quality; `blur`: by
    what its noise is multiplied where it is shown more than two posts."""

    coin: float = 0.0
    lean: float = 0.0
    blur: float = 1.0

    def choose(self, shown: Floats, dice: np.random.Generator) -> Ints:
        """(..., n) qualities as they stand -> (...) places of the winners."""
        noise = NOISE * (self.blur if shown.shape[-1] > 2 else 1.0)
        seen = shown + noise * dice.gumbel(size=shown.shape)
        seen[..., 0] += self.lean
        won: Ints = np.where(dice.random(shown.shape[:-1]) < self.coin, 0, seen.argmax(-1))
        return won


def select_best(quality: Floats, judge: Judge, dice: np.random.Generator, shuffled: bool) -> Ints:
    """(..., n) -> (...): one call that shows all; the index, turned back where the order was drawn."""
    order = np.broadcast_to(np.arange(quality.shape[-1]), quality.shape)
    if shuffled:
        order = dice.random(quality.shape).argsort(-1)
    won = judge.choose(np.take_along_axis(quality, order, -1), dice)
    return np.take_along_axis(order, won[..., None], -1)[..., 0]


def one_order(one: Floats, other: Floats, judge: Judge, dice: np.random.Generator) -> Floats:
    """(...) qualities -> (...) points of `one`, in an order drawn by lot. One call each."""
    ahead = dice.random(one.shape) < 0.5
    shown = np.stack([np.where(ahead, one, other), np.where(ahead, other, one)], -1)
    return ((judge.choose(shown, dice) == 0) == ahead).astype(float)


def both_orders(one: Floats, other: Floats, judge: Judge, dice: np.random.Generator) -> Floats:
    """(...) qualities -> (...) points of `one`: 1, 0, or 1/2 where the orders disagree. Two calls each."""
    first = judge.choose(np.stack([one, other], -1), dice) == 0
    second = judge.choose(np.stack([other, one], -1), dice) == 1
    return np.where(first == second, first.astype(float), 0.5)


PAIRED = {"one": (one_order, 1), "both": (both_orders, 2)}
"""Rule -> how a pair is asked, and what that costs in calls."""
PAIRS = list(itertools.combinations(range(POSTS), 2))


def right(scores: Floats, best: Ints) -> float:
    """(runs, n) scores: how often the highest is the best; of m that share the top, one in m."""
    top = scores.round(9) == scores.round(9).max(1, keepdims=True)
    return float((top[np.arange(len(best)), best] / top.sum(1)).mean())


def tally(winners: Ints, n: int) -> Floats:
    """(runs, calls) winners -> (runs, n) votes."""
    return np.stack([(winners == place).sum(1) for place in range(n)], 1).astype(float)


# --- the best of one item's posts ------------------------------------------------------------------------------------


def of_one_item(rule: str, calls: int, judge: Judge, runs: int, seed: int = 0) -> float:
    """How often the best of four posts about one item is found; with more calls than one round takes, rounds repeat and
    votes, or points, add up."""
    dice = np.random.default_rng(seed)
    quality = dice.normal(size=(runs, POSTS))
    best = quality.argmax(1)
    if rule in ("listed", "shuffled"):
        repeated = np.repeat(quality[:, None], calls, 1)
        return right(tally(select_best(repeated, judge, dice, rule == "shuffled"), POSTS), best)
    asked, cost = PAIRED[rule]
    wins = np.zeros((runs, POSTS, POSTS))
    for _ in range(calls // (cost * len(PAIRS))):
        for one, other in PAIRS:
            points = asked(quality[:, one], quality[:, other], judge, dice)
            wins[:, one, other] += points
            wins[:, other, one] += 1 - points
    return right(bradley_terry(wins), best)


# --- the best of four arms, over items -------------------------------------------------------------------------------


def of_arms(rule: str, calls: int, judge: Judge, runs: int, better: float = BETTER, seed: int = 0) -> Floats:
    """(runs, 4) scores of the arms after so many calls, each on other items; arm `run % 4` is `better`."""
    dice = np.random.default_rng(seed)
    arms = _arms(runs, better)
    if rule in ("listed", "shuffled"):
        quality = arms[:, None] + dice.normal(size=(runs, calls, POSTS))
        return tally(select_best(quality, judge, dice, rule == "shuffled"), POSTS)
    asked, cost = PAIRED[rule]
    wins = np.zeros((runs, POSTS, POSTS))
    for number, (one, other) in enumerate(PAIRS):
        items = calls // cost // len(PAIRS) + (number < calls // cost % len(PAIRS))
        quality = arms[:, None, [one, other]] + dice.normal(size=(runs, items, 2))
        _add(wins, one, other, asked(quality[..., 0], quality[..., 1], judge, dice))
    return bradley_terry(wins)


def on_items(rule: str, items: int, judge: Judge, runs: int, better: float = BETTER, seed: int = 0) -> Floats:
    """(runs, 4) scores of the arms where so many items are all there is, each asked about once in every way."""
    dice = np.random.default_rng(seed)
    quality = _arms(runs, better)[:, None] + dice.normal(size=(runs, items, POSTS))
    if rule in ("listed", "shuffled"):
        return tally(select_best(quality, judge, dice, rule == "shuffled"), POSTS)
    wins = np.zeros((runs, POSTS, POSTS))
    for one, other in PAIRS:
        _add(wins, one, other, PAIRED[rule][0](quality[..., one], quality[..., other], judge, dice))
    return bradley_terry(wins)


def _arms(runs: int, better: float) -> Floats:
    arms = np.zeros((runs, POSTS))
    arms[np.arange(runs), np.arange(runs) % POSTS] = better
    return arms


def _add(wins: Floats, one: int, other: int, points: Floats) -> None:
    """`points` of `one` (runs, items) into `wins` (runs, n, n)."""
    wins[:, one, other] += points.sum(1)
    wins[:, other, one] += points.shape[1] - points.sum(1)


RULES = {
    "listed": "all at once, as listed",
    "shuffled": "all at once, shuffled",
    "one": "pairs, one order",
    "both": "pairs, both orders (ours)",
}
JUDGES = [*(Judge(coin=p) for p in COINS), *(Judge(lean=x) for x in LEANS)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=4000)
    parser.add_argument("--list-noise", type=float, default=1.0, help="factor on the noise of calls that show all")
    parser.add_argument("--engine", action="store_true", help="also once through the real engine and a server")
    given = parser.parse_args()
    judges = [replace(judge, blur=given.list_noise) for judge in JUDGES]
    table = Table("looked for", "asked", "calls", *(named(judge) for judge in judges), box=None)

    def add(looked_for: str, rule: str, calls: int, measure: Callable[[Judge], float]) -> None:
        table.add_row(looked_for, RULES[rule], str(calls), *(f"{measure(judge):.3f}" for judge in judges))

    runs, best = given.runs, np.arange(given.runs) % POSTS
    for calls in (1, 12, 36):
        for rule in RULES if calls > 1 else ("listed", "shuffled"):
            add("an item's best post", rule, calls, lambda judge: of_one_item(rule, calls, judge, runs))  # noqa: B023
    for calls in (96, 384):
        for rule in RULES:
            add("the best arm", rule, calls, lambda judge: right(of_arms(rule, calls, judge, runs), best))  # noqa: B023
    for rule, calls in {"listed": 60, "shuffled": 60, "one": 360, "both": 720}.items():
        add("the best arm, 60 items", rule, calls, lambda judge: right(on_items(rule, 60, judge, runs), best))  # noqa: B023
    for rule in RULES:
        first = np.zeros(runs, dtype=int)
        add("of equals: the first", rule, 96, lambda judge: right(of_arms(rule, 96, judge, runs, 0.0), first))  # noqa: B023
    Console(width=140).print(table)
    if given.engine:
        print("\n".join(through_the_engine(items=200, first=0.4)))


def named(judge: Judge) -> str:
    return f"lean {judge.lean:g}" if judge.lean else f"coin {judge.coin:g}"


# --- once through the engine and a server ----------------------------------------------------------------------------


def through_the_engine(items: int, first: float) -> list[str]:
    """The three rules on the same posts before one biased server; every call through the engine, journal and all."""
    from components.chat import ChatRequest, Journal, Ledger, buy
    from components.pairwise import PairwiseSpec
    from tests.fake_provider import FakeProvider
    from tests.fake_provider.pairwise_judge import BiasedJudge, marked_quality
    from tests.pairwise.posts import candidates, played

    dice = np.random.default_rng(7)
    contest = candidates(dice.normal(size=(items, POSTS)).round(3).tolist())
    boards = [tournament.boards[0].posts for tournament in contest.tournaments]
    texts = [[post.text or "" for post in posts.values()] for posts in boards]
    best = np.array([np.argmax([marked_quality(text) for text in mine]) for mine in texts])
    with (
        FakeProvider(reply=BiasedJudge(first=first, noise=NOISE)) as server,
        tempfile.TemporaryDirectory() as folder,
    ):
        spec = PairwiseSpec(model="openai/m", endpoint=server.url, max_concurrency=32)
        journal, ledger = Journal(Path(folder)), Ledger(1.0, allow_unpriced=True)

        async def bought(requests: Sequence[ChatRequest]) -> list[object]:
            return list(await buy(requests, spec=spec, api_key=None, journal=journal, ledger=ledger, run_id="r"))

        def listed(turned: Callable[[int], Ints]) -> float:
            orders = [turned(len(mine)) for mine in texts]
            shown = [[mine[at] for at in order] for mine, order in zip(texts, orders, strict=True)]
            requests = [_at_once(spec, mine) for mine in shown]
            replies = asyncio.run(bought(requests))
            won = [order[int(reply.text)] for order, reply in zip(orders, replies, strict=True)]  # type: ignore[attr-defined]
            return float((np.array(won) == best).mean())

        def ours() -> float:
            return _best_found(contest, played(contest, bought, endpoint=server.url)[0], best)

        lines = [f"through the engine, {items} items, coin {first:g}:"]
        ways = {"listed": lambda: listed(np.arange), "shuffled": lambda: listed(dice.permutation), "both": ours}
        for rule, way in ways.items():
            before, found = server.stats["requests"], way()
            lines.append(f"  {RULES[rule]}: {found:.3f}, {server.stats['requests'] - before} calls")
    return lines


def _at_once(spec: object, texts: Sequence[str]) -> object:
    """What promptfoo's select-best asks, in our words: all texts under their indices, and the index as the reply."""
    from components.chat import ChatRequest

    shown = "\n".join(f'<text index="{at}">{text}</text>' for at, text in enumerate(texts))
    messages = (
        {"role": "system", "content": "Which of these texts is best? Answer with its index, a number, alone."},
        {"role": "user", "content": shown},
    )
    return ChatRequest(
        stage="bench",
        model=spec.model,  # type: ignore[attr-defined]
        endpoint=spec.endpoint,  # type: ignore[attr-defined]
        messages=messages,
        temperature=0.0,
    )


def _best_found(contest: object, rows: Sequence[object], best: Ints) -> float:
    from components.pairwise import figures

    scores = np.zeros((len(best), POSTS))
    for number, tournament in enumerate(contest.tournaments):  # type: ignore[attr-defined]
        (board,) = tournament.boards
        entrants = {post.post_id: (name, board.item_id) for name, post in board.posts.items()}
        found = figures(rows, entrants, tournament.names)  # type: ignore[arg-type]
        of = {standing.name: standing.strength for standing in found.standings}
        scores[number] = [of[name] for name in tournament.names]
    return right(scores, best)


if __name__ == "__main__":
    main()
