"""A reply to a comparison, read with tolerance for its form and none for its meaning, as components/judgments/parse.py.

A winner is one of the two labels of this very call, or a tie. What would need a guess is a state: `A`, `the first`,
both labels, a label of nobody, `neither`. The two labels share no letter, so a slip of one letter names nobody.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from components.chat.thinking import without_thinking
from components.judgments.parse import MISSING, UNPARSABLE, named_values, plain, texts_under
from components.judgments.tolerant_json import LONGEST_BARE, Members, NotJson, read_objects
from components.pairwise.prompt import OVERALL, TIE

_TIES = frozenset({"tie", "a tie", "tied", "draw", "a draw"})
_NAMED = re.compile(r"<?(?:the )?(?:post|label|candidate)?[ _:<]*([a-z]{2})>?\.?", re.IGNORECASE)
_WINNER = ("winner", "better", "verdict")


@dataclass(frozen=True, slots=True)
class Verdict:
    """One verdict as the reply has it: `winner` is a label or `tie`, or `error` says why there is none."""

    winner: str | None = None
    reasoning: str | None = None
    error: str | None = None
    detail: str | None = None


def parse_verdicts(text: str, names: Sequence[str], labels: tuple[str, str]) -> dict[str, Verdict]:
    """One Verdict per asked name, in that order; what nobody asked for is ignored."""
    try:
        objects = read_objects(without_thinking(text))
    except NotJson as problem:
        return {name: Verdict(error=UNPARSABLE, detail=str(problem)) for name in names}
    found = named_values(objects, {plain(name): name for name in names})
    unnamed = [top for top in objects if texts_under(top, *_WINNER)]
    if unnamed and (OVERALL in found or list(names) == [OVERALL]):  # {"reasoning": ..., "winner": ...} of all there is
        found.setdefault(OVERALL, []).extend(unnamed)
    return {name: _agreed(name, found.get(name, []), labels) for name in names}


def _agreed(name: str, values: list[Any], labels: tuple[str, str]) -> Verdict:
    verdicts = [_read(name, value, labels) for value in values]
    if not verdicts:
        return Verdict(error=MISSING, detail=f"no {name} in the reply")
    if len({(verdict.winner, verdict.error) for verdict in verdicts}) > 1:
        return Verdict(error=UNPARSABLE, detail=f"{name} is decided {len(verdicts)} times, differently")
    return verdicts[0]


def _read(name: str, value: Any, labels: tuple[str, str]) -> Verdict:
    if not isinstance(value, Members):
        return _won(value, None, labels)
    reasons = set(texts_under(value, "reasoning", "reason"))
    reasoning = next(iter(reasons)).strip() if len(reasons) == 1 else None
    for label in texts_under(value, "aspect", "name"):
        if plain(label) != plain(name):
            detail = f"the object of {name} calls itself {label[:LONGEST_BARE]!r}"
            return Verdict(reasoning=reasoning, error=UNPARSABLE, detail=detail)
    verdicts = {_won(member, reasoning, labels) for key, member in value.pairs if plain(key) in _WINNER}
    if not verdicts:
        return Verdict(reasoning=reasoning, error=MISSING, detail=f"{name} has no winner")
    if len(verdicts) > 1 or len(reasons) > 1:
        two = "winners" if len(verdicts) > 1 else "reasons"
        return Verdict(reasoning=reasoning, error=UNPARSABLE, detail=f"{name} has two different {two}")
    return verdicts.pop()


def _won(value: Any, reasoning: str | None, labels: tuple[str, str]) -> Verdict:
    said = " ".join(value.strip(" \t\n*\"'`").split()) if isinstance(value, str) else ""
    if said.lower().rstrip(".") in _TIES:
        return Verdict(TIE, reasoning)
    match = _NAMED.fullmatch(said)
    if match and match[1].upper() in labels:
        return Verdict(match[1].upper(), reasoning)
    shown = value if isinstance(value, str) else type(value).__name__
    asked = f"{labels[0]}, {labels[1]} or {TIE}"
    return Verdict(
        reasoning=reasoning, error=UNPARSABLE, detail=f"winner {shown[:LONGEST_BARE]!r} is not one of {asked}"
    )
