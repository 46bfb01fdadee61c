"""Posts that say their own quality, on items, and a way to buy without a server."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from components.chat import ChatOutcome, ChatRequest, Status
from components.pairwise import Board, Contest, Match, PairwiseSpec, Tournament, compare, pair_verdicts, play, rounds_of
from components.records import Comparison, Item, Post, Prompt, content_id

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def a_post(item: int, name: str, text: str, **changes: Any) -> Post:
    fields = {"post_id": content_id(item, name), "prompt_id": f"p{item}", "spec_id": "s", "platform": "x"}
    return Post(**{**fields, "text": text, "created_at": NOW, **changes})


def arms(qualities: Mapping[str, float], items: int) -> Contest:
    """A post of each arm on each item; its text says how good it is."""
    boards = [
        Board(
            f"i{item}",
            {
                name: a_post(item, name, f"{name} on {item}: quality {quality:g}.")
                for name, quality in qualities.items()
            },
        )
        for item in range(items)
    ]
    return Contest("arm", (Tournament(tuple(qualities), tuple(boards)),), {})


def candidates(qualities: Sequence[Sequence[float]]) -> Contest:
    """A tournament per item, of candidates of these qualities."""
    tournaments = []
    for item, mine in enumerate(qualities):
        posts = {f"candidate {n + 1}": f"{n} on {item}: quality {quality:g}." for n, quality in enumerate(mine)}
        board = Board(f"i{item}", {name: a_post(item, name, text) for name, text in posts.items()})
        tournaments.append(Tournament(tuple(posts), (board,)))
    return Contest("candidate", tuple(tournaments), {})


class Script:
    """Answers by a function of the request and the number of the round; keeps what it was asked."""

    def __init__(self, answer: Callable[[ChatRequest, int], str | Status], cost: float | None = 0.004) -> None:
        self.answer, self.cost, self.rounds = answer, cost, list[list[ChatRequest]]()

    async def __call__(self, requests: Sequence[ChatRequest]) -> list[ChatOutcome]:
        self.rounds.append(list(requests))
        return [self._outcome(request) for request in requests]

    def _outcome(self, request: ChatRequest) -> ChatOutcome:
        answer = self.answer(request, len(self.rounds))
        if isinstance(answer, Status):
            return ChatOutcome(key=request.key, status=answer, detail="as scripted", cost_usd=self.cost)
        return ChatOutcome(key=request.key, status=Status.ok, text=answer, cost_usd=self.cost)


def by(judge: Callable[[dict[str, Any]], str]) -> Script:
    """What a judge of tests/fake_provider answers, without its server."""

    def answer(request: ChatRequest, _: int) -> str:
        form = {"json_schema": {"schema": request.schema}}
        return judge({"messages": list(request.messages), "response_format": form, "seed": request.candidate})

    return Script(answer)


def asked(
    pairs: Sequence[tuple[Post, Post]], buy: Any, spec: PairwiseSpec | None = None, **item: Any
) -> list[Comparison]:
    fixed = {"spec_id": "s", "platform": "x", "template": "mpwl", "system": "", "user": ""}
    names = {post.prompt_id for pair in pairs for post in pair}
    prompts = {name: Prompt(prompt_id=name, item_id=f"i{name[1:]}", **fixed) for name in names}
    fields = {"dataset": "d", "spec_id": "s", "source_uri": "/x", "ingested_at": NOW, **item}
    items = {prompt.item_id: Item(item_id=prompt.item_id, **fields) for prompt in prompts.values()}
    words = {prompt: {"caption": ["a wooden pier at sunset"]} for prompt in prompts}
    return asyncio.run(compare(pairs, prompts, items, words, spec or PairwiseSpec(model="openai/m"), buy, NOW))


def played(contest: Contest, buy: Any, **spec: Any) -> tuple[list[Comparison], list[list[Match]]]:
    """All rounds of a design: the rows, and the matches of each round."""
    how = PairwiseSpec(model="openai/m", **spec)
    rows: list[Comparison] = []
    rounds: list[list[Match]] = []

    def ask(matches: Sequence[Match]) -> list[float | None]:
        rounds.append(list(matches))
        new = asked([contest.posts_of(match) for match in matches], buy, how)
        rows.extend(new)
        found = {frozenset((v.post_a, v.post_b)): v for v in pair_verdicts(new) if v.aspect == "overall"}
        pairs = [contest.posts_of(match) for match in matches]
        return [found[frozenset(post.post_id for post in pair)].points_of(pair[0].post_id) for pair in pairs]

    play(rounds_of(contest, how), ask)
    return rows, rounds
