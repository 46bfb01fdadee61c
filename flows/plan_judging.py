"""The judging part of a plan: what each judge of a campaign would be asked, written down and not bought.

Reads the warehouse and the journal.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from components.chat import ChatOutcome, ChatRequest, Status
from components.judgments import judge
from components.judgments.panel import judges_of
from components.records import Item, Post, Prompt
from components.spec import Campaign, JudgeSpec, Selection
from flows.buying import TRIED_AGAIN, journal_of
from flows.expect_posts import worth_judging
from flows.judge_posts import Written, waiting_calls, words_of
from flows.settings import Settings


@dataclass
class JudgingPlan:
    """Readings to do and there, and the requests of those to do."""

    judge: JudgeSpec
    todo: int
    there: int
    requests: Sequence[ChatRequest]


def plan_judging(
    campaign: Campaign,
    written: Written,
    selection: Selection,
    coming: Sequence[Post],
    batch: Sequence[Post],
    prompts: Mapping[str, Prompt],
    items: Mapping[str, Item],
    settings: Settings,
) -> dict[str, JudgingPlan]:
    """Per judge of the campaign. `coming`: the posts that a run would write; `batch`: all that will be there then."""
    store, c = settings.store(), campaign
    expected = worth_judging(coming, c.generation)
    there = [post for post in store.posts_to_judge(selection, *written.ids) if post.prompt_id in prompts]
    found = {}
    for name, one in judges_of(c).items():
        todo = store.posts_without_judgments(selection, *written.ids, one.id, one.repeats, TRIED_AGAIN)
        unjudged, readable = [post for post in todo if post.prompt_id in prompts], there
        if c.generation.choose == "clip":  # another candidate may be nearer than the one so far, and one is judged
            renewed = {post.prompt_id for post in expected}
            readable, unjudged = ([p for p in of if p.prompt_id not in renewed] for of in (readable, unjudged))
        asked = judge_requests(one, [*unjudged, *expected], batch, prompts, items, settings)
        counts = (len(unjudged) + len(expected), len(readable) - len(unjudged))
        found[name] = JudgingPlan(one, counts[0] * one.repeats, counts[1] * one.repeats, asked)
    return found


def judge_requests(
    spec: JudgeSpec,
    posts: Sequence[Post],
    batch: Sequence[Post],
    prompts: Mapping[str, Prompt],
    items: Mapping[str, Item],
    settings: Settings,
) -> list[ChatRequest]:
    """The requests the judge would send: it is run with a buyer that writes them down, and answers from the journal
    alone, so that a reply which could not be read is followed by the repairs that were asked for."""
    asked: list[ChatRequest] = []
    store, journal, waiting = settings.store(), journal_of(settings), waiting_calls(settings)

    async def write_down(requests: Sequence[ChatRequest]) -> list[ChatOutcome]:
        asked.extend(requests)
        return [
            journal.lookup(request.key) or ChatOutcome(key=request.key, status=Status.bad_request, detail="planned")
            for request in requests
        ]

    used = {post.prompt_id: prompts[post.prompt_id] for post in posts}
    words = words_of(store, {key: prompt for key, prompt in used.items() if not prompt.item_id.startswith("expected ")})
    now = datetime.now(UTC)
    asyncio.run(judge(posts, used, items, words, spec, write_down, now, batch=batch, waiting=waiting))
    return asked
