"""Pairs of posts in, comparisons out: a call per pair, reading and order, at most two repairs per unreadable reply.

Needs a way to buy calls; writes nothing itself. Every asked verdict ends as one row: a, b, tie, or the state that
stands in its place. Posts with the same text are a tie, and nothing is asked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from components.chat.request import ChatRequest
from components.items.pictures import PictureError
from components.items.sending import picture_or_problem
from components.judgments.asking import Buy, Question, ask
from components.judgments.judge import NO_YARDSTICK, PICTURE, YARDSTICK
from components.judgments.prompt import messages_for
from components.judgments.rubric import Rubric, load_rubric
from components.pairwise.labels import labels_for
from components.pairwise.parse import Verdict, parse_verdicts
from components.pairwise.prompt import (
    AGAIN,
    TIE,
    common_words,
    names_of,
    reply_schema,
    system_message,
    user_message,
)
from components.pairwise.spec import PairwiseSpec
from components.pairwise.verdicts import ORDERS
from components.records import Comparison, Item, Post, Prompt

STAGE, REPAIR_STAGE = "compare", "compare_repair"
SAME = "The two texts are the same; nothing was asked."

Words = Mapping[str, Sequence[str]]


@dataclass(slots=True)
class _Call:
    """One pair in one order; `labels` are those of the post shown first and of the other."""

    pair: tuple[Post, Post]
    repeat: int
    shown_first: str
    labels: tuple[str, str]
    question: Question[Verdict]


async def compare(
    pairs: Sequence[tuple[Post, Post]],
    prompts: Mapping[str, Prompt],
    items: Mapping[str, Item],
    words: Mapping[str, Words | None],
    spec: PairwiseSpec,
    buy: Buy,
    now: datetime,
) -> list[Comparison]:
    """One Comparison per pair x reading x order x asked verdict, in that order; both posts of a pair have a text and
    are of one item. `words`: prompt_id -> name -> texts, as for judging; of two posts with different ones only what
    both have is shown; None: they are not there yet, which is a state."""
    rubric = load_rubric(spec.rubric)
    calls = _calls([_ordered(pair) for pair in pairs], prompts, items, words, spec, rubric)
    await ask([call.question for call in calls], buy)
    spec_id = spec.id  # reads files, so once and not for each row
    return [row for call in calls for row in _rows(call, spec_id, now)]


def _ordered(pair: tuple[Post, Post]) -> tuple[Post, Post]:
    one, other = sorted(pair, key=lambda post: post.post_id)
    return one, other


def _calls(
    pairs: Sequence[tuple[Post, Post]],
    prompts: Mapping[str, Prompt],
    items: Mapping[str, Item],
    words: Mapping[str, Words | None],
    spec: PairwiseSpec,
    rubric: Rubric,
) -> list[_Call]:
    calls = []
    pictures: dict[str, dict[str, Any] | PictureError | None] = {}
    system, schema = system_message(rubric), reply_schema(rubric)
    for pair in pairs:
        item = items[prompts[pair[0].prompt_id].item_id]
        if spec.picture and item.item_id not in pictures:
            pictures[item.item_id] = picture_or_problem(item, spec)
        picture = pictures.get(item.item_id)
        one, other = (words.get(post.prompt_id, {}) for post in pair)
        material = common_words(one or {}, other or {})
        for repeat in range(spec.repeats):
            for order in ORDERS:
                shown = pair if order == "a" else (pair[1], pair[0])
                labels = labels_for(shown[0].text or "", shown[1].text or "", repeat)
                question = _question(rubric, labels)
                if pair[0].text == pair[1].text:
                    question.answers = dict.fromkeys(question.names, Verdict(TIE, SAME))
                elif isinstance(picture, PictureError):
                    question.answers = dict.fromkeys(question.names, Verdict(error=PICTURE, detail=str(picture)))
                elif one is None or other is None:
                    question.answers = dict.fromkeys(question.names, Verdict(error=YARDSTICK, detail=NO_YARDSTICK))
                else:
                    messages = messages_for(
                        system, user_message(shown, labels, item, material, spec.source_text), picture
                    )
                    question.request = ChatRequest.by(spec, STAGE, messages, schema=schema, candidate=repeat)
                calls.append(_Call(pair, repeat, order, labels, question))
    return calls


def _question(rubric: Rubric, labels: tuple[str, str]) -> Question[Verdict]:
    return Question(
        names=names_of(rubric),
        request=None,
        read=lambda text, names: parse_verdicts(text, names, labels),
        failed=lambda error, detail: Verdict(error=error, detail=detail),
        form=AGAIN,
        repair_stage=REPAIR_STAGE,
    )


def _rows(call: _Call, spec_id: str, now: datetime) -> list[Comparison]:
    question, rows = call.question, []
    one, other = (post.post_id for post in call.pair)
    second = "b" if call.shown_first == "a" else "a"
    meant = {TIE: TIE, call.labels[0]: call.shown_first, call.labels[1]: second}
    for name in question.names:
        verdict = question.answers[name]
        rows.append(
            Comparison(
                comparison_id=Comparison.make_id(
                    one, other, spec_id, call.shown_first, call.repeat, name, verdict.error
                ),
                post_a=one,
                post_b=other,
                spec_id=spec_id,
                shown_first=call.shown_first,
                repeat=call.repeat,
                aspect=name,
                verdict=None if verdict.winner is None else meant[verdict.winner],
                reasoning=verdict.reasoning,
                call_key=question.keys.get(name),
                cost_usd=question.share_usd,
                error=verdict.error,
                error_detail=verdict.detail,
                created_at=now,
            )
        )
    return rows
