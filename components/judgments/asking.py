"""Questions to a judge, and at most two repairs of each reply that cannot be read.

What a reply says is read by the question's own `read`; a verdict that is read already stays as it was read. Needs a way
to buy calls (see components/chat); writes nothing itself.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, Protocol, TypeVar

from components.chat.outcome import ChatOutcome, Status
from components.chat.request import ChatRequest
from components.judgments.prompt import repair_messages

REPAIRS = 2

Buy = Callable[[Sequence[ChatRequest]], Awaitable[list[ChatOutcome]]]


class Answer(Protocol):
    """What a reply says on one thing that was asked: `error` is the state that stands in its place, if any."""

    @property
    def error(self) -> str | None: ...

    @property
    def detail(self) -> str | None: ...


A = TypeVar("A", bound=Answer)


@dataclass(slots=True)
class Question(Generic[A]):
    """One call and what became of it, repairs included. `names`: what it asks for; `read`: a reply's text and the names
    that are still open -> an answer each; `failed`: an answer that is a state; `form`: how a repair asks again."""

    names: tuple[str, ...]
    request: ChatRequest | None
    read: Callable[[str, Sequence[str]], dict[str, A]]
    failed: Callable[[str, str | None], A]
    form: str
    repair_stage: str
    answers: dict[str, A] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    outcomes: list[ChatOutcome] = field(default_factory=list)

    @property
    def open(self) -> list[str]:
        """What has no answer yet."""
        return [name for name in self.names if name not in self.answers or self.answers[name].error]

    @property
    def repairable(self) -> bool:
        return bool(self.open) and bool(self.outcomes) and self.outcomes[-1].status == Status.ok

    @property
    def share_usd(self) -> float | None:
        """What one of the names costs, repairs too, so that sums over rows are right; None where a price is unknown."""
        costs = [outcome.cost_usd for outcome in self.outcomes]
        known = [cost for cost in costs if cost is not None]
        return sum(known) / len(self.names) if len(known) == len(costs) else None


async def ask(questions: Sequence[Question[A]], buy: Buy) -> None:
    """Buys each question's call, and up to two repairs of what cannot be read, and fills in the answers."""
    await _ask(questions, buy)
    for _ in range(REPAIRS):
        unread = [question for question in questions if question.repairable]
        if not unread:
            break
        for question in unread:
            _ask_for_repair(question)
        await _ask(unread, buy)


async def _ask(questions: Sequence[Question[A]], buy: Buy) -> None:
    asked = [question for question in questions if question.request is not None]
    outcomes = await buy([question.request for question in asked if question.request is not None]) if asked else []
    for question, outcome in zip(asked, outcomes, strict=True):
        question.outcomes.append(outcome)
        for name, answer in _read(question, outcome).items():
            first_failure = question.answers.get(name)
            if answer.error and first_failure and outcome.status != Status.ok:
                continue  # a repair that was not answered: the reply that could not be read is the reason
            question.answers[name], question.keys[name] = answer, outcome.key


def _read(question: Question[A], outcome: ChatOutcome) -> dict[str, A]:
    names = question.open
    failed = question.failed(str(outcome.status), outcome.detail)
    if outcome.status not in {Status.ok, Status.truncated}:
        return dict.fromkeys(names, failed)
    answers = question.read(outcome.text or "", names)
    if outcome.status == Status.truncated:  # only what was whole before the cut counts
        return {name: failed if answer.error else answer for name, answer in answers.items()}
    return answers


def _ask_for_repair(question: Question[A]) -> None:
    if question.request is None:
        return
    wrong = {name: question.answers[name].detail or str(question.answers[name].error) for name in question.open}
    asked = question.request.messages[:2]
    messages = (*asked, *repair_messages(question.outcomes[-1].text or "", wrong, question.form))
    question.request = replace(question.request, stage=question.repair_stage, messages=messages)
