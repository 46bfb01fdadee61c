"""A judge's reply, read with tolerance for its form and none for its meaning.

Fences, prose around the object, a reasoning model's thinking before it, trailing commas, `8/10`, `eight` and a missing
last brace are forgiven. Whatever would need a guess is a state instead of a score: `unparsable`, `missing_aspect`,
`out_of_range`. So a score always stands under the aspect that the reply named, an aspect scored twice with different
figures has no score, and once something that looks like JSON has failed, nothing inside it is trusted: it may be the
post, quoted. An object that stands in the material, word for word, is a quotation too, also where the judge obeyed it.
"""

import math
import re
from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Any

from components.chat.thinking import without_thinking
from components.judgments.rubric import Scale
from components.judgments.tolerant_json import LONGEST_BARE, Members, NotJson, frozen, objects_within, read_objects

UNPARSABLE, MISSING, OUT_OF_RANGE = "unparsable", "missing_aspect", "out_of_range"

_QUOTING = frozenset({"quote", "example", "input", "reasoning", "reason"}) | frozenset(
    {"post", "text", "source_text", "other_post", "alt_text", "brief"}
)
"""Keys under which a judge repeats what it was shown: an aspect's name in there is not its answer."""
_TOPS = frozenset({"max", "max_score", "maximum", "out_of", "scale", "scale_max"})

_NAMES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
NUMBERS = {name: number for number, name in enumerate(_NAMES)}
_NUMBER = r"[+-]?\d{1,6}(?:\.\d{1,20})?|[+-]?\d{1,6},\d"
_OUT_OF = re.compile(rf"({_NUMBER})(?:\s*(?:/|out of)\s*(\d+(?:\.0+)?))?", re.IGNORECASE)
_WORDS = re.compile(rf"({'|'.join(NUMBERS)})(?:\s+(?:and a (half)|point (five)))?(?:\s+out of (\w+))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reading:
    """One aspect as the reply has it: a score, or the state that stands in its place."""

    score: float | None = None
    reasoning: str | None = None
    error: str | None = None
    detail: str | None = None


def parse_reply(text: str, aspects: Sequence[str], scale: Scale, material: Sequence[str] = ()) -> dict[str, Reading]:
    """One Reading per asked aspect, in that order; aspects that nobody asked for are ignored. `material`: what the
    judge was shown and somebody else wrote; an object of it that names an aspect is never an answer."""
    quoted = set[Members]().union(*(objects_within(shown) for shown in material if "{" in shown))
    try:
        found = named_values(read_objects(without_thinking(text)), {plain(name): name for name in aspects}, quoted)
    except NotJson as problem:
        return {name: Reading(error=UNPARSABLE, detail=str(problem)) for name in aspects}
    return {name: _reading(name, found.get(name, []), scale) for name in aspects}


def _reading(name: str, values: list[Any], scale: Scale) -> Reading:
    readings = [_one_reading(name, value, scale) for value in values]
    if not readings:
        return Reading(error=MISSING, detail=f"no {name} in the reply")
    if len({(reading.score, reading.error) for reading in readings}) > 1:
        return Reading(error=UNPARSABLE, detail=f"{name} is scored {len(readings)} times, differently")
    return readings[0]


def _one_reading(name: str, value: Any, scale: Scale) -> Reading:
    if not isinstance(value, Members):
        return _scored(value, None, scale)
    reasons = set(texts_under(value, "reasoning", "reason"))
    reasoning = reasons.pop().strip() if len(reasons) == 1 else None
    scores = [member for key, member in value.pairs if plain(key) in {"score", "rating"}]
    doubt = _doubt(name, value, scale) or ("the aspect has two different reasons" if reasons else None)
    if not scores:
        return Reading(reasoning=reasoning, error=MISSING, detail="the aspect has no score")
    readings = {_scored(score, reasoning, scale) for score in scores}
    if len(readings) > 1:
        doubt = "the aspect has two different scores"
    if doubt:
        return Reading(reasoning=reasoning, error=UNPARSABLE, detail=doubt)
    return readings.pop()


def texts_under(value: Members, *keys: str) -> list[str]:
    """What stands under these keys as a string or a bare word."""
    return [member for key, member in value.pairs if plain(key) in keys and isinstance(member, str)]


def _doubt(name: str, value: Members, scale: Scale) -> str | None:
    """What in an aspect's object speaks against its score being this aspect's, or of this scale."""
    for label in texts_under(value, "aspect", "name"):
        if plain(label) != plain(name):
            return f"the object of {name} calls itself {label[:LONGEST_BARE]!r}"
    for key, member in value.pairs:
        top = read_score(member, scale.max) if plain(key) in _TOPS and isinstance(member, str) else None
        if top is not None and not math.isclose(top, scale.max):
            return f"the score is of a scale to {top:g}, asked was one to {scale.max:g}"
    return None


def _scored(value: Any, reasoning: str | None, scale: Scale) -> Reading:
    score = read_score(value, scale.max) if isinstance(value, str) else None
    if score is None:
        shown = value if isinstance(value, str) else type(value).__name__
        return Reading(reasoning=reasoning, error=UNPARSABLE, detail=f"score {shown[:LONGEST_BARE]!r} is not a number")
    if not scale.min <= score <= scale.max:
        limits = f"{scale.min:g} to {scale.max:g}"
        return Reading(reasoning=reasoning, error=OUT_OF_RANGE, detail=f"score {score:g} is outside {limits}")
    return Reading(score=score, reasoning=reasoning)


def read_score(text: str, highest: float) -> float | None:
    """`8`, `8.5`, `8,5`, `8/10`, `8 out of 10`, `eight`, `eight and a half`; None for everything else.

    A denominator has to be the top of the scale: `4/5` on a scale to 10 may mean 4 or 8, so it means nothing.
    """
    text = text.strip().strip("*").strip()
    if match := _OUT_OF.fullmatch(text):
        score, top = float(match[1].replace(",", ".")), match[2]
    elif match := _WORDS.fullmatch(text):
        score = NUMBERS[match[1].lower()] + (0.5 if match[2] or match[3] else 0.0)
        top = match[4] and str(NUMBERS.get(match[4].lower(), match[4]))
    else:
        return None
    if top is not None and not (re.fullmatch(r"[\d.]+", top) and math.isclose(float(top), highest)):
        return None
    return score


def plain(key: str) -> str:
    """`Relevance & Clarity`, `relevance/clarity` and `relevance_clarity` are one name; `relevance` is another."""
    words = re.findall(r"[^\W_]+", key.lower())
    return "_".join(word for word in words if word != "and")


def named_values(
    objects: list[Members], names: dict[str, str], quoted: Set[Members] = frozenset()
) -> dict[str, list[Any]]:
    """The values that stand under an aspect's name: at the top, in a wrapper such as {"scores": {...}}, or as
    {"aspect": name, "score": ...} in a list; objects that are `quoted` are passed over."""
    found: dict[str, list[Any]] = {}

    def visit(value: Any, depth: int) -> None:
        if isinstance(value, list):
            for element in value:
                visit(element, depth)
        if not isinstance(value, Members) or depth > 2 or frozen(value) in quoted:
            return
        labels = texts_under(value, "aspect", "name")
        if len(labels) == 1 and plain(labels[0]) in names:
            found.setdefault(names[plain(labels[0])], []).append(value)
            return
        for key, member in value.pairs:
            if name := names.get(plain(key)):
                found.setdefault(name, []).append(member)
            elif plain(key) not in _QUOTING:
                visit(member, depth + 1)

    for top in objects:
        visit(top, 0)
    return found
