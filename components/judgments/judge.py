"""Posts in, judgments out: a call per post, repeat and group of aspects, and at most two repairs per unreadable reply.

Needs a way to buy calls (see components/chat); writes nothing itself. Every asked aspect ends as one row: a score, or
the state that stands in its place; a failed call is never a score. Rows share the cost of their calls, repairs too, in
equal parts, so that sums over judgments are right; it is what the calls cost when they were bought, now or before.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from components.chat.outcome import ChatOutcome, Status
from components.chat.request import ChatRequest
from components.items.pictures import PictureError
from components.items.sending import picture_part
from components.judgments.beside import Waiting, openings_beside
from components.judgments.parse import Reading, parse_reply
from components.judgments.prompt import messages_for, repair_messages, system_message, user_message
from components.judgments.rubric import Aspect, Rubric, load_rubric
from components.records import Item, Judgment, Post, Prompt
from components.spec import JudgeSpec

REPAIRS = 2
PICTURE = "picture"  # the state of a reading whose picture could not be shown

Words = Mapping[str, Sequence[str]]
Buy = Callable[[Sequence[ChatRequest]], Awaitable[list[ChatOutcome]]]


@dataclass(slots=True)
class _Call:
    """One question and what became of it, repairs included."""

    post: Post
    repeat: int
    aspects: tuple[Aspect, ...]
    request: ChatRequest | None
    readings: dict[str, Reading] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    outcomes: list[ChatOutcome] = field(default_factory=list)

    @property
    def open(self) -> list[str]:
        """The aspects without a score."""
        names = [aspect.name for aspect in self.aspects]
        return [name for name in names if name not in self.readings or self.readings[name].error]

    @property
    def repairable(self) -> bool:
        return bool(self.open) and bool(self.outcomes) and self.outcomes[-1].status == Status.ok


async def judge(
    posts: Sequence[Post],
    prompts: Mapping[str, Prompt],
    items: Mapping[str, Item],
    words: Mapping[str, Words],
    spec: JudgeSpec,
    buy: Buy,
    now: datetime,
    *,
    batch: Sequence[Post] | None = None,
    waiting: Waiting | None = None,
) -> list[Judgment]:
    """One Judgment per post x repeat x aspect, in that order; posts without text are skipped: nothing to judge.

    `words`: prompt_id -> name (caption, topic, sentiment, scene, keyword) -> texts, best first; give every arm of an
    experiment the same ones, whatever its prompt left out. `batch`: the posts whose openings are shown beside each,
    `posts` themselves by default. Openings are part of the calls' keys: give all that is written of the selection, so
    that what is left to judge after a crash is asked as it was before. `waiting`: calls in open batches, which are
    asked as they were handed in.
    """
    rubric = load_rubric(spec.rubric)
    written = [post for post in posts if post.error is None and (post.text or "").strip()]
    calls = _calls(written, prompts, items, words, spec, rubric, posts if batch is None else batch, waiting)
    await _ask(calls, rubric, buy)
    for _ in range(REPAIRS):
        unread = [call for call in calls if call.repairable]
        if not unread:
            break
        for call in unread:
            _ask_for_repair(call)
        await _ask(unread, rubric, buy)
    spec_id = spec.id  # reads files, so once and not for each row
    return [row for call in calls for row in _rows(call, spec_id, now)]


def _calls(
    posts: Sequence[Post],
    prompts: Mapping[str, Prompt],
    items: Mapping[str, Item],
    words: Mapping[str, Words],
    spec: JudgeSpec,
    rubric: Rubric,
    batch: Sequence[Post],
    waiting: Waiting | None,
) -> list[_Call]:
    calls = []
    pictures: dict[str, dict[str, Any] | PictureError | None] = {}
    groups = [(group, system_message(rubric, group)) for group in rubric.groups]
    batches = [*(waiting.batches(batch) if waiting else ()), batch]
    besides = [openings_beside(posts, then, spec.batch_context) for then in batches]
    for post in posts:
        item = items[prompts[post.prompt_id].item_id]
        if spec.picture and item.item_id not in pictures:
            pictures[item.item_id] = _picture(item, spec)
        picture = pictures.get(item.item_id)
        material = words.get(post.prompt_id, {})
        shown = (user_message(post, item, material, beside[post.post_id], spec.source_text) for beside in besides)
        users = list(dict.fromkeys(shown))
        for repeat in range(spec.repeats):
            for group, system in groups:
                if isinstance(picture, PictureError):
                    lost = Reading(error=PICTURE, detail=str(picture))
                    calls.append(_Call(post, repeat, group, None, {aspect.name: lost for aspect in group}))
                    continue
                schema = rubric.reply_schema(group)
                asked = [_request(spec, messages_for(system, user, picture), schema, repeat) for user in users]
                held = (request for request in asked[:-1] if waiting and waiting.held(request.key))
                calls.append(_Call(post, repeat, group, next(held, asked[-1])))
    return calls


def _request(
    spec: JudgeSpec, messages: tuple[dict[str, Any], ...], schema: Mapping[str, Any], repeat: int
) -> ChatRequest:
    return ChatRequest(
        stage="judge",
        model=spec.model,
        endpoint=spec.endpoint,
        messages=messages,
        temperature=spec.temperature,
        max_output_tokens=spec.max_output_tokens,
        seed=spec.seed,
        api=spec.api,
        reasoning_effort=spec.reasoning_effort,
        schema=schema,
        candidate=repeat,
    )


def _picture(item: Item, spec: JudgeSpec) -> dict[str, Any] | PictureError | None:
    try:
        return picture_part(item, spec)
    except PictureError as problem:
        return problem


async def _ask(calls: Sequence[_Call], rubric: Rubric, buy: Buy) -> None:
    """Buys each call's request and fills in what its reply has; an aspect that is read already stays as it was read."""
    asked = [(call, call.request) for call in calls if call.request is not None]
    outcomes = await buy([request for _, request in asked]) if asked else []
    for (call, request), outcome in zip(asked, outcomes, strict=True):
        call.outcomes.append(outcome)
        names = call.open
        for name, reading in _read(outcome, names, rubric).items():
            first_failure = call.readings.get(name)
            if reading.error and first_failure and outcome.status != Status.ok:
                continue  # a repair that was not answered: the reply that could not be read is the reason
            call.readings[name], call.keys[name] = reading, request.key


