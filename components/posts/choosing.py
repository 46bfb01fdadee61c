"""What several candidates per prompt came to: how many were distinct, and what choosing the best of them gained."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from components.statistics.means import Mean, mean_with_interval


class Choice(TypedDict):
    """`gain`: how far the chosen candidates lie above the mean of their prompt's (what one taken blindly would have),
    over the prompts with two or more to compare; in points of the judge or, where `by` is clip, in cosine. By the very
    scores that chose it flatters: the highest of several readings is also the luckiest."""

    by: str
    prompts: int
    candidates: int
    distinct: int
    duplicates: int
    failed: int
    gain: Mean


def choice_of(rows: Sequence[Mapping[str, Any]]) -> Choice | None:
    """Of rows with prompt_id, error, is_distinct, place, choose, overall and clip_score, one per candidate; None where
    no prompt has more than one."""
    prompts: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        prompts.setdefault(row["prompt_id"], []).append(row)
    if all(len(candidates) < 2 for candidates in prompts.values()):
        return None
    by = str(rows[0]["choose"])
    measure = "clip_score" if by == "clip" else "overall"
    gains = []
    for candidates in prompts.values() if by != "all" else ():
        best = min(candidates, key=lambda row: row["place"])[measure]
        measured = [row[measure] for row in candidates if row["is_distinct"] and row[measure] is not None]
        if best is not None and len(measured) > 1:
            gains.append(best - sum(measured) / len(measured))
    distinct, failed = (sum(map(bool, of)) for of in ([r["is_distinct"] for r in rows], [r["error"] for r in rows]))
    return Choice(
        by=by,
        prompts=len(prompts),
        candidates=len(rows),
        distinct=distinct,
        duplicates=len(rows) - distinct - failed,
        failed=failed,
        gain=mean_with_interval(gains),
    )


def told(choice: Choice) -> str:
    """One line for people."""
    counts = f"{choice['distinct']} distinct of {choice['candidates']} candidates"
    doubles = "duplicate" if choice["duplicates"] == 1 else "duplicates"
    apart = [f"{n} {what}" for n, what in ((choice["duplicates"], doubles), (choice["failed"], "failed")) if n]
    counts += f" ({', '.join(apart)})" if apart else ""
    gain, digits = choice["gain"], 3 if choice["by"] == "clip" else 2
    if choice["by"] == "all" or gain["mean"] is None:
        return counts
    unit = "in cosine to the picture" if choice["by"] == "clip" else "overall, by the scores it was chosen by"
    span = "" if gain["low"] is None else f" (95 % interval {gain['low']:.{digits}f} to {gain['high']:.{digits}f})"
    return f"{counts}; the chosen lie {gain['mean']:.{digits}f}{span} above their prompts' means, {unit}"
