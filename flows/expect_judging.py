"""For a plan: what a judge would be asked, about posts that are there and posts that are not written yet."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from components.chat import ChatOutcome, ChatRequest, Status
from components.judgments import beside_in, judge
from components.records import Item, Post, Prompt
from components.specs import Campaign, GenerationSpec, JudgeSpec
from flows.buying import journal_of
from flows.expect_posts import worth_judging
from flows.judge_posts import HasFeatures, waiting_calls, words_of
from flows.left import There
from flows.settings import Settings


@dataclass(frozen=True)
class Judging:
    """Readings by one judge, of one post each: to do, and there already; `requests` are the calls of those to do."""

    todo: int
    there: int
    requests: list[ChatRequest]


def expected_judging(
    name: str,
    spec: JudgeSpec,
    campaign: Campaign,
    prompts: Mapping[str, Prompt],
    items: Mapping[str, Item],
    there: There,
    coming: Sequence[Post],
    read: HasFeatures,
    settings: Settings,
) -> Judging:
    """What the judge `spec` of that name would read: of what is there, and of `coming`, the posts that a run would
    write. `there` has the posts of these prompts alone."""
    generation = campaign.generation
    expected = worth_judging(coming, generation)
    written, unjudged = (
        not_renewed(posts, expected, generation) for posts in (there.to_judge, there.left.unjudged[name])
    )
    batch = in_the_feed([*there.written, *coming], prompts, items)  # neighbours are part of a call's key
    asked = judge_requests([*unjudged, *expected], batch, prompts, items, settings, spec, read)
    return Judging((len(unjudged) + len(expected)) * spec.repeats, (len(written) - len(unjudged)) * spec.repeats, asked)


def not_renewed(posts: Sequence[Post], expected: Sequence[Post], spec: GenerationSpec) -> list[Post]:
    """With `choose: clip` another candidate may be nearer than the one so far: one of a prompt is judged in the end."""
    renewed = {post.prompt_id for post in expected} if spec.choose == "clip" else set[str]()
    return [post for post in posts if post.prompt_id not in renewed]


def judge_requests(
    posts: Sequence[Post],
    batch: Sequence[Post],
    prompts: Mapping[str, Prompt],
    items: Mapping[str, Item],
    settings: Settings,
    spec: JudgeSpec,
    read: HasFeatures | None = None,
) -> list[ChatRequest]:
    """The requests the judge would send: it is run with a buyer that writes them down, and answers from the journal
    alone, so that a reply which could not be read is followed by the repairs that were asked for. `read`: where words
    are looked up, the warehouse by default."""
    asked: list[ChatRequest] = []
    if not posts:
        return asked
    journal, waiting = journal_of(settings), waiting_calls(settings)

    async def write_down(requests: Sequence[ChatRequest]) -> list[ChatOutcome]:
        asked.extend(requests)
        return [
            journal.lookup(request.key) or ChatOutcome(key=request.key, status=Status.bad_request, detail="planned")
            for request in requests
        ]

    used = {post.prompt_id: prompts[post.prompt_id] for post in posts}
    met = {key: prompt for key, prompt in used.items() if not prompt.item_id.startswith("expected ")}
    words = {key: found or {} for key, found in words_of(read or settings.store(), met, spec.words_from).items()}
    now = datetime.now(UTC)
    beside = beside_in(batch, spec.batch_context, waiting.since if waiting else ()).of(used)
    asyncio.run(judge(posts, used, items, words, spec, write_down, now, beside=beside, waiting=waiting))
    return asked


def in_the_feed(posts: Sequence[Post], prompts: Mapping[str, Prompt], items: Mapping[str, Item]) -> list[Post]:
    """In the order in which a run will find them: that of their items."""

    def place(post: Post) -> tuple[bool, datetime, str, str, str]:
        item = items[prompts[post.prompt_id].item_id]
        at = item.published_at
        return at is None, at or datetime.min.replace(tzinfo=UTC), item.source_uri, item.item_id, post.prompt_id

    return sorted(posts, key=place)