def _read(outcome: ChatOutcome, names: Sequence[str], rubric: Rubric) -> dict[str, Reading]:
    failed = Reading(error=str(outcome.status), detail=outcome.detail)
    if outcome.status not in {Status.ok, Status.truncated}:
        return dict.fromkeys(names, failed)
    readings = parse_reply(outcome.text or "", names, rubric.scale)
    if outcome.status == Status.truncated:  # only what was whole before the cut counts
        return {name: failed if reading.error else reading for name, reading in readings.items()}
    return readings


def _ask_for_repair(call: _Call) -> None:
    if call.request is None:
        return
    wrong = {name: call.readings[name].detail or str(call.readings[name].error) for name in call.open}
    asked = call.request.messages[:2]
    messages = (*asked, *repair_messages(call.outcomes[-1].text or "", wrong))
    call.request = replace(call.request, stage="judge_repair", messages=messages)


def _rows(call: _Call, spec_id: str, now: datetime) -> list[Judgment]:
    costs = [outcome.cost_usd for outcome in call.outcomes]
    known = [cost for cost in costs if cost is not None]
    share = sum(known) / len(call.aspects) if len(known) == len(costs) else None
    rows = []
    for aspect in call.aspects:
        reading = call.readings[aspect.name]
        rows.append(
            Judgment(
                judgment_id=Judgment.make_id(call.post.post_id, spec_id, call.repeat, aspect.name, reading.error),
                post_id=call.post.post_id,
                spec_id=spec_id,
                repeat=call.repeat,
                aspect=aspect.name,
                score=reading.score,
                reasoning=reading.reasoning,
                call_key=call.keys.get(aspect.name),
                cost_usd=share,
                error=reading.error,
                error_detail=reading.detail,
                created_at=now,
            )
        )
    return rows
