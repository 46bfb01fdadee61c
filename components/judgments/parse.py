"""A judge's reply, read with tolerance for its form and none for its meaning.

Fences, prose around the object, trailing commas, `8/10`, `eight` and a missing last brace are forgiven. Whatever would
need a guess is a state instead of a score: `unparsable`, `missing_aspect`, `out_of_range`. So a score always stands
under the aspect that the reply named, an aspect scored twice with different figures has no score, and once something
that looks like JSON has failed, nothing inside it is trusted: it may be the post, quoted.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from components.judgments.rubric import Scale

UNPARSABLE, MISSING, OUT_OF_RANGE = "unparsable", "missing_aspect", "out_of_range"
LONGEST_REPLY = 50_000  # characters; no judge needs more, and it bounds the work on a reply gone wild
DEEPEST = 12
LONGEST_BARE = 40

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


def parse_reply(text: str, aspects: Sequence[str], scale: Scale) -> dict[str, Reading]:
    """One Reading per asked aspect, in that order; aspects that nobody asked for are ignored."""
    try:
        found = _named_values(read_objects(text), {_plain(name): name for name in aspects})
    except NotJson as problem:
        return {name: Reading(error=UNPARSABLE, detail=str(problem)) for name in aspects}
    return {name: _reading(name, found.get(name, []), scale) for name in aspects}


def _reading(name: str, values: list[Any], scale: Scale) -> Reading:
    readings = [_one_reading(value, scale) for value in values]
    if not readings:
        return Reading(error=MISSING, detail=f"no {name} in the reply")
    if len({(reading.score, reading.error) for reading in readings}) > 1:
        return Reading(error=UNPARSABLE, detail=f"{name} is scored {len(readings)} times, differently")
    return readings[0]


def _one_reading(value: Any, scale: Scale) -> Reading:
    if not isinstance(value, Members):
        return _scored(value, None, scale)
    scores = [member for key, member in value.pairs if _plain(key) in {"score", "rating"}]
    reasons = [member for key, member in value.pairs if _plain(key) in {"reasoning", "reason"}]
    reasoning = reasons[0].strip() if reasons and isinstance(reasons[0], str) else None
    if not scores:
        return Reading(reasoning=reasoning, error=MISSING, detail="the aspect has no score")
    readings = {_scored(score, reasoning, scale) for score in scores}
    if len(readings) > 1:
        return Reading(reasoning=reasoning, error=UNPARSABLE, detail="the aspect has two different scores")
    return readings.pop()


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


def _plain(key: str) -> str:
    """`Relevance & Clarity`, `relevance/clarity` and `relevance_clarity` are one name; `relevance` is another."""
    words = re.findall(r"[a-z0-9]+", key.lower())
    return "_".join(word for word in words if word != "and")


def _named_values(objects: list["Members"], names: dict[str, str]) -> dict[str, list[Any]]:
    """The values that stand under an aspect's name: at the top, in a wrapper such as {"scores": {...}}, or as
    {"aspect": name, "score": ...} in a list."""
    found: dict[str, list[Any]] = {}

    def visit(value: Any, depth: int) -> None:
        if isinstance(value, list):
            for element in value:
                visit(element, depth)
        if not isinstance(value, Members) or depth > 2:
            return
        labels = [member for key, member in value.pairs if _plain(key) in {"aspect", "name"}]
        if len(labels) == 1 and isinstance(labels[0], str) and _plain(labels[0]) in names:
            found.setdefault(names[_plain(labels[0])], []).append(value)
            return
        for key, member in value.pairs:
            if name := names.get(_plain(key)):
                found.setdefault(name, []).append(member)
            else:
                visit(member, depth + 1)

    for top in objects:
        visit(top, 0)
    return found


# --- a tolerant reader of JSON objects -------------------------------------------------------------------------------


class NotJson(Exception):
    """The reply holds no object, or one that cannot be read without guessing."""


class _Prose(Exception):
    """This brace does not open an object."""


@dataclass(frozen=True, slots=True)
class Members:
    """A JSON object as pairs: a key that stands twice has to be seen. Scalars are kept as their text."""

    pairs: tuple[tuple[str, Any], ...]


def read_objects(text: str) -> list[Members]:
    """Every outermost object in the text, in order."""
    if len(text) > LONGEST_REPLY:
        raise NotJson(f"the reply has {len(text)} characters")
    objects: list[Members] = []
    at = text.find("{")
    while at >= 0:
        reader = _Reader(text, at)
        try:
            objects.append(reader.object(0))
            at = text.find("{", reader.at)
        except _Prose:
            at = text.find("{", at + 1)
    if not objects:
        raise NotJson("no JSON object in the reply")
    return objects


_SPACE = re.compile(r"\s*")
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_BARE = re.compile(r"[^\s,:{}\[\]\"\\][^,:{}\[\]\"\\\n]*")
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


def _unescape(match: re.Match[str]) -> str:
    code = match[1]
    if len(code) == 5:
        character = chr(int(code[1:], 16))
        return "\N{REPLACEMENT CHARACTER}" if "\ud800" <= character <= "\udfff" else character
    return _ESCAPES.get(code, code)


class _Reader:
    """Recursive descent from one brace; `at` is where it stands."""

    def __init__(self, text: str, at: int) -> None:
        self.text, self.at = text, at

    def object(self, depth: int) -> Members:
        if depth > DEEPEST:
            raise NotJson("nested too deeply")
        self.at += 1
        pairs: list[tuple[str, Any]] = []
        while self._peek() not in {"}", ""}:
            if not pairs and depth == 0 and not self._opens_member():
                raise _Prose
            key = self._string()
            self._expect(":")
            pairs.append((key, self._value(depth)))
            if self._peek() == ",":
                self.at += 1
            elif self._peek() not in {"}", ""}:
                raise NotJson(f"expected a comma after {key[:LONGEST_BARE]!r}")
            elif self._peek() == "" and isinstance(pairs[-1][1], str) and self.text[self.at - 1] != '"':
                raise NotJson(f"cut in the value of {key[:LONGEST_BARE]!r}")  # 1 may have been 10
        if not pairs and self._peek() == "" and depth == 0:
            raise _Prose
        self.at = min(self.at + 1, len(self.text))
        return Members(tuple(pairs))

    def _opens_member(self) -> bool:
        self._peek()
        match = _STRING.match(self.text, self.at)
        return match is not None and self.text.startswith(":", _space_end(self.text, match.end()))

    def _value(self, depth: int) -> Any:
        match self._peek():
            case "{":
                return self.object(depth + 1)
            case "[":
                return self._array(depth + 1)
            case '"':
                return self._string()
        bare = _BARE.match(self.text, self.at)
        if not bare or len(bare[0]) > LONGEST_BARE:
            raise NotJson("a value is missing, or is neither quoted nor a number")
        self.at = bare.end()
        return bare[0].strip()

    def _array(self, depth: int) -> list[Any]:
        if depth > DEEPEST:
            raise NotJson("nested too deeply")
        self.at += 1
        values: list[Any] = []
        while self._peek() not in {"]", ""}:
            values.append(self._value(depth))
            if self._peek() == ",":
                self.at += 1
            elif self._peek() != "]":
                raise NotJson("expected a comma in a list")
        self._expect("]")
        return values

    def _string(self) -> str:
        self._peek()
        match = _STRING.match(self.text, self.at)
        if not match:
            raise NotJson("expected a quoted string")
        self.at = match.end()
        return _ESCAPE.sub(_unescape, match[1])

    def _peek(self) -> str:
        self.at = _space_end(self.text, self.at)
        return self.text[self.at : self.at + 1]

    def _expect(self, character: str) -> None:
        if self._peek() != character:
            raise NotJson(f"expected {character!r}")
        self.at += 1


def _space_end(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at
