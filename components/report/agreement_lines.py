"""The agreement block line by line, for terminals, CSV and JSON: the figures of the page and what is not known.

A table of scores is worth what its judge is worth, so these stand beside every table that is made of its scores.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from components.report.agreement import Block
from components.statistics import Estimate, Mean


@dataclass(frozen=True, slots=True)
class Line:
    """One figure over `n` posts or pairs. `whom`: with whom the judge agrees; `figure`: alpha, within_1, same_verdict,
    sd, icc_2_1, icc_2_k, kendall_w (of three judges or more), difference (theirs less the judge's), bias (the judge's
    less people's), mean_error, or alpha_among_people."""

    whom: str
    aspect: str
    figure: str
    value: float | None
    low: float | None
    high: float | None
    n: int


def told(block: Block) -> dict[str, Any]:
    """`rows`: the figures; `said`: sentences, also about what is not known, one where nothing is."""
    rows = [asdict(line) for line in lines_of(block)]
    return {"rows": rows, "said": said_of(block)}


def lines_of(block: Block) -> Iterator[Line]:
    for noise in block.noise:
        whom = f"itself, {noise.readings} readings"
        yield from _lines(whom, noise.title, {"sd": noise.sd, "alpha": noise.alpha, "within_1": noise.within})
    for panel in block.panel:
        figures = {"alpha": panel.alpha, "icc_2_1": panel.one, "icc_2_k": panel.mean, "within_1": panel.within}
        if panel.ranks is not None:
            figures["kendall_w"] = panel.ranks
        yield from _lines(f"{panel.judges} judges", panel.title, figures)
    for other in block.others:
        apart: dict[str, Estimate | Mean] = {"difference": other.apart, "alpha": other.alpha}
        yield from _lines(other.label, "Overall", apart)
    for people in block.people:
        whom = f"people, {people.raters} rater{'' if people.raters == 1 else 's'}"
        against: dict[str, Estimate | Mean] = {
            "bias": people.bias, "mean_error": people.mae, "alpha": people.alpha, "within_1": people.within,
            "alpha_among_people": people.between,
        }  # fmt: skip
        yield from _lines(whom, people.title, against)


def _lines(whom: str, aspect: str, figures: Mapping[str, Estimate] | Mapping[str, Estimate | Mean]) -> Iterator[Line]:
    for name, found in figures.items():
        if isinstance(found, Estimate):
            yield Line(whom, aspect, name, found.value, found.low, found.high, found.n)
        else:
            yield Line(whom, aspect, name, found["mean"], found["low"], found["high"], found["n"])


def said_of(block: Block) -> list[str]:
    """What the figures do not say."""
    others = [] if block.panel or block.others else ["No other judge has read these posts on the same aspects."]
    people = [] if block.people else [people_unknown(block)]
    if not block.noise and others and people and not (block.left_out or block.other_text):
        return [
            f"{block.words.removesuffix('.')}; no other judge and no person has rated these posts: nothing is known "
            "about how far to believe it."
        ]
    return [line for line in (block.words, *others, *people) if line]


def people_unknown(block: Block) -> str:
    """Why there is nothing about people, or that nobody has rated."""
    if block.left_out:
        return (
            f"{_posts(block.left_out)} rated, none of them drawn at random: they came up because judges differ there, "
            "and say nothing about the others."
        )
    if block.other_text:
        return f"{_posts(block.other_text)} rated, but by another text of the rubric, or by one that is not known."
    return "Nobody has rated these posts: nothing is known about how far this judge agrees with people."


def _posts(n: int) -> str:
    return f"{n} post was" if n == 1 else f"{n} posts were"
