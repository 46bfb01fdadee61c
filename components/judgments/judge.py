"""Posts in, judgments out: a call per post, repeat and group of aspects, and at most two repairs per unreadable reply.

Needs a way to buy calls (see components/chat); writes nothing itself. Every asked aspect ends as one row: a score, or
the state that stands in its place; a failed call is never a score. Rows share the cost of their calls, repairs too, in
equal parts, so that sums over judgments are right; it is what the calls cost when they were bought, now or before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from components.chat.request import ChatRequest
from components.items.pictures import PictureError
from components.items.sending import picture_or_problem
from components.judgments.asking import Buy, Question, ask
from components.judgments.beside import Shown, Waiting, beside_in
from components.judgments.parse import Reading, parse_reply
from components.judgments.prompt import SCORED, material_of, messages_for, system_message, user_message
from components.judgments.rubric import Aspect, Rubric, brief_text, load_rubric
from components.records import Item, Judgment, Post, Prompt
from components.specs import JudgeSpec

PICTURE = "picture"  # the state of a reading whose picture could not be shown
YARDSTICK = "yardstick"  # the state of a reading without the words that it was to be judged against
NO_YARDSTICK = (
    "the features that the words are taken from are not there; find them first (an experiment's baseline does)"
)

Words = Mapping[str, Sequence[str]]


@dataclass(slots=True)
class _Call:
    """One question on one post."""

    post: Post
    repeat: int
    question: Question[Reading]


async def judge(
    posts: Sequence[Post],
    prompts: Mapping[str, Prompt],
    items: Mapping[str, Item],
    words: Mapping[str, Words | None],
    spec: JudgeSpec,
    buy: Buy,
    now: datetime,
    *,
    beside: Mapping[str, Shown] | None = None,
    waiting: Waiting | None = None,
) -> list[Judgment]:
    """One Judgment per post x repeat x aspect, in that order; posts without text are skipped: nothing to judge.

    `words`: prompt_id -> name (caption, topic, sentiment, scene, keyword) -> texts, best first; give every arm of an
    experiment the same ones, whatever its prompt left out; None: they are not there yet, which is a state. `beside`:
    prompt_id -> what is shown beside its posts, by default how the others of `posts` begin. It is part of the calls'
    keys: give what all that is written of the selection makes of it, so that what is left to judge after a crash is
    asked as it was before. `waiting`: calls in open batches, which are asked as they were handed in.
    """
    rubric = load_rubric(spec.rubric)
    written = [post for post in posts if post.error is None and (post.text or "").strip()]
    if beside is None:
        beside = beside_in(posts, spec.batch_context).of({post.prompt_id for post in posts})
    calls = _calls(written, prompts, items, words, spec, rubric, beside, waiting)
    await ask([call.question for call in calls], buy)
    spec_id = spec.id  # reads files, so once and not for each row
    return [row for call in calls for row in _rows(call, spec_id, now)]


def _calls(
    posts: Sequence[Post],
    prompts: Mapping[str, Prompt],
    items: Mapping[str, Item],
    words: Mapping[str, Words | None],
    spec: JudgeSpec,
    rubric: Rubric,
    beside: Mapping[str, Shown],
    waiting: Waiting | None,
) -> list[_Call]:
    calls = []
    pictures: dict[str, dict[str, Any] | PictureError | None] = {}
    groups = [(group, system_message(rubric, group)) for group in rubric.groups]
    brief = None if spec.brief is None else brief_text(spec.brief)
    for post in posts:
        item = items[prompts[post.prompt_id].item_id]
        if spec.picture and item.item_id not in pictures:
            pictures[item.item_id] = picture_or_problem(item, spec)
        picture = pictures.get(item.item_id)
        found = words.get(post.prompt_id, {})
        lost, sent = _lost(picture, found), None if isinstance(picture, PictureError) else picture
        shown = (
            user_message(post, item, found or {}, others, spec.source_text, rubric.material, brief)
            for others in beside[post.prompt_id]
        )
        users = list(dict.fromkeys(shown))
        for repeat in range(spec.repeats):
            for group, system in groups:
                if lost is not None:
                    question = _question(rubric, group, None)
                    question.answers = {aspect.name: lost for aspect in group}
                    calls.append(_Call(post, repeat, question))
                    continue
                schema = rubric.reply_schema(group)
                asked = [
                    ChatRequest.by(spec, "judge", messages_for(system, user, sent), schema=schema, candidate=repeat)
                    for user in users
                ]
                held = (request for request in asked[:-1] if waiting and waiting.held(request.key))
                calls.append(_Call(post, repeat, _question(rubric, group, next(held, asked[-1]))))
    return calls


def _lost(picture: object, words: Words | None) -> Reading | None:
    """The state of a reading that cannot be asked for, if any."""
    if isinstance(picture, PictureError):
        return Reading(error=PICTURE, detail=str(picture))
    return Reading(error=YARDSTICK, detail=NO_YARDSTICK) if words is None else None


def _question(rubric: Rubric, group: Sequence[Aspect], request: ChatRequest | None) -> Question[Reading]:
    material = () if request is None else material_of(request.messages)
    return Question(
        names=tuple(aspect.name for aspect in group),
        request=request,
        read=lambda text, names: parse_reply(text, names, rubric.scale, material),
        failed=lambda error, detail: Reading(error=error, detail=detail),
        form=SCORED,
        repair_stage="judge_repair",
    )


def _rows(call: _Call, spec_id: str, now: datetime) -> list[Judgment]:
    question, rows = call.question, []
    for name in question.names:
        reading = question.answers[name]
        rows.append(
            Judgment(
                judgment_id=Judgment.make_id(call.post.post_id, spec_id, call.repeat, name, reading.error),
                post_id=call.post.post_id,
                spec_id=spec_id,
                repeat=call.repeat,
                aspect=name,
                score=reading.score,
                reasoning=reading.reasoning,
                call_key=question.keys.get(name),
                cost_usd=question.share_usd,
                error=reading.error,
                error_detail=reading.detail,
                created_at=now,
            )
        )
    return rows
