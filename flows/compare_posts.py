"""posts -> comparisons: a judge says which of two posts is better, each pair in both orders, each call bought once.

Which pairs are asked, the spec's design chooses round by round from the answers so far. What is in the table already is
not asked again, and what is in the journal is not bought again: a run that was killed asks for the same pairs, since a
design depends on posts and answers alone.
"""

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run

from components.chat import check
from components.judgments import load_rubric
from components.judgments.worth import check_rubric_of_pairs
from components.pairwise import Match, PairwiseSpec, compare, pair_verdicts, play, rounds_of
from components.pairwise.designs import most_pairs
from components.pairwise.prompt import OVERALL, names_of
from components.pairwise.verdicts import ORDERS
from components.records import Comparison, Item, Post, Prompt
from components.specs import Budget, Selection
from flows.batching import in_parts, suspended_while_pending
from flows.buying import TRIED_AGAIN, Buyer
from flows.caching import frozen, whole
from flows.contests import Arm, comparisons_of, contest_of, refuse_own_model, writers_of
from flows.judge_posts import words_of
from flows.progress import progress
from flows.publish import StepResult, chunk_id, publish
from flows.settings import Settings, api_key
from flows.stopping import run_async

Pair = tuple[Post, Post]


@task(task_run_name="compare {chunk}", cache_policy=NO_CACHE)
def compare_chunk(
    spec: PairwiseSpec, spec_id: str, chunk: str, pairs: Sequence[Pair], budget: Budget, run_id: str, purse: str
) -> tuple[list[Comparison], Buyer]:
    """Buy the verdicts on one chunk of pairs. No retries here: the engine of calls has the only retry layer."""
    settings = Settings.from_environment()
    store, buyer = settings.store(), Buyer(settings, spec, budget, run_id, purse, spec_id)
    prompts = store.by_ids(Prompt, "prompts", "prompt_id", [post.prompt_id for pair in pairs for post in pair])
    items = store.by_ids(Item, "items", "item_id", [prompt.item_id for prompt in prompts.values()])
    words, now = words_of(store, prompts, spec.words_from), datetime.now(UTC)
    with frozen(spec, spec_id):
        return run_async(lambda: compare(pairs, prompts, items, words, spec, buyer, now)), buyer


@flow(name="compare_posts", flow_run_name="compare {spec.model} {selection.dataset}")
def compare_posts(
    spec: PairwiseSpec,
    arms: list[Arm],
    selection: Selection,
    budget: Budget | None = None,
    run_id: str = "",
    purse: str = "",
) -> StepResult:
    """Compare the posts of two or more arms on the same items, or the candidates of each prompt of one arm (of all that
    there is, without arms).

    Args:
        spec: Who compares, by which rubric, and which pairs.
        arms: Whose posts: the specs that wrote them. Empty: the candidates of each prompt compete.
        selection: Which items of the dataset: those published in a window, at most so many, or a random sample.
        budget: The most that this run may spend; empty: 1 USD.
        run_id: Leave empty: the pipeline sets it, to book what is done here under its own run.
        purse: Leave empty: runs with the same purse share one budget, and pipelines and backfills set it.
    """
    begun, settings, budget = time.monotonic(), Settings.from_environment().prepare(), budget or Budget()
    run_id = run_id or str(flow_run.id)  # deployed alone: each run has a budget of its own
    check(spec, api_key(spec.api_key_env), budget.allow_unpriced, settings.prices)
    check_rubric_of_pairs(spec.rubric)
    store, spec_id, result = settings.store(), spec.id, StepResult("compare_posts")
    contest = contest_of(store, arms, selection)
    refuse_own_model(spec, writers_of(store, contest))
    store.register(spec)
    known = Known(spec, comparisons_of(store, spec_id, contest))
    advance = progress("compare posts", most_pairs(contest, spec))

    def read(how: PairwiseSpec, part: Sequence[Pair]) -> None:
        chunk = chunk_id(spec_id, [post.post_id for pair in part for post in pair])
        rows, buyer = compare_chunk(how, spec_id, chunk, whole(part), budget, run_id, purse or run_id)
        new, quarantined = publish(
            store, "comparisons", rows, [], chunk=chunk, run_id=run_id, dataset=selection.dataset
        )
        result.rows, result.quarantined = result.rows + new, result.quarantined + quarantined
        result.bought, result.reused = result.bought + buyer.bought, result.reused + buyer.reused
        for error in filter(None, (row.error for row in rows)):
            result.failed[error] = result.failed.get(error, 0) + 1
        known.add(rows)
        advance(len(part))

    def ask(matches: Sequence[Match]) -> list[float | None]:
        pairs = [contest.posts_of(match) for match in matches]
        todo = [pair for pair in pairs if not known.final(pair)]
        result.already += len(pairs) - len(todo)
        advance(len(pairs) - len(todo))
        in_parts(spec, todo, read)
        return [known.points(pair) for pair in pairs]

    with suspended_while_pending():
        play(rounds_of(contest, spec), ask)
    result.seconds = time.monotonic() - begun
    return result


class Known:
    """What the judge has said so far, by pair."""

    def __init__(self, spec: PairwiseSpec, rows: Iterable[Comparison]) -> None:
        names = names_of(load_rubric(spec.rubric))
        self.wanted = {(repeat, order, name) for repeat in range(spec.repeats) for order in ORDERS for name in names}
        self.rows: dict[frozenset[str], list[Comparison]] = defaultdict(list)
        self.add(rows)

    def add(self, rows: Iterable[Comparison]) -> None:
        for row in rows:
            self.rows[frozenset((row.post_a, row.post_b))].append(row)

    def final(self, pair: Pair) -> bool:
        """Nothing of it will be tried again: done, or failed for good."""
        rows = self.rows.get(frozenset(post.post_id for post in pair), [])
        settled = {(row.repeat, row.shown_first, row.aspect) for row in rows if row.error not in TRIED_AGAIN}
        return self.wanted <= settled

    def points(self, pair: Pair) -> float | None:
        """Of the first of the pair, overall."""
        rows = self.rows.get(frozenset(post.post_id for post in pair), [])
        found = pair_verdicts(row for row in rows if row.aspect == OVERALL)
        return found[0].points_of(pair[0].post_id) if found else None
