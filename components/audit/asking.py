"""The readings of an audit, by the judge's own questions, through whatever buys: scores and choices as arrays.

What differs between two arms stands in the posts, but for two things that no post can say: where it stands among its
neighbours, and that a reading belongs to an audit. These are changed in the requests on their way to `buy`.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.audit.plan import EPOCH, Plan, shown
from components.audit.spec import AuditSpec
from components.chat.outcome import ChatOutcome
from components.chat.request import ChatRequest
from components.judgments.asking import Buy
from components.judgments.beside import beside_in
from components.judgments.judge import judge
from components.pairwise.compare import compare
from components.pairwise.prompt import OVERALL, TIE
from components.pairwise.verdicts import ORDERS

_POST = re.compile(r"<post>.*?</post>\n?", re.DOTALL)
"""Nothing inside can be mistaken for the end of it: what stands between tags is escaped."""


@dataclass(frozen=True, slots=True)
class Answers:
    """`scores`: questions x repeats x aspects. `choices`: pairs x 2 orders x repeats: 1 where the text that stood first
    was chosen, 0 where the second, 0.5 for a tie. NaN: not asked, or failed; `failed` counts these by arm and state.
    """

    scores: NDArray[np.float64]
    choices: NDArray[np.float64]
    failed: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


async def ask(plan: Plan, spec: AuditSpec, buy: Buy) -> Answers:
    """All readings of the plan. Needs a way to buy calls; writes nothing itself."""
    scores = np.full((len(plan.questions), plan.repeats, len(plan.aspects)), np.nan)
    failed: dict[str, Counter[str]] = {}
    for moved in (False, True):
        for repeats in sorted({q.repeats for q in plan.questions}):
            places = [n for n, q in enumerate(plan.questions) if (q.arm == "moved", q.repeats) == (moved, repeats)]
            if places:
                await _read(plan, spec, places, repeats, moving(buy) if moved else buy, scores, failed)
    choices = await _choose(plan, spec, buy, failed)
    return Answers(scores, choices, failed)


async def _read(
    plan: Plan, spec: AuditSpec, places: Sequence[int], repeats: int, buy: Buy,
    scores: NDArray[np.float64], failed: dict[str, Counter[str]],
) -> None:  # fmt: skip
    made = shown(plan.material, [(plan.questions[n].base, plan.questions[n].text) for n in places])
    reading = spec.reading(repeats)
    beside = beside_in(made.batch, reading.batch_context).of(made.prompts)
    rows = await judge(
        made.posts, made.prompts, made.items, made.words, reading, as_stage(buy, "audit"), EPOCH, beside=beside
    )
    place_of = {post.post_id: n for post, n in zip(made.posts, places, strict=True)}
    aspect_of = {name: n for n, name in enumerate(plan.aspects)}
    for row in rows:
        place = place_of[row.post_id]
        if row.score is None:
            failed.setdefault(plan.questions[place].arm, Counter())[row.error or "unknown"] += 1
        else:
            scores[place, row.repeat, aspect_of[row.aspect]] = row.score


async def _choose(plan: Plan, spec: AuditSpec, buy: Buy, failed: dict[str, Counter[str]]) -> NDArray[np.float64]:
    """Each post against its short wording, by the question that tournaments ask."""
    choices = np.full((len(plan.pairs), 2, 1), np.nan)
    if not plan.pairs:
        return choices
    made = shown(plan.material, [(post.id, text) for post in plan.pairs for text in (post.text, post.short)])
    pairs = list(zip(made.posts[::2], made.posts[1::2], strict=True))
    rows = await compare(pairs, made.prompts, made.items, made.words, spec.comparing(), as_stage(buy, "audit"), EPOCH)
    place_of = {post.post_id: n for n, pair in enumerate(pairs) for post in pair}
    for row in rows:
        if row.aspect != OVERALL:
            continue
        if row.verdict is None:
            failed.setdefault("pair", Counter())[row.error or "unknown"] += 1
        else:
            chosen = 0.5 if row.verdict == TIE else float(row.verdict == row.shown_first)
            choices[place_of[row.post_a], ORDERS.index(row.shown_first), row.repeat] = chosen
    return choices


def as_stage(buy: Buy, stage: str, period: str = "") -> Buy:
    """`buy` that is told the stage of what is asked, and the period in which the answer counts. Repairs keep theirs:
    they are bought live whatever the mode."""

    async def bought(requests: Sequence[ChatRequest]) -> list[ChatOutcome]:
        return await buy([_told(request, stage, period) for request in requests])

    return bought


def _told(request: ChatRequest, stage: str, period: str) -> ChatRequest:
    return replace(request, period=period, stage=request.stage if request.stage.endswith("_repair") else stage)


def moving(buy: Buy) -> Buy:
    """`buy` that asks about each post behind its neighbours instead of before them."""

    async def bought(requests: Sequence[ChatRequest]) -> list[ChatOutcome]:
        return await buy([replace(request, messages=tuple(map(_moved, request.messages))) for request in requests])

    return bought


def _moved(message: Mapping[str, Any]) -> dict[str, Any]:
    content = message.get("content")
    if message.get("role") != "user":
        return dict(message)
    if isinstance(content, str):
        return {**message, "content": last(content)}
    parts = [{**part, "text": last(part["text"])} if part.get("type") == "text" else part for part in content or []]
    return {**message, "content": parts}


def last(text: str) -> str:
    """`text` with its post at the end; unchanged where there is none."""
    found = _POST.search(text)
    if not found:
        return text
    rest = (text[: found.start()] + text[found.end() :]).rstrip("\n")
    return f"{rest}\n{found[0].rstrip()}"
