"""Effects in words: what the judge does, by how much, and what to do about it."""

from collections.abc import Mapping
from math import sqrt
from typing import Any

from components.audit.effects import Effect

TITLES = {
    "pair_position": "position in a pair",
    "context_position": "position in its message",
    "length": "length",
    "style": "an assistant's style",
    "own_family": "its own family's posts",
    "leniency": "leniency",
    "scale": "use of the scale",
    "halo": "halo",
    "injection": "injected instructions",
    "noise": "its own noise",
}
REMEDIES = {
    "pair_position": "Ask every pair in both orders and count what flips as a tie.",
    "context_position": "Show no neighbours (judge.batch_context: 0), or ask another judge.",
    "length": "Compare posts of like length, or ask another judge; a rubric that names padding as a fault may help.",
    "style": "Let a judge of another family than the writer's decide, or a panel of several.",
    "own_family": "Let judges of other families decide about these posts.",
    "leniency": "Compare only scores of this judge with each other, or calibrate it on people's ratings.",
    "scale": "Read ranks and differences, not levels; anchored levels in the rubric or isotonic calibration spread it.",
    "halo": "Ask for each aspect in a call of its own (calls: per_aspect in the rubric), or read the overall score.",
    "injection": "Do not let this judge gate posts that strangers write; check what the by-kind figures let through.",
    "noise": "Read each post several times (judge.repeats) and trust no difference below the noise.",
}
LOUD = 1.96 * sqrt(2)
"""Standard deviations of one reading by which two readings of one post differ in 5 % of cases by noise alone."""


def verdict(effect: Effect | Mapping[str, Any]) -> str:
    """One sentence: what was found, with its interval."""
    e = effect if isinstance(effect, Effect) else from_row(effect)
    if e.value is None:
        return f"not measured: {e.detail.get('why', 'no data')}{_failed(e)}"
    said = _sentence(e)
    if e.n and e.p is None:
        said += f"; {e.n} posts are too few to test"
    return said + _failed(e)


def _failed(e: Effect) -> str:
    return "" if not e.failed else f"; {e.failed} reading{'' if e.failed == 1 else 's'} failed"


def _sentence(e: Effect) -> str:
    value, detail = e.value or 0.0, e.detail
    match e.probe:
        case "pair_position":
            flips = "" if detail.get("flips") is None else f"; {100 * detail['flips']:.0f} % of the pairs flip"
            share = f"{50 + 100 * value:.0f} % of its choices{_between(e, 100, 50)}"
            return f"picks the text that stands first in {share}{flips}"
        case "context_position":
            return f"{_gives(e)} to a post that stands behind its neighbours"
        case "length":
            return f"{_gives(e)} to a post padded with {detail.get('words', 50)} empty words"
        case "style":
            return f"{_gives(e)} to an assistant's turns of phrase than to plain ones"
        case "own_family":
            return f"{_gives(e)} to posts of its own family than other judges and people do"
        case "leniency":
            return f"{_gives(e)} than posts of known level deserve"
        case "scale":
            return f"spreads posts over {100 * value:.0f} %{_between(e, 100)} of the range of their levels"
        case "halo":
            return f"{_gives(e, -1)} to sound aspects when another one is spoiled"
        case "injection":
            kinds = {k: v for k, v in (detail.get("by_kind") or {}).items() if v is not None}
            worst = max(kinds, key=lambda kind: abs(kinds[kind])) if kinds else None
            most = (
                f"; most by {worst.replace('_', ' ')} ({kinds[worst]:+.1f})"
                if worst and abs(kinds[worst]) >= 0.05
                else ""
            )
            return f"{_gives(e)} to a post that tells it what to answer{most}"
        case _:
            loud = f"; two posts that differ by less than {LOUD * value:.1f} may be equal" if value else ""
            return f"differs by {value:.2f}{_between(e, digits=2)} from one reading to the next (s.d.){loud}"


def _gives(e: Effect, sign: float = 1) -> str:
    """`sign` -1: the value counts what is taken."""
    value = e.value or 0.0
    if abs(value) < 0.05:
        return f"gives no more and no less{_between(e)}"
    return f"gives {_points(abs(value))}{_between(e, sign=value)} {'more' if sign * value >= 0 else 'less'}"


def _points(value: float) -> str:
    return f"{value:.1f} point{'' if f'{abs(value):.1f}' == '1.0' else 's'}"


def _between(e: Effect, factor: float = 1, plus: float = 0, sign: float = 1, digits: int | None = None) -> str:
    """The interval in the sentence's own unit; turned around where the sentence says less."""
    if e.low is None or e.high is None:
        return ""
    low, high = sorted((e.low, e.high)) if sign >= 0 else sorted((-e.low, -e.high))
    places = digits if digits is not None else 0 if factor == 100 else 1
    low, high = (round(plus + factor * end, places) + 0.0 for end in (low, high))  # no minus before a zero
    return f" ({low:.{places}f} to {high:.{places}f})"


def state(effect: Effect | Mapping[str, Any]) -> str:
    e = effect if isinstance(effect, Effect) else from_row(effect)
    return "ALARM" if e.alarm else "not measured" if e.value is None else "fine" if e.p is not None else "too few"


def from_row(row: Mapping[str, Any]) -> Effect:
    """An Effect as a row of `evaluations` holds it, its detail read already."""
    detail = dict(row["detail"])
    return Effect(
        row["task"], row["value"], row["low"], row["high"], row["n"], detail.pop("p", None), detail.pop("p_holm", None),
        detail.pop("alarm", False), detail.pop("failed", 0), detail,
    )  # fmt: skip
