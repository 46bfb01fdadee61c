"""What several candidates per prompt came to: how many were distinct, and what choosing the best of them gained."""

from typing import TypedDict

import numpy as np
import pandas as pd
from numpy.typing import NDArray

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


def choice_of(table: pd.DataFrame) -> Choice | None:
    """Of columns prompt_id, error, is_distinct, place, choose, overall and clip_score, a row per candidate; None where
    no prompt has more than one."""
    if not table["prompt_id"].duplicated().any():
        return None
    by = str(table["choose"].iloc[0])
    distinct, failed = int(table["is_distinct"].sum()), int(table["error"].notna().sum())
    return Choice(
        by=by,
        prompts=table["prompt_id"].nunique(),
        candidates=len(table),
        distinct=distinct,
        duplicates=len(table) - distinct - failed,
        failed=failed,
        gain=mean_with_interval([] if by == "all" else gains(table, "clip_score" if by == "clip" else "overall")),
    )


def gains(table: pd.DataFrame, measure: str) -> NDArray[np.float64]:
    """(prompts,) of those with two distinct candidates to compare: how far the best lies above their mean."""
    prompts = table["prompt_id"].drop_duplicates()  # in this order: an interval depends on it a little
    best = table.sort_values("place", kind="stable").drop_duplicates("prompt_id").set_index("prompt_id")[measure]
    distinct = table[table["is_distinct"] & table[measure].notna()]
    means = distinct.groupby("prompt_id")[measure].agg(["mean", "size"]).reindex(prompts)
    found = best.reindex(prompts) - means["mean"].where(means["size"] > 1)
    return found.dropna().to_numpy(dtype=np.float64)


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
