"""JSON objects in a model's reply, wherever in it they stand: trailing commas and a missing last brace are forgiven.

A key that stands twice is kept twice and scalars are kept as their text, because a reader of scores has to see both.
Once something that opened like an object breaks, all of the reply is refused: what follows may be quoted material.
"""

import contextlib
import re
from dataclasses import dataclass
from typing import Any

LONGEST_REPLY = 50_000  # characters; no judge needs more, and it bounds the work on a reply gone wild
DEEPEST = 12
LONGEST_BARE = 40


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


MOST_TRIED = 500  # braces of a text in which objects are looked for


def objects_within(text: str) -> set[Members]:
    """Every object in a text, those within others too, whatever else in it is broken: what of a reply may be quoted."""
    found: set[Members] = set()
    at = text.find("{") if len(text) <= LONGEST_REPLY else -1
    for _ in range(MOST_TRIED):
        if at < 0:
            break
        with contextlib.suppress(_Prose, NotJson):
            found.add(frozen(_Reader(text, at).object(0)))
        at = text.find("{", at + 1)
    return found


def frozen(value: Any) -> Any:
    """The same object with its lists as tuples, so that it can stand in a set."""
    if isinstance(value, Members):
        return Members(tuple((key, frozen(member)) for key, member in value.pairs))
    return tuple(map(frozen, value)) if isinstance(value, list) else value


_SPACE = re.compile(r"\s*")
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_BARE = re.compile(r"[^\s,:{}\[\]\"\\][^,:{}\[\]\"\\\n]*")
_PAIR = r"u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # one emoji, in JSON of ASCII
_ESCAPE = re.compile(rf"\\({_PAIR}|u[0-9a-fA-F]{{4}}|.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


def _unescape(match: re.Match[str]) -> str:
    code = match[1]
    if len(code) == 11:
        return bytes.fromhex(code[1:5] + code[7:]).decode("utf-16-be")
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
