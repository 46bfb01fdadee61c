"""Pairs of posts on one prompt of which one is better, for tuning a writer (DPO, Rafailov et al. 2023).

In this order, and a later kind never says the opposite of an earlier one: an edit and what it was made of; a post that
people approved and one that they rejected; two that the same people rated, by a margin; two that the same judges read,
by a margin.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, groupby
from typing import Literal

Source = Literal["edit", "decision", "rating", "judge"]
KEPT = ("approved", "edited")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A post with what was said of it. `text` is the one that would be published, `original` the writer's. `people` and
    `judges`: rater with the text of the rubric and the aspects that were scored (a mean over others is another
    figure), or judge -> its mean over aspects. `state`: see the view
    reviewed_posts; None: nobody decided."""

    post_id: str
    prompt_id: str
    item_id: str
    text: str
    original: str
    state: str | None
    people: Mapping[str, float]
    judges: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Pair:
    """`margin` in points of the scale, where it was one that decided. `better` and `worse` are post ids."""

    prompt_id: str
    item_id: str
    chosen: str
    rejected: str
    source: Source
    better: str
    worse: str
    margin: float | None = None


Kind = Callable[[Sequence[Candidate]], Iterator[Pair]]


def pairs(candidates: Sequence[Candidate], rating_margin: float, judge_margin: float | None) -> list[Pair]:
    """All pairs, each couple of texts once; `judge_margin` None: judges make none."""
    found: dict[tuple[str, frozenset[str]], Pair] = {}
    by_prompt = sorted(candidates, key=lambda c: (c.prompt_id, c.post_id))
    groups = [list(group) for _, group in groupby(by_prompt, key=lambda c: c.prompt_id)]
    for kind in (_edits, _decisions, _by_people(rating_margin), _by_judges(judge_margin)):
        for group in groups:
            for pair in kind(group):
                if pair.chosen != pair.rejected:
                    found.setdefault((pair.prompt_id, frozenset({pair.chosen, pair.rejected})), pair)
    return sorted(found.values(), key=lambda p: (p.prompt_id, p.source, p.better, p.worse))


def _pair(better: Candidate, worse: Candidate, source: Source, margin: float | None = None) -> Pair:
    """What is better is taken as it would be published, what is worse as it was written."""
    return Pair(
        better.prompt_id, better.item_id, better.text, worse.original, source, better.post_id, worse.post_id, margin
    )


def _edits(group: Sequence[Candidate]) -> Iterator[Pair]:
    for one in group:
        if one.state == "edited" and one.text != one.original:
            yield _pair(one, one, "edit")


def _decisions(group: Sequence[Candidate]) -> Iterator[Pair]:
    for one in group:
        for other in group:
            if one.state in KEPT and other.state == "rejected":
                yield _pair(one, other, "decision")


def _by_people(margin: float) -> Kind:
    def rated(group: Sequence[Candidate]) -> Iterator[Pair]:
        for one, other in combinations(group, 2):
            yield from _apart(one, other, one.people, other.people, margin, "rating")

    return rated


def _by_judges(margin: float | None) -> Kind:
    def judged(group: Sequence[Candidate]) -> Iterator[Pair]:
        for one, other in combinations(group, 2):
            if margin is not None:
                yield from _apart(one, other, one.judges, other.judges, margin, "judge")

    return judged


def _apart(
    one: Candidate, other: Candidate, mine: Mapping[str, float], theirs: Mapping[str, float], margin: float,
    source: Source,
) -> Iterator[Pair]:  # fmt: skip
    """By the mean difference of those who scored both; they must be of one mind about its sign. Scores are of the
    writer's texts, not of edited ones; what people rejected or could not agree on is not chosen, and what they approved
    is not rejected against what they did not."""
    differences = [mine[who] - theirs[who] for who in sorted(set(mine) & set(theirs))]
    if not differences or (min(differences) < 0 < max(differences)):
        return
    mean = sum(differences) / len(differences)
    better, worse = (one, other) if mean > 0 else (other, one)
    if worse.state in KEPT and better.state not in KEPT:
        return
    if abs(mean) >= margin > 0 and better.state not in ("rejected", "contested", "edited"):
        yield _pair(better, worse, source, round(abs(mean), 6))
