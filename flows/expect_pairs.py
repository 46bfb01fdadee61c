"""For a plan: what the judge of pairs would be asked, about posts that are there and posts that are not written yet."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from components.chat import ChatOutcome, ChatRequest, Status
from components.pairwise import Board, Contest, Match, PairwiseSpec, Tournament, compare, play, rounds_of, same_posts
from components.records import Item, Post, Prompt
from components.specs import Selection
from flows.buying import journal_of
from flows.compare_posts import Known
from flows.contests import Arm, comparisons_of, standing_posts
from flows.expect_run import Expected
from flows.judge_posts import words_of
from flows.settings import Settings


def expected_pairs(
    spec: PairwiseSpec,
    arms: Sequence[Arm],
    expected: Mapping[str, Expected],
    selection: Selection,
    settings: Settings,
) -> list[ChatRequest]:
    """The requests about all pairs of the spec's design, without those that are answered in the warehouse. The design
    is played with the answers that the journal has: it may ask for other pairs after those that it has not. `expected`:
    by the arms' names."""
    store, journal = settings.store(), journal_of(settings)
    contest = expected_contest(arms, expected, standing_posts(store, arms, selection))
    prompts: dict[str, Prompt] = {}
    items: dict[str, Item] = {}
    for one in expected.values():
        prompts |= one.prompts
        items |= one.about
    met = {key: prompt for key, prompt in prompts.items() if not prompt.item_id.startswith("expected ")}
    words = {key: found or {} for key, found in words_of(store, met, spec.words_from).items()}
    known = Known(spec, comparisons_of(store, spec.id, contest))
    asked: list[ChatRequest] = []
    now = datetime.now(UTC)

    async def write_down(requests: Sequence[ChatRequest]) -> list[ChatOutcome]:
        asked.extend(requests)
        found = journal.lookup_many(request.key for request in requests)
        return [
            found.get(request.key) or ChatOutcome(key=request.key, status=Status.bad_request, detail="planned")
            for request in requests
        ]

    def ask(matches: Sequence[Match]) -> list[float | None]:
        pairs = [contest.posts_of(match) for match in matches]
        todo = [pair for pair in pairs if not known.final(pair)]
        known.add(asyncio.run(compare(todo, prompts, items, words, spec, write_down, now)))
        return [known.points(pair) for pair in pairs]

    play(rounds_of(contest, spec), ask)
    return asked


def expected_contest(
    arms: Sequence[Arm], expected: Mapping[str, Expected], there: Mapping[str, Mapping[str, Post]]
) -> Contest:
    """As `between_arms` makes it; of an item about which an arm has no post yet, the first that it would write
    competes. `there`: item -> arm -> the post that stands."""
    left_out = same_posts((arm.name, arm.written) for arm in arms)
    names = tuple(arm.name for arm in arms if arm.name not in left_out)
    boards: dict[str, dict[str, Post]] = {}
    for name in names:
        one = expected[name]
        for item_id in one.about:
            if (post := there.get(item_id, {}).get(name)) is not None:
                boards.setdefault(item_id, {})[name] = post
        for post in sorted(one.posts, key=lambda post: post.candidate):
            boards.setdefault(one.prompts[post.prompt_id].item_id, {}).setdefault(name, post)
    found = tuple(Board(item_id, posts) for item_id, posts in sorted(boards.items()))
    return Contest("arm", (Tournament(names, found),), {}, left_out)
